/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Data structures of Track Send and Track Receive, bounded and decoded.
 *
 * NVM Express Base Specification 2.1.  Pure logic.  As in wire.h, what the
 * device says is compared with the buffer it speaks of, and -EREMOTEIO if it
 * does not fit.
 */
#ifndef NVME_LM_TRACKWIRE_H
#define NVME_LM_TRACKWIRE_H

#include <linux/errno.h>
#include <linux/types.h>
#include <linux/unaligned.h>

#include "ranges.h"

/* Track Memory Changes: header, and a descriptor. */
#define NVME_LM_TRACK_HEADER	8
#define NVME_LM_TRACK_RANGE	12

/* Tracked Memory Changes: header, and a descriptor. */
#define NVME_LM_CHANGES_HEADER	16
#define NVME_LM_CHANGES_RUN	16
#define NVME_LM_CHANGES_RUN_LEN	8

/**
 * struct nvme_lm_changes - the header of a Tracked Memory Changes data structure
 * @count: NTMCD, how many descriptors follow
 * @shift: RPMPG, granularity as the binary logarithm of bytes
 * @more: there are more changes to be read
 */
struct nvme_lm_changes {
	u32 count;
	u8 shift;
	bool more;
};

void nvme_lm_decode_track_limits(const u8 *page,
				 struct nvme_lm_track_limits *limits);
int nvme_lm_decode_possible(u32 dword0, u8 *shift);
void nvme_lm_encode_ranges(u8 *buf, const struct nvme_lm_span *spans,
			   unsigned int count, u8 shift, bool powers);
void nvme_lm_blank_changes(u8 *buf);
bool nvme_lm_changes_unsaid(const u8 *buf);
int nvme_lm_decode_changes(const u8 *buf, u32 len, u16 cntlid,
			   struct nvme_lm_changes *changes);

/**
 * nvme_lm_decode_change - one descriptor
 * @buf: the data
 * @changes: nvme_lm_decode_changes() of it
 * @index: which, less than the count
 * @span: filled in: the bytes that may have changed
 *
 * Here, because there may be very many of them.
 *
 * Return: 0, or -EREMOTEIO if there are none, or some beyond 64 bits.
 */
static inline int nvme_lm_decode_change(const u8 *buf,
					const struct nvme_lm_changes *changes,
					u32 index, struct nvme_lm_span *span)
{
	const u8 *run = buf + NVME_LM_CHANGES_HEADER +
			(size_t)index * NVME_LM_CHANGES_RUN;
	u64 bytes = (u64)get_unaligned_le32(run + NVME_LM_CHANGES_RUN_LEN) << changes->shift;

	/* LEN has 32 bits: no shift of up to 31 loses any, and more is absurd. */
	if (!bytes || bytes >> changes->shift != get_unaligned_le32(run + NVME_LM_CHANGES_RUN_LEN))
		return -EREMOTEIO;
	span->first = get_unaligned_le64(run);
	span->last = span->first + bytes - 1;
	return span->last < span->first ? -EREMOTEIO : 0;
}

#endif /* NVME_LM_TRACKWIRE_H */
