// SPDX-License-Identifier: GPL-2.0-only
/*
 * Issuing a command: a slot, in turn; the stock driver's queue; what became of
 * it.
 */
#include <linux/build_bug.h>
#include <linux/cleanup.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/nvme.h>
#include <linux/pci.h>
#include <linux/sched/task_stack.h>

#include "lm.h"
#include "trace.h"

/* Of the commands in slow.c, for which the stock driver's own limit does not count. */
static unsigned int slow_timeout = 30;
module_param(slow_timeout, uint, 0644);
MODULE_PARM_DESC(slow_timeout,
		 "Seconds that a function may take to stop, to go on or to take over a state, before that is given up, 1 to 3600 (default: 30)");

/**
 * nvme_lm_slow_limit - how long a command may take that may take long
 *
 * Return: milliseconds.
 */
unsigned int nvme_lm_slow_limit(void)
{
	return clamp(READ_ONCE(slow_timeout), 1U, 3600U) * MSEC_PER_SEC;
}

/* How long commands are waited for before the stock driver is let cancel them, in ms. */
#define CLOSE_LIMIT	5000
#define CLOSE_STEP	100

/**
 * struct slot_wait - a command that wants a slot
 * @waiter: its place among the others
 * @woken: it has a slot, or the controller is gone
 */
struct slot_wait {
	struct nvme_lm_slot_waiter waiter;
	struct completion woken;
};

static void wake_waiter(struct nvme_lm_slot_waiter *waiter)
{
	complete(&container_of(waiter, struct slot_wait, waiter)->woken);
}

/**
 * nvme_lm_slot_put - give a slot back
 * @ctrl: the controlling controller
 */
void nvme_lm_slot_put(struct nvme_lm_ctrl *ctrl)
{
	struct nvme_lm_slot_waiter *next;

	spin_lock(&ctrl->slots_lock);
	next = nvme_lm_slot_done(&ctrl->slots);
	if (next)
		wake_waiter(next);
	if (ctrl->gone && ctrl->slots.used == ctrl->abandoned_count)
		wake_up_all(&ctrl->drained);
	spin_unlock(&ctrl->slots_lock);
}

/* Why nobody can have a slot, now or ever: 0, -ENODEV or -ETIMEDOUT. */
static int why_no_slot(const struct nvme_lm_ctrl *ctrl)
{
	lockdep_assert_held(&ctrl->slots_lock);
	if (ctrl->gone)
		return -ENODEV;
	return ctrl->abandoned_count == ctrl->slots.limit ? -ETIMEDOUT : 0;
}

/* Wait for a slot: 0, an errno of why_no_slot(), or -EINTR for a fatal signal. */
static int slot_get(struct nvme_lm_issuer *by)
{
	struct nvme_lm_ctrl *ctrl = by->ctrl;
	struct slot_wait wait;
	int ret, why;
	bool granted;

	init_completion(&wait.woken);
	scoped_guard(spinlock, &ctrl->slots_lock) {
		ret = why_no_slot(ctrl);
		if (ret)
			return ret;
		if (nvme_lm_slot_want(&ctrl->slots, &by->slots, &wait.waiter))
			return 0;
	}

	ret = wait_for_completion_killable(&wait.woken);

	scoped_guard(spinlock, &ctrl->slots_lock) {
		nvme_lm_slot_forget(&ctrl->slots, &by->slots, &wait.waiter);
		granted = wait.waiter.granted;
		why = why_no_slot(ctrl);
	}
	if (ret) {
		if (granted)
			nvme_lm_slot_put(ctrl);
		return -EINTR;
	}
	if (granted)
		return 0;
	/* sent away; the reason may be gone since */
	return why ? why : -ETIMEDOUT;
}

/* Send away all who wait for a slot. */
static void dismiss_all(struct nvme_lm_ctrl *ctrl)
{
	struct nvme_lm_slot_waiter *waiter;

	lockdep_assert_held(&ctrl->slots_lock);
	while ((waiter = nvme_lm_slot_dismiss(&ctrl->slots)))
		wake_waiter(waiter);
}

/**
 * nvme_lm_slots_abandoned - a command was abandoned that has a slot
 * @ctrl: the controlling controller; its slots_lock is held
 */
void nvme_lm_slots_abandoned(struct nvme_lm_ctrl *ctrl)
{
	lockdep_assert_held(&ctrl->slots_lock);
	wake_up_all(&ctrl->drained);
	/* nobody could say when a slot will be free again */
	if (ctrl->abandoned_count == ctrl->slots.limit)
		dismiss_all(ctrl);
}

static bool slots_are_free(struct nvme_lm_ctrl *ctrl)
{
	bool free;

	spin_lock(&ctrl->slots_lock);
	free = ctrl->slots.used == ctrl->abandoned_count;
	spin_unlock(&ctrl->slots_lock);
	return free;
}

