/*
 * SPDX-License-Identifier: GPL-2.0-only
 *
 * Host-managed live migration for the emulated NVMe controller: which host
 * memory a controlled controller writes (NVMe Base 2.1: Track Send, Track
 * Memory Changes; Track Receive, Tracked Memory Changes).
 *
 * Properties of the PF (its VFs inherit them):
 *   hmlm-track-ranges=N   CMMRTD, ranges that this controller tracks, of all the
 *                         controllers it tracks together; 0: memory tracking
 *                         is not offered. Default 40.
 *   hmlm-track-total=N    NMMRTD, the same for the subsystem. Default 40.
 *   hmlm-track-most=N     Ranges that one controller can be tracked in; more
 *                         are Not Enough Resources. Default 16.
 *   hmlm-track-min=N      MINMRTG, default 0 (4 KiB).
 *   hmlm-track-max=N      MAXMRTG, default 9 (2 MiB).
 *   hmlm-track-coarsen=N  A granularity finer than MINMRTG + N, but for one
 *                         above MAXMRTG, is Not Enough Resources. Default 0.
 *   hmlm-track-pow2=on    TRATTR.MRTLL: lengths have to be powers of two.
 *
 * Every write of a controller to host memory is told to nvme_hmlm_track_mark()
 * after it was done: a host that reads the report, and then the memory, gets
 * the data or a later report. What goes to the controller memory buffer or the
 * persistent memory region is not host memory.
 *
 * The dirty granules are kept in bitmaps of 4 KiB by ascending address, which
 * exist only while they have a bit set: memory and time go with what is dirty,
 * not with how large the ranges are.
 */

#include "qemu/osdep.h"
#include "qemu/host-utils.h"
#include "qapi/error.h"
#include "hw/pci/pci_device.h"

#include "hmlm.h"
#include "trace.h"

/* MINMRTG, RMRTG, MRTG and RPMPG n: 2^n times 4 KiB, whatever CAP.MPSMIN is */
#define TRACK_MIN_SHIFT     12
/* 1 TiB: far above any use, and no shift of an address comes near 64. */
#define TRACK_MAX_GRAN      28

#define TRACK_CHUNK_BITS    15
#define TRACK_CHUNK_SIZE    (1u << TRACK_CHUNK_BITS)

typedef struct TrackChunk {
    uint64_t index;             /* granule >> TRACK_CHUNK_BITS */
    uint32_t dirty;             /* bits set */
    DECLARE_BITMAP(map, TRACK_CHUNK_SIZE);
} TrackChunk;

typedef struct TrackRange {
    uint64_t first;             /* bytes */
    uint64_t last;              /* its last byte */
} TrackRange;

/* A report that is being written */
typedef struct TrackReport {
    NvmeTrackedChange *desc;
    uint32_t max;
    uint32_t count;
    bool more;
} TrackReport;

/**
 * nvme_hmlm_track_check_params - check the hmlm-track-* properties
 * @n: controller, before it is set up
 * @errp: error
 *
 * Returns false, with @errp set, if a property is out of range.
 */
bool nvme_hmlm_track_check_params(NvmeCtrl *n, Error **errp)
{
    uint8_t min = n->params.hmlm.track_min;
    uint8_t max = n->params.hmlm.track_max;

    if (min > max || max > TRACK_MAX_GRAN) {
        error_setg(errp, "hmlm-track-min is %u and hmlm-track-max is %u;"
                   " expected min <= max <= %u", min, max, TRACK_MAX_GRAN);
        return false;
    }

    return true;
}

static bool track_offered(const NvmeCtrl *n)
{
    return n->params.hmlm.track_ranges != 0;
}

/**
 * nvme_hmlm_track_init - offer memory tracking
 * @n: controlling controller
 *
 * Fills in Identify Controller and the commands supported.
 */
