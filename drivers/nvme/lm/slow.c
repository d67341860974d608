// SPDX-License-Identifier: GPL-2.0-only
/*
 * A command that may take long, as a Suspend may: it waits for all that the
 * function has under way.
 *
 * The stock driver resets the PF, for all who use it, when one of its own admin
 * commands takes a minute.  So this one gets a time limit from us that never comes,
 * and runs in a work of its own.  Whoever wants it waits as long as is reasonable,
 * and then has the device end it.  A device that does not even do that keeps the
 * command, and the slot; nobody waits for it any more.
 */
#include <linux/cleanup.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "lm.h"
#include "trace.h"

/* How long the device may take to end a command that it was told to, in ms. */
#define CANCEL_LIMIT	5000

/**
 * struct slow_command - a command that may outlive who wants it
 * @ref: the one who wants it, and @work
 * @work: issues it and waits
 * @ctrl: the controlling controller, with a reference
 * @queue: its admin queue, with a reference
 * @sqe: the command
 * @status: what nvme_lm_stock_submit_slow() gave; valid once @done
 * @done: it has ended
 * @ended: likewise; guarded by ctrl->slots_lock
 * @abandoned: nobody waits for it; guarded by ctrl->slots_lock
 */
struct slow_command {
	struct kref ref;
	struct work_struct work;
	struct nvme_lm_ctrl *ctrl;
	struct request_queue *queue;
	struct nvme_command sqe;
	int status;
	struct completion done;
	bool ended;
	bool abandoned;
};

static void slow_release(struct kref *ref)
{
	struct slow_command *slow = container_of(ref, struct slow_command, ref);

	nvme_lm_stock_queue_put(slow->queue);
	nvme_lm_ctrl_put(slow->ctrl);
	kfree(slow);
}

static void slow_put(struct slow_command *slow)
{
	kref_put(&slow->ref, slow_release);
}

static void slow_work(struct work_struct *work)
{
	struct slow_command *slow = container_of(work, struct slow_command, work);

	slow->status = nvme_lm_stock_submit_slow(slow->queue, &slow->sqe);
	scoped_guard(spinlock, &slow->ctrl->slots_lock) {
		slow->ended = true;
		if (slow->abandoned)
			slow->ctrl->abandoned--;
	}
	complete(&slow->done);
	/* Gives the slot that nvme_lm_enter() has taken back. */
	nvme_lm_slot_put(slow->ctrl);
	slow_put(slow);
}

static struct slow_command *slow_start(struct nvme_lm_issuer *by, const struct nvme_lm_cmd *cmd)
{
	struct slow_command *slow = kzalloc(sizeof(*slow), GFP_KERNEL);

	if (!slow)
		return NULL;
	slow->queue = nvme_lm_stock_queue_get(&by->ctrl->stock);
	if (!slow->queue) {
		kfree(slow);
		return NULL;
	}
	kref_init(&slow->ref);
	INIT_WORK(&slow->work, slow_work);
	init_completion(&slow->done);
	slow->ctrl = nvme_lm_ctrl_get(by->ctrl);
	nvme_lm_cmd_encode(cmd, (__le32 *)&slow->sqe);
	kref_get(&slow->ref);
	queue_work(nvme_lm_events, &slow->work);
	return slow;
}

/* Have nobody wait for it, unless it has ended at last. */
static void abandon(struct slow_command *slow, const struct nvme_lm_issuer *by)
{
	struct nvme_lm_ctrl *ctrl = slow->ctrl;

	scoped_guard(spinlock, &ctrl->slots_lock) {
		if (slow->ended)
			return;
		slow->abandoned = true;
		ctrl->abandoned++;
		wake_up_all(&ctrl->drained);
	}
	pr_warn("nvme-lm: %s: expected the end of a Suspend of CNTLID %u within %u s, or by a Resume, found none; it holds one of %u slots until the PF is reset\n",
		ctrl->name, by->cntlid, nvme_lm_suspend_limit() / 1000, NVME_LM_MAX_COMMANDS);
}

static int cancel(struct slow_command *slow, struct nvme_lm_issuer *by,
		  const struct nvme_lm_cmd *cmd)
{
	/* What becomes of it is seen by the end of the other one. */
	nvme_lm_issue(by, cmd, NULL, 0, NULL);
	if (!wait_for_completion_timeout(&slow->done, msecs_to_jiffies(CANCEL_LIMIT)))
		abandon(slow, by);
	return -ETIMEDOUT;
}

/**
 * nvme_lm_issue_slow - issue a command that may take long
 * @by: on whose behalf
 * @cmd: the command; it has no data
 * @undo: the command that ends it, and undoes it if it has ended
 *
 * Return: 0 or an errno of the table in linux/nvme-lm.h; -ETIMEDOUT if it took
 * longer than nvme_lm_suspend_limit(), and was undone.
 */
int nvme_lm_issue_slow(struct nvme_lm_issuer *by, const struct nvme_lm_cmd *cmd,
		       const struct nvme_lm_cmd *undo)
{
	u64 start = ktime_get_ns();
	struct slow_command *slow;
	int ret;

	ret = nvme_lm_enter(by);
	if (ret)
		return ret;
	slow = slow_start(by, cmd);
	if (!slow) {
		nvme_lm_slot_put(by->ctrl);
		return -ENOMEM;
	}
	if (wait_for_completion_timeout(&slow->done,
					msecs_to_jiffies(nvme_lm_suspend_limit())))
		ret = nvme_lm_outcome(by, slow->status);
	else
		ret = cancel(slow, by, undo);
	trace_nvme_lm_command(by, &slow->sqe, 0, ret, ktime_get_ns() - start);
	nvme_lm_count(by, cmd->opcode, cmd->cdw10, 0, ret);
	slow_put(slow);
	return ret > 0 ? nvme_lm_status_errno(ret) : ret;
}
