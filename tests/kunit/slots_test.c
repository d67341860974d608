// SPDX-License-Identifier: GPL-2.0-only
/*
 * The few admin slots of a controller go round the functions that want them:
 * never more than there are, none idle while somebody waits, nobody starved.
 */
#include <kunit/test.h>
#include <linux/prandom.h>

#include "../../drivers/nvme/lm/slots.h"

#define LIMIT		8
#define FUNCTIONS	16
#define COMMANDS	24	/* of each function */

/* A function with its commands, which want a slot in the order of the array. */
struct function {
	struct nvme_lm_slot_queue queue;
	struct nvme_lm_slot_waiter waiter[COMMANDS];
	unsigned int next;	/* command that will want a slot next */
	unsigned int served;	/* commands that got one */
};

struct contest {
	struct nvme_lm_slots slots;
	struct function fn[FUNCTIONS];
};

static struct contest *contest_alloc(struct kunit *test)
{
	struct contest *c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, c);
	nvme_lm_slots_init(&c->slots, LIMIT);
	for (i = 0; i < FUNCTIONS; i++)
		nvme_lm_slot_queue_init(&c->fn[i].queue);
	return c;
}

/* The next command of function @f wants a slot. */
static bool want(struct contest *c, unsigned int f)
{
	struct function *fn = &c->fn[f];

	return nvme_lm_slot_want(&c->slots, &fn->queue, &fn->waiter[fn->next++]);
}

/* Which command of which function a waiter is, as function * COMMANDS + command. */
static int index_of(struct contest *c, struct nvme_lm_slot_waiter *waiter)
{
	unsigned int f, i;

	for (f = 0; f < FUNCTIONS; f++)
		for (i = 0; i < COMMANDS; i++)
			if (waiter == &c->fn[f].waiter[i])
				return f * COMMANDS + i;
	return -1;
}

/* A slot is given back; who has it now? */
static int done(struct contest *c)
{
	return index_of(c, nvme_lm_slot_done(&c->slots));
}

static void no_more_than_the_limit(struct kunit *test)
{
	struct contest *c = contest_alloc(test);
	unsigned int i;

	for (i = 0; i < COMMANDS; i++) {
		KUNIT_EXPECT_EQ(test, want(c, 0), i < LIMIT);
		KUNIT_EXPECT_EQ(test, c->fn[0].waiter[i].granted, i < LIMIT);
	}
	/* every slot given back goes to the one who waited longest */
	for (i = LIMIT; i < COMMANDS; i++) {
		KUNIT_EXPECT_FALSE(test, c->fn[0].waiter[i].granted);
		KUNIT_EXPECT_EQ(test, done(c), i);
		KUNIT_EXPECT_TRUE(test, c->fn[0].waiter[i].granted);
	}
	for (i = 0; i < LIMIT; i++)
		KUNIT_EXPECT_EQ(test, done(c), -1);
	KUNIT_EXPECT_EQ(test, c->slots.used, 0);
}

static void limit_of_one(struct kunit *test)
{
	struct contest *c = contest_alloc(test);

	nvme_lm_slots_init(&c->slots, 1);
	KUNIT_EXPECT_TRUE(test, want(c, 0));
	KUNIT_EXPECT_FALSE(test, want(c, 1));
	KUNIT_EXPECT_EQ(test, done(c), 1 * COMMANDS);
	KUNIT_EXPECT_EQ(test, done(c), -1);
	KUNIT_EXPECT_TRUE(test, want(c, 2));
}

/* One function wants all; another one that comes late is served at its turn. */
static void greedy_function_waits_its_turn(struct kunit *test)
{
	struct contest *c = contest_alloc(test);
	unsigned int i;

	for (i = 0; i < COMMANDS; i++)
		want(c, 0);
	KUNIT_EXPECT_FALSE(test, want(c, 1));
	KUNIT_EXPECT_FALSE(test, want(c, 2));
	KUNIT_EXPECT_EQ(test, done(c), LIMIT);
	KUNIT_EXPECT_EQ(test, done(c), 1 * COMMANDS);
	KUNIT_EXPECT_EQ(test, done(c), 2 * COMMANDS);
	KUNIT_EXPECT_EQ(test, done(c), LIMIT + 1);
	KUNIT_EXPECT_EQ(test, done(c), LIMIT + 2);
}

