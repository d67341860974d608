// SPDX-License-Identifier: GPL-2.0-only
/*
 * Functions with a control page; only for devices whose PCI IDs match, see kinds.c.
 *
 * The function is stopped and let go on by registers of its own, which the guest
 * must not reach.  Its state goes through a window of 2 KiB into a buffer of the
 * device, so it is kept whole here: read from the window once, at the first read,
 * and written into it with the last piece.
 *
 * The function's registers are its user's, who may put it to sleep at any time: the client
 * knows when they can be accessed, and does it.
 *
 * The PF has no commands for this.  It is asked who the function is; and its resets
 * undo what the page has done, so they are looked for as with any command.
 */
#include <linux/cleanup.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "image.h"
#include "kinds.h"
#include "lm.h"
#include "pageregs.h"

/* How long anything but a stop may take, in milliseconds. */
#define COMMAND_LIMIT		5000

/**
 * struct page_ctl - of a handle
 * @lock: guards the rest, and the registers; held while the device is waited for
 * @client: who accesses the registers
 * @start: where the page is in the BAR
 * @saved: the suspended function's state
 * @incoming: the pieces of a state that is written
 */
struct page_ctl {
	struct mutex lock;	/* all of it */
	struct nvme_lm_client *client;
	u32 start;
	struct nvme_lm_image saved;
	struct nvme_lm_image incoming;
};

static bool page_hidden(struct pci_dev *pdev, struct nvme_lm_hidden *hidden)
{
	resource_size_t len = pci_resource_len(pdev, NVME_LM_PAGE_BAR);

	if (pdev->vendor != NVME_LM_PAGE_VENDOR || pdev->device != NVME_LM_PAGE_VF_DEVICE ||
	    len < NVME_LM_PAGE_BYTES)
		return false;
	/* In whole pages of this kernel, for nothing smaller can be hidden. */
	hidden->offset = round_down(len - NVME_LM_PAGE_BYTES, PAGE_SIZE);
	hidden->size = round_up(len, PAGE_SIZE) - hidden->offset;
	hidden->bar = NVME_LM_PAGE_BAR;
	return true;
}

/* Read a register of the page: 0 or -ENXIO. */
static int get(struct page_ctl *page, u32 at, u32 *value)
{
	return page->client->read32(page->client, NVME_LM_PAGE_BAR, page->start + at, value) ?
	       -ENXIO : 0;
}

/* Write one: 0 or -ENXIO. */
static int put(struct page_ctl *page, u32 at, u32 value)
{
	return page->client->write32(page->client, NVME_LM_PAGE_BAR, page->start + at, value) ?
	       -ENXIO : 0;
}

static void page_release(struct nvme_lm_function *fn)
{
	struct page_ctl *page = fn->priv;

	if (!page)
		return;
	kvfree(page->saved.data);
	kvfree(page->incoming.data);
	kfree(page);
}

/* With the place of the page known: is it one?  Room for as much as it can have. */
static int page_start(struct nvme_lm_function *fn, struct page_ctl *page)
{
	u32 id, version, maxsize;
	int ret;

	ret = get(page, NVME_LM_PAGE_ID, &id);
	if (!ret)
		ret = get(page, NVME_LM_PAGE_VERSION, &version);
	if (!ret)
		ret = get(page, NVME_LM_PAGE_MAXSIZE, &maxsize);
	if (ret)
		return ret;
	ret = nvme_lm_page_check(id, version, maxsize);
	if (ret) {
		dev_warn_ratelimited(&fn->pdev->dev,
				     "nvme-lm: expected a control page %#x of version %u, found %#x of version %u with states of up to %u bytes\n",
				     NVME_LM_PAGE_IS_ONE, NVME_LM_PAGE_IS_KNOWN, id, version,
				     maxsize);
		return ret;
	}
	page->saved.data = kvzalloc(maxsize, GFP_KERNEL_ACCOUNT);
	page->incoming.data = kvzalloc(maxsize, GFP_KERNEL_ACCOUNT);
	if (!page->saved.data || !page->incoming.data)
		return -ENOMEM;
	page->saved.room = maxsize;
	page->incoming.room = maxsize;
	fn->caps.max_state_size = maxsize;
	fn->caps.max_transfer = maxsize;
	return 0;
}

