// SPDX-License-Identifier: GPL-2.0-only
/*
 * A whole state in memory; see image.h.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/nvme-lm.h>
#include <linux/string.h>

#include "image.h"

/**
 * nvme_lm_image_drop - forget the state
 * @image: where it is
 */
void nvme_lm_image_drop(struct nvme_lm_image *image)
{
	image->size = 0;
	image->whole = false;
}

/**
 * nvme_lm_image_add - a piece of a state that is written
 * @image: where the pieces are put together; one that came before is dropped with
 *	the first or only piece
 * @offset: bytes; pieces come in order and without a gap
 * @buf: the piece
 * @len: bytes of it
 * @seq: enum nvme_lm_sequence; with the last one the image is whole
 *
 * Return: 0, -EINVAL for a piece that is out of order, -ENOSPC for too much.
 */
int nvme_lm_image_add(struct nvme_lm_image *image, u64 offset, const void *buf, u32 len,
		      u8 seq)
{
	if (seq == NVME_LM_SEQ_FIRST || seq == NVME_LM_SEQ_ENTIRE)
		nvme_lm_image_drop(image);
	else if (!image->size || image->whole)
		return -EINVAL;
	if (offset != image->size)
		return -EINVAL;
	if (len > image->room - image->size)
		return -ENOSPC;
	memcpy(image->data + offset, buf, len);
	image->size += len;
	image->whole = seq == NVME_LM_SEQ_LAST || seq == NVME_LM_SEQ_ENTIRE;
	return 0;
}

/**
 * nvme_lm_image_copy - a piece of a state that is read
 * @image: the whole state
 * @offset: bytes
 * @buf: filled in; zeros beyond the end
 * @len: bytes of it
 */
void nvme_lm_image_copy(const struct nvme_lm_image *image, u64 offset, void *buf, u32 len)
{
	u32 there = 0;

	if (offset < image->size) {
		there = min_t(u64, len, image->size - offset);
		memcpy(buf, image->data + offset, there);
	}
	memset(buf + there, 0, len - there);
}
