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
	.get_region_info_caps = vfio_pci_ioctl_get_region_info,
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

#endif /* NVME_LM_COMPAT_H */
