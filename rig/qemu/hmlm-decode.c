/*
 * SPDX-License-Identifier: GPL-2.0-only
 *
 * A controller state that came in: checked in every point against what this
 * controller can be, then loaded. Nothing is changed before all is checked.
 *
 * The image is the state without the device memory, as hmlm-encode.c writes
 * it. It comes from another machine: every count, offset, queue, vector and
 * address is bounded here before anything is done with it.
 */

#include "qemu/osdep.h"
#include "qemu/bitmap.h"
#include "qemu/cutils.h"
#include "qemu/timer.h"
#include "hw/pci/msix.h"
#include "system/block-backend.h"

#include "hmlm-vsd.h"

/* Pointers into an image whose lengths have been checked */
typedef struct HmlmImage {
    const NvmeCtrlStateHdr *hdr;
    const NvmeCtrlStateSq *sq;
    const NvmeCtrlStateCq *cq;
    uint16_t niosq;
    uint16_t niocq;
    const NvmeHmlmVsdHdr *vsd;  /* NULL if there is no such data */
    const NvmeHmlmVsdCtrl *ctrl;
    NvmeHmlmVsdCtrl live;       /* what @ctrl is then */
    uint32_t flags;
    const NvmeHmlmVsdAer *aer;
    const NvmeHmlmVsdEvent *event;
    const NvmeHmlmVsdWait *wait;
    const NvmeHmlmVsdNs *ns;
} HmlmImage;

static const char *parse_queues(HmlmImage *im, const uint8_t *p, uint64_t len)
{
    const NvmeCtrlStateV0 *v0 = (const NvmeCtrlStateV0 *)p;

    if (len < sizeof(*v0)) {
        return "queues shorter than their header";
    }
    if (le16_to_cpu(v0->ver)) {
        return "version is not 0";
    }

    im->niosq = le16_to_cpu(v0->niosq);
    im->niocq = le16_to_cpu(v0->niocq);
    if (len != sizeof(*v0) + im->niosq * sizeof(*im->sq) +
               im->niocq * sizeof(*im->cq)) {
        return "size of the queues is not what their counts give";
    }

    im->sq = (const NvmeCtrlStateSq *)(v0 + 1);
    im->cq = (const NvmeCtrlStateCq *)(im->sq + im->niosq);

    return NULL;
}

/* Header and queues; *@vsd is where the vendor-specific data would start */
static const char *parse_nvmecs(HmlmImage *im, const uint8_t *p, uint64_t len,
                                uint64_t mem_len, uint64_t *vsd)
{
    uint64_t cs, vs;

    if (len < sizeof(*im->hdr)) {
        return "shorter than its header";
    }

    im->hdr = (const NvmeCtrlStateHdr *)p;
    cs = le64_to_cpu(im->hdr->nvmecss[0]);
    vs = le64_to_cpu(im->hdr->vss[0]);

    if (le16_to_cpu(im->hdr->ver)) {
        return "version is not 0";
    }
    if (!(im->hdr->csattr & NVME_CSATTR_SUSPENDED)) {
        return "taken from a running controller";
    }
    if (im->hdr->nvmecss[1] || im->hdr->vss[1] ||
        cs > (len - sizeof(*im->hdr)) / 4 || vs > (len + mem_len) / 4 ||
        sizeof(*im->hdr) + 4 * (cs + vs) != len + mem_len) {
        return "sizes in the header are not what was sent";
    }

    *vsd = sizeof(*im->hdr) + cs * 4;

    return cs ? parse_queues(im, p + sizeof(*im->hdr), cs * 4) : NULL;
}

/*
 * Without vendor-specific data there are queues alone: they are for a
 * controller that was enabled by other means, and stays what it is.
 */
static const char *parse_live(HmlmImage *im, NvmeCtrl *n)
{
    if (!n->sq[0] || !n->cq[0]) {
        return "no vendor-specific data, for a controller that is not enabled";
    }

    im->live.cc = n->bar.cc;
    im->live.aqa = n->bar.aqa;
    im->ctrl = &im->live;
    im->flags = NVME_HMLM_VSD_ADMIN_QUEUES;

    return NULL;
}

