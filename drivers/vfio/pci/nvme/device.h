/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of nvme-vfio-pci.ko share.
 *
 * pci_drv.c   the PCI driver
 * vfio_dev.c  the VFIO device: open, close, what is as in vfio-pci
 * hidden.c    registers of the function that its user must not have
 * state.c     the migration states
 * arcs.c      which steps there are between them (pure)
 * registers.c registers of the function itself
 * describe.c  what the controlling side says of a function
 * message.c   how often the log is written to
 * file.c      what the two kinds of migration file have in common
 * save.c      the file that the state is read from: who reads it
 * produce.c   the same: what reads the state
 * changes.c   what has changed of a state that comes in passes (pure)
 * load.c      the file that a state is written to
 * feed.c      giving a state to the device as it comes
 * assembly.c  putting a state together in memory first
 * stream.c    encoding and decoding of the stream (pure)
 * dirty.c     which memory the function writes
 * stats.c     statistics in debugfs
 * compare.c   whether a state may be loaded into a function (pure)
 *
 * Two locks, and what may be done with them held:
 *
 *   nvme_vfio_device.state_mutex  the state calls; commands are issued, but no
 *				   user memory is touched
 *   nvme_vfio_file.io_lock	   read() and write(); user memory is touched,
 *				   but no command is issued
 *
 * (and a spinlock in save.h and in feed.h, taken last, with which nothing is waited for.)
 *
 * With state_mutex held io_lock is only tried: a reader or writer may sit in a
 * fault for as long as the user likes.  A reset takes neither: it happens with
 * locks of VFIO held that a fault on a mapped BAR waits for.
 */
#ifndef NVME_VFIO_PCI_DEVICE_H
#define NVME_VFIO_PCI_DEVICE_H

#include <linux/atomic.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/nvme-lm.h>
#include <linux/ratelimit_types.h>
#include <linux/vfio.h>
#include <linux/vfio_pci_core.h>
#include <linux/wait.h>

#include "stats.h"

struct nvme_vfio_file;

/**
 * struct nvme_vfio_description - what the controlling side says of a function
 * @identity: which function it is
 * @formats: state formats it takes, its own first
 * @format_count: number of @formats, at least 1
 * @media: its namespaces by ascending NSID
 * @media_count: number of @media
 * @generation: of the controlling side, when it said so
 */
struct nvme_vfio_description {
	struct nvme_lm_identity identity;
	struct nvme_lm_format *formats;
	unsigned int format_count;
	struct nvme_lm_medium *media;
	unsigned int media_count;
	u32 generation;
};

/**
 * struct nvme_vfio_device - a function bound to this driver
 * @core: what makes it a VFIO PCI device
 * @client: our side of @fn
 * @migratable_at_bind: the function was known to be migratable when it was
 *	bound, and VFIO has made use of that
 * @enabled: it is open, and its registers are the user's
 * @stats: statistics
 * @messages: how often the log may be written to on its behalf
 * @hidden: the part of a BAR that is not for the user; does not change while the
 *	device is open
 * @state_mutex: serialises the state calls and protects what follows
 * @fn: handle of the function at the controlling side, from open to close; NULL
 *	if it cannot be migrated, it then is as under vfio-pci
 * @state: migration state
 * @seen_resets: value of @resets that @state accounts for
 * @seen_losses: value of @losses that @state accounts for
 * @file: the migration file, in PRE_COPY, PRE_COPY_P2P, STOP_COPY and RESUMING
 * @desc: what the controlling side said of it last
 * @described: when that was, in ns
 * @logging: the memory that the function writes is tracked
 * @logging_resets: value of @resets that the tracking accounts for
 * @resets: counts resets of the function; taken up by the next state call
 * @losses: counts events that made a suspended function lose its state
 * @wait: where those wait who read, write or poll the migration file; woken for
 *	each piece, when the file ends, and when @resets or @losses counts
 */
struct nvme_vfio_device {
	struct vfio_pci_core_device core;
	struct nvme_lm_client client;
	bool migratable_at_bind;
	bool enabled;
	struct nvme_vfio_stats stats;
	struct ratelimit_state messages;
	struct nvme_lm_hidden hidden;
	/* serialises the state calls; see above for what is done with it held */
	struct mutex state_mutex;
	struct nvme_lm_function *fn;
	enum vfio_device_mig_state state;
	int seen_resets;
	int seen_losses;
	struct nvme_vfio_file *file;
	struct nvme_vfio_description desc;
	u64 described;
	bool logging;
	int logging_resets;
	atomic_t resets;
	atomic_t losses;
	wait_queue_head_t wait;
};

/**
 * to_nvme_vfio - the device of a VFIO device
 * @vdev: VFIO device
 */
static inline struct nvme_vfio_device *to_nvme_vfio(struct vfio_device *vdev)
{
	return container_of(vdev, struct nvme_vfio_device, core.vdev);
}

extern const struct vfio_device_ops nvme_vfio_ops;

/**
 * nvme_vfio_piece_size - bytes of state to move with one command
 * @fn: the function
 *
 * Return: a multiple of 4, so that a piece fits both a command and a record;
 * not 0, or the function would not have been taken for migratable.
 */
