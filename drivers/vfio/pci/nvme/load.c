// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file that a state is written to.
 *
 * The stream is decoded as it comes, in pieces of any size.  The header and the
 * records before the state are compared with this function as soon as they are
 * whole, and each record is checked before it is passed on.
 *
 * Where the device applies a state only with its last piece, and takes what the
 * stream has in the order of the stream, it is given the state as it comes (feed.c).
 * Else the state is put together in memory that is accounted to the writer and
 * grows with what was really received, and is given to the device when RESUMING is
 * left.  Either way the device applies nothing before the whole stream was found to
 * be right.
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/pci.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "assembly.h"
#include "compare.h"
#include "device.h"
#include "feed.h"
#include "message.h"
#include "stream.h"
#include "trace.h"

/* All buffers of one migration that are given to the device as they come. */
#define LOAD_MEMORY	SZ_8M

static unsigned int max_load_mib = 1024;
module_param(max_load_mib, uint, 0644);
MODULE_PARM_DESC(max_load_mib,
		 "Most MiB of state to put together in memory for one incoming migration (default 1024)");

/**
 * struct nvme_vfio_load - a file that a state is written to
 * @file: what it has in common with the other kind
 * @fn: the function; not used by write(), which may still be at it when the
 *	device is closed
 * @command_set: how it is migrated
 * @desc: what it is, to compare with
 * @format: index of the state's format in @desc
 * @media: number of MEDIUM records that were compared
 * @media_complete: no more of them come, and none was missing
 * @dec: the decoder
 * @payload: where it has payloads that are not put where they belong at once
 * @placed: the piece of state that it has at hand was
 * @random_write: the device takes pieces that replace each other
 * @max_assembled: most bytes of state to put together in memory
 * @streamed: the device is given the state as it comes
 * @feed: then: what gives it
 * @held: then: bytes of the last record that were not taken yet
 * @full: then: the last write() found no buffer free
 * @assembly: else: where it is put together
 * @size: bytes of state, known once the stream was checked
 * @head: the first of them, as they came last
 * @error: 0 or why the stream was refused; it stays
 */
struct nvme_vfio_load {
	struct nvme_vfio_file file;
	struct nvme_lm_function *fn;
	u16 command_set;
	struct nvme_vfio_description desc;
	unsigned int format;
	unsigned int media;
	bool media_complete;
	struct nvme_lm_decoder dec;
	u8 *payload;
	bool placed;
	bool random_write;
	u64 max_assembled;
	bool streamed;
	struct nvme_vfio_feed feed;
	u32 held;
	bool full;
	struct nvme_vfio_assembly assembly;
	u64 size;
	u8 head[NVME_LM_STATE_HEAD];
	int error;
};

static struct nvme_vfio_load *to_load(struct nvme_vfio_file *file)
{
	return container_of(file, struct nvme_vfio_load, file);
}

/* Refuse the stream, for good, and say why. */
static int refuse(struct nvme_vfio_load *load, int error,
		  const struct nvme_lm_complaint *complaint)
{
	struct pci_dev *pdev = load->file.nvdev->core.pdev;

	load->error = error;
	trace_nvme_vfio_refuse(pdev, load->dec.position, complaint, error);
	nvme_vfio_err(load->file.nvdev,
		      "incoming state refused at byte %llu: %s: expected %#llx, found %#llx (record or namespace %u), error %d; reset the device\n",
		      load->dec.position, complaint->what, complaint->expected,
		      complaint->found, complaint->where, error);
	return error;
}

static int check_header(struct nvme_vfio_load *load)
{
	struct nvme_lm_complaint complaint = {
		.what = "command set that this function is migrated with",
		.expected = load->command_set,
		.found = load->dec.command_set,
	};

	if (load->dec.command_set == load->command_set)
		return 0;
	return refuse(load, -EOPNOTSUPP, &complaint);
}

static int check_identity(struct nvme_vfio_load *load)
{
	const struct nvme_lm_identity *source = (const void *)load->dec.payload;
	struct nvme_lm_complaint complaint;
	int ret;

	ret = nvme_lm_compare_identity(source, &load->desc.identity, &complaint);
	return ret ? refuse(load, ret, &complaint) : 0;
}

