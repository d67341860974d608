// SPDX-License-Identifier: GPL-2.0-only
/*
 * Noticing resets of the controlling controller, and telling the handles.
 *
 * A reset takes the controlled functions offline and drops what was suspended
 * or half sent.  Nobody is notified of one, so each command looks before it is
 * issued and after it ended.  What is noticed counts up the controller's
 * generation; a handle that has not taken note of the newest one gets -ESTALE.
 */
#include <linux/cleanup.h>

#include "lm.h"
#include "trace.h"

/* Runs the clients' callbacks, which may sleep for long. */
struct workqueue_struct *nvme_lm_events;

static void call_client(struct nvme_lm_function *fn, enum nvme_lm_event event)
{
	guard(mutex)(&fn->event_lock);
	/* Who has acknowledged the newest reset has started anew since. */
	if (event == NVME_LM_EVENT_RESET &&
	    READ_ONCE(fn->by.generation) == READ_ONCE(fn->by.ctrl->generation))
		return;
	if (fn->client)
		fn->client->event(fn->client, event);
}

/* A handle that was not told of @event yet, with a reference; or NULL. */
static struct nvme_lm_function *next_pending(struct nvme_lm_ctrl *ctrl,
					     enum nvme_lm_event event)
{
	struct nvme_lm_function *fn;

	guard(mutex)(&ctrl->functions_lock);
	list_for_each_entry(fn, &ctrl->functions, node) {
		if (__test_and_clear_bit(event, &fn->pending)) {
			kref_get(&fn->ref);
			return fn;
		}
	}
	return NULL;
}

/**
 * nvme_lm_deliver - tell every handle of a controller what happened
 * @ctrl: the controlling controller
 * @event: what happened
 *
 * Handles may come and go meanwhile.
 */
void nvme_lm_deliver(struct nvme_lm_ctrl *ctrl, enum nvme_lm_event event)
{
	struct nvme_lm_function *fn;

	scoped_guard(mutex, &ctrl->functions_lock)
		list_for_each_entry(fn, &ctrl->functions, node)
			__set_bit(event, &fn->pending);

	while ((fn = next_pending(ctrl, event))) {
		call_client(fn, event);
		nvme_lm_function_unref(fn);
	}
}

static void reset_work(struct work_struct *work)
{
	struct nvme_lm_ctrl *ctrl = container_of(work, struct nvme_lm_ctrl,
						 reset_work);

	nvme_lm_deliver(ctrl, NVME_LM_EVENT_RESET);
	nvme_lm_ctrl_put(ctrl);
}

static void count_reset(struct nvme_lm_ctrl *ctrl)
{
	lockdep_assert_held(&ctrl->reset_lock);
	WRITE_ONCE(ctrl->generation, ctrl->generation + 1);
	trace_nvme_lm_reset(ctrl);
	nvme_lm_ctrl_get(ctrl);
	if (!queue_work(nvme_lm_events, &ctrl->reset_work))
		nvme_lm_ctrl_put(ctrl);
}

/**
 * nvme_lm_reset_init - start to look for resets
 * @ctrl: a controlling controller whose way to the admin queue is known
 */
void nvme_lm_reset_init(struct nvme_lm_ctrl *ctrl)
{
	mutex_init(&ctrl->reset_lock);
	INIT_WORK(&ctrl->reset_work, reset_work);
	ctrl->watch.setup_id = nvme_lm_stock_setup_id(&ctrl->stock);
}

/**
 * nvme_lm_reset_check - look whether the controller was reset
 * @ctrl: the controlling controller
 *
 * Return: 0 if it can be commanded, whatever happened before; -ESTALE in the
 * middle of a reset; -ENODEV if the stock driver gave it up, or we let go of it.
 */
int nvme_lm_reset_check(struct nvme_lm_ctrl *ctrl)
{
	enum nvme_lm_stock_state state;
	bool news;
	int ret;

	guard(mutex)(&ctrl->reset_lock);
	if (ctrl->detached)
		return -ENODEV;
	/* The state first: it leaves live before the set-up changes. */
	state = nvme_lm_stock_state(&ctrl->stock);
	ret = nvme_lm_watch_look(&ctrl->watch, state, nvme_lm_stock_setup_id(&ctrl->stock),
				 &news);
	if (news)
		count_reset(ctrl);
	return ret;
}

/**
 * nvme_lm_reset_seen - a command was ended by a reset, but nothing else shows it
 * @ctrl: the controlling controller
 */
void nvme_lm_reset_seen(struct nvme_lm_ctrl *ctrl)
{
	guard(mutex)(&ctrl->reset_lock);
	count_reset(ctrl);
}

/**
 * nvme_lm_reset_stop - look for no resets any more
 * @ctrl: the controlling controller, drained; its way to the admin queue is given up
 *	after this
 */
void nvme_lm_reset_stop(struct nvme_lm_ctrl *ctrl)
{
	scoped_guard(mutex, &ctrl->reset_lock)
		ctrl->detached = true;
	nvme_lm_reset_cancel(ctrl);
}

/**
 * nvme_lm_reset_cancel - forget a reset that nobody was told of yet
 * @ctrl: the controlling controller
 *
 * Waits for an event that is being delivered.
 */
void nvme_lm_reset_cancel(struct nvme_lm_ctrl *ctrl)
{
	if (cancel_work_sync(&ctrl->reset_work))
		nvme_lm_ctrl_put(ctrl);
}
