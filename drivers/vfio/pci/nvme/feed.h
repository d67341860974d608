/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Giving a state to a device as it comes: see feed.c.
 */
#ifndef NVME_VFIO_PCI_FEED_H
#define NVME_VFIO_PCI_FEED_H

#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "device.h"

/* No more commands at a time than the controlling side has slots, and one to fill. */
#define FEED_DEPTH	9

enum feed_state {
	FEED_FREE,
	FEED_FILLING,		/* of one writer */
	FEED_QUEUED,		/* to be sent in its turn */
	FEED_BUSY,		/* a command is under way */
};

/**
 * struct nvme_vfio_feed_buffer - a piece on its way to the device
 * @work: sends it
 * @feed: of which it is a buffer
 * @buf: the bytes
 * @state: who has it
 * @turn: pieces are sent in this order
 * @offset: where in the state the bytes belong
 * @len: how many there are
 * @seq: where the piece stands
 */
struct nvme_vfio_feed_buffer {
	struct work_struct work;
	struct nvme_vfio_feed *feed;
	u8 *buf;
	enum feed_state state;
	u64 turn;
	u64 offset;
	u32 len;
	enum nvme_lm_sequence seq;
};

/**
 * struct nvme_vfio_feed - a device that takes a state as it comes
 * @file: the migration file; the wait queue of its device is woken for each piece
 * @fn: the function; not used once the work items are disabled
 * @format: of the state
 * @piece: bytes of a buffer, and of a command
 * @any_order: the device takes several pieces at a time, and pieces that replace
 *	others
 * @most: how many buffers there may be
 * @filling: the buffer that takes what comes, or NULL; of one writer
 * @lock: protects what follows and the states of the buffers; taken last
 * @depth: number of @buffers that have memory
 * @begun: the first piece was sent
 * @stopped: no command any more
 * @error: why a piece was not taken; it stays
 * @next_turn: of the next buffer that is queued
 * @buffers: the buffers
 */
struct nvme_vfio_feed {
	struct nvme_vfio_file *file;
	struct nvme_lm_function *fn;
	const struct nvme_lm_format *format;
	u32 piece;
	bool any_order;
	unsigned int most;
	struct nvme_vfio_feed_buffer *filling;
	/* see above; protects who has which buffer */
	spinlock_t lock;
	unsigned int depth;
	bool begun;
	bool stopped;
	int error;
	u64 next_turn;
	struct nvme_vfio_feed_buffer buffers[FEED_DEPTH];
};

/* Bytes of the state that are sent once more to make the device apply it. */
#define FEED_HEAD	4

/**
 * nvme_vfio_feed_init - nothing was sent yet
 * @feed: the feed
 * @file: the migration file
 * @fn: the function
 * @memory: bytes of buffers that there may be
 */
void nvme_vfio_feed_init(struct nvme_vfio_feed *feed, struct nvme_vfio_file *file,
			 struct nvme_lm_function *fn, u32 memory);

/**
 * nvme_vfio_feed_add - take bytes of the state
 * @feed: the feed, of which there is one writer at a time
 * @offset: where they belong
 * @data: the first of them
 * @len: how many
 *
 * Never waits for the device.
 *
 * Return: how many were taken, 0 if no buffer is free; -ENOMEM, -EPROTO if a piece
 * is no multiple of 4 bytes, or why the device did not take a piece before.
 */
int nvme_vfio_feed_add(struct nvme_vfio_feed *feed, u64 offset, const u8 *data, u32 len);

/**
 * nvme_vfio_feed_place - where bytes of the state can be put without another copy
 * @feed: the feed, of which there is one writer at a time
 * @offset: where in the state they belong
 * @len: how many there are
 * @place: on success set to where they go, all of them, before nvme_vfio_feed_placed();
 *	NULL if they do not fit into one buffer: nvme_vfio_feed_add() takes them
 *
 * Return: 0, -EAGAIN if there is no buffer free, or an errno of nvme_vfio_feed_add().
 */
int nvme_vfio_feed_place(struct nvme_vfio_feed *feed, u64 offset, u32 len, u8 **place);

/**
 * nvme_vfio_feed_placed - bytes are where they were to go, and are right
 * @feed: the feed
 * @len: how many, as for the nvme_vfio_feed_place() before
 */
void nvme_vfio_feed_placed(struct nvme_vfio_feed *feed, u32 len);

/**
 * nvme_vfio_feed_has_room - could bytes be taken, or has the device refused some
 * @feed: the feed
 */
bool nvme_vfio_feed_has_room(struct nvme_vfio_feed *feed);

/**
 * nvme_vfio_feed_finish - send what is left, and have the device apply the state
 * @feed: the feed, whose stream was found to be right; there is no writer any more
 * @head: the first %FEED_HEAD bytes of the state if pieces may have replaced others,
 *	else NULL
 *
 * Return: 0 or why the device did not take it.
 */
int nvme_vfio_feed_finish(struct nvme_vfio_feed *feed, const void *head);

/**
 * nvme_vfio_feed_stop - no command after this
 * @feed: the feed
 */
void nvme_vfio_feed_stop(struct nvme_vfio_feed *feed);

/**
 * nvme_vfio_feed_free - free the buffers
 * @feed: the feed, of which nothing is under way
 */
void nvme_vfio_feed_free(struct nvme_vfio_feed *feed);

#endif /* NVME_VFIO_PCI_FEED_H */