static int check_format(struct nvme_vfio_load *load)
{
	const struct nvme_lm_format *source = (const void *)load->dec.payload;
	struct nvme_lm_complaint complaint;
	int ret;

	ret = nvme_lm_compare_format(source, load->desc.formats, load->desc.format_count,
				     &complaint);
	if (ret < 0)
		return refuse(load, ret, &complaint);
	load->format = ret;
	return 0;
}

/* Both sides ascend by NSID, so one by one is as good as all at once. */
static int check_medium(struct nvme_vfio_load *load)
{
	const struct nvme_lm_medium *source = (const void *)load->dec.payload;
	const struct nvme_lm_medium *here = load->desc.media + load->media;
	struct nvme_lm_complaint complaint;
	int ret;

	ret = nvme_lm_compare_media(source, 1, here, load->media < load->desc.media_count,
				    &complaint);
	load->media++;
	return ret ? refuse(load, ret, &complaint) : 0;
}

/* No more MEDIUM records come: none of ours may be left. */
static int check_media_complete(struct nvme_vfio_load *load)
{
	struct nvme_lm_complaint complaint;
	int ret;

	ret = nvme_lm_compare_media(NULL, 0, load->desc.media + load->media,
				    load->desc.media_count - load->media, &complaint);
	return ret ? refuse(load, ret, &complaint) : 0;
}

/* No stream of ours has more granules, whatever the size of its state. */
#define MAX_GRANULES	SZ_2M

/* Room to note down more granules of a state that comes in passes. */
static int make_room(struct nvme_lm_decoder *dec, u64 count)
{
	u64 room = min_t(u64, max_t(u64, 2 * dec->granule_room, count + 512), MAX_GRANULES);
	__le64 *hashes;
	u32 *lengths;

	if (count > MAX_GRANULES)
		return -EFBIG;
	hashes = kvcalloc(room, sizeof(*hashes), GFP_KERNEL_ACCOUNT);
	lengths = kvcalloc(room, sizeof(*lengths), GFP_KERNEL_ACCOUNT);
	if (!hashes || !lengths) {
		kvfree(hashes);
		kvfree(lengths);
		return -ENOMEM;
	}
	if (dec->granule_room) {
		memcpy(hashes, dec->hashes, dec->granule_room * sizeof(*hashes));
		memcpy(lengths, dec->lengths, dec->granule_room * sizeof(*lengths));
	}
	kvfree(dec->hashes);
	kvfree(dec->lengths);
	dec->hashes = hashes;
	dec->lengths = lengths;
	dec->granule_room = room;
	return 0;
}

/*
 * A piece of state begins: have it come where it belongs, if that can be; -EAGAIN when
 * there is no buffer free for it.
 */
static int place_state(struct nvme_vfio_load *load)
{
	u64 offset;
	u32 len = nvme_lm_decoder_state_begins(&load->dec, &offset);
	u8 *place;
	int ret;

	if (!len)
		return 0;
	if (load->streamed)
		ret = nvme_vfio_feed_place(&load->feed, offset, len, &place);
	else
		ret = nvme_vfio_assembly_place(&load->assembly, offset, len, &place);
	if (ret) {
		if (ret != -EAGAIN)
			load->error = ret;
		return ret;
	}
	load->placed = place;
	load->dec.payload = place ? place : load->payload;
	return 0;
}

/*
 * Give the device what is left of the last record; -EAGAIN when there is no buffer
 * free for it.
 */
static int feed_held(struct nvme_vfio_load *load)
{
	u32 done = load->dec.length - sizeof(load->dec.piece) - load->held;
	int ret;

	ret = nvme_vfio_feed_add(&load->feed, le64_to_cpu(load->dec.piece.offset) + done,
				 load->payload + done, load->held);
	if (ret < 0) {
		load->error = ret;
		return ret;
	}
	load->held -= ret;
	return load->held ? -EAGAIN : 0;
}

/* What the state says of itself stands in its first bytes. */
static void keep_head(struct nvme_vfio_load *load, u64 offset, const void *data, u32 len)
{
	if (offset < sizeof(load->head))
		memcpy(load->head + offset, data, min_t(u64, len, sizeof(load->head) - offset));
}