/**
 * nvme_lm_close - let no new command through
 * @ctrl: the controlling controller, whose PF is still there
 *
 * Those that are under way are waited for, but not for long, and not on a PF that is
 * gone: they may end only when the stock driver cancels them.
 *
 * Return: true if none is under way any more, but for those that were abandoned.
 */
bool nvme_lm_close(struct nvme_lm_ctrl *ctrl)
{
	unsigned int waited;

	scoped_guard(spinlock, &ctrl->slots_lock) {
		ctrl->gone = true;
		dismiss_all(ctrl);
	}
	for (waited = 0; waited < CLOSE_LIMIT; waited += CLOSE_STEP) {
		if (wait_event_timeout(ctrl->drained, slots_are_free(ctrl),
				       msecs_to_jiffies(CLOSE_STEP)))
			return true;
		if (!pci_device_is_present(ctrl->stock.pdev))
			break;
	}
	return slots_are_free(ctrl);
}

/**
 * nvme_lm_drain - wait for the commands that are under way
 * @ctrl: the controlling controller, closed
 *
 * But for those that were abandoned: the stock driver ends them.
 */
void nvme_lm_drain(struct nvme_lm_ctrl *ctrl)
{
	wait_event(ctrl->drained, slots_are_free(ctrl));
}

/**
 * nvme_lm_issuer_init - prepare to issue commands
 * @by: filled in
 * @ctrl: the controlling controller
 * @cntlid: who is controlled
 */
void nvme_lm_issuer_init(struct nvme_lm_issuer *by, struct nvme_lm_ctrl *ctrl,
			 u16 cntlid)
{
	by->ctrl = ctrl;
	by->cntlid = cntlid;
	by->stats = NULL;
	by->generation = READ_ONCE(ctrl->generation);
	nvme_lm_slot_queue_init(&by->slots);
}

/*
 * Memory that the block layer can map: of kmalloc or vmalloc.  The stack and
 * module data are in neither, or look as if they were.
 */
static bool buffer_fits(const struct nvme_lm_ctrl *ctrl, const void *buf,
			u32 len)
{
	if (!buf || !len)
		return !buf && !len;
	if (len % 4 || len > ctrl->max_transfer)
		return false;
	if (object_is_on_stack(buf))
		return false;
	return is_vmalloc_addr(buf) || virt_addr_valid(buf);
}

/* Whether the controller is the one that @by has taken note of. */
static int check_generation(struct nvme_lm_issuer *by)
{
	int ret = nvme_lm_reset_check(by->ctrl);

	if (ret)
		return ret;
	if (READ_ONCE(by->generation) != READ_ONCE(by->ctrl->generation))
		return -ESTALE;
	return 0;
}

/*
 * A reset ends the commands under way, or fails those it finds in the queue, or
 * lets them through to the controller that it made anew.  The last leaves no
 * trace in the status.
 */
static bool ended_by_reset(int ret)
{
	return ret == -EINTR || ret == NVME_SC_HOST_PATH_ERROR ||
	       ret == NVME_SC_HOST_ABORTED_CMD;
}

/**
 * nvme_lm_count - count a command that has ended
 * @by: on whose behalf
 * @opcode: its OPC, or %NVME_LM_OP_REGISTERS
 * @sel: CDW10[7:0]
 * @len: bytes of its data
 * @status: 0, a positive NVMe status, or an errno
 */
void nvme_lm_count(struct nvme_lm_issuer *by, u8 opcode, u8 sel, u32 len, int status)
{
	nvme_lm_stats_count(&by->ctrl->stats, opcode, sel, len, status);
	if (by->stats)
		nvme_lm_stats_count(by->stats, opcode, sel, len, status);
}

/**
 * nvme_lm_outcome - tell a reset from all other failures of a command
 * @by: on whose behalf it was issued; with its slot
 * @ret: what nvme_lm_stock_submit() gave
 *
 * Return: 0, a positive NVMe status, or an errno of nvme_lm_submit().
 */
int nvme_lm_outcome(struct nvme_lm_issuer *by, int ret)
{
	int stale = check_generation(by);

	if (!stale && ended_by_reset(ret)) {
		nvme_lm_reset_seen(by->ctrl);
		stale = -ESTALE;
	}
	if (stale)
		return stale;
	return ret > 0 ? ret & NVME_LM_STATUS_MASK : ret;
}

/* With a slot. */
static int issue_now(struct nvme_lm_issuer *by, struct nvme_command *cmd,
		     void *buf, u32 len, u32 *result)
{
	int ret;

	ret = check_generation(by);
	if (ret)
		return ret;
	ret = nvme_lm_stock_submit(&by->ctrl->stock, cmd, buf, len, result);
	return nvme_lm_outcome(by, ret);
}

/* With a slot; @len bytes are moved, from or to @buf if there is one. */
static int issue_counted(struct nvme_lm_issuer *by, struct nvme_command *cmd, void *buf,
			 u32 len, u32 *result)
{
	u64 start = ktime_get_ns();
	int ret = issue_now(by, cmd, buf, buf ? len : 0, result);

	trace_nvme_lm_command(by, cmd, len, ret, ktime_get_ns() - start);
	nvme_lm_count(by, cmd->common.opcode, le32_to_cpu(cmd->common.cdw10), len, ret);
	return ret;
}

