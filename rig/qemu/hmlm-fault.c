/*
 * SPDX-License-Identifier: GPL-2.0-only
 *
 * Faults on demand: what a bad device would answer to admin commands of the
 * controlling controller. With its property hmlm-faults=on it has three
 * vendor-specific admin commands, none of which transfers data:
 *
 * E8h, Arm Fault: a rule. CQE DW0 returns its number, Not Enough Resources
 *   that HMLM_FAULT_RULES are armed already.
 *   CDW10  7:0 opcode the rule is for, below E0h
 *          15:8 its CDW10[7:0] (SEL of the migration commands, CNS of
 *          Identify), 16 whatever that is
 *          31:24 what happens: enum FaultAction
 *   CDW11  15:0 the CNTLID it names (CDW10[31:16] of Identify and
 *          Virtualization Management, CDW10[15:0], which is vf_index, of the
 *          command set IPU, else CDW11[15:0]), 16 whatever that is
 *   CDW12  the n-th match from now on is the first that suffers; 0 as 1
 *   CDW13  how many matches suffer; 0: all from there on
 *   CDW14, CDW15  parameters P and Q, see enum FaultAction
 * ECh, Disarm: CDW10 number of the rule, FFFFFFFFh: all. DW0 returns how often
 *   it, or all of them, fired. CDW11 bit 0: complete what is held, as aborted.
 * F0h, Count: CDW10 number of the rule. DW0 returns how often it fired, DW1 how
 *   many commands matched.
 *
 * All rules that a command matches apply, in the order of enum FaultAction.
 * Rules outlive every reset: a host that recovers from a fault meets the next.
 */

#include "qemu/osdep.h"
#include "qemu/timer.h"

#include "hmlm.h"
#include "trace.h"

#define HMLM_FAULT_RULES    16
#define HMLM_FAULT_ALL      0xffffffff

typedef enum FaultAction {
    /* before the command is carried out */
    FAULT_DELAY = 1,    /* it is carried out P ms later */
    FAULT_LINGER,       /* Suspend: not quiet for P ms more; 0: never */
    FAULT_CFS,          /* CSTS.CFS: nothing is completed or fetched any more */
    FAULT_EVENT,        /* as FAULT_HOLD, and the event Persistent Internal */
                        /* Error, for which a host resets the controller */
    FAULT_RESET,        /* the controller resets itself, CC.EN and RDY are 0 */
    FAULT_STATUS,       /* it ends with status P; Q bit 0: carried out before */
    FAULT_HOLD,         /* never completes; P bit 0: carried out before */
    /* the data it returns, P and Q in the data structure, from its start on */
    FAULT_GARBAGE,      /* noise of seed Q, from byte P on */
    FAULT_POKE,         /* P[31:24] bytes, 1 to 4, at P[23:0] become Q */
    FAULT_ADD,          /* Q is added to the 32 bits at P[23:0] */
    FAULT_SHORT,        /* only the first P bytes of the transfer are written */
    /* after it was carried out with success */
    FAULT_RESULT,       /* DW0 of the CQE becomes P where Q has ones */
    FAULT_ACTIONS,
} FaultAction;

typedef struct FaultRule {
    bool        armed;
    uint8_t     opcode;
    uint8_t     sel;
    bool        any_sel;
    uint16_t    cntlid;
    bool        any_cntlid;
    FaultAction action;
    uint32_t    first;          /* matches counted from 1 */
    uint32_t    times;          /* 0: for ever */
    uint32_t    p;
    uint32_t    q;
    uint32_t    matched;
    uint32_t    fired;
} FaultRule;

struct NvmeHmlmFaults {
    FaultRule    rules[HMLM_FAULT_RULES];
    NvmeRequest *current;       /* is being carried out, with these rules: */
    uint32_t     hits;
    GHashTable  *later;         /* request that completes later -> its rules */
    QEMUBH      *reset_bh;
};

static void fault_reset_bh(void *opaque)
{
    NvmeCtrl *n = opaque;

    nvme_ctrl_reset(n, NVME_RESET_CONTROLLER);
    n->bar.cc = 0;
    n->bar.csts = 0;
}

