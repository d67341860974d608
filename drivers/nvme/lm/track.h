/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracking of the memory that a function writes, by the standard's commands.
 */
#ifndef NVME_LM_TRACK_H
#define NVME_LM_TRACK_H

#include <linux/nvme-lm.h>

#include "dirtyset.h"

int nvme_lm_standard_track_start(struct nvme_lm_function *fn,
				 const struct nvme_lm_range *ranges,
				 unsigned int count, u64 *page_size);
int nvme_lm_standard_track_restart(struct nvme_lm_function *fn);
int nvme_lm_standard_track_stop(struct nvme_lm_function *fn);
int nvme_lm_standard_track_read(struct nvme_lm_function *fn, u64 iova, u64 len,
				nvme_lm_dirty_fn dirty, void *priv);
void nvme_lm_standard_track_resumed(struct nvme_lm_function *fn);
void nvme_lm_track_let_go(struct nvme_lm_function *fn);
void nvme_lm_track_release(struct nvme_lm_function *fn);

#endif /* NVME_LM_TRACK_H */
