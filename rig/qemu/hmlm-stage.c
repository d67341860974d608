/*
 * SPDX-License-Identifier: GPL-2.0-only
 *
 * A controller state on its way in, piece by piece (Set Controller State).
 *
 * Pieces may come in any order, overlap, and replace what came before; the
 * last one commits, which takes every byte of the state to have arrived and
 * the whole to be good. How long the state is, its header tells, and that may
 * change until the last piece: what came by earlier pieces for beyond the end
 * is ignored. The last piece itself must not go beyond it.
 *
 * Up to where device memory starts the state is held as it is. From there on,
 * up to 4 GiB of memory and the lists behind it, it is taken as blocks: one
 * that has arrived in full and is one that hmlm-mem.c generates is remembered
 * by its generation alone. What is not recognised has to be held until it is
 * replaced or refused, up to HMLM_STAGE_RAW_MAX blocks.
 */

#include "qemu/osdep.h"

#include "hmlm.h"
#include "trace.h"

#define HMLM_STAGE_RAW_MAX      4096    /* blocks: 16 MiB */
#define HMLM_STAGE_EXTENTS_MAX  4096

typedef struct HmlmExtent {
    uint64_t start;
    uint64_t end;
} HmlmExtent;

/**
 * nvme_hmlm_stage_drop - forget a half-sent state
 * @n: controller
 */
void nvme_hmlm_stage_drop(NvmeCtrl *n)
{
    NvmeHmlmStage *s = &n->hmlm->stage;

    if (!s->active) {
        return;
    }

    g_byte_array_free(s->image, true);
    g_array_free(s->extents, true);
    g_hash_table_destroy(s->mem_raw);
    g_free(s->mem_gen);
    *s = (NvmeHmlmStage) {};
}

/**
 * nvme_hmlm_stage_begin - a new state comes; an unfinished one is dropped
 * @n: controller
 */
void nvme_hmlm_stage_begin(NvmeCtrl *n)
{
    NvmeHmlmStage *s = &n->hmlm->stage;

    nvme_hmlm_stage_drop(n);
    s->active = true;
    s->image = g_byte_array_new();
    s->extents = g_array_new(false, false, sizeof(HmlmExtent));
    s->mem_raw = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL,
                                       g_free);
    s->mem_gen = g_new0(uint32_t, nvme_hmlm_mem_blocks(n->params.hmlm.mem_max));
}

/* Index of the first extent that ends at @start or later */
static guint extent_lower_bound(GArray *extents, uint64_t start)
{
    guint lo = 0, hi = extents->len;

    while (lo < hi) {
        guint mid = lo + (hi - lo) / 2;

        if (g_array_index(extents, HmlmExtent, mid).end < start) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }

    return lo;
}

/* Add [start, end), joining what it touches; extents stay sorted */
static bool extent_add(GArray *extents, uint64_t start, uint64_t end)
{
    HmlmExtent new = { start, end };
    guint first = extent_lower_bound(extents, start);
    guint last = first;

    while (last < extents->len &&
           g_array_index(extents, HmlmExtent, last).start <= end) {
        HmlmExtent *e = &g_array_index(extents, HmlmExtent, last++);

        new.start = MIN(new.start, e->start);
        new.end = MAX(new.end, e->end);
    }

    if (first == last && extents->len >= HMLM_STAGE_EXTENTS_MAX) {
        return false;
    }

    if (first != last) {
        g_array_remove_range(extents, first, last - first);
    }
    g_array_insert_val(extents, first, new);

    return true;
}

/* Has all of [start, end), not empty, arrived? */
static bool extent_covers(GArray *extents, uint64_t start, uint64_t end)
{
    guint i = extent_lower_bound(extents, start);
    HmlmExtent *e;

    if (i >= extents->len) {
        return false;
    }
    e = &g_array_index(extents, HmlmExtent, i);

    return e->start <= start && e->end >= end;
}

static bool extent_covers_block(GArray *extents, uint64_t start, uint64_t block)
{
    uint64_t at = start + block * NVME_HMLM_MEM_BLOCK;

    return extent_covers(extents, at, at + NVME_HMLM_MEM_BLOCK);
}

