/*
 * SPDX-License-Identifier: GPL-2.0-only
 *
 * The state of one controller, written as bytes: Controller State header and
 * NVMe Controller State version 0 as the specification has them, then our
 * vendor-specific data (hmlm-vsd.h).
 *
 * What is written is an *image*: the state without the device memory, which
 * would lie at nvme_hmlm_mem_start() and is generated when it is read.
 *
 * A state taken while the controller runs is true for that moment, but says
 * nothing of the commands in flight; it is marked as not suspended, and
 * nvme_hmlm_apply() refuses it.
 */

#include "qemu/osdep.h"
#include "qemu/crc32c.h"
#include "qemu/timer.h"
#include "qemu/units.h"
#include "hw/pci/msix.h"
#include "system/block-backend.h"

#include "hmlm-vsd.h"

/* Device memory starts at a multiple of this, away from all that may grow */
#define HMLM_MEM_ALIGN  (64 * KiB)

static uint64_t hmlm_queues_max(NvmeCtrl *n)
{
    return sizeof(NvmeCtrlStateHdr) + sizeof(NvmeCtrlStateV0) +
           (uint64_t)n->params.max_ioqpairs *
           (sizeof(NvmeCtrlStateSq) + sizeof(NvmeCtrlStateCq));
}

/**
 * nvme_hmlm_mem_start - where the device memory lies in the state
 * @n: controller
 *
 * Returns the offset, a constant of this configuration; 0 if the controller
 * cannot have device memory.
 */
uint64_t nvme_hmlm_mem_start(NvmeCtrl *n)
{
    if (!n->params.hmlm.mem_max) {
        return 0;
    }

    return ROUND_UP(hmlm_queues_max(n) + sizeof(NvmeHmlmVsdHdr) +
                    sizeof(NvmeHmlmVsdCtrl), HMLM_MEM_ALIGN);
}

/**
 * nvme_hmlm_image_max - bound of what nvme_hmlm_encode() returns
 * @n: controller
 *
 * Returns the size in bytes that no image of a controller of these properties
 * exceeds: every slot of every queue could hold a completion without room.
 */
uint64_t nvme_hmlm_image_max(NvmeCtrl *n)
{
    uint64_t fixed = hmlm_queues_max(n) + sizeof(NvmeHmlmVsdHdr) +
                     sizeof(NvmeHmlmVsdCtrl);
    uint64_t slots = (uint64_t)n->params.max_ioqpairs *
                     (n->params.mqes + 1ull) + 4096;

    return MAX(fixed, nvme_hmlm_mem_start(n)) +
           (n->params.aerl + 1ull) * sizeof(NvmeHmlmVsdAer) +
           (uint64_t)n->params.aer_max_queued * sizeof(NvmeHmlmVsdEvent) +
           slots * sizeof(NvmeHmlmVsdWait) +
           NVME_MAX_NAMESPACES * sizeof(NvmeHmlmVsdNs);
}

static void put_sq(GByteArray *a, const NvmeSQueue *sq)
{
    NvmeCtrlStateSq e = {
        .prp1 = cpu_to_le64(sq->dma_addr),
        .qsize = cpu_to_le16(sq->size - 1),
        .qid = cpu_to_le16(sq->sqid),
        .cqid = cpu_to_le16(sq->cqid),
        .attr = cpu_to_le16(NVME_CSQ_ATTR_PC | sq->qprio << 1),
        .head = cpu_to_le16(sq->head),
        .tail = cpu_to_le16(sq->tail),
    };

    g_byte_array_append(a, (const guint8 *)&e, sizeof(e));
}