/**
 * nvme_hmlm_fault_init - offer the commands
 * @n: controlling controller
 */
void nvme_hmlm_fault_init(NvmeCtrl *n)
{
    NvmeHmlmFaults *f;

    if (!n->params.hmlm.faults) {
        return;
    }

    f = g_new0(NvmeHmlmFaults, 1);
    f->later = g_hash_table_new(g_direct_hash, g_direct_equal);
    f->reset_bh = qemu_bh_new_guarded(fault_reset_bh, n,
                                      &DEVICE(n)->mem_reentrancy_guard);
    n->hmlm->faults = f;
    n->cse.acs[NVME_ADM_CMD_HMLM_ARM] = NVME_CMD_EFF_CSUPP;
    n->cse.acs[NVME_ADM_CMD_HMLM_DISARM] = NVME_CMD_EFF_CSUPP;
    n->cse.acs[NVME_ADM_CMD_HMLM_COUNT] = NVME_CMD_EFF_CSUPP;
}

/**
 * nvme_hmlm_fault_exit - free what nvme_hmlm_fault_init() made
 * @n: controller, after its last reset
 */
void nvme_hmlm_fault_exit(NvmeCtrl *n)
{
    NvmeHmlmFaults *f = n->hmlm->faults;

    if (f) {
        g_hash_table_destroy(f->later);
        qemu_bh_delete(f->reset_bh);
        g_free(f);
        n->hmlm->faults = NULL;
    }
}

/**
 * nvme_hmlm_fault_drop - the controller loses its queues
 * @n: controller
 */
void nvme_hmlm_fault_drop(NvmeCtrl *n)
{
    NvmeHmlmFaults *f = n->hmlm->faults;

    if (f) {
        g_hash_table_remove_all(f->later);
        qemu_bh_cancel(f->reset_bh);
    }
    n->hmlm->dead = false;
}

static uint16_t fault_arm(NvmeHmlmFaults *f, NvmeRequest *req)
{
    const NvmeCmd *cmd = &req->cmd;
    uint32_t dw10 = le32_to_cpu(cmd->cdw10);
    uint32_t dw11 = le32_to_cpu(cmd->cdw11);
    FaultRule rule = {
        .armed = true,
        .opcode = extract32(dw10, 0, 8),
        .sel = extract32(dw10, 8, 8),
        .any_sel = extract32(dw10, 16, 1),
        .action = extract32(dw10, 24, 8),
        .cntlid = extract32(dw11, 0, 16),
        .any_cntlid = extract32(dw11, 16, 1),
        .first = le32_to_cpu(cmd->cdw12) ?: 1,
        .times = le32_to_cpu(cmd->cdw13),
        .p = le32_to_cpu(cmd->cdw14),
        .q = le32_to_cpu(cmd->cdw15),
    };

    if (!rule.action || rule.action >= FAULT_ACTIONS ||
        rule.opcode >= NVME_ADM_CMD_HMLM_TOUCH ||
        rule.opcode == NVME_ADM_CMD_ASYNC_EV_REQ ||
        (rule.action == FAULT_POKE && (!(rule.p >> 24) || rule.p >> 24 > 4)) ||
        (rule.action == FAULT_STATUS && rule.p & 0x8000)) {
        return NVME_INVALID_FIELD | NVME_DNR;
    }

    for (unsigned i = 0; i < HMLM_FAULT_RULES; i++) {
        if (!f->rules[i].armed) {
            f->rules[i] = rule;
            req->cqe.result = cpu_to_le32(i);
            trace_pci_nvme_hmlm_fault_arm(i, rule.opcode, rule.sel,
                                          rule.action, rule.p, rule.q);
            return NVME_SUCCESS;
        }
    }

    return NVME_NOT_ENOUGH_RESOURCES | NVME_DNR;
}

