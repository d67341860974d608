/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The arcs of the migration state machine, as data.
 *
 * vfio_mig_get_next_state() breaks any transition down into these; pure logic,
 * as in stream.h.
 */
#ifndef NVME_VFIO_PCI_ARCS_H
#define NVME_VFIO_PCI_ARCS_H

#include <linux/types.h>
#include <uapi/linux/vfio.h>

/**
 * enum nvme_vfio_action - what is to be done on an arc
 * @NVME_VFIO_NO_ARC: the states are not neighbours
 * @NVME_VFIO_SUSPEND: stop the function
 * @NVME_VFIO_RESUME: let it go on
 * @NVME_VFIO_STAY_SUSPENDED: see that nothing has come across a suspended function
 * @NVME_VFIO_SAVE_BEGIN: open a file to read the state from
 * @NVME_VFIO_SAVE_END: end that file
 * @NVME_VFIO_PRECOPY_BEGIN: open a file to read the state from in passes
 * @NVME_VFIO_PRECOPY_FINISH: begin the last pass
 * @NVME_VFIO_LOAD_BEGIN: open a file to write a state to
 * @NVME_VFIO_LOAD_END: end that file, and load what was written
 * @NVME_VFIO_NR_ACTIONS: number of the above
 */
enum nvme_vfio_action {
	NVME_VFIO_NO_ARC,
	NVME_VFIO_SUSPEND,
	NVME_VFIO_RESUME,
	NVME_VFIO_STAY_SUSPENDED,
	NVME_VFIO_SAVE_BEGIN,
	NVME_VFIO_SAVE_END,
	NVME_VFIO_PRECOPY_BEGIN,
	NVME_VFIO_PRECOPY_FINISH,
	NVME_VFIO_LOAD_BEGIN,
	NVME_VFIO_LOAD_END,
	NVME_VFIO_NR_ACTIONS,
};

/**
 * struct nvme_vfio_arc - one step between two states
 * @from: state it starts in
 * @to: state it ends in when the action succeeds
 * @failed: state it ends in when the action fails
 * @action: what is to be done
 */
struct nvme_vfio_arc {
	enum vfio_device_mig_state from;
	enum vfio_device_mig_state to;
	enum vfio_device_mig_state failed;
	enum nvme_vfio_action action;
};

/**
 * nvme_vfio_opens_file - does an action make a migration file
 * @action: the action
 */
static inline bool nvme_vfio_opens_file(enum nvme_vfio_action action)
{
	return action == NVME_VFIO_SAVE_BEGIN || action == NVME_VFIO_PRECOPY_BEGIN ||
	       action == NVME_VFIO_LOAD_BEGIN;
}

/**
 * nvme_vfio_is_suspended - is the function suspended in a state
 * @state: state of the migration
 *
 * A function that initiates no DMA is what the P2P states ask for; it still keeps
 * what is written to its doorbells.
 */
static inline bool nvme_vfio_is_suspended(enum vfio_device_mig_state state)
{
	return state == VFIO_DEVICE_STATE_RUNNING_P2P ||
	       state == VFIO_DEVICE_STATE_PRE_COPY_P2P || state == VFIO_DEVICE_STATE_STOP ||
	       state == VFIO_DEVICE_STATE_STOP_COPY || state == VFIO_DEVICE_STATE_RESUMING;
}

/**
 * nvme_vfio_find_arc - the arc between two states
 * @from: the one state
 * @to: the other
 *
 * Return: the arc, or NULL if the states are not neighbours.
 */
const struct nvme_vfio_arc *nvme_vfio_find_arc(enum vfio_device_mig_state from,
					       enum vfio_device_mig_state to);

#endif /* NVME_VFIO_PCI_ARCS_H */
