/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The contract between the controlling side (nvme-lm.ko) and a variant driver
 * of a controlled function.
 *
 * The controlling side knows which controllers may control others, which
 * functions they control, and how to command them.  The variant driver holds
 * an opaque handle for its function.  Unless a function says otherwise it may
 * sleep, takes no lock of the caller, and may be called from several threads.
 *
 * Return values: each int function gives 0 or one of
 *
 *   -ENODEV      the controlling side is gone (unbound, removed) for this handle
 *   -ESTALE      the controlling controller was reset since the last
 *                nvme_lm_sync(); suspension and half-sent state are lost
 *   -ENXIO       the controlling controller does not know the CNTLID, or it is
 *                not online (Invalid Controller Identifier)
 *   -EALREADY    the function is suspended already (Controller Suspended)
 *   -EPROTO      the function is not suspended (Controller Not Suspended)
 *   -ENOSPC      the device lacks resources for the command
 *   -EINVAL      an argument is out of range, or the device says that a field
 *                is invalid
 *   -ETIMEDOUT   the device did not do it in time
 *   -EINTR       a fatal signal came while waiting for a slot, or between the
 *                commands of a long list
 *   -ENOMEM
 *   -EREMOTEIO   any other status of the device; the tracepoint has it
 */
#ifndef _LINUX_NVME_LM_H
#define _LINUX_NVME_LM_H

#include <linux/types.h>
#include <uapi/linux/nvme-lm.h>

struct nvme_command;
struct nvme_lm_function;
struct pci_dev;

/**
 * enum nvme_lm_event - what happened to the controlling side
 * @NVME_LM_EVENT_RESET: the controlling controller was reset.  Its controlled
 *	functions were taken offline with it; what was suspended or half sent
 *	is lost.  Noticed with the next command of any of its functions, not
 *	before.
 * @NVME_LM_EVENT_GONE: the controlling side goes away.  Commands still work
 *	until the callback returns and give -ENODEV from then on.
 */
enum nvme_lm_event {
	NVME_LM_EVENT_RESET,
	NVME_LM_EVENT_GONE,
};

/**
 * struct nvme_lm_client - a variant driver's side of a handle
 * @event: called in process context, never concurrently for one handle, from
 *	before nvme_lm_get() returns on; may sleep and issue commands, must not
 *	call nvme_lm_put() or nvme_lm_sync()
 * @read32: read a register of the function, at a byte of a BAR, for a command set that
 *	controls it by some of its own; from before nvme_lm_get() returns on, until
 *	nvme_lm_put() is called.  0, or an errno while it must not be accessed, as when
 *	its user has put it to sleep or has switched its memory off.  May be NULL, and
 *	such a function then cannot be migrated
 * @write32: write one, likewise
 */
struct nvme_lm_client {
	void (*event)(struct nvme_lm_client *client, enum nvme_lm_event event);
	int (*read32)(struct nvme_lm_client *client, u8 bar, u32 at, u32 *value);
	int (*write32)(struct nvme_lm_client *client, u8 bar, u32 at, u32 value);
};

/* The state may be read while the function runs. */
#define NVME_LM_CAP_LIVE_READ		0x00000001
/* The device takes pieces as they come and applies them with the last one. */
#define NVME_LM_CAP_STREAMED_WRITE	0x00000002
/* The memory that the function writes can be tracked. */
#define NVME_LM_CAP_TRACK_MEMORY	0x00000004
/*
 * The pieces between the first and the last may come in any order, several at a
 * time, and replace each other.  Only with %NVME_LM_CAP_STREAMED_WRITE.
 */
#define NVME_LM_CAP_RANDOM_WRITE	0x00000008

/**
 * struct nvme_lm_hidden - a part of a BAR that is not for the function's user
 * @size: bytes, a multiple of the page size; 0 if there is no such part
 * @offset: where it begins in the BAR, a multiple of the page size
 * @bar: index of the BAR, 0 … 5
 */
struct nvme_lm_hidden {
	u64 size;
	u64 offset;
	u8 bar;
};

/**
 * struct nvme_lm_caps - what can be done with a function
 * @command_set: how it is commanded
 * @cntlid: its CNTLID
 * @flags: NVME_LM_CAP_*
 * @max_transfer: most bytes of state that one command moves; a multiple of 4
 * @max_state_size: most bytes of state that this command set can have
 * @min_track_page: finest granularity of tracking, in bytes, a power of two
 * @max_track_page: coarsest granularity of tracking, likewise
 * @hidden: registers by which it is controlled, never to be seen by its user
 */
