// SPDX-License-Identifier: GPL-2.0-only
/*
 * Encoding of the vendor command set IPU; see ipuwire.h.  vf_index is bytes 41:40
 * of the command, which is CDW10[15:0]; size is bytes 47:44, CDW11.
 */
#include <linux/errno.h>
#include <linux/kernel.h>

#include "ipuwire.h"

static struct nvme_lm_cmd ipu_command(u8 opcode, u16 vf)
{
	return (struct nvme_lm_cmd) { .opcode = opcode, .cdw10 = vf };
}

/**
 * nvme_lm_ipu_query - query data size
 * @vf: number of the virtual function, from 1 on
 *
 * Return: the command; Dword 0 of its completion is the size of the state now.
 */
struct nvme_lm_cmd nvme_lm_ipu_query(u16 vf)
{
	return ipu_command(NVME_LM_OP_IPU_QUERY, vf);
}

/**
 * nvme_lm_ipu_suspend - suspend
 * @vf: number of the virtual function, from 1 on
 *
 * Return: the command; it has no data.
 */
struct nvme_lm_cmd nvme_lm_ipu_suspend(u16 vf)
{
	return ipu_command(NVME_LM_OP_IPU_SUSPEND, vf);
}

/**
 * nvme_lm_ipu_resume - resume
 * @vf: number of the virtual function, from 1 on
 *
 * Return: the command; it has no data.
 */
struct nvme_lm_cmd nvme_lm_ipu_resume(u16 vf)
{
	return ipu_command(NVME_LM_OP_IPU_RESUME, vf);
}

/**
 * nvme_lm_ipu_save - save data, to the host
 * @vf: number of the virtual function, from 1 on
 *
 * Return: the command; it moves as many bytes as nvme_lm_ipu_query() gave,
 * whatever the host has room for.
 */
struct nvme_lm_cmd nvme_lm_ipu_save(u16 vf)
{
	return ipu_command(NVME_LM_OP_IPU_SAVE, vf);
}

/**
 * nvme_lm_ipu_load - load data, from the host
 * @vf: number of the virtual function, from 1 on
 * @size: bytes
 *
 * Return: the command.
 */
struct nvme_lm_cmd nvme_lm_ipu_load(u16 vf, u32 size)
{
	struct nvme_lm_cmd cmd = ipu_command(NVME_LM_OP_IPU_LOAD, vf);

	cmd.cdw11 = size;
	return cmd;
}

/**
 * nvme_lm_ipu_check_size - can a state have this size?
 * @size: bytes, as the device says
 *
 * Return: 0 or -EREMOTEIO.
 */
int nvme_lm_ipu_check_size(u32 size)
{
	return !size || size % 4 || size > NVME_LM_IPU_MAX_STATE ? -EREMOTEIO : 0;
}

/**
 * nvme_lm_ipu_listed - which page an entry of the list is
 * @entry: from 0 on
 *
 * The last entry of a page of list is the address of the next page of list, where
 * there is more to move; it is this page again.
 *
 * Return: index of the page, see enum nvme_lm_ipu_page.
 */
unsigned int nvme_lm_ipu_listed(unsigned int entry)
{
	if (entry == NVME_LM_IPU_LIST_LEN - 1)
		return NVME_LM_IPU_LIST;
	return entry + 1 < NVME_LM_IPU_LIST ? entry + 1 : NVME_LM_IPU_BEYOND;
}

/**
 * nvme_lm_ipu_data_page - which page some data of a transfer are in
 * @size: bytes of the transfer
 * @offset: where in it, a multiple of the page size
 *
 * With two pages PRP2 is the second one, and no list.
 *
 * Return: index of the page, see enum nvme_lm_ipu_page.
 */
unsigned int nvme_lm_ipu_data_page(u32 size, u32 offset)
{
	if (offset == NVME_LM_IPU_PAGE_SIZE && size <= 2 * NVME_LM_IPU_PAGE_SIZE)
		return NVME_LM_IPU_LIST;
	return offset / NVME_LM_IPU_PAGE_SIZE;
}
