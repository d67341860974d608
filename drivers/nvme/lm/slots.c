// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fair sharing of the admin slots among functions; see slots.h.
 */
#include "slots.h"

/**
 * nvme_lm_slots_init - prepare the slots of a controller
 * @slots: the slots
 * @limit: how many commands may be under way at once
 */
void nvme_lm_slots_init(struct nvme_lm_slots *slots, unsigned int limit)
{
	slots->limit = limit;
	slots->used = 0;
	INIT_LIST_HEAD(&slots->turn);
}

/**
 * nvme_lm_slot_queue_init - prepare the waiters of a function
 * @queue: the function's queue
 */
void nvme_lm_slot_queue_init(struct nvme_lm_slot_queue *queue)
{
	INIT_LIST_HEAD(&queue->turn);
	INIT_LIST_HEAD(&queue->waiters);
}

/* Give a free slot to the function whose turn it is; NULL if nobody waits. */
static struct nvme_lm_slot_waiter *grant_next(struct nvme_lm_slots *slots)
{
	struct nvme_lm_slot_waiter *waiter;
	struct nvme_lm_slot_queue *queue;

	if (slots->used >= slots->limit || list_empty(&slots->turn))
		return NULL;

	queue = list_first_entry(&slots->turn, struct nvme_lm_slot_queue, turn);
	waiter = list_first_entry(&queue->waiters, struct nvme_lm_slot_waiter,
				  node);
	list_del_init(&waiter->node);
	if (list_empty(&queue->waiters))
		list_del_init(&queue->turn);
	else
		list_move_tail(&queue->turn, &slots->turn);

	waiter->granted = true;
	slots->used++;
	return waiter;
}

/**
 * nvme_lm_slot_want - ask for a slot
 * @slots: the controller's slots
 * @queue: the function that asks
 * @waiter: the command; initialised here, must live until its slot was given
 *	back or it was forgotten
 *
 * Return: true if it has a slot at once, false if it has to wait until
 * nvme_lm_slot_done() names it.
 */
bool nvme_lm_slot_want(struct nvme_lm_slots *slots,
		       struct nvme_lm_slot_queue *queue,
		       struct nvme_lm_slot_waiter *waiter)
{
	waiter->granted = false;
	list_add_tail(&waiter->node, &queue->waiters);
	if (list_empty(&queue->turn))
		list_add_tail(&queue->turn, &slots->turn);

	/* With a slot free nobody else waits, so this can only name @waiter. */
	grant_next(slots);
	return waiter->granted;
}

/**
 * nvme_lm_slot_done - give a slot back
 * @slots: the controller's slots
 *
 * Return: the waiter that has it now and is to be woken, or NULL.
 */
struct nvme_lm_slot_waiter *nvme_lm_slot_done(struct nvme_lm_slots *slots)
{
	slots->used--;
	return grant_next(slots);
}

/**
 * nvme_lm_slot_forget - stop waiting
 * @slots: the controller's slots
 * @queue: the function that asked
 * @waiter: a command that waits; one that has a slot already, or was dismissed,
 *	is left alone
 */
void nvme_lm_slot_forget(struct nvme_lm_slots *slots,
			 struct nvme_lm_slot_queue *queue,
			 struct nvme_lm_slot_waiter *waiter)
{
	if (waiter->granted || list_empty(&waiter->node))
		return;
	list_del_init(&waiter->node);
	if (list_empty(&queue->waiters))
		list_del_init(&queue->turn);
}

/**
 * nvme_lm_slot_dismiss - send a waiter away without a slot
 * @slots: the controller's slots
 *
 * Return: the waiter, which is to be woken, or NULL when nobody waits.
 */
struct nvme_lm_slot_waiter *nvme_lm_slot_dismiss(struct nvme_lm_slots *slots)
{
	struct nvme_lm_slot_waiter *waiter;
	struct nvme_lm_slot_queue *queue;

	if (list_empty(&slots->turn))
		return NULL;
	queue = list_first_entry(&slots->turn, struct nvme_lm_slot_queue, turn);
	waiter = list_first_entry(&queue->waiters, struct nvme_lm_slot_waiter,
				  node);
	nvme_lm_slot_forget(slots, queue, waiter);
	return waiter;
}
