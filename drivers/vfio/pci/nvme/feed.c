// SPDX-License-Identifier: GPL-2.0-only
/*
 * Giving a state to a device as it comes, for devices that apply it only with its
 * last piece.
 *
 * The writer fills a buffer as large as a command may be, in the best case with what
 * comes from user space; a full one is queued, and sent by its own work item, so that
 * no command is issued by write().  By default
 * one command is under way at a time, in the order of the state.  Where pieces may
 * come in any order several are, between the first and the last.  One that replaces
 * a part of another is sent after it.
 *
 * The piece that makes the device apply the state is sent by the state call, after
 * the whole stream was found to be right: so the device takes nothing over of a
 * stream that is not.
 */
#include <linux/fs.h>
#include <linux/ktime.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "feed.h"
#include "message.h"
#include "trace.h"

static struct nvme_vfio_stats *stats_of(struct nvme_vfio_feed *feed)
{
	return &feed->file->nvdev->stats;
}

/* Send a piece, with one command. */
static int send_piece(struct nvme_vfio_feed *feed, u64 offset, void *buf, u32 len,
		      enum nvme_lm_sequence seq)
{
	struct pci_dev *pdev = feed->file->nvdev->core.pdev;
	u64 start = ktime_get_ns();
	int ret;

	if (!nvme_vfio_file_current(feed->file))
		return -ENODEV;
	ret = nvme_lm_write_state(feed->fn, feed->format, offset, buf, len, seq);
	nvme_vfio_stat_add(stats_of(feed), NVME_VFIO_LOAD_COMMANDS, 1);
	nvme_vfio_stat_add(stats_of(feed), NVME_VFIO_LOAD_BYTES, len);
	nvme_vfio_stat_add(stats_of(feed), NVME_VFIO_LOAD_COMMAND_NS, ktime_get_ns() - start);
	trace_nvme_vfio_load_piece(pdev, offset, len, ktime_get_ns() - start, ret);
	if (!ret)
		return 0;
	nvme_vfio_err(feed->file->nvdev,
		      "expected the device to take state bytes %llu+%u, found error %d; reset the device\n",
		      offset, len, ret);
	return nvme_vfio_load_error(ret);
}

/* Does a buffer have to wait for one that was queued before and is not through? */
static bool must_wait(const struct nvme_vfio_feed *feed,
		      const struct nvme_vfio_feed_buffer *buffer)
{
	const struct nvme_vfio_feed_buffer *other;
	unsigned int i;

	for (i = 0; i < feed->depth; i++) {
		other = &feed->buffers[i];
		if (other == buffer || other->turn > buffer->turn)
			continue;
		if (other->state == FEED_QUEUED)
			return true;
		if (other->state != FEED_BUSY)
			continue;
		if (!feed->any_order || other->seq == NVME_LM_SEQ_FIRST)
			return true;
		if (other->offset < buffer->offset + buffer->len &&
		    buffer->offset < other->offset + other->len)
			return true;
	}
	return false;
}

/* Send what may be sent. */
static void send_queued(struct nvme_vfio_feed *feed)
{
	struct nvme_vfio_feed_buffer *buffer;
	unsigned int i, again;

	lockdep_assert_held(&feed->lock);
	if (feed->stopped || feed->error)
		return;
	/* one that is sent may let another go that was looked at before */
	for (again = 0; again < feed->depth; again++) {
		for (i = 0; i < feed->depth; i++) {
			buffer = &feed->buffers[i];
			if (buffer->state != FEED_QUEUED || must_wait(feed, buffer))
				continue;
			buffer->state = FEED_BUSY;
			buffer->seq = feed->begun ? NVME_LM_SEQ_MIDDLE : NVME_LM_SEQ_FIRST;
			feed->begun = true;
			queue_work(nvme_vfio_workqueue, &buffer->work);
		}
	}
}

static void send_work(struct work_struct *work)
{
	struct nvme_vfio_feed_buffer *buffer =
		container_of(work, struct nvme_vfio_feed_buffer, work);
	struct nvme_vfio_feed *feed = buffer->feed;
	int ret;

	ret = send_piece(feed, buffer->offset, buffer->buf, buffer->len, buffer->seq);
	scoped_guard(spinlock, &feed->lock) {
		if (ret && !feed->error)
			feed->error = ret;
		buffer->state = FEED_FREE;
		send_queued(feed);
	}
	wake_up_all(&feed->file->nvdev->wait);
}

static void queue_filling(struct nvme_vfio_feed *feed)
{
	spin_lock(&feed->lock);
	feed->filling->state = FEED_QUEUED;
	feed->filling->turn = feed->next_turn++;
	feed->filling = NULL;
	send_queued(feed);
	spin_unlock(&feed->lock);
}

static struct nvme_vfio_feed_buffer *find_free(struct nvme_vfio_feed *feed)
{
	struct nvme_vfio_feed_buffer *found = NULL;
	unsigned int i;

	spin_lock(&feed->lock);
	for (i = 0; i < feed->depth && !found; i++)
		if (feed->buffers[i].state == FEED_FREE)
			found = &feed->buffers[i];
	spin_unlock(&feed->lock);
	return found;
}

/* One more buffer, charged to the writer; NULL if there are enough. */
static struct nvme_vfio_feed_buffer *add_buffer(struct nvme_vfio_feed *feed)
{
	struct nvme_vfio_feed_buffer *buffer = &feed->buffers[feed->depth];