static inline u32 nvme_vfio_piece_size(struct nvme_lm_function *fn)
{
	u32 room = NVME_LM_STREAM_MAX_PAYLOAD - sizeof(struct nvme_lm_state_piece);

	return round_down(min(nvme_lm_caps(fn)->max_transfer, room), 4);
}

/* state.c */

extern const struct vfio_migration_ops nvme_vfio_migration_ops;

/**
 * nvme_vfio_state_open - start in RUNNING
 * @nvdev: device that was opened
 * @fn: its handle, or NULL
 * @desc: what the controlling side says of it; becomes the device's
 */
void nvme_vfio_state_open(struct nvme_vfio_device *nvdev, struct nvme_lm_function *fn,
			  const struct nvme_vfio_description *desc);

/**
 * nvme_vfio_state_close - end whatever goes on
 * @nvdev: device that is being closed
 * @suspended: set to whether the function may still be suspended
 *
 * Return: the handle, which nothing of the device uses any more, or NULL.
 */
struct nvme_lm_function *nvme_vfio_state_close(struct nvme_vfio_device *nvdev,
					       bool *suspended);

/**
 * nvme_vfio_state_lost - a suspended function has lost its state
 * @nvdev: device
 *
 * Takes no lock; the next state call finds the device in ERROR.
 */
void nvme_vfio_state_lost(struct nvme_vfio_device *nvdev);

/* dirty.c */

/**
 * nvme_vfio_dirty_offer - offer DMA logging if the function and the kernel can
 * @nvdev: device; nobody can call it yet
 * @fn: its handle, or NULL
 */
void nvme_vfio_dirty_offer(struct nvme_vfio_device *nvdev, struct nvme_lm_function *fn);

/**
 * nvme_vfio_dirty_stop - end DMA logging, if it goes on
 * @nvdev: device that is open; state_mutex is held
 */
void nvme_vfio_dirty_stop(struct nvme_vfio_device *nvdev);

/* hidden.c */

/**
 * nvme_vfio_hides - is any of this hidden from the user
 * @nvdev: device that is open
 * @index: index of the region
 * @offset: where in the region
 * @len: bytes from there on
 */
bool nvme_vfio_hides(const struct nvme_vfio_device *nvdev, u64 index, u64 offset, u64 len);

/* What &struct vfio_device_ops has of these names. */
ssize_t nvme_vfio_read(struct vfio_device *vdev, char __user *buf, size_t count, loff_t *ppos);
ssize_t nvme_vfio_write(struct vfio_device *vdev, const char __user *buf, size_t count,
			loff_t *ppos);
int nvme_vfio_mmap(struct vfio_device *vdev, struct vm_area_struct *vma);
long nvme_vfio_ioctl(struct vfio_device *vdev, unsigned int cmd, unsigned long arg);
int nvme_vfio_region_info(struct vfio_device *vdev, struct vfio_region_info *info,
			  struct vfio_info_cap *caps);

/* registers.c */

/**
 * nvme_vfio_disable_controller - make a function ready to take a state
 * @nvdev: device that is open; state_mutex is held
 *
 * Clears CC.EN if it is set, which also ends a suspension.
 *
 * Return: 0 if the controller was disabled before, 1 if it is now, -EIO if it
 * does not answer, -ETIMEDOUT or -EINTR if it did not become disabled.
 */
int nvme_vfio_disable_controller(struct nvme_vfio_device *nvdev);

/* What &struct nvme_lm_client has of these names. */
int nvme_vfio_read32(struct nvme_lm_client *client, u8 bar, u32 at, u32 *value);
int nvme_vfio_write32(struct nvme_lm_client *client, u8 bar, u32 at, u32 value);

/* describe.c */

/**
 * nvme_vfio_describe - ask the controlling side
 * @fn: the function
 * @desc: filled in; to be given to nvme_vfio_description_free() on success
 *
 * Return: 0 or an errno as in <linux/nvme-lm.h>.
 */
int nvme_vfio_describe(struct nvme_lm_function *fn, struct nvme_vfio_description *desc);

/**
 * nvme_vfio_describe_again - ask the controlling side once more
 * @nvdev: device whose function runs; state_mutex is held
 *
 * Not while it is suspended: every command then prolongs the downtime.
 *
 * Return: 0 or an errno as in <linux/nvme-lm.h>; &nvme_vfio_device.desc is then as
 * it was.
 */
int nvme_vfio_describe_again(struct nvme_vfio_device *nvdev);

/**
 * nvme_vfio_describe_after_reset - ask once more, if the controlling side was reset since
 * @nvdev: device that is open; state_mutex is held
 *
 * Return: as nvme_vfio_describe_again().
 */
int nvme_vfio_describe_after_reset(struct nvme_vfio_device *nvdev);

/**
 * nvme_vfio_description_free - free what a description points to
 * @desc: description, may be all zero
 */
void nvme_vfio_description_free(struct nvme_vfio_description *desc);

/* file.c */

