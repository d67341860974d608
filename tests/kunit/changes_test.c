// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which granules of a state have changed, against a naive account of the same.
 */
#include <kunit/test.h>
#include <linux/bitmap.h>
#include <linux/prandom.h>

#include "../../drivers/vfio/pci/nvme/changes.h"

#define ROOM	192

/**
 * struct account - the same twice
 * @changes: what is tested
 * @bits: its marks
 * @marked: which granules are marked, the naive way
 */
struct account {
	struct nvme_vfio_changes changes;
	DECLARE_BITMAP(bits, ROOM);
	bool marked[ROOM];
};

static struct account *start(struct kunit *test)
{
	struct account *account = kunit_kzalloc(test, sizeof(*account), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, account);
	account->changes.granule = 4096;
	account->changes.room = ROOM;
	account->changes.marks = account->bits;
	return account;
}

static void mark(struct account *account, u64 index)
{
	nvme_vfio_changes_mark(&account->changes, index);
	if (index < ROOM)
		account->marked[index] = true;
}

static void expect_same(struct kunit *test, const struct account *account)
{
	u64 marked = 0, runs = 0;
	unsigned int i;

	for (i = 0; i < ROOM; i++) {
		marked += account->marked[i];
		runs += account->marked[i] && (!i || !account->marked[i - 1]);
		KUNIT_ASSERT_EQ_MSG(test, test_bit(i, account->bits), account->marked[i],
				    "granule %u", i);
	}
	KUNIT_ASSERT_EQ(test, account->changes.marked, marked);
	KUNIT_ASSERT_EQ(test, account->changes.runs, runs);
}

/* The first run of the naive account, taken away from it. */
static u32 take(struct account *account, u32 most, u64 *first)
{
	u32 count = 0;

	for (*first = 0; *first < ROOM && !account->marked[*first]; ++*first)
		;
	while (*first + count < ROOM && count < most && account->marked[*first + count])
		account->marked[*first + count++] = false;
	return count;
}

static void nothing_has_changed(struct kunit *test)
{
	struct account *account = start(test);
	u64 first;

	KUNIT_EXPECT_EQ(test, nvme_vfio_changes_take(&account->changes, 1, &first), 0);
	nvme_vfio_changes_cut(&account->changes, 0);
	expect_same(test, account);
}

static void runs_join_and_part(struct kunit *test)
{
	static const u64 order[] = { 5, 7, 6, 6, 0, 1, ROOM - 1, ROOM - 2, 63, 64, 65, 128, 127 };
	struct account *account = start(test);
	u64 first, expected;
	u32 count;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(order); i++) {
		mark(account, order[i]);
		expect_same(test, account);
	}
	while (account->changes.marked) {
		count = nvme_vfio_changes_take(&account->changes, 2, &first);
		KUNIT_EXPECT_EQ(test, count, take(account, 2, &expected));
		KUNIT_EXPECT_EQ(test, first, expected);
		expect_same(test, account);
	}
}

static void beyond_the_room(struct kunit *test)
{
	struct account *account = start(test);

	mark(account, ROOM);
	mark(account, U64_MAX);
	expect_same(test, account);
}

static void state_that_shrinks(struct kunit *test)
{
	struct account *account = start(test);
	unsigned int i;

	for (i = 0; i < ROOM; i += 3)
		mark(account, i);
	nvme_vfio_changes_cut(&account->changes, 100);
	memset(account->marked + 100, 0, sizeof(account->marked) - 100);
	expect_same(test, account);
	nvme_vfio_changes_cut(&account->changes, 0);
	memset(account->marked, 0, sizeof(account->marked));
	expect_same(test, account);
}

/* In any order, with marks below what was taken already. */
static void at_random(struct kunit *test)
{
	struct account *account = start(test);
	struct rnd_state rnd;
	u64 first, expected;
	unsigned int i, j;
	u32 most;

	prandom_seed_state(&rnd, 1);
	for (i = 0; i < 2000; i++) {
		for (j = prandom_u32_state(&rnd) % 8; j; j--)
			mark(account, prandom_u32_state(&rnd) % ROOM);
		most = 1 + prandom_u32_state(&rnd) % 4;
		KUNIT_ASSERT_EQ(test, nvme_vfio_changes_take(&account->changes, most, &first),
				take(account, most, &expected));
		if (expected < ROOM)
			KUNIT_ASSERT_EQ(test, first, expected);
		expect_same(test, account);
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE(nothing_has_changed),
	KUNIT_CASE(runs_join_and_part),
	KUNIT_CASE(beyond_the_room),
	KUNIT_CASE(state_that_shrinks),
	KUNIT_CASE(at_random),
	{}
};

static struct kunit_suite suite = {
	.name = "nvme-lm-changes",
	.test_cases = cases,
};

kunit_test_suite(suite);
