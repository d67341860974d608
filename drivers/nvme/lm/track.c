// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tracking of the memory that a function writes: Track Send, Track Receive.
 *
 * The device reports what changed anywhere in what it tracks, in the order it
 * likes, and forgets it with that.  A caller asks for a range.  So each read
 * empties the device, tells the caller of its range, and keeps the rest in a
 * dirty set for the read that asks for it.
 *
 * Once a report was lost, by an error or a reset, no later one can be whole:
 * every read then fails until tracking is started anew, or all is called dirty.
 */
#include <linux/cleanup.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include <compat/nvme-lm-compat.h>

#include "lm.h"
#include "track.h"
#include "trackwire.h"

/* A first look is short, for often there is little; what follows is not. */
#define SHORT_REPORT	4096
#define LONG_REPORT	131072

/**
 * struct nvme_lm_track - tracking of one function, while it goes on
 * @spans: what the device tracks: ascending, apart, whole granules
 * @count: how many
 * @shift: granularity to ask for, as the binary logarithm of bytes
 * @generation: of the controlling controller when tracking was started
 * @error: why no report can be whole any more, or 0
 * @pending: reported by the device, but nobody asked for it yet
 * @buf: for reports
 * @len: its size
 */
struct nvme_lm_track {
	struct nvme_lm_span *spans;
	unsigned int count;
	u8 shift;
	u32 generation;
	int error;
	struct nvme_lm_dirty_set pending;
	u8 *buf;
	u32 len;
};

static void track_free(struct nvme_lm_track *track)
{
	if (!track)
		return;
	nvme_lm_dirty_clear(&track->pending);
	kvfree(track->buf);
	kvfree(track->spans);
	kfree(track);
}

/* Copy what is to be tracked; -EINVAL for what makes no sense. */
static int copy_ranges(struct nvme_lm_track *track,
		       const struct nvme_lm_range *ranges, unsigned int count)
{
	unsigned int i;

	if (!count || count > NVME_LM_TRACK_MAX_RANGES)
		return -EINVAL;
	track->spans = kvcalloc(count, sizeof(*track->spans),
				GFP_KERNEL_ACCOUNT);
	if (!track->spans)
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		if (ranges[i].first > ranges[i].last)
			return -EINVAL;
		track->spans[i].first = ranges[i].first;
		track->spans[i].last = ranges[i].last;
	}
	track->count = count;
	return 0;
}

static struct nvme_lm_track *track_alloc(struct nvme_lm_function *fn,
					 const struct nvme_lm_range *ranges,
					 unsigned int count)
{
	struct nvme_lm_track *track;
	int ret;

	track = kzalloc(sizeof(*track), GFP_KERNEL_ACCOUNT);
	if (!track)
		return ERR_PTR(-ENOMEM);
	track->pending.runs = RB_ROOT;
	track->generation = READ_ONCE(fn->by.generation);
	track->len = round_down(min(fn->caps.max_transfer, LONG_REPORT), 4);
	track->buf = kvmalloc(track->len, GFP_KERNEL_ACCOUNT);
	ret = track->buf ? copy_ranges(track, ranges, count) : -ENOMEM;
	if (ret) {
		track_free(track);
		return ERR_PTR(ret);
	}
	return track;
}

static int send_stop(struct nvme_lm_function *fn)
{
	struct nvme_lm_cmd cmd = nvme_lm_cmd_track_stop(fn->by.cntlid);

	return nvme_lm_issue(&fn->by, &cmd, NULL, 0, NULL);
}

/* Start to track the spans; @granted is the granularity that they get. */
static int send_start(struct nvme_lm_function *fn, struct nvme_lm_track *track,
		      u8 *granted)
{
	struct nvme_lm_cmd cmd;
	u32 dword0, len;
	u8 *data;
	int ret;

	len = NVME_LM_TRACK_HEADER + NVME_LM_TRACK_RANGE *
	      nvme_lm_ranges_descriptors(track->spans, track->count,
					 track->shift);
	data = kvmalloc(len, GFP_KERNEL_ACCOUNT);
	if (!data)
		return -ENOMEM;
	nvme_lm_encode_ranges(data, track->spans, track->count, track->shift);
	/* Whoever had the function before may have left it tracked. */
	send_stop(fn);
	cmd = nvme_lm_cmd_track_start(fn->by.cntlid, len);
	ret = nvme_lm_issue(&fn->by, &cmd, data, len, &dword0);
	kvfree(data);
	if (ret)
		return ret;

	ret = nvme_lm_decode_granted(dword0, granted);
	if (ret)
		send_stop(fn);
	return ret;
}

