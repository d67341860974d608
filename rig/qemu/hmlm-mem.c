/*
 * SPDX-License-Identifier: GPL-2.0-only
 *
 * Vendor-specific device memory: bulk for the state of a controller, with
 * contents that keep changing while the controller is not suspended, and that
 * anyone can check.
 *
 * Nothing of it is stored. The memory is blocks of 4096 bytes (the last may be
 * cut short), block b holds little-endian 64-bit words:
 *   word 0      0x004d454d4d4c4d48 ("HMLMMEM")
 *   word 1      b
 *   word 2      generation g of the block: how often it has changed
 *   word 3      seed of the memory
 *   word i > 3  mix(k + i), k = mix(seed ^ mix(b ^ mix(g)))
 * with mix() the finaliser of splitmix64. Block number (t * 2654435761) mod N,
 * N blocks in all, changes at tick t = 0, 1, 2...: N successive ticks change
 * every block once. So seed and tick count, both in the VSD header, tell the
 * contents in full.
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
 * nvme_hmlm_mem_blocks - size of the device memory in blocks
 * @n: controller
 *
 * Returns the count, a last short one included.
 */
uint64_t nvme_hmlm_mem_blocks(const NvmeCtrl *n)
{
    return DIV_ROUND_UP(n->params.hmlm.mem_size, NVME_HMLM_MEM_BLOCK);
}

/**
 * nvme_hmlm_mem_reset - fresh device memory
 * @n: controller
 *
 * No block has changed yet; the seed is the controller's own, so that two
 * controllers never hold the same by chance.
 */
void nvme_hmlm_mem_reset(NvmeCtrl *n)
{
    n->hmlm->mem = (NvmeHmlmMem) {
        .seed = mix(n->cntlid + 1),
        .last_ns = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL),
    };
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

    if (!rate || !n->params.hmlm.mem_size || nvme_hmlm_suspended(n)) {
        mem->last_ns = now;
        return;
    }

    ticks = muldiv64(now - mem->last_ns, rate, NANOSECONDS_PER_SECOND);
    mem->ticks += ticks;
    mem->last_ns += muldiv64(ticks, NANOSECONDS_PER_SECOND, rate);
}

/*
 * The inverse of the stride modulo @m, m > 1: the stride is prime, m smaller.
 * The last one is kept, as it is asked for block by block (big lock held).
 */
static uint64_t stride_inverse(uint64_t m)
{
    static uint64_t last_m, last_inverse;
    int64_t r0 = m, r1 = HMLM_MEM_STRIDE % m, t0 = 0, t1 = 1;

    if (m == last_m) {
        return last_inverse;
    }

    while (r1) {
        int64_t q = r0 / r1, tmp;

        tmp = r0 - q * r1;
        r0 = r1;
        r1 = tmp;
        tmp = t0 - q * t1;
        t0 = t1;
        t1 = tmp;
    }

    last_m = m;
    last_inverse = t0 < 0 ? t0 + m : t0;

    return last_inverse;
}

/**
 * nvme_hmlm_mem_gen - generation of a block
 * @mem: the memory
 * @nblocks: its size in blocks, not 0
 * @block: block number, below @nblocks
 *
 * Returns how many of the ticks so far have changed @block.
 */
uint64_t nvme_hmlm_mem_gen(const NvmeHmlmMem *mem, uint64_t nblocks,
                           uint64_t block)
{
    /* the tick, of each nblocks ones, that changes this block */
    uint64_t turn = nblocks > 1 ? block * stride_inverse(nblocks) % nblocks : 0;

    return mem->ticks / nblocks + (turn < mem->ticks % nblocks);
}

/**
 * nvme_hmlm_mem_block - generate a block
 * @seed: seed of the memory
 * @block: block number
 * @gen: generation
 * @page: NVME_HMLM_MEM_BLOCK bytes to fill
 */
void nvme_hmlm_mem_block(uint64_t seed, uint64_t block, uint64_t gen,
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
    uint64_t nblocks = nvme_hmlm_mem_blocks(n);
    uint8_t page[NVME_HMLM_MEM_BLOCK];

    while (len) {
        uint64_t block = off / NVME_HMLM_MEM_BLOCK;
        size_t in = off % NVME_HMLM_MEM_BLOCK;
        size_t chunk = MIN(len, NVME_HMLM_MEM_BLOCK - in);
        bool whole = chunk == NVME_HMLM_MEM_BLOCK;

        nvme_hmlm_mem_block(mem->seed, block,
                            nvme_hmlm_mem_gen(mem, nblocks, block),
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
                             uint64_t *seed, uint64_t *gen)
{
    uint8_t want[NVME_HMLM_MEM_BLOCK];

    *gen = ldq_le_p(page + 16);
    *seed = ldq_le_p(page + 24);
    nvme_hmlm_mem_block(*seed, block, *gen, want);

    return !memcmp(page, want, sizeof(want));
}
