/*
 * SPDX-License-Identifier: GPL-2.0-only
 *
 * Host-managed live migration (NVMe Base 2.1, TP4159) for the emulated NVMe
 * controller: the commands, and what suspending and resuming mean.
 *
 * Properties of the PF (its VFs inherit them):
 *   hmlm=on|off         Offer the migration commands on this controller, for
 *                       its secondary controllers. Default off: then nothing
 *                       differs from the unpatched device.
 *   hmlm-mem-size=N     Bytes of vendor-specific device memory that each
 *                       secondary controller has and that travel in its state;
 *                       0 to 4G, a multiple of 4, default 0. See hmlm-mem.c.
 *   hmlm-mem-rate=N     4 KiB blocks of it that change per second while the
 *                       controller is not suspended; default 256.
 *
 * The files: hmlm-vsd.h tells the format of the vendor-specific data,
 * hmlm-encode.c writes and hmlm-decode.c checks and loads a state,
 * hmlm-stage.c collects one that comes in pieces, hmlm-track.c tells which host
 * memory a function wrote.
 *
 * Everything runs under the big lock, but not strictly one after the other: a
 * command of one controller may poll (blk_drain, blk_flush), and in that poll
 * commands of another controller run. Hence the flag that a controller is busy,
 * and the test for quiescence from a bottom half of its own.
 */

#include "qemu/osdep.h"
#include "qemu/timer.h"
#include "qapi/error.h"
#include "hw/pci/msix.h"
#include "hw/pci/pcie_sriov.h"

#include "hmlm.h"
#include "trace.h"

/* 3736d247-45df-4fa9-8705-d9688bb8bca6: the VSD format of hmlm-vsd.h */
static const uint8_t nvme_hmlm_vsd_uuid[16] = {
    0x37, 0x36, 0xd2, 0x47, 0x45, 0xdf, 0x4f, 0xa9,
    0x87, 0x05, 0xd9, 0x68, 0x8b, 0xb8, 0xbc, 0xa6,
};

QEMU_BUILD_BUG_ON(offsetof(NvmeIdCtrl, rsvd540) > NVME_ID_CTRL_CMMRTD);
QEMU_BUILD_BUG_ON(offsetof(NvmeIdCtrl, subnqn) < NVME_ID_CTRL_MCDQPC + 2);

/* Largest state, device memory aside, that is held in one piece */
#define HMLM_IMAGE_LIMIT    (256ull << 20)

/*
 * Status of a Suspend whose controller was reset before it became quiet. [?]
 * The specification at hand names none; this one says what holds afterwards.
 */
#define HMLM_SC_RESET_IN_SUSPEND    NVME_CTRL_NOT_SUSPENDED

/**
 * nvme_hmlm_check_params - check the hmlm* properties
 * @n: controller, before it is set up
 * @errp: error
 *
 * Returns false, with @errp set, if a property is out of range.
 */
bool nvme_hmlm_check_params(NvmeCtrl *n, Error **errp)
{
    if (n->params.hmlm.on && nvme_hmlm_image_max(n) > HMLM_IMAGE_LIMIT) {
        error_setg(errp, "hmlm=on: with these queues and events the state of"
                   " a controller can be %" PRIu64 " bytes, more than %llu;"
                   " lower max_ioqpairs, mqes or aer_max_queued",
                   nvme_hmlm_image_max(n), HMLM_IMAGE_LIMIT);
        return false;
    }

    if (n->params.hmlm.mem_size && !n->params.hmlm.on) {
        error_setg(errp, "hmlm-mem-size needs hmlm=on");
        return false;
    }

    if (n->params.hmlm.mem_size > NVME_HMLM_MEM_MAX ||
        n->params.hmlm.mem_size % 4) {
        error_setg(errp, "hmlm-mem-size is %" PRIu64 ", but must be a multiple"
                   " of 4 and at most %llu", n->params.hmlm.mem_size,
                   NVME_HMLM_MEM_MAX);
        return false;
    }

    return nvme_hmlm_track_check_params(n, errp);
}

