// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file that the state is read from.
 *
 * Its consumer is read(): it takes what produce.c has read, in the order of the
 * state, puts the record headers between, and hands a buffer back when its last
 * byte was copied out.  io_lock serialises the consumers.
 *
 * A file that begins in PRE_COPY goes on in STOP_COPY.  Between its passes it has
 * a temporary end (ENOMSG).
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/log2.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/pci.h>
#include <linux/poll.h>
#include <linux/random.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>

#include <compat/nvme-lm-compat.h>

#include "message.h"
#include "save.h"

/* The hashes of a state take this many bytes when a migration begins. */
#define HASH_MEMORY		SZ_1M
/* And no more than this, however much the state grows. */
#define HASH_MEMORY_MAX		SZ_2M
/* No buffer is smaller: a small state may grow. */
#define PASS_PIECE_MIN		SZ_64K

static bool whole_image;
module_param(whole_image, bool, 0644);
MODULE_PARM_DESC(whole_image,
		 "For comparison only: move the state as a whole, with one command at a time, without PRE_COPY");

bool nvme_vfio_whole_image(void)
{
	return READ_ONCE(whole_image);
}

static struct nvme_vfio_save *to_save(struct nvme_vfio_file *file)
{
	return container_of(file, struct nvme_vfio_save, file);
}

static void set_segment(struct nvme_vfio_save *save, enum save_stage stage,
			const void *data, u64 len)
{
	save->segment = data;
	WRITE_ONCE(save->left, len);
	/* for slot_bytes(), to which what is to come must not seem to be through */
	smp_store_release(&save->stage, stage);
}

/*
 * The slot to be sent next: the first in the state of those that are ready and
 * leave no gap behind what was sent.
 */
static struct nvme_vfio_slot *find_ready(struct nvme_vfio_save *save)
{
	struct nvme_vfio_slot *slot, *found = NULL;
	unsigned int i;

	lockdep_assert_held(&save->lock);
	for (i = 0; i < save->depth; i++) {
		slot = &save->slots[i];
		if (slot->state != SAVE_SLOT_READY)
			continue;
		if (slot->error)
			return slot;
		if (slot->offset > save->sent && !save->passes)
			continue;
		if (save->passes && slot->offset +
		    find_first_bit(slot->differs, SAVE_GRANULES) * save->changes.granule >
		    save->sent)
			continue;
		if (!found || slot->offset < found->offset)
			found = slot;
	}
	return found;
}

/* Does any slot have something, or will it, that is to be sent? */
static bool is_pending(const struct nvme_vfio_save *save)
{
	unsigned int i;

	for (i = 0; i < save->depth; i++) {
		if (save->slots[i].state == SAVE_SLOT_READY)
			return true;
		if (save->slots[i].state == SAVE_SLOT_BUSY && !save->slots[i].dropped &&
		    save->slots[i].job != SAVE_JOB_SIZE && save->slots[i].job != SAVE_JOB_SCAN)
			return true;
	}
	return false;
}

/* Has all of the state been sent, for good? */
static bool is_complete(const struct nvme_vfio_save *save)
{
	return save->phase == SAVE_FINAL && save->next == save->size && !is_pending(save);
}

/*
 * What read() finds when a segment is through: 0 if there is another one,
 * -EAGAIN if there will be, -ENOMSG at the temporary end, or another errno.
 */
static int peek_segment(struct nvme_vfio_save *save)
{
	lockdep_assert_held(&save->lock);
	if (save->error)
		return save->error;
	if (READ_ONCE(save->left) || save->taken || save->stage >= SAVE_DIGEST ||
	    find_ready(save) || is_complete(save))
		return 0;
	if (save->phase == SAVE_LIVE && save->next >= save->target &&
	    !save->changes.marked && !is_pending(save))
		return -ENOMSG;
	return -EAGAIN;
}

/* Can read() go on without waiting?  Whoever asks wants what has changed. */
static bool is_ready(struct nvme_vfio_save *save)
{
	int ret;

	spin_lock(&save->lock);
	nvme_vfio_produce(save, true);
	ret = peek_segment(save);
	spin_unlock(&save->lock);
	return ret != -EAGAIN;
}

