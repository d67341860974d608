// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fitting ranges to what a device can track; see ranges.h.
 */
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/math64.h>

#include "ranges.h"

/* In ascending order; there are few, and most callers have them so already. */
static void sort_spans(struct nvme_lm_span *spans, unsigned int count)
{
	unsigned int i, j;

	for (i = 1; i < count; i++) {
		struct nvme_lm_span span = spans[i];

		for (j = i; j && spans[j - 1].first > span.first; j--)
			spans[j] = spans[j - 1];
		spans[j] = span;
	}
}

/* Take a span out; what it had is in the one before. */
static void remove_span(struct nvme_lm_span *spans, unsigned int *count,
			unsigned int at)
{
	unsigned int i;

	--*count;
	for (i = at; i < *count; i++)
		spans[i] = spans[i + 1];
}

/* Round out to granules, and join those that touch or overlap. */
static void round_out(struct nvme_lm_span *spans, unsigned int *count, u8 shift)
{
	u64 mask = (1ULL << shift) - 1;
	unsigned int i;

	for (i = 0; i < *count; i++) {
		spans[i].first &= ~mask;
		spans[i].last |= mask;
	}
	for (i = 1; i < *count; ) {
		if (spans[i - 1].last != U64_MAX &&
		    spans[i].first > spans[i - 1].last + 1) {
			i++;
			continue;
		}
		if (spans[i - 1].last < spans[i].last)
			spans[i - 1].last = spans[i].last;
		remove_span(spans, count, i);
	}
}

/* Join the two spans that have the least memory between them. */
static void join_closest(struct nvme_lm_span *spans, unsigned int *count)
{
	unsigned int i, best = 1;

	for (i = 2; i < *count; i++)
		if (spans[i].first - spans[i - 1].last <
		    spans[best].first - spans[best - 1].last)
			best = i;
	spans[best - 1].last = spans[best].last;
	remove_span(spans, count, best);
}

/**
 * nvme_lm_range_piece - how much of a span one descriptor takes
 * @granules: what is left of it, at least 1
 * @powers: whether lengths have to be powers of two
 *
 * Return: granules, at most %NVME_LM_MAX_GRANULES.
 */
u32 nvme_lm_range_piece(u64 granules, bool powers)
{
	granules = min_t(u64, granules, NVME_LM_MAX_GRANULES);
	return powers ? rounddown_pow_of_two((u32)granules) : granules;
}

/* Descriptors for so many granules. */
static u64 pieces(u64 granules, bool powers)
{
	u32 most = nvme_lm_range_piece(U64_MAX, powers);
	u64 full = div_u64(granules, most);
	u32 rest = granules - full * most;

	return full + (powers ? hweight32(rest) : !!rest);
}

/**
 * nvme_lm_ranges_descriptors - how many descriptors spans need
 * @spans: whole granules each
 * @count: how many
 * @shift: granularity, as the binary logarithm of bytes, at least 12
 * @powers: whether lengths have to be powers of two
 *
 * Return: the number; a span of more than %NVME_LM_MAX_GRANULES needs several.
 */
u64 nvme_lm_ranges_descriptors(const struct nvme_lm_span *spans,
			       unsigned int count, u8 shift, bool powers)
{
	u64 sum = 0;
	unsigned int i;

	/* No sum can wrap, for @shift is at least 12. */
	for (i = 0; i < count; i++)
		sum += pieces(((spans[i].last - spans[i].first) >> shift) + 1,
			      powers);
	return sum;
}

/* Lengthen a span to a power of two granules, if 64 bits have room for it. */
static bool fill_up(struct nvme_lm_span *span, u8 shift)
{
	u64 granules = ((span->last - span->first) >> shift) + 1;
	u64 last = span->first + (roundup_pow_of_two(granules) << shift) - 1;

	if (is_power_of_2(granules) || last < span->last)
		return false;
	span->last = last;
	return true;
}

/**
 * nvme_lm_ranges_plan - what to have tracked so that spans are
 * @spans: what is wanted, in any order; replaced by what is to be tracked:
 *	whole granules, in ascending order, with a gap between any two
 * @count: how many spans, at least 1; updated
 * @limits: what the device can do; @min_shift is at least 12
 * @shift: the granularity that is wanted, as the binary logarithm of bytes;
 *	replaced by the one to use
 *
 * A finer granularity than the device has, or a coarser one, becomes its
 * nearest.  What has too many spans for the device is joined where the gaps are
 * smallest.  Only what is too long even as one gets a coarser granularity.
 *
 * Return: 0, or -ENOSPC if the device cannot do that.
 */
int nvme_lm_ranges_plan(struct nvme_lm_span *spans, unsigned int *count,
			const struct nvme_lm_track_limits *limits, u8 *shift)
{
	if (!limits->max_ranges || !*count)
		return -ENOSPC;
	if (*shift < limits->min_shift)
		*shift = limits->min_shift;
	if (*shift > limits->max_shift)
		*shift = limits->max_shift;

	sort_spans(spans, *count);
	round_out(spans, count, *shift);
	while (nvme_lm_ranges_descriptors(spans, *count, *shift,
					  limits->powers) >
	       limits->max_ranges) {
		if (*count > 1) {
			join_closest(spans, count);
		} else if (*shift < limits->max_shift) {
			++*shift;
			round_out(spans, count, *shift);
		} else if (!limits->powers || !fill_up(spans, *shift)) {
			return -ENOSPC;
		}
	}
	return 0;
}
