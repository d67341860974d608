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
 *
 * A device starts and stops tracking only of a function that is not suspended.
 * One that is writes nothing, so for it either waits until it goes on.
 */
#include <linux/cleanup.h>
#include <linux/dev_printk.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <compat/nvme-lm-compat.h>

#include "lm.h"
#include "track.h"
#include "trackfetch.h"
#include "trackwire.h"

/* A first look is short, for often there is little. */
#define SHORT_REPORT	4096
/* What follows is not, and comes while what came before is looked through. */
#define LONG_REPORT	SZ_64K
#define REPORTS_AT_ONCE	4
/* Most bytes of a list of ranges. */
#define RANGES_LEN	SZ_128K

/*
 * One read asks for at most so many reports, and for fewer where little is tracked: a
 * device may never come to an end, and the function may write faster than we read.
 */
#define MAX_REPORTS	16384
#define MIN_REPORTS	64
/* Granules that a report tells of, one with the other; of the shortest ones 255. */
#define REPORT_GRANULES	256

/**
 * struct nvme_lm_track - tracking of one function, while it goes on
 * @spans: what the device tracks: ascending, apart, whole granules
 * @count: how many
 * @shift: granularity to ask for, as the binary logarithm of bytes
 * @generation: of the controlling controller when tracking was started
 * @deferred: the function was suspended, so the device is yet to be told to start
 * @error: why no report can be whole any more, or 0
 * @pending: reported by the device, but nobody asked for it yet
 * @expected: so many changes came with the last read
 * @buf: for reports, as many as there are @fetches
 * @report: bytes of one of them
 * @fetches: reports that are under way; idle while nobody has the track_lock
 */
struct nvme_lm_track {
	struct nvme_lm_span *spans;
	unsigned int count;
	u8 shift;
	u32 generation;
	bool deferred;
	int error;
	struct nvme_lm_dirty_set pending;
	u64 expected;
	u8 *buf;
	u32 report;
	struct nvme_lm_fetch fetches[REPORTS_AT_ONCE];
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
	unsigned int i;
	int ret;

	track = kzalloc(sizeof(*track), GFP_KERNEL_ACCOUNT);
	if (!track)
		return ERR_PTR(-ENOMEM);
	track->pending.runs = RB_ROOT;
	track->generation = READ_ONCE(fn->by.generation);
	track->report = round_down(min(fn->caps.max_transfer, LONG_REPORT), 4);
	track->buf = kvmalloc_array(REPORTS_AT_ONCE, track->report, GFP_KERNEL_ACCOUNT);
	ret = track->buf ? copy_ranges(track, ranges, count) : -ENOMEM;
	if (ret) {
		track_free(track);
		return ERR_PTR(ret);
	}
	for (i = 0; i < REPORTS_AT_ONCE; i++)
		nvme_lm_fetch_init(&track->fetches[i], fn, track->buf + i * track->report,
				   track->report);
	return track;
}

/* Stop; what the device does not take now has to be sent again. */
static int send_stop(struct nvme_lm_function *fn)
{
	struct nvme_lm_cmd cmd = nvme_lm_cmd_track_stop(fn->by.cntlid);
	int ret = nvme_lm_issue(&fn->by, &cmd, NULL, 0, NULL);

	fn->track_stop_due = ret == -EALREADY;
	return ret;
}

/* Start to track the spans; @dword0 is of the completion. */
static int send_start(struct nvme_lm_function *fn, struct nvme_lm_track *track,
		      u32 *dword0)
{
	bool powers = fn->by.ctrl->track_limits.powers;
	struct nvme_lm_cmd cmd;
	u32 len;
	u8 *data;
	int ret;

	len = NVME_LM_TRACK_HEADER + NVME_LM_TRACK_RANGE *
	      nvme_lm_ranges_descriptors(track->spans, track->count,
					 track->shift, powers);
	data = kvmalloc(len, GFP_KERNEL_ACCOUNT);
	if (!data)
		return -ENOMEM;
	nvme_lm_encode_ranges(data, track->spans, track->count, track->shift,
			      powers);
	/* Whoever had the function before may have left it tracked. */
	send_stop(fn);
	cmd = nvme_lm_cmd_track_start(fn->by.cntlid);
	ret = nvme_lm_issue(&fn->by, &cmd, data, len, dword0);
	kvfree(data);
	return ret;
}

