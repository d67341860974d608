// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers of a function that its user must not have: those by which it is
 * controlled, where they are in the function itself.
 *
 * Everything that leads to a BAR goes through here: read, write, mmap, region
 * info, ioeventfds and DMA-bufs.  The hidden part reads as zeros and ignores
 * writes, as reserved registers do; it cannot be mapped or exported.  A function
 * that has no such part is as under vfio-pci.
 */
#include <linux/minmax.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>
#include <linux/vfio_pci_core.h>

#include "device.h"

static bool is_hidden_bar(const struct nvme_vfio_device *nvdev, u64 index)
{
	return nvdev->hidden.size && index == nvdev->hidden.bar;
}

bool nvme_vfio_hides(const struct nvme_vfio_device *nvdev, u64 index, u64 offset, u64 len)
{
	const struct nvme_lm_hidden *hidden = &nvdev->hidden;

	return is_hidden_bar(nvdev, index) && offset < hidden->offset + hidden->size &&
	       (offset >= hidden->offset || len > hidden->offset - offset);
}

/*
 * How much of an access is all inside of the hidden part, or all outside; the
 * caller comes again for the rest.
 */
static size_t cut_access(const struct nvme_vfio_device *nvdev, size_t count, loff_t pos,
			 bool *inside)
{
	const struct nvme_lm_hidden *hidden = &nvdev->hidden;
	u64 offset = pos & VFIO_PCI_OFFSET_MASK;

	*inside = false;
	if (!nvme_vfio_hides(nvdev, VFIO_PCI_OFFSET_TO_INDEX(pos), offset, count))
		return count;
	if (offset < hidden->offset)
		return hidden->offset - offset;
	*inside = true;
	return min_t(u64, count, hidden->offset + hidden->size - offset);
}

ssize_t nvme_vfio_read(struct vfio_device *vdev, char __user *buf, size_t count, loff_t *ppos)
{
	bool inside;

	count = cut_access(to_nvme_vfio(vdev), count, *ppos, &inside);
	if (!inside)
		return vfio_pci_core_read(vdev, buf, count, ppos);
	if (clear_user(buf, count))
		return -EFAULT;
	*ppos += count;
	return count;
}

ssize_t nvme_vfio_write(struct vfio_device *vdev, const char __user *buf, size_t count,
			loff_t *ppos)
{
	bool inside;

	count = cut_access(to_nvme_vfio(vdev), count, *ppos, &inside);
	if (!inside)
		return vfio_pci_core_write(vdev, buf, count, ppos);
	*ppos += count;
	return count;
}

int nvme_vfio_mmap(struct vfio_device *vdev, struct vm_area_struct *vma)
{
	u64 pos = (u64)vma->vm_pgoff << PAGE_SHIFT;

	if (nvme_vfio_hides(to_nvme_vfio(vdev), VFIO_PCI_OFFSET_TO_INDEX(pos),
			    pos & VFIO_PCI_OFFSET_MASK, vma->vm_end - vma->vm_start))
		return -EINVAL;
	return vfio_pci_core_mmap(vdev, vma);
}

/* What of the BAR may be mapped: that before the hidden part and that behind. */
static int add_areas(const struct nvme_vfio_device *nvdev, u64 size,
		     struct vfio_info_cap *caps)
{
	u64 end = nvdev->hidden.offset + nvdev->hidden.size;
	struct vfio_region_info_cap_sparse_mmap *sparse;
	size_t bytes = struct_size(sparse, areas, 2);
	int ret;

	sparse = kzalloc(bytes, GFP_KERNEL);
	if (!sparse)
		return -ENOMEM;
	sparse->header.id = VFIO_REGION_INFO_CAP_SPARSE_MMAP;
	sparse->header.version = 1;
	if (nvdev->hidden.offset)
		sparse->areas[sparse->nr_areas++].size = nvdev->hidden.offset;
	if (end < size) {
		sparse->areas[sparse->nr_areas].offset = end;
		sparse->areas[sparse->nr_areas++].size = size - end;
	}
	ret = vfio_info_add_capability(caps, &sparse->header,
				       struct_size(sparse, areas, sparse->nr_areas));
	kfree(sparse);
	return ret;
}