/* The lists, from @at to the end of the image */
static const char *parse_lists(HmlmImage *im, const uint8_t *p, uint64_t len)
{
    uint64_t naer = le16_to_cpu(im->ctrl->naer);
    uint64_t nevent = le32_to_cpu(im->ctrl->nevent);
    uint64_t nwait = le32_to_cpu(im->ctrl->nwait);
    uint64_t nns = le32_to_cpu(im->ctrl->nns);

    if (naer * sizeof(*im->aer) + nevent * sizeof(*im->event) +
        nwait * sizeof(*im->wait) + nns * sizeof(*im->ns) != len ||
        le32_to_cpu(im->vsd->lists_len) != len) {
        return "lengths of the lists in the vendor-specific data";
    }

    im->aer = (const NvmeHmlmVsdAer *)p;
    im->event = (const NvmeHmlmVsdEvent *)(im->aer + naer);
    im->wait = (const NvmeHmlmVsdWait *)(im->event + nevent);
    im->ns = (const NvmeHmlmVsdNs *)(im->wait + nwait);

    return NULL;
}

static const char *parse_vsd(HmlmImage *im, NvmeCtrl *n, const uint8_t *p,
                             uint64_t len, uint64_t at)
{
    uint64_t lists = at + sizeof(*im->vsd) + sizeof(*im->ctrl);
    const char *why;
    uint32_t crc;

    if (len < lists) {
        return "vendor-specific data shorter than its header";
    }

    im->vsd = (const NvmeHmlmVsdHdr *)(p + at);
    im->ctrl = (const NvmeHmlmVsdCtrl *)(im->vsd + 1);
    im->flags = le32_to_cpu(im->ctrl->flags);

    if (memcmp(im->vsd->magic, NVME_HMLM_VSD_MAGIC, sizeof(im->vsd->magic)) ||
        le16_to_cpu(im->vsd->version) != NVME_HMLM_VSD_VERSION ||
        le16_to_cpu(im->vsd->hdr_len) != sizeof(*im->vsd) ||
        le32_to_cpu(im->vsd->ctrl_len) != sizeof(*im->ctrl)) {
        return "vendor-specific data of another format";
    }
    if (le32_to_cpu(im->vsd->mem_block) != NVME_HMLM_MEM_BLOCK) {
        return "device memory of another block size";
    }

    if (n->params.hmlm.mem_max) {
        uint64_t mem = nvme_hmlm_mem_start(n);

        if (len < mem || lists > mem ||
            !buffer_is_zero(p + lists, mem - lists)) {
            return "vendor-specific data runs into the device memory";
        }
        lists = mem;
    }

    why = parse_lists(im, p + lists, len - lists);
    if (why) {
        return why;
    }

    crc = nvme_hmlm_vsd_crc(im->vsd, im->ctrl, p + lists, len - lists);

    return crc == le32_to_cpu(im->vsd->crc32c) ?
           NULL : "checksum of the vendor-specific data";
}

/**
 * nvme_hmlm_sizes - how long is this state?
 * @n: controller it is for
 * @p: its start, at least up to where device memory would be
 * @len: bytes of it
 * @total: on success, the length of the whole state, within what @n could hold
 * @mem: on success, how much of it is device memory
 *
 * Returns NULL, or what is wrong.
 */