	if (feed->depth == feed->most)
		return NULL;
	buffer->buf = kvmalloc(feed->piece, GFP_KERNEL_ACCOUNT);
	if (!buffer->buf) {
		/* with two the one is filled while the other is sent */
		WRITE_ONCE(feed->most, feed->depth);
		return feed->depth > 1 ? NULL : ERR_PTR(-ENOMEM);
	}
	buffer->feed = feed;
	INIT_WORK(&buffer->work, send_work);
	nvme_vfio_stat_add(stats_of(feed), NVME_VFIO_LOAD_MEMORY_BYTES, feed->piece);
	spin_lock(&feed->lock);
	feed->depth++;
	spin_unlock(&feed->lock);
	return buffer;
}

/* Have a buffer for bytes at @offset; 1 if there is one, 0 if none is free. */
static int have_buffer(struct nvme_vfio_feed *feed, u64 offset)
{
	struct nvme_vfio_feed_buffer *buffer = feed->filling;

	if (buffer && buffer->len < feed->piece && buffer->offset + buffer->len == offset)
		return 1;
	if (buffer && buffer->len % 4)
		return -EPROTO;
	/* more comes: so this one is not the last */
	if (buffer)
		queue_filling(feed);

	buffer = find_free(feed);
	if (!buffer)
		buffer = add_buffer(feed);
	if (IS_ERR_OR_NULL(buffer))
		return PTR_ERR_OR_ZERO(buffer);
	if (offset % 4)
		return -EPROTO;
	buffer->state = FEED_FILLING;
	buffer->offset = offset;
	buffer->len = 0;
	feed->filling = buffer;
	return 1;
}

int nvme_vfio_feed_add(struct nvme_vfio_feed *feed, u64 offset, const u8 *data, u32 len)
{
	struct nvme_vfio_feed_buffer *buffer;
	u32 done = 0, n;
	int ret;

	while (done < len) {
		if (READ_ONCE(feed->error))
			return feed->error;
		ret = have_buffer(feed, offset + done);
		if (ret < 0)
			return ret;
		if (!ret)
			break;
		buffer = feed->filling;
		n = min(len - done, feed->piece - buffer->len);
		memcpy(buffer->buf + buffer->len, data + done, n);
		buffer->len += n;
		done += n;
	}
	return done;
}

int nvme_vfio_feed_place(struct nvme_vfio_feed *feed, u64 offset, u32 len, u8 **place)
{
	const struct nvme_vfio_feed_buffer *filling = feed->filling;
	int ret;

	*place = NULL;
	if (READ_ONCE(feed->error))
		return feed->error;
	if (len > feed->piece)
		return 0;
	/* the one that it continues may have room for a part of it */
	if (filling && filling->offset + filling->len == offset &&
	    filling->len < feed->piece && len > feed->piece - filling->len)
		return 0;
	ret = have_buffer(feed, offset);
	if (ret <= 0)
		return ret ? ret : -EAGAIN;
	*place = feed->filling->buf + feed->filling->len;
	return 0;
}

void nvme_vfio_feed_placed(struct nvme_vfio_feed *feed, u32 len)
{
	feed->filling->len += len;
}

bool nvme_vfio_feed_has_room(struct nvme_vfio_feed *feed)
{
	return READ_ONCE(feed->error) || READ_ONCE(feed->depth) < READ_ONCE(feed->most) ||
	       find_free(feed);
}

static bool is_drained(struct nvme_vfio_feed *feed)
{
	bool drained = true;
	unsigned int i;

	spin_lock(&feed->lock);
	for (i = 0; i < feed->depth; i++)
		if (feed->buffers[i].state == FEED_BUSY ||
		    (feed->buffers[i].state == FEED_QUEUED && !feed->error))
			drained = false;
	spin_unlock(&feed->lock);
	return drained;
}

/*
 * Without passes the last piece is the one that was being filled.  With them it may
 * be anywhere, also where the state does not reach any more: so it is sent like the
 * others, and the first bytes of the state once more make the device apply it.
 */
int nvme_vfio_feed_finish(struct nvme_vfio_feed *feed, const void *head)
{
	u8 *again __free(kfree) = NULL;
	struct nvme_vfio_feed_buffer *last = feed->filling;
	enum nvme_lm_sequence seq;

	if (!last)
		return feed->error ? feed->error : -EPROTO;
	if (head) {
		again = kmemdup(head, FEED_HEAD, GFP_KERNEL_ACCOUNT);
		if (!again)
			return -ENOMEM;
		queue_filling(feed);
	}
	if (wait_event_killable(feed->file->nvdev->wait, is_drained(feed)))
		return -EINTR;
	if (feed->error)
		return feed->error;
	if (again)
		return send_piece(feed, 0, again, FEED_HEAD, NVME_LM_SEQ_LAST);
	seq = feed->begun ? NVME_LM_SEQ_LAST : NVME_LM_SEQ_ENTIRE;
	return send_piece(feed, last->offset, last->buf, last->len, seq);
}

void nvme_vfio_feed_init(struct nvme_vfio_feed *feed, struct nvme_vfio_file *file,
			 struct nvme_lm_function *fn, u32 memory)
{
	feed->file = file;
	feed->fn = fn;
	feed->piece = nvme_vfio_piece_size(fn);
	feed->any_order = nvme_lm_caps(fn)->flags & NVME_LM_CAP_RANDOM_WRITE;
	feed->most = clamp_t(u32, memory / feed->piece, 2, FEED_DEPTH);
	spin_lock_init(&feed->lock);
}

void nvme_vfio_feed_stop(struct nvme_vfio_feed *feed)
{
	unsigned int i;

	scoped_guard(spinlock, &feed->lock)
		feed->stopped = true;
	for (i = 0; i < feed->depth; i++)
		disable_work_sync(&feed->buffers[i].work);
}

void nvme_vfio_feed_free(struct nvme_vfio_feed *feed)
{
	unsigned int i;

	for (i = 0; i < feed->depth; i++) {
		kvfree(feed->buffers[i].buf);
		feed->buffers[i].buf = NULL;
	}
}
