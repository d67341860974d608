// SPDX-License-Identifier: GPL-2.0-only
/*
 * The arcs of the migration state machine are those that <uapi/linux/vfio.h>
 * demands of a driver that supports VFIO_MIGRATION_STOP_COPY and no optional
 * state.
 */
#include <kunit/test.h>

#include "../../drivers/vfio/pci/nvme/arcs.h"

#define ERROR		VFIO_DEVICE_STATE_ERROR
#define STOP		VFIO_DEVICE_STATE_STOP
#define RUNNING		VFIO_DEVICE_STATE_RUNNING
#define STOP_COPY	VFIO_DEVICE_STATE_STOP_COPY
#define RESUMING	VFIO_DEVICE_STATE_RESUMING
#define STATES		VFIO_DEVICE_STATE_NR

/*
 * Every pair of states.  What is not listed is NVME_VFIO_NO_ARC: the combined
 * transitions, a state to itself, the optional states, and ERROR, which is left
 * by a reset only and never asked for.
 */
static const enum nvme_vfio_action expected[STATES][STATES] = {
	[RUNNING][STOP] = NVME_VFIO_SUSPEND,
	[STOP][RUNNING] = NVME_VFIO_RESUME,
	[STOP][STOP_COPY] = NVME_VFIO_SAVE_BEGIN,
	[STOP_COPY][STOP] = NVME_VFIO_SAVE_END,
	[STOP][RESUMING] = NVME_VFIO_LOAD_BEGIN,
	[RESUMING][STOP] = NVME_VFIO_LOAD_END,
};

static void every_pair_of_states(struct kunit *test)
{
	unsigned int from, to;

	for (from = 0; from < STATES; from++) {
		for (to = 0; to < STATES; to++) {
			const struct nvme_vfio_arc *arc = nvme_vfio_find_arc(from, to);

			KUNIT_EXPECT_EQ_MSG(test, arc ? arc->action : NVME_VFIO_NO_ARC,
					    expected[from][to], "from %u to %u", from, to);
			if (!arc)
				continue;
			KUNIT_EXPECT_EQ(test, arc->from, from);
			KUNIT_EXPECT_EQ(test, arc->to, to);
		}
	}
}

static void states_that_do_not_exist(struct kunit *test)
{
	static const unsigned int beyond[] = { STATES, STATES + 1, 255, 256 + STOP, U32_MAX };
	unsigned int state;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(beyond); i++) {
		for (state = 0; state < STATES; state++) {
			KUNIT_EXPECT_NULL(test, nvme_vfio_find_arc(beyond[i], state));
			KUNIT_EXPECT_NULL(test, nvme_vfio_find_arc(state, beyond[i]));
		}
	}
}

/*
 * "any transition request can be failed with an errno return and may then move
 * the device_state into ERROR": where it was, or ERROR, and nowhere else.  A
 * failed load left the function in a state that is neither.
 */
static void where_a_failure_leads(struct kunit *test)
{
	unsigned int from, to;

	for (from = 0; from < STATES; from++) {
		for (to = 0; to < STATES; to++) {
			const struct nvme_vfio_arc *arc = nvme_vfio_find_arc(from, to);

			if (!arc)
				continue;
			KUNIT_EXPECT_EQ_MSG(test, arc->failed,
					    arc->action == NVME_VFIO_LOAD_END ? ERROR : from,
					    "from %u to %u", from, to);
		}
	}
}

/* Steps from one state to another along the arcs, by the shortest way. */
static unsigned int steps(unsigned int from, unsigned int to, unsigned int *middle)
{
	unsigned int via, found = 0;

	if (nvme_vfio_find_arc(from, to))
		return 1;
	for (via = 0; via < STATES; via++) {
		if (!nvme_vfio_find_arc(from, via) || !nvme_vfio_find_arc(via, to))
			continue;
		*middle = via;
		found++;
	}
	/* one way of two steps; several would leave the choice open */
	return found == 1 ? 2 : 0;
}

/*
 * The vfio core combines other transitions by the shortest path, without the
 * saving group inside of it.  That has to lead through STOP.
 */
static void combined_transitions_lead_through_stop(struct kunit *test)
{
	static const unsigned int states[] = { STOP, RUNNING, STOP_COPY, RESUMING };
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(states); i++) {
		for (j = 0; j < ARRAY_SIZE(states); j++) {
			unsigned int from = states[i], to = states[j], middle = STATES;

			if (from == to)
				continue;
			KUNIT_EXPECT_EQ_MSG(test, steps(from, to, &middle),
					    from == STOP || to == STOP ? 1 : 2,
					    "from %u to %u", from, to);
			if (from != STOP && to != STOP)
				KUNIT_EXPECT_EQ(test, middle, STOP);
		}
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE(every_pair_of_states),
	KUNIT_CASE(states_that_do_not_exist),
	KUNIT_CASE(where_a_failure_leads),
	KUNIT_CASE(combined_transitions_lead_through_stop),
	{}
};

static struct kunit_suite suite = {
	.name = "nvme-lm-arcs",
	.test_cases = cases,
};

kunit_test_suite(suite);