static void functions_take_turns(struct kunit *test)
{
	struct contest *c = contest_alloc(test);
	unsigned int i, f;

	for (i = 0; i < LIMIT; i++)
		want(c, 0);
	for (f = 1; f < FUNCTIONS; f++)
		for (i = 0; i < 5; i++)
			KUNIT_EXPECT_FALSE(test, want(c, f));
	for (i = 0; i < 5; i++)
		for (f = 1; f < FUNCTIONS; f++)
			KUNIT_EXPECT_EQ(test, done(c), f * COMMANDS + i);
	KUNIT_EXPECT_EQ(test, done(c), -1);
}

/* All functions always want more: after many rounds all got the same. */
static void shares_are_equal(struct kunit *test)
{
	struct contest *c = contest_alloc(test);
	unsigned int i, f;

	for (f = 0; f < FUNCTIONS; f++)
		for (i = 0; i < COMMANDS; i++)
			c->fn[f].served += want(c, f);
	for (i = 0; i < 10 * FUNCTIONS; i++) {
		int served = done(c);

		KUNIT_ASSERT_GE(test, served, 0);
		c->fn[served / COMMANDS].served++;
	}
	/* function 0 took the free slots first; from then on there were 10 rounds */
	for (f = 0; f < FUNCTIONS; f++)
		KUNIT_EXPECT_EQ_MSG(test, c->fn[f].served, f ? 10 : 10 + LIMIT,
				    "function %u", f);
}

static void forget(struct contest *c, unsigned int f, unsigned int i)
{
	nvme_lm_slot_forget(&c->slots, &c->fn[f].queue, &c->fn[f].waiter[i]);
}

static void who_stops_waiting_gets_nothing(struct kunit *test)
{
	struct contest *c = contest_alloc(test);
	unsigned int i;

	for (i = 0; i < LIMIT; i++)
		want(c, 0);
	want(c, 1);
	want(c, 1);
	want(c, 1);
	want(c, 2);
	want(c, 3);
	forget(c, 1, 1);
	forget(c, 2, 0);	/* the only one of its function: loses its turn too */
	forget(c, 2, 0);	/* twice does no harm */
	KUNIT_EXPECT_EQ(test, done(c), 1 * COMMANDS);
	KUNIT_EXPECT_EQ(test, done(c), 3 * COMMANDS);
	KUNIT_EXPECT_EQ(test, done(c), 1 * COMMANDS + 2);
	KUNIT_EXPECT_EQ(test, done(c), -1);
	KUNIT_EXPECT_FALSE(test, c->fn[1].waiter[1].granted);
	KUNIT_EXPECT_FALSE(test, c->fn[2].waiter[0].granted);
}

static void who_has_a_slot_cannot_be_forgotten(struct kunit *test)
{
	struct contest *c = contest_alloc(test);
	unsigned int i;

	for (i = 0; i < LIMIT; i++)
		want(c, 0);
	want(c, 1);
	forget(c, 0, 0);
	KUNIT_EXPECT_TRUE(test, c->fn[0].waiter[0].granted);
	KUNIT_EXPECT_EQ(test, c->slots.used, LIMIT);
	KUNIT_EXPECT_FALSE(test, want(c, 2));
	KUNIT_EXPECT_EQ(test, done(c), 1 * COMMANDS);
}

/* Before the controller goes: each waiter is sent away once, without a slot. */
static void all_are_dismissed(struct kunit *test)
{
	struct contest *c = contest_alloc(test);
	struct nvme_lm_slot_waiter *waiter;
	unsigned int i, f, count = 0;
	bool seen[FUNCTIONS] = {};

	for (i = 0; i < LIMIT; i++)
		want(c, 0);
	for (f = 1; f < FUNCTIONS; f++)
		for (i = 0; i < 3; i++)
			want(c, f);
	while ((waiter = nvme_lm_slot_dismiss(&c->slots)) && count++ < 100) {
		int index = index_of(c, waiter);

		KUNIT_ASSERT_GE(test, index, COMMANDS);
		KUNIT_EXPECT_FALSE(test, waiter->granted);
		seen[index / COMMANDS] = true;
		forget(c, index / COMMANDS, index % COMMANDS);
	}
	KUNIT_EXPECT_EQ(test, count, 3 * (FUNCTIONS - 1));
	for (f = 1; f < FUNCTIONS; f++)
		KUNIT_EXPECT_TRUE(test, seen[f]);
	/* those under way keep their slots until they are done */
	KUNIT_EXPECT_EQ(test, c->slots.used, LIMIT);
	for (i = 0; i < LIMIT; i++)
		KUNIT_EXPECT_EQ(test, done(c), -1);
	KUNIT_EXPECT_EQ(test, c->slots.used, 0);
}

/*
 * What a random contest is measured by: for each command whether it waits, and
 * for each function how many others were served since it waits for its turn.
 */