/* A piece that was found to be right, and is where it belongs or in @load->payload. */
static int keep_piece(struct nvme_vfio_load *load, u64 offset, u32 len)
{
	int ret;

	if (load->placed) {
		load->placed = false;
		load->dec.payload = load->payload;
		if (load->streamed)
			nvme_vfio_feed_placed(&load->feed, len);
		return 0;
	}
	if (!load->streamed) {
		load->error = nvme_vfio_assembly_add(&load->assembly, offset, load->payload, len);
		return load->error;
	}
	load->held = len;
	ret = feed_held(load);
	WRITE_ONCE(load->full, ret == -EAGAIN);
	return load->full ? 0 : ret;
}

static int take_state(struct nvme_vfio_load *load)
{
	u64 offset = le64_to_cpu(load->dec.piece.offset);
	u32 len = load->dec.length - sizeof(load->dec.piece);
	int ret;

	if (!load->media_complete) {
		ret = check_media_complete(load);
		if (ret)
			return ret;
		load->media_complete = true;
		load->feed.format = &load->desc.formats[load->format];
		nvme_vfio_stat_set(&load->file.nvdev->stats, NVME_VFIO_LOAD_STREAMED,
				   load->streamed);
	}
	keep_head(load, offset, load->dec.payload, len);
	return keep_piece(load, offset, len);
}

/* State moves in dwords: what the device was given it would never have made. */
static int check_end(struct nvme_vfio_load *load)
{
	struct nvme_lm_complaint complaint = {
		.what = "bytes of state, a multiple of 4",
		.expected = round_up(load->dec.state_size, 4),
		.found = load->dec.state_size,
	};

	load->size = load->dec.state_size;
	return load->size % 4 ? refuse(load, -EPROTO, &complaint) : 0;
}

/* Pieces replace each other: not every device takes that. */
static int take_precopy(struct nvme_vfio_load *load)
{
	load->streamed = load->random_write;
	if (!load->streamed)
		load->dec.max_state = load->max_assembled;
	return 0;
}

static int handle_record(struct nvme_vfio_load *load)
{
	switch (load->dec.type) {
	case NVME_LM_REC_IDENTITY:
		return check_identity(load);
	case NVME_LM_REC_FORMAT:
		return check_format(load);
	case NVME_LM_REC_MEDIUM:
		return check_medium(load);
	case NVME_LM_REC_PRECOPY:
		return take_precopy(load);
	case NVME_LM_REC_STATE:
		return take_state(load);
	default:
		return 0;
	}
}

/* Bytes were put into the decoder's window. */
static int commit(struct nvme_vfio_load *load, u32 len)
{
	int ret = nvme_lm_decoder_commit(&load->dec, len);

	if (ret < 0)
		return refuse(load, ret, &load->dec.complaint);

	switch (ret) {
	case NVME_LM_DECODE_HEADER:
		return check_header(load);
	case NVME_LM_DECODE_RECORD:
		return handle_record(load);
	case NVME_LM_DECODE_END:
		return check_end(load);
	default:
		return 0;
	}
}

/* Take bytes up to the next event; gives their number in @taken. */
static int take_bytes(struct nvme_vfio_load *load, const char __user *buf, size_t len,
		      size_t *taken)
{
	void *window;
	u32 room;
	u32 n;

	*taken = 0;
	window = nvme_lm_decoder_window(&load->dec, &room);
	if (!window)
		/* after END: any byte is one too many */
		return commit(load, 1);

	n = min_t(size_t, room, len);
	n -= copy_from_user(window, buf, n);
	if (!n)
		return -EFAULT;
	*taken = n;
	return commit(load, n);
}

/* What came before must have a buffer, and what comes one to go to. */
static int find_room(struct nvme_vfio_load *load)
{
	int ret = load->held ? feed_held(load) : 0;

	if (!ret)
		ret = place_state(load);
	WRITE_ONCE(load->full, ret == -EAGAIN);
	return ret;
}