static uint16_t fault_disarm(NvmeCtrl *n, NvmeRequest *req)
{
    uint32_t which = le32_to_cpu(req->cmd.cdw10);
    NvmeHmlmFaults *f = n->hmlm->faults;
    uint32_t fired = 0;

    if (which >= HMLM_FAULT_RULES && which != HMLM_FAULT_ALL) {
        return NVME_INVALID_FIELD | NVME_DNR;
    }

    for (unsigned i = 0; i < HMLM_FAULT_RULES; i++) {
        if (which == i || which == HMLM_FAULT_ALL) {
            fired += f->rules[i].fired;
            f->rules[i] = (FaultRule) {};
        }
    }
    req->cqe.result = cpu_to_le32(fired);

    if (le32_to_cpu(req->cmd.cdw11) & 1) {
        nvme_hmlm_late_release(n);
    }

    return NVME_SUCCESS;
}

static uint16_t fault_count(NvmeHmlmFaults *f, NvmeRequest *req)
{
    uint32_t which = le32_to_cpu(req->cmd.cdw10);

    if (which >= HMLM_FAULT_RULES) {
        return NVME_INVALID_FIELD | NVME_DNR;
    }

    req->cqe.result = cpu_to_le32(f->rules[which].fired);
    req->cqe.dw1 = cpu_to_le32(f->rules[which].matched);

    return NVME_SUCCESS;
}

/**
 * nvme_hmlm_fault_cmd - run one of the commands of this file
 * @n: controlling controller
 * @req: the command
 *
 * Returns its status.
 */
uint16_t nvme_hmlm_fault_cmd(NvmeCtrl *n, NvmeRequest *req)
{
    switch (req->cmd.opcode) {
    case NVME_ADM_CMD_HMLM_ARM:
        return fault_arm(n->hmlm->faults, req);
    case NVME_ADM_CMD_HMLM_DISARM:
        return fault_disarm(n, req);
    default:
        return fault_count(n->hmlm->faults, req);
    }
}

static bool fault_is_ipu(const NvmeCmd *cmd)
{
    return cmd->opcode >= NVME_ADM_CMD_IPU_QUERY &&
           cmd->opcode <= NVME_ADM_CMD_IPU_LOAD;
}

static uint16_t fault_cntlid(const NvmeCmd *cmd)
{
    switch (cmd->opcode) {
    case NVME_ADM_CMD_IDENTIFY:
    case NVME_ADM_CMD_VIRT_MNGMT:
        return le32_to_cpu(cmd->cdw10) >> 16;
    case NVME_ADM_CMD_IPU_QUERY ... NVME_ADM_CMD_IPU_LOAD:
        return le32_to_cpu(cmd->cdw10) & 0xffff;
    default:
        return le32_to_cpu(cmd->cdw11) & 0xffff;
    }
}

/* The rules that fire for this command, as bits; counts it as a match. */
static uint32_t fault_match(NvmeHmlmFaults *f, const NvmeCmd *cmd)
{
    uint32_t hits = 0;

    for (unsigned i = 0; i < HMLM_FAULT_RULES; i++) {
        FaultRule *r = &f->rules[i];

        if (!r->armed || r->opcode != cmd->opcode ||
            (!r->any_sel && r->sel != (le32_to_cpu(cmd->cdw10) & 0xff)) ||
            (!r->any_cntlid && r->cntlid != fault_cntlid(cmd))) {
            continue;
        }

        r->matched++;
        if (r->matched < r->first ||
            (r->times && r->matched - r->first >= r->times)) {
            continue;
        }
        r->fired++;
        hits |= 1u << i;
        trace_pci_nvme_hmlm_fault_fire(i, cmd->opcode, r->action);
    }

    return hits;
}

/* The first of these rules that does @action */
static const FaultRule *fault_of(const NvmeHmlmFaults *f, uint32_t hits,
                                 FaultAction action)
{
    for (unsigned i = 0; i < HMLM_FAULT_RULES; i++) {
        if (hits & (1u << i) && f->rules[i].action == action) {
            return &f->rules[i];
        }
    }

    return NULL;
}

static void fault_linger(NvmeCtrl *n, const NvmeCmd *cmd, uint32_t ms)
{
    NvmeCtrl *ctrl;
    uint16_t status = fault_is_ipu(cmd) ?
                      nvme_hmlm_ipu_find(n, cmd, &ctrl) :
                      nvme_hmlm_find(n, fault_cntlid(cmd), &ctrl);

    if (status == NVME_SUCCESS) {
        nvme_hmlm_linger(ctrl, ms);
    }
}

