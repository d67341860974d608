// SPDX-License-Identifier: GPL-2.0-only
/*
 * Issuing a command: a slot, in turn; the stock driver's queue; what became of
 * it.
 */
#include <linux/build_bug.h>
#include <linux/cleanup.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/nvme.h>
#include <linux/sched/task_stack.h>

#include "lm.h"
#include "trace.h"

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

static void slot_put(struct nvme_lm_ctrl *ctrl)
{
	struct nvme_lm_slot_waiter *next;

	spin_lock(&ctrl->slots_lock);
	next = nvme_lm_slot_done(&ctrl->slots);
	if (next)
		wake_waiter(next);
	if (ctrl->gone && !ctrl->slots.used)
		wake_up_all(&ctrl->drained);
	spin_unlock(&ctrl->slots_lock);
}

/* Wait for a slot: 0, -ENODEV, or -EINTR for a fatal signal. */
static int slot_get(struct nvme_lm_issuer *by)
{
	struct nvme_lm_ctrl *ctrl = by->ctrl;
	struct slot_wait wait;
	bool granted;
	int ret;

	init_completion(&wait.woken);
	scoped_guard(spinlock, &ctrl->slots_lock) {
		if (ctrl->gone)
			return -ENODEV;
		if (nvme_lm_slot_want(&ctrl->slots, &by->slots, &wait.waiter))
			return 0;
	}

	ret = wait_for_completion_killable(&wait.woken);

	scoped_guard(spinlock, &ctrl->slots_lock) {
		nvme_lm_slot_forget(&ctrl->slots, &by->slots, &wait.waiter);
		granted = wait.waiter.granted;
	}
	if (ret) {
		if (granted)
			slot_put(ctrl);
		return -EINTR;
	}
	return granted ? 0 : -ENODEV;
}

static bool slots_are_free(struct nvme_lm_ctrl *ctrl)
{
	bool free;

	spin_lock(&ctrl->slots_lock);
	free = !ctrl->slots.used;
	spin_unlock(&ctrl->slots_lock);
	return free;
}

/**
 * nvme_lm_drain - let no new command through and wait for those under way
 * @ctrl: the controlling controller
 */
void nvme_lm_drain(struct nvme_lm_ctrl *ctrl)
{
	struct nvme_lm_slot_waiter *waiter;

	scoped_guard(spinlock, &ctrl->slots_lock) {
		ctrl->gone = true;
		while ((waiter = nvme_lm_slot_dismiss(&ctrl->slots)))
			wake_waiter(waiter);
	}
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

/* With a slot: issue @cmd and tell a reset from all other failures. */
static int issue_now(struct nvme_lm_issuer *by, struct nvme_command *cmd,
		     void *buf, u32 len, u32 *result)
{
	int ret, stale;

	ret = check_generation(by);
	if (ret)
		return ret;

	ret = nvme_lm_stock_submit(&by->ctrl->stock, cmd, buf, len, result);

	stale = check_generation(by);
	if (!stale && ended_by_reset(ret)) {
		nvme_lm_reset_seen(by->ctrl);
		stale = -ESTALE;
	}
	if (stale)
		return stale;
	return ret > 0 ? ret & NVME_LM_STATUS_MASK : ret;
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
	u64 start;
	int ret;

	if (!buffer_fits(by->ctrl, buf, len))
		return -EINVAL;

	ret = slot_get(by);
	if (ret)
		return ret;
	start = ktime_get_ns();
	ret = issue_now(by, cmd, buf, len, result);
	trace_nvme_lm_command(by, cmd, len, ret, ktime_get_ns() - start);
	slot_put(by->ctrl);
	return ret;
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