const char *nvme_hmlm_sizes(NvmeCtrl *n, const uint8_t *p, uint64_t len,
                            uint64_t *total, uint64_t *mem)
{
    const NvmeCtrlStateHdr *hdr = (const NvmeCtrlStateHdr *)p;
    const NvmeHmlmVsdHdr *vsd;
    uint64_t max = nvme_hmlm_image_max(n) + n->params.hmlm.mem_max;
    uint64_t cs, vs;

    if (len < sizeof(*hdr)) {
        return "shorter than its header";
    }

    cs = le64_to_cpu(hdr->nvmecss[0]);
    vs = le64_to_cpu(hdr->vss[0]);
    if (hdr->nvmecss[1] || hdr->vss[1] || cs > max / 4 || vs > max / 4 ||
        sizeof(*hdr) + 4 * (cs + vs) > max) {
        return "larger than any state of this controller";
    }
    *total = sizeof(*hdr) + 4 * (cs + vs);
    *mem = 0;
    if (!vs) {
        return NULL;
    }
    if (sizeof(*hdr) + 4 * cs + sizeof(*vsd) > len) {
        return "vendor-specific data shorter than its header";
    }

    vsd = (const NvmeHmlmVsdHdr *)(p + sizeof(*hdr) + 4 * cs);
    *mem = le64_to_cpu(vsd->mem_len);

    return *mem > n->params.hmlm.mem_max || *mem % 4 || *mem > *total ?
           "device memory of a size this controller cannot have" : NULL;
}

static const char *parse(HmlmImage *im, NvmeCtrl *n, const uint8_t *p,
                         uint64_t len)
{
    uint64_t total, mem_len, vsd;
    const char *why;

    why = nvme_hmlm_sizes(n, p, len, &total, &mem_len);
    why = why ?: parse_nvmecs(im, p, len, mem_len, &vsd);
    if (why) {
        return why;
    }

    return im->hdr->vss[0] ? parse_vsd(im, n, p, len, vsd) : parse_live(im, n);
}

static bool queue_fits(uint64_t addr, uint32_t size, unsigned esize_log2,
                       uint32_t page_size)
{
    uint64_t bytes = (uint64_t)size << esize_log2;

    return !(addr & (page_size - 1)) && addr <= UINT64_MAX - bytes;
}

static uint32_t image_page_size(const HmlmImage *im)
{
    return 1u << (NVME_CC_MPS(le32_to_cpu(im->ctrl->cc)) + 12);
}

/* What nvme_start_ctrl() would refuse, and where the queues stand */
static const char *check_admin_queues(const HmlmImage *im, NvmeCtrl *n)
{
    uint64_t cap = ldq_le_p(&n->bar.cap);
    uint32_t cc = le32_to_cpu(im->ctrl->cc);
    uint32_t aqa = le32_to_cpu(im->ctrl->aqa);
    uint32_t page;

    if (!(NVME_CAP_CSS(cap) & (1 << NVME_CC_CSS(cc))) ||
        NVME_CC_MPS(cc) < NVME_CAP_MPSMIN(cap) ||
        NVME_CC_MPS(cc) > NVME_CAP_MPSMAX(cap)) {
        return "CC asks for what this controller has not";
    }

    page = image_page_size(im);
    if (!NVME_AQA_ASQS(aqa) || !NVME_AQA_ACQS(aqa) ||
        !queue_fits(le64_to_cpu(im->ctrl->asq), NVME_AQA_ASQS(aqa) + 1,
                    NVME_SQES, page) ||
        !queue_fits(le64_to_cpu(im->ctrl->acq), NVME_AQA_ACQS(aqa) + 1,
                    NVME_CQES, page)) {
        return "size or address of an admin queue";
    }

    if (le16_to_cpu(im->ctrl->asq_head) > NVME_AQA_ASQS(aqa) ||
        le16_to_cpu(im->ctrl->asq_tail) > NVME_AQA_ASQS(aqa) ||
        le16_to_cpu(im->ctrl->acq_head) > NVME_AQA_ACQS(aqa) ||
        le16_to_cpu(im->ctrl->acq_tail) > NVME_AQA_ACQS(aqa)) {
        return "head or tail of an admin queue";
    }

    /* the specification fixes both */
    if (im->ctrl->acq_vector || le16_to_cpu(im->ctrl->acq_ien) != 1) {
        return "interrupt of the admin completion queue";
    }

    return NULL;
}

