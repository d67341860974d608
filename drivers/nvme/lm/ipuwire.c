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
 * nvme_lm_ipu_check_size - can a state of this size be moved?
 * @size: bytes, as the device says
 * @max_transfer: most bytes that one command may transfer
 *
 * Return: 0, -EREMOTEIO if no state can have this size, -EFBIG if it is more than
 * goes into one command.
 */
int nvme_lm_ipu_check_size(u32 size, u32 max_transfer)
{
	if (!size || size % 4 || size > NVME_LM_IPU_MAX_STATE)
		return -EREMOTEIO;
	return size > max_transfer ? -EFBIG : 0;
}