static void stage_image(NvmeHmlmStage *s, uint64_t at, const uint8_t *buf,
                        size_t len)
{
    guint old = s->image->len;

    if (at + len > old) {
        g_byte_array_set_size(s->image, at + len);
        memset(s->image->data + old, 0, at + len - old);
    }
    memcpy(s->image->data + at, buf, len);
}

/* Get the page of a block that is held as bytes, turning it into one */
static uint8_t *stage_raw_page(NvmeHmlmStage *s, uint64_t block, bool known)
{
    uint8_t *page = g_hash_table_lookup(s->mem_raw, GUINT_TO_POINTER(block));

    if (page) {
        return page;
    }
    if (g_hash_table_size(s->mem_raw) >= HMLM_STAGE_RAW_MAX) {
        return NULL;
    }

    page = g_malloc0(NVME_HMLM_MEM_BLOCK);
    if (known) {
        nvme_hmlm_mem_block(s->mem_seed, block, s->mem_gen[block], page);
    }
    g_hash_table_insert(s->mem_raw, GUINT_TO_POINTER(block), page);

    return page;
}

/* Remember a block by its generation, if it is device memory and fits */
static bool stage_recognise(NvmeCtrl *n, uint64_t block, const uint8_t *page)
{
    NvmeHmlmStage *s = &n->hmlm->stage;
    uint32_t gen;
    uint64_t seed;

    if (block >= nvme_hmlm_mem_blocks(n->params.hmlm.mem_max) ||
        !nvme_hmlm_mem_recognise(page, block, &seed, &gen) ||
        (s->mem_seed_known && seed != s->mem_seed)) {
        return false;
    }

    s->mem_seed = seed;
    s->mem_seed_known = true;
    s->mem_gen[block] = gen;
    g_hash_table_remove(s->mem_raw, GUINT_TO_POINTER(block));

    return true;
}

/*
 * Take bytes of one block. @full: all of the block had arrived before, so if
 * it is not held as bytes, it was recognised. @done: all has arrived now.
 */
static bool stage_block(NvmeCtrl *n, uint64_t block, size_t in,
                        const uint8_t *buf, size_t len, bool full, bool done)
{
    uint8_t *page;

    if (len == NVME_HMLM_MEM_BLOCK && stage_recognise(n, block, buf)) {
        return true;
    }

    page = stage_raw_page(&n->hmlm->stage, block, full);
    if (!page) {
        return false;
    }

    memcpy(page + in, buf, len);
    if (done) {
        stage_recognise(n, block, page);
    }

    return true;
}

/* Take bytes from where device memory starts on, @off counted from there */
static bool stage_blocks(NvmeCtrl *n, uint64_t off, const uint8_t *buf,
                         size_t len)
{
    GArray *extents = n->hmlm->stage.extents;
    uint64_t start = nvme_hmlm_mem_start(n);
    uint64_t last = (off + len - 1) / NVME_HMLM_MEM_BLOCK;
    uint64_t first = off / NVME_HMLM_MEM_BLOCK;
    /* only these two may be written in part: the others need not be known */
    bool first_full = extent_covers_block(extents, start, first);
    bool last_full = extent_covers_block(extents, start, last);

    if (!extent_add(extents, start + off, start + off + len)) {
        return false;
    }

    for (uint64_t block = first; block <= last; block++) {
        size_t in = off % NVME_HMLM_MEM_BLOCK;
        size_t chunk = MIN(len, NVME_HMLM_MEM_BLOCK - in);
        bool full = (block == first && first_full) ||
                    (block == last && last_full);

        if (!stage_block(n, block, in, buf, chunk, full,
                         extent_covers_block(extents, start, block))) {
            return false;
        }

        off += chunk;
        buf += chunk;
        len -= chunk;
    }

    return true;
}

/**
 * nvme_hmlm_stage_write - take a piece of the state
 * @n: controller, with a sequence begun
 * @off: offset in the state
 * @buf: the piece
 * @len: its length; the caller has bounded @off + @len
 *
 * Returns a status: Not Enough Resources, and the sequence is over, if the
 * pieces are too scattered or too much device memory is not recognised.
 */