/* Controller data queues are not offered; memory tracking only if asked for. */
static void hmlm_init_limits(NvmeIdCtrl *id)
{
    uint8_t *p = (uint8_t *)id;

    stw_le_p(p + NVME_ID_CTRL_CMMRTD, 0);
    stw_le_p(p + NVME_ID_CTRL_NMMRTD, 0);
    p[NVME_ID_CTRL_MINMRTG] = 0;
    p[NVME_ID_CTRL_MAXMRTG] = 0;
    p[NVME_ID_CTRL_TRATTR] = 0;
    stw_le_p(p + NVME_ID_CTRL_MCUDMQ, 0);
    stw_le_p(p + NVME_ID_CTRL_MNSUDMQ, 0);
    stw_le_p(p + NVME_ID_CTRL_MCMR, 0);
    stw_le_p(p + NVME_ID_CTRL_NMCMR, 0);
    stw_le_p(p + NVME_ID_CTRL_MCDQPC, 0);
}

static void hmlm_check_quiet(void *opaque);

/**
 * nvme_hmlm_init - prepare a controller to control or to be controlled
 * @n: controller whose Identify data and command table are set up
 */
void nvme_hmlm_init(NvmeCtrl *n)
{
    if (!n->params.hmlm.on) {
        return;
    }

    n->hmlm = g_new0(NvmeHmlm, 1);
    n->hmlm->bh = qemu_bh_new_guarded(hmlm_check_quiet, n,
                                      &DEVICE(n)->mem_reentrancy_guard);
    nvme_hmlm_mem_reset(n);

    if (pci_is_vf(PCI_DEVICE(n))) {
        return;
    }

    n->id_ctrl.oacs |= cpu_to_le16(NVME_OACS_HMLMS);
    hmlm_init_limits(&n->id_ctrl);
    nvme_hmlm_track_init(n);
    n->cse.acs[NVME_ADM_CMD_MIGRATION_SEND] = NVME_CMD_EFF_CSUPP;
    n->cse.acs[NVME_ADM_CMD_MIGRATION_RECV] = NVME_CMD_EFF_CSUPP;
}

/**
 * nvme_hmlm_exit - free what nvme_hmlm_init() made
 * @n: controller, after its last reset
 */
void nvme_hmlm_exit(NvmeCtrl *n)
{
    if (!n->hmlm) {
        return;
    }

    nvme_hmlm_stage_drop(n);
    nvme_hmlm_track_drop(n);
    qemu_bh_delete(n->hmlm->bh);
    g_free(n->hmlm);
    n->hmlm = NULL;
}

/**
 * nvme_hmlm_identify_formats - Identify, CNS 20h
 * @n: controller
 * @req: the Identify command
 *
 * Supported Controller State Formats: NV at 0, NUUID at 1, versions from 2,
 * then UUIDs.
 *
 * Returns a status; Invalid Field where live migration is not offered.
 */
uint16_t nvme_hmlm_identify_formats(NvmeCtrl *n, NvmeRequest *req)
{
    uint8_t data[NVME_IDENTIFY_DATA_SIZE] = {};

    if (!n->hmlm || pci_is_vf(PCI_DEVICE(n))) {
        return NVME_INVALID_FIELD | NVME_DNR;
    }

    data[0] = NVME_HMLM_CSVI;
    data[1] = NVME_HMLM_CSUUIDI_MAX;
    stw_le_p(&data[2], NVME_HMLM_NVMECS_VER);
    memcpy(&data[4], nvme_hmlm_vsd_uuid, sizeof(nvme_hmlm_vsd_uuid));

    return nvme_c2h(n, data, sizeof(data), req);
}

/* An AER that waits for an event is not work: it travels in the state. */
static bool hmlm_is_parked_aer(NvmeCtrl *n, NvmeRequest *req)
{
    for (int i = 0; i < n->outstanding_aers; i++) {
        if (n->aer_reqs[i] == req) {
            return true;
        }
    }

    return false;
}

static bool hmlm_sq_quiet(NvmeCtrl *n, NvmeSQueue *sq)
{
    NvmeRequest *req;

    QTAILQ_FOREACH(req, &sq->out_req_list, entry) {
        if (!hmlm_is_parked_aer(n, req)) {
            return false;
        }
    }

    return true;
}

