// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands that may take long: a Suspend, which waits for all that the function has
 * under way; a Resume; the last piece of a state, with which the device applies it.
 *
 * The stock driver resets the PF, for all who use it, when one of its own admin
 * commands takes a minute.  So these get a time limit from us that never comes, and
 * each runs in a work of its own.  Whoever wants it waits as long as is reasonable,
 * and then has the device undo it, if that is possible.  A device that does not even
 * end it then keeps the command, and the slot; nobody waits for it any more.
 *
 * A slot belongs to whoever waits, until the command is abandoned; then to its work.
 * What undoes a command needs none, so that commands which hang cannot keep each
 * other from being undone: of the 30 tags at most twice as many are in use as there
 * are slots.
 */
#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/mm.h>
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
 * @node: place in ctrl->abandoned; guarded by ctrl->slots_lock
 * @ctrl: the controlling controller, with a reference
 * @queue: its admin queue, with a reference
 * @cntlid: whom it is about
 * @sqe: the command
 * @undo: the command that undoes it
 * @undoable: there is such a command
 * @data: its data, or NULL
 * @len: bytes of @data
 * @status: what nvme_lm_stock_submit_slow() gave; valid once @done
 * @done: it has ended
 * @ended: likewise; guarded by ctrl->slots_lock
 * @abandoned: nobody waits for it; guarded by ctrl->slots_lock
 */
struct slow_command {
	struct kref ref;
	struct work_struct work;
	struct list_head node;
	struct nvme_lm_ctrl *ctrl;
	struct request_queue *queue;
	u16 cntlid;
	struct nvme_command sqe;
	struct nvme_command undo;
	bool undoable;
	void *data;
	u32 len;
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
	kvfree(slow->data);
	kfree(slow);
}

static void slow_put(struct slow_command *slow)
{
	kref_put(&slow->ref, slow_release);
}

/* It has ended, and nobody wanted it any more. */
static void end_abandoned(struct slow_command *slow)
{
	struct nvme_lm_ctrl *ctrl = slow->ctrl;

	/* Whoever gave it up was told that it was not done. */
	if (!slow->status && slow->undoable)
		nvme_lm_stock_submit_slow(slow->queue, &slow->undo, NULL, 0);
	scoped_guard(spinlock, &ctrl->slots_lock) {
		list_del(&slow->node);
		ctrl->abandoned_count--;
	}
	nvme_lm_slot_put(ctrl);
}

static void slow_work(struct work_struct *work)
{
	struct slow_command *slow = container_of(work, struct slow_command, work);
	bool abandoned;

	slow->status = nvme_lm_stock_submit_slow(slow->queue, &slow->sqe, slow->data, slow->len);
	scoped_guard(spinlock, &slow->ctrl->slots_lock) {
		slow->ended = true;
		abandoned = slow->abandoned;
	}
	complete(&slow->done);
	if (abandoned)
		end_abandoned(slow);
	slow_put(slow);
}

/* The data, in memory that stays as long as the command. */
static int keep_data(struct slow_command *slow, const void *buf, u32 len)
{
	if (!len)
		return 0;
	slow->data = kvmalloc(len, GFP_KERNEL_ACCOUNT);
	if (!slow->data)
		return -ENOMEM;
	memcpy(slow->data, buf, len);
	slow->len = len;
	return 0;
}

/* A command of the controller @ctrl, with its data; ERR_PTR() of -ENODEV, -ENOMEM. */
static struct slow_command *slow_alloc(struct nvme_lm_ctrl *ctrl, const void *buf, u32 len)
{
	struct slow_command *slow = kzalloc(sizeof(*slow), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!slow)
		return ERR_PTR(-ENOMEM);
	ret = keep_data(slow, buf, len);
	if (!ret) {
		slow->queue = nvme_lm_stock_queue_get(&ctrl->stock);
		ret = slow->queue ? 0 : -ENODEV;
	}
	if (ret) {
		kvfree(slow->data);
		kfree(slow);
		return ERR_PTR(ret);
	}
	kref_init(&slow->ref);
	INIT_WORK(&slow->work, slow_work);
	INIT_LIST_HEAD(&slow->node);
	init_completion(&slow->done);
	slow->ctrl = nvme_lm_ctrl_get(ctrl);
	return slow;
}

static void slow_start(struct slow_command *slow)
{
	kref_get(&slow->ref);
	queue_work(nvme_lm_events, &slow->work);
}

/* Wait for its end, but not for ever, and not when the caller is killed. */
static bool has_ended(struct slow_command *slow, unsigned int limit)
{
	return wait_for_completion_killable_timeout(&slow->done, msecs_to_jiffies(limit)) > 0;
}