/* The next run of a slot that the consumer has; false if there is none left. */
static bool next_run(struct nvme_vfio_save *save, struct nvme_vfio_slot *slot)
{
	u32 granule = save->changes.granule;
	u64 at = slot->run + slot->run_len;
	unsigned long first, end;

	if (!save->passes) {
		slot->run = at;
		slot->run_len = min(slot->len - at, (u64)round_down(SAVE_RECORD, 4));
		return slot->run_len;
	}
	first = find_next_bit(slot->differs, SAVE_GRANULES, nvme_lm_granules(at, granule));
	if (first * granule >= slot->len)
		return false;
	end = find_next_zero_bit(slot->differs, SAVE_GRANULES, first);
	slot->run = first * granule;
	slot->run_len = min(slot->len, (u64)end * granule) - slot->run;
	return true;
}

/*
 * The slot will be sent: this is what the other side has of its granules.  Noted in
 * the critical section in which the slot is taken, so that the last pass, which may
 * begin right after it, compares with this.
 */
static void note_taken(struct nvme_vfio_save *save, const struct nvme_vfio_slot *slot)
{
	u32 granule = save->changes.granule;

	lockdep_assert_held(&save->lock);
	if (save->passes && slot->job != SAVE_JOB_FINAL)
		memcpy(save->changes.hashes + div_u64(slot->offset, granule), slot->hashes,
		       nvme_lm_granules(slot->len, granule) * sizeof(*slot->hashes));
	save->sent = max(save->sent, slot->offset + slot->len);
}

/* Which bytes are counted where. */
static enum nvme_vfio_stat bytes_of(enum save_job job)
{
	switch (job) {
	case SAVE_JOB_EXTEND:
		return NVME_VFIO_SAVE_FIRST_BYTES;
	case SAVE_JOB_REPLACE:
		return NVME_VFIO_SAVE_AGAIN_BYTES;
	default:
		return NVME_VFIO_SAVE_FINAL_BYTES;
	}
}

/* Begin the record of the next run, if the slot has one; else give it back. */
static void begin_run(struct nvme_vfio_save *save)
{
	struct nvme_vfio_slot *slot = save->taken;

	if (next_run(save, slot)) {
		nvme_vfio_stat_add(save->stats, bytes_of(slot->job), slot->run_len);
		nvme_lm_encode_state_at(&save->enc, slot->offset + slot->run,
					slot->buf + slot->run, slot->run_len, &save->head);
		set_segment(save, SAVE_HEAD, &save->head, sizeof(save->head));
		return;
	}
	spin_lock(&save->lock);
	save->taken = NULL;
	slot->state = SAVE_SLOT_FREE;
	nvme_vfio_produce(save, true);
	spin_unlock(&save->lock);
}

/* Take the next slot; gives 0 with none when the state is complete. */
static int take_slot(struct nvme_vfio_save *save)
{
	struct nvme_vfio_slot *slot;
	int ret;

	lockdep_assert_held(&save->lock);
	nvme_vfio_produce(save, true);
	ret = peek_segment(save);
	slot = find_ready(save);
	if (ret || !slot)
		return ret;
	if (slot->error)
		return slot->error;
	nvme_vfio_stat_add(save->stats, NVME_VFIO_SAVE_WAIT_READER_NS,
			   ktime_get_ns() - slot->since);
	slot->state = SAVE_SLOT_TAKEN;
	slot->run = 0;
	slot->run_len = 0;
	save->taken = slot;
	note_taken(save, slot);
	return 0;
}

/* After the last piece. */
static void finish_state(struct nvme_vfio_save *save)
{
	if (save->passes && save->stage != SAVE_DIGEST) {
		nvme_lm_encode_digest(&save->enc, &save->precopy.precopy,
				      save->changes.hashes, save->size, &save->digest);
		set_segment(save, SAVE_DIGEST, &save->digest, sizeof(save->digest));
		return;
	}
	nvme_lm_encode_end(&save->enc, &save->end);
	nvme_vfio_stat_set(save->stats, NVME_VFIO_SAVE_FINAL_NS, ktime_get_ns() - save->began);
	set_segment(save, SAVE_END, &save->end, sizeof(save->end));
}

/* Everything of the current segment was copied out: find the next one. */
static int next_segment(struct nvme_vfio_save *save)
{
	int ret;

	switch (save->stage) {
	case SAVE_HEAD:
		set_segment(save, SAVE_DATA, save->taken->buf + save->taken->run,
			    save->taken->run_len);
		return 0;
	case SAVE_PREAMBLE:
	case SAVE_DATA:
		if (!save->taken) {
			spin_lock(&save->lock);
			ret = take_slot(save);
			spin_unlock(&save->lock);
			if (ret)
				return ret;
		}
		if (save->taken)
			begin_run(save);
		else
			finish_state(save);
		return 0;
	case SAVE_DIGEST:
		finish_state(save);
		return 0;
	default:
		set_segment(save, SAVE_DONE, NULL, 0);
		return 0;
	}
}

