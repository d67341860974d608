// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command set of NVM Express: Migration Send and Migration Receive; for
 * Track Send and Track Receive see track.c.
 */
#include <linux/cleanup.h>
#include <linux/dev_printk.h>
#include <linux/moduleparam.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/unaligned.h>

#include "lm.h"
#include "track.h"

/*
 * The specification has the host wait for each piece of Set Controller State before
 * it sends the next.  [?] It does not say whether middle pieces may come in any
 * order, nor what becomes of bytes that are sent twice, and no device says it of
 * itself.  So only the administrator can know that more is taken.
 */
static bool random_write;
module_param(random_write, bool, 0644);
MODULE_PARM_DESC(random_write,
		 "Controllers take middle pieces of Set Controller State in any order, and a later piece replaces an earlier one; for devices known to do so (default: N)");

/* How many state formats there are, and of what, in @page; complains of them. */
static int decode_list(struct nvme_lm_function *fn, const u8 *page,
		       struct nvme_lm_format_list *list)
{
	int ret = nvme_lm_decode_format_list(page, list);

	/* Whoever opens the function comes here, as often as they like. */
	if (ret)
		dev_warn_ratelimited(&fn->pdev->dev,
				     "nvme-lm: expected 1 to %u state formats in a list of %u bytes, found %u versions with %u UUIDs; update the firmware\n",
				     NVME_LM_MAX_FORMATS, NVME_LM_IDENTIFY_SIZE,
				     list->versions, list->uuids);
	return ret;
}

/*
 * Get Controller State says with CSUP whether the function was suspended, so it
 * may be issued while it runs.  SEQIND marks the first and the last piece of Set
 * Controller State, and the device applies the state with the last.
 */
static u32 standard_flags(const struct nvme_lm_ctrl *ctrl)
{
	u32 flags = NVME_LM_CAP_LIVE_READ | NVME_LM_CAP_STREAMED_WRITE;

	if (READ_ONCE(random_write))
		flags |= NVME_LM_CAP_RANDOM_WRITE;
	/* A report, or a list of ranges, that is shorter is of no use. */
	if (ctrl->track_limits.max_ranges && ctrl->max_transfer >= PAGE_SIZE)
		flags |= NVME_LM_CAP_TRACK_MEMORY;
	return flags;
}

static const char *standard_lacks(const struct nvme_lm_ctrl *ctrl, u32 flag)
{
	if (flag == NVME_LM_CAP_RANDOM_WRITE)
		return "no device says that it takes it; if this does, set nvme_lm.random_write=Y";
	if (ctrl->track_limits.max_ranges)
		return "one command transfers less than a page";
	return "the controller tracks no memory: see TRATTR bit 0, CMMRTD, MINMRTG, MAXMRTG";
}

/*
 * The state formats are the device's, not the function's, and do not change, unless it
 * comes out of a reset with other firmware.
 */
static int standard_prepare(struct nvme_lm_function *fn)
{
	u8 *page __free(kfree) = kzalloc(NVME_LM_IDENTIFY_SIZE, GFP_KERNEL);
	struct nvme_lm_format *formats __free(kfree) = NULL;
	struct nvme_lm_format_list list;
	unsigned int i, count;
	int ret;

	if (!page)
		return -ENOMEM;
	ret = nvme_lm_identify(&fn->by, NVME_LM_CNS_STATE_FORMATS, 0, 0, page);
	if (!ret)
		ret = decode_list(fn, page, &list);
	if (ret)
		return ret;

	count = nvme_lm_format_count(&list);
	formats = kcalloc(count, sizeof(*formats), GFP_KERNEL_ACCOUNT);
	if (!formats)
		return -ENOMEM;
	for (i = 0; i < count; i++)
		nvme_lm_decode_format(page, &list, i, &formats[i]);
	guard(mutex)(&fn->formats_lock);
	swap(fn->formats, formats);
	fn->format_list = list;
	return 0;
}

