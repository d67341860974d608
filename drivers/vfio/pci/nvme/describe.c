// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the controlling side says of a function, gathered.
 *
 * Asking takes several commands, so it is done when the function is opened, and
 * again while it runs: before PRE_COPY, and when a VMM asks how much there is to
 * migrate.  What is in the stream of STOP_COPY is then what was said last.  PCI IDs,
 * serial number and state formats do not change while it is open, unless the controlling
 * side was reset: then it is asked again before anything else.  Namespaces may,
 * by an administrator's doing, on either side and at any time, also after the
 * stream was sent: the destination compares them with what is attached to it then.
 */
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/timekeeping.h>

#include "device.h"

int nvme_vfio_describe(struct nvme_lm_function *fn, struct nvme_vfio_description *desc)
{
	int ret;

	memset(desc, 0, sizeof(*desc));
	desc->generation = nvme_lm_generation(fn);
	ret = nvme_lm_identity(fn, &desc->identity);
	if (!ret)
		ret = nvme_lm_formats(fn, &desc->formats, &desc->format_count);
	if (!ret)
		ret = nvme_lm_media(fn, &desc->media, &desc->media_count);
	if (ret)
		nvme_vfio_description_free(desc);
	return ret;
}

int nvme_vfio_describe_again(struct nvme_vfio_device *nvdev)
{
	struct nvme_vfio_description desc;
	int ret;

	lockdep_assert_held(&nvdev->state_mutex);
	ret = nvme_vfio_describe(nvdev->fn, &desc);
	if (ret)
		return ret;
	nvme_vfio_description_free(&nvdev->desc);
	nvdev->desc = desc;
	nvdev->described = ktime_get_ns();
	return 0;
}

int nvme_vfio_describe_after_reset(struct nvme_vfio_device *nvdev)
{
	lockdep_assert_held(&nvdev->state_mutex);
	if (nvdev->desc.generation == nvme_lm_generation(nvdev->fn))
		return 0;
	return nvme_vfio_describe_again(nvdev);
}

void nvme_vfio_description_free(struct nvme_vfio_description *desc)
{
	kfree(desc->formats);
	kvfree(desc->media);
	memset(desc, 0, sizeof(*desc));
}