uint16_t nvme_hmlm_stage_write(NvmeCtrl *n, uint64_t off, const uint8_t *buf,
                               size_t len)
{
    NvmeHmlmStage *s = &n->hmlm->stage;
    uint64_t mstart = n->params.hmlm.mem_max ? nvme_hmlm_mem_start(n) :
                      UINT64_MAX;
    size_t before = off < mstart ? MIN(len, mstart - off) : 0;
    bool ok = true;

    if (before) {
        stage_image(s, off, buf, before);
        ok = extent_add(s->extents, off, off + before);
    }
    if (ok && len > before) {
        ok = stage_blocks(n, off + before - mstart, buf + before, len - before);
    }

    if (!ok) {
        nvme_hmlm_stage_drop(n);
        return NVME_NOT_ENOUGH_RESOURCES | NVME_DNR;
    }

    return NVME_SUCCESS;
}

/* Read what has come for one block, all of which has */
static void stage_read_block(NvmeHmlmStage *s, uint64_t block, uint8_t *page)
{
    const uint8_t *raw = g_hash_table_lookup(s->mem_raw,
                                             GUINT_TO_POINTER(block));

    if (raw) {
        memcpy(page, raw, NVME_HMLM_MEM_BLOCK);
    } else {
        nvme_hmlm_mem_block(s->mem_seed, block, s->mem_gen[block], page);
    }
}

/*
 * Make the image of what has come: what lies before the device memory, which is
 * @mem bytes, and from behind it to @total.
 */
static void stage_make_image(NvmeCtrl *n, uint64_t total, uint64_t mem)
{
    NvmeHmlmStage *s = &n->hmlm->stage;
    uint64_t mstart = nvme_hmlm_mem_start(n);
    uint8_t page[NVME_HMLM_MEM_BLOCK];
    uint64_t at = mem;

    if (!n->params.hmlm.mem_max || total <= mstart) {
        g_byte_array_set_size(s->image, total);
        return;
    }

    while (at < total - mstart) {
        size_t in = at % NVME_HMLM_MEM_BLOCK;
        size_t len = MIN(NVME_HMLM_MEM_BLOCK - in, total - mstart - at);

        stage_read_block(s, at / NVME_HMLM_MEM_BLOCK, page);
        g_byte_array_append(s->image, page + in, len);
        at += len;
    }
}

/*
 * Is the last block, as far as it goes, of the generation it should have? It
 * may be cut short, and what is in the rest of its page does not matter then.
 */
static bool stage_last_matches(NvmeCtrl *n, const NvmeHmlmMemDesc *mem)
{
    uint64_t block = nvme_hmlm_mem_blocks(mem->size) - 1;
    uint8_t want[NVME_HMLM_MEM_BLOCK], have[NVME_HMLM_MEM_BLOCK];

    nvme_hmlm_mem_block(mem->seed, block, mem->last_gen, want);
    stage_read_block(&n->hmlm->stage, block, have);

    return !memcmp(want, have, mem->size - block * NVME_HMLM_MEM_BLOCK);
}

/* Is the staged device memory, all of it, the one that @mem tells? */
static bool stage_mem_matches(NvmeCtrl *n, const NvmeHmlmMemDesc *mem)
{
    NvmeHmlmStage *s = &n->hmlm->stage;
    uint64_t nblocks = nvme_hmlm_mem_blocks(mem->size);
    uint64_t sum = 0;

    if (!nblocks) {
        return true;
    }
    if (!stage_last_matches(n, mem)) {
        return false;
    }

    for (uint64_t b = 0; b < nblocks - 1; b++) {
        if (g_hash_table_size(s->mem_raw) &&
            g_hash_table_contains(s->mem_raw, GUINT_TO_POINTER(b))) {
            return false;
        }
        sum += nvme_hmlm_mem_sum(b, s->mem_gen[b]);
    }

    return sum + nvme_hmlm_mem_sum(nblocks - 1, mem->last_gen) == mem->sum &&
           (nblocks == 1 || s->mem_seed == mem->seed);
}