struct nvme_lm_caps {
	enum nvme_lm_command_set command_set;
	u16 cntlid;
	u32 flags;
	u32 max_transfer;
	u64 max_state_size;
	u64 min_track_page;
	u64 max_track_page;
	struct nvme_lm_hidden hidden;
};

/**
 * enum nvme_lm_sequence - where a piece stands in the state being written
 * @NVME_LM_SEQ_MIDDLE: neither first nor last
 * @NVME_LM_SEQ_FIRST: the first of several; drops what was half sent
 * @NVME_LM_SEQ_LAST: the last of several; the device applies the state
 * @NVME_LM_SEQ_ENTIRE: the only one; the device applies the state
 *
 * The values are those of SEQIND in Migration Send.
 */
enum nvme_lm_sequence {
	NVME_LM_SEQ_MIDDLE = 0,
	NVME_LM_SEQ_FIRST = 1,
	NVME_LM_SEQ_LAST = 2,
	NVME_LM_SEQ_ENTIRE = 3,
};

/**
 * nvme_lm_get - get the handle of a controlled function
 * @pdev: the PCI function
 * @client: the caller's side; must live until nvme_lm_put()
 *
 * Asks each controlling controller anew what it controls, so that functions
 * created since are found.
 *
 * Return: a handle, or ERR_PTR(): -ENODEV if no controlling controller that
 * can migrate controls @pdev (it then works as with plain vfio-pci), -EBUSY if
 * another caller holds it, or another errno of the table above if the
 * controlling controller could not be asked.
 */
struct nvme_lm_function *nvme_lm_get(struct pci_dev *pdev,
				     struct nvme_lm_client *client);

/**
 * nvme_lm_put - give a handle back
 * @fn: the handle
 *
 * Waits for an event that is being delivered; none is after it returns.  Must
 * not be called from an event, nor with a lock that the event takes.
 */
void nvme_lm_put(struct nvme_lm_function *fn);

/**
 * nvme_lm_hidden - registers of a function that its user must not reach
 * @pdev: the PCI function
 * @hidden: filled in if there are any
 *
 * Known by the PCI IDs alone.  So it holds whether or not the function can be
 * migrated at the moment; what &nvme_lm_caps.hidden says is the same.
 *
 * Return: whether there are any.
 */
bool nvme_lm_hidden(struct pci_dev *pdev, struct nvme_lm_hidden *hidden);

/**
 * nvme_lm_caps - what can be done with a function
 * @fn: the handle
 *
 * Return: the capabilities, constant for the life of the handle.
 */
const struct nvme_lm_caps *nvme_lm_caps(struct nvme_lm_function *fn);

/**
 * nvme_lm_sync - acknowledge resets of the controlling controller
 * @fn: the handle
 *
 * From here on a reset that came before no longer gives -ESTALE, and no event of
 * it is delivered.  To be called where the caller starts anew: after its function
 * was reset, or before it suspends a running one.  Must not be called from an
 * event, nor with a lock that the event takes.
 *
 * After a reset the state formats are read anew: the controller may have come out of it
 * with other firmware.
 *
 * Return: 0; -ENXIO if the function is not online, -ESTALE if a reset goes on, or one came
 * meanwhile; or another errno of the table above if the controlling controller could not
 * be asked.
 */
int nvme_lm_sync(struct nvme_lm_function *fn);

/**
 * nvme_lm_generation - tells what was learnt of a function before a reset from what is so now
 * @fn: the handle
 *
 * Return: a number that changes whenever nvme_lm_sync() acknowledges resets.  What
 * nvme_lm_identity(), nvme_lm_media() and nvme_lm_formats() have given before may not be
 * so any more then.
 */
u32 nvme_lm_generation(struct nvme_lm_function *fn);

/**
 * nvme_lm_identity - identity of a function and of its subsystem
 * @fn: the handle
 * @id: filled in
 *
 * Return: 0 or an errno of the table above.
 */
int nvme_lm_identity(struct nvme_lm_function *fn, struct nvme_lm_identity *id);