/* Faults after which the command is not carried out; false if there is none */
static bool fault_instead(NvmeCtrl *n, NvmeRequest *req, uint32_t hits,
                          uint16_t *status)
{
    const NvmeHmlmFaults *f = n->hmlm->faults;
    const FaultRule *r;

    *status = NVME_NO_COMPLETE;
    if (fault_of(f, hits, FAULT_CFS)) {
        n->bar.csts |= cpu_to_le32(NVME_CSTS_FAILED);
        n->hmlm->dead = true;
        nvme_hmlm_late_drop(n);
        return true;
    }
    if (fault_of(f, hits, FAULT_EVENT)) {
        nvme_hmlm_late(n, req, NVME_HMLM_NEVER, 0);
        nvme_enqueue_event(n, NVME_AER_TYPE_ERROR,
                           NVME_AER_INFO_ERR_PERS_INTERNAL_ERR,
                           NVME_LOG_ERROR_INFO);
        return true;
    }
    if (fault_of(f, hits, FAULT_RESET)) {
        n->hmlm->dead = true;
        qemu_bh_schedule(f->reset_bh);
        return true;
    }

    r = fault_of(f, hits, FAULT_STATUS);
    if (r && !(r->q & 1)) {
        *status = r->p;
        return true;
    }
    r = fault_of(f, hits, FAULT_HOLD);
    if (r && !(r->p & 1)) {
        nvme_hmlm_late(n, req, NVME_HMLM_NEVER, 0);
        return true;
    }

    return false;
}

/*
 * Faults of a command that was carried out with @status.
 *
 * Returns the status it ends with, or NVME_NO_COMPLETE if it does not.
 */
static uint16_t fault_after(NvmeCtrl *n, NvmeRequest *req, uint32_t hits,
                            uint16_t status)
{
    const NvmeHmlmFaults *f = n->hmlm->faults;
    const FaultRule *r;

    if (status) {
        return status;
    }

    r = fault_of(f, hits, FAULT_RESULT);
    if (r) {
        uint32_t dw0 = le32_to_cpu(req->cqe.result);

        req->cqe.result = cpu_to_le32((dw0 & ~r->q) | (r->p & r->q));
    }
    if (fault_of(f, hits, FAULT_HOLD)) {
        return nvme_hmlm_late(n, req, NVME_HMLM_NEVER, 0);
    }
    r = fault_of(f, hits, FAULT_STATUS);

    return r ? r->p : NVME_SUCCESS;
}

/**
 * nvme_hmlm_fault_run - carry out a command that meets faults, its delay over
 * @n: controlling controller
 * @req: the command
 * @hits: the rules
 *
 * Returns its status, or NVME_NO_COMPLETE.
 */
uint16_t nvme_hmlm_fault_run(NvmeCtrl *n, NvmeRequest *req, uint32_t hits)
{
    NvmeHmlmFaults *f = n->hmlm->faults;
    const FaultRule *r = fault_of(f, hits, FAULT_LINGER);
    uint16_t status;

    if (r) {
        fault_linger(n, &req->cmd, r->p);
    }
    if (fault_instead(n, req, hits, &status)) {
        return status;
    }

    f->current = req;
    f->hits = hits;
    status = nvme_admin_cmd(n, req);
    f->current = NULL;

    if (status == NVME_NO_COMPLETE) {
        /* all other commands that do so are not completed by our files */
        if (req->cmd.opcode == NVME_ADM_CMD_MIGRATION_SEND ||
            req->cmd.opcode == NVME_ADM_CMD_MIGRATION_RECV ||
            fault_is_ipu(&req->cmd)) {
            g_hash_table_insert(f->later, req, GUINT_TO_POINTER(hits));
        }
        return status;
    }

    return fault_after(n, req, hits, status);
}

/**
 * nvme_hmlm_fault_admin - an admin command was fetched
 * @n: controlling controller with hmlm-faults=on
 * @req: the command
 *
 * Returns its status, or NVME_NO_COMPLETE.
 */
