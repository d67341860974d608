// SPDX-License-Identifier: GPL-2.0-only
/*
 * The producer of the file that the state is read from.
 *
 * A few buffers go round between two sides.  The producer is one work item per
 * buffer: it reads a piece of the state, so several commands are under way at a
 * time.  However large the state is, no more than SAVE_MEMORY is held.
 *
 * While the function runs (SAVE_LIVE) the state is first read from end to end.
 * Then changes are looked for by scans, which compare the hash of each granule
 * with that of what was sent, and hold no data.  What has changed is read again
 * when somebody wants it, and the hash of what was really sent is kept.  Once the
 * function is suspended (SAVE_FINAL) all of the state is read a last time; what
 * differs from what was sent goes to the consumer.
 *
 * A state may shrink while it is read.  A device may then refuse to read where
 * there is nothing any more: so after an error the size is asked for again.
 */
#include <linux/ktime.h>
#include <linux/lockdep.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/timekeeping.h>

#include "save.h"
#include "trace.h"

/* From the end of one scan to the beginning of the next, at least. */
#define SCAN_PAUSE	(100 * NSEC_PER_MSEC)

struct workqueue_struct *nvme_vfio_workqueue;

/* Read bytes with as many commands as it takes. */
static int read_bytes(struct nvme_vfio_save *save, struct nvme_vfio_slot *slot)
{
	bool suspended = false;
	u64 done;
	u32 len;
	int ret;

	for (done = 0; done < slot->len; done += len) {
		if (!nvme_vfio_file_alive(&save->file))
			return -ENODEV;
		len = min_t(u64, save->command, slot->len - done);
		ret = nvme_lm_read_state(save->fn, &save->format, slot->offset + done,
					 slot->buf + done, len, &suspended);
		nvme_vfio_stat_add(save->stats, NVME_VFIO_SAVE_COMMANDS, 1);
		/* the device must say that it was suspended all along */
		if (!ret && slot->job == SAVE_JOB_FINAL && !suspended)
			ret = -ESTALE;
		if (ret)
			return ret;
	}
	return 0;
}

/* An error of reading a state that may have shrunk meanwhile. */
static int read_shorter(struct nvme_vfio_save *save, struct nvme_vfio_slot *slot, int error)
{
	u64 size;

	nvme_vfio_stat_add(save->stats, NVME_VFIO_SAVE_RETRIES, 1);
	if (nvme_lm_state_size(save->fn, &size) || size >= slot->offset + slot->len)
		return error;
	slot->size = size;
	slot->len = size > slot->offset ? size - slot->offset : 0;
	return read_bytes(save, slot);
}

static void hash_granules(struct nvme_vfio_save *save, struct nvme_vfio_slot *slot)
{
	u32 granule = save->changes.granule;
	u64 done;
	u32 i = 0;

	for (done = 0; done < slot->len; done += granule)
		slot->hashes[i++] = nvme_lm_granule_hash(&save->precopy.precopy, slot->buf + done,
							 min_t(u64, granule, slot->len - done));
}

static int run_job(struct nvme_vfio_save *save, struct nvme_vfio_slot *slot)
{
	int ret;

	if (slot->job == SAVE_JOB_SIZE)
		return nvme_lm_state_size(save->fn, &slot->size);

	ret = read_bytes(save, slot);
	if ((ret == -EINVAL || ret == -EREMOTEIO) && slot->job != SAVE_JOB_FINAL)
		ret = read_shorter(save, slot, ret);
	if (!ret && save->passes)
		hash_granules(save, slot);
	if (ret == -ESTALE && slot->job == SAVE_JOB_FINAL)
		nvme_vfio_state_lost(save->file.nvdev);
	return ret;
}

/* Is the granule on its way to the consumer? */
static bool is_under_way(const struct nvme_vfio_save *save, u64 offset)
{
	const struct nvme_vfio_slot *slot;
	unsigned int i;

	for (i = 0; i < save->depth; i++) {
		slot = &save->slots[i];
		if ((slot->state == SAVE_SLOT_BUSY || slot->state == SAVE_SLOT_READY) &&
		    (slot->job == SAVE_JOB_EXTEND || slot->job == SAVE_JOB_REPLACE) &&
		    offset >= slot->offset && offset < slot->offset + slot->len)
			return true;
	}
	return false;
}

