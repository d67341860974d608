// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file that the state is read from.
 *
 * A few buffers go round between two sides.  The producer is one work item per
 * buffer: it reads a piece of the state with one command, so several commands
 * are under way at a time.  The consumer is read(): it takes the pieces in their
 * order, puts the record headers between them, and hands a buffer back to the
 * producer when its last byte was copied out.  However large the state is, no
 * more than SAVE_MEMORY is held.
 *
 * A buffer belongs to the producer from queue_work() until it is ready, then to
 * the consumer; io_lock serialises the consumers.
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

#include "device.h"
#include "message.h"
#include "stream.h"
#include "trace.h"

/* All buffers of one migration. */
#define SAVE_MEMORY	SZ_8M
/* No more commands at a time than the controlling side has slots. */
#define SAVE_DEPTH	8

struct nvme_vfio_save;

/**
 * struct nvme_vfio_slot - one buffer on its way round
 * @work: reads the piece
 * @save: the file
 * @buf: the piece
 * @offset: where in the state it is
 * @len: bytes of it
 * @ready: it was read, or that failed; passes the slot to the consumer
 * @error: 0 or why it failed
 */
struct nvme_vfio_slot {
	struct work_struct work;
	struct nvme_vfio_save *save;
	void *buf;
	u64 offset;
	u32 len;
	bool ready;
	int error;
};

/* What the consumer's current segment is. */
enum save_stage {
	SAVE_PREAMBLE,		/* header to the last MEDIUM */
	SAVE_HEAD,		/* record header of a piece */
	SAVE_DATA,		/* the piece */
	SAVE_END,		/* END */
	SAVE_DONE,
};

/**
 * struct nvme_vfio_save - a file that the state is read from
 * @file: what it has in common with the other kind
 * @fn: the function; not used once the work items are disabled
 * @format: the format that the state is read in
 * @state_size: bytes of state, which do not change while it is suspended
 * @piece: bytes of each piece but the last
 * @queued: how far the state was given to the producer
 * @slots: the buffers
 * @depth: number of @slots
 * @current_slot: the slot that the consumer has or waits for
 * @enc: what the stream is like so far
 * @stage: what @segment is
 * @segment: what the consumer copies out next
 * @left: bytes of @segment
 * @preamble: the records before the state
 * @head: before each piece
 * @end: after the last
 * @error: why there is nothing more to be read; it stays
 */
struct nvme_vfio_save {
	struct nvme_vfio_file file;
	struct nvme_lm_function *fn;
	struct nvme_lm_format format;
	u64 state_size;
	u32 piece;
	u64 queued;
	struct nvme_vfio_slot slots[SAVE_DEPTH];
	unsigned int depth;
	unsigned int current_slot;
	struct nvme_lm_encoder enc;
	enum save_stage stage;
	const u8 *segment;
	size_t left;
	u8 *preamble;
	struct nvme_lm_state_head head;
	struct nvme_lm_end_record end;
	int error;
};

static struct workqueue_struct *save_workqueue;

static struct nvme_vfio_save *to_save(struct nvme_vfio_file *file)
{
	return container_of(file, struct nvme_vfio_save, file);
}

/* Read one piece; the device must say that it was suspended all along. */
static int read_piece(struct nvme_vfio_save *save, struct nvme_vfio_slot *slot)
{
	bool suspended = false;
	int ret;

	ret = nvme_lm_read_state(save->fn, &save->format, slot->offset, slot->buf, slot->len,
				 &suspended);
	if (!ret && !suspended)
		ret = -ESTALE;
	if (ret == -ESTALE)
		nvme_vfio_state_lost(save->file.nvdev);
	return ret;
}

static void produce(struct work_struct *work)
{
	struct nvme_vfio_slot *slot = container_of(work, struct nvme_vfio_slot, work);
	struct nvme_vfio_save *save = slot->save;
	u64 start = ktime_get_ns();

	slot->error = nvme_vfio_file_alive(&save->file) ? read_piece(save, slot) : -ENODEV;
	trace_nvme_vfio_save_piece(save->file.nvdev->core.pdev, slot->offset, slot->len,
				   ktime_get_ns() - start, slot->error);
	/* pairs with slot_is_ready() */
	smp_store_release(&slot->ready, true);
	wake_up_all(&save->file.wait);
}

