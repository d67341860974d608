/*
 * SPDX-License-Identifier: GPL-2.0-only
 *
 * The vendor-specific data (VSD) of this device model's controller state: what
 * a running guest depends on and NVMe Controller State version 0 has no room
 * for. The format is ours; its UUID is reported by Identify CNS 20h.
 *
 *   offset in the controller state
 *   0            NvmeCtrlStateHdr, NvmeCtrlStateV0, SQ and CQ entries
 *   V = 48 + 4 * NVMECSS
 *   V            NvmeHmlmVsdHdr
 *   V + 64       NvmeHmlmVsdCtrl
 *                only with device memory: zeros up to a fixed offset M, the
 *                same in every state of this configuration, so that memory
 *                does not move when queues come and go
 *   M            device memory, mem_len bytes (format: hmlm-mem.c), if the
 *                configuration allows any, be it 0 bytes now
 *   M + mem_len  lists, each entry 4-byte aligned:
 *                  naer    x NvmeHmlmVsdAer     outstanding event requests
 *                  nevent  x NvmeHmlmVsdEvent   events not yet reported
 *                  nwait   x NvmeHmlmVsdWait    completions without room
 *                  nns     x NvmeHmlmVsdNs      features kept by namespace
 *
 * All fields are little-endian, reserved ones are zero. The CRC32C covers
 * header (with the field itself as 0), NvmeHmlmVsdCtrl and lists. The device
 * memory checks itself: each block names its index, generation and seed; the
 * generations have to add up to mem_sum.
 */

#ifndef HW_NVME_HMLM_VSD_H
#define HW_NVME_HMLM_VSD_H

#include "hmlm.h"

#define NVME_HMLM_VSD_MAGIC     "QHMLMVSD"
#define NVME_HMLM_VSD_VERSION   2

typedef struct QEMU_PACKED NvmeHmlmVsdHdr {
    uint8_t  magic[8];
    uint16_t version;
    uint16_t hdr_len;           /* of this structure */
    uint32_t ctrl_len;          /* of NvmeHmlmVsdCtrl */
    uint32_t lists_len;         /* of all lists, bytes */
    uint32_t crc32c;
    uint64_t mem_len;           /* bytes */
    uint64_t mem_seed;
    uint64_t mem_ticks;
    uint32_t mem_block;         /* NVME_HMLM_MEM_BLOCK */
    uint32_t mem_last_gen;      /* of the last block, which may be cut short */
    uint64_t mem_sum;
} NvmeHmlmVsdHdr;

enum NvmeHmlmVsdFlags {
    NVME_HMLM_VSD_ADMIN_QUEUES  = 1 << 0,   /* the admin queue pair exists */
    NVME_HMLM_VSD_ACQ_PHASE     = 1 << 1,   /* phase tag of the next entry */
    NVME_HMLM_VSD_QS_CREATED    = 1 << 2,
    NVME_HMLM_VSD_DBBUF         = 1 << 3,   /* shadow doorbells in use */
    NVME_HMLM_VSD_KEPT_ASQ_DB   = 1 << 4,   /* shadow copies to be written */
    NVME_HMLM_VSD_KEPT_ACQ_DB   = 1 << 5,   /* at Resume */
};

#define NVME_HMLM_VSD_FLAGS     0x3f

typedef struct QEMU_PACKED NvmeHmlmVsdCtrl {
    uint32_t cc;
    uint32_t csts;
    uint32_t aqa;
    uint32_t intms;
    uint64_t asq;
    uint64_t acq;
    uint64_t dbbuf_dbs;
    uint64_t dbbuf_eis;
    uint32_t flags;
    uint16_t asq_head;
    uint16_t asq_tail;
    uint16_t acq_head;
    uint16_t acq_tail;
    uint16_t acq_vector;
    uint16_t acq_ien;
    uint32_t irq_status;        /* pin interrupts, by vector */
    uint32_t async_config;      /* Feature 0Bh */
    uint16_t temp_thresh_hi;    /* Feature 04h */
    uint16_t temp_thresh_low;
    uint32_t dn;                /* Feature 0Ah */
    uint64_t timestamp_host;    /* Feature 0Eh: as set, and ms since then */
    uint64_t timestamp_age;
    uint32_t aer_mask;          /* event types reported and not yet read */
    uint16_t naer;
    uint16_t rsvd106;
    uint32_t nevent;
    uint32_t nwait;
    uint32_t nns;
    uint8_t  hbs[512];          /* Feature 16h */
    uint8_t  changed_nsids[64]; /* bit n: NSID n, log page 04h */
    uint8_t  irq_pending[NVME_HMLM_MAX_VECTORS / 8];
} NvmeHmlmVsdCtrl;

typedef struct QEMU_PACKED NvmeHmlmVsdAer {
    uint16_t cid;
    uint16_t rsvd2;
} NvmeHmlmVsdAer;

typedef struct QEMU_PACKED NvmeHmlmVsdEvent {
    uint8_t  type;
    uint8_t  info;
    uint8_t  log_page;
    uint8_t  rsvd3;
} NvmeHmlmVsdEvent;

typedef struct QEMU_PACKED NvmeHmlmVsdWait {
    uint16_t sqid;
    uint16_t cid;
    uint16_t status;            /* without the phase tag */
    uint16_t rsvd6;
    uint32_t dw0;
    uint32_t dw1;
} NvmeHmlmVsdWait;

typedef struct QEMU_PACKED NvmeHmlmVsdNs {
    uint32_t nsid;
    uint32_t err_rec;           /* Feature 05h */
    uint32_t vwc;               /* Feature 06h */
} NvmeHmlmVsdNs;

QEMU_BUILD_BUG_ON(sizeof(NvmeHmlmVsdHdr) != 64);
QEMU_BUILD_BUG_ON(offsetof(NvmeHmlmVsdHdr, crc32c) != 20);
QEMU_BUILD_BUG_ON(offsetof(NvmeHmlmVsdHdr, mem_block) != 48);
QEMU_BUILD_BUG_ON(offsetof(NvmeHmlmVsdHdr, mem_sum) != 56);
QEMU_BUILD_BUG_ON(offsetof(NvmeHmlmVsdCtrl, flags) != 48);
QEMU_BUILD_BUG_ON(offsetof(NvmeHmlmVsdCtrl, aer_mask) != 96);
QEMU_BUILD_BUG_ON(offsetof(NvmeHmlmVsdCtrl, hbs) != 116);
QEMU_BUILD_BUG_ON(offsetof(NvmeHmlmVsdCtrl, irq_pending) != 692);
QEMU_BUILD_BUG_ON(sizeof(NvmeHmlmVsdCtrl) != 948);
QEMU_BUILD_BUG_ON(sizeof(NvmeHmlmVsdAer) != 4);
QEMU_BUILD_BUG_ON(sizeof(NvmeHmlmVsdEvent) != 4);
QEMU_BUILD_BUG_ON(sizeof(NvmeHmlmVsdWait) != 16);
QEMU_BUILD_BUG_ON(sizeof(NvmeHmlmVsdNs) != 12);
QEMU_BUILD_BUG_ON(NVME_HMLM_MAX_VECTORS != 2048);
QEMU_BUILD_BUG_ON(NVME_CHANGED_NSID_SIZE > 64 * 8);
QEMU_BUILD_BUG_ON(sizeof(NvmeHostBehaviorSupport) != 512);

uint32_t nvme_hmlm_vsd_crc(const NvmeHmlmVsdHdr *h, const NvmeHmlmVsdCtrl *c,
                           const uint8_t *lists, uint32_t len);

#endif /* HW_NVME_HMLM_VSD_H */