/*
 * Completions without room do not hold up a Suspend, since the host that
 * would make room may be stopped; they travel in the state. The same for a
 * queue that could not be written: the controller has failed.
 */
static bool hmlm_cq_quiet(NvmeCtrl *n, NvmeCQueue *cq)
{
    return QTAILQ_EMPTY(&cq->req_list) ||
           (cq->tail + 1) % cq->size == cq->head ||
           NVME_CSTS_CFS(ldl_le_p(&n->bar.csts));
}

static bool hmlm_quiet(NvmeCtrl *n)
{
    for (uint32_t i = 0; i <= n->params.max_ioqpairs; i++) {
        if (n->sq[i] && !hmlm_sq_quiet(n, n->sq[i])) {
            return false;
        }
        if (n->cq[i] && !hmlm_cq_quiet(n, n->cq[i])) {
            return false;
        }
    }

    return true;
}

/*
 * Unmasking a vector sends what its pending bit holds. So the bits leave the
 * PBA while suspended, and go back, or out, at Resume.
 */
static void hmlm_take_pending_irqs(NvmeCtrl *n)
{
    PCIDevice *pci = PCI_DEVICE(n);

    if (!msix_present(pci)) {
        return;
    }

    for (int v = 0; v < pci->msix_entries_nr; v++) {
        if (pci->msix_pba[v / 8] & (1 << (v % 8))) {
            msix_clr_pending(pci, v);
            set_bit(v, n->hmlm->irq_pending);
        }
    }
}

static void hmlm_give_pending_irqs(NvmeCtrl *n)
{
    PCIDevice *pci = PCI_DEVICE(n);
    unsigned long nvec = msix_present(pci) ? pci->msix_entries_nr : 0;
    unsigned long v;

    for (v = find_first_bit(n->hmlm->irq_pending, nvec); v < nvec;
         v = find_next_bit(n->hmlm->irq_pending, nvec, v + 1)) {
        trace_pci_nvme_hmlm_raise(n->cntlid, v);
        msix_notify(pci, v);
    }

    bitmap_zero(n->hmlm->irq_pending, NVME_HMLM_MAX_VECTORS);
}

/* End the Suspend command that waits for @n, if there is one. */
static void hmlm_complete_suspend(NvmeCtrl *n, uint16_t status)
{
    NvmeRequest *req = n->hmlm->suspend_req;

    if (!req) {
        return;
    }

    n->hmlm->suspend_req = NULL;
    req->status = status;
    nvme_enqueue_req_completion(&nvme_ctrl(req)->admin_cq, req);
}

static void hmlm_check_quiet(void *opaque)
{
    NvmeCtrl *n = opaque;
    NvmeHmlm *hmlm = n->hmlm;

    if (hmlm->phase != NVME_HMLM_SUSPENDING || !hmlm_quiet(n)) {
        return;
    }

    nvme_hmlm_mem_accrue(n);
    hmlm_take_pending_irqs(n);
    hmlm->suspended_ms = qemu_clock_get_ms(QEMU_CLOCK_VIRTUAL);
    hmlm->phase = NVME_HMLM_SUSPENDED;
    trace_pci_nvme_hmlm_suspended(n->cntlid);
    hmlm_complete_suspend(n, NVME_SUCCESS);
}

/**
 * nvme_hmlm_progress - completions of this controller were posted
 * @n: controller
 *
 * Looks, a little later, whether a waiting Suspend can complete.
 */
void nvme_hmlm_progress(NvmeCtrl *n)
{
    if (n->hmlm && n->hmlm->phase == NVME_HMLM_SUSPENDING) {
        qemu_bh_schedule(n->hmlm->bh);
    }
}

/**
 * nvme_hmlm_keep_admin_db - an admin doorbell was written
 * @n: controller
 * @sq: the submission queue's, else the completion queue's
 *
 * The device copies admin doorbells into the shadow doorbell buffer, which is
 * a DMA. Returns true if that must wait for Resume.
 */
bool nvme_hmlm_keep_admin_db(NvmeCtrl *n, bool sq)
{
    if (!nvme_hmlm_suspended(n)) {
        return false;
    }

    if (sq) {
        n->hmlm->kept_admin_sq_db = true;
    } else {
        n->hmlm->kept_admin_cq_db = true;
    }

    return true;
}

