/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A whole state in memory, for command sets that cannot move it in pieces.
 */
#ifndef NVME_LM_IMAGE_H
#define NVME_LM_IMAGE_H

#include <linux/types.h>

/**
 * struct nvme_lm_image - a state, or the first part of one
 * @data: @room bytes
 * @room: most bytes that it can have
 * @size: bytes that it has
 * @whole: they are all of it
 */
struct nvme_lm_image {
	u8 *data;
	u32 room;
	u32 size;
	bool whole;
};

void nvme_lm_image_drop(struct nvme_lm_image *image);
int nvme_lm_image_add(struct nvme_lm_image *image, u64 offset, const void *buf, u32 len,
		      u8 seq);
void nvme_lm_image_copy(const struct nvme_lm_image *image, u64 offset, void *buf, u32 len);

#endif /* NVME_LM_IMAGE_H */
