/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between the kernels that the modules are built for.
 *
 * Kbuild.compat looks into the kernel's headers and defines HAVE_*; nothing
 * here or anywhere else asks for a version number.
 */
#ifndef NVME_LM_COMPAT_H
#define NVME_LM_COMPAT_H

/* Namespace of what nvme-lm.ko exports; MODULE_INFO() takes a string always. */
#define NVME_LM_NAMESPACE	"NVME_LM"
#define NVME_LM_IMPORT()	MODULE_INFO(import_ns, NVME_LM_NAMESPACE)

#ifdef HAVE_EXPORT_SYMBOL_NS_BARE
#define EXPORT_SYMBOL_NVME_LM(symbol) \
	EXPORT_SYMBOL_NS_GPL(symbol, NVME_LM)
#else
#define EXPORT_SYMBOL_NVME_LM(symbol) \
	EXPORT_SYMBOL_NS_GPL(symbol, NVME_LM_NAMESPACE)
#endif

/*
 * Members of struct vfio_device_ops that vfio-pci sets on newer kernels, and
 * that every user of vfio-pci-core must or should set likewise.
 */
#ifdef HAVE_VFIO_GET_REGION_INFO_CAPS
#define NVME_LM_VFIO_REGION_INFO \
	.get_region_info_caps = nvme_vfio_region_info,
#else
#define NVME_LM_VFIO_REGION_INFO
#endif

#ifdef HAVE_VFIO_MATCH_TOKEN_UUID
#define NVME_LM_VFIO_MATCH_TOKEN \
	.match_token_uuid = vfio_pci_core_match_token_uuid,
#else
#define NVME_LM_VFIO_MATCH_TOKEN
#endif

#ifdef HAVE_VFIO_PASID_IOAS
#define NVME_LM_VFIO_PASID \
	.pasid_attach_ioas = vfio_iommufd_physical_pasid_attach_ioas, \
	.pasid_detach_ioas = vfio_iommufd_physical_pasid_detach_ioas,
#else
#define NVME_LM_VFIO_PASID
#endif

/* For those who have included <linux/blk-mq.h>. */
#ifdef BLK_MQ_H
/**
 * nvme_lm_map_kern - have a request move kernel memory
 * @q: its queue
 * @req: the request
 * @buf: kmalloc or vmalloc memory
 * @len: bytes of it
 *
 * Return: 0 or an errno.
 */
static inline int nvme_lm_map_kern(struct request_queue *q, struct request *req, void *buf,
				   unsigned int len)
{
#ifdef HAVE_BLK_RQ_MAP_KERN_QUEUE
	return blk_rq_map_kern(q, req, buf, len, GFP_KERNEL);
#else
	return blk_rq_map_kern(req, buf, len, GFP_KERNEL);
#endif
}
#endif /* BLK_MQ_H */

/* For those who have included <linux/vfio_pci_core.h>, which not all have. */
#ifdef VFIO_PCI_CORE_H
/**
 * nvme_lm_vfio_bar - the mapping of a BAR
 * @core: device that is open
 * @bar: index of the BAR
 *
 * Return: the mapping, valid until the device is closed, or IOMEM_ERR_PTR().
 */
static inline void __iomem *nvme_lm_vfio_bar(struct vfio_pci_core_device *core, int bar)
{
#ifdef HAVE_VFIO_PCI_CORE_GET_IOMAP
	return vfio_pci_core_get_iomap(core, bar);
#else
	int ret = vfio_pci_core_setup_barmap(core, bar);

	return ret ? IOMEM_ERR_PTR(ret) : core->barmap[bar];
#endif
}
#endif /* VFIO_PCI_CORE_H */

/* Likewise <linux/vfio.h>, and what else this takes. */
#ifdef VFIO_H
/**
 * nvme_lm_vfio_check_precopy - is this VFIO_MIG_GET_PRECOPY_INFO
 * @vdev: device of the migration file
 * @cmd: command of the ioctl
 * @arg: its argument
 * @info: filled in from user space
 *
 * Return: 0, -ENOTTY for another command, -EFAULT or -EINVAL.
 */
static inline int nvme_lm_vfio_check_precopy(struct vfio_device *vdev, unsigned int cmd,
					     unsigned long arg, struct vfio_precopy_info *info)
{
#ifdef HAVE_VFIO_CHECK_PRECOPY_IOCTL
	return vfio_check_precopy_ioctl(vdev, cmd, arg, info);
#else
	unsigned long size = offsetofend(struct vfio_precopy_info, dirty_bytes);

	if (cmd != VFIO_MIG_GET_PRECOPY_INFO)
		return -ENOTTY;
	if (copy_from_user(info, (void __user *)arg, size))
		return -EFAULT;
	return info->argsz < size ? -EINVAL : 0;
#endif
}

/**
 * nvme_lm_vfio_precopy_v2 - has the user asked to be told of new initial data
 * @vdev: device of the migration file
 */
static inline bool nvme_lm_vfio_precopy_v2(const struct vfio_device *vdev)
{
#ifdef HAVE_VFIO_PRECOPY_INFO_V2
	return vdev->precopy_info_v2;
#else
	return false;
#endif
}

/**
 * nvme_lm_vfio_precopy_reinit - tell of new initial data
 * @info: what the user is to get, who has asked for it
 */
static inline void nvme_lm_vfio_precopy_reinit(struct vfio_precopy_info *info)
{
#ifdef HAVE_VFIO_PRECOPY_INFO_V2
	info->flags |= VFIO_PRECOPY_INFO_REINIT;
#endif
}
#endif /* VFIO_H */

#endif /* NVME_LM_COMPAT_H */