static bool slot_is_ready(const struct nvme_vfio_slot *slot)
{
	/* pairs with produce() */
	return smp_load_acquire(&slot->ready);
}

/* Give a slot to the producer for the next piece, if there is one left. */
static void queue_slot(struct nvme_vfio_save *save, struct nvme_vfio_slot *slot)
{
	slot->ready = false;
	if (save->queued == save->state_size)
		return;
	slot->offset = save->queued;
	slot->len = min_t(u64, save->piece, save->state_size - save->queued);
	save->queued += slot->len;
	queue_work(save_workqueue, &slot->work);
}

static void set_segment(struct nvme_vfio_save *save, enum save_stage stage,
			const void *data, size_t len)
{
	save->stage = stage;
	save->segment = data;
	save->left = len;
}

/* The next piece in turn was read: begin its record. */
static int begin_piece(struct nvme_vfio_save *save)
{
	struct nvme_vfio_slot *slot = &save->slots[save->current_slot];

	if (slot->error)
		return slot->error;
	nvme_lm_encode_state(&save->enc, slot->buf, slot->len, &save->head);
	set_segment(save, SAVE_HEAD, &save->head, sizeof(save->head));
	return 0;
}

/* The piece was copied out: its buffer goes back to the producer. */
static void finish_piece(struct nvme_vfio_save *save)
{
	queue_slot(save, &save->slots[save->current_slot]);
	save->current_slot = (save->current_slot + 1) % save->depth;
}

/* Can read() go on without waiting?  Also asked by poll(), without io_lock. */
static bool is_ready(const struct nvme_vfio_save *save)
{
	if (READ_ONCE(save->left) || READ_ONCE(save->error))
		return true;

	switch (READ_ONCE(save->stage)) {
	case SAVE_PREAMBLE:
	case SAVE_DATA:
		return save->enc.state_size == save->state_size ||
		       slot_is_ready(&save->slots[save->current_slot]);
	default:
		return true;
	}
}

/* Everything of the current segment was copied out: find the next one. */
static int next_segment(struct nvme_vfio_save *save)
{
	struct nvme_vfio_slot *slot = &save->slots[save->current_slot];

	switch (save->stage) {
	case SAVE_HEAD:
		set_segment(save, SAVE_DATA, slot->buf, slot->len);
		return 0;
	case SAVE_PREAMBLE:
	case SAVE_DATA:
		if (save->enc.state_size < save->state_size)
			return begin_piece(save);
		nvme_lm_encode_end(&save->enc, &save->end);
		set_segment(save, SAVE_END, &save->end, sizeof(save->end));
		return 0;
	default:
		set_segment(save, SAVE_DONE, NULL, 0);
		return 0;
	}
}

/* Wait for the next segment, but not when there is something to return. */
static int wait_ready(struct nvme_vfio_save *save, size_t done)
{
	if (is_ready(save))
		return 0;
	if (done || (save->file.filp->f_flags & O_NONBLOCK))
		return -EAGAIN;
	return wait_event_interruptible(save->file.wait,
					is_ready(save) || !nvme_vfio_file_alive(&save->file));
}

/* Have bytes to copy out; -ENODATA at the end of the stream. */
static int have_segment(struct nvme_vfio_save *save, size_t done)
{
	int ret = 0;

	while (!ret && !save->left && save->stage != SAVE_DONE) {
		ret = wait_ready(save, done);
		/* the wait may have ended because the file did */
		if (!ret && !nvme_vfio_file_alive(&save->file))
			ret = -ENODEV;
		if (!ret) {
			save->error = next_segment(save);
			ret = save->error;
		}
	}
	if (!ret && save->stage == SAVE_DONE)
		ret = -ENODATA;
	return ret;
}