/*
 * The device took neither so many ranges, which others may have used up, nor so
 * fine a granularity: ask for less.  False if there is no less.
 */
static bool lower(const struct nvme_lm_track *track, int error, u32 dword0,
		  struct nvme_lm_track_limits *limits, u8 *shift)
{
	u64 ranges = nvme_lm_ranges_descriptors(track->spans, track->count,
						track->shift, limits->powers);
	u8 possible;

	if (error != -ENOSPC && error != -EINVAL)
		return false;
	if (error == -ENOSPC && !nvme_lm_decode_possible(dword0, &possible) &&
	    possible > track->shift && possible <= limits->max_shift) {
		*shift = possible;
		return true;
	}
	limits->max_ranges = ranges / 2;
	return limits->max_ranges;
}

/* Find out what the device takes, and have it start. */
static int negotiate(struct nvme_lm_function *fn, struct nvme_lm_track *track)
{
	struct nvme_lm_track_limits limits = fn->by.ctrl->track_limits;
	u8 shift = track->shift;
	u32 dword0 = 0;
	int ret;

	/* One command has to take all of them. */
	limits.max_ranges = min(limits.max_ranges,
				(min(fn->caps.max_transfer, RANGES_LEN) - NVME_LM_TRACK_HEADER) /
				NVME_LM_TRACK_RANGE);
	do {
		ret = nvme_lm_ranges_plan(track->spans, &track->count, &limits,
					  &shift);
		if (ret)
			return ret;
		track->shift = shift;
		ret = send_start(fn, track, &dword0);
	} while (lower(track, ret, dword0, &limits, &shift));
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
	struct nvme_lm_track *track;
	int ret;

	if (!is_power_of_2(*page_size))
		return -EINVAL;
	guard(mutex)(&fn->track_lock);
	if (fn->track)
		return -EALREADY;

	track = track_alloc(fn, ranges, count);
	if (IS_ERR(track))
		return PTR_ERR(track);
	track->shift = ilog2(*page_size);
	ret = negotiate(fn, track);
	track->deferred = ret == -EALREADY;
	if (ret && !track->deferred) {
		track_free(track);
		return ret;
	}
	*page_size = 1ULL << track->shift;
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

/* Start, and call all dirty, in this order: what is written between is both. */
static int start_anew(struct nvme_lm_function *fn)
{
	struct nvme_lm_track *track = fn->track;
	int ret = negotiate(fn, track);

	track->deferred = ret == -EALREADY;
	if (!ret || track->deferred)
		ret = add_all(track);
	track->error = ret;
	return ret;
}

/* Start what waited for a resume; while it has to wait on, nothing is written. */
static int start_deferred(struct nvme_lm_function *fn)
{
	struct nvme_lm_track *track = fn->track;
	int ret = negotiate(fn, track);

	if (ret == -EALREADY)
		return 0;
	track->deferred = false;
	if (!ret)
		ret = add_all(track);
	track->error = ret;
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
	guard(mutex)(&fn->track_lock);
	if (!fn->track)
		return -EINVAL;

	/* Reports that were lost before do not matter: all is told of anew. */
	fn->track->generation = READ_ONCE(fn->by.generation);
	return start_anew(fn);
}

/**
 * nvme_lm_standard_track_resumed - the function goes on
 * @fn: the handle
 *
 * What had to wait for that is done now.  An error is told of by the next read.
 */
void nvme_lm_standard_track_resumed(struct nvme_lm_function *fn)
{
	guard(mutex)(&fn->track_lock);
	if (fn->track && fn->track->deferred && !fn->track->error)
		start_deferred(fn);
	else if (!fn->track && fn->track_stop_due)
		send_stop(fn);
}

/**
 * nvme_lm_standard_track_stop - see nvme_lm_track_stop()
 * @fn: the handle
 *
 * Return: 0 or an errno of the table in linux/nvme-lm.h.
 */
int nvme_lm_standard_track_stop(struct nvme_lm_function *fn)
{
	int ret = 0;

	guard(mutex)(&fn->track_lock);
	if (!fn->track)
		return 0;
	if (!fn->track->deferred)
		ret = send_stop(fn);
	track_free(fn->track);
	fn->track = NULL;
	/* It is to stop when it goes on, and until then it writes nothing. */
	return ret == -EALREADY ? 0 : ret;
}

/**
 * nvme_lm_track_let_go - the handle is given back
 * @fn: the handle
 *
 * Whoever had the function has reset it or let it go on, so that a stop that was
 * due is taken.
 */
void nvme_lm_track_let_go(struct nvme_lm_function *fn)
{
	guard(mutex)(&fn->track_lock);
	if (fn->track_stop_due)
		send_stop(fn);
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
 * @sure: the largest part of it that is tracked as a whole
 * @dirty: tells the caller
 * @priv: for @dirty
 * @found: changes that the device told of
 */
struct reader {
	struct nvme_lm_track *track;
	struct nvme_lm_span want;
	struct nvme_lm_span sure;
	nvme_lm_dirty_fn dirty;
	void *priv;
	u64 found;
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

/*
 * Where the length of a Track Receive stands was read in two ways before the text
 * was public.  A device that looks for it elsewhere refuses the command, or returns
 * one dword, and may have forgotten then what it did not say.
 */
static int find_place(struct nvme_lm_function *fn, struct nvme_lm_track *track,
		      u32 len, int error)
{
	struct nvme_lm_ctrl *ctrl = fn->by.ctrl;
	bool cdw15 = !READ_ONCE(ctrl->numd_in_cdw15);
	int ret = nvme_lm_fetch_now(fn, track->buf, len, cdw15);

	if (ret)
		return error == -ENODATA ? -EREMOTEIO : error;
	WRITE_ONCE(ctrl->numd_in_cdw15, cdw15);
	dev_info_ratelimited(&fn->pdev->dev,
			     "nvme-lm: the controlling controller takes the length of a Track Receive from CDW%d\n",
			     cdw15 ? 15 : 12);
	return error == -ENODATA ? add_all(track) : 0;
}

static bool is_within(const struct nvme_lm_span *inner, const struct nvme_lm_span *outer)
{
	return inner->first >= outer->first && inner->last <= outer->last;
}

/* What is asked for and tracked in one piece, as most of a guest's memory is. */
static void find_sure(struct reader *reader)
{
	const struct nvme_lm_track *track = reader->track;
	unsigned int i;

	/* nothing lies within this */
	reader->sure = (struct nvme_lm_span){ .first = U64_MAX, .last = 0 };
	for (i = 0; i < track->count; i++) {
		u64 first = max(reader->want.first, track->spans[i].first);
		u64 last = min(reader->want.last, track->spans[i].last);

		if (first <= last && (reader->sure.first > reader->sure.last ||
				      last - first > reader->sure.last - reader->sure.first))
			reader->sure = (struct nvme_lm_span){ .first = first, .last = last };
	}
}

/* A report came. */
static int take_report(const struct nvme_lm_function *fn, struct reader *reader, const u8 *buf,
		       u32 len, bool *more)
{
	struct nvme_lm_changes changes;
	struct nvme_lm_span change;
	u32 i;
	int ret;

	ret = nvme_lm_decode_changes(buf, len, fn->by.cntlid, &changes);
	if (ret)
		return ret;
	for (i = 0; !ret && i < changes.count; i++) {
		ret = nvme_lm_decode_change(buf, &changes, i, &change);
		if (ret)
			break;
		/* nearly every one lies in what was asked for */
		if (is_within(&change, &reader->sure))
			tell(reader, change.first, change.last);
		else
			ret = take_change(reader, &change);
	}
	reader->found += changes.count;
	*more = changes.more;
	return ret;
}

/* One Track Receive. */
static int receive(struct nvme_lm_function *fn, struct reader *reader, u32 len, bool *more)
{
	struct nvme_lm_track *track = reader->track;
	int ret;

	ret = nvme_lm_fetch_now(fn, track->buf, len, READ_ONCE(fn->by.ctrl->numd_in_cdw15));
	if (ret == -EINVAL || ret == -ENODATA)
		ret = find_place(fn, track, len, ret);
	return ret ? ret : take_report(fn, reader, track->buf, len, more);
}

/* How many changes a report of @len bytes has room for. */
static u32 room_for(u32 len)
{
	return (len - NVME_LM_CHANGES_HEADER) / NVME_LM_CHANGES_RUN;
}

/* How many reports to ask for at a time: no more than what is expected may fill. */
static unsigned int reports_at_once(const struct nvme_lm_track *track)
{
	if (track->expected <= room_for(SHORT_REPORT))
		return REPORTS_AT_ONCE;
	return min_t(u64, div_u64(track->expected, room_for(track->report)) + 1,
		     REPORTS_AT_ONCE);
}

/*
 * Several Track Receive at a time, until one finds no more; each has what no other has.
 * An error ends it, but what is under way has to come to its end.
 */
static int receive_all(struct nvme_lm_function *fn, struct reader *reader, u32 most,
		       bool *more)
{
	struct nvme_lm_track *track = reader->track;
	unsigned int depth = reports_at_once(track);
	u32 begun, ended;
	int ret = 0;

	for (begun = 0; begun < depth && begun < most; begun++)
		nvme_lm_fetch_start(&track->fetches[begun]);
	for (ended = 0; ended < begun; ended++) {
		struct nvme_lm_fetch *fetch = &track->fetches[ended % depth];
		int error = nvme_lm_fetch_wait(fetch);
		bool some = false;

		if (!ret && !error)
			error = take_report(fn, reader, fetch->buf, fetch->len, &some);
		ret = ret ? ret : error;
		*more = *more && some;
		if (ret || !*more || begun == most || fatal_signal_pending(current))
			continue;
		nvme_lm_fetch_start(fetch);
		begun++;
	}
	return ret == -ENODATA ? -EREMOTEIO : ret;
}

/* How many reports one read asks for at most. */
static u32 most_reports(const struct nvme_lm_track *track)
{
	u64 reports = MIN_REPORTS;
	unsigned int i;

	for (i = 0; i < track->count; i++)
		reports += ((track->spans[i].last - track->spans[i].first) >> track->shift) /
			   REPORT_GRANULES;
	return min_t(u64, reports, MAX_REPORTS);
}

/* There is no end of it: then all of it is dirty, and what follows is for later. */
static int give_up(struct nvme_lm_function *fn, struct nvme_lm_track *track, u32 reports)
{
	dev_warn_ratelimited(&fn->pdev->dev,
			     "nvme-lm: expected all changes of memory in %u reports, found more; all memory counts as changed\n",
			     reports);
	return add_all(track);
}

/* Everything the device has.  Only who was killed may go on reading after an error. */
static int empty_device(struct nvme_lm_function *fn, struct reader *reader)
{
	struct nvme_lm_track *track = reader->track;
	u32 most = most_reports(track);
	bool more = true;
	int ret = 0;

	if (track->expected <= room_for(SHORT_REPORT))
		ret = receive(fn, reader, min(track->report, SHORT_REPORT), &more);
	if (!ret && more)
		ret = receive_all(fn, reader, most, &more);
	track->expected = reader->found;
	if (!ret && more && fatal_signal_pending(current))
		ret = -EINTR;
	if (!ret && more)
		ret = give_up(fn, track, most);
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
	int ret = 0;

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
	/* A suspension can end without our Resume, as with one that was undone. */
	if (track->deferred)
		ret = start_deferred(fn);
	find_sure(&reader);
	if (!ret && !track->deferred)
		ret = empty_device(fn, &reader);
	if (!ret)
		tell_pending(&reader);
	return ret;
}