static int standard_formats(struct nvme_lm_function *fn,
			    struct nvme_lm_format **formats,
			    unsigned int *count)
{
	unsigned int n;

	guard(mutex)(&fn->formats_lock);
	n = nvme_lm_format_count(&fn->format_list);
	*formats = kmemdup(fn->formats, n * sizeof(**formats), GFP_KERNEL_ACCOUNT);
	if (!*formats)
		return -ENOMEM;
	*count = n;
	return 0;
}

/* The piece that a command is about; -EINVAL for a format that is not ours. */
static int make_piece(struct nvme_lm_function *fn,
		      const struct nvme_lm_format *format, u64 offset, u32 len,
		      struct nvme_lm_piece *piece)
{
	unsigned int i, count;

	guard(mutex)(&fn->formats_lock);
	count = nvme_lm_format_count(&fn->format_list);
	for (i = 0; i < count; i++)
		if (!memcmp(format, &fn->formats[i], sizeof(*format)))
			break;
	if (i == count)
		return -EINVAL;

	piece->cntlid = fn->by.cntlid;
	piece->offset = offset;
	piece->len = len;
	nvme_lm_format_selectors(&fn->format_list, i, &piece->csvi,
				 &piece->csuuidi);
	return 0;
}

static int standard_suspend_notify(struct nvme_lm_function *fn)
{
	struct nvme_lm_cmd cmd = nvme_lm_cmd_suspend(fn->by.cntlid,
						     NVME_LM_STYPE_NOTIFY);

	return nvme_lm_issue(&fn->by, &cmd, NULL, 0, NULL);
}

static int standard_resume(struct nvme_lm_function *fn)
{
	struct nvme_lm_cmd cmd = nvme_lm_cmd_resume(fn->by.cntlid);
	int ret = nvme_lm_issue_slow(&fn->by, &cmd, NULL, 0, NULL);

	if (!ret)
		nvme_lm_standard_track_resumed(fn);
	return ret;
}

static int standard_read_state(struct nvme_lm_function *fn,
			       const struct nvme_lm_format *format, u64 offset,
			       void *buf, u32 len, bool *suspended)
{
	struct nvme_lm_piece piece;
	struct nvme_lm_cmd cmd;
	u32 dword0;
	int ret;

	ret = make_piece(fn, format, offset, len, &piece);
	if (ret)
		return ret;
	cmd = nvme_lm_cmd_get_state(&piece);
	ret = nvme_lm_issue(&fn->by, &cmd, buf, len, &dword0);
	if (ret)
		return ret;
	*suspended = dword0 & NVME_LM_CSUP;
	return 0;
}

static int standard_write_state(struct nvme_lm_function *fn,
				const struct nvme_lm_format *format, u64 offset,
				void *buf, u32 len, enum nvme_lm_sequence seq)
{
	struct nvme_lm_piece piece;
	struct nvme_lm_cmd cmd;
	int ret;

	ret = make_piece(fn, format, offset, len, &piece);
	if (ret)
		return ret;
	cmd = nvme_lm_cmd_set_state(&piece, seq);
	/* with the last one the device checks the state, and makes it its own */
	if (seq == NVME_LM_SEQ_LAST || seq == NVME_LM_SEQ_ENTIRE)
		return nvme_lm_issue_slow(&fn->by, &cmd, buf, len, NULL);
	return nvme_lm_issue(&fn->by, &cmd, buf, len, NULL);
}

/* The head of the state says how large all of it is. */
static int standard_state_size(struct nvme_lm_function *fn, u64 *size)
{
	u8 *header __free(kfree) = kzalloc(NVME_LM_STATE_HEADER_SIZE,
					   GFP_KERNEL);
	struct nvme_lm_format format;
	bool suspended;
	int ret;

	if (!header)
		return -ENOMEM;
	scoped_guard(mutex, &fn->formats_lock)
		format = fn->formats[0];
	ret = standard_read_state(fn, &format, 0, header,
				  NVME_LM_STATE_HEADER_SIZE, &suspended);
	if (ret)
		return ret;
	return nvme_lm_decode_state_size(header, NVME_LM_STANDARD_MAX_STATE,
					 size);
}

