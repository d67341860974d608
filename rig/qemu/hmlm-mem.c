/*
 * SPDX-License-Identifier: GPL-2.0-only
 *
 * Vendor-specific device memory: bulk for the state of a controller, with
 * contents that keep changing while the controller is not suspended, and that
 * anyone can check.
 *
 * The contents are not stored. The memory is blocks of 4096 bytes (the last may
 * be cut short), block b holds little-endian 64-bit words:
 *   word 0      0x004d454d4d4c4d48 ("HMLMMEM")
 *   word 1      b
 *   word 2      generation g of the block, 32 bits: how often it has changed
 *   word 3      seed of the memory
 *   word i > 3  mix(k + i), k = mix(seed ^ mix(b ^ mix(g)))
 * with mix() the finaliser of splitmix64. So seed and generations tell the
 * contents in full, and the seed and a sum over the generations, both in the
 * VSD header, tell whether the contents are the right ones.
 *
 * Blocks change by themselves, hmlm-mem-rate a second: block number
 * (t * 2654435761) mod N, N blocks in all, at tick t = 0, 1, 2...: N successive
 * ticks change every block once. And they change by command: hmlm-churn.c.
 */

#include "qemu/osdep.h"
#include "qemu/host-utils.h"
#include "qemu/timer.h"

#include "hmlm.h"

#define HMLM_MEM_MAGIC  0x004d454d4d4c4d48ull
/* A prime beyond any block count: ticks visit each block before any again */
#define HMLM_MEM_STRIDE 2654435761ull

QEMU_BUILD_BUG_ON(NVME_HMLM_MEM_MAX / NVME_HMLM_MEM_BLOCK >= HMLM_MEM_STRIDE);

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;

    return z ^ (z >> 31);
}

/**
 * nvme_hmlm_mem_blocks - a size in blocks
 * @size: bytes of device memory
 *
 * Returns the count, a last short one included.
 */
uint64_t nvme_hmlm_mem_blocks(uint64_t size)
{
    return DIV_ROUND_UP(size, NVME_HMLM_MEM_BLOCK);
}

/**
 * nvme_hmlm_mem_free - give back what is kept of the device memory
 * @n: controller
 */
void nvme_hmlm_mem_free(NvmeCtrl *n)
{
    g_free(n->hmlm->mem.gen);
    n->hmlm->mem.gen = NULL;
}

/**
 * nvme_hmlm_mem_reset - fresh device memory
 * @n: controller
 *
 * It has its first size, no block has changed yet, and the seed is the
 * controller's own, so that two controllers never hold the same by chance.
 */
void nvme_hmlm_mem_reset(NvmeCtrl *n)
{
    uint64_t most = nvme_hmlm_mem_blocks(n->params.hmlm.mem_max);

    nvme_hmlm_mem_free(n);
    n->hmlm->mem = (NvmeHmlmMem) {
        .seed = mix(n->cntlid + 1),
        .size = n->params.hmlm.mem_size,
        .gen = g_new0(uint32_t, most),
        .last_ns = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL),
    };
}

/**
 * nvme_hmlm_mem_sum - what one block adds to the sum over the generations
 * @block: block number
 * @gen: its generation
 *
 * Returns the addend; the sum is modulo 2^64.
 */
uint64_t nvme_hmlm_mem_sum(uint64_t block, uint32_t gen)
{
    return gen ? mix(block ^ mix(gen)) : 0;
}

/**
 * nvme_hmlm_mem_change - change the contents of a block
 * @mem: the memory
 * @block: block number
 * @times: how often
 */
void nvme_hmlm_mem_change(NvmeHmlmMem *mem, uint64_t block, uint32_t times)
{
    mem->sum -= nvme_hmlm_mem_sum(block, mem->gen[block]);
    mem->gen[block] += times;
    mem->sum += nvme_hmlm_mem_sum(block, mem->gen[block]);
}

/**
 * nvme_hmlm_mem_resize - grow or shrink the device memory
 * @n: controller
 * @size: bytes, a multiple of 4, at most hmlm-mem-max
 *
 * Blocks that stay keep their contents, as far as the last one still goes.
 * Blocks that come are of generation 0.
 */
void nvme_hmlm_mem_resize(NvmeCtrl *n, uint64_t size)
{
    NvmeHmlmMem *mem = &n->hmlm->mem;
    uint64_t old = nvme_hmlm_mem_blocks(mem->size);

    for (uint64_t b = nvme_hmlm_mem_blocks(size); b < old; b++) {
        mem->sum -= nvme_hmlm_mem_sum(b, mem->gen[b]);
        mem->gen[b] = 0;
    }
    mem->size = size;
}