/**
 * nvme_lm_media - the namespaces attached to a function
 * @fn: the handle
 * @media: on success an array by ascending NSID, to be given to kvfree();
 *	NULL when there are none
 * @count: on success the number of namespaces, at most
 *	%NVME_LM_STREAM_MAX_MEDIA
 *
 * Return: 0 or an errno of the table above; -EINVAL if there are more.
 */
int nvme_lm_media(struct nvme_lm_function *fn, struct nvme_lm_medium **media,
		  unsigned int *count);

/**
 * nvme_lm_formats - the state formats a function takes
 * @fn: the handle
 * @formats: on success an array, the one it gives its own state in first; to
 *	be given to kfree()
 * @count: on success the number of formats, at least 1
 *
 * Return: 0 or an errno of the table above.
 */
int nvme_lm_formats(struct nvme_lm_function *fn, struct nvme_lm_format **formats,
		    unsigned int *count);

/**
 * nvme_lm_suspend_notify - tell the device that a suspend is coming
 * @fn: the handle
 *
 * The function goes on running.  A hint: errors may be ignored.
 *
 * Return: 0 or an errno of the table above.
 */
int nvme_lm_suspend_notify(struct nvme_lm_function *fn);

/**
 * nvme_lm_suspend - stop a function
 * @fn: the handle
 *
 * On success no DMA and no interrupt of the function happens until it is
 * resumed or reset.
 *
 * Return: 0 or an errno of the table above.
 */
int nvme_lm_suspend(struct nvme_lm_function *fn);

/**
 * nvme_lm_resume - let a suspended function go on
 * @fn: the handle
 *
 * Return: 0 or an errno of the table above.
 */
int nvme_lm_resume(struct nvme_lm_function *fn);

/**
 * nvme_lm_state_size - size of the state as it is now
 * @fn: the handle
 * @size: bytes, a multiple of 4, at most &nvme_lm_caps.max_state_size
 *
 * Exact while the function is suspended, an estimate while it runs.
 *
 * Return: 0 or an errno of the table above.
 */
int nvme_lm_state_size(struct nvme_lm_function *fn, u64 *size);

/**
 * nvme_lm_read_state - read a piece of the state, with one command
 * @fn: the handle
 * @format: the format to read in; one of nvme_lm_formats()
 * @offset: bytes, a multiple of 4
 * @buf: kmalloc or vmalloc memory, never module data
 * @len: bytes, a multiple of 4, 1 … &nvme_lm_caps.max_transfer
 * @suspended: whether the function was suspended when the piece was taken
 *
 * Return: 0 or an errno of the table above.
 */
int nvme_lm_read_state(struct nvme_lm_function *fn,
		       const struct nvme_lm_format *format, u64 offset,
		       void *buf, u32 len, bool *suspended);

/**
 * nvme_lm_write_state - write a piece of the state, with one command
 * @fn: the handle; the function must be suspended, and reset or disabled
 * @format: the format of the state; one of nvme_lm_formats()
 * @offset: bytes, a multiple of 4
 * @buf: kmalloc or vmalloc memory, never module data
 * @len: bytes, a multiple of 4, 1 … &nvme_lm_caps.max_transfer
 * @seq: where the piece stands; the state counts only once the command for
 *	%NVME_LM_SEQ_LAST or %NVME_LM_SEQ_ENTIRE has succeeded
 *
 * Return: 0 or an errno of the table above.
 */
int nvme_lm_write_state(struct nvme_lm_function *fn,
			const struct nvme_lm_format *format, u64 offset,
			void *buf, u32 len, enum nvme_lm_sequence seq);

/* As many first bytes of a state as nvme_lm_state_length() may want. */
#define NVME_LM_STATE_HEAD		64

/**
 * nvme_lm_state_length - how long a state is, as its first bytes say
 * @fn: the handle of the function that the state is for
 * @head: the first bytes of the state
 * @len: how many there are: %NVME_LM_STATE_HEAD, or all of a shorter state
 * @length: on success bytes of the whole state
 *
 * Where pieces of a state are given to the device as they come, nobody but the
 * state itself can say that some are missing, or too many.  Issues no command.
 *
 * Return: 0; -EOPNOTSUPP if states of this kind do not say, or in a version that is
 * not known here; -EINVAL if no state begins like this.
 */
int nvme_lm_state_length(struct nvme_lm_function *fn, const void *head, u32 len,
			 u64 *length);