static void put_cq(GByteArray *a, const NvmeCQueue *cq)
{
    uint32_t attr = NVME_CCQ_ATTR_PC | cq->vector << NVME_CCQ_ATTR_IV_SHIFT;
    /* slot 0 has this pass's tag only once this pass has written it */
    bool s0pt = cq->tail ? cq->phase : !cq->phase;
    NvmeCtrlStateCq e = {
        .prp1 = cpu_to_le64(cq->dma_addr),
        .qsize = cpu_to_le16(cq->size - 1),
        .qid = cpu_to_le16(cq->cqid),
        .head = cpu_to_le16(cq->head),
        .tail = cpu_to_le16(cq->tail),
    };

    attr |= cq->irq_enabled ? NVME_CCQ_ATTR_IEN : 0;
    attr |= s0pt ? NVME_CCQ_ATTR_S0PT : 0;
    e.attr = cpu_to_le32(attr);
    g_byte_array_append(a, (const guint8 *)&e, sizeof(e));
}

/* NVMe Controller State version 0: the I/O queues */
static void put_nvmecs(GByteArray *a, NvmeCtrl *n)
{
    guint at = a->len;
    NvmeCtrlStateV0 v0 = { .ver = cpu_to_le16(NVME_HMLM_NVMECS_VER) };
    uint16_t niosq = 0, niocq = 0;

    g_byte_array_append(a, (const guint8 *)&v0, sizeof(v0));
    for (uint32_t i = 1; i <= n->params.max_ioqpairs; i++) {
        if (n->sq[i]) {
            put_sq(a, n->sq[i]);
            niosq++;
        }
    }
    for (uint32_t i = 1; i <= n->params.max_ioqpairs; i++) {
        if (n->cq[i]) {
            put_cq(a, n->cq[i]);
            niocq++;
        }
    }

    v0.niosq = cpu_to_le16(niosq);
    v0.niocq = cpu_to_le16(niocq);
    memcpy(a->data + at, &v0, sizeof(v0));
}

static void fill_admin_queues(NvmeHmlmVsdCtrl *c, NvmeCtrl *n)
{
    uint32_t flags = 0;

    if (n->sq[0] && n->cq[0]) {
        flags |= NVME_HMLM_VSD_ADMIN_QUEUES;
        flags |= n->cq[0]->phase ? NVME_HMLM_VSD_ACQ_PHASE : 0;
        c->asq_head = cpu_to_le16(n->sq[0]->head);
        c->asq_tail = cpu_to_le16(n->sq[0]->tail);
        c->acq_head = cpu_to_le16(n->cq[0]->head);
        c->acq_tail = cpu_to_le16(n->cq[0]->tail);
        c->acq_vector = cpu_to_le16(n->cq[0]->vector);
        c->acq_ien = cpu_to_le16(!!n->cq[0]->irq_enabled);
    }

    flags |= n->qs_created ? NVME_HMLM_VSD_QS_CREATED : 0;
    flags |= n->dbbuf_enabled ? NVME_HMLM_VSD_DBBUF : 0;
    flags |= n->hmlm->kept_admin_sq_db ? NVME_HMLM_VSD_KEPT_ASQ_DB : 0;
    flags |= n->hmlm->kept_admin_cq_db ? NVME_HMLM_VSD_KEPT_ACQ_DB : 0;
    c->flags = cpu_to_le32(flags);
}

static void fill_registers(NvmeHmlmVsdCtrl *c, NvmeCtrl *n)
{
    /* the register file is little-endian already */
    c->cc = n->bar.cc;
    c->csts = n->bar.csts;
    c->aqa = n->bar.aqa;
    c->intms = n->bar.intms;
    c->asq = n->bar.asq;
    c->acq = n->bar.acq;
    c->dbbuf_dbs = cpu_to_le64(n->dbbuf_dbs);
    c->dbbuf_eis = cpu_to_le64(n->dbbuf_eis);
}

static void fill_features(NvmeHmlmVsdCtrl *c, NvmeCtrl *n)
{
    uint64_t now = nvme_hmlm_suspended(n) ? n->hmlm->suspended_ms :
                   qemu_clock_get_ms(QEMU_CLOCK_VIRTUAL);

    c->async_config = cpu_to_le32(n->features.async_config);
    c->temp_thresh_hi = cpu_to_le16(n->features.temp_thresh_hi);
    c->temp_thresh_low = cpu_to_le16(n->features.temp_thresh_low);
    c->dn = cpu_to_le32(n->dn);
    c->timestamp_host = cpu_to_le64(n->host_timestamp);
    c->timestamp_age = cpu_to_le64(now - n->timestamp_set_qemu_clock_ms);
    memcpy(c->hbs, &n->features.hbs, sizeof(c->hbs));
}

