/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is counted of commands.
 */
#ifndef NVME_LM_STATS_H
#define NVME_LM_STATS_H

#include <linux/atomic.h>
#include <linux/spinlock.h>
#include <linux/types.h>

/**
 * struct nvme_lm_stats - of commands that have ended
 * @commands: how many were issued
 * @errors: how many of them failed
 * @bytes_read: data that they brought from the device
 * @bytes_written: data that they took to it
 * @lock: guards what follows; a leaf
 * @failed: there was one that failed, and it was:
 * @opcode: its OPC, or %NVME_LM_OP_REGISTERS
 * @sel: CDW10[7:0], which for most is SEL or CNS
 * @status: a positive NVMe status, or an errno
 */
struct nvme_lm_stats {
	atomic64_t commands;
	atomic64_t errors;
	atomic64_t bytes_read;
	atomic64_t bytes_written;
	spinlock_t lock;		/* what follows */
	bool failed;
	u8 opcode;
	u8 sel;
	int status;
};

/* Room for what nvme_lm_stats_last_error() says. */
#define NVME_LM_LAST_ERROR_LEN	128

void nvme_lm_stats_init(struct nvme_lm_stats *stats);
void nvme_lm_stats_count(struct nvme_lm_stats *stats, u8 opcode, u8 sel, u32 len,
			 int status);
void nvme_lm_stats_last_error(struct nvme_lm_stats *stats, char *text);

#endif /* NVME_LM_STATS_H */