/* Wait for the next segment, but not when there is something to return. */
static int wait_ready(struct nvme_vfio_save *save, size_t done)
{
	u64 start = ktime_get_ns();
	int ret;

	if (done || (save->file.filp->f_flags & O_NONBLOCK))
		return -EAGAIN;
	ret = wait_event_interruptible(save->file.nvdev->wait,
				       is_ready(save) || !nvme_vfio_file_alive(&save->file));
	nvme_vfio_stat_add(save->stats, NVME_VFIO_SAVE_WAIT_DEVICE_NS, ktime_get_ns() - start);
	return ret;
}

/* Have bytes to copy out; -ENODATA at the end of the stream. */
static int have_segment(struct nvme_vfio_save *save, size_t done)
{
	int ret = 0;

	while (!ret && !save->left && save->stage != SAVE_DONE) {
		/* a wait may have ended because the file did */
		if (!nvme_vfio_file_alive(&save->file))
			return -ENODEV;
		ret = next_segment(save);
		/* one word for it, whether a command or the event noticed it first */
		if (ret == -ESTALE)
			ret = -ENODEV;
		if (ret == -EAGAIN)
			ret = wait_ready(save, done);
		else if (ret != -ENOMSG)
			save->error = ret;
	}
	if (!ret && save->stage == SAVE_DONE)
		ret = -ENODATA;
	return ret;
}

/* Bytes of records that carry @bytes of state in pieces of full size. */
static u64 record_bytes(const struct nvme_vfio_save *save, u64 bytes)
{
	return bytes + div64_u64(bytes + save->piece - 1, save->piece) *
	       sizeof(struct nvme_lm_state_head);
}

/* Bytes that are on their way in slots that do @job, the consumer's included. */
static u64 slot_bytes(const struct nvme_vfio_save *save, enum save_job job)
{
	/* before what is left of it, see set_segment() */
	enum save_stage stage = smp_load_acquire(&save->stage);
	const struct nvme_vfio_slot *slot;
	u64 bytes = 0;
	unsigned int i;

	for (i = 0; i < save->depth; i++) {
		slot = &save->slots[i];
		if (slot->job != job || slot->dropped)
			continue;
		if (slot->state == SAVE_SLOT_BUSY || slot->state == SAVE_SLOT_READY)
			bytes += record_bytes(save, slot->len);
		else if (slot->state == SAVE_SLOT_TAKEN)
			bytes += READ_ONCE(save->left) +
				 (stage == SAVE_HEAD ? slot->run_len : 0);
	}
	return bytes;
}

/* What is left of the first pass, and of what came to the state since. */
static u64 first_bytes(const struct nvme_vfio_save *save)
{
	u64 bytes = READ_ONCE(save->stage) == SAVE_PREAMBLE ? READ_ONCE(save->left) : 0;

	if (save->next < save->target)
		bytes += record_bytes(save, save->target - save->next);
	return bytes + slot_bytes(save, SAVE_JOB_EXTEND);
}

/*
 * The first pass is through once its last byte was copied out.  Also asked when its
 * end went away with a state that shrank.
 */
static void check_first_pass(struct nvme_vfio_save *save)
{
	lockdep_assert_held(&save->lock);
	if (save->phase != SAVE_LIVE || save->first_done || save->sent < save->target ||
	    first_bytes(save))
		return;
	save->first_done = true;
	nvme_vfio_stat_set(save->stats, NVME_VFIO_SAVE_FIRST_NS, ktime_get_ns() - save->began);
}

/* A run was copied out: let the producer have a buffer without another at once. */
static void check_run(struct nvme_vfio_save *save)
{
	if (save->left || save->stage != SAVE_DATA)
		return;
	begin_run(save);
	if (!save->taken && !save->first_done) {
		spin_lock(&save->lock);
		check_first_pass(save);
		spin_unlock(&save->lock);
	}
}

