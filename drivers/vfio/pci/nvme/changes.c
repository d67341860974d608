// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is known of a state that comes in passes: see changes.h.
 */
#include <linux/bitmap.h>
#include <linux/minmax.h>

#include "changes.h"

static bool is_marked(const struct nvme_vfio_changes *changes, u64 index)
{
	return index < changes->room && test_bit(index, changes->marks);
}

/* How many more runs there are when this granule is marked alone between others. */
static int runs_around(const struct nvme_vfio_changes *changes, u64 index)
{
	bool before = index && is_marked(changes, index - 1);

	return 1 - before - is_marked(changes, index + 1);
}

void nvme_vfio_changes_mark(struct nvme_vfio_changes *changes, u64 index)
{
	if (index >= changes->room || test_bit(index, changes->marks))
		return;
	changes->runs += runs_around(changes, index);
	changes->marked++;
	changes->lowest = min(changes->lowest, index);
	__set_bit(index, changes->marks);
}

static void unmark(struct nvme_vfio_changes *changes, u64 index)
{
	changes->runs -= runs_around(changes, index);
	changes->marked--;
	__clear_bit(index, changes->marks);
}

u32 nvme_vfio_changes_take(struct nvme_vfio_changes *changes, u32 most, u64 *first)
{
	u64 index;
	u32 count;

	if (!changes->marked)
		return 0;
	index = find_next_bit(changes->marks, changes->room, changes->lowest);
	*first = index;
	for (count = 0; count < most && is_marked(changes, index); count++)
		unmark(changes, index++);
	changes->lowest = index;
	return count;
}

void nvme_vfio_changes_cut(struct nvme_vfio_changes *changes, u64 count)
{
	u64 index = count;

	while (index < changes->room) {
		index = find_next_bit(changes->marks, changes->room, index);
		if (index < changes->room)
			unmark(changes, index);
	}
}