static const char *check_registers(const HmlmImage *im, NvmeCtrl *n)
{
    uint32_t cc = le32_to_cpu(im->ctrl->cc);
    uint32_t csts = le32_to_cpu(im->ctrl->csts);
    bool admin = im->flags & NVME_HMLM_VSD_ADMIN_QUEUES;

    if (im->flags & ~NVME_HMLM_VSD_FLAGS) {
        return "unknown flags in the vendor-specific data";
    }
    if (csts & ~(NVME_CSTS_READY | NVME_CSTS_FAILED |
                 CSTS_SHST_MASK << CSTS_SHST_SHIFT)) {
        return "reserved bits in CSTS";
    }

    /* enabled without queues: it failed to start */
    if (admin != (NVME_CC_EN(cc) && NVME_CSTS_RDY(csts)) &&
        !NVME_CSTS_CFS(csts)) {
        return "CC, CSTS and the admin queues contradict each other";
    }
    if ((admin || NVME_CSTS_RDY(csts)) && !NVME_CC_EN(cc)) {
        return "admin queues or CSTS.RDY, but CC.EN is 0";
    }
    if (!admin && (im->niosq || im->niocq || im->ctrl->naer ||
                   im->ctrl->nwait || im->flags)) {
        return "queues or requests, but no admin queues";
    }

    return admin ? check_admin_queues(im, n) : NULL;
}

static const char *check_dbbuf(const HmlmImage *im, NvmeCtrl *n)
{
    uint64_t dbs = le64_to_cpu(im->ctrl->dbbuf_dbs);
    uint64_t eis = le64_to_cpu(im->ctrl->dbbuf_eis);

    if (!(im->flags & NVME_HMLM_VSD_DBBUF)) {
        return dbs || eis ? "shadow doorbell addresses without use" : NULL;
    }

    if (!n->params.dbcs) {
        return "shadow doorbells, which this controller has not";
    }

    return queue_fits(dbs, 1, 12, image_page_size(im)) &&
           queue_fits(eis, 1, 12, image_page_size(im)) ?
           NULL : "address of a shadow doorbell buffer";
}

static const char *check_cqs(const HmlmImage *im, NvmeCtrl *n,
                             unsigned long *cqids)
{
    uint32_t mqes = NVME_CAP_MQES(ldq_le_p(&n->bar.cap));

    for (unsigned i = 0; i < im->niocq; i++) {
        const NvmeCtrlStateCq *cq = &im->cq[i];
        uint32_t qsize = le16_to_cpu(cq->qsize);
        uint16_t qid = le16_to_cpu(cq->qid);
        uint32_t attr = le32_to_cpu(cq->attr);

        if (!qid || qid > n->conf_ioqpairs || test_and_set_bit(qid, cqids)) {
            return "identifier of a completion queue";
        }
        if (!qsize || qsize > mqes || le16_to_cpu(cq->head) > qsize ||
            le16_to_cpu(cq->tail) > qsize) {
            return "size, head or tail of a completion queue";
        }
        if (!(attr & NVME_CCQ_ATTR_PC)) {
            return "a completion queue that is not contiguous";
        }
        if (!queue_fits(le64_to_cpu(cq->prp1), qsize + 1, NVME_CQES,
                        image_page_size(im))) {
            return "address of a completion queue";
        }
        if (attr >> NVME_CCQ_ATTR_IV_SHIFT >= n->conf_msix_qsize) {
            return "interrupt vector of a completion queue";
        }
    }

    return NULL;
}

static const char *check_sqs(const HmlmImage *im, NvmeCtrl *n,
                             unsigned long *cqids, uint32_t *slots)
{
    uint32_t mqes = NVME_CAP_MQES(ldq_le_p(&n->bar.cap));

    for (unsigned i = 0; i < im->niosq; i++) {
        const NvmeCtrlStateSq *sq = &im->sq[i];
        uint32_t qsize = le16_to_cpu(sq->qsize);
        uint16_t qid = le16_to_cpu(sq->qid);
        uint16_t cqid = le16_to_cpu(sq->cqid);

        if (!qid || qid > n->conf_ioqpairs || slots[qid]) {
            return "identifier of a submission queue";
        }
        if (!cqid || cqid > n->conf_ioqpairs || !test_bit(cqid, cqids)) {
            return "completion queue of a submission queue";
        }
        if (!qsize || qsize > mqes || le16_to_cpu(sq->head) > qsize ||
            le16_to_cpu(sq->tail) > qsize) {
            return "size, head or tail of a submission queue";
        }
        if (!(le16_to_cpu(sq->attr) & NVME_CSQ_ATTR_PC)) {
            return "a submission queue that is not contiguous";
        }
        if (!queue_fits(le64_to_cpu(sq->prp1), qsize + 1, NVME_SQES,
                        image_page_size(im))) {
            return "address of a submission queue";
        }

        slots[qid] = qsize + 1;
    }

    return NULL;
}

