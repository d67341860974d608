// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fitting ranges to what a device can track; see ranges.h.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
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
 * nvme_lm_ranges_descriptors - how many descriptors spans need
 * @spans: whole granules each
 * @count: how many
 * @shift: granularity, as the binary logarithm of bytes, at least 12
 *
 * Return: the number; a span of more than %NVME_LM_MAX_GRANULES needs several.
 */
u64 nvme_lm_ranges_descriptors(const struct nvme_lm_span *spans,
			       unsigned int count, u8 shift)
{
	u64 sum = 0;
	unsigned int i;

	for (i = 0; i < count; i++) {
		u64 granules = ((spans[i].last - spans[i].first) >> shift) + 1;

		/* No sum can wrap, for @shift is at least 12. */
		sum += div_u64(granules + NVME_LM_MAX_GRANULES - 1,
			       NVME_LM_MAX_GRANULES);
	}
	return sum;
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
	while (nvme_lm_ranges_descriptors(spans, *count, *shift) >
	       limits->max_ranges) {
		if (*count > 1) {
			join_closest(spans, count);
		} else if (*shift < limits->max_shift) {
			++*shift;
			round_out(spans, count, *shift);
		} else {
			return -ENOSPC;
		}
	}
	return 0;
}