/* Most ranges that nvme_lm_track_start() takes. */
#define NVME_LM_TRACK_MAX_RANGES	256

/**
 * struct nvme_lm_range - memory as the function addresses it
 * @first: the first byte
 * @last: the last byte
 */
struct nvme_lm_range {
	u64 first;
	u64 last;
};

/**
 * typedef nvme_lm_dirty_fn - told of memory that was written
 * @priv: the caller's
 * @iova: where it begins
 * @len: bytes
 *
 * Called with a lock of the controlling side: must not call it back.
 */
typedef void (*nvme_lm_dirty_fn)(void *priv, u64 iova, u64 len);

/**
 * nvme_lm_track_start - track the memory that a function writes
 * @fn: the handle of a function that has %NVME_LM_CAP_TRACK_MEMORY
 * @ranges: what to track, any addresses of 64 bits, in any order
 * @count: how many, 1 … %NVME_LM_TRACK_MAX_RANGES
 * @page_size: the granularity that is wanted in bytes, a power of two; on
 *	success the one that was granted, which may be coarser or finer
 *
 * More than @ranges may be tracked where the device takes fewer of them.  A
 * function that is suspended writes nothing: of such a one the device is told
 * when it is resumed.  Then all counts as written, once, and what was granted is
 * what will be asked for.
 *
 * Return: 0 or an errno of the table above; -EALREADY if it is tracked,
 * -EOPNOTSUPP if it cannot be, -ENOSPC if that is more than the device can do.
 */
int nvme_lm_track_start(struct nvme_lm_function *fn,
			const struct nvme_lm_range *ranges, unsigned int count,
			u64 *page_size);

/**
 * nvme_lm_track_restart - go on tracking after the function was reset
 * @fn: the handle of a function that is tracked
 *
 * A device may forget with a reset that it tracks, and what was written.  So all
 * that is tracked counts as written, and is told of once more.
 *
 * Return: 0 or an errno of the table above; after an error every read fails
 * until tracking is stopped and started again.
 */
int nvme_lm_track_restart(struct nvme_lm_function *fn);

/**
 * nvme_lm_track_stop - track no longer
 * @fn: the handle
 *
 * What was not read is forgotten.  Nothing happens if nothing is tracked.
 *
 * Return: 0 or an errno of the table above; nothing is tracked in any case.
 */
int nvme_lm_track_stop(struct nvme_lm_function *fn);

/**
 * nvme_lm_track_read - what was written since it was last read
 * @fn: the handle
 * @iova: where to begin
 * @len: bytes to look at, at least 1, not beyond 64 bits
 * @dirty: called for each run of dirty memory, within what is asked for; the
 *	same may be told of more than once
 * @priv: for @dirty
 *
 * Everything that the function wrote before the call, within what is tracked,
 * is told of, and is clean from then on.  After an error that is not -EINTR
 * reports are lost: all memory has to be taken for dirty, and every later call
 * fails until tracking is stopped and started again.
 *
 * Return: 0 or an errno of the table above; -EINVAL if nothing is tracked,
 * -ESTALE if tracking ended with a reset of the controlling controller.
 */
int nvme_lm_track_read(struct nvme_lm_function *fn, u64 iova, u64 len,
		       nvme_lm_dirty_fn dirty, void *priv);

/**
 * nvme_lm_submit - issue an admin command of the controlling controller
 * @fn: the handle of the function on whose behalf it is issued
 * @cmd: the command, complete but for the identifier and the data pointer
 * @buf: kmalloc or vmalloc memory for the data, or NULL
 * @len: bytes of data, at most &nvme_lm_caps.max_transfer
 * @result: Dword 0 of the completion, or NULL
 *
 * The helper that everything above is built on, for what the contract does not
 * name.  Waits uninterruptibly once the command was issued.  Waits for one of
 * the few slots that live migration may take of the admin queue; slots go round
 * the functions in turn.
 *
 * Return: 0, a positive NVMe status (SCT and SC without the phase tag), or
 * -ENODEV, -ESTALE, -EINVAL, -EINTR, -ENOMEM, -ETIMEDOUT.
 */
int nvme_lm_submit(struct nvme_lm_function *fn, struct nvme_command *cmd,
		   void *buf, unsigned int len, u32 *result);

#endif /* _LINUX_NVME_LM_H */
