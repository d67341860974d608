// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is wanted of tracking is made to fit what the device can: all of it is
 * covered, as little more as possible, never more than the device takes.
 */
#include <kunit/test.h>
#include <linux/prandom.h>

#include "../../drivers/nvme/lm/ranges.h"

#define PAGE(n)		((u64)(n) << 12)
#define SPAN(from, to)	{ PAGE(from), PAGE(to) + 4095 }

static const struct nvme_lm_track_limits four = {
	.max_ranges = 4, .min_shift = 12, .max_shift = 21,
};

/* Plan, and compare with what is expected. */
static void expect_plan(struct kunit *test, struct nvme_lm_span *spans,
			unsigned int count, u8 shift,
			const struct nvme_lm_span *expected, unsigned int n)
{
	unsigned int i;

	KUNIT_ASSERT_EQ(test, nvme_lm_ranges_plan(spans, &count, &four, &shift),
			0);
	KUNIT_ASSERT_EQ(test, count, n);
	for (i = 0; i < n; i++) {
		KUNIT_EXPECT_EQ(test, spans[i].first, expected[i].first);
		KUNIT_EXPECT_EQ(test, spans[i].last, expected[i].last);
	}
}

static void what_fits_stays(struct kunit *test)
{
	struct nvme_lm_span spans[] = { SPAN(9, 9), SPAN(1, 2), SPAN(5, 7) };
	const struct nvme_lm_span sorted[] = {
		SPAN(1, 2), SPAN(5, 7), SPAN(9, 9),
	};

	expect_plan(test, spans, 3, 12, sorted, 3);
}

static void neighbours_become_one(struct kunit *test)
{
	struct nvme_lm_span spans[] = { SPAN(3, 4), SPAN(1, 2), SPAN(2, 3) };
	const struct nvme_lm_span one[] = { SPAN(1, 4) };

	expect_plan(test, spans, 3, 12, one, 1);
}

static void the_smallest_gaps_go_first(struct kunit *test)
{
	struct nvme_lm_span spans[] = {
		SPAN(1, 1), SPAN(100, 100), SPAN(103, 103), SPAN(200, 200),
		SPAN(205, 205), SPAN(1000, 1000),
	};
	const struct nvme_lm_span four_left[] = {
		SPAN(1, 1), SPAN(100, 103), SPAN(200, 205), SPAN(1000, 1000),
	};

	expect_plan(test, spans, 6, 12, four_left, 4);
}

static void ends_are_rounded_out(struct kunit *test)
{
	struct nvme_lm_span spans[] = { { 0x1234, 0x1234 }, { 0x10fff, 0x11000 } };
	const struct nvme_lm_span whole[] = {
		{ 0, 0x3fff }, { 0x10000, 0x13fff },
	};

	expect_plan(test, spans, 2, 14, whole, 2);
}

static void the_last_byte_of_all(struct kunit *test)
{
	struct nvme_lm_span spans[] = {
		{ U64_MAX, U64_MAX }, { U64_MAX - 4096, U64_MAX - 4096 },
	};
	const struct nvme_lm_span top[] = { { U64_MAX - 8191, U64_MAX } };

	expect_plan(test, spans, 2, 12, top, 1);
}

static void granularity_is_the_nearest_there_is(struct kunit *test)
{
	struct nvme_lm_track_limits limits = four;
	struct nvme_lm_span span = SPAN(0, 0);
	unsigned int count = 1;
	u8 shift = 12;

	limits.min_shift = 16;
	KUNIT_EXPECT_EQ(test, nvme_lm_ranges_plan(&span, &count, &limits,
						  &shift), 0);
	KUNIT_EXPECT_EQ(test, shift, 16);
	KUNIT_EXPECT_EQ(test, span.last, 0xffffULL);
	shift = 30;
	KUNIT_EXPECT_EQ(test, nvme_lm_ranges_plan(&span, &count, &limits,
						  &shift), 0);
	KUNIT_EXPECT_EQ(test, shift, 21);
}

static void a_long_span_takes_several_descriptors(struct kunit *test)
{
	struct nvme_lm_span span = { 0, (1ULL << 45) - 1 };
	unsigned int count = 1;
	u8 shift = 12;

	/* 2^33 granules: two of the most there may be, and the rest */
	KUNIT_EXPECT_EQ(test, nvme_lm_ranges_descriptors(&span, 1, 12, false), 3ULL);
	KUNIT_EXPECT_EQ(test, nvme_lm_ranges_plan(&span, &count, &four, &shift),
			0);
	KUNIT_EXPECT_EQ(test, shift, 12);
}

static void what_is_too_long_gets_coarser(struct kunit *test)
{
	struct nvme_lm_span span = { 0, (1ULL << 46) - 1 };
	unsigned int count = 1;
	u8 shift = 12;

	/* 5 descriptors at 4 KiB, 3 at 8 KiB */
	KUNIT_EXPECT_EQ(test, nvme_lm_ranges_plan(&span, &count, &four, &shift),
			0);
	KUNIT_EXPECT_EQ(test, shift, 13);
}