/**
 * nvme_lm_enter - begin with what is no command, but has to go with them
 * @by: on whose behalf
 *
 * Takes a slot.  From success on until nvme_lm_leave() the controlling controller
 * stays.
 *
 * Return: 0, -ENODEV, -ESTALE or -EINTR.
 */
int nvme_lm_enter(struct nvme_lm_issuer *by)
{
	int ret = slot_get(by);

	if (ret)
		return ret;
	ret = check_generation(by);
	if (ret)
		nvme_lm_slot_put(by->ctrl);
	return ret;
}

/**
 * nvme_lm_leave - end what nvme_lm_enter() has begun
 * @by: on whose behalf
 * @command: what it was, for the statistics
 * @ret: what became of it, 0 or an errno
 *
 * Return: @ret, or -ESTALE or -ENODEV if the controller was reset meanwhile.
 */
int nvme_lm_leave(struct nvme_lm_issuer *by, u32 command, int ret)
{
	int stale = check_generation(by);

	ret = stale ? stale : ret;
	nvme_lm_count(by, NVME_LM_OP_REGISTERS, command, 0, ret);
	nvme_lm_slot_put(by->ctrl);
	return ret;
}

/**
 * nvme_lm_issue_raw - issue an admin command
 * @by: on whose behalf
 * @cmd: the command, complete but for the identifier and the data pointer
 * @buf: kmalloc or vmalloc memory for the data, or NULL
 * @len: bytes of data, a multiple of 4
 * @result: Dword 0 of the completion, or NULL
 *
 * Return: 0, a positive NVMe status, or an errno of nvme_lm_submit().
 */
int nvme_lm_issue_raw(struct nvme_lm_issuer *by, struct nvme_command *cmd,
		      void *buf, u32 len, u32 *result)
{
	int ret;

	if (!buffer_fits(by->ctrl, buf, len))
		return -EINVAL;

	ret = slot_get(by);
	if (ret)
		return ret;
	ret = issue_counted(by, cmd, buf, len, result);
	nvme_lm_slot_put(by->ctrl);
	return ret;
}

/**
 * nvme_lm_issue_entered - issue a command whose data is mapped already
 * @by: on whose behalf; between nvme_lm_enter() and nvme_lm_slot_put()
 * @cmd: the command
 * @prp1: its data pointer
 * @prp2: likewise
 * @len: bytes that it should move, for the statistics
 *
 * Return: 0 or an errno of the table in linux/nvme-lm.h.
 */
int nvme_lm_issue_entered(struct nvme_lm_issuer *by, const struct nvme_lm_cmd *cmd, u64 prp1,
			  u64 prp2, u32 len)
{
	struct nvme_command sqe;
	int ret;

	nvme_lm_cmd_encode(cmd, (__le32 *)&sqe);
	sqe.common.dptr.prp1 = cpu_to_le64(prp1);
	sqe.common.dptr.prp2 = cpu_to_le64(prp2);
	ret = issue_counted(by, &sqe, NULL, len, NULL);
	return ret > 0 ? nvme_lm_status_errno(ret) : ret;
}

/**
 * nvme_lm_issue - issue one of the commands of command.h
 * @by: on whose behalf
 * @cmd: the command
 * @buf: kmalloc or vmalloc memory for the data, or NULL
 * @len: bytes of data, a multiple of 4
 * @result: Dword 0 of the completion, or NULL
 *
 * Return: 0 or an errno of the table in linux/nvme-lm.h.
 */
int nvme_lm_issue(struct nvme_lm_issuer *by, const struct nvme_lm_cmd *cmd,
		  void *buf, u32 len, u32 *result)
{
	struct nvme_command sqe;
	int ret;

	static_assert(sizeof(sqe) == 16 * sizeof(__le32));
	nvme_lm_cmd_encode(cmd, (__le32 *)&sqe);
	ret = nvme_lm_issue_raw(by, &sqe, buf, len, result);
	return ret > 0 ? nvme_lm_status_errno(ret) : ret;
}

/**
 * nvme_lm_identify - issue an Identify
 * @by: on whose behalf
 * @cns: which data structure
 * @nsid: NSID, 0 where @cns does not use it
 * @cntid: CNTID, 0 where @cns does not use it
 * @page: %NVME_LM_IDENTIFY_SIZE bytes of kmalloc memory
 *
 * Return: 0 or an errno of the table in linux/nvme-lm.h.
 */
int nvme_lm_identify(struct nvme_lm_issuer *by, u8 cns, u32 nsid, u16 cntid,
		     u8 *page)
{
	struct nvme_lm_cmd cmd = nvme_lm_cmd_identify(cns, nsid, cntid);

	return nvme_lm_issue(by, &cmd, page, NVME_LM_IDENTIFY_SIZE, NULL);
}