void nvme_hmlm_track_init(NvmeCtrl *n)
{
    uint8_t *id = (uint8_t *)&n->id_ctrl;

    if (!track_offered(n)) {
        return;
    }

    stw_le_p(id + NVME_ID_CTRL_CMMRTD, n->params.hmlm.track_ranges);
    stw_le_p(id + NVME_ID_CTRL_NMMRTD, n->params.hmlm.track_total);
    id[NVME_ID_CTRL_MINMRTG] = n->params.hmlm.track_min;
    id[NVME_ID_CTRL_MAXMRTG] = n->params.hmlm.track_max;
    id[NVME_ID_CTRL_TRATTR] = NVME_TRATTR_THMCS |
        (n->params.hmlm.track_pow2 ? NVME_TRATTR_MRTLL : 0);
    n->cse.acs[NVME_ADM_CMD_TRACK_SEND] = NVME_CMD_EFF_CSUPP;
    n->cse.acs[NVME_ADM_CMD_TRACK_RECV] = NVME_CMD_EFF_CSUPP;
}

static gint track_compare(gconstpointer a, gconstpointer b, gpointer unused)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

static TrackChunk *track_chunk(NvmeHmlmTrack *track, uint64_t index)
{
    TrackChunk *chunk = g_tree_lookup(track->chunks, &index);

    if (!chunk) {
        chunk = g_new0(TrackChunk, 1);
        chunk->index = index;
        g_tree_insert(track->chunks, &chunk->index, chunk);
    }

    return chunk;
}

/* Granules @first to @last were written. */
static void track_set(NvmeHmlmTrack *track, uint64_t first, uint64_t last)
{
    for (uint64_t g = first; ; g++) {
        TrackChunk *chunk = track_chunk(track, g >> TRACK_CHUNK_BITS);

        if (!test_and_set_bit(g % TRACK_CHUNK_SIZE, chunk->map)) {
            chunk->dirty++;
        }
        if (g == last) {
            return;
        }
    }
}

/**
 * nvme_hmlm_track_mark - a controller has written host memory
 * @n: controller
 * @addr: address that it used
 * @len: bytes
 */
void nvme_hmlm_track_mark(NvmeCtrl *n, uint64_t addr, uint64_t len)
{
    NvmeHmlmTrack *track = n->hmlm ? &n->hmlm->track : NULL;
    uint64_t last = addr + len - 1;

    if (!track || !track->ranges || !len || last < addr) {
        return;
    }

    for (guint i = 0; i < track->ranges->len; i++) {
        TrackRange *range = &g_array_index(track->ranges, TrackRange, i);

        if (range->first > last) {
            return;             /* they are in order */
        }
        if (range->last >= addr) {
            track_set(track, MAX(addr, range->first) >> track->shift,
                      MIN(last, range->last) >> track->shift);
        }
    }
}

/**
 * nvme_hmlm_track_sg - a controller has written the start of a data buffer
 * @n: controller
 * @sg: the buffer as it is mapped
 * @len: bytes; more than there are means all
 */
void nvme_hmlm_track_sg(NvmeCtrl *n, const NvmeSg *sg, uint64_t len)
{
    if (!n->hmlm || !n->hmlm->track.ranges || !(sg->flags & NVME_SG_DMA)) {
        return;
    }

    for (int i = 0; len && i < sg->qsg.nsg; i++) {
        uint64_t part = MIN(len, sg->qsg.sg[i].len);

        nvme_hmlm_track_mark(n, sg->qsg.sg[i].base, part);
        len -= part;
    }
}

/**
 * nvme_hmlm_dma_stl - write a dword to host memory
 * @n: controller
 * @addr: address
 * @value: value
 */
void nvme_hmlm_dma_stl(NvmeCtrl *n, uint64_t addr, uint32_t value)
{
    stl_le_pci_dma(PCI_DEVICE(n), addr, value, MEMTXATTRS_UNSPECIFIED);
    nvme_hmlm_track_mark(n, addr, sizeof(value));
}

/**
 * nvme_hmlm_track_drop - track no longer, forget what was written
 * @n: controlled controller
 *
 * When the controlling controller is reset, or the function goes offline. A
 * reset of the function alone leaves tracking as it is: the specification ends
 * it only with a reset of who tracks.
 */
