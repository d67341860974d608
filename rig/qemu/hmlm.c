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
 *                       secondary controller has after a reset and that travel
 *                       in its state; 0 to 4G, a multiple of 4, default 0. See
 *                       hmlm-mem.c.
 *   hmlm-mem-max=N      The most it can grow to by command, or be loaded with;
 *                       at least hmlm-mem-size, which is the default.
 *   hmlm-mem-rate=N     4 KiB blocks of it that change per second while the
 *                       controller is not suspended; default 256.
 *   hmlm-churn=on|off   Offer the commands that change it: hmlm-churn.c.
 * Those of other files: hmlm-fault.c, hmlm-ipu.c, hmlm-late.c, hmlm-page.c,
 * hmlm-peer.c, hmlm-track.c.
 *
 * The files: hmlm-vsd.h tells the format of the vendor-specific data,
 * hmlm-encode.c writes and hmlm-decode.c checks and loads a state,
 * hmlm-stage.c collects one that comes in pieces, hmlm-track.c tells which host
 * memory a function wrote, hmlm-late.c lets commands wait, hmlm-fault.c lets
 * them fail.
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
 * The specification names none; this one says what holds afterwards.
 */
#define HMLM_SC_RESET_IN_SUSPEND    NVME_CTRL_NOT_SUSPENDED

/* Has this controller to do with migration at all? */
static bool hmlm_wanted(const NvmeCtrl *n)
{
    return n->params.hmlm.on || n->params.hmlm.ipu || n->params.hmlm.page ||
           n->params.hmlm.controlled_by != NVME_HMLM_NOBODY;
}

static bool hmlm_check_mem_params(NvmeCtrl *n, Error **errp)
{
    uint64_t size = n->params.hmlm.mem_size;
    uint64_t *max = &n->params.hmlm.mem_max;

    if (!*max) {
        *max = size;
    }
    if (*max && !hmlm_wanted(n)) {
        error_setg(errp, "hmlm-mem-size and hmlm-mem-max need a controller"
                   " that can be migrated: hmlm=on, hmlm-ipu=on, hmlm-page=on"
                   " or hmlm-controlled-by");
        return false;
    }
    if (size > *max || *max > NVME_HMLM_MEM_MAX || size % 4 || *max % 4) {
        error_setg(errp, "hmlm-mem-size is %" PRIu64 " and hmlm-mem-max is %"
                   PRIu64 "; expected multiples of 4, size <= max <= %llu",
                   size, *max, NVME_HMLM_MEM_MAX);
        return false;
    }

    return true;
}

/**
 * nvme_hmlm_check_params - check the hmlm* properties
 * @n: controller, before it is set up
 * @errp: error
 *
 * Returns false, with @errp set, if a property is out of range.
 */
bool nvme_hmlm_check_params(NvmeCtrl *n, Error **errp)
{
    if (n->params.hmlm.page && (n->params.hmlm.ipu || n->params.hmlm.on)) {
        error_setg(errp, "hmlm-page=on: a function with a control page has no"
                   " other way; take hmlm=off and hmlm-ipu=off");
        return false;
    }
    if (n->params.hmlm.controlled_by != NVME_HMLM_NOBODY &&
        (n->params.hmlm.on || n->params.hmlm.ipu || n->params.hmlm.page)) {
        error_setg(errp, "hmlm-controlled-by: a controller that another one"
                   " controls cannot control others itself; take hmlm=off,"
                   " hmlm-ipu=off and hmlm-page=off");
        return false;
    }

    if (hmlm_wanted(n) && nvme_hmlm_image_max(n) > HMLM_IMAGE_LIMIT) {
        error_setg(errp, "live migration: with these queues and events the"
                   " state of a controller can be %" PRIu64 " bytes, more than"
                   " %llu;"
                   " lower max_ioqpairs, mqes or aer_max_queued",
                   nvme_hmlm_image_max(n), HMLM_IMAGE_LIMIT);
        return false;
    }

    return hmlm_check_mem_params(n, errp) &&
           nvme_hmlm_track_check_params(n, errp);
}

