/*
 * SPDX-License-Identifier: GPL-2.0-only
 *
 * Admin commands of the controlling controller that take their time.
 *
 * Properties of the PF:
 *   hmlm-bandwidth=N  Bytes per second that all Get and Set Controller State
 *                     and Track Receive commands of this PF share: their
 *                     transfers go one after the other. 0, the default: as
 *                     fast as the emulator can.
 *   hmlm-latency=N    Microseconds that each of them takes besides; those of
 *                     commands in flight together overlap. Default 0.
 *
 * So a host with one command at a time gets less than the bandwidth, and one
 * with several in flight gets all of it, as with a real device. The command is
 * carried out when it is fetched; only its completion waits.
 */

#include "qemu/osdep.h"
#include "qemu/host-utils.h"
#include "qemu/timer.h"

#include "hmlm.h"
#include "trace.h"

typedef struct NvmeHmlmLate {
    NvmeRequest *req;
    int64_t due;                /* QEMU_CLOCK_VIRTUAL, ns */
    uint32_t faults;            /* carry it out then, with these faults */
} NvmeHmlmLate;

static NvmeHmlmLate *late_first(NvmeHmlmLateness *l)
{
    return g_queue_peek_head(l->queue);
}

static void late_arm(NvmeHmlmLateness *l)
{
    NvmeHmlmLate *first = late_first(l);

    if (first && first->due != NVME_HMLM_NEVER) {
        timer_mod(l->timer, first->due);
    } else {
        timer_del(l->timer);
    }
}

static void late_finish(NvmeCtrl *n, NvmeHmlmLate *late)
{
    NvmeRequest *req = late->req;
    uint32_t faults = late->faults;
    uint16_t status;

    g_free(late);
    if (!faults) {
        nvme_hmlm_complete(n, req);
        return;
    }

    status = nvme_hmlm_fault_run(n, req, faults);
    if (status != NVME_NO_COMPLETE) {
        req->status = status;
        nvme_enqueue_req_completion(&n->admin_cq, req);
    }
}

static void late_timer(void *opaque)
{
    NvmeCtrl *n = opaque;
    NvmeHmlmLateness *l = &n->hmlm->late;
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);

    while (late_first(l) && late_first(l)->due <= now) {
        late_finish(n, g_queue_pop_head(l->queue));
    }
    late_arm(l);
}

/**
 * nvme_hmlm_late_init - prepare a controlling controller
 * @n: controller
 */
void nvme_hmlm_late_init(NvmeCtrl *n)
{
    n->hmlm->late.queue = g_queue_new();
    n->hmlm->late.timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, late_timer, n);
}

/**
 * nvme_hmlm_late_exit - free what nvme_hmlm_late_init() made
 * @n: controller, after its last reset
 */
void nvme_hmlm_late_exit(NvmeCtrl *n)
{
    if (n->hmlm->late.queue) {
        timer_free(n->hmlm->late.timer);
        g_queue_free_full(n->hmlm->late.queue, g_free);
    }
}

static gint late_compare(gconstpointer a, gconstpointer b, gpointer unused)
{
    const NvmeHmlmLate *x = a, *y = b;

    return x->due < y->due ? -1 : x->due > y->due;
}

/**
 * nvme_hmlm_late - let a command wait
 * @n: controller whose admin queue the command came by
 * @req: the command; its status is set unless it is yet to be carried out
 * @due: when, on QEMU_CLOCK_VIRTUAL in ns; NVME_HMLM_NEVER: not before a reset
 * @faults: not 0: it is carried out then, and meets these (hmlm-fault.c);
 *          0: it was carried out, and is completed then
 *
 * Returns NVME_NO_COMPLETE.
 */
uint16_t nvme_hmlm_late(NvmeCtrl *n, NvmeRequest *req, int64_t due,
                        uint32_t faults)
{
    NvmeHmlmLateness *l = &n->hmlm->late;
    NvmeHmlmLate *late = g_new(NvmeHmlmLate, 1);

    *late = (NvmeHmlmLate) { .req = req, .due = due, .faults = faults };
    /* goes behind those that are due at the same time */
    g_queue_insert_sorted(l->queue, late, late_compare, NULL);
    late_arm(l);

    return NVME_NO_COMPLETE;
}

/**
 * nvme_hmlm_pace - complete a transfer when a real device would
 * @n: controlling controller
 * @req: Get or Set Controller State, or Track Receive, carried out with success
 * @len: bytes transferred
 *
 * Returns NVME_NO_COMPLETE, or NVME_SUCCESS if it is to complete at once.
 */
uint16_t nvme_hmlm_pace(NvmeCtrl *n, NvmeRequest *req, uint64_t len)
{
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    uint64_t bandwidth = n->params.hmlm.bandwidth;
    int64_t due = now;

    if (bandwidth) {
        int64_t *free_at = &n->hmlm->late.link_free_at;

        *free_at = MAX(*free_at, now) +
                   muldiv64(len, NANOSECONDS_PER_SECOND, bandwidth);
        due = *free_at;
    }
    due += n->params.hmlm.latency * (int64_t)SCALE_US;
    if (due == now) {
        return NVME_SUCCESS;
    }

    req->status = NVME_SUCCESS;

    return nvme_hmlm_late(n, req, due, 0);
}

/**
 * nvme_hmlm_late_abort - Abort names a command that waits
 * @n: controller that received the Abort
 * @req: the command
 *
 * Returns true if it waited for its time, and is completed as aborted. One that
 * never completes does not do so for an Abort either.
 */
bool nvme_hmlm_late_abort(NvmeCtrl *n, NvmeRequest *req)
{
    NvmeHmlmLateness *l = &n->hmlm->late;

    for (GList *i = l->queue ? l->queue->head : NULL; i; i = i->next) {
        NvmeHmlmLate *late = i->data;

        if (late->req != req || late->due == NVME_HMLM_NEVER) {
            continue;
        }

        g_queue_delete_link(l->queue, i);
        g_free(late);
        late_arm(l);
        req->status = NVME_CMD_ABORT_REQ;
        nvme_hmlm_complete(n, req);
        return true;
    }

    return false;
}

/**
 * nvme_hmlm_late_release - complete what would never complete, as aborted
 * @n: controller
 */
void nvme_hmlm_late_release(NvmeCtrl *n)
{
    GQueue *queue = n->hmlm->late.queue;

    while (!g_queue_is_empty(queue)) {
        NvmeHmlmLate *last = g_queue_peek_tail(queue);

        if (last->due != NVME_HMLM_NEVER) {
            return;
        }
        last->req->status = NVME_CMD_ABORT_REQ;
        nvme_enqueue_req_completion(&n->admin_cq, last->req);
        g_free(g_queue_pop_tail(queue));
    }
}

/**
 * nvme_hmlm_late_drop - the controller loses its queues: forget all that waits
 * @n: controller
 */
void nvme_hmlm_late_drop(NvmeCtrl *n)
{
    NvmeHmlmLateness *l = &n->hmlm->late;

    if (!l->queue) {
        return;
    }

    timer_del(l->timer);
    while (late_first(l)) {
        g_free(g_queue_pop_head(l->queue));
    }
    l->link_free_at = 0;
}