/**
 * nvme_lm_standard_track_start - see nvme_lm_track_start()
 * @fn: the handle
 * @ranges: what to track
 * @count: how many
 * @page_size: wanted, then granted
 *
 * Return: 0 or an errno of the table in linux/nvme-lm.h.
 */
int nvme_lm_standard_track_start(struct nvme_lm_function *fn,
				 const struct nvme_lm_range *ranges,
				 unsigned int count, u64 *page_size)
{
	struct nvme_lm_track_limits limits = fn->by.ctrl->track_limits;
	struct nvme_lm_track *track;
	u8 granted;
	int ret;

	if (!is_power_of_2(*page_size))
		return -EINVAL;
	guard(mutex)(&fn->track_lock);
	if (fn->track)
		return -EALREADY;

	track = track_alloc(fn, ranges, count);
	if (IS_ERR(track))
		return PTR_ERR(track);
	/* One command has to take all of them. */
	limits.max_ranges = min(limits.max_ranges,
				(track->len - NVME_LM_TRACK_HEADER) /
				NVME_LM_TRACK_RANGE);
	track->shift = ilog2(*page_size);
	ret = nvme_lm_ranges_plan(track->spans, &track->count, &limits,
				  &track->shift);
	if (!ret)
		ret = send_start(fn, track, &granted);
	if (ret) {
		track_free(track);
		return ret;
	}
	*page_size = 1ULL << granted;
	fn->track = track;
	return 0;
}

/* Nobody knows what was written: everything. */
static int add_all(struct nvme_lm_track *track)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < track->count; i++)
		ret = nvme_lm_dirty_add(&track->pending, track->spans[i].first,
					track->spans[i].last);
	return ret;
}

/**
 * nvme_lm_standard_track_restart - see nvme_lm_track_restart()
 * @fn: the handle
 *
 * Return: 0 or an errno of the table in linux/nvme-lm.h.
 */
int nvme_lm_standard_track_restart(struct nvme_lm_function *fn)
{
	struct nvme_lm_track *track;
	u8 granted;
	int ret;

	guard(mutex)(&fn->track_lock);
	track = fn->track;
	if (!track)
		return -EINVAL;

	/* Reports that were lost before do not matter: all is told of anew. */
	track->generation = READ_ONCE(fn->by.generation);
	/* First track, then call all dirty: what is written between is both. */
	ret = send_start(fn, track, &granted);
	if (!ret)
		ret = add_all(track);
	track->error = ret;
	return ret;
}

/**
 * nvme_lm_standard_track_stop - see nvme_lm_track_stop()
 * @fn: the handle
 *
 * Return: 0 or an errno of the table in linux/nvme-lm.h.
 */
int nvme_lm_standard_track_stop(struct nvme_lm_function *fn)
{
	guard(mutex)(&fn->track_lock);
	if (!fn->track)
		return 0;
	track_free(fn->track);
	fn->track = NULL;
	return send_stop(fn);
}

/**
 * nvme_lm_track_release - forget the tracking of a function that is let go
 * @fn: a handle that nobody uses any more
 *
 * Memory only: the client has stopped it, or there is nothing to command.
 */
void nvme_lm_track_release(struct nvme_lm_function *fn)
{
	track_free(fn->track);
	fn->track = NULL;
}

/**
 * struct reader - a read under way
 * @track: of the function
 * @want: what the caller asks for
 * @dirty: tells the caller
 * @priv: for @dirty
 */
struct reader {
	struct nvme_lm_track *track;
	struct nvme_lm_span want;
	nvme_lm_dirty_fn dirty;
	void *priv;
};

static void tell(const struct reader *reader, u64 first, u64 last)
{
	reader->dirty(reader->priv, first, last - first + 1);
}