/* Copy bytes of the current segment out; gives their number, 0 on a fault. */
static size_t copy_out(struct nvme_vfio_save *save, char __user *buf, size_t len)
{
	size_t n = min(len, save->left);

	n -= copy_to_user(buf, save->segment, n);
	save->segment += n;
	save->left -= n;
	if (!save->left && save->stage == SAVE_DATA)
		finish_piece(save);
	return n;
}

static ssize_t save_read_locked(struct nvme_vfio_save *save, char __user *buf, size_t len)
{
	size_t done = 0;
	int ret = 0;
	size_t n;

	while (done < len) {
		if (!nvme_vfio_file_alive(&save->file))
			ret = -ENODEV;
		else if (save->error)
			ret = save->error;
		else if (done && signal_pending(current))
			ret = -EINTR;
		else
			ret = have_segment(save, done);
		if (ret)
			break;
		n = copy_out(save, buf + done, len - done);
		if (!n) {
			ret = -EFAULT;
			break;
		}
		done += n;
	}
	if (done || ret == -ENODATA)
		return done;
	return ret;
}

static ssize_t save_read(struct file *filp, char __user *buf, size_t len, loff_t *pos)
{
	struct nvme_vfio_file *file = filp->private_data;
	ssize_t ret;

	ret = nvme_vfio_file_lock(file);
	if (ret)
		return ret;
	ret = save_read_locked(to_save(file), buf, len);
	mutex_unlock(&file->io_lock);
	return ret;
}

static __poll_t save_poll(struct file *filp, struct poll_table_struct *table)
{
	struct nvme_vfio_file *file = filp->private_data;

	poll_wait(filp, &file->wait, table);
	if (!nvme_vfio_file_alive(file))
		return EPOLLIN | EPOLLRDNORM | EPOLLERR;
	return is_ready(to_save(file)) ? EPOLLIN | EPOLLRDNORM : 0;
}

static void free_buffers(struct nvme_vfio_save *save)
{
	unsigned int i;

	for (i = 0; i < save->depth; i++) {
		kvfree(save->slots[i].buf);
		save->slots[i].buf = NULL;
	}
	kvfree(save->preamble);
	save->preamble = NULL;
}

static void save_free(struct nvme_vfio_save *save)
{
	free_buffers(save);
	kfree(save);
}

static int save_release(struct inode *inode, struct file *filp)
{
	struct nvme_vfio_file *file = filp->private_data;

	nvme_vfio_file_cleanup(file);
	save_free(to_save(file));
	return 0;
}

static const struct file_operations save_fops = {
	.owner = THIS_MODULE,
	.read = save_read,
	.poll = save_poll,
	.release = save_release,
};

/*
 * No command after this.  The user may keep the file open for as long as he
 * likes, so give the memory back now unless a reader is just at it.
 */
static void save_stop(struct nvme_vfio_file *file)
{
	struct nvme_vfio_save *save = to_save(file);
	unsigned int i;

	for (i = 0; i < save->depth; i++)
		disable_work_sync(&save->slots[i].work);
	if (mutex_trylock(&file->io_lock)) {
		free_buffers(save);
		mutex_unlock(&file->io_lock);
	}
}

/* Add a record to the preamble; gives where the next one goes. */
static u8 *add_record(struct nvme_vfio_save *save, u8 *at, u16 type, const void *payload,
		      u32 length)
{
	struct nvme_lm_record record;

	nvme_lm_encode_record(&save->enc, type, NVME_LM_REC_F_MANDATORY, payload, length,
			      &record);
	memcpy(at, &record, sizeof(record));
	memcpy(at + sizeof(record), payload, length);
	return at + sizeof(record) + length;
}