uint16_t nvme_hmlm_fault_admin(NvmeCtrl *n, NvmeRequest *req)
{
    uint32_t hits = fault_match(n->hmlm->faults, &req->cmd);
    const FaultRule *delay = fault_of(n->hmlm->faults, hits, FAULT_DELAY);

    if (!hits) {
        return nvme_admin_cmd(n, req);
    }
    if (delay) {
        int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);

        return nvme_hmlm_late(n, req, now + delay->p * (int64_t)SCALE_MS, hits);
    }

    return nvme_hmlm_fault_run(n, req, hits);
}

/**
 * nvme_hmlm_fault_complete - a command that ran for a while is through
 * @n: controlling controller
 * @req: the command, its status set
 *
 * Returns true if it may be completed, with what is in @req now.
 */
bool nvme_hmlm_fault_complete(NvmeCtrl *n, NvmeRequest *req)
{
    NvmeHmlmFaults *f = n->hmlm->faults;
    uint32_t hits;
    uint16_t status;

    if (!f) {
        return true;
    }

    hits = GPOINTER_TO_UINT(g_hash_table_lookup(f->later, req));
    g_hash_table_remove(f->later, req);
    if (!hits) {
        return true;
    }

    status = fault_after(n, req, hits, req->status);
    if (status == NVME_NO_COMPLETE) {
        return false;
    }
    req->status = status;

    return true;
}

/**
 * nvme_hmlm_fault_data - does the data of this command suffer?
 * @n: controller
 * @req: command that is about to return data
 */
bool nvme_hmlm_fault_data(NvmeCtrl *n, const NvmeRequest *req)
{
    return n->hmlm && n->hmlm->faults && n->hmlm->faults->current == req;
}

/* Apply one rule to [@base, @base + @len) of the data structure. */
static void fault_spoil(const FaultRule *r, uint64_t base, uint8_t *data,
                        uint64_t len)
{
    uint64_t at = r->p & 0xffffff;
    uint32_t value = r->q;
    unsigned width = r->action == FAULT_POKE ? r->p >> 24 : 4;

    if (r->action == FAULT_GARBAGE) {
        g_autoptr(GRand) noise = g_rand_new_with_seed(r->q);

        for (uint64_t i = 0; i < len; i++) {
            if (base + i >= r->p) {
                data[i] = g_rand_int(noise);
            }
        }
        return;
    }

    if (at < base || at + width > base + len) {
        return;
    }
    if (r->action == FAULT_ADD) {
        value += ldl_le_p(data + at - base);
    }
    for (unsigned i = 0; i < width; i++) {
        data[at - base + i] = value >> (8 * i);
    }
}

/**
 * nvme_hmlm_fault_c2h - return the data of a command, spoilt
 * @n: controller
 * @ptr: data; left as it is
 * @len: bytes
 * @req: command for which nvme_hmlm_fault_data() is true
 *
 * Returns a status.
 */
uint16_t nvme_hmlm_fault_c2h(NvmeCtrl *n, const void *ptr, uint32_t len,
                             NvmeRequest *req)
{
    NvmeHmlmFaults *f = n->hmlm->faults;
    g_autofree uint8_t *data = g_memdup2(ptr, len);
    const FaultRule *cut = fault_of(f, f->hits, FAULT_SHORT);
    /* the one command here whose data is a part of a larger structure */
    bool part = req->cmd.opcode == NVME_ADM_CMD_MIGRATION_RECV;
    uint64_t base = part ? nvme_hmlm_cmd_offset(&req->cmd) : 0;

    for (int action = FAULT_GARBAGE; action <= FAULT_ADD; action++) {
        for (unsigned i = 0; i < HMLM_FAULT_RULES; i++) {
            if (f->hits & (1u << i) && f->rules[i].action == action) {
                fault_spoil(&f->rules[i], base, data, len);
            }
        }
    }

    f->current = NULL;
    if (cut) {
        len = MIN(len, cut->p);
    }

    return len ? nvme_c2h(n, data, len, req) : NVME_SUCCESS;
}
