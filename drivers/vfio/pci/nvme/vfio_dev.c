// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VFIO device: vfio-pci, and on top of it the handle that makes a function
 * migratable.
 */
#include <linux/err.h>
#include <linux/pci.h>

#include <compat/nvme-lm-compat.h>

#include "device.h"
#include "message.h"

/*
 * The controlling side was reset or goes away.  The state machine must not be
 * moved behind the user's back, and the user may sit in a state call that waits
 * for a command: so only take note.
 */
static void nvme_vfio_event(struct nvme_lm_client *client, enum nvme_lm_event event)
{
	struct nvme_vfio_device *nvdev =
		container_of(client, struct nvme_vfio_device, client);

	nvme_vfio_state_lost(nvdev);
}

/*
 * Get the handle.  NULL means as under vfio-pci, which is nothing to complain
 * about unless somebody could have expected more.
 */
static struct nvme_lm_function *get_handle(struct nvme_vfio_device *nvdev,
					   struct nvme_vfio_description *desc)
{
	struct pci_dev *pdev = to_pci_dev(nvdev->core.vdev.dev);
	struct nvme_lm_function *fn;
	int ret;

	memset(desc, 0, sizeof(*desc));
	fn = nvme_lm_get(pdev, &nvdev->client);
	if (PTR_ERR(fn) == -ENODEV)
		return NULL;
	if (IS_ERR(fn)) {
		nvme_vfio_warn(nvdev,
			       "no live migration: its controlling side gives error %ld\n",
			       PTR_ERR(fn));
		return NULL;
	}

	/* a function that cannot be described could never be compared */
	ret = nvme_vfio_piece_size(fn) ? nvme_vfio_describe(fn, desc) : -EREMOTEIO;
	if (ret) {
		nvme_vfio_warn(nvdev, "no live migration: identifying it gives error %d\n", ret);
		nvme_lm_put(fn);
		return NULL;
	}
	return fn;
}

/*
 * VFIO offers migration if there are operations for it.  Once the device was
 * registered with them they must stay, because debugfs calls them at any time;
 * without a flag nobody uses them then.
 */
static void offer_migration(struct nvme_vfio_device *nvdev, struct nvme_lm_function *fn)
{
	struct vfio_device *vdev = &nvdev->core.vdev;

	vdev->migration_flags = 0;
	if (fn)
		vdev->migration_flags = VFIO_MIGRATION_STOP_COPY | VFIO_MIGRATION_P2P;
	if (fn && nvme_lm_caps(fn)->flags & NVME_LM_CAP_LIVE_READ && !nvme_vfio_whole_image())
		vdev->migration_flags |= VFIO_MIGRATION_PRE_COPY;
	if (fn || nvdev->migratable_at_bind)
		vdev->mig_ops = &nvme_vfio_migration_ops;
	else
		vdev->mig_ops = NULL;
	nvme_vfio_dirty_offer(nvdev, fn);
}

static int nvme_vfio_init_dev(struct vfio_device *vdev)
{
	struct nvme_vfio_device *nvdev = to_nvme_vfio(vdev);
	struct nvme_vfio_description desc;
	struct nvme_lm_function *fn;
	int ret;

	ret = vfio_pci_core_init_dev(vdev);
	if (ret)
		return ret;

	mutex_init(&nvdev->state_mutex);
	nvme_vfio_messages_init(nvdev);
	init_waitqueue_head(&nvdev->wait);
	nvdev->client.event = nvme_vfio_event;
	nvdev->client.read32 = nvme_vfio_read32;
	nvdev->client.write32 = nvme_vfio_write32;
	nvdev->state = VFIO_DEVICE_STATE_RUNNING;

	fn = get_handle(nvdev, &desc);
	nvdev->migratable_at_bind = fn;
	offer_migration(nvdev, fn);
	nvme_vfio_description_free(&desc);
	if (fn)
		nvme_lm_put(fn);
	return 0;
}

static void nvme_vfio_release_dev(struct vfio_device *vdev)
{
	mutex_destroy(&to_nvme_vfio(vdev)->state_mutex);
	vfio_pci_core_release_dev(vdev);
}

static int nvme_vfio_open_device(struct vfio_device *vdev)
{
	struct nvme_vfio_device *nvdev = to_nvme_vfio(vdev);
	struct nvme_vfio_description desc;
	struct nvme_lm_function *fn;
	int ret;

	ret = vfio_pci_core_enable(&nvdev->core);
	if (ret)
		return ret;
	nvdev->enabled = true;

	fn = get_handle(nvdev, &desc);
	/* whether or not it can be migrated at the moment */
	memset(&nvdev->hidden, 0, sizeof(nvdev->hidden));
	nvme_lm_hidden(nvdev->core.pdev, &nvdev->hidden);
	nvme_vfio_state_open(nvdev, fn, &desc);
	offer_migration(nvdev, fn);

	vfio_pci_core_finish_enable(&nvdev->core);
	return 0;
}

/*
 * Where closing did not reset the function, the next user must not find it
 * suspended.  It is not where it runs (-EPROTO), is offline (-ENXIO), or its
 * controlling side was reset or is gone.
 */
static void resume_closed(struct nvme_vfio_device *nvdev, struct nvme_lm_function *fn)
{
	int ret = nvme_lm_resume(fn);

	switch (ret) {
	case 0:
	case -EPROTO:
	case -ENODEV:
	case -ENXIO:
	case -ESTALE:
		return;
	default:
		nvme_vfio_warn(nvdev,
			       "expected to run after it was closed, resuming it gives error %d: it may still be suspended; reset it before it is used again\n",
			       ret);
	}
}

static void nvme_vfio_close_device(struct vfio_device *vdev)
{
	struct nvme_vfio_device *nvdev = to_nvme_vfio(vdev);
	struct nvme_lm_function *fn;
	bool suspended;

	fn = nvme_vfio_state_close(nvdev, &suspended);

	nvdev->enabled = false;
	/* stops DMA, and resets the function if that works */
	vfio_pci_core_close_device(vdev);
	if (!fn)
		return;

	if (suspended)
		resume_closed(nvdev, fn);
	nvme_lm_put(fn);
}

const struct vfio_device_ops nvme_vfio_ops = {
	.name = "nvme-vfio-pci",
	.init = nvme_vfio_init_dev,
	.release = nvme_vfio_release_dev,
	.open_device = nvme_vfio_open_device,
	.close_device = nvme_vfio_close_device,
	.ioctl = nvme_vfio_ioctl,
	.device_feature = vfio_pci_core_ioctl_feature,
	.read = nvme_vfio_read,
	.write = nvme_vfio_write,
	.mmap = nvme_vfio_mmap,
	.request = vfio_pci_core_request,
	.match = vfio_pci_core_match,
	.bind_iommufd = vfio_iommufd_physical_bind,
	.unbind_iommufd = vfio_iommufd_physical_unbind,
	.attach_ioas = vfio_iommufd_physical_attach_ioas,
	.detach_ioas = vfio_iommufd_physical_detach_ioas,
	NVME_LM_VFIO_REGION_INFO
	NVME_LM_VFIO_MATCH_TOKEN
	NVME_LM_VFIO_PASID
};