/* Copy bytes of the current segment out; gives their number, 0 on a fault. */
static size_t copy_out(struct nvme_vfio_save *save, char __user *buf, size_t len)
{
	size_t n = min_t(u64, len, save->left);

	n -= copy_to_user(buf, save->segment, n);
	save->segment += n;
	WRITE_ONCE(save->left, save->left - n);
	check_run(save);
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
		/* whoever reads the next pieces from the device wants the processor too */
		cond_resched();
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

/* Readable when read() gives bytes, an error or the end for good. */
static __poll_t save_poll(struct file *filp, struct poll_table_struct *table)
{
	struct nvme_vfio_file *file = filp->private_data;
	struct nvme_vfio_save *save = to_save(file);
	int ret;

	poll_wait(filp, &file->nvdev->wait, table);
	if (!nvme_vfio_file_alive(file))
		return EPOLLIN | EPOLLRDNORM | EPOLLERR;
	spin_lock(&save->lock);
	nvme_vfio_produce(save, true);
	ret = peek_segment(save);
	spin_unlock(&save->lock);
	return ret == -EAGAIN || ret == -ENOMSG ? 0 : EPOLLIN | EPOLLRDNORM;
}

/* What has changed of what was sent. */
static u64 changed_bytes(const struct nvme_vfio_save *save)
{
	const struct nvme_vfio_changes *changes = &save->changes;
	u64 records = nvme_vfio_changes_records(changes, div_u64(save->piece, changes->granule));
	/* the last granule may be cut short */
	u64 bytes = min(changes->marked * changes->granule, save->size);

	return bytes + records * sizeof(struct nvme_lm_state_head) +
	       slot_bytes(save, SAVE_JOB_REPLACE);
}

/* Put more memory in place; gives what is to be freed. */
static void swap_changes(struct nvme_vfio_save *save, struct nvme_vfio_changes *more)
{
	struct nvme_vfio_changes *now = &save->changes;

	spin_lock(&save->lock);
	memcpy(more->hashes, now->hashes, now->room * sizeof(*now->hashes));
	bitmap_copy(more->marks, now->marks, now->room);
	swap(more->hashes, now->hashes);
	swap(more->marks, now->marks);
	now->room = more->room;
	spin_unlock(&save->lock);
}

/* Have room for the hashes of a state of @size bytes. */
static int make_changes(struct nvme_vfio_save *save, u64 size)
{
	u64 room = round_up(nvme_lm_granules(size, save->changes.granule), BITS_PER_LONG);
	struct nvme_vfio_changes more = { .room = room };
	int ret = -ENOMEM;

	if (room <= save->changes.room)
		return 0;
	if (room > HASH_MEMORY_MAX / sizeof(*more.hashes))
		return -EFBIG;
	more.hashes = kvcalloc(room, sizeof(*more.hashes), GFP_KERNEL_ACCOUNT);
	more.marks = kvcalloc(BITS_TO_LONGS(room), sizeof(long), GFP_KERNEL_ACCOUNT);
	if (more.hashes && more.marks) {
		nvme_vfio_stat_add(save->stats, NVME_VFIO_SAVE_MEMORY_BYTES,
				   (room - save->changes.room) * sizeof(*more.hashes));
		swap_changes(save, &more);
		ret = 0;
	}
	kvfree(more.hashes);
	kvfree(more.marks);
	return ret;
}

/*
 * A scan found more state than there was: read on.  Not done by the scan itself,
 * because the memory is charged to the user.  Without memory it comes after the
 * function was stopped.
 */
static void take_growth(struct nvme_vfio_save *save)
{
	u64 size;

	lockdep_assert_held(&save->file.nvdev->state_mutex);
	scoped_guard(spinlock, &save->lock)
		size = save->phase == SAVE_LIVE && save->sent >= save->target ? save->size : 0;
	if (size <= save->target || make_changes(save, size) ||
	    nvme_vfio_produce_slots(save, size))
		return;

	spin_lock(&save->lock);
	if (save->phase == SAVE_LIVE && save->sent >= save->target && !is_pending(save)) {
		/* a granule that was cut short comes again */
		save->next = round_down(save->sent, save->changes.granule);
		save->target = size;
		save->grown = true;
		nvme_vfio_produce(save, false);
	}
	spin_unlock(&save->lock);
}

static int fill_precopy_info(struct nvme_vfio_save *save, struct vfio_precopy_info *info)
{
	bool v2 = nvme_lm_vfio_precopy_v2(&save->file.nvdev->core.vdev);
	u64 first, changed;

	lockdep_assert_held(&save->lock);
	if (save->phase != SAVE_LIVE)
		return -EINVAL;
	check_first_pass(save);
	nvme_vfio_produce_scan(save);
	first = first_bytes(save);
	changed = changed_bytes(save);
	if (!save->first_done || v2) {
		info->initial_bytes = first;
		info->dirty_bytes = first && save->first_done ? 0 : changed;
	} else {
		info->initial_bytes = 0;
		info->dirty_bytes = first + changed;
	}
	if (v2 && save->grown)
		nvme_lm_vfio_precopy_reinit(info);
	save->grown = false;
	return 0;
}

/* Never waits, and issues no command: looking for changes goes on behind. */
static int get_precopy_info(struct nvme_vfio_save *save, struct vfio_precopy_info *info)
{
	int ret;

	/* whoever has it will be through before long, and this is asked again */
	if (mutex_trylock(&save->file.nvdev->state_mutex)) {
		take_growth(save);
		mutex_unlock(&save->file.nvdev->state_mutex);
	}
	spin_lock(&save->lock);
	ret = fill_precopy_info(save, info);
	spin_unlock(&save->lock);
	return ret;
}

static long save_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	struct nvme_vfio_file *file = filp->private_data;
	size_t size = offsetofend(struct vfio_precopy_info, dirty_bytes);
	struct vfio_precopy_info info = {};
	int ret;

	ret = nvme_lm_vfio_check_precopy(&file->nvdev->core.vdev, cmd, arg, &info);
	if (ret)
		return ret;
	if (!READ_ONCE(file->ended) && !nvme_vfio_file_current(file))
		return -ENODEV;
	ret = get_precopy_info(to_save(file), &info);
	if (ret)
		return ret;
	return copy_to_user((void __user *)arg, &info, size) ? -EFAULT : 0;
}