/* Can this controller control others, if only for tests? */
static bool hmlm_controls(NvmeCtrl *n)
{
    return !pci_is_vf(PCI_DEVICE(n)) &&
           n->params.hmlm.controlled_by == NVME_HMLM_NOBODY;
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

/* Offer the standard set of commands. */
static void hmlm_init_standard(NvmeCtrl *n)
{
    n->id_ctrl.oacs |= cpu_to_le16(NVME_OACS_HMLMS);
    hmlm_init_limits(&n->id_ctrl);
    nvme_hmlm_track_init(n);
    n->cse.acs[NVME_ADM_CMD_MIGRATION_SEND] = NVME_CMD_EFF_CSUPP;
    n->cse.acs[NVME_ADM_CMD_MIGRATION_RECV] = NVME_CMD_EFF_CSUPP;
}

static void hmlm_check_quiet(void *opaque);
static void hmlm_linger_over(void *opaque);

/**
 * nvme_hmlm_init - prepare a controller to control or to be controlled
 * @n: controller whose Identify data and command table are set up
 */
void nvme_hmlm_init(NvmeCtrl *n)
{
    if (!hmlm_wanted(n)) {
        return;
    }

    n->hmlm = g_new0(NvmeHmlm, 1);
    n->hmlm->bh = qemu_bh_new_guarded(hmlm_check_quiet, n,
                                      &DEVICE(n)->mem_reentrancy_guard);
    n->hmlm->linger_timer = timer_new_ms(QEMU_CLOCK_VIRTUAL, hmlm_linger_over,
                                         n);
    nvme_hmlm_mem_reset(n);

    if (pci_is_vf(PCI_DEVICE(n))) {
        nvme_hmlm_page_init(n);
    }
    if (!hmlm_controls(n)) {
        return;
    }

    nvme_hmlm_late_init(n);
    nvme_hmlm_churn_init(n);
    nvme_hmlm_fault_init(n);
    nvme_hmlm_ipu_init(n);
    if (n->params.hmlm.on) {
        hmlm_init_standard(n);
    }
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
    nvme_hmlm_late_exit(n);
    nvme_hmlm_fault_exit(n);
    nvme_hmlm_page_exit(n);
    nvme_hmlm_mem_free(n);
    timer_free(n->hmlm->linger_timer);
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

    if (!n->hmlm || !n->params.hmlm.on || !hmlm_controls(n)) {
        return NVME_INVALID_FIELD | NVME_DNR;
    }

    data[0] = NVME_HMLM_CSVI_MAX;
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
    if (n->hmlm->linger) {
        return false;
    }

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
    nvme_hmlm_complete(nvme_ctrl(req), req);
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

static void hmlm_linger_end(NvmeCtrl *n)
{
    n->hmlm->linger = false;
    timer_del(n->hmlm->linger_timer);
}

static void hmlm_linger_over(void *opaque)
{
    NvmeCtrl *n = opaque;

    hmlm_linger_end(n);
    nvme_hmlm_progress(n);
}

/**
 * nvme_hmlm_linger - do not become quiet for some time
 * @n: controller, about to be told to suspend
 * @ms: how long; 0: until Resume, Abort or a reset ends it
 */
void nvme_hmlm_linger(NvmeCtrl *n, uint32_t ms)
{
    if (n->hmlm->phase != NVME_HMLM_RUNNING) {
        return;
    }

    n->hmlm->linger = true;
    if (ms) {
        timer_mod(n->hmlm->linger_timer,
                  qemu_clock_get_ms(QEMU_CLOCK_VIRTUAL) + ms);
    }
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
    hmlm_linger_end(n);
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

/*
 * The controlling controller is reset: what it suspended goes on, and it tracks
 * nothing any more. Its VFs go offline with it, which does the same; a request
 * that waits for one of them has no queue to be completed in.
 */
static void hmlm_let_go(NvmeCtrl *n)
{
    uint32_t at = 0;
    NvmeCtrl *ctrl;

    while ((ctrl = nvme_hmlm_next(n, &at))) {
        ctrl->hmlm->suspend_req = NULL;
        nvme_hmlm_track_drop(ctrl);
        if (!pci_is_vf(PCI_DEVICE(ctrl)) &&
            ctrl->hmlm->phase != NVME_HMLM_RUNNING) {
            nvme_hmlm_go(ctrl);
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
    hmlm_let_go(n);
    nvme_hmlm_late_drop(n);
    nvme_hmlm_fault_drop(n);
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
    hmlm_linger_end(n);
    if (pci_is_vf(PCI_DEVICE(n)) && !nvme_sctrl(n)->scs) {
        nvme_hmlm_track_drop(n);
    }
    hmlm->kept_admin_sq_db = hmlm->kept_admin_cq_db = false;
    bitmap_zero(hmlm->irq_pending, NVME_HMLM_MAX_VECTORS);
    nvme_hmlm_stage_drop(n);
    nvme_hmlm_mem_reset(n);
    nvme_hmlm_page_reset(n);
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
 * Returns true if @req was a waiting Suspend, or waits for its time: it is
 * completed as aborted, and the controlled function runs on.
 */
bool nvme_hmlm_abort(NvmeCtrl *n, NvmeRequest *req)
{
    uint32_t at = 0;
    NvmeCtrl *ctrl;

    if (!n->hmlm) {
        return false;
    }

    while ((ctrl = nvme_hmlm_next(n, &at))) {
        if (ctrl->hmlm->suspend_req == req) {
            hmlm_cancel_suspend(ctrl, NVME_CMD_ABORT_REQ);
            return true;
        }
    }

    return nvme_hmlm_late_abort(n, req);
}

/**
 * nvme_hmlm_find - find a controlled controller
 * @n: the controlling controller
 * @cntlid: the identifier
 * @ctrl: set on success
 *
 * Only one that @n controls and that is online qualifies; which of the two it
 * is not, is not told.
 *
 * Returns a status.
 */
uint16_t nvme_hmlm_find(NvmeCtrl *n, uint16_t cntlid, NvmeCtrl **ctrl)
{
    NvmeCtrl *found = nvme_subsys_ctrl(n->subsys, cntlid);

    if (!found || !found->hmlm || nvme_hmlm_controller(found) != n ||
        (pci_is_vf(PCI_DEVICE(found)) && !nvme_sctrl(found)->scs)) {
        trace_pci_nvme_err_hmlm_cntlid(cntlid);
        return NVME_INVALID_CTRL_ID | NVME_DNR;
    }

    *ctrl = found;

    return found->hmlm->busy ? NVME_COMMAND_INTERRUPTED : NVME_SUCCESS;
}

/**
 * nvme_hmlm_stop - suspend a controller
 * @n: controlled controller
 * @req: command that completes when it is suspended; NULL if there is none
 *
 * Returns NVME_NO_COMPLETE if it is on its way, else a status.
 */
uint16_t nvme_hmlm_stop(NvmeCtrl *n, NvmeRequest *req)
{
    NvmeHmlm *hmlm = n->hmlm;

    switch (hmlm->phase) {
    case NVME_HMLM_SUSPENDED:
        return NVME_CTRL_SUSPENDED | NVME_DNR;
    case NVME_HMLM_SUSPENDING:
        /* one Suspend at a time: the other one is still waiting */
        return NVME_CMD_SEQ_ERROR | NVME_DNR;
    case NVME_HMLM_RUNNING:
        break;
    }

    hmlm->phase = NVME_HMLM_SUSPENDING;
    hmlm->suspend_req = req;
    qemu_bh_schedule(hmlm->bh);

    return NVME_NO_COMPLETE;
}

/* Migration Send, Suspend */
static uint16_t hmlm_suspend(NvmeCtrl *ctrl, NvmeRequest *req)
{
    uint8_t stype = extract32(le32_to_cpu(req->cmd.cdw11), 16, 8);

    trace_pci_nvme_hmlm_suspend(ctrl->cntlid, stype, ctrl->hmlm->phase);

    if (stype != NVME_STYPE_NOTIFY && stype != NVME_STYPE_SUSPEND) {
        return NVME_INVALID_FIELD | NVME_DNR;
    }

    /*
     * Nothing to prepare: the notification changes nothing here. And it is no
     * error to suspend what is suspended.
     */
    if (stype == NVME_STYPE_NOTIFY || nvme_hmlm_suspended(ctrl)) {
        return NVME_SUCCESS;
    }

    return nvme_hmlm_stop(ctrl, req);
}

/**
 * nvme_hmlm_go - resume a controller
 * @ctrl: controlled controller
 *
 * [?] Resume before a Suspend has completed cancels that Suspend: the one way
 * to give up on a controller that does not get quiet without resetting it.
 *
 * Returns a status.
 */
uint16_t nvme_hmlm_go(NvmeCtrl *ctrl)
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

/**
 * nvme_hmlm_disable - reset a suspended controller, and leave it suspended
 * @n: controlled controller
 */
void nvme_hmlm_disable(NvmeCtrl *n)
{
    nvme_ctrl_reset(n, NVME_RESET_CONTROLLER);
    n->bar.cc = 0;
    n->bar.csts = 0;
    n->hmlm->suspended_ms = qemu_clock_get_ms(QEMU_CLOCK_VIRTUAL);
    n->hmlm->phase = NVME_HMLM_SUSPENDED;
}

/**
 * nvme_hmlm_loadable - may a state be loaded now?
 * @n: controlled controller
 *
 * Returns a status.
 */
uint16_t nvme_hmlm_loadable(NvmeCtrl *n)
{
    if (!nvme_hmlm_suspended(n)) {
        return NVME_CTRL_NOT_SUSPENDED | NVME_DNR;
    }

    /* it has to be reset or disabled first */
    if (NVME_CC_EN(ldl_le_p(&n->bar.cc)) || n->sq[0] || n->cq[0]) {
        return NVME_CMD_SEQ_ERROR | NVME_DNR;
    }

    return NVME_SUCCESS;
}

/**
 * nvme_hmlm_load - load a state that came as a whole
 * @n: controlled controller, nvme_hmlm_loadable()
 * @state: the state
 * @len: its length
 *
 * Returns a status; unless that is Success, the controller is as before.
 */
uint16_t nvme_hmlm_load(NvmeCtrl *n, const uint8_t *state, uint64_t len)
{
    uint16_t status;

    nvme_hmlm_stage_begin(n);
    status = nvme_hmlm_stage_write(n, 0, state, len);

    return status ? status :
           nvme_hmlm_stage_commit(n, len, nvme_hmlm_all_parts);
}

static bool hmlm_offset_ok(uint64_t off, uint64_t len, uint64_t max)
{
    return off % 4 == 0 && off <= max && len <= max - off;
}

/**
 * nvme_hmlm_cmd_offset - offset that Get or Set Controller State names
 * @cmd: the command
 *
 * Returns it in bytes.
 */
uint64_t nvme_hmlm_cmd_offset(const NvmeCmd *cmd)
{
    return le32_to_cpu(cmd->cdw12) | (uint64_t)le32_to_cpu(cmd->cdw13) << 32;
}

/* Largest state this controller can send or take */
static uint64_t hmlm_state_max(NvmeCtrl *ctrl)
{
    return nvme_hmlm_image_max(ctrl) + ctrl->params.hmlm.mem_max;
}

/* Is there a queue besides the admin queues? */
static bool hmlm_has_io_queues(NvmeCtrl *n)
{
    for (uint32_t i = 1; i <= n->params.max_ioqpairs; i++) {
        if (n->sq[i] || n->cq[i]) {
            return true;
        }
    }

    return false;
}

/*
 * May a state be set now, and is it named as it can be? The specification also
 * has it for a controller that is enabled or offline, but not suspended; such a
 * one is refused here.
 */
static uint16_t hmlm_set_state_check(NvmeCtrl *ctrl, NvmeCmd *cmd,
                                     NvmeHmlmParts parts, uint8_t seqind)
{
    if (parts.csvi > NVME_HMLM_CSVI_MAX ||
        parts.csuuidi > NVME_HMLM_CSUUIDI_MAX ||
        (!parts.csvi && !parts.csuuidi)) {
        return NVME_INVALID_FIELD | NVME_DNR;
    }
    if (!nvme_hmlm_suspended(ctrl)) {
        return NVME_INVALID_CTRL_ID | NVME_DNR;
    }
    if (hmlm_has_io_queues(ctrl)) {
        return NVME_INVALID_FIELD | NVME_DNR;
    }
    /* only the last of several may have no data */
    if (!cmd->cdw15 && seqind != NVME_SEQIND_LAST) {
        return NVME_INVALID_FIELD | NVME_DNR;
    }

    return NVME_SUCCESS;
}

/* Migration Send, Set Controller State. NUMD is not 0's based. */
static uint16_t hmlm_set_state(NvmeCtrl *n, NvmeCtrl *ctrl, NvmeRequest *req)
{
    uint32_t dw11 = le32_to_cpu(req->cmd.cdw11);
    NvmeHmlmParts parts = { extract32(dw11, 16, 8), extract32(dw11, 24, 8) };
    uint8_t seqind = extract32(le32_to_cpu(req->cmd.cdw10), 16, 2);
    uint64_t len = (uint64_t)le32_to_cpu(req->cmd.cdw15) << 2;
    uint64_t off = nvme_hmlm_cmd_offset(&req->cmd);
    g_autofree uint8_t *buf = NULL;
    uint16_t status;

    trace_pci_nvme_hmlm_set_state(ctrl->cntlid, seqind, off, len);

    status = hmlm_set_state_check(ctrl, &req->cmd, parts, seqind);
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
        status = nvme_hmlm_stage_commit(ctrl, len ? off + len : 0, parts);
        trace_pci_nvme_hmlm_set_done(ctrl->cntlid, status);
    }

    return status ? status : nvme_hmlm_pace(n, req, len);
}

/*
 * Migration Send, Resume. A state that came in part has to be completed, or a
 * reset has to end it with the suspension.
 */
static uint16_t hmlm_resume(NvmeCtrl *ctrl)
{
    if (nvme_hmlm_suspended(ctrl) && ctrl->hmlm->stage.active) {
        return NVME_CMD_SEQ_ERROR | NVME_DNR;
    }

    return nvme_hmlm_go(ctrl);
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
 * Copy part of the state, of which @msize bytes are device memory. Beyond its
 * end zeros follow, so that a host may read the size and the rest of a small
 * state at once.
 */
static void hmlm_copy_state(NvmeCtrl *ctrl, GByteArray *image, uint64_t msize,
                            uint64_t off, uint8_t *buf, uint64_t len)
{
    uint64_t mstart = nvme_hmlm_mem_start(ctrl);
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

/**
 * nvme_hmlm_save - the whole state of a controller
 * @n: controlled controller
 * @max: bytes it may have
 *
 * Returns the state, which the caller frees; NULL if it is larger.
 */
GByteArray *nvme_hmlm_save(NvmeCtrl *n, uint64_t max)
{
    g_autoptr(GByteArray) image = nvme_hmlm_encode(n, nvme_hmlm_all_parts);
    uint64_t len = image->len + n->hmlm->mem.size;
    GByteArray *state;

    if (len > max) {
        return NULL;
    }

    state = g_byte_array_sized_new(len);
    g_byte_array_set_size(state, len);
    hmlm_copy_state(n, image, n->hmlm->mem.size, 0, state->data, len);

    return state;
}

/* Migration Receive, Get Controller State. NUMD is 0's based. */
static uint16_t hmlm_migration_recv(NvmeCtrl *n, NvmeRequest *req)
{
    uint32_t dw10 = le32_to_cpu(req->cmd.cdw10);
    uint32_t dw11 = le32_to_cpu(req->cmd.cdw11);
    uint64_t len = ((uint64_t)le32_to_cpu(req->cmd.cdw15) + 1) << 2;
    uint64_t off = nvme_hmlm_cmd_offset(&req->cmd);
    NvmeHmlmParts parts = { extract32(dw10, 16, 8), extract32(dw11, 16, 8) };
    g_autoptr(GByteArray) image = NULL;
    g_autofree uint8_t *buf = NULL;
    uint64_t mem_size;
    NvmeCtrl *ctrl;
    uint16_t status;

    if (extract32(dw10, 0, 8) != NVME_MR_SEL_GET_STATE ||
        parts.csvi > NVME_HMLM_CSVI_MAX ||
        parts.csuuidi > NVME_HMLM_CSUUIDI_MAX || off % 4) {
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
    image = nvme_hmlm_encode(ctrl, parts);
    mem_size = parts.csuuidi ? ctrl->hmlm->mem.size : 0;
    trace_pci_nvme_hmlm_get_state(ctrl->cntlid, off, len,
                                  nvme_hmlm_suspended(ctrl));
    if (off > image->len + mem_size) {
        return NVME_INVALID_FIELD | NVME_DNR;
    }

    buf = g_malloc(len);
    hmlm_copy_state(ctrl, image, mem_size, off, buf, len);
    req->cqe.result = cpu_to_le32(nvme_hmlm_suspended(ctrl));
    status = nvme_c2h(n, buf, len, req);

    return status ? status : nvme_hmlm_pace(n, req, len);
}

/**
 * nvme_hmlm_admin - an admin command was fetched
 * @n: controller, any
 * @req: the command
 *
 * Returns its status, or NVME_NO_COMPLETE.
 */
uint16_t nvme_hmlm_admin(NvmeCtrl *n, NvmeRequest *req)
{
    return n->hmlm && n->hmlm->faults ? nvme_hmlm_fault_admin(n, req) :
                                        nvme_admin_cmd(n, req);
}

/**
 * nvme_hmlm_complete - a command that ran for a while is through
 * @n: controller whose admin queue it came by
 * @req: the command, its status set
 */
void nvme_hmlm_complete(NvmeCtrl *n, NvmeRequest *req)
{
    if (nvme_hmlm_fault_complete(n, req)) {
        nvme_enqueue_req_completion(&n->admin_cq, req);
    }
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
    case NVME_ADM_CMD_HMLM_TOUCH:
    case NVME_ADM_CMD_HMLM_RESIZE:
        return nvme_hmlm_churn(n, req);
    case NVME_ADM_CMD_HMLM_ARM:
    case NVME_ADM_CMD_HMLM_DISARM:
    case NVME_ADM_CMD_HMLM_COUNT:
        return nvme_hmlm_fault_cmd(n, req);
    case NVME_ADM_CMD_IPU_QUERY:
    case NVME_ADM_CMD_IPU_SUSPEND:
    case NVME_ADM_CMD_IPU_RESUME:
    case NVME_ADM_CMD_IPU_SAVE:
    case NVME_ADM_CMD_IPU_LOAD:
        return nvme_hmlm_ipu_cmd(n, req);
    default:
        g_assert_not_reached();
    }
}
