/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The Secondary Controller List as those see it who may read sysfs, but command no
 * controller.
 *
 * Whoever administers the host is told what the device says at that moment.  Others
 * could keep the PF busy by reading; so one list is read for all of them, and is
 * theirs for a second.
 */
#ifndef NVME_LM_LISTED_H
#define NVME_LM_LISTED_H

#include <linux/types.h>

struct nvme_lm_ctrl;
struct nvme_lm_secondary;

/**
 * struct nvme_lm_listed - a list that was read
 * @entries: by ascending CNTLID, or NULL
 * @count: how many there are
 * @room: how many fit into @entries
 * @error: why it could not be read, or 0
 * @until: it is good until then, in jiffies of 64 bits; 0 if none was read yet
 * @generation: that of the controller when it was read
 */
struct nvme_lm_listed {
	struct nvme_lm_secondary *entries;
	unsigned int count;
	unsigned int room;
	int error;
	u64 until;
	u32 generation;
};

int nvme_lm_listed_find(struct nvme_lm_ctrl *ctrl, u16 cntlid, struct nvme_lm_secondary *found);
int nvme_lm_listed_add(struct nvme_lm_listed *listed, const struct nvme_lm_secondary *entry);

#endif /* NVME_LM_LISTED_H */
