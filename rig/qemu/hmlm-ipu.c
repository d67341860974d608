/*
 * SPDX-License-Identifier: GPL-2.0-only
 *
 * The vendor command set "IPU", published in 2022: admin commands C4h to D5h of
 * a PF for its VFs, without versions, offsets or lengths. README.md here has
 * the data sheet; what the publication leaves open is decided there.
 *
 * Property of the PF: hmlm-ipu=on.
 */

#include "qemu/osdep.h"
#include "hw/pci/pci_ids.h"

#include "hmlm.h"
#include "trace.h"

#define HMLM_IPU_STATE_MAX      (256u << 10)
/* Identify Controller, first vendor-specific byte: the commands are there */
#define HMLM_IPU_ID_CTRL_BYTE   3072

/**
 * nvme_hmlm_ipu_init - offer the commands
 * @n: controlling controller
 */
void nvme_hmlm_ipu_init(NvmeCtrl *n)
{
    if (!n->params.hmlm.ipu) {
        return;
    }

    ((uint8_t *)&n->id_ctrl)[HMLM_IPU_ID_CTRL_BYTE] = 1;
    n->cse.acs[NVME_ADM_CMD_IPU_QUERY] = NVME_CMD_EFF_CSUPP;
    n->cse.acs[NVME_ADM_CMD_IPU_SUSPEND] = NVME_CMD_EFF_CSUPP;
    n->cse.acs[NVME_ADM_CMD_IPU_RESUME] = NVME_CMD_EFF_CSUPP;
    n->cse.acs[NVME_ADM_CMD_IPU_SAVE] = NVME_CMD_EFF_CSUPP;
    n->cse.acs[NVME_ADM_CMD_IPU_LOAD] = NVME_CMD_EFF_CSUPP;
}

/**
 * nvme_hmlm_ipu_find - the function that a command is for
 * @n: the controlling controller
 * @cmd: command of this set
 * @ctrl: set on success
 *
 * Returns a status.
 */
uint16_t nvme_hmlm_ipu_find(NvmeCtrl *n, const NvmeCmd *cmd, NvmeCtrl **ctrl)
{
    uint16_t index = le32_to_cpu(cmd->cdw10) & 0xffff;
    uint16_t status;

    if (!index || index > n->nr_sec_ctrls) {
        return NVME_INVALID_FIELD | NVME_DNR;
    }

    status = nvme_hmlm_find(n, le16_to_cpu(n->sec_ctrl_list[index - 1].scid),
                            ctrl);

    return status == (NVME_INVALID_CTRL_ID | NVME_DNR) ?
           NVME_INVALID_FIELD | NVME_DNR : status;
}

static uint16_t ipu_query(NvmeCtrl *ctrl, NvmeRequest *req)
{
    g_autoptr(GByteArray) state = nvme_hmlm_save(ctrl, HMLM_IPU_STATE_MAX);

    if (!state) {
        return NVME_NOT_ENOUGH_RESOURCES | NVME_DNR;
    }
    req->cqe.result = cpu_to_le32(state->len);

    return NVME_SUCCESS;
}

static uint16_t ipu_save(NvmeCtrl *n, NvmeCtrl *ctrl, NvmeRequest *req)
{
    g_autoptr(GByteArray) state = NULL;
    uint16_t status;

    if (!nvme_hmlm_suspended(ctrl)) {
        return NVME_CTRL_NOT_SUSPENDED | NVME_DNR;
    }

    state = nvme_hmlm_save(ctrl, HMLM_IPU_STATE_MAX);
    if (!state) {
        return NVME_NOT_ENOUGH_RESOURCES | NVME_DNR;
    }

    status = nvme_check_mdts(n, state->len);
    status = status ? status : nvme_c2h(n, state->data, state->len, req);
    if (status) {
        return status;
    }
    nvme_hmlm_disable(ctrl);

    return nvme_hmlm_pace(n, req, state->len);
}

static uint16_t ipu_load(NvmeCtrl *n, NvmeCtrl *ctrl, NvmeRequest *req)
{
    uint32_t len = le32_to_cpu(req->cmd.cdw11);
    g_autofree uint8_t *state = NULL;
    uint16_t status = nvme_hmlm_loadable(ctrl);

    if (status) {
        return status;
    }
    if (!len || len % 4 || len > HMLM_IPU_STATE_MAX) {
        return NVME_INVALID_FIELD | NVME_DNR;
    }

    status = nvme_check_mdts(n, len);
    if (status) {
        return status;
    }
    state = g_malloc(len);
    status = nvme_h2c(n, state, len, req);
    status = status ? status : nvme_hmlm_load(ctrl, state, len);

    return status ? status : nvme_hmlm_pace(n, req, len);
}

/**
 * nvme_hmlm_ipu_cmd - run a command of this set
 * @n: the controlling controller
 * @req: the command
 *
 * Returns its status, or NVME_NO_COMPLETE.
 */
uint16_t nvme_hmlm_ipu_cmd(NvmeCtrl *n, NvmeRequest *req)
{
    NvmeCtrl *ctrl;
    uint16_t status = nvme_hmlm_ipu_find(n, &req->cmd, &ctrl);

    trace_pci_nvme_hmlm_ipu(req->cmd.opcode, le32_to_cpu(req->cmd.cdw10),
                            status);
    if (status) {
        return status;
    }

    nvme_hmlm_mem_accrue(ctrl);
    switch (req->cmd.opcode) {
    case NVME_ADM_CMD_IPU_QUERY:
        return ipu_query(ctrl, req);
    case NVME_ADM_CMD_IPU_SUSPEND:
        return nvme_hmlm_stop(ctrl, req);
    case NVME_ADM_CMD_IPU_RESUME:
        return nvme_hmlm_go(ctrl);
    case NVME_ADM_CMD_IPU_SAVE:
        return ipu_save(n, ctrl, req);
    default:
        return ipu_load(n, ctrl, req);
    }
}