static void free_buffers(struct nvme_vfio_save *save)
{
	nvme_vfio_produce_free(save);
	kvfree(save->preamble);
	kvfree(save->changes.hashes);
	kvfree(save->changes.marks);
	save->preamble = NULL;
	save->changes.hashes = NULL;
	save->changes.marks = NULL;
}

static void save_free(struct nvme_vfio_save *save)
{
	free_buffers(save);
	kvfree(save);
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
	.unlocked_ioctl = save_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.release = save_release,
};

/*
 * No command after this.  The user may keep the file open for as long as he
 * likes, so give the memory back now unless a reader is just at it.
 */
static void save_stop(struct nvme_vfio_file *file)
{
	struct nvme_vfio_save *save = to_save(file);

	nvme_vfio_produce_stop(save);
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

/* The key is drawn anew for each migration. */
static u8 *add_precopy(struct nvme_vfio_save *save, u8 *at)
{
	u8 key[sizeof(save->precopy.precopy.key)];

	get_random_bytes(key, sizeof(key));
	nvme_lm_encode_precopy(&save->enc, save->changes.granule, key, &save->precopy);
	memcpy(at, &save->precopy, sizeof(save->precopy));
	return at + sizeof(save->precopy);
}

/* Everything before the state: it is known when the file is made. */
static int make_preamble(struct nvme_vfio_save *save,
			 const struct nvme_vfio_description *desc)
{
	struct nvme_lm_stream_header header;
	unsigned int i;
	size_t size;
	u8 *at;

	size = nvme_lm_stream_size(desc->media_count, 0, save->command) +
	       sizeof(save->precopy);
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
	if (save->passes)
		at = add_precopy(save, at);
	set_segment(save, SAVE_PREAMBLE, save->preamble, at - save->preamble);
	return 0;
}

/* The device's word on its state, bounded. */
static int get_state_size(struct nvme_vfio_save *save, u64 *size)
{
	const struct nvme_lm_caps *caps = nvme_lm_caps(save->fn);
	int ret;

	nvme_vfio_stat_add(save->stats, NVME_VFIO_SAVE_COMMANDS, 1);
	ret = nvme_lm_state_size(save->fn, size);
	if (ret)
		return ret;
	nvme_vfio_stat_set(save->stats, NVME_VFIO_SAVE_STATE_BYTES, *size);
	if (*size && *size % 4 == 0 && *size <= caps->max_state_size)
		return 0;

	nvme_vfio_err(save->file.nvdev,
		      "expected a state of 4 to %llu bytes in dwords, found %llu; update its firmware\n",
		      caps->max_state_size, *size);
	return -EREMOTEIO;
}

/* In what granules changes are found, and in what pieces the state is read. */
static int setup_passes(struct nvme_vfio_save *save, u64 size)
{
	u32 hashes = HASH_MEMORY / sizeof(*save->changes.hashes);
	u64 granule = roundup_pow_of_two(div_u64(size + hashes - 1, hashes));
	u64 piece;

	granule = max_t(u64, granule, NVME_LM_STREAM_MIN_GRANULE);
	if (granule > NVME_LM_STREAM_MAX_GRANULE)
		return -EFBIG;
	save->changes.granule = granule;
	piece = round_down(max_t(u64, save->command, granule), granule);
	save->piece = min(piece, max_t(u64, PASS_PIECE_MIN, round_up(size, granule)));
	return make_changes(save, size);
}

static int save_setup(struct nvme_vfio_save *save, struct nvme_vfio_device *nvdev, bool live)
{
	const struct nvme_vfio_description *desc = &nvdev->desc;
	u64 size;
	int ret;

	save->file.nvdev = nvdev;
	save->file.stop = save_stop;
	save->stats = &nvdev->stats;
	save->began = ktime_get_ns();
	nvme_vfio_stats_begin(save->stats, NVME_VFIO_SAVE_COMMANDS, NVME_VFIO_SAVE_MEMORY_BYTES);
	save->fn = nvdev->fn;
	save->command = nvme_vfio_piece_size(nvdev->fn);
	save->passes = live;
	save->phase = live ? SAVE_LIVE : SAVE_FINAL;
	spin_lock_init(&save->lock);
	ret = get_state_size(save, &size);
	if (ret)
		return ret;
	save->size = size;
	save->target = live ? size : 0;
	save->piece = min_t(u64, save->command, size);
	if (!live && nvme_vfio_whole_image())
		save->piece = size;
	if (save->piece > INT_MAX)
		return -EFBIG;
	if (live)
		ret = setup_passes(save, size);
	if (ret)
		return ret;

	save->format = desc->formats[0];
	ret = make_preamble(save, desc);
	if (!ret)
		ret = nvme_vfio_produce_slots(save, size);
	if (!ret)
		ret = nvme_vfio_file_create(&save->file, nvdev, "[nvme-vfio-save]", &save_fops,
					    O_RDONLY);
	return ret;
}

struct nvme_vfio_file *nvme_vfio_save_begin(struct nvme_vfio_device *nvdev, bool live)
{
	struct nvme_vfio_save *save;
	int ret;

	save = kvzalloc(sizeof(*save), GFP_KERNEL_ACCOUNT);
	if (!save)
		return ERR_PTR(-ENOMEM);

	ret = save_setup(save, nvdev, live);
	if (ret) {
		save_free(save);
		return ERR_PTR(ret);
	}
	scoped_guard(spinlock, &save->lock)
		nvme_vfio_produce(save, false);
	return &save->file;
}

int nvme_vfio_save_finish(struct nvme_vfio_file *file)
{
	struct nvme_vfio_save *save = to_save(file);
	u64 size;
	int ret;

	lockdep_assert_held(&file->nvdev->state_mutex);
	if (!nvme_vfio_file_current(file))
		return -ENODEV;
	save->began = ktime_get_ns();
	ret = get_state_size(save, &size);
	if (!ret)
		ret = make_changes(save, size);
	if (!ret)
		ret = nvme_vfio_produce_slots(save, size);
	if (ret)
		return ret;
	scoped_guard(spinlock, &save->lock)
		nvme_vfio_produce_final(save, size);
	wake_up_all(&file->nvdev->wait);
	return 0;
}

void nvme_vfio_save_quiet(struct nvme_vfio_file *file)
{
	struct nvme_vfio_save *save = to_save(file);

	spin_lock(&save->lock);
	save->scanning = false;
	spin_unlock(&save->lock);
}

u64 nvme_vfio_save_left(struct nvme_vfio_file *file)
{
	struct nvme_vfio_save *save = to_save(file);
	u64 bytes = sizeof(save->digest) + sizeof(save->end);

	spin_lock(&save->lock);
	/* nobody knows before a scan what has changed since it was sent */
	if (save->scanned)
		bytes += first_bytes(save) + changed_bytes(save);
	else
		bytes += record_bytes(save, save->size);
	spin_unlock(&save->lock);
	return bytes;
}
