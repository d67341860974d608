/*
 * SPDX-License-Identifier: GPL-2.0-only
 *
 * Change the device memory of a function by command, so that a test says which
 * blocks change and when: two vendor-specific commands on the admin queue of
 * the controlling controller, with its property hmlm-churn=on.
 *
 * E0h, Touch: CDW10[15:0] CNTLID, CDW11 first block, CDW12 count, CDW13 stride
 *   in blocks (0 is taken as 1). The contents of blocks first, first + stride,
 *   first + 2 * stride... change, wrapping around at the end of the memory;
 *   a block that is met twice changes twice. A block is 4096 bytes.
 * E4h, Resize: CDW10[15:0] CNTLID, CDW12 and CDW13 the new size in bytes, low
 *   and high; a multiple of 4, at most hmlm-mem-max.
 *
 * Neither transfers data. A suspended controller's state stands still: both are
 * refused with Controller Suspended.
 */

#include "qemu/osdep.h"

#include "hmlm.h"
#include "trace.h"

/* Blocks changed by one Touch at most: every one of the largest memory */
#define HMLM_TOUCH_MAX  (NVME_HMLM_MEM_MAX / NVME_HMLM_MEM_BLOCK)

static uint16_t churn_touch(NvmeCtrl *ctrl, const NvmeCmd *cmd)
{
    NvmeHmlmMem *mem = &ctrl->hmlm->mem;
    uint64_t nblocks = nvme_hmlm_mem_blocks(mem->size);
    uint64_t block = le32_to_cpu(cmd->cdw11);
    uint32_t count = le32_to_cpu(cmd->cdw12);
    uint32_t stride = le32_to_cpu(cmd->cdw13) ?: 1;

    if (block >= nblocks || count > HMLM_TOUCH_MAX) {
        return NVME_INVALID_FIELD | NVME_DNR;
    }

    trace_pci_nvme_hmlm_touch(ctrl->cntlid, block, count, stride);
    for (uint32_t i = 0; i < count; i++) {
        nvme_hmlm_mem_change(mem, block, 1);
        block = (block + stride) % nblocks;
    }

    return NVME_SUCCESS;
}

static uint16_t churn_resize(NvmeCtrl *ctrl, const NvmeCmd *cmd)
{
    uint64_t size = le32_to_cpu(cmd->cdw12) |
                    (uint64_t)le32_to_cpu(cmd->cdw13) << 32;

    if (size > ctrl->params.hmlm.mem_max || size % 4) {
        return NVME_INVALID_FIELD | NVME_DNR;
    }

    trace_pci_nvme_hmlm_resize(ctrl->cntlid, ctrl->hmlm->mem.size, size);
    nvme_hmlm_mem_resize(ctrl, size);

    return NVME_SUCCESS;
}

/**
 * nvme_hmlm_churn_init - offer the commands
 * @n: controlling controller
 */
void nvme_hmlm_churn_init(NvmeCtrl *n)
{
    if (n->params.hmlm.churn) {
        n->cse.acs[NVME_ADM_CMD_HMLM_TOUCH] = NVME_CMD_EFF_CSUPP;
        n->cse.acs[NVME_ADM_CMD_HMLM_RESIZE] = NVME_CMD_EFF_CSUPP;
    }
}

/**
 * nvme_hmlm_churn - run a Touch or a Resize
 * @n: the controlling controller
 * @req: the command
 *
 * Returns its status.
 */
uint16_t nvme_hmlm_churn(NvmeCtrl *n, NvmeRequest *req)
{
    NvmeCtrl *ctrl;
    uint16_t status;

    status = nvme_hmlm_find(n, le32_to_cpu(req->cmd.cdw10) & 0xffff, &ctrl);
    if (status) {
        return status;
    }
    if (nvme_hmlm_suspended(ctrl)) {
        return NVME_CTRL_SUSPENDED | NVME_DNR;
    }

    nvme_hmlm_mem_accrue(ctrl);

    return req->cmd.opcode == NVME_ADM_CMD_HMLM_TOUCH ?
           churn_touch(ctrl, &req->cmd) : churn_resize(ctrl, &req->cmd);
}
