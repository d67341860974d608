/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is known of a state that comes in passes: the hash of each granule as it
 * was sent last, and which granules were found to have changed since.
 *
 * Pure bookkeeping; who uses it keeps others away from it.
 */
#ifndef NVME_VFIO_PCI_CHANGES_H
#define NVME_VFIO_PCI_CHANGES_H

#include <linux/math64.h>
#include <linux/types.h>

/**
 * struct nvme_vfio_changes - the granules of a state
 * @granule: bytes of a granule
 * @room: for how many granules there is memory
 * @hashes: of each granule, as it was sent last
 * @marks: a bit for each granule that has changed since
 * @marked: number of bits in @marks
 * @runs: number of runs of them
 * @lowest: no granule below is marked
 */
struct nvme_vfio_changes {
	u32 granule;
	u64 room;
	__le64 *hashes;
	unsigned long *marks;
	u64 marked;
	u64 runs;
	u64 lowest;
};

/**
 * nvme_vfio_changes_mark - a granule has changed
 * @changes: the granules
 * @index: which, below &nvme_vfio_changes.room
 */
void nvme_vfio_changes_mark(struct nvme_vfio_changes *changes, u64 index);

/**
 * nvme_vfio_changes_take - take the first run of marked granules
 * @changes: the granules
 * @most: how many to take, at least 1
 * @first: set to the first of them
 *
 * Return: how many were taken; they are not marked any more.
 */
u32 nvme_vfio_changes_take(struct nvme_vfio_changes *changes, u32 most, u64 *first);

/**
 * nvme_vfio_changes_cut - forget marks that are not on the state any more
 * @changes: the granules
 * @count: how many granules the state has
 */
void nvme_vfio_changes_cut(struct nvme_vfio_changes *changes, u64 count);

/**
 * nvme_vfio_changes_records - how many records it takes to send what is marked
 * @changes: the granules
 * @per_record: granules in a record
 *
 * Return: the number, or a little more.
 */
static inline u64 nvme_vfio_changes_records(const struct nvme_vfio_changes *changes,
					    u32 per_record)
{
	return changes->runs + div_u64(changes->marked, per_record);
}

#endif /* NVME_VFIO_PCI_CHANGES_H */