static void hmlm_write_kept_dbs(NvmeCtrl *n)
{
    NvmeHmlm *hmlm = n->hmlm;

    if (n->dbbuf_enabled && hmlm->kept_admin_sq_db && n->sq[0]) {
        nvme_hmlm_dma_stl(n, n->sq[0]->db_addr, n->sq[0]->tail);
    }
    if (n->dbbuf_enabled && hmlm->kept_admin_cq_db && n->cq[0]) {
        nvme_hmlm_dma_stl(n, n->cq[0]->db_addr, n->cq[0]->head);
    }

    hmlm->kept_admin_sq_db = hmlm->kept_admin_cq_db = false;
}

/*
 * Let a controller go on: interrupts that are due, completions that wait (a
 * queue that is still full goes on with its doorbell, as ever), events, and
 * last every submission queue.
 */
static void hmlm_go(NvmeCtrl *n)
{
    NvmeHmlm *hmlm = n->hmlm;

    hmlm->phase = NVME_HMLM_RUNNING;
    hmlm_write_kept_dbs(n);
    hmlm_give_pending_irqs(n);

    for (uint32_t i = 0; i <= n->params.max_ioqpairs; i++) {
        NvmeCQueue *cq = n->cq[i];

        if (cq && !QTAILQ_EMPTY(&cq->req_list) &&
            (n->dbbuf_enabled || (cq->tail + 1) % cq->size != cq->head)) {
            qemu_bh_schedule(cq->bh);
        }
    }

    if (!QTAILQ_EMPTY(&n->aer_queue)) {
        nvme_process_aers(n);
    }

    for (uint32_t i = 0; i <= n->params.max_ioqpairs; i++) {
        if (n->sq[i]) {
            qemu_bh_schedule(n->sq[i]->bh);
        }
    }
}

/* The controlling controller loses its queues: nothing to complete there. */
static void hmlm_forget_requests(NvmeCtrl *n)
{
    for (uint32_t i = 0; i < n->nr_sec_ctrls; i++) {
        uint16_t cntlid = le16_to_cpu(n->sec_ctrl_list[i].scid);
        NvmeCtrl *sn = nvme_subsys_ctrl(n->subsys, cntlid);

        if (sn && sn->hmlm) {
            sn->hmlm->suspend_req = NULL;
        }
    }
}

/**
 * nvme_hmlm_reset_begin - a reset of whatever kind begins
 * @n: controller
 *
 * Until nvme_hmlm_reset_end() no migration command touches the controller.
 */
void nvme_hmlm_reset_begin(NvmeCtrl *n)
{
    if (!n->hmlm) {
        return;
    }

    trace_pci_nvme_hmlm_reset(n->cntlid, n->hmlm->phase,
                              n->hmlm->stage.active);
    n->hmlm->busy = true;
    hmlm_forget_requests(n);
    hmlm_complete_suspend(n, HMLM_SC_RESET_IN_SUSPEND | NVME_DNR);
}

/**
 * nvme_hmlm_reset_end - the controller has no queues any more
 * @n: controller
 *
 * Drops suspension, a half-sent state, and the device memory's contents.
 */
void nvme_hmlm_reset_end(NvmeCtrl *n)
{
    NvmeHmlm *hmlm = n->hmlm;

    if (!hmlm) {
        return;
    }

    hmlm->phase = NVME_HMLM_RUNNING;
    hmlm->kept_admin_sq_db = hmlm->kept_admin_cq_db = false;
    bitmap_zero(hmlm->irq_pending, NVME_HMLM_MAX_VECTORS);
    nvme_hmlm_stage_drop(n);
    nvme_hmlm_mem_reset(n);
    hmlm->busy = false;
}

/* Undo a Suspend that is not complete yet; its command ends with @status. */
static void hmlm_cancel_suspend(NvmeCtrl *n, uint16_t status)
{
    trace_pci_nvme_hmlm_cancel(n->cntlid);
    hmlm_complete_suspend(n, status);
    hmlm_go(n);
}