static int page_prepare(struct nvme_lm_function *fn)
{
	struct nvme_lm_hidden hidden;
	struct page_ctl *page;

	if (!page_hidden(fn->pdev, &hidden) || !fn->client->read32 || !fn->client->write32)
		return -ENXIO;
	page = kzalloc(sizeof(*page), GFP_KERNEL_ACCOUNT);
	if (!page)
		return -ENOMEM;
	mutex_init(&page->lock);
	fn->priv = page;
	page->client = fn->client;
	page->start = pci_resource_len(fn->pdev, NVME_LM_PAGE_BAR) - NVME_LM_PAGE_BYTES;
	return page_start(fn, page);
}

static u32 page_flags(const struct nvme_lm_ctrl *ctrl)
{
	return 0;
}

static const char *page_lacks(const struct nvme_lm_ctrl *ctrl, u32 flag)
{
	return flag == NVME_LM_CAP_LIVE_READ ?
	       "a control page saves a stopped function only" :
	       flag == NVME_LM_CAP_TRACK_MEMORY ?
	       "a control page has no tracking" :
	       "a control page loads a state as a whole";
}

static int page_formats(struct nvme_lm_function *fn, struct nvme_lm_format **formats,
			unsigned int *count)
{
	*formats = kzalloc(sizeof(**formats), GFP_KERNEL_ACCOUNT);
	if (!*formats)
		return -ENOMEM;
	*count = 1;
	return 0;
}

/* Wait until the command is through: 0, -ETIMEDOUT or -ENXIO. */
static int wait(struct page_ctl *page, unsigned int limit, u32 *status)
{
	unsigned long end = jiffies + msecs_to_jiffies(limit);
	bool late;
	int ret;

	do {
		late = time_after(jiffies, end);
		ret = get(page, NVME_LM_PAGE_STATUS, status);
		if (ret)
			return ret;
		if (*status == NVME_LM_PAGE_DEAD || !(*status & NVME_LM_PAGE_BUSY))
			return 0;
		usleep_range(50, 200);
	} while (!late);
	return -ETIMEDOUT;
}

/* Carry out @command, for which a stop is given up when it takes too long. */
static int command_now(struct page_ctl *page, u32 command)
{
	unsigned int limit = command == NVME_LM_PAGE_STOP ? nvme_lm_slow_limit() : COMMAND_LIMIT;
	u32 status;
	int ret;

	ret = put(page, NVME_LM_PAGE_COMMAND, command);
	if (!ret)
		ret = wait(page, limit, &status);
	if (!ret)
		return nvme_lm_page_errno(command, status);
	if (ret == -ETIMEDOUT && command == NVME_LM_PAGE_STOP &&
	    !put(page, NVME_LM_PAGE_COMMAND, NVME_LM_PAGE_GO))
		wait(page, COMMAND_LIMIT, &status);
	return ret;
}

/* The same among the commands of the PF, so that resets and its end are noticed. */
static int command(struct nvme_lm_function *fn, u32 command)
{
	struct page_ctl *page = fn->priv;
	int ret;

	lockdep_assert_held(&page->lock);
	ret = nvme_lm_enter(&fn->by);
	if (ret)
		return ret;
	return nvme_lm_leave(&fn->by, command, command_now(page, command));
}

static int page_suspend_notify(struct nvme_lm_function *fn)
{
	return 0;
}

static int page_suspend(struct nvme_lm_function *fn)
{
	struct page_ctl *page = fn->priv;
	int ret;

	guard(mutex)(&page->lock);
	ret = command(fn, NVME_LM_PAGE_STOP);
	if (!ret)
		nvme_lm_image_drop(&page->saved);
	return ret;
}

static int page_resume(struct nvme_lm_function *fn)
{
	struct page_ctl *page = fn->priv;

	guard(mutex)(&page->lock);
	nvme_lm_image_drop(&page->saved);
	return command(fn, NVME_LM_PAGE_GO);
}

/* The buffer of the device, from or to @data; all multiples of 4 bytes. */
static int copy_from_window(struct page_ctl *page, u8 *data, u32 size)
{
	u32 at, value;
	__le32 dword;
	int ret = 0;

	for (at = 0; at < size && !ret; at += 4) {
		u32 in = at % NVME_LM_PAGE_WINDOW_LEN;

		if (!in)
			ret = put(page, NVME_LM_PAGE_BASE, at);
		if (!ret)
			ret = get(page, NVME_LM_PAGE_WINDOW + in, &value);
		if (ret)
			break;
		dword = cpu_to_le32(value);
		memcpy(data + at, &dword, sizeof(dword));
	}
	return ret;
}

