// SPDX-License-Identifier: GPL-2.0-only
/*
 * The arcs of the migration state machine are those that <uapi/linux/vfio.h>
 * demands of a driver that supports VFIO_MIGRATION_STOP_COPY, P2P and PRE_COPY.
 */
#include <kunit/test.h>

#include "../../drivers/vfio/pci/nvme/arcs.h"

#define ERROR		VFIO_DEVICE_STATE_ERROR
#define STOP		VFIO_DEVICE_STATE_STOP
#define RUNNING		VFIO_DEVICE_STATE_RUNNING
#define STOP_COPY	VFIO_DEVICE_STATE_STOP_COPY
#define RESUMING	VFIO_DEVICE_STATE_RESUMING
#define RUNNING_P2P	VFIO_DEVICE_STATE_RUNNING_P2P
#define PRE_COPY	VFIO_DEVICE_STATE_PRE_COPY
#define PRE_COPY_P2P	VFIO_DEVICE_STATE_PRE_COPY_P2P
#define STATES		VFIO_DEVICE_STATE_NR

/*
 * Every pair of states.  What is not listed is NVME_VFIO_NO_ARC: the combined
 * transitions, a state to itself, and ERROR, which is left by a reset only and
 * never asked for.
 */
static const enum nvme_vfio_action expected[STATES][STATES] = {
	[RUNNING][RUNNING_P2P] = NVME_VFIO_SUSPEND,
	[RUNNING_P2P][RUNNING] = NVME_VFIO_RESUME,
	[RUNNING_P2P][STOP] = NVME_VFIO_STAY_SUSPENDED,
	[STOP][RUNNING_P2P] = NVME_VFIO_STAY_SUSPENDED,
	[RUNNING][PRE_COPY] = NVME_VFIO_PRECOPY_BEGIN,
	[RUNNING_P2P][PRE_COPY_P2P] = NVME_VFIO_PRECOPY_BEGIN,
	[PRE_COPY][PRE_COPY_P2P] = NVME_VFIO_SUSPEND,
	[PRE_COPY_P2P][PRE_COPY] = NVME_VFIO_RESUME,
	[PRE_COPY][RUNNING] = NVME_VFIO_SAVE_END,
	[PRE_COPY_P2P][RUNNING_P2P] = NVME_VFIO_SAVE_END,
	[PRE_COPY_P2P][STOP_COPY] = NVME_VFIO_PRECOPY_FINISH,
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

/*
 * The ways that vfio_mig_get_next_state() leads where there is no arc, from its
 * comment on combined transitions.
 */
static const unsigned int ways[][6] = {
	{ PRE_COPY, PRE_COPY_P2P, STOP_COPY, STATES },
	{ PRE_COPY, RUNNING, RUNNING_P2P, STATES },
	{ PRE_COPY, RUNNING, RUNNING_P2P, STOP, STATES },
	{ PRE_COPY, RUNNING, RUNNING_P2P, STOP, RESUMING, STATES },
	{ PRE_COPY_P2P, RUNNING_P2P, RUNNING, STATES },
	{ PRE_COPY_P2P, RUNNING_P2P, STOP, STATES },
	{ PRE_COPY_P2P, RUNNING_P2P, STOP, RESUMING, STATES },
	{ RESUMING, STOP, RUNNING_P2P, STATES },
	{ RESUMING, STOP, RUNNING_P2P, PRE_COPY_P2P, STATES },
	{ RESUMING, STOP, RUNNING_P2P, RUNNING, STATES },
	{ RESUMING, STOP, RUNNING_P2P, RUNNING, PRE_COPY, STATES },
	{ RESUMING, STOP, STOP_COPY, STATES },
	{ RUNNING, RUNNING_P2P, PRE_COPY_P2P, STATES },
	{ RUNNING, RUNNING_P2P, STOP, STATES },
	{ RUNNING, RUNNING_P2P, STOP, RESUMING, STATES },
	{ RUNNING, RUNNING_P2P, STOP, STOP_COPY, STATES },
	{ RUNNING_P2P, RUNNING, PRE_COPY, STATES },
	{ RUNNING_P2P, STOP, RESUMING, STATES },
	{ RUNNING_P2P, STOP, STOP_COPY, STATES },
	{ STOP, RUNNING_P2P, PRE_COPY_P2P, STATES },
	{ STOP, RUNNING_P2P, RUNNING, STATES },
	{ STOP, RUNNING_P2P, RUNNING, PRE_COPY, STATES },
	{ STOP_COPY, STOP, RESUMING, STATES },
	{ STOP_COPY, STOP, RUNNING_P2P, STATES },
	{ STOP_COPY, STOP, RUNNING_P2P, RUNNING, STATES },
};

static void combined_transitions_have_their_arcs(struct kunit *test)
{
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(ways); i++)
		for (j = 0; ways[i][j + 1] != STATES; j++)
			KUNIT_EXPECT_NOT_NULL_MSG(test,
						  nvme_vfio_find_arc(ways[i][j], ways[i][j + 1]),
						  "way %zu, step %zu", i, j);
}

/* In which states a function does no DMA; an arc changes that by its action only. */
static void what_is_suspended(struct kunit *test)
{
	static const bool suspended[STATES] = {
		[STOP] = true, [STOP_COPY] = true, [RESUMING] = true,
		[RUNNING_P2P] = true, [PRE_COPY_P2P] = true,
	};
	unsigned int from, to;

	for (from = 0; from < STATES; from++) {
		KUNIT_EXPECT_EQ_MSG(test, nvme_vfio_is_suspended(from), suspended[from],
				    "state %u", from);
		for (to = 0; to < STATES; to++) {
			const struct nvme_vfio_arc *arc = nvme_vfio_find_arc(from, to);

			if (!arc)
				continue;
			KUNIT_EXPECT_EQ_MSG(test, arc->action == NVME_VFIO_SUSPEND,
					    !suspended[from] && suspended[to],
					    "from %u to %u", from, to);
			KUNIT_EXPECT_EQ_MSG(test, arc->action == NVME_VFIO_RESUME,
					    suspended[from] && !suspended[to],
					    "from %u to %u", from, to);
		}
	}
}

/* "returns a data_fd": entering a group of saving or resuming states from outside. */
static void which_arcs_open_a_file(struct kunit *test)
{
	static const bool has_file[STATES] = {
		[STOP_COPY] = true, [RESUMING] = true, [PRE_COPY] = true, [PRE_COPY_P2P] = true,
	};
	unsigned int from, to;

	for (from = 0; from < STATES; from++) {
		for (to = 0; to < STATES; to++) {
			const struct nvme_vfio_arc *arc = nvme_vfio_find_arc(from, to);

			if (!arc)
				continue;
			KUNIT_EXPECT_EQ_MSG(test, nvme_vfio_opens_file(arc->action),
					    !has_file[from] && has_file[to],
					    "from %u to %u", from, to);
		}
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE(every_pair_of_states),
	KUNIT_CASE(states_that_do_not_exist),
	KUNIT_CASE(where_a_failure_leads),
	KUNIT_CASE(combined_transitions_have_their_arcs),
	KUNIT_CASE(what_is_suspended),
	KUNIT_CASE(which_arcs_open_a_file),
	{}
};

static struct kunit_suite suite = {
	.name = "nvme-lm-arcs",
	.test_cases = cases,
};

kunit_test_suite(suite);