/**
 * nvme_hmlm_abort - Abort names a command without block I/O
 * @n: the controller that received the Abort
 * @req: the command to be aborted, outstanding
 *
 * Returns true if @req was a waiting Suspend: it is completed as aborted and
 * the controlled function runs on.
 */
bool nvme_hmlm_abort(NvmeCtrl *n, NvmeRequest *req)
{
    if (!n->hmlm) {
        return false;
    }

    for (uint32_t i = 0; i < n->nr_sec_ctrls; i++) {
        uint16_t cntlid = le16_to_cpu(n->sec_ctrl_list[i].scid);
        NvmeCtrl *sn = nvme_subsys_ctrl(n->subsys, cntlid);

        if (sn && sn->hmlm && sn->hmlm->suspend_req == req) {
            hmlm_cancel_suspend(sn, NVME_CMD_ABORT_REQ);
            return true;
        }
    }

    return false;
}

/**
 * nvme_hmlm_find - find a controlled controller
 * @n: the controlling controller
 * @cntlid: the identifier
 * @ctrl: set on success
 *
 * Only an online secondary controller of @n qualifies; which of the two it is
 * not, is not told.
 *
 * Returns a status.
 */
uint16_t nvme_hmlm_find(NvmeCtrl *n, uint16_t cntlid, NvmeCtrl **ctrl)
{
    NvmeSecCtrlEntry *sctrl = nvme_sctrl_for_cntlid(n, cntlid);
    PCIDevice *vf;

    if (!sctrl || !sctrl->scs) {
        trace_pci_nvme_err_hmlm_cntlid(cntlid);
        return NVME_INVALID_CTRL_ID | NVME_DNR;
    }

    vf = pcie_sriov_get_vf_at_index(PCI_DEVICE(n),
                                    le16_to_cpu(sctrl->vfn) - 1);
    if (!vf || !NVME(vf)->hmlm) {
        trace_pci_nvme_err_hmlm_cntlid(cntlid);
        return NVME_INVALID_CTRL_ID | NVME_DNR;
    }

    *ctrl = NVME(vf);

    return (*ctrl)->hmlm->busy ? NVME_COMMAND_INTERRUPTED : NVME_SUCCESS;
}

/* Migration Send, Suspend */
static uint16_t hmlm_suspend(NvmeCtrl *ctrl, NvmeRequest *req)
{
    uint8_t stype = extract32(le32_to_cpu(req->cmd.cdw11), 16, 8);
    NvmeHmlm *hmlm = ctrl->hmlm;

    trace_pci_nvme_hmlm_suspend(ctrl->cntlid, stype, hmlm->phase);

    if (stype != NVME_STYPE_NOTIFY && stype != NVME_STYPE_SUSPEND) {
        return NVME_INVALID_FIELD | NVME_DNR;
    }

    switch (hmlm->phase) {
    case NVME_HMLM_SUSPENDED:
        return NVME_CTRL_SUSPENDED | NVME_DNR;
    case NVME_HMLM_SUSPENDING:
        /* one Suspend at a time: the other one is still waiting */
        return NVME_CMD_SEQ_ERROR | NVME_DNR;
    case NVME_HMLM_RUNNING:
        break;
    }

    /* nothing to prepare: the notification changes nothing here */
    if (stype == NVME_STYPE_NOTIFY) {
        return NVME_SUCCESS;
    }

    hmlm->phase = NVME_HMLM_SUSPENDING;
    hmlm->suspend_req = req;
    qemu_bh_schedule(hmlm->bh);

    return NVME_NO_COMPLETE;
}

/*
 * Migration Send, Resume. [?] Resume before a Suspend has completed cancels
 * that Suspend: the one way to give up on a controller that does not get
 * quiet without resetting it.
 */
static uint16_t hmlm_resume(NvmeCtrl *ctrl)
{
    trace_pci_nvme_hmlm_resume(ctrl->cntlid, ctrl->hmlm->phase);

    switch (ctrl->hmlm->phase) {
    case NVME_HMLM_RUNNING:
        return NVME_CTRL_NOT_SUSPENDED | NVME_DNR;
    case NVME_HMLM_SUSPENDING:
        hmlm_cancel_suspend(ctrl, NVME_CMD_ABORT_REQ);
        return NVME_SUCCESS;
    case NVME_HMLM_SUSPENDED:
        break;
    }

    nvme_hmlm_stage_drop(ctrl);
    nvme_hmlm_mem_accrue(ctrl);
    hmlm_go(ctrl);

    return NVME_SUCCESS;
}

