/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Track Receive, one or several at a time.
 */
#ifndef NVME_LM_TRACKFETCH_H
#define NVME_LM_TRACKFETCH_H

#include <linux/completion.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct nvme_lm_function;

/**
 * struct nvme_lm_fetch - a Track Receive that goes on behind
 * @work: issues it and waits
 * @done: it has ended
 * @fn: the function whose writes it asks for
 * @buf: for the report
 * @len: bytes of it
 * @ret: what became of it; valid once @done
 */
struct nvme_lm_fetch {
	struct work_struct work;
	struct completion done;
	struct nvme_lm_function *fn;
	u8 *buf;
	u32 len;
	int ret;
};

int nvme_lm_fetch_now(struct nvme_lm_function *fn, u8 *buf, u32 len, bool cdw15);
void nvme_lm_fetch_init(struct nvme_lm_fetch *fetch, struct nvme_lm_function *fn,
			u8 *buf, u32 len);
void nvme_lm_fetch_start(struct nvme_lm_fetch *fetch);
int nvme_lm_fetch_wait(struct nvme_lm_fetch *fetch);

#endif /* NVME_LM_TRACKFETCH_H */