/* Each waiting completion, and each AER, takes a slot of its queue */
static const char *check_requests(const HmlmImage *im, NvmeCtrl *n,
                                  uint32_t *slots)
{
    uint32_t naer = le16_to_cpu(im->ctrl->naer);

    if (naer > n->params.aerl + 1u || naer > slots[0]) {
        return "more event requests than allowed";
    }
    slots[0] -= naer;

    if (le32_to_cpu(im->ctrl->nevent) > n->params.aer_max_queued) {
        return "more pending events than this controller keeps";
    }
    for (uint32_t i = 0; i < le32_to_cpu(im->ctrl->nevent); i++) {
        if (im->event[i].type > 7) {
            return "type of a pending event";
        }
    }

    for (uint32_t i = 0; i < le32_to_cpu(im->ctrl->nwait); i++) {
        uint16_t sqid = le16_to_cpu(im->wait[i].sqid);

        if (sqid > n->conf_ioqpairs || !slots[sqid]) {
            return "queue of a completion that waits";
        }
        if (le16_to_cpu(im->wait[i].status) >> 15) {
            return "status of a completion that waits";
        }
        slots[sqid]--;
    }

    return NULL;
}

static const char *check_rest(const HmlmImage *im, NvmeCtrl *n)
{
    if (le32_to_cpu(im->ctrl->aer_mask) > 0xff ||
        le32_to_cpu(im->ctrl->dn) > 1) {
        return "a feature or event mask out of range";
    }

    for (unsigned v = n->conf_msix_qsize; v < NVME_HMLM_MAX_VECTORS; v++) {
        if (im->ctrl->irq_pending[v / 8] & (1 << (v % 8))) {
            return "a pending interrupt of a vector that does not exist";
        }
    }

    for (uint32_t i = 0; i < le32_to_cpu(im->ctrl->nns); i++) {
        uint32_t nsid = le32_to_cpu(im->ns[i].nsid);

        if (!nsid || nsid > NVME_MAX_NAMESPACES ||
            le32_to_cpu(im->ns[i].vwc) > 1) {
            return "features of a namespace";
        }
    }

    return NULL;
}

static const char *check_queues(const HmlmImage *im, NvmeCtrl *n)
{
    g_autofree unsigned long *cqids = bitmap_new(n->params.max_ioqpairs + 1);
    g_autofree uint32_t *slots = g_new0(uint32_t, n->params.max_ioqpairs + 1);
    uint32_t cc = le32_to_cpu(im->ctrl->cc);
    const char *why;

    if (im->flags & NVME_HMLM_VSD_ADMIN_QUEUES) {
        slots[0] = NVME_AQA_ASQS(le32_to_cpu(im->ctrl->aqa)) + 1;
    }
    if (im->niocq && (NVME_CC_IOSQES(cc) != NVME_SQES ||
                      NVME_CC_IOCQES(cc) != NVME_CQES)) {
        return "I/O queue entry sizes in CC";
    }

    why = check_cqs(im, n, cqids);
    why = why ?: check_sqs(im, n, cqids, slots);

    return why ?: check_requests(im, n, slots);
}

/**
 * nvme_hmlm_check - would this state be good for this controller?
 * @n: controller without I/O queues; disabled, unless the state tells all of it
 * @image: the state without the device memory
 * @len: its length
 * @mem: on success, what the device memory has to be
 *
 * Returns NULL if so, else what is wrong, in words for a trace.
 */
