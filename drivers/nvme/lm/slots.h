/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who may issue the next admin command.
 *
 * The stock driver has 30 admin tags for everything, and its own error handling
 * needs some of them.  Live migration therefore takes a few slots only, and
 * they go round the functions in turn: a function with many waiting commands
 * gets one slot, then each other waiting function gets one before it is its
 * turn again.  Within a function the order is first come, first served.
 *
 * Pure logic: the caller serializes all calls and does the sleeping.
 */
#ifndef NVME_LM_SLOTS_H
#define NVME_LM_SLOTS_H

#include <linux/list.h>
#include <linux/types.h>

/**
 * struct nvme_lm_slots - the slots of one controlling controller
 * @limit: how many there are
 * @used: how many are taken
 * @turn: functions that wait, the one whose turn is next first
 */
struct nvme_lm_slots {
	unsigned int limit;
	unsigned int used;
	struct list_head turn;
};

/**
 * struct nvme_lm_slot_queue - the waiters of one function
 * @turn: place in &nvme_lm_slots.turn, empty while nobody waits
 * @waiters: first come, first served
 */
struct nvme_lm_slot_queue {
	struct list_head turn;
	struct list_head waiters;
};

/**
 * struct nvme_lm_slot_waiter - one command that wants a slot
 * @node: place in &nvme_lm_slot_queue.waiters, empty when not waiting
 * @granted: it has a slot
 */
struct nvme_lm_slot_waiter {
	struct list_head node;
	bool granted;
};

void nvme_lm_slots_init(struct nvme_lm_slots *slots, unsigned int limit);
void nvme_lm_slot_queue_init(struct nvme_lm_slot_queue *queue);
bool nvme_lm_slot_want(struct nvme_lm_slots *slots,
		       struct nvme_lm_slot_queue *queue,
		       struct nvme_lm_slot_waiter *waiter);
struct nvme_lm_slot_waiter *nvme_lm_slot_done(struct nvme_lm_slots *slots);
void nvme_lm_slot_forget(struct nvme_lm_slots *slots,
			 struct nvme_lm_slot_queue *queue,
			 struct nvme_lm_slot_waiter *waiter);
struct nvme_lm_slot_waiter *nvme_lm_slot_dismiss(struct nvme_lm_slots *slots);

#endif /* NVME_LM_SLOTS_H */