void nvme_hmlm_track_drop(NvmeCtrl *n)
{
    NvmeHmlmTrack *track = n->hmlm ? &n->hmlm->track : NULL;

    if (!track || !track->ranges) {
        return;
    }

    trace_pci_nvme_hmlm_track_stop(n->cntlid);
    g_array_free(track->ranges, true);
    g_tree_destroy(track->chunks);
    track->ranges = NULL;
    track->chunks = NULL;
}

/* Ranges in use by all controllers that @n controls */
static uint32_t track_in_use(NvmeCtrl *n)
{
    uint32_t sum = 0, at = 0;
    NvmeCtrl *ctrl;

    while ((ctrl = nvme_hmlm_next(n, &at))) {
        if (ctrl->hmlm->track.ranges) {
            sum += ctrl->hmlm->track.ranges->len;
        }
    }

    return sum;
}

static gint track_range_compare(gconstpointer a, gconstpointer b)
{
    return track_compare(a, b, NULL);
}

/*
 * The ranges of a Track Memory Changes data structure, in order. NULL if one
 * is not aligned, is empty, ends beyond 64 bits, overlaps another one, or with
 * @pow2 has a length that is no power of two.
 */
static GArray *track_parse(const NvmeTrackRange *desc, uint32_t count,
                           unsigned shift, bool pow2)
{
    g_autoptr(GArray) ranges = g_array_sized_new(false, false,
                                                 sizeof(TrackRange), count);

    for (uint32_t i = 0; i < count; i++) {
        uint64_t size = (uint64_t)le32_to_cpu(desc[i].len) << shift;
        TrackRange range = { .first = le64_to_cpu(desc[i].saddr) };

        range.last = range.first + size - 1;
        if (range.first & ((1ull << shift) - 1) || !size ||
            range.last < range.first || (pow2 && !is_power_of_2(size))) {
            return NULL;
        }
        g_array_append_val(ranges, range);
    }

    g_array_sort(ranges, track_range_compare);
    for (uint32_t i = 1; i < count; i++) {
        if (g_array_index(ranges, TrackRange, i).first <=
            g_array_index(ranges, TrackRange, i - 1).last) {
            return NULL;
        }
    }

    return g_steal_pointer(&ranges);
}

/*
 * Whether this controller has the means for @count ranges of a granularity; if
 * not, MRTG and NMRTD in the completion tell what it could do.
 */
static bool track_affordable(NvmeCtrl *n, NvmeRequest *req, uint8_t rmrtg,
                             uint32_t count)
{
    uint8_t finest = MIN(n->params.hmlm.track_min +
                         n->params.hmlm.track_coarsen,
                         n->params.hmlm.track_max);
    uint32_t most = n->params.hmlm.track_most;

    if (rmrtg >= finest && count <= most) {
        return true;
    }

    req->cqe.result = cpu_to_le32(finest);
    req->cqe.dw1 = cpu_to_le32(rmrtg < finest ? 0 : most);

    return false;
}

static uint16_t track_start(NvmeCtrl *n, NvmeCtrl *ctrl, NvmeRequest *req,
                            const NvmeTrackData *data, uint32_t count)
{
    NvmeHmlmTrack *track = &ctrl->hmlm->track;
    GArray *ranges;

    ranges = track_parse(data->desc, count, TRACK_MIN_SHIFT + data->rmrtg,
                         n->params.hmlm.track_pow2);
    if (!ranges) {
        return NVME_INVALID_FIELD | NVME_DNR;
    }
    if (!track_affordable(n, req, data->rmrtg, count)) {
        g_array_free(ranges, true);
        return NVME_NOT_ENOUGH_RESOURCES | NVME_DNR;
    }

    trace_pci_nvme_hmlm_track_start(ctrl->cntlid, count, data->rmrtg);
    track->shift = TRACK_MIN_SHIFT + data->rmrtg;
    track->ranges = ranges;
    track->chunks = g_tree_new_full(track_compare, NULL, NULL, g_free);

    return NVME_SUCCESS;
}