const char *nvme_hmlm_check(NvmeCtrl *n, const uint8_t *image, uint64_t len,
                            NvmeHmlmMemDesc *mem)
{
    HmlmImage im = {};
    const char *why;

    *mem = (NvmeHmlmMemDesc) {};
    why = parse(&im, n, image, len);
    if (!why && im.vsd) {
        why = check_registers(&im, n);
        why = why ?: check_dbbuf(&im, n);
        why = why ?: check_rest(&im, n);
    }
    why = why ?: check_queues(&im, n);
    if (!why && im.vsd) {
        *mem = (NvmeHmlmMemDesc) {
            .told = true,
            .size = le64_to_cpu(im.vsd->mem_len),
            .seed = le64_to_cpu(im.vsd->mem_seed),
            .ticks = le64_to_cpu(im.vsd->mem_ticks),
            .sum = le64_to_cpu(im.vsd->mem_sum),
            .last_gen = le32_to_cpu(im.vsd->mem_last_gen),
        };
    }

    return why;
}

static void load_registers(const HmlmImage *im, NvmeCtrl *n)
{
    n->bar.cc = im->ctrl->cc;
    n->bar.aqa = im->ctrl->aqa;
    n->bar.asq = im->ctrl->asq;
    n->bar.acq = im->ctrl->acq;
    n->bar.intms = im->ctrl->intms;
    n->bar.intmc = im->ctrl->intms;
    n->dbbuf_dbs = le64_to_cpu(im->ctrl->dbbuf_dbs);
    n->dbbuf_eis = le64_to_cpu(im->ctrl->dbbuf_eis);
    n->dbbuf_enabled = im->flags & NVME_HMLM_VSD_DBBUF;
    n->qs_created = im->flags & NVME_HMLM_VSD_QS_CREATED;
}

static void load_positions(const HmlmImage *im, NvmeCtrl *n)
{
    n->sq[0]->head = le16_to_cpu(im->ctrl->asq_head);
    n->sq[0]->tail = le16_to_cpu(im->ctrl->asq_tail);
    n->cq[0]->head = le16_to_cpu(im->ctrl->acq_head);
    n->cq[0]->tail = le16_to_cpu(im->ctrl->acq_tail);
    n->cq[0]->phase = !!(im->flags & NVME_HMLM_VSD_ACQ_PHASE);
}

static void load_io_queues(const HmlmImage *im, NvmeCtrl *n)
{
    for (unsigned i = 0; i < im->niocq; i++) {
        const NvmeCtrlStateCq *e = &im->cq[i];
        uint32_t attr = le32_to_cpu(e->attr);
        bool s0pt = attr & NVME_CCQ_ATTR_S0PT;
        NvmeCQueue *cq = g_new0(NvmeCQueue, 1);

        nvme_init_cq(cq, n, le64_to_cpu(e->prp1), le16_to_cpu(e->qid),
                     attr >> NVME_CCQ_ATTR_IV_SHIFT,
                     le16_to_cpu(e->qsize) + 1,
                     !!(attr & NVME_CCQ_ATTR_IEN));
        cq->head = le16_to_cpu(e->head);
        cq->tail = le16_to_cpu(e->tail);
        cq->phase = cq->tail ? s0pt : !s0pt;
    }

    for (unsigned i = 0; i < im->niosq; i++) {
        const NvmeCtrlStateSq *e = &im->sq[i];
        NvmeSQueue *sq = g_new0(NvmeSQueue, 1);

        nvme_init_sq(sq, n, le64_to_cpu(e->prp1), le16_to_cpu(e->qid),
                     le16_to_cpu(e->cqid), le16_to_cpu(e->qsize) + 1);
        sq->qprio = NVME_CSQ_ATTR_QPRIO(le16_to_cpu(e->attr));
        sq->head = le16_to_cpu(e->head);
        sq->tail = le16_to_cpu(e->tail);
    }
}

/* Take a free slot of a queue for a command that came with the state */
static NvmeRequest *take_request(NvmeSQueue *sq, uint16_t le_cid)
{
    NvmeRequest *req = QTAILQ_FIRST(&sq->req_list);

    QTAILQ_REMOVE(&sq->req_list, req, entry);
    req->cmd.cid = le_cid;
    req->cqe.cid = le_cid;

    return req;
}