/* The same of a state that is written. */
static int standard_state_length(const u8 *head, u32 len, u64 *length)
{
	static_assert(NVME_LM_STATE_HEADER_SIZE <= NVME_LM_STATE_HEAD);
	if (len < NVME_LM_STATE_HEADER_SIZE)
		return -EINVAL;
	/* what a header of another version says is for the device to tell */
	if (get_unaligned_le16(head))
		return -EOPNOTSUPP;
	return nvme_lm_decode_state_size(head, NVME_LM_STANDARD_MAX_STATE, length) ? -EINVAL : 0;
}

/*
 * The head of the state has an answer with it, in whatever format; without a
 * handle, so the formats are asked for anew.
 */
static int standard_is_suspended(struct nvme_lm_issuer *by, u16 cntlid, bool *suspended)
{
	u8 *page __free(kfree) = kzalloc(NVME_LM_IDENTIFY_SIZE, GFP_KERNEL);
	struct nvme_lm_piece piece = {
		.cntlid = cntlid,
		.len = NVME_LM_STATE_HEADER_SIZE,
	};
	struct nvme_lm_format_list list;
	struct nvme_lm_cmd cmd;
	u32 dword0;
	int ret;

	if (!page)
		return -ENOMEM;
	ret = nvme_lm_identify(by, NVME_LM_CNS_STATE_FORMATS, 0, 0, page);
	if (!ret)
		ret = nvme_lm_decode_format_list(page, &list);
	if (ret)
		return ret;
	nvme_lm_format_selectors(&list, 0, &piece.csvi, &piece.csuuidi);
	cmd = nvme_lm_cmd_get_state(&piece);
	ret = nvme_lm_issue(by, &cmd, page, piece.len, &dword0);
	if (ret)
		return ret;
	*suspended = dword0 & NVME_LM_CSUP;
	return 0;
}

/*
 * Whoever is told that the function was suspended already relies on it, so the device
 * is asked once more.
 */
static int standard_suspend(struct nvme_lm_function *fn)
{
	struct nvme_lm_cmd cmd = nvme_lm_cmd_suspend(fn->by.cntlid,
						     NVME_LM_STYPE_SUSPEND);
	struct nvme_lm_cmd undo = nvme_lm_cmd_resume(fn->by.cntlid);
	bool suspended;
	int ret, error;

	ret = nvme_lm_issue_slow(&fn->by, &cmd, NULL, 0, &undo);
	if (ret != -EALREADY)
		return ret;
	error = standard_is_suspended(&fn->by, fn->by.cntlid, &suspended);
	if (error)
		return error;
	return suspended ? -EALREADY : -EREMOTEIO;
}

const struct nvme_lm_ops nvme_lm_standard_ops = {
	.command_set = NVME_LM_CS_STANDARD,
	.name = "standard",
	.max_state_size = NVME_LM_STANDARD_MAX_STATE,
	.match = nvme_lm_standard_match,
	.flags = standard_flags,
	.lacks = standard_lacks,
	.is_suspended = standard_is_suspended,
	.prepare = standard_prepare,
	.renew = standard_prepare,
	.formats = standard_formats,
	.suspend_notify = standard_suspend_notify,
	.suspend = standard_suspend,
	.resume = standard_resume,
	.state_size = standard_state_size,
	.read_state = standard_read_state,
	.write_state = standard_write_state,
	.state_length = standard_state_length,
	.track_start = nvme_lm_standard_track_start,
	.track_restart = nvme_lm_standard_track_restart,
	.track_stop = nvme_lm_standard_track_stop,
	.track_read = nvme_lm_standard_track_read,
};