/* Everything before the state: it is known when the file is made. */
static int make_preamble(struct nvme_vfio_save *save,
			 const struct nvme_vfio_description *desc)
{
	struct nvme_lm_stream_header header;
	unsigned int i;
	size_t size;
	u8 *at;

	size = nvme_lm_stream_size(desc->media_count, 0, save->piece);
	save->preamble = kvzalloc(size, GFP_KERNEL_ACCOUNT);
	if (!save->preamble)
		return -ENOMEM;

	nvme_lm_encode_header(&save->enc, nvme_lm_caps(save->fn)->command_set, &header);
	memcpy(save->preamble, &header, sizeof(header));
	at = save->preamble + sizeof(header);
	at = add_record(save, at, NVME_LM_REC_IDENTITY, &desc->identity,
			sizeof(desc->identity));
	at = add_record(save, at, NVME_LM_REC_FORMAT, &save->format, sizeof(save->format));
	for (i = 0; i < desc->media_count; i++)
		at = add_record(save, at, NVME_LM_REC_MEDIUM, &desc->media[i],
				sizeof(desc->media[i]));
	set_segment(save, SAVE_PREAMBLE, save->preamble, at - save->preamble);
	return 0;
}

/* As many buffers as the limit allows and the state has pieces for. */
static int make_slots(struct nvme_vfio_save *save)
{
	u64 pieces = DIV_ROUND_UP_ULL(save->state_size, save->piece);
	unsigned int depth = min_t(u64, pieces, min(SAVE_DEPTH, SAVE_MEMORY / save->piece));
	size_t size = min_t(u64, save->piece, save->state_size);
	struct nvme_vfio_slot *slot;

	for (; save->depth < depth; save->depth++) {
		slot = &save->slots[save->depth];
		INIT_WORK(&slot->work, produce);
		slot->save = save;
		/* zeroed: a device may write less than it was asked for */
		slot->buf = kvzalloc(size, GFP_KERNEL_ACCOUNT);
		if (!slot->buf)
			return -ENOMEM;
	}
	return 0;
}

/* The device's word on its state, bounded. */
static int get_state_size(struct nvme_vfio_save *save)
{
	const struct nvme_lm_caps *caps = nvme_lm_caps(save->fn);
	int ret;

	ret = nvme_lm_state_size(save->fn, &save->state_size);
	if (ret)
		return ret;
	if (save->state_size && save->state_size % 4 == 0 &&
	    save->state_size <= caps->max_state_size)
		return 0;

	nvme_vfio_err(save->file.nvdev->core.pdev,
		      "expected a state of 4 to %llu bytes in dwords, found %llu; update its firmware\n",
		      caps->max_state_size, save->state_size);
	return -EREMOTEIO;
}

static int save_setup(struct nvme_vfio_save *save, struct nvme_vfio_device *nvdev)
{
	struct nvme_vfio_description desc;
	int ret;

	save->file.nvdev = nvdev;
	save->file.stop = save_stop;
	save->fn = nvdev->fn;
	save->piece = nvme_vfio_piece_size(nvdev->fn);
	ret = get_state_size(save);
	if (ret)
		return ret;

	ret = nvme_vfio_describe(nvdev->fn, &desc);
	if (ret)
		return ret;
	save->format = desc.formats[0];
	WRITE_ONCE(nvdev->media_count, desc.media_count);
	ret = make_preamble(save, &desc);
	nvme_vfio_description_free(&desc);
	if (!ret)
		ret = make_slots(save);
	if (!ret)
		ret = nvme_vfio_file_create(&save->file, nvdev, "[nvme-vfio-save]", &save_fops,
					    O_RDONLY);
	return ret;
}

struct nvme_vfio_file *nvme_vfio_save_begin(struct nvme_vfio_device *nvdev)
{
	struct nvme_vfio_save *save;
	unsigned int i;
	int ret;

	save = kzalloc(sizeof(*save), GFP_KERNEL_ACCOUNT);
	if (!save)
		return ERR_PTR(-ENOMEM);

	ret = save_setup(save, nvdev);
	if (ret) {
		save_free(save);
		return ERR_PTR(ret);
	}
	for (i = 0; i < save->depth; i++)
		queue_slot(save, &save->slots[i]);
	return &save->file;
}

int nvme_vfio_save_init(void)
{
	save_workqueue = alloc_workqueue("nvme-vfio-pci", WQ_UNBOUND, 0);
	return save_workqueue ? 0 : -ENOMEM;
}

void nvme_vfio_save_exit(void)
{
	destroy_workqueue(save_workqueue);
}
