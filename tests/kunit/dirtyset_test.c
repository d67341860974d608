// SPDX-License-Identifier: GPL-2.0-only
/*
 * The set of dirty memory that nobody was told of yet: nothing is lost, nothing
 * is told twice, nothing clean is called dirty.
 */
#include <kunit/test.h>
#include <linux/bitmap.h>
#include <linux/prandom.h>

#include "../../drivers/nvme/lm/dirtyset.h"

static struct nvme_lm_dirty_set set;

static int set_init(struct kunit *test)
{
	set.runs = RB_ROOT;
	set.count = 0;
	return 0;
}

static void set_exit(struct kunit *test)
{
	nvme_lm_dirty_clear(&set);
}

static void add(struct kunit *test, u64 first, u64 last)
{
	KUNIT_ASSERT_EQ(test, nvme_lm_dirty_add(&set, first, last), 0);
}

/* The next run among @first to @last is this one. */
static void expect_run(struct kunit *test, u64 first, u64 last, u64 run_first,
		       u64 run_last)
{
	struct nvme_lm_span taken = {};

	KUNIT_ASSERT_TRUE(test, nvme_lm_dirty_take(&set, first, last, &taken));
	KUNIT_EXPECT_EQ(test, taken.first, run_first);
	KUNIT_EXPECT_EQ(test, taken.last, run_last);
}

static void expect_clean(struct kunit *test, u64 first, u64 last)
{
	struct nvme_lm_span taken;

	KUNIT_EXPECT_FALSE(test, nvme_lm_dirty_take(&set, first, last, &taken));
}

static void empty_has_nothing(struct kunit *test)
{
	expect_clean(test, 0, U64_MAX);
}

static void runs_that_touch_are_one(struct kunit *test)
{
	add(test, 10, 19);
	add(test, 30, 39);
	KUNIT_EXPECT_EQ(test, set.count, 2U);
	add(test, 20, 29);
	KUNIT_EXPECT_EQ(test, set.count, 1U);
	expect_run(test, 0, U64_MAX, 10, 39);
	expect_clean(test, 0, U64_MAX);
}

static void a_run_swallows_others(struct kunit *test)
{
	add(test, 10, 11);
	add(test, 20, 21);
	add(test, 30, 31);
	add(test, 5, 30);
	KUNIT_EXPECT_EQ(test, set.count, 1U);
	expect_run(test, 0, U64_MAX, 5, 31);
}

static void only_what_is_asked_for_is_taken(struct kunit *test)
{
	add(test, 10, 99);
	expect_run(test, 40, 59, 40, 59);
	expect_clean(test, 40, 59);
	expect_run(test, 0, 12, 10, 12);
	expect_run(test, 90, 200, 90, 99);
	expect_run(test, 0, U64_MAX, 13, 39);
	expect_run(test, 0, U64_MAX, 60, 89);
	expect_clean(test, 0, U64_MAX);
}

static void the_ends_of_all_addresses(struct kunit *test)
{
	add(test, 0, 0);
	add(test, U64_MAX, U64_MAX);
	add(test, U64_MAX - 1, U64_MAX - 1);
	add(test, 1, 1);
	KUNIT_EXPECT_EQ(test, set.count, 2U);
	expect_run(test, 0, U64_MAX, 0, 1);
	expect_run(test, 0, U64_MAX, U64_MAX - 1, U64_MAX);
	add(test, 0, U64_MAX);
	expect_run(test, 0, U64_MAX, 0, U64_MAX);
	expect_clean(test, 0, U64_MAX);
}

/* Beyond the limit more is dirty than was said, and nothing less. */
static void too_many_runs_grow_together(struct kunit *test)
{
	u64 i, extra = 20ULL * NVME_LM_DIRTY_MAX_RUNS;

	for (i = 0; i < NVME_LM_DIRTY_MAX_RUNS; i++)
		add(test, 10 * i, 10 * i);
	KUNIT_EXPECT_EQ(test, set.count, NVME_LM_DIRTY_MAX_RUNS);
	add(test, extra, extra);
	add(test, 14, 14);
	KUNIT_EXPECT_LE(test, set.count, NVME_LM_DIRTY_MAX_RUNS);
	expect_run(test, 14, 14, 14, 14);
	expect_run(test, extra, extra, extra, extra);
	for (i = 0; i < NVME_LM_DIRTY_MAX_RUNS; i++)
		expect_run(test, 10 * i, 10 * i, 10 * i, 10 * i);
}

#define BITS	4096

/* The same set as a bitmap. */
static void random_walk_agrees_with_a_bitmap(struct kunit *test)
{
	unsigned long *truth = kunit_kcalloc(test, BITS_TO_LONGS(BITS),
					     sizeof(long), GFP_KERNEL);
	struct nvme_lm_span taken;
	struct rnd_state rnd;
	unsigned int round;

	KUNIT_ASSERT_NOT_NULL(test, truth);
	prandom_seed_state(&rnd, 7);
	for (round = 0; round < 20000; round++) {
		u64 first = prandom_u32_state(&rnd) % BITS;
		u64 len = 1 + prandom_u32_state(&rnd) % min(BITS - first, 64ULL);
		u64 at = first, last = first + len - 1;

		if (prandom_u32_state(&rnd) % 2) {
			add(test, first, last);
			bitmap_set(truth, first, len);
			continue;
		}
		while (nvme_lm_dirty_take(&set, first, last, &taken)) {
			at = find_next_bit(truth, BITS, at);
			KUNIT_ASSERT_EQ(test, taken.first, at);
			at = find_next_zero_bit(truth, last + 1, at);
			KUNIT_ASSERT_EQ(test, taken.last + 1, at);
		}
		KUNIT_ASSERT_GT(test, find_next_bit(truth, BITS, at), last);
		bitmap_clear(truth, first, len);
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE(empty_has_nothing),
	KUNIT_CASE(runs_that_touch_are_one),
	KUNIT_CASE(a_run_swallows_others),
	KUNIT_CASE(only_what_is_asked_for_is_taken),
	KUNIT_CASE(the_ends_of_all_addresses),
	KUNIT_CASE(too_many_runs_grow_together),
	KUNIT_CASE(random_walk_agrees_with_a_bitmap),
	{}
};

static struct kunit_suite suite = {
	.name = "nvme-lm-dirtyset",
	.init = set_init,
	.exit = set_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
