// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the controlling side says of a function, gathered.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "device.h"

int nvme_vfio_describe(struct nvme_lm_function *fn, struct nvme_vfio_description *desc)
{
	int ret;

	memset(desc, 0, sizeof(*desc));
	ret = nvme_lm_identity(fn, &desc->identity);
	if (!ret)
		ret = nvme_lm_formats(fn, &desc->formats, &desc->format_count);
	if (!ret)
		ret = nvme_lm_media(fn, &desc->media, &desc->media_count);
	if (ret)
		nvme_vfio_description_free(desc);
	return ret;
}

void nvme_vfio_description_free(struct nvme_vfio_description *desc)
{
	kfree(desc->formats);
	kvfree(desc->media);
	memset(desc, 0, sizeof(*desc));
}