/* As of vfio-pci, but that only parts may be mapped. */
static int describe_bar(struct nvme_vfio_device *nvdev, struct vfio_region_info *info,
			struct vfio_info_cap *caps)
{
	struct vfio_info_cap_header msix = {
		.id = VFIO_REGION_INFO_CAP_MSIX_MAPPABLE,
		.version = 1,
	};
	int ret;

	info->offset = VFIO_PCI_INDEX_TO_OFFSET(info->index);
	info->size = pci_resource_len(nvdev->core.pdev, info->index);
	info->flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
	if (!nvdev->core.bar_mmap_supported[info->index])
		return 0;
	info->flags |= VFIO_REGION_INFO_FLAG_MMAP;
	ret = add_areas(nvdev, info->size, caps);
	if (!ret && info->index == nvdev->core.msix_bar)
		ret = vfio_info_add_capability(caps, &msix, sizeof(msix));
	return ret;
}

#ifdef HAVE_VFIO_GET_REGION_INFO_CAPS
int nvme_vfio_region_info(struct vfio_device *vdev, struct vfio_region_info *info,
			  struct vfio_info_cap *caps)
{
	if (!is_hidden_bar(to_nvme_vfio(vdev), info->index))
		return vfio_pci_ioctl_get_region_info(vdev, info, caps);
	return describe_bar(to_nvme_vfio(vdev), info, caps);
}
#else
/* Put the capabilities behind @info, if the user has left room. */
static int copy_caps(struct vfio_region_info *info, struct vfio_info_cap *caps,
		     void __user *behind)
{
	if (!caps->size)
		return 0;
	info->flags |= VFIO_REGION_INFO_FLAG_CAPS;
	info->cap_offset = 0;
	if (info->argsz < sizeof(*info) + caps->size) {
		info->argsz = sizeof(*info) + caps->size;
		return 0;
	}
	vfio_info_cap_shift(caps, sizeof(*info));
	info->cap_offset = sizeof(*info);
	return copy_to_user(behind, caps->buf, caps->size) ? -EFAULT : 0;
}

static long region_info(struct vfio_device *vdev, unsigned long arg)
{
	size_t size = offsetofend(struct vfio_region_info, offset);
	struct vfio_region_info __user *user = (void __user *)arg;
	struct vfio_info_cap caps = {};
	struct vfio_region_info info;
	int ret;

	if (copy_from_user(&info, user, size))
		return -EFAULT;
	if (info.argsz < size || !is_hidden_bar(to_nvme_vfio(vdev), info.index))
		return vfio_pci_core_ioctl(vdev, VFIO_DEVICE_GET_REGION_INFO, arg);
	ret = describe_bar(to_nvme_vfio(vdev), &info, &caps);
	if (!ret)
		ret = copy_caps(&info, &caps, user + 1);
	kfree(caps.buf);
	if (ret)
		return ret;
	return copy_to_user(user, &info, size) ? -EFAULT : 0;
}
#endif

long nvme_vfio_ioctl(struct vfio_device *vdev, unsigned int cmd, unsigned long arg)
{
	bool hides = to_nvme_vfio(vdev)->hidden.size;

	/*
	 * It writes to a register on the user's behalf, and vfio-pci reads anew what
	 * was looked at here.  Who asks for it can do without.
	 */
	if (hides && cmd == VFIO_DEVICE_IOEVENTFD)
		return -EINVAL;
#ifndef HAVE_VFIO_GET_REGION_INFO_CAPS
	if (hides && cmd == VFIO_DEVICE_GET_REGION_INFO)
		return region_info(vdev, arg);
#endif
	return vfio_pci_core_ioctl(vdev, cmd, arg);
}