/* Have the device undo it; what has become of that is seen by the other's end. */
static void undo(struct slow_command *slow)
{
	struct slow_command *back = slow_alloc(slow->ctrl, NULL, 0);

	if (IS_ERR(back))
		return;
	back->cntlid = slow->cntlid;
	back->sqe = slow->undo;
	slow_start(back);
	/* not killable: it is short, unless the device hangs altogether */
	wait_for_completion_timeout(&back->done, msecs_to_jiffies(CANCEL_LIMIT));
	slow_put(back);
}

/* Have nobody wait for it; false if it has ended at last. */
static bool abandon(struct slow_command *slow)
{
	struct nvme_lm_ctrl *ctrl = slow->ctrl;

	scoped_guard(spinlock, &ctrl->slots_lock) {
		if (slow->ended)
			return false;
		slow->abandoned = true;
		list_add_tail(&slow->node, &ctrl->abandoned);
		ctrl->abandoned_count++;
		nvme_lm_slots_abandoned(ctrl);
	}
	pr_warn("nvme-lm: %s: expected the end of a command %#x about CNTLID %u within %u s, found none; it holds one of %u slots until the PF is reset\n",
		ctrl->name, slow->sqe.common.opcode, slow->cntlid,
		nvme_lm_slow_limit() / 1000, NVME_LM_MAX_COMMANDS);
	return true;
}

/*
 * It takes too long: have it undone; false if nobody waits for it any more.
 *
 * [?] Whether a Resume ends a Suspend that is under way, or is refused because the
 * function is not suspended yet, no source says.  So one that succeeds after all is
 * undone after it, whatever was undone before.
 */
static bool give_up(struct slow_command *slow)
{
	if (slow->undoable)
		undo(slow);
	if (!wait_for_completion_timeout(&slow->done, msecs_to_jiffies(CANCEL_LIMIT)) &&
	    abandon(slow))
		return false;
	if (!slow->status && slow->undoable)
		undo(slow);
	return true;
}

/* Is the same command still under way, that was given up before? */
static bool is_stuck(struct nvme_lm_ctrl *ctrl, const struct slow_command *slow)
{
	const struct slow_command *other;
	bool found = false;

	spin_lock(&ctrl->slots_lock);
	list_for_each_entry(other, &ctrl->abandoned, node)
		if (other->cntlid == slow->cntlid &&
		    !memcmp(&other->sqe, &slow->sqe, sizeof(slow->sqe)))
			found = true;
	spin_unlock(&ctrl->slots_lock);
	return found;
}

/* With a slot, which goes to the command's work when that is abandoned. */
static int issue_with_slot(struct nvme_lm_issuer *by, struct slow_command *slow)
{
	struct nvme_lm_ctrl *ctrl = by->ctrl;
	int ret;

	slow_start(slow);
	if (has_ended(slow, nvme_lm_slow_limit()))
		ret = nvme_lm_outcome(by, slow->status);
	else if (give_up(slow))
		ret = -ETIMEDOUT;
	else
		return -ETIMEDOUT;
	nvme_lm_slot_put(ctrl);
	return ret;
}

/**
 * nvme_lm_issue_slow - issue a command that may take long
 * @by: on whose behalf
 * @cmd: the command
 * @buf: the data that it sends, which is copied; or NULL
 * @len: bytes of it, a multiple of 4
 * @undo_cmd: the command that ends it, and undoes it if it has ended; or NULL
 *
 * Return: 0 or an errno of the table in linux/nvme-lm.h; -ETIMEDOUT if it took
 * longer than nvme_lm_slow_limit(), or the caller was killed meanwhile, and was
 * undone; or if the same command was given up before, and has not ended yet.
 */
int nvme_lm_issue_slow(struct nvme_lm_issuer *by, const struct nvme_lm_cmd *cmd,
		       const void *buf, u32 len, const struct nvme_lm_cmd *undo_cmd)
{
	u64 start = ktime_get_ns();
	struct slow_command *slow;
	int ret;

	if (len % 4 || len > by->ctrl->max_transfer)
		return -EINVAL;
	ret = nvme_lm_enter(by);
	if (ret)
		return ret;
	slow = slow_alloc(by->ctrl, buf, len);
	if (IS_ERR(slow)) {
		nvme_lm_slot_put(by->ctrl);
		return PTR_ERR(slow);
	}
	slow->cntlid = by->cntlid;
	nvme_lm_cmd_encode(cmd, (__le32 *)&slow->sqe);
	slow->undoable = undo_cmd;
	if (undo_cmd)
		nvme_lm_cmd_encode(undo_cmd, (__le32 *)&slow->undo);

	if (is_stuck(by->ctrl, slow)) {
		nvme_lm_slot_put(by->ctrl);
		ret = -ETIMEDOUT;
	} else {
		ret = issue_with_slot(by, slow);
	}
	trace_nvme_lm_command(by, &slow->sqe, len, ret, ktime_get_ns() - start);
	nvme_lm_count(by, cmd->opcode, cmd->cdw10, len, ret);
	slow_put(slow);
	return ret > 0 ? nvme_lm_status_errno(ret) : ret;
}
