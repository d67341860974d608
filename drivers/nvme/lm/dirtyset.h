/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory that is known to be dirty, and that nobody was told of yet.
 *
 * A device reports what it likes first; a caller asks for a range.  What was
 * reported outside of it waits here.  Runs that touch are one, so that the cost
 * goes with how scattered the dirt is, and there are so many at most: beyond
 * that more is called dirty than is.
 */
#ifndef NVME_LM_DIRTYSET_H
#define NVME_LM_DIRTYSET_H

#include <linux/rbtree.h>
#include <linux/types.h>

#include "ranges.h"

/* 4 MiB of memory at most. */
#define NVME_LM_DIRTY_MAX_RUNS	65536

/**
 * struct nvme_lm_dirty_set - a set of bytes
 * @runs: its runs, by address; no two touch
 * @count: how many
 */
struct nvme_lm_dirty_set {
	struct rb_root runs;
	unsigned int count;
};

int nvme_lm_dirty_add(struct nvme_lm_dirty_set *set, u64 first, u64 last);
bool nvme_lm_dirty_take(struct nvme_lm_dirty_set *set, u64 first, u64 last,
			struct nvme_lm_span *taken);
void nvme_lm_dirty_clear(struct nvme_lm_dirty_set *set);

#endif /* NVME_LM_DIRTYSET_H */