/* Read the first @len bytes of a command's data; it may be read again. */
static uint16_t track_fetch(NvmeCtrl *n, NvmeRequest *req, void *buf,
                            size_t len)
{
    uint16_t status = nvme_h2c(n, buf, len, req);

    nvme_sg_unmap(&req->sg);

    return status;
}

/*
 * Track Send has no NUMD: how long the data is, its header tells. So that comes
 * first, and the rest once its length is bounded.
 */
static uint16_t track_receive_ranges(NvmeCtrl *n, NvmeCtrl *ctrl,
                                     NvmeRequest *req)
{
    g_autofree NvmeTrackData *data = NULL;
    uint32_t in_use = track_in_use(n);
    NvmeTrackData head;
    uint32_t count;
    uint16_t status;
    size_t len;

    status = track_fetch(n, req, &head, sizeof(head));
    if (status) {
        return status;
    }

    count = le32_to_cpu(head.rnmrtd);
    if (head.ver || head.rmrtg < n->params.hmlm.track_min ||
        head.rmrtg > n->params.hmlm.track_max || !count ||
        count > MIN(n->params.hmlm.track_ranges, n->params.hmlm.track_total) ||
        in_use + count > n->params.hmlm.track_ranges ||
        in_use + count > n->params.hmlm.track_total) {
        return NVME_INVALID_FIELD | NVME_DNR;
    }

    len = sizeof(head) + (size_t)count * sizeof(data->desc[0]);
    status = nvme_check_mdts(n, len);
    if (status) {
        return status;
    }
    data = g_malloc(len);
    status = track_fetch(n, req, data, len);
    if (status) {
        return status;
    }
    memcpy(data, &head, sizeof(head));      /* what was checked */

    return track_start(n, ctrl, req, data, count);
}

/**
 * nvme_hmlm_track_send - run a Track Send command
 * @n: the controlling controller
 * @req: the command
 *
 * CDW10 and CDW11 only; the other dwords are reserved. [?] No status is told for
 * a stop of what is not tracked, which therefore does nothing.
 *
 * Returns its status.
 */
uint16_t nvme_hmlm_track_send(NvmeCtrl *n, NvmeRequest *req)
{
    uint32_t dw10 = le32_to_cpu(req->cmd.cdw10);
    NvmeCtrl *ctrl;
    uint16_t status;

    if (extract32(dw10, 0, 8) != NVME_TS_SEL_MEMORY) {
        return NVME_INVALID_FIELD | NVME_DNR;
    }

    status = nvme_hmlm_find(n, le32_to_cpu(req->cmd.cdw11) & 0xffff, &ctrl);
    if (status) {
        return status;
    }
    if (nvme_hmlm_suspended(ctrl)) {
        return NVME_CTRL_SUSPENDED | NVME_DNR;
    }
    if (!(dw10 & NVME_TACT_START)) {
        nvme_hmlm_track_drop(ctrl);
        return NVME_SUCCESS;
    }
    if (ctrl->hmlm->track.ranges) {
        return NVME_INVALID_CTRL_ID | NVME_DNR;
    }

    return track_receive_ranges(n, ctrl, req);
}

/* Add granules to a report; false when there is no room for a descriptor. */
static bool track_report_run(TrackReport *report, unsigned shift,
                             uint64_t granule, uint32_t count)
{
    NvmeTrackedChange *last = report->desc + report->count - 1;

    if (report->count) {
        uint32_t len = le32_to_cpu(last->len);

        if ((le64_to_cpu(last->saddr) >> shift) + len == granule &&
            len <= UINT32_MAX - count) {
            last->len = cpu_to_le32(len + count);
            return true;
        }
    }
    if (report->count == report->max) {
        report->more = true;
        return false;
    }

    report->desc[report->count].saddr = cpu_to_le64(granule << shift);
    report->desc[report->count].len = cpu_to_le32(count);
    report->count++;

    return true;
}

