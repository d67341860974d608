/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which ranges to ask a device to track, given those that are wanted.
 *
 * Pure logic: no command, no lock.  A device takes so many descriptors, each of
 * so many granules; what does not fit is made to fit by tracking more than what
 * was asked for, never less.
 */
#ifndef NVME_LM_RANGES_H
#define NVME_LM_RANGES_H

#include <linux/types.h>

/* Most granules of one descriptor: LEN has 32 bits. */
#define NVME_LM_MAX_GRANULES	0xffffffffU

/**
 * struct nvme_lm_span - some memory
 * @first: its first byte
 * @last: its last byte
 */
struct nvme_lm_span {
	u64 first;
	u64 last;
};

/**
 * struct nvme_lm_track_limits - what a device can track
 * @max_ranges: CMMRTD, most descriptors for all controllers that it tracks; 0 if
 *	it tracks none
 * @min_shift: MINMRTG as the binary logarithm of bytes
 * @max_shift: MAXMRTG likewise
 * @powers: MRTLL, the length of a descriptor has to be a power of two
 */
struct nvme_lm_track_limits {
	u32 max_ranges;
	u8 min_shift;
	u8 max_shift;
	bool powers;
};

int nvme_lm_ranges_plan(struct nvme_lm_span *spans, unsigned int *count,
			const struct nvme_lm_track_limits *limits, u8 *shift);
u64 nvme_lm_ranges_descriptors(const struct nvme_lm_span *spans,
			       unsigned int count, u8 shift, bool powers);
u32 nvme_lm_range_piece(u64 granules, bool powers);

#endif /* NVME_LM_RANGES_H */