/*
 * Which granules of a slot are not what was sent; gives their number.
 *
 * In the last pass the hash of what was read now is kept for each granule, whether it
 * is sent or not: so DIGEST tells what the function had when it was stopped, and not
 * what was sent, and a mistake in between is noticed by the destination.
 */
static unsigned int find_differences(struct nvme_vfio_save *save, struct nvme_vfio_slot *slot)
{
	struct nvme_vfio_changes *changes = &save->changes;
	u64 first = div_u64(slot->offset, changes->granule);
	u64 sent = nvme_lm_granules(save->sent, changes->granule);
	unsigned int i, count = nvme_lm_granules(slot->len, changes->granule);
	unsigned int found = 0;

	bitmap_zero(slot->differs, SAVE_GRANULES);
	for (i = 0; i < count; i++) {
		if (first + i < sent && changes->hashes[first + i] == slot->hashes[i])
			continue;
		__set_bit(i, slot->differs);
		found++;
	}
	if (slot->job == SAVE_JOB_FINAL)
		memcpy(changes->hashes + first, slot->hashes, count * sizeof(*slot->hashes));
	return found;
}

static void end_scan(struct nvme_vfio_save *save)
{
	save->scanning = false;
	save->scan_ended = ktime_get_ns();
}

/* A scan is through when it was all read, and that was all looked at. */
static void check_scan(struct nvme_vfio_save *save)
{
	unsigned int i;

	if (!save->scanning || save->scan_next < save->scan_end)
		return;
	for (i = 0; i < save->depth; i++)
		if (save->slots[i].state == SAVE_SLOT_BUSY &&
		    (save->slots[i].job == SAVE_JOB_SCAN || save->slots[i].job == SAVE_JOB_SIZE))
			return;
	save->scanned = true;
	nvme_vfio_stat_add(save->stats, NVME_VFIO_SAVE_SCANS, 1);
	end_scan(save);
}

/* The state has another size than was thought. */
static void take_size(struct nvme_vfio_save *save, u64 size)
{
	unsigned int i;

	save->size = size;
	nvme_vfio_stat_set(save->stats, NVME_VFIO_SAVE_STATE_BYTES, size);
	nvme_vfio_changes_cut(&save->changes, nvme_lm_granules(size, save->changes.granule));
	if (size >= save->target)
		return;

	save->target = max(size, save->sent);
	save->next = min(save->next, save->target);
	for (i = 0; i < save->depth; i++) {
		struct nvme_vfio_slot *slot = &save->slots[i];

		if (slot->job != SAVE_JOB_EXTEND || slot->offset < save->target)
			continue;
		if (slot->state == SAVE_SLOT_BUSY)
			slot->dropped = true;
		else if (slot->state == SAVE_SLOT_READY)
			slot->state = SAVE_SLOT_FREE;
	}
}

/* The size is known: scan what was sent and is still there. */
static void sized(struct nvme_vfio_save *save, struct nvme_vfio_slot *slot)
{
	if (slot->error) {
		end_scan(save);
		return;
	}
	take_size(save, slot->size);
	save->scan_next = 0;
	save->scan_end = min(save->size, save->sent);
}

/* A piece was scanned: mark what has changed and is not on its way. */
static void scanned(struct nvme_vfio_save *save, struct nvme_vfio_slot *slot)
{
	u32 granule = save->changes.granule;
	unsigned int i;

	if (slot->error) {
		/* whoever reads or stops the function will be told */
		end_scan(save);
		return;
	}
	find_differences(save, slot);
	for_each_set_bit(i, slot->differs, SAVE_GRANULES)
		if (!is_under_way(save, slot->offset + (u64)i * granule))
			nvme_vfio_changes_mark(&save->changes,
					       div_u64(slot->offset, granule) + i);
}

