// SPDX-License-Identifier: GPL-2.0-only
/*
 * Track Receive, one or several at a time: while one report is looked through, the
 * device makes the next ones.
 */
#include "lm.h"
#include "trackfetch.h"
#include "trackwire.h"

/**
 * nvme_lm_fetch_now - issue a Track Receive and wait for it
 * @fn: the function whose writes it asks for
 * @buf: for the report, kmalloc or vmalloc memory
 * @len: bytes of it
 * @cdw15: where the length stands in the command
 *
 * Return: 0, -ENODATA if nothing was said, or an errno of the table in
 * linux/nvme-lm.h.
 */
int nvme_lm_fetch_now(struct nvme_lm_function *fn, u8 *buf, u32 len, bool cdw15)
{
	struct nvme_lm_cmd cmd = nvme_lm_cmd_track_receive(fn->by.cntlid, len, cdw15);
	int ret;

	nvme_lm_blank_changes(buf);
	ret = nvme_lm_issue(&fn->by, &cmd, buf, len, NULL);
	return !ret && nvme_lm_changes_unsaid(buf) ? -ENODATA : ret;
}

static void fetch_work(struct work_struct *work)
{
	struct nvme_lm_fetch *fetch = container_of(work, struct nvme_lm_fetch, work);
	struct nvme_lm_function *fn = fetch->fn;

	fetch->ret = nvme_lm_fetch_now(fn, fetch->buf, fetch->len,
				       READ_ONCE(fn->by.ctrl->numd_in_cdw15));
	complete(&fetch->done);
}

/**
 * nvme_lm_fetch_init - prepare a Track Receive that goes on behind
 * @fetch: filled in
 * @fn: the function whose writes it asks for
 * @buf: for the report, kmalloc or vmalloc memory
 * @len: bytes of it
 */
void nvme_lm_fetch_init(struct nvme_lm_fetch *fetch, struct nvme_lm_function *fn,
			u8 *buf, u32 len)
{
	INIT_WORK(&fetch->work, fetch_work);
	init_completion(&fetch->done);
	fetch->fn = fn;
	fetch->buf = buf;
	fetch->len = len;
}

/**
 * nvme_lm_fetch_start - begin with it
 * @fetch: what is not under way; whoever starts it waits for it
 */
void nvme_lm_fetch_start(struct nvme_lm_fetch *fetch)
{
	reinit_completion(&fetch->done);
	queue_work(nvme_lm_events, &fetch->work);
}

/**
 * nvme_lm_fetch_wait - wait for its end
 * @fetch: what was started
 *
 * Return: as nvme_lm_fetch_now().
 */
int nvme_lm_fetch_wait(struct nvme_lm_fetch *fetch)
{
	/* not killable: a command ends, and until then the device has the buffer */
	wait_for_completion(&fetch->done);
	return fetch->ret;
}
