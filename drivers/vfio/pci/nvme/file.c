// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the two kinds of migration file have in common.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/pci.h>

#include "device.h"

int nvme_vfio_file_create(struct nvme_vfio_file *file, struct nvme_vfio_device *nvdev,
			  const char *name, const struct file_operations *fops, int flags)
{
	struct file *filp;

	lockdep_assert_held(&nvdev->state_mutex);

	filp = anon_inode_getfile(name, fops, file, flags);
	if (IS_ERR(filp))
		return PTR_ERR(filp);

	stream_open(filp->f_inode, filp);
	file->filp = filp;
	file->nvdev = nvdev;
	/* what the state accounts for: anything that came since ends the file */
	file->resets = nvdev->seen_resets;
	file->losses = nvdev->seen_losses;
	mutex_init(&file->io_lock);
	get_device(&nvdev->core.vdev.device);
	/* the VFIO device does not hold it, and a file may outlive the unbinding */
	pci_dev_get(nvdev->core.pdev);
	return 0;
}

void nvme_vfio_file_cleanup(struct nvme_vfio_file *file)
{
	mutex_destroy(&file->io_lock);
	pci_dev_put(file->nvdev->core.pdev);
	put_device(&file->nvdev->core.vdev.device);
}

bool nvme_vfio_file_current(const struct nvme_vfio_file *file)
{
	return file->resets == atomic_read(&file->nvdev->resets) &&
	       file->losses == atomic_read(&file->nvdev->losses);
}

bool nvme_vfio_file_alive(const struct nvme_vfio_file *file)
{
	return !READ_ONCE(file->ended) && nvme_vfio_file_current(file);
}

int nvme_vfio_file_lock(struct nvme_vfio_file *file)
{
	if (file->filp->f_flags & O_NONBLOCK)
		return mutex_trylock(&file->io_lock) ? 0 : -EAGAIN;
	return mutex_lock_interruptible(&file->io_lock) ? -ERESTARTSYS : 0;
}