static bool hmlm_offset_ok(uint64_t off, uint64_t len, uint64_t max)
{
    return off % 4 == 0 && off <= max && len <= max - off;
}

static uint64_t hmlm_cmd_offset(const NvmeCmd *cmd)
{
    return le32_to_cpu(cmd->cdw12) | (uint64_t)le32_to_cpu(cmd->cdw13) << 32;
}

/* Largest state this controller can send or take */
static uint64_t hmlm_state_max(NvmeCtrl *ctrl)
{
    return nvme_hmlm_image_max(ctrl) + ctrl->params.hmlm.mem_size;
}

static uint16_t hmlm_set_state_check(NvmeCtrl *ctrl, NvmeCmd *cmd)
{
    uint32_t dw11 = le32_to_cpu(cmd->cdw11);

    if (extract32(dw11, 16, 8) != NVME_HMLM_CSVI ||
        extract32(dw11, 24, 8) > NVME_HMLM_CSUUIDI_MAX) {
        return NVME_INVALID_FIELD | NVME_DNR;
    }

    if (!nvme_hmlm_suspended(ctrl)) {
        return NVME_CTRL_NOT_SUSPENDED | NVME_DNR;
    }

    /* it has to be reset or disabled first */
    if (NVME_CC_EN(ldl_le_p(&ctrl->bar.cc)) || ctrl->sq[0] || ctrl->cq[0]) {
        return NVME_CMD_SEQ_ERROR | NVME_DNR;
    }

    return NVME_SUCCESS;
}

/* Migration Send, Set Controller State. NUMD is not 0's based. */
static uint16_t hmlm_set_state(NvmeCtrl *n, NvmeCtrl *ctrl, NvmeRequest *req)
{
    uint8_t seqind = extract32(le32_to_cpu(req->cmd.cdw10), 16, 2);
    uint64_t len = (uint64_t)le32_to_cpu(req->cmd.cdw15) << 2;
    uint64_t off = hmlm_cmd_offset(&req->cmd);
    g_autofree uint8_t *buf = NULL;
    uint16_t status;

    trace_pci_nvme_hmlm_set_state(ctrl->cntlid, seqind, off, len);

    status = hmlm_set_state_check(ctrl, &req->cmd);
    if (status) {
        return status;
    }
    status = nvme_check_mdts(n, len);
    if (status) {
        return status;
    }
    if (!hmlm_offset_ok(off, len, hmlm_state_max(ctrl)) ||
        (seqind == NVME_SEQIND_ENTIRE && off)) {
        return NVME_INVALID_FIELD | NVME_DNR;
    }

    if (len) {
        buf = g_malloc(len);
        status = nvme_h2c(n, buf, len, req);
        if (status) {
            return status;
        }
    }

    if (seqind & NVME_SEQIND_FIRST) {
        nvme_hmlm_stage_begin(ctrl);
    } else if (!ctrl->hmlm->stage.active) {
        return NVME_CMD_SEQ_ERROR | NVME_DNR;
    }

    status = nvme_hmlm_stage_write(ctrl, off, buf, len);
    if (!status && (seqind & NVME_SEQIND_LAST)) {
        status = nvme_hmlm_stage_commit(ctrl);
        trace_pci_nvme_hmlm_set_done(ctrl->cntlid, status);
    }

    return status;
}

static uint16_t hmlm_migration_send(NvmeCtrl *n, NvmeRequest *req)
{
    uint8_t sel = extract32(le32_to_cpu(req->cmd.cdw10), 0, 8);
    uint16_t cntlid = extract32(le32_to_cpu(req->cmd.cdw11), 0, 16);
    NvmeCtrl *ctrl;
    uint16_t status;

    if (sel > NVME_MS_SEL_SET_STATE) {
        return NVME_INVALID_FIELD | NVME_DNR;
    }

    status = nvme_hmlm_find(n, cntlid, &ctrl);
    if (status) {
        return status;
    }

    switch (sel) {
    case NVME_MS_SEL_SUSPEND:
        return hmlm_suspend(ctrl, req);
    case NVME_MS_SEL_RESUME:
        return hmlm_resume(ctrl);
    default:
        return hmlm_set_state(n, ctrl, req);
    }
}

