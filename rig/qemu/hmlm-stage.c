/*
 * SPDX-License-Identifier: GPL-2.0-only
 *
 * A controller state on its way in, piece by piece (Set Controller State).
 *
 * Pieces may come in any order, overlap, and replace what came before; the
 * last one commits, which takes every byte of the state to have arrived and
 * the whole to be good. The image (all but device memory) is held as it is,
 * up to nvme_hmlm_image_max(). Device memory, up to 4 GiB, is not held: a
 * block that has arrived in full and is one that hmlm-mem.c generates is
 * remembered by its generation alone. What is not recognised has to be held
 * until it is replaced or refused, up to HMLM_STAGE_RAW_MAX blocks.
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
    s->mem_gen = g_new0(uint32_t, nvme_hmlm_mem_blocks(n));
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

/* Remember a block by its generation, if it has one and it fits */
static bool stage_recognise(NvmeHmlmStage *s, uint64_t block,
                            const uint8_t *page)
{
    uint64_t seed, gen;

    if (!nvme_hmlm_mem_recognise(page, block, &seed, &gen) ||
        gen > UINT32_MAX || (s->mem_seed_known && seed != s->mem_seed)) {
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
 * it is not held as bytes, it was recognised. @done: all has arrived now. A
 * block cut short has no room for its words and is compared at commit.
 */
static bool stage_block(NvmeHmlmStage *s, uint64_t block, size_t in,
                        const uint8_t *buf, size_t len, bool full, bool done)
{
    uint8_t *page;

    if (len == NVME_HMLM_MEM_BLOCK && stage_recognise(s, block, buf)) {
        return true;
    }

    page = stage_raw_page(s, block, full);
    if (!page) {
        return false;
    }

    memcpy(page + in, buf, len);
    if (done) {
        stage_recognise(s, block, page);
    }

    return true;
}

/* Take bytes of the device memory, @off counted from its start */
static bool stage_mem(NvmeCtrl *n, uint64_t off, const uint8_t *buf, size_t len)
{
    NvmeHmlmStage *s = &n->hmlm->stage;
    uint64_t start = nvme_hmlm_mem_start(n);
    uint64_t size = n->params.hmlm.mem_size;

    while (len) {
        uint64_t block = off / NVME_HMLM_MEM_BLOCK;
        uint64_t base = start + block * NVME_HMLM_MEM_BLOCK;
        size_t in = off % NVME_HMLM_MEM_BLOCK;
        size_t chunk = MIN(len, NVME_HMLM_MEM_BLOCK - in);
        bool cut = (block + 1) * NVME_HMLM_MEM_BLOCK > size;
        bool full, done;

        full = !cut && extent_covers(s->extents, base,
                                     base + NVME_HMLM_MEM_BLOCK);
        if (!extent_add(s->extents, base + in, base + in + chunk)) {
            return false;
        }
        done = !cut && extent_covers(s->extents, base,
                                     base + NVME_HMLM_MEM_BLOCK);
        if (!stage_block(s, block, in, buf, chunk, full, done)) {
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
    uint64_t mstart = nvme_hmlm_mem_start(n);
    uint64_t msize = n->params.hmlm.mem_size;
    uint64_t end = off + len;
    bool ok = true;

    while (ok && off < end) {
        uint64_t chunk;

        if (msize && off >= mstart && off < mstart + msize) {
            chunk = MIN(end, mstart + msize) - off;
            ok = stage_mem(n, off - mstart, buf, chunk);
        } else {
            bool before = msize && off < mstart;

            chunk = (before ? MIN(end, mstart) : end) - off;
            stage_image(s, before ? off : off - msize, buf, chunk);
            ok = extent_add(s->extents, off, off + chunk);
        }

        off += chunk;
        buf += chunk;
    }

    if (!ok) {
        nvme_hmlm_stage_drop(n);
        return NVME_NOT_ENOUGH_RESOURCES | NVME_DNR;
    }

    return NVME_SUCCESS;
}

/* Is a block that is held as bytes, as far as it goes, what @mem has there? */
static bool stage_raw_matches(const NvmeHmlmMem *mem, uint64_t nblocks,
                              uint64_t size, uint64_t block,
                              const uint8_t *page)
{
    uint64_t base = block * NVME_HMLM_MEM_BLOCK;
    uint8_t want[NVME_HMLM_MEM_BLOCK];

    nvme_hmlm_mem_block(mem->seed, block,
                        nvme_hmlm_mem_gen(mem, nblocks, block), want);

    return !memcmp(page, want, MIN(size - base, NVME_HMLM_MEM_BLOCK));
}

/* Is the staged device memory, all of it, the one that @mem tells? */
static bool stage_mem_matches(NvmeCtrl *n, const NvmeHmlmMem *mem)
{
    NvmeHmlmStage *s = &n->hmlm->stage;
    uint64_t nblocks = nvme_hmlm_mem_blocks(n);

    for (uint64_t b = 0; b < nblocks; b++) {
        uint8_t *raw = g_hash_table_lookup(s->mem_raw, GUINT_TO_POINTER(b));

        if (raw) {
            if (!stage_raw_matches(mem, nblocks, n->params.hmlm.mem_size, b,
                                   raw)) {
                return false;
            }
        } else if (s->mem_seed != mem->seed ||
                   s->mem_gen[b] != nvme_hmlm_mem_gen(mem, nblocks, b)) {
            return false;
        }
    }

    return true;
}

/* Has all of the state arrived, from its first byte on and without a gap? */
static bool stage_complete(NvmeCtrl *n)
{
    NvmeHmlmStage *s = &n->hmlm->stage;
    uint64_t total = s->image->len + n->params.hmlm.mem_size;
    HmlmExtent *e;

    if (s->extents->len != 1) {
        return false;
    }
    e = &g_array_index(s->extents, HmlmExtent, 0);

    return e->start == 0 && e->end == total;
}

/**
 * nvme_hmlm_stage_commit - the last piece has come: check all, then load it
 * @n: controller
 *
 * Whatever comes of it, the sequence is over. A state that is not good in
 * every point leaves the controller as it was.
 *
 * Returns a status: Invalid Field for a bad state.
 */
uint16_t nvme_hmlm_stage_commit(NvmeCtrl *n)
{
    NvmeHmlmStage *s = &n->hmlm->stage;
    uint16_t status = NVME_INVALID_FIELD | NVME_DNR;
    const char *why = "bytes are missing";
    NvmeHmlmMem mem;

    if (stage_complete(n)) {
        why = nvme_hmlm_check(n, s->image->data, s->image->len, &mem);
        if (!why && !stage_mem_matches(n, &mem)) {
            why = "device memory is not what its seed and ticks give";
        }
    }

    if (why) {
        trace_pci_nvme_err_hmlm_state(n->cntlid, why);
    } else {
        status = nvme_hmlm_apply(n, s->image->data, s->image->len);
    }
    nvme_hmlm_stage_drop(n);

    return status;
}