/* Let @ticks blocks change, each of them once before any of them again. */
static void mem_tick(NvmeHmlmMem *mem, uint64_t ticks)
{
    uint64_t nblocks = nvme_hmlm_mem_blocks(mem->size);
    uint64_t rounds = ticks / nblocks;

    for (uint64_t b = 0; rounds && b < nblocks; b++) {
        nvme_hmlm_mem_change(mem, b, rounds);
    }
    for (uint64_t t = ticks % nblocks; t; t--) {
        uint64_t turn = (mem->ticks + t - 1) % nblocks;

        nvme_hmlm_mem_change(mem, turn * HMLM_MEM_STRIDE % nblocks, 1);
    }
    mem->ticks += ticks;
}

/**
 * nvme_hmlm_mem_accrue - let the memory change for the time that has passed
 * @n: controller
 *
 * Called before the contents matter and where suspension begins or ends, in
 * place of a timer.
 */
void nvme_hmlm_mem_accrue(NvmeCtrl *n)
{
    NvmeHmlmMem *mem = &n->hmlm->mem;
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    uint32_t rate = n->params.hmlm.mem_rate;
    uint64_t ticks;

    if (!rate || !mem->size || nvme_hmlm_suspended(n)) {
        mem->last_ns = now;
        return;
    }

    ticks = muldiv64(now - mem->last_ns, rate, NANOSECONDS_PER_SECOND);
    mem_tick(mem, ticks);
    mem->last_ns += muldiv64(ticks, NANOSECONDS_PER_SECOND, rate);
}

/**
 * nvme_hmlm_mem_block - generate a block
 * @seed: seed of the memory
 * @block: block number
 * @gen: generation
 * @page: NVME_HMLM_MEM_BLOCK bytes to fill
 */
void nvme_hmlm_mem_block(uint64_t seed, uint64_t block, uint32_t gen,
                         uint8_t *page)
{
    uint64_t k = mix(seed ^ mix(block ^ mix(gen)));

    stq_le_p(page, HMLM_MEM_MAGIC);
    stq_le_p(page + 8, block);
    stq_le_p(page + 16, gen);
    stq_le_p(page + 24, seed);
    for (unsigned i = 4; i < NVME_HMLM_MEM_BLOCK / 8; i++) {
        stq_le_p(page + i * 8, mix(k + i));
    }
}

/**
 * nvme_hmlm_mem_read - read the device memory
 * @n: controller
 * @off: offset in the memory
 * @buf: where to
 * @len: how much; @off + @len lies within the memory
 */
void nvme_hmlm_mem_read(NvmeCtrl *n, uint64_t off, uint8_t *buf, size_t len)
{
    const NvmeHmlmMem *mem = &n->hmlm->mem;
    uint8_t page[NVME_HMLM_MEM_BLOCK];

    while (len) {
        uint64_t block = off / NVME_HMLM_MEM_BLOCK;
        size_t in = off % NVME_HMLM_MEM_BLOCK;
        size_t chunk = MIN(len, NVME_HMLM_MEM_BLOCK - in);
        bool whole = chunk == NVME_HMLM_MEM_BLOCK;

        nvme_hmlm_mem_block(mem->seed, block, mem->gen[block],
                            whole ? buf : page);
        if (!whole) {
            memcpy(buf, page + in, chunk);
        }

        off += chunk;
        buf += chunk;
        len -= chunk;
    }
}

/**
 * nvme_hmlm_mem_recognise - is this what nvme_hmlm_mem_block() generates?
 * @page: NVME_HMLM_MEM_BLOCK bytes
 * @block: block number it should have
 * @seed: its seed, on success
 * @gen: its generation, on success
 *
 * Returns true if the block is of some generation of some memory.
 */
bool nvme_hmlm_mem_recognise(const uint8_t *page, uint64_t block,
                             uint64_t *seed, uint32_t *gen)
{
    uint8_t want[NVME_HMLM_MEM_BLOCK];

    if (ldq_le_p(page) != HMLM_MEM_MAGIC) {
        return false;           /* spares the work below */
    }

    *gen = ldl_le_p(page + 16);
    *seed = ldq_le_p(page + 24);
    nvme_hmlm_mem_block(*seed, block, *gen, want);

    return !memcmp(page, want, sizeof(want));
}