/* What becomes of a slot whose job is done. */
static enum save_slot_state job_done(struct nvme_vfio_save *save, struct nvme_vfio_slot *slot)
{
	/* the scan must not take the slot for one that is still at it */
	slot->state = SAVE_SLOT_FREE;
	if (slot->job == SAVE_JOB_SIZE)
		sized(save, slot);
	else if (slot->size)
		take_size(save, slot->size);
	if (slot->job == SAVE_JOB_SCAN)
		scanned(save, slot);
	if (slot->job == SAVE_JOB_SIZE || slot->job == SAVE_JOB_SCAN) {
		check_scan(save);
		return SAVE_SLOT_FREE;
	}
	if (slot->error || !save->passes)
		return SAVE_SLOT_READY;
	if (slot->job == SAVE_JOB_FINAL)
		return find_differences(save, slot) ? SAVE_SLOT_READY : SAVE_SLOT_FREE;
	/* all that was read while it runs is sent */
	bitmap_fill(slot->differs, SAVE_GRANULES);
	return slot->len ? SAVE_SLOT_READY : SAVE_SLOT_FREE;
}

static void produce_work(struct work_struct *work)
{
	struct nvme_vfio_slot *slot = container_of(work, struct nvme_vfio_slot, work);
	struct nvme_vfio_save *save = slot->save;
	u64 start = ktime_get_ns();

	slot->error = nvme_vfio_file_alive(&save->file) ? run_job(save, slot) : -ENODEV;
	slot->since = ktime_get_ns();
	nvme_vfio_stat_add(save->stats, NVME_VFIO_SAVE_COMMAND_NS, slot->since - start);
	nvme_vfio_stat_add(save->stats, NVME_VFIO_SAVE_READ_BYTES, slot->len);
	trace_nvme_vfio_save_piece(save->file.nvdev->core.pdev, slot->offset, slot->len,
				   slot->since - start, slot->error);
	scoped_guard(spinlock, &save->lock) {
		slot->state = slot->dropped ? SAVE_SLOT_FREE : job_done(save, slot);
		nvme_vfio_produce(save, false);
	}
	wake_up_all(&save->file.nvdev->wait);
}

/* The next bytes from @at on, up to @end; gives their number. */
static u64 piece_at(const struct nvme_vfio_save *save, struct nvme_vfio_slot *slot,
		    enum save_job job, u64 at, u64 end)
{
	slot->job = job;
	slot->offset = at;
	slot->len = min(save->piece, end - at);
	return slot->len;
}

/* What has changed and is still there. */
static bool replace_job(struct nvme_vfio_save *save, struct nvme_vfio_slot *slot)
{
	u32 granule = save->changes.granule;
	u64 first, at, end;
	u32 count;

	do {
		count = nvme_vfio_changes_take(&save->changes, div_u64(save->piece, granule),
					       &first);
		if (!count)
			return false;
		at = first * granule;
		end = min(save->size, at + (u64)count * granule);
	} while (at >= end);
	piece_at(save, slot, SAVE_JOB_REPLACE, at, end);
	return true;
}

static bool live_job(struct nvme_vfio_save *save, struct nvme_vfio_slot *slot, bool wanted)
{
	if (save->next < save->target) {
		save->next += piece_at(save, slot, SAVE_JOB_EXTEND, save->next, save->target);
		return true;
	}
	if (wanted && replace_job(save, slot))
		return true;
	if (!save->scanning || save->scan_next >= save->scan_end)
		return false;
	save->scan_next += piece_at(save, slot, SAVE_JOB_SCAN, save->scan_next, save->scan_end);
	return true;
}

static bool next_job(struct nvme_vfio_save *save, struct nvme_vfio_slot *slot, bool wanted)
{
	switch (save->phase) {
	case SAVE_LIVE:
		return live_job(save, slot, wanted);
	case SAVE_FINAL:
		if (save->next == save->size)
			return false;
		save->next += piece_at(save, slot, SAVE_JOB_FINAL, save->next, save->size);
		return true;
	default:
		return false;
	}
}