/* Move a chunk's bits to a report; false when not all went in. */
static bool track_report_chunk(TrackReport *report, unsigned shift,
                               TrackChunk *chunk)
{
    uint64_t base = chunk->index << TRACK_CHUNK_BITS;
    unsigned long at = find_first_bit(chunk->map, TRACK_CHUNK_SIZE);

    while (at < TRACK_CHUNK_SIZE) {
        unsigned long end = find_next_zero_bit(chunk->map, TRACK_CHUNK_SIZE,
                                               at);

        if (!track_report_run(report, shift, base + at, end - at)) {
            return false;
        }
        bitmap_clear(chunk->map, at, end - at);
        chunk->dirty -= end - at;
        at = find_next_bit(chunk->map, TRACK_CHUNK_SIZE, end);
    }

    return true;
}

/* Move what is dirty to a report, lowest addresses first. */
static void track_report(NvmeHmlmTrack *track, TrackReport *report)
{
    GTreeNode *node;

    while ((node = g_tree_node_first(track->chunks))) {
        TrackChunk *chunk = g_tree_node_value(node);

        if (!track_report_chunk(report, track->shift, chunk)) {
            return;
        }
        g_tree_remove(track->chunks, &chunk->index);
    }
}

/* A report did not reach the host: it is still to be made. */
static void track_unreport(NvmeHmlmTrack *track, const TrackReport *report)
{
    for (uint32_t i = 0; i < report->count; i++) {
        uint64_t first = le64_to_cpu(report->desc[i].saddr) >> track->shift;

        track_set(track, first, first + le32_to_cpu(report->desc[i].len) - 1);
    }
}

static uint16_t track_send_report(NvmeCtrl *n, NvmeCtrl *ctrl, NvmeRequest *req,
                                  uint64_t len)
{
    NvmeHmlmTrack *track = &ctrl->hmlm->track;
    g_autofree NvmeTrackedChanges *data = g_malloc0(len);
    TrackReport report = {
        .desc = data->desc,
        .max = (len - sizeof(*data)) / sizeof(data->desc[0]),
    };
    uint16_t status;

    track_report(track, &report);
    data->attrb = (report.more ? NVME_TRACKED_MTR : 0) |
                  (nvme_hmlm_suspended(ctrl) ? NVME_TRACKED_SUSP : 0);
    data->cntlid = cpu_to_le16(ctrl->cntlid);
    data->ntmcd = cpu_to_le32(report.count);
    data->rpmpg = cpu_to_le16(track->shift - TRACK_MIN_SHIFT);
    trace_pci_nvme_hmlm_track_read(ctrl->cntlid, report.count, report.more);

    status = nvme_c2h(n, (void *)data, len, req);
    if (status) {
        track_unreport(track, &report);
    }

    return status ? status : nvme_hmlm_pace(n, req, len);
}

/**
 * nvme_hmlm_track_recv - run a Track Receive command
 * @n: the controlling controller
 * @req: the command
 *
 * NUMD is in CDW12, 0's based. A host that was written without the text may have
 * it in CDW15, where Migration Receive has it, and 0 in CDW12; as CDW15 is
 * reserved here, nobody else has anything in it. There is no offset: what was
 * returned is cleared. [?] Of a controller that is not tracked it is Invalid Controller
 * Identifier, the one status that is its own.
 *
 * Returns its status.
 */
uint16_t nvme_hmlm_track_recv(NvmeCtrl *n, NvmeRequest *req)
{
    uint32_t numd = le32_to_cpu(req->cmd.cdw12) ?: le32_to_cpu(req->cmd.cdw15);
    uint64_t len = ((uint64_t)numd + 1) << 2;
    NvmeCtrl *ctrl;
    uint16_t status;

    if (extract32(le32_to_cpu(req->cmd.cdw10), 0, 8) != NVME_TR_SEL_MEMORY ||
        len < sizeof(NvmeTrackedChanges)) {
        return NVME_INVALID_FIELD | NVME_DNR;
    }

    status = nvme_hmlm_find(n, le32_to_cpu(req->cmd.cdw11) & 0xffff, &ctrl);
    if (status) {
        return status;
    }
    status = nvme_check_mdts(n, len);
    if (status) {
        return status;
    }
    if (!ctrl->hmlm->track.ranges) {
        return NVME_INVALID_CTRL_ID | NVME_DNR;
    }

    return track_send_report(n, ctrl, req, len);
}