/* The same; waits for a buffer unless there is something to return. */
static int have_room(struct nvme_vfio_load *load, size_t done)
{
	struct nvme_vfio_device *nvdev = load->file.nvdev;
	u64 start;
	int ret;

	for (;;) {
		ret = find_room(load);
		if (ret != -EAGAIN || done || (load->file.filp->f_flags & O_NONBLOCK))
			return ret;
		start = ktime_get_ns();
		ret = wait_event_interruptible(nvdev->wait,
					       nvme_vfio_feed_has_room(&load->feed) ||
					       !nvme_vfio_file_alive(&load->file));
		nvme_vfio_stat_add(&nvdev->stats, NVME_VFIO_LOAD_WAIT_DEVICE_NS,
				   ktime_get_ns() - start);
		if (!ret && !nvme_vfio_file_alive(&load->file))
			ret = -ENODEV;
		if (ret)
			return ret;
	}
}

/*
 * A refusal is reported at once, although bytes before it were taken: nothing
 * can be done with them.
 */
static ssize_t load_write_locked(struct nvme_vfio_load *load, const char __user *buf,
				 size_t len)
{
	size_t done = 0;
	size_t n;
	int ret;

	while (done < len) {
		if (!nvme_vfio_file_alive(&load->file))
			return -ENODEV;
		if (load->error)
			return load->error;
		if (done && signal_pending(current))
			break;
		ret = have_room(load, done);
		if (ret == -EAGAIN && done)
			break;
		if (ret)
			return load->error ? ret : (done ? done : ret);
		ret = take_bytes(load, buf + done, len - done, &n);
		done += n;
		/* whoever gives the device what came wants the processor too */
		cond_resched();
		if (load->error)
			return load->error;
		if (ret)
			return done ? done : ret;
	}
	return done;
}

static ssize_t load_write(struct file *filp, const char __user *buf, size_t len, loff_t *pos)
{
	struct nvme_vfio_file *file = filp->private_data;
	ssize_t ret;

	ret = nvme_vfio_file_lock(file);
	if (ret)
		return ret;
	ret = load_write_locked(to_load(file), buf, len);
	mutex_unlock(&file->io_lock);
	return ret;
}

/* Writing waits for the device only where it is given the state as it comes. */
static __poll_t load_poll(struct file *filp, struct poll_table_struct *table)
{
	struct nvme_vfio_file *file = filp->private_data;
	struct nvme_vfio_load *load = to_load(file);

	poll_wait(filp, &file->nvdev->wait, table);
	if (!nvme_vfio_file_alive(file) || READ_ONCE(load->error) ||
	    READ_ONCE(load->feed.error))
		return EPOLLOUT | EPOLLWRNORM | EPOLLERR;
	if (READ_ONCE(load->full) && !nvme_vfio_feed_has_room(&load->feed))
		return 0;
	return EPOLLOUT | EPOLLWRNORM;
}

static void free_buffers(struct nvme_vfio_load *load)
{
	nvme_vfio_assembly_free(&load->assembly);
	nvme_vfio_feed_free(&load->feed);
	kvfree(load->payload);
	kvfree(load->dec.hashes);
	kvfree(load->dec.lengths);
	load->payload = NULL;
	load->dec.payload = NULL;
	load->dec.hashes = NULL;
	load->dec.lengths = NULL;
	nvme_vfio_description_free(&load->desc);
}

static void load_free(struct nvme_vfio_load *load)
{
	free_buffers(load);
	kfree(load);
}

static int load_release(struct inode *inode, struct file *filp)
{
	struct nvme_vfio_file *file = filp->private_data;

	nvme_vfio_file_cleanup(file);
	load_free(to_load(file));
	return 0;
}

static const struct file_operations load_fops = {
	.owner = THIS_MODULE,
	.write = load_write,
	.poll = load_poll,
	.release = load_release,
};

/* Give the memory back at once, unless a writer is just at it. */
static void load_stop(struct nvme_vfio_file *file)
{
	nvme_vfio_feed_stop(&to_load(file)->feed);
	if (mutex_trylock(&file->io_lock)) {
		free_buffers(to_load(file));
		mutex_unlock(&file->io_lock);
	}
}