/* Dirty bytes within what is tracked: tell of what is asked for, keep the rest. */
static int sort_out(const struct reader *reader, u64 first, u64 last)
{
	const struct nvme_lm_span *want = &reader->want;
	struct nvme_lm_dirty_set *pending = &reader->track->pending;
	int ret = 0;

	if (last < want->first || first > want->last)
		return nvme_lm_dirty_add(pending, first, last);

	tell(reader, max(first, want->first), min(last, want->last));
	if (first < want->first)
		ret = nvme_lm_dirty_add(pending, first, want->first - 1);
	if (!ret && last > want->last)
		ret = nvme_lm_dirty_add(pending, want->last + 1, last);
	return ret;
}

/* The same for what the device says, which may be more than what is tracked. */
static int take_change(const struct reader *reader,
		       const struct nvme_lm_span *change)
{
	const struct nvme_lm_track *track = reader->track;
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < track->count; i++) {
		u64 first = max(change->first, track->spans[i].first);
		u64 last = min(change->last, track->spans[i].last);

		if (first <= last)
			ret = sort_out(reader, first, last);
	}
	return ret;
}

/* One Track Receive. */
static int receive(struct nvme_lm_function *fn, const struct reader *reader,
		   u32 len, bool *more)
{
	struct nvme_lm_cmd cmd = nvme_lm_cmd_track_receive(fn->by.cntlid, len);
	u8 *buf = reader->track->buf;
	struct nvme_lm_changes changes;
	struct nvme_lm_span change;
	u32 i;
	int ret;

	ret = nvme_lm_issue(&fn->by, &cmd, buf, len, NULL);
	if (!ret)
		ret = nvme_lm_decode_changes(buf, len, fn->by.cntlid, &changes);
	for (i = 0; !ret && i < changes.count; i++) {
		ret = nvme_lm_decode_change(buf, &changes, i, &change);
		if (!ret)
			ret = take_change(reader, &change);
	}
	if (!ret)
		*more = changes.more;
	return ret;
}

/* Everything the device has.  @ret of a command that was not issued is no loss. */
static int empty_device(struct nvme_lm_function *fn,
			const struct reader *reader)
{
	struct nvme_lm_track *track = reader->track;
	u32 len = min(track->len, SHORT_REPORT);
	bool more = true;
	int ret = 0;

	while (!ret && more) {
		/* While it runs it may dirty faster than we read. */
		if (fatal_signal_pending(current))
			return -EINTR;
		ret = receive(fn, reader, len, &more);
		len = track->len;
	}
	if (ret && ret != -EINTR)
		track->error = ret;
	return ret;
}

/* What an earlier read got from the device, but was not asked for. */
static void tell_pending(const struct reader *reader)
{
	struct nvme_lm_dirty_set *pending = &reader->track->pending;
	u64 at = reader->want.first;
	struct nvme_lm_span taken;

	while (nvme_lm_dirty_take(pending, at, reader->want.last, &taken)) {
		tell(reader, taken.first, taken.last);
		if (taken.last == reader->want.last)
			return;
		at = taken.last + 1;
	}
}

/**
 * nvme_lm_standard_track_read - see nvme_lm_track_read()
 * @fn: the handle
 * @iova: where to begin
 * @len: bytes to look at, at least 1, not beyond 64 bits
 * @dirty: called for dirty memory
 * @priv: for @dirty
 *
 * Return: 0 or an errno of the table in linux/nvme-lm.h.
 */
int nvme_lm_standard_track_read(struct nvme_lm_function *fn, u64 iova, u64 len,
				nvme_lm_dirty_fn dirty, void *priv)
{
	struct reader reader = {
		.want = { .first = iova, .last = iova + len - 1 },
		.dirty = dirty,
		.priv = priv,
	};
	struct nvme_lm_track *track;
	int ret;

	guard(mutex)(&fn->track_lock);
	track = fn->track;
	if (!track)
		return -EINVAL;
	/* After a reset that was acknowledged the device tracks nothing. */
	if (!track->error && track->generation != READ_ONCE(fn->by.generation))
		track->error = -ESTALE;
	if (track->error)
		return track->error;

	reader.track = track;
	ret = empty_device(fn, &reader);
	if (!ret)
		tell_pending(&reader);
	return ret;
}