static int copy_to_window(struct page_ctl *page, const u8 *data, u32 size)
{
	__le32 dword;
	int ret = 0;
	u32 at;

	for (at = 0; at < size && !ret; at += 4) {
		u32 in = at % NVME_LM_PAGE_WINDOW_LEN;

		if (!in)
			ret = put(page, NVME_LM_PAGE_BASE, at);
		if (ret)
			break;
		memcpy(&dword, data + at, sizeof(dword));
		ret = put(page, NVME_LM_PAGE_WINDOW + in, le32_to_cpu(dword));
	}
	return ret;
}

/* A reset since the save has cleared what was read: 0, -EPROTO, or -ENXIO. */
static int is_still_saved(struct page_ctl *page, u32 size)
{
	u32 status, now;
	int ret;

	ret = get(page, NVME_LM_PAGE_STATUS, &status);
	if (!ret)
		ret = get(page, NVME_LM_PAGE_SIZE, &now);
	if (ret)
		return ret;
	return status & NVME_LM_PAGE_STOPPED && now == size ? 0 : -EPROTO;
}

static int save(struct nvme_lm_function *fn)
{
	struct page_ctl *page = fn->priv;
	u32 size;
	int ret;

	ret = command(fn, NVME_LM_PAGE_SAVE);
	if (!ret)
		ret = get(page, NVME_LM_PAGE_SIZE, &size);
	if (ret)
		return ret;
	if (!size || size % 4 || size > page->saved.room) {
		dev_warn_ratelimited(&fn->pdev->dev,
				     "nvme-lm: expected a state of 4 to %u bytes in dwords, found %u; update the firmware\n",
				     page->saved.room, size);
		return -EREMOTEIO;
	}
	ret = copy_from_window(page, page->saved.data, size);
	if (!ret)
		ret = is_still_saved(page, size);
	if (ret)
		return ret;
	page->saved.size = size;
	page->saved.whole = true;
	return 0;
}

static int page_state_size(struct nvme_lm_function *fn, u64 *size)
{
	struct page_ctl *page = fn->priv;
	int ret = 0;

	guard(mutex)(&page->lock);
	if (!page->saved.whole)
		ret = save(fn);
	/* One that runs does not tell; it cannot be more than this. */
	if (ret == -EPROTO) {
		*size = page->saved.room;
		return 0;
	}
	*size = page->saved.size;
	return ret;
}

static int page_read_state(struct nvme_lm_function *fn, const struct nvme_lm_format *format,
			   u64 offset, void *buf, u32 len, bool *suspended)
{
	struct page_ctl *page = fn->priv;
	u32 status;
	int ret;

	guard(mutex)(&page->lock);
	if (!page->saved.whole) {
		ret = save(fn);
		if (ret)
			return ret;
	}
	nvme_lm_image_copy(&page->saved, offset, buf, len);
	ret = get(page, NVME_LM_PAGE_STATUS, &status);
	*suspended = !ret && status & NVME_LM_PAGE_STOPPED;
	return ret;
}

static int page_write_state(struct nvme_lm_function *fn, const struct nvme_lm_format *format,
			    u64 offset, void *buf, u32 len, enum nvme_lm_sequence seq)
{
	struct page_ctl *page = fn->priv;
	int ret;

	guard(mutex)(&page->lock);
	ret = nvme_lm_image_add(&page->incoming, offset, buf, len, seq);
	if (ret || !page->incoming.whole)
		return ret;
	ret = copy_to_window(page, page->incoming.data, page->incoming.size);
	if (!ret)
		ret = put(page, NVME_LM_PAGE_SIZE, page->incoming.size);
	if (!ret)
		ret = command(fn, NVME_LM_PAGE_LOAD);
	nvme_lm_image_drop(&page->incoming);
	/* It is another function's state that counts now. */
	if (!ret)
		nvme_lm_image_drop(&page->saved);
	return ret;
}

const struct nvme_lm_ops nvme_lm_page_ops = {
	.command_set = NVME_LM_CS_CONTROL_PAGE,
	.name = "control_page",
	.max_state_size = NVME_LM_PAGE_MAX_STATE,
	.match = nvme_lm_page_match,
	.hidden = page_hidden,
	.flags = page_flags,
	.lacks = page_lacks,
	.prepare = page_prepare,
	.release = page_release,
	.formats = page_formats,
	.suspend_notify = page_suspend_notify,
	.suspend = page_suspend,
	.resume = page_resume,
	.state_size = page_state_size,
	.read_state = page_read_state,
	.write_state = page_write_state,
};