static int load_setup(struct nvme_vfio_load *load, struct nvme_vfio_device *nvdev)
{
	const struct nvme_lm_caps *caps = nvme_lm_caps(nvdev->fn);
	int ret;

	nvme_vfio_stats_begin(&nvdev->stats, NVME_VFIO_LOAD_STREAMED,
			      NVME_VFIO_LOAD_MEMORY_BYTES);
	load->file.nvdev = nvdev;
	load->file.stop = load_stop;
	load->fn = nvdev->fn;
	load->command_set = caps->command_set;
	load->random_write = caps->flags & NVME_LM_CAP_RANDOM_WRITE && !nvme_vfio_whole_image();
	load->streamed = caps->flags & NVME_LM_CAP_STREAMED_WRITE && !nvme_vfio_whole_image();
	load->max_assembled = min_t(u64, caps->max_state_size,
				    (u64)READ_ONCE(max_load_mib) << 20);
	nvme_vfio_feed_init(&load->feed, &load->file, nvdev->fn,
			    LOAD_MEMORY - NVME_LM_STREAM_MAX_PAYLOAD);
	nvme_vfio_assembly_init(&load->assembly, &load->file, nvdev->fn);

	load->payload = kvmalloc(NVME_LM_STREAM_MAX_PAYLOAD, GFP_KERNEL_ACCOUNT);
	if (!load->payload)
		return -ENOMEM;
	nvme_lm_decoder_init(&load->dec, load->payload, NVME_LM_STREAM_MAX_PAYLOAD,
			     load->streamed ? caps->max_state_size : load->max_assembled);
	load->dec.make_room = make_room;

	ret = nvme_vfio_describe(nvdev->fn, &load->desc);
	if (ret)
		return ret;
	return nvme_vfio_file_create(&load->file, nvdev, "[nvme-vfio-load]", &load_fops,
				     O_WRONLY);
}

struct nvme_vfio_file *nvme_vfio_load_begin(struct nvme_vfio_device *nvdev)
{
	struct nvme_vfio_load *load;
	int ret;

	load = kzalloc(sizeof(*load), GFP_KERNEL_ACCOUNT);
	if (!load)
		return ERR_PTR(-ENOMEM);

	ret = load_setup(load, nvdev);
	if (ret) {
		load_free(load);
		return ERR_PTR(ret);
	}
	return &load->file;
}

int nvme_vfio_load_error(int error)
{
	switch (error) {
	case -ENODEV:
	case -ESTALE:
	case -ENOMEM:
	case -EINTR:
	case -ETIMEDOUT:
		return error;
	default:
		return -EREMOTEIO;
	}
}

/*
 * Is the state as long as it says itself?  A device that takes it as it comes does not
 * know where it ends, and may still have what was sent beyond that.
 */
static int check_length(struct nvme_vfio_load *load)
{
	struct nvme_lm_complaint complaint = {
		.what = "bytes of state, as the state itself says",
		.found = load->size,
	};
	int ret;

	ret = nvme_lm_state_length(load->fn, load->head,
				   min_t(u64, load->size, sizeof(load->head)),
				   &complaint.expected);
	if (ret == -EOPNOTSUPP || (!ret && complaint.expected == load->size))
		return 0;
	return refuse(load, -EILSEQ, &complaint);
}

/* Is the stream whole?  No write() can change the answer any more. */
static int finish_stream(struct nvme_vfio_load *load)
{
	int ret;

	if (load->error)
		return load->error;
	ret = nvme_lm_decoder_finish(&load->dec);
	return ret ? refuse(load, ret, &load->dec.complaint) : check_length(load);
}

int nvme_vfio_load_end(struct nvme_vfio_file *file)
{
	struct nvme_vfio_load *load = to_load(file);
	u64 start;
	int ret;

	lockdep_assert_held(&file->nvdev->state_mutex);

	WRITE_ONCE(file->ended, true);
	/* who leaves RESUMING while a write() is under way has not sent it all */
	if (!mutex_trylock(&file->io_lock))
		return -EBUSY;
	ret = finish_stream(load);
	mutex_unlock(&file->io_lock);
	if (ret)
		return ret;
	start = ktime_get_ns();
	if (load->streamed)
		ret = nvme_vfio_feed_finish(&load->feed,
					    load->dec.precopy.granule ? load->head : NULL);
	else
		ret = nvme_vfio_assembly_load(&load->assembly, &load->desc.formats[load->format],
					      load->size);
	nvme_vfio_stat_set(&file->nvdev->stats, NVME_VFIO_LOAD_APPLY_NS, ktime_get_ns() - start);
	return ret;
}
