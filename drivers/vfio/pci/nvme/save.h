/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The file that the state is read from: what save.c, the consumer, and
 * produce.c, the producer, share.
 */
#ifndef NVME_VFIO_PCI_SAVE_H
#define NVME_VFIO_PCI_SAVE_H

#include <linux/bitmap.h>
#include <linux/ktime.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "changes.h"
#include "device.h"
#include "stream.h"

/* All buffers of one migration. */
#define SAVE_MEMORY	SZ_8M
/* No more commands at a time than the controlling side has slots. */
#define SAVE_DEPTH	8
/* Most bytes of state in a record. */
#define SAVE_RECORD	(NVME_LM_STREAM_MAX_PAYLOAD - sizeof(struct nvme_lm_state_piece))
/* Most granules in a buffer. */
#define SAVE_GRANULES	(SAVE_RECORD / NVME_LM_STREAM_MIN_GRANULE)

/* What a buffer is used for. */
enum save_job {
	SAVE_JOB_EXTEND,	/* read on, beyond what was read */
	SAVE_JOB_REPLACE,	/* read again what has changed */
	SAVE_JOB_SIZE,		/* ask for the size, before a scan */
	SAVE_JOB_SCAN,		/* find out what has changed */
	SAVE_JOB_FINAL,		/* read what is suspended */
};

enum save_slot_state {
	SAVE_SLOT_FREE,
	SAVE_SLOT_BUSY,		/* the producer has it */
	SAVE_SLOT_READY,	/* it waits for the consumer */
	SAVE_SLOT_TAKEN,	/* the consumer has it */
};

struct nvme_vfio_save;

/**
 * struct nvme_vfio_slot - one buffer on its way round
 * @work: does the job
 * @save: the file
 * @buf: the bytes
 * @state: who has it
 * @job: what it is used for
 * @dropped: nobody wants the result any more
 * @offset: where in the state the bytes are
 * @len: how many there are; 0 when the state ends before @offset by now
 * @size: bytes of state, if that was asked for; else 0
 * @error: 0 or why the job failed
 * @since: when it became ready, in ns
 * @run: where in @buf the run begins that the consumer sends
 * @run_len: bytes of it
 * @hashes: of the granules
 * @differs: which of them are to be sent
 */
struct nvme_vfio_slot {
	struct work_struct work;
	struct nvme_vfio_save *save;
	void *buf;
	enum save_slot_state state;
	enum save_job job;
	bool dropped;
	u64 offset;
	u64 len;
	u64 size;
	int error;
	u64 since;
	u64 run;
	u64 run_len;
	__le64 hashes[SAVE_GRANULES];
	DECLARE_BITMAP(differs, SAVE_GRANULES);
};

/* What the state is read for. */
enum save_phase {
	SAVE_LIVE,		/* the function may run: PRE_COPY */
	SAVE_FINAL,		/* it is suspended: STOP_COPY */
	SAVE_ENDED,		/* no more commands */
};

/* What the consumer's current segment is. */
enum save_stage {
	SAVE_PREAMBLE,		/* header to the last record before the state */
	SAVE_HEAD,		/* record header of a run */
	SAVE_DATA,		/* the run */
	SAVE_DIGEST,		/* DIGEST */
	SAVE_END,		/* END */
	SAVE_DONE,
};

/**
 * struct nvme_vfio_save - a file that the state is read from
 * @file: what it has in common with the other kind
 * @stats: where the numbers go
 * @began: when the first or the last pass began, in ns
 * @fn: the function; not used once the work items are disabled
 * @format: the format that the state is read in
 * @command: bytes that one command moves at most
 * @piece: bytes of a buffer
 * @passes: the state comes in passes
 * @lock: protects what follows up to @slots, and the state of each slot; taken
 *	last, nothing sleeps with it held
 * @phase: what the state is read for
 * @size: bytes of state: exact in the last phase, as last seen before
 * @target: how far the first pass goes, in the live phase
 * @next: what the next slot is to read on from
 * @sent: how far the state was sent, which all granules below were
 * @first_done: the first pass was all read
 * @grown: the state has grown since, and nobody was told
 * @scanning: a scan is under way
 * @scanned: a scan was completed since the first pass
 * @scan_next: where it goes on
 * @scan_end: where it ends
 * @scan_ended: when the last one ended, in ns
 * @changes: what is known of the granules
 * @depth: number of @slots that have a buffer
 * @slots: the buffers
 * @taken: the slot that the consumer has, or NULL; this and what follows is
 *	protected by io_lock
 * @enc: what the stream is like so far
 * @stage: what @segment is
 * @segment: what the consumer copies out next
 * @left: bytes of @segment
 * @preamble: the records before the state
 * @precopy: the PRECOPY record
 * @head: before each run
 * @digest: after the last, if the state comes in passes
 * @end: the last record
 * @error: why there is nothing more to be read; it stays
 */
struct nvme_vfio_save {
	struct nvme_vfio_file file;
	struct nvme_vfio_stats *stats;
	u64 began;
	struct nvme_lm_function *fn;
	struct nvme_lm_format format;
	u32 command;
	u64 piece;
	bool passes;

	/* see above; protects where the state is read, and what it was like */
	spinlock_t lock;
	enum save_phase phase;
	u64 size;
	u64 target;
	u64 next;
	u64 sent;
	bool first_done;
	bool grown;
	bool scanning;
	bool scanned;
	u64 scan_next;
	u64 scan_end;
	u64 scan_ended;
	struct nvme_vfio_changes changes;
	unsigned int depth;
	struct nvme_vfio_slot slots[SAVE_DEPTH];

	struct nvme_vfio_slot *taken;
	struct nvme_lm_encoder enc;
	enum save_stage stage;
	const u8 *segment;
	u64 left;
	u8 *preamble;
	struct nvme_lm_precopy_record precopy;
	struct nvme_lm_state_head head;
	struct nvme_lm_digest_record digest;
	struct nvme_lm_end_record end;
	int error;
};

/**
 * nvme_vfio_produce_slots - have as many buffers as a state has use for
 * @save: the file; called for its user, who the memory is charged to
 * @size: bytes of state
 *
 * Return: 0, or -ENOMEM if there is not even one.
 */
int nvme_vfio_produce_slots(struct nvme_vfio_save *save, u64 size);

/**
 * nvme_vfio_produce - give free slots something to do
 * @save: the file; its lock is held
 * @wanted: somebody wants to read what has changed
 */
void nvme_vfio_produce(struct nvme_vfio_save *save, bool wanted);

/**
 * nvme_vfio_produce_scan - look for changes, unless that was done just now
 * @save: the file; its lock is held
 */
void nvme_vfio_produce_scan(struct nvme_vfio_save *save);

/**
 * nvme_vfio_produce_final - begin the last pass
 * @save: the file; its lock is held
 * @size: bytes of state
 */
void nvme_vfio_produce_final(struct nvme_vfio_save *save, u64 size);

/**
 * nvme_vfio_produce_stop - no command after this
 * @save: the file
 */
void nvme_vfio_produce_stop(struct nvme_vfio_save *save);

/**
 * nvme_vfio_produce_free - free the buffers
 * @save: the file, of which nothing is under way
 */
void nvme_vfio_produce_free(struct nvme_vfio_save *save);

#endif /* NVME_VFIO_PCI_SAVE_H */