static void fill_irqs(NvmeHmlmVsdCtrl *c, NvmeCtrl *n)
{
    PCIDevice *pci = PCI_DEVICE(n);

    c->irq_status = cpu_to_le32(n->irq_status);
    for (int v = 0; v < NVME_HMLM_MAX_VECTORS; v++) {
        bool pba = msix_present(pci) && v < pci->msix_entries_nr &&
                   (pci->msix_pba[v / 8] & (1 << (v % 8)));

        /* while the controller runs, what is pending is in the PBA */
        if (pba || test_bit(v, n->hmlm->irq_pending)) {
            c->irq_pending[v / 8] |= 1 << (v % 8);
        }
    }
}

static uint32_t put_aers(GByteArray *a, NvmeCtrl *n)
{
    for (int i = 0; i < n->outstanding_aers; i++) {
        NvmeHmlmVsdAer e = { .cid = n->aer_reqs[i]->cqe.cid };

        g_byte_array_append(a, (const guint8 *)&e, sizeof(e));
    }

    return n->outstanding_aers;
}

static uint32_t put_events(GByteArray *a, NvmeCtrl *n)
{
    NvmeAsyncEvent *event;
    uint32_t nr = 0;

    QTAILQ_FOREACH(event, &n->aer_queue, entry) {
        NvmeHmlmVsdEvent e = {
            .type = event->result.event_type,
            .info = event->result.event_info,
            .log_page = event->result.log_page,
        };

        g_byte_array_append(a, (const guint8 *)&e, sizeof(e));
        nr++;
    }

    return nr;
}

static uint32_t put_waits(GByteArray *a, NvmeCtrl *n)
{
    uint32_t nr = 0;

    for (uint32_t i = 0; i <= n->params.max_ioqpairs; i++) {
        NvmeRequest *req;

        if (!n->cq[i]) {
            continue;
        }

        QTAILQ_FOREACH(req, &n->cq[i]->req_list, entry) {
            NvmeHmlmVsdWait e = {
                .sqid = cpu_to_le16(req->sq->sqid),
                .cid = req->cqe.cid,
                .status = cpu_to_le16(req->status),
                .dw0 = req->cqe.result,
                .dw1 = req->cqe.dw1,
            };

            g_byte_array_append(a, (const guint8 *)&e, sizeof(e));
            nr++;
        }
    }

    return nr;
}

static uint32_t put_namespaces(GByteArray *a, NvmeCtrl *n)
{
    uint32_t nr = 0;

    for (uint32_t nsid = 1; nsid <= NVME_MAX_NAMESPACES; nsid++) {
        NvmeNamespace *ns = nvme_ns(n, nsid);
        NvmeHmlmVsdNs e = { .nsid = cpu_to_le32(nsid) };

        if (!ns) {
            continue;
        }

        e.err_rec = cpu_to_le32(ns->features.err_rec);
        e.vwc = cpu_to_le32(blk_enable_write_cache(ns->blkconf.blk));
        g_byte_array_append(a, (const guint8 *)&e, sizeof(e));
        nr++;
    }

    return nr;
}

static void put_zeros(GByteArray *a, uint64_t len)
{
    guint at = a->len;

    g_byte_array_set_size(a, at + len);
    memset(a->data + at, 0, len);
}

/* Write the lists, and their lengths into the records before them */
static void put_lists(GByteArray *a, NvmeCtrl *n, NvmeHmlmVsdHdr *h,
                      NvmeHmlmVsdCtrl *c)
{
    guint at = a->len;

    c->naer = cpu_to_le16(put_aers(a, n));
    c->nevent = cpu_to_le32(put_events(a, n));
    c->nwait = cpu_to_le32(put_waits(a, n));
    c->nns = cpu_to_le32(put_namespaces(a, n));
    h->lists_len = cpu_to_le32(a->len - at);
}