/* The staged device memory becomes the controller's. */
static void stage_load_mem(NvmeCtrl *n, const NvmeHmlmMemDesc *desc)
{
    NvmeHmlmStage *s = &n->hmlm->stage;
    NvmeHmlmMem *mem = &n->hmlm->mem;
    uint64_t nblocks = nvme_hmlm_mem_blocks(desc->size);
    uint64_t most = nvme_hmlm_mem_blocks(n->params.hmlm.mem_max);

    nvme_hmlm_mem_free(n);
    mem->gen = g_steal_pointer(&s->mem_gen);
    if (nblocks) {
        mem->gen[nblocks - 1] = desc->last_gen;
    }
    for (uint64_t b = nblocks; b < most; b++) {
        mem->gen[b] = 0;
    }
    mem->size = desc->size;
    mem->seed = desc->seed;
    mem->ticks = desc->ticks;
    mem->sum = desc->sum;
}

/* Has the state the parts that the command names, and any at all? */
static const char *stage_check_parts(NvmeHmlmStage *s, NvmeHmlmParts parts)
{
    const NvmeCtrlStateHdr *hdr = (const NvmeCtrlStateHdr *)s->image->data;

    if (hdr->nvmecss[0] && !parts.csvi) {
        return "queues, but CSVI is 0";
    }
    if (hdr->vss[0] && !parts.csuuidi) {
        return "vendor-specific data, but CSUUIDI is 0";
    }

    return hdr->nvmecss[0] || hdr->vss[0] ? NULL : "nothing in it";
}

/* Whether what has come is a good state, and if so what its memory is */
static const char *stage_check(NvmeCtrl *n, uint64_t end, NvmeHmlmParts parts,
                               NvmeHmlmMemDesc *mem)
{
    NvmeHmlmStage *s = &n->hmlm->stage;
    uint64_t total, mem_len;
    const char *why;

    why = nvme_hmlm_sizes(n, s->image->data, s->image->len, &total, &mem_len);
    why = why ?: stage_check_parts(s, parts);
    if (why) {
        return why;
    }
    if (!extent_covers(s->extents, 0, total)) {
        return "bytes are missing";
    }
    if (end > total) {
        return "the last piece goes beyond the end";
    }

    stage_make_image(n, total, mem_len);
    why = nvme_hmlm_check(n, s->image->data, s->image->len, mem);
    if (!why && !stage_mem_matches(n, mem)) {
        why = "device memory is not what its seed and generations give";
    }

    return why;
}

/* Load what was checked. An enabled controller has to make room first. */
static uint16_t stage_load(NvmeCtrl *n, const NvmeHmlmMemDesc *mem)
{
    NvmeHmlmStage *s = &n->hmlm->stage;
    uint16_t status;

    if (mem->told && NVME_CC_EN(ldl_le_p(&n->bar.cc))) {
        s->active = false;      /* a reset drops no state then */
        nvme_hmlm_disable(n);
        s->active = true;
    }

    status = nvme_hmlm_apply(n, s->image->data, s->image->len);
    if (!status && mem->told) {
        stage_load_mem(n, mem);
    }

    return status;
}

/**
 * nvme_hmlm_stage_commit - the last piece has come: check all, then load it
 * @n: controller
 * @end: where in the state the last piece ended; 0 if it had no length
 * @parts: which parts the command says that there are
 *
 * Whatever comes of it, the sequence is over. A state that is not good in
 * every point leaves the controller as it was.
 *
 * Returns a status: Invalid Field for a bad state.
 */
uint16_t nvme_hmlm_stage_commit(NvmeCtrl *n, uint64_t end, NvmeHmlmParts parts)
{
    uint16_t status = NVME_INVALID_FIELD | NVME_DNR;
    NvmeHmlmMemDesc mem;
    const char *why = stage_check(n, end, parts, &mem);

    if (why) {
        trace_pci_nvme_err_hmlm_state(n->cntlid, why);
    } else {
        status = stage_load(n, &mem);
    }
    nvme_hmlm_stage_drop(n);

    return status;
}
