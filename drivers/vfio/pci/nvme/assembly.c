// SPDX-License-Identifier: GPL-2.0-only
/*
 * A state that is put together in memory before the device is given it, where it cannot
 * have the state as it comes.
 *
 * The memory is charged to the writer, and grows with what was really received.
 */
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/timekeeping.h>

#include "assembly.h"
#include "message.h"
#include "trace.h"

/* The chunk that the next byte of state goes to. */
static u8 *get_chunk(struct nvme_vfio_assembly *assembly, unsigned long index)
{
	u8 *chunk = xa_load(&assembly->chunks, index);

	if (chunk)
		return chunk;
	chunk = kvmalloc(assembly->chunk, GFP_KERNEL_ACCOUNT);
	nvme_vfio_stat_add(&assembly->file->nvdev->stats, NVME_VFIO_LOAD_MEMORY_BYTES,
			   assembly->chunk);
	if (chunk && xa_err(xa_store(&assembly->chunks, index, chunk, GFP_KERNEL_ACCOUNT))) {
		kvfree(chunk);
		chunk = NULL;
	}
	return chunk;
}

int nvme_vfio_assembly_place(struct nvme_vfio_assembly *assembly, u64 offset, u32 len,
			     u8 **place)
{
	u32 start;
	u64 index = div_u64_rem(offset, assembly->chunk, &start);
	u8 *chunk;

	*place = NULL;
	if (len > assembly->chunk - start)
		return 0;
	chunk = get_chunk(assembly, index);
	if (!chunk)
		return -ENOMEM;
	*place = chunk + start;
	return 0;
}

int nvme_vfio_assembly_add(struct nvme_vfio_assembly *assembly, u64 offset, const u8 *data,
			   u32 len)
{
	u32 start, n;
	u8 *chunk;

	for (; len; len -= n, data += n, offset += n) {
		chunk = get_chunk(assembly, div_u64_rem(offset, assembly->chunk, &start));
		if (!chunk)
			return -ENOMEM;
		n = min(len, assembly->chunk - start);
		memcpy(chunk + start, data, n);
	}
	return 0;
}

static enum nvme_lm_sequence piece_sequence(bool first, bool last)
{
	if (first)
		return last ? NVME_LM_SEQ_ENTIRE : NVME_LM_SEQ_FIRST;
	return last ? NVME_LM_SEQ_LAST : NVME_LM_SEQ_MIDDLE;
}

static int load_piece(struct nvme_vfio_assembly *assembly, const struct nvme_lm_format *format,
		      unsigned long index, u64 size)
{
	struct pci_dev *pdev = assembly->file->nvdev->core.pdev;
	struct nvme_vfio_stats *stats = &assembly->file->nvdev->stats;
	u64 offset = (u64)index * assembly->chunk;
	u32 len = min_t(u64, assembly->chunk, size - offset);
	bool last = offset + len == size;
	u64 start = ktime_get_ns();
	int ret;

	ret = nvme_lm_write_state(assembly->fn, format, offset,
				  xa_load(&assembly->chunks, index), len,
				  piece_sequence(!index, last));
	nvme_vfio_stat_add(stats, NVME_VFIO_LOAD_COMMANDS, 1);
	nvme_vfio_stat_add(stats, NVME_VFIO_LOAD_BYTES, len);
	nvme_vfio_stat_add(stats, NVME_VFIO_LOAD_COMMAND_NS, ktime_get_ns() - start);
	trace_nvme_vfio_load_piece(pdev, offset, len, ktime_get_ns() - start, ret);
	if (ret)
		nvme_vfio_err(assembly->file->nvdev,
			      "expected the device to take state bytes %llu+%u of %llu, found error %d; reset the device\n",
			      offset, len, size, ret);
	return ret;
}

int nvme_vfio_assembly_load(struct nvme_vfio_assembly *assembly,
			    const struct nvme_lm_format *format, u64 size)
{
	unsigned long pieces = div_u64(size + assembly->chunk - 1, assembly->chunk);
	unsigned long index;
	int ret;

	for (index = 0; index < pieces; index++) {
		if (!nvme_vfio_file_current(assembly->file))
			return -ENODEV;
		if (fatal_signal_pending(current))
			return -EINTR;
		ret = load_piece(assembly, format, index, size);
		if (ret)
			return nvme_vfio_load_error(ret);
	}
	return 0;
}

void nvme_vfio_assembly_init(struct nvme_vfio_assembly *assembly, struct nvme_vfio_file *file,
			     struct nvme_lm_function *fn)
{
	assembly->file = file;
	assembly->fn = fn;
	assembly->chunk = nvme_vfio_piece_size(fn);
	xa_init_flags(&assembly->chunks, XA_FLAGS_ACCOUNT);
}

void nvme_vfio_assembly_free(struct nvme_vfio_assembly *assembly)
{
	unsigned long index;
	void *chunk;

	xa_for_each(&assembly->chunks, index, chunk)
		kvfree(chunk);
	xa_destroy(&assembly->chunks);
}