static void put_vsd(GByteArray *a, NvmeCtrl *n)
{
    const NvmeHmlmMem *mem = &n->hmlm->mem;
    uint64_t nblocks = nvme_hmlm_mem_blocks(mem->size);
    uint64_t mem_start = nvme_hmlm_mem_start(n);
    guint at = a->len, lists;
    NvmeHmlmVsdCtrl c = {};
    NvmeHmlmVsdHdr h = {
        .magic = NVME_HMLM_VSD_MAGIC,
        .version = cpu_to_le16(NVME_HMLM_VSD_VERSION),
        .hdr_len = cpu_to_le16(sizeof(h)),
        .ctrl_len = cpu_to_le32(sizeof(c)),
        .mem_len = cpu_to_le64(mem->size),
        .mem_seed = cpu_to_le64(mem->seed),
        .mem_ticks = cpu_to_le64(mem->ticks),
        .mem_block = cpu_to_le32(NVME_HMLM_MEM_BLOCK),
        .mem_last_gen = cpu_to_le32(nblocks ? mem->gen[nblocks - 1] : 0),
        .mem_sum = cpu_to_le64(mem->sum),
    };
    uint32_t crc;

    fill_registers(&c, n);
    fill_admin_queues(&c, n);
    fill_features(&c, n);
    fill_irqs(&c, n);
    c.aer_mask = cpu_to_le32(n->aer_mask);
    for (int nsid = 1; nsid <= NVME_MAX_NAMESPACES; nsid++) {
        if (test_bit(nsid, n->changed_nsids)) {
            c.changed_nsids[nsid / 8] |= 1 << (nsid % 8);
        }
    }

    put_zeros(a, sizeof(h) + sizeof(c));
    if (mem_start) {
        put_zeros(a, mem_start - a->len);
    }
    lists = a->len;
    put_lists(a, n, &h, &c);

    crc = nvme_hmlm_vsd_crc(&h, &c, a->data + lists, a->len - lists);
    h.crc32c = cpu_to_le32(crc);
    memcpy(a->data + at, &h, sizeof(h));
    memcpy(a->data + at + sizeof(h), &c, sizeof(c));
}

/**
 * nvme_hmlm_vsd_crc - checksum of the vendor-specific data
 * @h: its header; the checksum field is taken as 0
 * @c: controller record
 * @lists: the lists
 * @len: their length
 *
 * Returns the CRC32C.
 */
uint32_t nvme_hmlm_vsd_crc(const NvmeHmlmVsdHdr *h, const NvmeHmlmVsdCtrl *c,
                           const uint8_t *lists, uint32_t len)
{
    g_autoptr(GByteArray) a = g_byte_array_new();
    NvmeHmlmVsdHdr copy = *h;

    copy.crc32c = 0;
    g_byte_array_append(a, (const guint8 *)&copy, sizeof(copy));
    g_byte_array_append(a, (const guint8 *)c, sizeof(*c));
    g_byte_array_append(a, lists, len);

    return crc32c(0xffffffff, a->data, a->len);
}

/**
 * nvme_hmlm_encode - write the state of a controller
 * @n: controller
 * @parts: which parts of it; device memory goes with the vendor-specific data
 *
 * Returns the image; the caller frees it.
 */
GByteArray *nvme_hmlm_encode(NvmeCtrl *n, NvmeHmlmParts parts)
{
    GByteArray *a = g_byte_array_new();
    NvmeCtrlStateHdr hdr = {};
    guint vsd;

    g_byte_array_append(a, (const guint8 *)&hdr, sizeof(hdr));
    if (parts.csvi) {
        put_nvmecs(a, n);
    }
    vsd = a->len;
    if (parts.csuuidi) {
        put_vsd(a, n);
        hdr.vss[0] = cpu_to_le64((a->len - vsd + n->hmlm->mem.size) / 4);
    }

    hdr.csattr = nvme_hmlm_suspended(n) ? NVME_CSATTR_SUSPENDED : 0;
    hdr.nvmecss[0] = cpu_to_le64((vsd - sizeof(hdr)) / 4);
    memcpy(a->data, &hdr, sizeof(hdr));

    return a;
}
