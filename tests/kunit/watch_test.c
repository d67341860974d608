// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which of what is seen of a controller is a reset.
 *
 * A reset of the stock driver: RESETTING with the old vectors, then without any, then
 * with new ones, also in CONNECTING, which are replaced once more before it is LIVE.
 * The activation of firmware: RESETTING and CONNECTING with the old vectors, and LIVE.
 * Nobody looks at every step, so every selection of steps has to give the same: one
 * reset, or none.
 */
#include <kunit/test.h>
#include <linux/errno.h>

#include "../../drivers/nvme/lm/watch.h"

#define LIVE		NVME_LM_STOCK_LIVE
#define RESETTING	NVME_LM_STOCK_RESETTING
#define DEAD		NVME_LM_STOCK_DEAD

#define OLD		7
#define STEPS_MAX	6

struct step {
	enum nvme_lm_stock_state state;
	u64 setup_id;
};

struct course {
	const char *name;
	unsigned int count;
	struct step steps[STEPS_MAX];
	bool reset;		/* there is one in it */
};

static const struct course courses[] = {
	{ "nothing", 2, { { LIVE, OLD }, { LIVE, OLD } }, false },
	{ "firmware", 3, { { RESETTING, OLD }, { RESETTING, OLD }, { LIVE, OLD } }, false },
	{ "reset", 6, { { RESETTING, OLD }, { RESETTING, 0 }, { RESETTING, 8 }, { RESETTING, 0 },
			{ RESETTING, 9 }, { LIVE, 9 } }, true },
	{ "firmware that fails", 6, { { RESETTING, OLD }, { RESETTING, OLD }, { RESETTING, 0 },
				      { RESETTING, 8 }, { RESETTING, 9 }, { LIVE, 9 } }, true },
	{ "given up and set up anew", 4, { { DEAD, OLD }, { DEAD, 0 }, { RESETTING, 8 },
					   { LIVE, 9 } }, true },
};

KUNIT_ARRAY_PARAM_DESC(course, courses, name);

/* Look at the steps whose bits are set; the resets that were noticed. */
static unsigned int look_at(const struct course *course, unsigned int which)
{
	struct nvme_lm_watch watch = { .setup_id = OLD };
	unsigned int i, found = 0;
	bool news;

	for (i = 0; i < course->count; i++) {
		if (!(which & BIT(i)))
			continue;
		nvme_lm_watch_look(&watch, course->steps[i].state, course->steps[i].setup_id,
				   &news);
		found += news;
	}
	return found;
}

static void counts_each_reset_once(struct kunit *test)
{
	const struct course *course = test->param_value;
	unsigned int last = BIT(course->count - 1), which;

	/* whatever was seen on the way, the end is */
	for (which = 0; which < last; which++)
		KUNIT_EXPECT_EQ_MSG(test, look_at(course, which | last), course->reset,
				    "steps %#x", which | last);
}

static void says_when_to_command(struct kunit *test)
{
	struct nvme_lm_watch watch = { .setup_id = OLD };
	bool news;

	KUNIT_EXPECT_EQ(test, nvme_lm_watch_look(&watch, LIVE, OLD, &news), 0);
	/* paused, but nothing is lost: the device takes it up when it goes on */
	KUNIT_EXPECT_EQ(test, nvme_lm_watch_look(&watch, RESETTING, OLD, &news), 0);
	KUNIT_EXPECT_EQ(test, nvme_lm_watch_look(&watch, RESETTING, 0, &news), -ESTALE);
	/* it was seen to be reset: the number alone does not make up for that */
	KUNIT_EXPECT_EQ(test, nvme_lm_watch_look(&watch, RESETTING, OLD, &news), -ESTALE);
	KUNIT_EXPECT_EQ(test, nvme_lm_watch_look(&watch, LIVE, 0, &news), -ESTALE);
	KUNIT_EXPECT_EQ(test, nvme_lm_watch_look(&watch, DEAD, OLD, &news), -ENODEV);
	KUNIT_EXPECT_EQ(test, nvme_lm_watch_look(&watch, LIVE, 9, &news), 0);
	KUNIT_EXPECT_EQ(test, nvme_lm_watch_look(&watch, RESETTING, 9, &news), 0);
	KUNIT_EXPECT_EQ(test, nvme_lm_watch_look(&watch, RESETTING, OLD, &news), -ESTALE);
	KUNIT_EXPECT_TRUE(test, news);
}

static void counts_one_after_the_other(struct kunit *test)
{
	static const struct course two = {
		"", 4, { { LIVE, 8 }, { LIVE, 9 }, { RESETTING, 9 }, { LIVE, 10 } }, true
	};

	KUNIT_EXPECT_EQ(test, look_at(&two, 0xf), 3);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(counts_each_reset_once, course_gen_params),
	KUNIT_CASE(says_when_to_command),
	KUNIT_CASE(counts_one_after_the_other),
	{}
};

static struct kunit_suite suite = {
	.name = "nvme-lm-watch",
	.test_cases = cases,
};

kunit_test_suite(suite);
