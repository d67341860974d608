// SPDX-License-Identifier: GPL-2.0-only
/*
 * The meaning of the registers of a control page; see pageregs.h.
 */
#include <linux/errno.h>
#include <linux/kernel.h>

#include "pageregs.h"

/* ERROR, STATUS bits 15:8. */
#define ERROR_NONE		0
#define ERROR_STATE		2
#define ERROR_TOO_LARGE		3
#define ERROR_BAD		4

/**
 * nvme_lm_page_errno - what became of a command
 * @command: NVME_LM_PAGE_STOP and so on
 * @status: STATUS, without BUSY
 *
 * Return: 0 or an errno of the table in linux/nvme-lm.h.
 */
int nvme_lm_page_errno(u32 command, u32 status)
{
	if (status == NVME_LM_PAGE_DEAD)
		return -ENXIO;
	switch (status >> 8 & 0xff) {
	case ERROR_NONE:
		return 0;
	case ERROR_STATE:
		/* LOAD has two reasons: it runs, or it is stopped but enabled. */
		if (command == NVME_LM_PAGE_STOP)
			return -EALREADY;
		return status & NVME_LM_PAGE_STOPPED ? -EREMOTEIO : -EPROTO;
	case ERROR_TOO_LARGE:
		return -ENOSPC;
	case ERROR_BAD:
		return -EINVAL;
	default:
		return -EREMOTEIO;
	}
}

/**
 * nvme_lm_page_check - is this a control page that we know?
 * @id: ID
 * @version: VERSION
 * @maxsize: MAXSIZE
 *
 * Return: 0, -ENXIO if the function does not answer, or -EREMOTEIO.
 */
int nvme_lm_page_check(u32 id, u32 version, u32 maxsize)
{
	if (id == NVME_LM_PAGE_DEAD)
		return -ENXIO;
	if (id != NVME_LM_PAGE_IS_ONE || version != NVME_LM_PAGE_IS_KNOWN)
		return -EREMOTEIO;
	if (!maxsize || maxsize % NVME_LM_PAGE_WINDOW_LEN || maxsize > NVME_LM_PAGE_MAX_STATE)
		return -EREMOTEIO;
	return 0;
}