/**
 * struct nvme_vfio_file - what the two kinds of migration file have in common
 * @filp: the open file, referenced by the device while it has the file
 * @nvdev: its device; the memory is referenced, to find out about resets
 * @resets: &nvme_vfio_device.resets when it was created
 * @losses: &nvme_vfio_device.losses when it was created
 * @ended: the state machine is done with it
 * @io_lock: one reader or writer at a time
 * @stop: ends what runs on behalf of the file and frees what it can
 */
struct nvme_vfio_file {
	struct file *filp;
	struct nvme_vfio_device *nvdev;
	int resets;
	int losses;
	bool ended;
	/* held across copies to and from user memory; see above */
	struct mutex io_lock;
	void (*stop)(struct nvme_vfio_file *file);
};

/**
 * nvme_vfio_file_create - make the open file
 * @file: initialised here, embedded in what @fops find as private data
 * @nvdev: its device; state_mutex is held
 * @name: name to be seen in /proc
 * @fops: file operations; release must call nvme_vfio_file_cleanup()
 * @flags: O_RDONLY or O_WRONLY
 *
 * Return: 0 with one reference to &nvme_vfio_file.filp, or a negative errno.
 */
int nvme_vfio_file_create(struct nvme_vfio_file *file, struct nvme_vfio_device *nvdev,
			  const char *name, const struct file_operations *fops, int flags);

/**
 * nvme_vfio_file_cleanup - undo nvme_vfio_file_create() when the file is released
 * @file: the file
 */
void nvme_vfio_file_cleanup(struct nvme_vfio_file *file);

/**
 * nvme_vfio_file_alive - is the file still that of the device's migration
 * @file: the file
 *
 * Return: false once the state machine has left the state that made the file,
 * or the function was reset or lost its state: read() and write() then give
 * -ENODEV.
 */
bool nvme_vfio_file_alive(const struct nvme_vfio_file *file);

/**
 * nvme_vfio_file_current - has nothing happened to the function meanwhile
 * @file: the file
 *
 * Return: false once the function was reset or lost its state.
 */
bool nvme_vfio_file_current(const struct nvme_vfio_file *file);

/**
 * nvme_vfio_file_lock - take io_lock as the file's flags say
 * @file: the file
 *
 * Return: 0, -EAGAIN if it would block and must not, -ERESTARTSYS.
 */
int nvme_vfio_file_lock(struct nvme_vfio_file *file);

/* save.c */

/**
 * nvme_vfio_save_begin - open a file to read the state from
 * @nvdev: device; state_mutex is held
 * @live: the function may run, the state comes in passes; else it is suspended
 *
 * Return: the file, or ERR_PTR(): -EFBIG if the state is too large to find out
 * what of it changes.
 */
struct nvme_vfio_file *nvme_vfio_save_begin(struct nvme_vfio_device *nvdev, bool live);

/**
 * nvme_vfio_save_finish - begin the last pass
 * @file: made with @live set, of a function that is suspended by now; state_mutex
 *	is held
 *
 * Return: 0 or a negative errno; the file is then as it was.
 */
int nvme_vfio_save_finish(struct nvme_vfio_file *file);

/**
 * nvme_vfio_save_quiet - look for changes no further, the function is to be stopped
 * @file: made with @live set; state_mutex is held
 */
void nvme_vfio_save_quiet(struct nvme_vfio_file *file);

/**
 * nvme_vfio_save_left - how much is to be read yet
 * @file: made with @live set; state_mutex is held
 *
 * Return: an estimate of the bytes up to the end of the stream, if the function
 * were stopped now.
 */
u64 nvme_vfio_save_left(struct nvme_vfio_file *file);

/**
 * nvme_vfio_whole_image - is a state moved as a whole, for a comparison
 */
bool nvme_vfio_whole_image(void);

/* Where commands to read and to write a state are issued. */
extern struct workqueue_struct *nvme_vfio_workqueue;

/**
 * nvme_vfio_save_init - what the files need while the module is loaded
 *
 * Return: 0 or -ENOMEM.
 */
int nvme_vfio_save_init(void);

/**
 * nvme_vfio_save_exit - undo nvme_vfio_save_init()
 */
void nvme_vfio_save_exit(void);

/* load.c */

/**
 * nvme_vfio_load_begin - open a file to write a state to
 * @nvdev: device that is suspended; state_mutex is held
 *
 * Return: the file, or ERR_PTR().
 */
struct nvme_vfio_file *nvme_vfio_load_begin(struct nvme_vfio_device *nvdev);

/**
 * nvme_vfio_load_error - what user space is told when the device takes no state
 * @error: errno of the controlling side
 */
int nvme_vfio_load_error(int error);

/**
 * nvme_vfio_load_end - load what was written, if it is whole and right
 * @file: from nvme_vfio_load_begin(); state_mutex is held
 *
 * Return: 0 or a negative errno; then the device may have been given a part of
 * the state, but it has not taken it.
 */
int nvme_vfio_load_end(struct nvme_vfio_file *file);

#endif /* NVME_VFIO_PCI_DEVICE_H */