struct referee {
	struct rnd_state random;
	bool waits[FUNCTIONS][COMMANDS];
	bool holds[FUNCTIONS][COMMANDS];
	unsigned int waiting[FUNCTIONS];
	unsigned int passed_over[FUNCTIONS];
	unsigned int held, waiting_all;
};

static void referee_grants(struct kunit *test, struct referee *r, unsigned int f,
			   unsigned int i)
{
	unsigned int earlier, other;

	KUNIT_ASSERT_TRUE(test, r->waits[f][i]);
	/* within a function, first come, first served: commands come by number */
	for (earlier = 0; earlier < i; earlier++)
		KUNIT_ASSERT_FALSE(test, r->waits[f][earlier]);
	r->waits[f][i] = false;
	r->holds[f][i] = true;
	r->held++;
	r->waiting[f]--;
	r->waiting_all--;
	r->passed_over[f] = 0;
	for (other = 0; other < FUNCTIONS; other++)
		if (other != f && r->waiting[other])
			KUNIT_ASSERT_LT(test, r->passed_over[other]++, FUNCTIONS - 1);
}

static void random_want(struct kunit *test, struct contest *c, struct referee *r)
{
	unsigned int f = prandom_u32_state(&r->random) % FUNCTIONS;
	struct function *fn = &c->fn[f];
	unsigned int i = fn->next;

	/* a low function wants often, a high one seldom */
	if (prandom_u32_state(&r->random) % FUNCTIONS < f)
		return;
	if (i == COMMANDS) {
		/* start over once nothing of it is under way */
		for (i = 0; i < COMMANDS; i++)
			if (r->waits[f][i] || r->holds[f][i])
				return;
		fn->next = 0;
		i = 0;
	}
	r->waits[f][i] = true;
	r->waiting_all++;
	if (!r->waiting[f]++)
		r->passed_over[f] = 0;
	if (want(c, f))
		referee_grants(test, r, f, i);
}

static void random_done(struct kunit *test, struct contest *c, struct referee *r)
{
	unsigned int at = prandom_u32_state(&r->random) % (FUNCTIONS * COMMANDS);
	unsigned int tries;
	int next;

	for (tries = 0; tries < FUNCTIONS * COMMANDS; tries++) {
		bool *holds = &r->holds[at / COMMANDS][at % COMMANDS];

		at = (at + 1) % (FUNCTIONS * COMMANDS);
		if (!*holds)
			continue;
		*holds = false;
		r->held--;
		next = done(c);
		KUNIT_ASSERT_EQ(test, next >= 0, r->waiting_all > 0);
		if (next >= 0)
			referee_grants(test, r, next / COMMANDS, next % COMMANDS);
		return;
	}
}

static void random_forget(struct contest *c, struct referee *r)
{
	unsigned int at = prandom_u32_state(&r->random) % (FUNCTIONS * COMMANDS);
	unsigned int f = at / COMMANDS, i = at % COMMANDS;

	if (!r->waits[f][i])
		return;
	forget(c, f, i);
	r->waits[f][i] = false;
	r->waiting[f]--;
	r->waiting_all--;
}

static void rules_hold_in_a_random_contest(struct kunit *test)
{
	struct contest *c = contest_alloc(test);
	struct referee *r = kunit_kzalloc(test, sizeof(*r), GFP_KERNEL);
	unsigned int step;

	KUNIT_ASSERT_NOT_NULL(test, r);
	prandom_seed_state(&r->random, 4711);
	for (step = 0; step < 20000; step++) {
		u32 action = prandom_u32_state(&r->random) % 16;

		if (action < 10)
			random_want(test, c, r);
		else if (action < 15)
			random_done(test, c, r);
		else
			random_forget(c, r);
		KUNIT_ASSERT_LE(test, r->held, LIMIT);
		KUNIT_ASSERT_EQ(test, c->slots.used, r->held);
		/* no slot idle while somebody waits */
		KUNIT_ASSERT_TRUE(test, !r->waiting_all || r->held == LIMIT);
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE(no_more_than_the_limit),
	KUNIT_CASE(limit_of_one),
	KUNIT_CASE(greedy_function_waits_its_turn),
	KUNIT_CASE(functions_take_turns),
	KUNIT_CASE(shares_are_equal),
	KUNIT_CASE(who_stops_waiting_gets_nothing),
	KUNIT_CASE(who_has_a_slot_cannot_be_forgotten),
	KUNIT_CASE(all_are_dismissed),
	KUNIT_CASE(rules_hold_in_a_random_contest),
	{}
};

static struct kunit_suite suite = {
	.name = "nvme-lm-slots",
	.test_cases = cases,
};

kunit_test_suite(suite);
