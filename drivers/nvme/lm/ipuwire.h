/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The vendor command set IPU, as it goes to the device.
 *
 * Published in 2022 for virtual functions 8086:1457.  All commands are admin
 * commands of the PF and name a virtual function by its number.
 */
#ifndef NVME_LM_IPUWIRE_H
#define NVME_LM_IPUWIRE_H

#include "command.h"

#define NVME_LM_IPU_VENDOR		0x8086
#define NVME_LM_IPU_VF_DEVICE		0x1457

/* Identify Controller of the PF: 1 if it has the commands, 0 if not. */
#define NVME_LM_IPU_IDC_SUPPORTED	3072

#define NVME_LM_OP_IPU_QUERY		0xc4
#define NVME_LM_OP_IPU_SUSPEND		0xc8
#define NVME_LM_OP_IPU_RESUME		0xcc
#define NVME_LM_OP_IPU_SAVE		0xd2
#define NVME_LM_OP_IPU_LOAD		0xd5

/* No state is larger. */
#define NVME_LM_IPU_MAX_STATE		(256 * 1024)

/* The stock driver's page size in commands (CC.MPS), whatever the host's own is. */
#define NVME_LM_IPU_PAGE_SIZE		4096

/* Entries of a list of pages that fills a page. */
#define NVME_LM_IPU_LIST_LEN		(NVME_LM_IPU_PAGE_SIZE / 8)

/**
 * enum nvme_lm_ipu_page - the pages of a transfer, behind those of the largest state
 * @NVME_LM_IPU_LIST: the list of all but the first; PRP2
 * @NVME_LM_IPU_BEYOND: for what no state has
 * @NVME_LM_IPU_PAGES: how many there are
 */
enum nvme_lm_ipu_page {
	NVME_LM_IPU_LIST = NVME_LM_IPU_MAX_STATE / NVME_LM_IPU_PAGE_SIZE,
	NVME_LM_IPU_BEYOND,
	NVME_LM_IPU_PAGES,
};

unsigned int nvme_lm_ipu_listed(unsigned int entry);
unsigned int nvme_lm_ipu_data_page(u32 size, u32 offset);
struct nvme_lm_cmd nvme_lm_ipu_query(u16 vf);
struct nvme_lm_cmd nvme_lm_ipu_suspend(u16 vf);
struct nvme_lm_cmd nvme_lm_ipu_resume(u16 vf);
struct nvme_lm_cmd nvme_lm_ipu_save(u16 vf);
struct nvme_lm_cmd nvme_lm_ipu_load(u16 vf, u32 size);
int nvme_lm_ipu_check_size(u32 size);

#endif /* NVME_LM_IPUWIRE_H */
