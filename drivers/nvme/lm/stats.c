// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counting commands; see stats.h.
 */
#include <linux/cleanup.h>
#include <linux/kernel.h>

#include "command.h"
#include "stats.h"
#include "words.h"

/* Data transfer direction, the two low bits of every opcode. */
#define OPC_DIRECTION		0x03
#define OPC_TO_DEVICE		0x01
#define OPC_FROM_DEVICE		0x02

/**
 * nvme_lm_stats_init - start to count
 * @stats: filled in
 */
void nvme_lm_stats_init(struct nvme_lm_stats *stats)
{
	*stats = (struct nvme_lm_stats) {};
	spin_lock_init(&stats->lock);
}

/**
 * nvme_lm_stats_count - count a command that has ended
 * @stats: where
 * @opcode: its OPC, or %NVME_LM_OP_REGISTERS
 * @sel: CDW10[7:0]
 * @len: bytes of its data
 * @status: 0, a positive NVMe status, or an errno
 */
void nvme_lm_stats_count(struct nvme_lm_stats *stats, u8 opcode, u8 sel, u32 len,
			 int status)
{
	atomic64_inc(&stats->commands);
	if (!status) {
		if ((opcode & OPC_DIRECTION) == OPC_FROM_DEVICE)
			atomic64_add(len, &stats->bytes_read);
		else if ((opcode & OPC_DIRECTION) == OPC_TO_DEVICE)
			atomic64_add(len, &stats->bytes_written);
		return;
	}
	atomic64_inc(&stats->errors);
	spin_lock(&stats->lock);
	stats->failed = true;
	stats->opcode = opcode;
	stats->sel = sel;
	stats->status = status;
	spin_unlock(&stats->lock);
}

/**
 * nvme_lm_stats_last_error - the last command that failed, in words
 * @stats: where it was counted
 * @text: filled in, %NVME_LM_LAST_ERROR_LEN bytes; empty if none has failed
 */
void nvme_lm_stats_last_error(struct nvme_lm_stats *stats, char *text)
{
	u8 opcode, sel;
	int status;

	text[0] = 0;
	scoped_guard(spinlock, &stats->lock) {
		if (!stats->failed)
			return;
		opcode = stats->opcode;
		sel = stats->sel;
		status = stats->status;
	}
	if (status > 0)
		scnprintf(text, NVME_LM_LAST_ERROR_LEN, "%s (%#x, %#x): status %#x, %s",
			  nvme_lm_command_words(opcode, sel), opcode, sel, status,
			  nvme_lm_status_words(status));
	else
		scnprintf(text, NVME_LM_LAST_ERROR_LEN, "%s (%#x, %#x): errno %d, %s",
			  nvme_lm_command_words(opcode, sel), opcode, sel, -status,
			  nvme_lm_errno_words(status));
}