/*
 * Copy part of the state. Beyond its end zeros follow, so that a host may read
 * the size and the rest of a small state at once.
 */
static void hmlm_copy_state(NvmeCtrl *ctrl, GByteArray *image, uint64_t off,
                            uint8_t *buf, uint64_t len)
{
    uint64_t mstart = nvme_hmlm_mem_start(ctrl);
    uint64_t msize = ctrl->params.hmlm.mem_size;
    uint64_t end = off + len;

    while (off < end) {
        uint64_t chunk, src;

        if (msize && off >= mstart && off < mstart + msize) {
            chunk = MIN(end, mstart + msize) - off;
            nvme_hmlm_mem_read(ctrl, off - mstart, buf, chunk);
        } else {
            bool before = msize && off < mstart;

            chunk = (before ? MIN(end, mstart) : end) - off;
            src = before ? off : off - msize;
            memset(buf, 0, chunk);
            if (src < image->len) {
                memcpy(buf, image->data + src, MIN(chunk, image->len - src));
            }
        }

        off += chunk;
        buf += chunk;
    }
}

/* Migration Receive, Get Controller State. NUMD is 0's based. */
static uint16_t hmlm_migration_recv(NvmeCtrl *n, NvmeRequest *req)
{
    uint32_t dw10 = le32_to_cpu(req->cmd.cdw10);
    uint32_t dw11 = le32_to_cpu(req->cmd.cdw11);
    uint64_t len = ((uint64_t)le32_to_cpu(req->cmd.cdw15) + 1) << 2;
    uint64_t off = hmlm_cmd_offset(&req->cmd);
    g_autoptr(GByteArray) image = NULL;
    g_autofree uint8_t *buf = NULL;
    NvmeCtrl *ctrl;
    uint16_t status;

    if (extract32(dw10, 0, 8) != NVME_MR_SEL_GET_STATE ||
        extract32(dw10, 16, 8) != NVME_HMLM_CSVI ||
        extract32(dw11, 16, 8) > NVME_HMLM_CSUUIDI_MAX || off % 4) {
        return NVME_INVALID_FIELD | NVME_DNR;
    }

    status = nvme_hmlm_find(n, extract32(dw11, 0, 16), &ctrl);
    if (status) {
        return status;
    }
    status = nvme_check_mdts(n, len);
    if (status) {
        return status;
    }

    nvme_hmlm_mem_accrue(ctrl);
    image = nvme_hmlm_encode(ctrl);
    trace_pci_nvme_hmlm_get_state(ctrl->cntlid, off, len,
                                  nvme_hmlm_suspended(ctrl));
    if (off >= image->len + ctrl->params.hmlm.mem_size) {
        return NVME_INVALID_FIELD | NVME_DNR;
    }

    buf = g_malloc(len);
    hmlm_copy_state(ctrl, image, off, buf, len);
    req->cqe.result = cpu_to_le32(nvme_hmlm_suspended(ctrl));

    return nvme_c2h(n, buf, len, req);
}

/**
 * nvme_hmlm_admin_cmd - run a migration command
 * @n: the controlling controller
 * @req: a command whose opcode nvme_hmlm_init() declared supported
 *
 * Returns its status, or NVME_NO_COMPLETE.
 */
uint16_t nvme_hmlm_admin_cmd(NvmeCtrl *n, NvmeRequest *req)
{
    switch (req->cmd.opcode) {
    case NVME_ADM_CMD_MIGRATION_SEND:
        return hmlm_migration_send(n, req);
    case NVME_ADM_CMD_MIGRATION_RECV:
        return hmlm_migration_recv(n, req);
    case NVME_ADM_CMD_TRACK_SEND:
        return nvme_hmlm_track_send(n, req);
    case NVME_ADM_CMD_TRACK_RECV:
        return nvme_hmlm_track_recv(n, req);
    default:
        g_assert_not_reached();
    }
}