static void load_requests(const HmlmImage *im, NvmeCtrl *n)
{
    for (uint32_t i = 0; i < le16_to_cpu(im->ctrl->naer); i++) {
        NvmeRequest *req = take_request(n->sq[0], im->aer[i].cid);

        req->cmd.opcode = NVME_ADM_CMD_ASYNC_EV_REQ;
        QTAILQ_INSERT_TAIL(&n->sq[0]->out_req_list, req, entry);
        n->aer_reqs[n->outstanding_aers++] = req;
    }

    for (uint32_t i = 0; i < le32_to_cpu(im->ctrl->nwait); i++) {
        const NvmeHmlmVsdWait *e = &im->wait[i];
        NvmeSQueue *sq = n->sq[le16_to_cpu(e->sqid)];
        NvmeRequest *req = take_request(sq, e->cid);

        req->status = le16_to_cpu(e->status);
        req->cqe.result = e->dw0;
        req->cqe.dw1 = e->dw1;
        QTAILQ_INSERT_TAIL(&n->cq[sq->cqid]->req_list, req, entry);
    }
}

static void drop_events(NvmeCtrl *n)
{
    NvmeAsyncEvent *event, *next;

    QTAILQ_FOREACH_SAFE(event, &n->aer_queue, entry, next) {
        QTAILQ_REMOVE(&n->aer_queue, event, entry);
        g_free(event);
    }
    n->aer_queued = 0;
}

static void load_events(const HmlmImage *im, NvmeCtrl *n)
{
    /* what happened to this controller before it became another */
    drop_events(n);
    n->aer_mask = le32_to_cpu(im->ctrl->aer_mask);

    for (uint32_t i = 0; i < le32_to_cpu(im->ctrl->nevent); i++) {
        NvmeAsyncEvent *event = g_new(NvmeAsyncEvent, 1);

        event->result = (NvmeAerResult) {
            .event_type = im->event[i].type,
            .event_info = im->event[i].info,
            .log_page = im->event[i].log_page,
        };
        QTAILQ_INSERT_TAIL(&n->aer_queue, event, entry);
        n->aer_queued++;
    }

    bitmap_zero(n->changed_nsids, NVME_CHANGED_NSID_SIZE);
    for (int nsid = 1; nsid <= NVME_MAX_NAMESPACES; nsid++) {
        if (im->ctrl->changed_nsids[nsid / 8] & (1 << (nsid % 8))) {
            set_bit(nsid, n->changed_nsids);
        }
    }
}

static void count_pending(NvmeCtrl *n)
{
    n->cq_pending = 0;
    for (uint32_t i = 0; i <= n->params.max_ioqpairs; i++) {
        NvmeCQueue *cq = n->cq[i];

        if (cq && cq->irq_enabled && cq->head != cq->tail) {
            n->cq_pending++;
        }
    }
}

/* Interrupts stay where Resume finds them: nothing is raised here */
static void load_irqs(const HmlmImage *im, NvmeCtrl *n)
{
    n->irq_status = le32_to_cpu(im->ctrl->irq_status);
    count_pending(n);
    bitmap_zero(n->hmlm->irq_pending, NVME_HMLM_MAX_VECTORS);
    for (int v = 0; v < NVME_HMLM_MAX_VECTORS; v++) {
        if (im->ctrl->irq_pending[v / 8] & (1 << (v % 8))) {
            set_bit(v, n->hmlm->irq_pending);
        }
    }
}

/* The same as Set Features does for Write Atomicity Normal */
static void load_atomicity(NvmeCtrl *n, uint32_t dn)
{
    uint16_t max = dn ? n->id_ctrl.awupf : n->id_ctrl.awun;

    n->dn = dn;
    n->atomic.atomic_max_write_size = le16_to_cpu(max) + 1;
    n->atomic.atomic_writes = n->atomic.atomic_max_write_size != 1;
}