static void a_length_of_no_power_takes_several_descriptors(struct kunit *test)
{
	struct nvme_lm_span span = SPAN(16, 28);	/* 13 granules */
	struct nvme_lm_span most = { 0, (1ULL << 44) - 1 };

	KUNIT_EXPECT_EQ(test, nvme_lm_ranges_descriptors(&span, 1, 12, true), 3ULL);
	KUNIT_EXPECT_EQ(test, nvme_lm_ranges_descriptors(&span, 1, 12, false), 1ULL);
	/* 2^32 granules, of which LEN has at most 2^31 as a power */
	KUNIT_EXPECT_EQ(test, nvme_lm_ranges_descriptors(&most, 1, 12, true), 2ULL);
}

static void a_length_that_is_left_is_filled_up(struct kunit *test)
{
	struct nvme_lm_track_limits one = {
		.max_ranges = 1, .min_shift = 12, .max_shift = 12, .powers = true,
	};
	struct nvme_lm_span span = SPAN(16, 28);
	unsigned int count = 1;
	u8 shift = 12;

	KUNIT_ASSERT_EQ(test, nvme_lm_ranges_plan(&span, &count, &one, &shift), 0);
	KUNIT_EXPECT_EQ(test, span.first, PAGE(16));
	KUNIT_EXPECT_EQ(test, span.last, PAGE(32) - 1);

	/* no room for that */
	span.first = U64_MAX - 3 * 4096 + 1;
	span.last = U64_MAX;
	KUNIT_EXPECT_EQ(test, nvme_lm_ranges_plan(&span, &count, &one, &shift),
			-ENOSPC);
}

static void what_never_fits_is_refused(struct kunit *test)
{
	struct nvme_lm_span span = { 0, U64_MAX };
	struct nvme_lm_track_limits none = {};
	unsigned int count = 1;
	u8 shift = 12;

	KUNIT_EXPECT_EQ(test, nvme_lm_ranges_plan(&span, &count, &four, &shift),
			-ENOSPC);
	KUNIT_EXPECT_EQ(test, nvme_lm_ranges_plan(&span, &count, &none, &shift),
			-ENOSPC);
}

static bool covered(const struct nvme_lm_span *spans, unsigned int count,
		    const struct nvme_lm_span *want)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (spans[i].first <= want->first && want->last <= spans[i].last)
			return true;
	return false;
}

static void all_is_covered_whatever_comes(struct kunit *test)
{
	struct nvme_lm_span *spans, *want;
	struct nvme_lm_track_limits limits = four;
	struct rnd_state rnd;
	unsigned int round, i;

	spans = kunit_kcalloc(test, 256, sizeof(*spans), GFP_KERNEL);
	want = kunit_kcalloc(test, 256, sizeof(*want), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, spans);
	KUNIT_ASSERT_NOT_NULL(test, want);
	prandom_seed_state(&rnd, 3);
	for (round = 0; round < 200; round++) {
		unsigned int n = 1 + prandom_u32_state(&rnd) % 256, count = n;
		u8 shift = 12 + prandom_u32_state(&rnd) % 10;

		for (i = 0; i < n; i++) {
			want[i].first = prandom_u32_state(&rnd);
			want[i].last = want[i].first +
				       prandom_u32_state(&rnd) % 100000;
			spans[i] = want[i];
		}
		limits.powers = round % 2;
		KUNIT_ASSERT_EQ(test, nvme_lm_ranges_plan(spans, &count, &limits,
							  &shift), 0);
		KUNIT_ASSERT_LE(test, nvme_lm_ranges_descriptors(spans, count, shift,
								 limits.powers), 4ULL);
		for (i = 0; i < n; i++)
			KUNIT_ASSERT_TRUE(test, covered(spans, count, &want[i]));
		for (i = 1; i < count; i++)
			KUNIT_ASSERT_GT(test, spans[i].first,
					spans[i - 1].last + 1);
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE(what_fits_stays),
	KUNIT_CASE(neighbours_become_one),
	KUNIT_CASE(the_smallest_gaps_go_first),
	KUNIT_CASE(ends_are_rounded_out),
	KUNIT_CASE(the_last_byte_of_all),
	KUNIT_CASE(granularity_is_the_nearest_there_is),
	KUNIT_CASE(a_long_span_takes_several_descriptors),
	KUNIT_CASE(what_is_too_long_gets_coarser),
	KUNIT_CASE(a_length_of_no_power_takes_several_descriptors),
	KUNIT_CASE(a_length_that_is_left_is_filled_up),
	KUNIT_CASE(what_never_fits_is_refused),
	KUNIT_CASE(all_is_covered_whatever_comes),
	{}
};

static struct kunit_suite suite = {
	.name = "nvme-lm-ranges",
	.test_cases = cases,
};

kunit_test_suite(suite);