static void start_job(struct nvme_vfio_slot *slot)
{
	slot->state = SAVE_SLOT_BUSY;
	slot->dropped = false;
	slot->size = 0;
	slot->error = 0;
	queue_work(nvme_vfio_workqueue, &slot->work);
}

void nvme_vfio_produce(struct nvme_vfio_save *save, bool wanted)
{
	unsigned int i;

	lockdep_assert_held(&save->lock);
	for (i = 0; i < save->depth; i++) {
		struct nvme_vfio_slot *slot = &save->slots[i];

		if (slot->state == SAVE_SLOT_FREE && next_job(save, slot, wanted))
			start_job(slot);
	}
}

void nvme_vfio_produce_scan(struct nvme_vfio_save *save)
{
	unsigned int i;

	lockdep_assert_held(&save->lock);
	if (save->phase != SAVE_LIVE || !save->first_done || save->scanning ||
	    save->sent < save->target)
		return;
	if (save->scan_ended && ktime_get_ns() - save->scan_ended < SCAN_PAUSE)
		return;
	for (i = 0; i < save->depth; i++) {
		struct nvme_vfio_slot *slot = &save->slots[i];

		if (slot->state != SAVE_SLOT_FREE)
			continue;
		save->scanning = true;
		save->scan_next = 0;
		save->scan_end = 0;
		slot->job = SAVE_JOB_SIZE;
		slot->offset = 0;
		slot->len = 0;
		start_job(slot);
		return;
	}
}

void nvme_vfio_produce_final(struct nvme_vfio_save *save, u64 size)
{
	unsigned int i;

	lockdep_assert_held(&save->lock);
	/* what was read and not yet sent may be old: it is read again */
	for (i = 0; i < save->depth; i++) {
		if (save->slots[i].state == SAVE_SLOT_BUSY)
			save->slots[i].dropped = true;
		else if (save->slots[i].state == SAVE_SLOT_READY)
			save->slots[i].state = SAVE_SLOT_FREE;
	}
	save->phase = SAVE_FINAL;
	save->scanning = false;
	save->size = size;
	save->next = 0;
	nvme_vfio_produce(save, false);
}

void nvme_vfio_produce_stop(struct nvme_vfio_save *save)
{
	unsigned int i;

	scoped_guard(spinlock, &save->lock)
		save->phase = SAVE_ENDED;
	for (i = 0; i < save->depth; i++)
		disable_work_sync(&save->slots[i].work);
}

int nvme_vfio_produce_slots(struct nvme_vfio_save *save, u64 size)
{
	u64 pieces = div64_u64(size + save->piece - 1, save->piece);
	unsigned int depth = clamp_t(u64, div64_u64(SAVE_MEMORY, save->piece), 1, SAVE_DEPTH);
	unsigned int i;
	void *buf;

	depth = min_t(u64, depth, pieces);
	for (i = save->depth; i < depth; i++) {
		/* zeroed: what the device leaves out must not be what others left */
		buf = kvzalloc(save->piece, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
		if (!buf)
			return i ? 0 : -ENOMEM;
		save->slots[i].save = save;
		save->slots[i].buf = buf;
		INIT_WORK(&save->slots[i].work, produce_work);
		nvme_vfio_stat_add(save->stats, NVME_VFIO_SAVE_MEMORY_BYTES, save->piece);
		scoped_guard(spinlock, &save->lock)
			save->depth = i + 1;
	}
	return 0;
}

void nvme_vfio_produce_free(struct nvme_vfio_save *save)
{
	unsigned int i;

	for (i = 0; i < save->depth; i++) {
		kvfree(save->slots[i].buf);
		save->slots[i].buf = NULL;
	}
}

int nvme_vfio_save_init(void)
{
	/* issuing the next command goes before copying what came: the device must not wait */
	nvme_vfio_workqueue = alloc_workqueue("nvme-vfio-pci", WQ_UNBOUND | WQ_HIGHPRI, 0);
	return nvme_vfio_workqueue ? 0 : -ENOMEM;
}

void nvme_vfio_save_exit(void)
{
	destroy_workqueue(nvme_vfio_workqueue);
}