static void load_features(const HmlmImage *im, NvmeCtrl *n)
{
    /* where the clock of a suspended controller stands: see fill_features() */
    uint64_t now = n->hmlm->suspended_ms;

    n->features.async_config = le32_to_cpu(im->ctrl->async_config);
    n->features.temp_thresh_hi = le16_to_cpu(im->ctrl->temp_thresh_hi);
    n->features.temp_thresh_low = le16_to_cpu(im->ctrl->temp_thresh_low);
    n->host_timestamp = le64_to_cpu(im->ctrl->timestamp_host);
    n->timestamp_set_qemu_clock_ms = now -
                                     le64_to_cpu(im->ctrl->timestamp_age);
    memcpy(&n->features.hbs, im->ctrl->hbs, sizeof(n->features.hbs));
    load_atomicity(n, le32_to_cpu(im->ctrl->dn));
}

/*
 * Features that this device keeps by namespace, for all controllers that see
 * it. Namespaces that are not attached here are passed over: that the media
 * are the same is for the host to check.
 */
static void load_ns_features(const HmlmImage *im, NvmeCtrl *n)
{
    for (uint32_t i = 0; i < le32_to_cpu(im->ctrl->nns); i++) {
        NvmeNamespace *ns = nvme_ns(n, le32_to_cpu(im->ns[i].nsid));
        bool vwc = le32_to_cpu(im->ns[i].vwc);

        if (!ns) {
            continue;
        }

        ns->features.err_rec = le32_to_cpu(im->ns[i].err_rec);
        ns->id_ns.nlbaf = ns->nlbaf - 1;
        if (!n->features.hbs.lbafee) {
            ns->id_ns.nlbaf = MIN(ns->id_ns.nlbaf, 15);
        }
        if (!vwc && blk_enable_write_cache(ns->blkconf.blk)) {
            blk_flush(ns->blkconf.blk);
        }
        blk_set_enable_write_cache(ns->blkconf.blk, vwc);
    }
}

/* The queues join a controller that stays what it is otherwise. */
static void load_queues_alone(const HmlmImage *im, NvmeCtrl *n)
{
    load_io_queues(im, n);
    count_pending(n);
    n->qs_created = n->qs_created || im->niocq;
}

/* The controller becomes another one. */
static uint16_t load_all(const HmlmImage *im, NvmeCtrl *n)
{
    load_registers(im, n);
    if (im->flags & NVME_HMLM_VSD_ADMIN_QUEUES) {
        if (nvme_start_ctrl(n)) {
            n->bar.cc = 0;
            return NVME_INTERNAL_DEV_ERROR | NVME_DNR;
        }
        load_positions(im, n);
        load_io_queues(im, n);
        load_requests(im, n);
    }
    n->bar.csts = im->ctrl->csts;
    load_events(im, n);
    load_irqs(im, n);
    load_features(im, n);
    load_ns_features(im, n);

    n->hmlm->kept_admin_sq_db = im->flags & NVME_HMLM_VSD_KEPT_ASQ_DB;
    n->hmlm->kept_admin_cq_db = im->flags & NVME_HMLM_VSD_KEPT_ACQ_DB;

    return NVME_SUCCESS;
}

/**
 * nvme_hmlm_apply - load a state
 * @n: controller, suspended; it stays suspended
 * @image: the state without the device memory; nvme_hmlm_check() took it
 * @len: its length
 *
 * The device memory is for the caller to load.
 *
 * Returns a status; not Success only if the controller refused to start for
 * a reason the check does not know, which would be a bug of this model.
 */
uint16_t nvme_hmlm_apply(NvmeCtrl *n, const uint8_t *image, uint64_t len)
{
    uint16_t status = NVME_SUCCESS;
    HmlmImage im = {};

    if (parse(&im, n, image, len)) {
        return NVME_INTERNAL_DEV_ERROR | NVME_DNR;
    }

    n->hmlm->busy = true;
    if (im.vsd) {
        status = load_all(&im, n);
    } else {
        load_queues_alone(&im, n);
    }
    n->hmlm->busy = false;

    return status;
}
