/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The control page of a function: registers by which it is stopped, read, written
 * and let go on.
 *
 * It is the last page of BAR 0 of the virtual functions 1b36:fff0.  Registers have
 * 32 bits.  STATUS, SIZE, BASE and WINDOW make up a buffer of MAXSIZE bytes that is
 * seen through a window.
 */
#ifndef NVME_LM_PAGEREGS_H
#define NVME_LM_PAGEREGS_H

#include <linux/types.h>

#define NVME_LM_PAGE_VENDOR	0x1b36
#define NVME_LM_PAGE_VF_DEVICE	0xfff0

#define NVME_LM_PAGE_BAR	0
#define NVME_LM_PAGE_BYTES	4096

#define NVME_LM_PAGE_ID		0x000
#define NVME_LM_PAGE_VERSION	0x004
#define NVME_LM_PAGE_MAXSIZE	0x008
#define NVME_LM_PAGE_COMMAND	0x00c
#define NVME_LM_PAGE_STATUS	0x010
#define NVME_LM_PAGE_SIZE	0x014
#define NVME_LM_PAGE_BASE	0x018
#define NVME_LM_PAGE_WINDOW	0x800

#define NVME_LM_PAGE_WINDOW_LEN	2048

/* ID, VERSION: what they have to be. */
#define NVME_LM_PAGE_IS_ONE	0x5043484e
#define NVME_LM_PAGE_IS_KNOWN	1

/* MAXSIZE: what is believed at most. */
#define NVME_LM_PAGE_MAX_STATE	(1024 * 1024)

#define NVME_LM_PAGE_STOP	1
#define NVME_LM_PAGE_GO		2
#define NVME_LM_PAGE_SAVE	3
#define NVME_LM_PAGE_LOAD	4

#define NVME_LM_PAGE_BUSY	0x00000001
#define NVME_LM_PAGE_STOPPED	0x00000002

/* All ones: the function does not answer. */
#define NVME_LM_PAGE_DEAD	0xffffffff

int nvme_lm_page_errno(u32 command, u32 status);
int nvme_lm_page_check(u32 id, u32 version, u32 maxsize);

#endif /* NVME_LM_PAGEREGS_H */
