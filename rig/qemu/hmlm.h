/*
 * SPDX-License-Identifier: GPL-2.0-only
 *
 * Host-managed live migration for the emulated NVMe controller: the interface
 * between hw/nvme/ctrl.c and the hmlm*.c files, and among the latter.
 *
 * Source of every wire format here: NVMe Base 2.1 (TP4159). What is ours, and
 * not the specification's, is named NvmeHmlmVsd*.
 */

#ifndef HW_NVME_HMLM_H
#define HW_NVME_HMLM_H

#include "qemu/bitmap.h"
#include "hw/pci/pci_regs.h"
#include "nvme.h"

/* Admin opcodes (figure "Opcodes for Admin Commands") */
#define NVME_ADM_CMD_TRACK_SEND         0x3d
#define NVME_ADM_CMD_TRACK_RECV         0x3e
#define NVME_ADM_CMD_MIGRATION_SEND     0x41
#define NVME_ADM_CMD_MIGRATION_RECV     0x42

/* Ours, vendor specific, for tests: hmlm-churn.c */
#define NVME_ADM_CMD_HMLM_TOUCH         0xe0
#define NVME_ADM_CMD_HMLM_RESIZE        0xe4
/* The same: hmlm-fault.c */
#define NVME_ADM_CMD_HMLM_ARM           0xe8
#define NVME_ADM_CMD_HMLM_DISARM        0xec
#define NVME_ADM_CMD_HMLM_COUNT         0xf0

/* Vendor command set "IPU": hmlm-ipu.c */
#define NVME_ADM_CMD_IPU_QUERY          0xc4
#define NVME_ADM_CMD_IPU_SUSPEND        0xc8
#define NVME_ADM_CMD_IPU_RESUME         0xcc
#define NVME_ADM_CMD_IPU_SAVE           0xd2
#define NVME_ADM_CMD_IPU_LOAD           0xd5

/* PCI IDs of the kinds of function; which is the PF's of an IPU is ours */
#define PCI_DEVICE_ID_HMLM_IPU_PF       0x1456
#define PCI_DEVICE_ID_HMLM_IPU_VF       0x1457
#define PCI_DEVICE_ID_HMLM_PAGE_VF      0xfff0

/* No controller has this CNTLID */
#define NVME_HMLM_NOBODY                0xffff

/* Identify: Supported Controller State Formats */
#define NVME_ID_CNS_CTRL_STATE_FORMATS  0x20

/* Identify Controller, OACS bit 11: host-managed live migration supported */
#define NVME_OACS_HMLMS                 (1 << 11)

/* Identify Controller bytes 570 to 587; QEMU's structure has them reserved */
enum NvmeHmlmIdCtrlOffset {
    NVME_ID_CTRL_CMMRTD     = 570,
    NVME_ID_CTRL_NMMRTD     = 572,
    NVME_ID_CTRL_MINMRTG    = 574,
    NVME_ID_CTRL_MAXMRTG    = 575,
    NVME_ID_CTRL_TRATTR     = 576,
    NVME_ID_CTRL_MCUDMQ     = 578,
    NVME_ID_CTRL_MNSUDMQ    = 580,
    NVME_ID_CTRL_MCMR       = 582,
    NVME_ID_CTRL_NMCMR      = 584,
    NVME_ID_CTRL_MCDQPC     = 586,
};

/* TRATTR: Track Host Memory Changes Support, Memory Range Tracking Length Limit */
#define NVME_TRATTR_THMCS               (1 << 0)
#define NVME_TRATTR_MRTLL               (1 << 2)

/* Command specific status, SCT 1 */
enum NvmeHmlmStatus {
    NVME_NOT_ENOUGH_RESOURCES   = 0x0138,
    NVME_CTRL_SUSPENDED         = 0x0139,
    NVME_CTRL_NOT_SUSPENDED     = 0x013a,
};

/* Migration Send, CDW10[7:0] */
enum NvmeMigrationSendSel {
    NVME_MS_SEL_SUSPEND     = 0,
    NVME_MS_SEL_RESUME      = 1,
    NVME_MS_SEL_SET_STATE   = 2,
};

/* Migration Send, Suspend, CDW11[23:16] */
enum NvmeSuspendType {
    NVME_STYPE_NOTIFY   = 0,
    NVME_STYPE_SUSPEND  = 1,
};

/* Migration Send, Set Controller State, CDW10[17:16] */
enum NvmeSequenceIndicator {
    NVME_SEQIND_MIDDLE  = 0,
    NVME_SEQIND_FIRST   = 1,
    NVME_SEQIND_LAST    = 2,
    NVME_SEQIND_ENTIRE  = 3,
};

/* Track Send, CDW10[7:0], and TACT, bit 0 of its MOS; Track Receive, CDW10[7:0] */
#define NVME_TS_SEL_MEMORY      1
#define NVME_TACT_START         (1 << 16)
#define NVME_TR_SEL_MEMORY      0

/* Migration Receive, CDW10[7:0] */
#define NVME_MR_SEL_GET_STATE   0

/*
 * Controller State Version Index and UUID Index: 1-based into the CNS 20h lists,
 * of which each has one entry here; 0: the state has no such part.
 */
#define NVME_HMLM_CSVI_MAX      1
#define NVME_HMLM_CSUUIDI_MAX   1
#define NVME_HMLM_NVMECS_VER    0

/* Which parts of a state a command is about */
typedef struct NvmeHmlmParts {
    uint8_t csvi;               /* 0: no NVMe Controller State (queues) */
    uint8_t csuuidi;            /* 0: no vendor-specific data */
} NvmeHmlmParts;

static const NvmeHmlmParts nvme_hmlm_all_parts = { 1, 1 };

/* Controller State header */
#define NVME_CSATTR_SUSPENDED   (1 << 0)

typedef struct QEMU_PACKED NvmeCtrlStateHdr {
    uint16_t ver;
    uint8_t  csattr;
    uint8_t  rsvd3[13];
    uint64_t nvmecss[2];        /* 128-bit count of dwords */
    uint64_t vss[2];            /* 128-bit count of dwords */
} NvmeCtrlStateHdr;

/* NVMe Controller State, version 0; followed by SQ entries, then CQ entries */
typedef struct QEMU_PACKED NvmeCtrlStateV0 {
    uint16_t ver;
    uint16_t niosq;
    uint16_t niocq;
    uint8_t  rsvd6[2];
} NvmeCtrlStateV0;

#define NVME_CSQ_ATTR_PC        (1 << 0)
#define NVME_CSQ_ATTR_QPRIO(a)  (((a) >> 1) & 0x3)

typedef struct QEMU_PACKED NvmeCtrlStateSq {
    uint64_t prp1;
    uint16_t qsize;             /* 0's based */
    uint16_t qid;
    uint16_t cqid;
    uint16_t attr;
    uint16_t head;
    uint16_t tail;
    uint8_t  rsvd20[4];
} NvmeCtrlStateSq;

#define NVME_CCQ_ATTR_PC        (1u << 0)
#define NVME_CCQ_ATTR_IEN       (1u << 1)
#define NVME_CCQ_ATTR_S0PT      (1u << 2)
#define NVME_CCQ_ATTR_IV_SHIFT  16

typedef struct QEMU_PACKED NvmeCtrlStateCq {
    uint64_t prp1;
    uint16_t qsize;             /* 0's based */
    uint16_t qid;
    uint16_t head;
    uint16_t tail;
    uint32_t attr;
    uint8_t  rsvd20[4];
} NvmeCtrlStateCq;

QEMU_BUILD_BUG_ON(sizeof(NvmeCtrlStateHdr) != 48);
QEMU_BUILD_BUG_ON(offsetof(NvmeCtrlStateHdr, csattr) != 2);
QEMU_BUILD_BUG_ON(offsetof(NvmeCtrlStateHdr, nvmecss) != 16);
QEMU_BUILD_BUG_ON(offsetof(NvmeCtrlStateHdr, vss) != 32);
QEMU_BUILD_BUG_ON(sizeof(NvmeCtrlStateV0) != 8);
QEMU_BUILD_BUG_ON(offsetof(NvmeCtrlStateV0, niocq) != 4);
QEMU_BUILD_BUG_ON(sizeof(NvmeCtrlStateSq) != 24);
QEMU_BUILD_BUG_ON(offsetof(NvmeCtrlStateSq, qid) != 10);
QEMU_BUILD_BUG_ON(offsetof(NvmeCtrlStateSq, cqid) != 12);
QEMU_BUILD_BUG_ON(offsetof(NvmeCtrlStateSq, attr) != 14);
QEMU_BUILD_BUG_ON(offsetof(NvmeCtrlStateSq, head) != 16);
QEMU_BUILD_BUG_ON(offsetof(NvmeCtrlStateSq, tail) != 18);
QEMU_BUILD_BUG_ON(sizeof(NvmeCtrlStateCq) != 24);
QEMU_BUILD_BUG_ON(offsetof(NvmeCtrlStateCq, qid) != 10);
QEMU_BUILD_BUG_ON(offsetof(NvmeCtrlStateCq, head) != 12);
QEMU_BUILD_BUG_ON(offsetof(NvmeCtrlStateCq, tail) != 14);
QEMU_BUILD_BUG_ON(offsetof(NvmeCtrlStateCq, attr) != 16);

/* Memory Range Tracking Descriptor */
typedef struct QEMU_PACKED NvmeTrackRange {
    uint64_t saddr;
    uint32_t len;               /* in units of RMRTG */
} NvmeTrackRange;

/* Track Memory Changes data structure */
typedef struct QEMU_PACKED NvmeTrackData {
    uint8_t  ver;
    uint8_t  rsvd1[2];
    uint8_t  rmrtg;
    uint32_t rnmrtd;            /* 1's based */
    NvmeTrackRange desc[];
} NvmeTrackData;

/* Tracked Memory Changed Descriptor */
typedef struct QEMU_PACKED NvmeTrackedChange {
    uint64_t saddr;
    uint32_t len;               /* in units of the reported granularity */
    uint8_t  rsvd12[4];
} NvmeTrackedChange;

/* ATTRB of the next one: More To Report; Suspended */
#define NVME_TRACKED_MTR        (1 << 0)
#define NVME_TRACKED_SUSP       (1 << 1)

/* Tracked Memory Change data structure */
typedef struct QEMU_PACKED NvmeTrackedChanges {
    uint8_t  ver;
    uint8_t  attrb;
    uint16_t cntlid;
    uint32_t ntmcd;
    uint16_t rpmpg;
    uint8_t  rsvd10[6];
    NvmeTrackedChange desc[];
} NvmeTrackedChanges;

QEMU_BUILD_BUG_ON(sizeof(NvmeTrackRange) != 12);
QEMU_BUILD_BUG_ON(sizeof(NvmeTrackData) != 8);
QEMU_BUILD_BUG_ON(offsetof(NvmeTrackData, rmrtg) != 3);
QEMU_BUILD_BUG_ON(sizeof(NvmeTrackedChange) != 16);
QEMU_BUILD_BUG_ON(sizeof(NvmeTrackedChanges) != 16);
QEMU_BUILD_BUG_ON(offsetof(NvmeTrackedChanges, ntmcd) != 4);
QEMU_BUILD_BUG_ON(offsetof(NvmeTrackedChanges, rpmpg) != 8);

/* What a controlled controller's writes are tracked in: see hmlm-track.c */
typedef struct NvmeHmlmTrack {
    GArray  *ranges;            /* in order; NULL while not tracked */
    GTree   *chunks;            /* dirty granules */
    unsigned shift;             /* of the granularity in bytes */
} NvmeHmlmTrack;

/* Vendor-specific device memory: see hmlm-mem.c */
typedef struct NvmeHmlmMem {
    uint64_t seed;
    uint64_t size;              /* bytes */
    uint32_t *gen;              /* of each block; room for hmlm-mem-max */
    uint64_t sum;               /* over the generations */
    uint64_t ticks;             /* how often blocks changed by themselves */
    int64_t  last_ns;           /* virtual time up to which ticks are counted */
} NvmeHmlmMem;

#define NVME_HMLM_MAX_VECTORS   (PCI_MSIX_FLAGS_QSIZE + 1)
#define NVME_HMLM_MEM_BLOCK     4096u
#define NVME_HMLM_MEM_MAX       (4ull << 30)

/* A half-sent Set Controller State: see hmlm-stage.c */
typedef struct NvmeHmlmStage {
    bool        active;
    GByteArray *image;          /* up to where device memory starts */
    GArray     *extents;        /* which bytes have arrived */
    uint32_t   *mem_gen;        /* generations of the blocks recognised */
    GHashTable *mem_raw;        /* blocks not recognised (yet) */
    uint64_t    mem_seed;
    bool        mem_seed_known;
} NvmeHmlmStage;

/* What an image says of the device memory that belongs to it */
typedef struct NvmeHmlmMemDesc {
    bool told;                  /* by vendor-specific data; else it stays */
    uint64_t size;
    uint64_t seed;
    uint64_t ticks;
    uint64_t sum;
    uint32_t last_gen;          /* generation of the last block */
} NvmeHmlmMemDesc;

/* Commands that wait: see hmlm-late.c */
typedef struct NvmeHmlmLateness {
    GQueue    *queue;           /* in the order of their time; NULL on a VF */
    QEMUTimer *timer;
    int64_t    link_free_at;    /* when the last transfer of state is through */
} NvmeHmlmLateness;

#define NVME_HMLM_NEVER INT64_MAX

typedef struct NvmeHmlmFaults NvmeHmlmFaults;   /* see hmlm-fault.c */
typedef struct NvmeHmlmPage NvmeHmlmPage;       /* see hmlm-page.c */

typedef enum NvmeHmlmPhase {
    NVME_HMLM_RUNNING,
    NVME_HMLM_SUSPENDING,       /* fetches no more; what was fetched finishes */
    NVME_HMLM_SUSPENDED,        /* no DMA, no interrupt */
} NvmeHmlmPhase;

/* Per controller, present when hmlm=on, on the PF and on its VFs */
typedef struct NvmeHmlm {
    NvmeHmlmPhase phase;
    bool          busy;         /* being reset or loaded: no commands now */
    QEMUBH       *bh;

    /*
     * The Suspend command that waits for this controller to become quiet. It
     * belongs to the admin queue of the *controlling* controller.
     */
    NvmeRequest  *suspend_req;

    /* QEMU_CLOCK_VIRTUAL, ms: so that a suspended controller's state stands */
    int64_t       suspended_ms;

    /* admin doorbells written while no shadow doorbell could be written */
    bool          kept_admin_sq_db;
    bool          kept_admin_cq_db;

    /* MSI-X vectors to raise at Resume; the PBA holds none while suspended */
    DECLARE_BITMAP(irq_pending, NVME_HMLM_MAX_VECTORS);

    NvmeHmlmMem   mem;
    NvmeHmlmStage stage;
    NvmeHmlmTrack track;
    NvmeHmlmLateness late;

    /* of a controlling controller: NULL unless it has faults on demand */
    NvmeHmlmFaults *faults;
    bool          dead;         /* does nothing any more, until it is reset */

    /* of a controlled one: a fault keeps it from becoming quiet */
    bool          linger;
    QEMUTimer    *linger_timer;

    NvmeHmlmPage *page;         /* NULL unless it has a control page */
} NvmeHmlm;

/**
 * nvme_hmlm_fetch_stopped - must this controller not fetch commands?
 * @n: controller
 *
 * Returns true from the moment a Suspend was accepted, or a fault killed the
 * controller, until Resume or reset.
 */
static inline bool nvme_hmlm_fetch_stopped(const NvmeCtrl *n)
{
    return n->hmlm && (n->hmlm->phase != NVME_HMLM_RUNNING || n->hmlm->dead);
}

/**
 * nvme_hmlm_suspended - is this controller silent?
 * @n: controller
 *
 * Returns true while the controller must neither access host memory nor
 * interrupt.
 */
static inline bool nvme_hmlm_suspended(const NvmeCtrl *n)
{
    return n->hmlm && n->hmlm->phase == NVME_HMLM_SUSPENDED;
}

/**
 * nvme_hmlm_silent - must this controller not post completions?
 * @n: controller
 */
static inline bool nvme_hmlm_silent(const NvmeCtrl *n)
{
    return nvme_hmlm_suspended(n) || (n->hmlm && n->hmlm->dead);
}

/**
 * nvme_hmlm_pf_device_id - PCI device ID of a PF
 * @n: controller
 * @usual: what it would be without us
 *
 * Returns the ID; the vendor is Intel's with the command set IPU.
 */
static inline uint16_t nvme_hmlm_pf_device_id(const NvmeCtrl *n, uint16_t usual)
{
    return n->params.hmlm.ipu ? PCI_DEVICE_ID_HMLM_IPU_PF : usual;
}

/**
 * nvme_hmlm_vf_device_id - PCI device ID of the VFs
 * @n: their PF, or one of them
 * @usual: what it would be without us
 *
 * Returns the ID; the vendor is the PF's.
 */
static inline uint16_t nvme_hmlm_vf_device_id(const NvmeCtrl *n, uint16_t usual)
{
    return n->params.hmlm.ipu ? PCI_DEVICE_ID_HMLM_IPU_VF :
           n->params.hmlm.page ? PCI_DEVICE_ID_HMLM_PAGE_VF : usual;
}

/* hmlm.c: called by ctrl.c */
bool nvme_hmlm_check_params(NvmeCtrl *n, Error **errp);
void nvme_hmlm_init(NvmeCtrl *n);
void nvme_hmlm_exit(NvmeCtrl *n);
void nvme_hmlm_reset_begin(NvmeCtrl *n);
void nvme_hmlm_reset_end(NvmeCtrl *n);
void nvme_hmlm_progress(NvmeCtrl *n);
bool nvme_hmlm_abort(NvmeCtrl *n, NvmeRequest *req);
bool nvme_hmlm_keep_admin_db(NvmeCtrl *n, bool sq);
uint16_t nvme_hmlm_identify_formats(NvmeCtrl *n, NvmeRequest *req);
uint16_t nvme_hmlm_admin(NvmeCtrl *n, NvmeRequest *req);
void nvme_hmlm_complete(NvmeCtrl *n, NvmeRequest *req);
void nvme_hmlm_linger(NvmeCtrl *n, uint32_t ms);

/* hmlm.c: what every command set does to a controlled controller */
uint16_t nvme_hmlm_stop(NvmeCtrl *n, NvmeRequest *req);
uint16_t nvme_hmlm_go(NvmeCtrl *ctrl);
void nvme_hmlm_disable(NvmeCtrl *n);
uint16_t nvme_hmlm_loadable(NvmeCtrl *n);
uint16_t nvme_hmlm_load(NvmeCtrl *n, const uint8_t *state, uint64_t len);
GByteArray *nvme_hmlm_save(NvmeCtrl *n, uint64_t max);
uint64_t nvme_hmlm_cmd_offset(const NvmeCmd *cmd);
uint16_t nvme_hmlm_admin_cmd(NvmeCtrl *n, NvmeRequest *req);
uint16_t nvme_hmlm_find(NvmeCtrl *n, uint16_t cntlid, NvmeCtrl **ctrl);

/* hmlm-track.c: host memory that a controlled controller writes */
bool nvme_hmlm_track_check_params(NvmeCtrl *n, Error **errp);
void nvme_hmlm_track_init(NvmeCtrl *n);
void nvme_hmlm_track_drop(NvmeCtrl *n);
void nvme_hmlm_track_mark(NvmeCtrl *n, uint64_t addr, uint64_t len);
void nvme_hmlm_track_sg(NvmeCtrl *n, const NvmeSg *sg, uint64_t len);
void nvme_hmlm_dma_stl(NvmeCtrl *n, uint64_t addr, uint32_t value);
uint16_t nvme_hmlm_track_send(NvmeCtrl *n, NvmeRequest *req);
uint16_t nvme_hmlm_track_recv(NvmeCtrl *n, NvmeRequest *req);

/* hmlm-encode.c, hmlm-decode.c: the state of a controller as bytes, and back */
GByteArray *nvme_hmlm_encode(NvmeCtrl *n, NvmeHmlmParts parts);
const char *nvme_hmlm_sizes(NvmeCtrl *n, const uint8_t *image, uint64_t len,
                            uint64_t *total, uint64_t *mem);
const char *nvme_hmlm_check(NvmeCtrl *n, const uint8_t *image, uint64_t len,
                            NvmeHmlmMemDesc *mem);
uint16_t nvme_hmlm_apply(NvmeCtrl *n, const uint8_t *image, uint64_t len);
uint64_t nvme_hmlm_image_max(NvmeCtrl *n);
uint64_t nvme_hmlm_mem_start(NvmeCtrl *n);

/* hmlm-mem.c: the vendor-specific device memory */
void nvme_hmlm_mem_reset(NvmeCtrl *n);
void nvme_hmlm_mem_accrue(NvmeCtrl *n);
void nvme_hmlm_mem_free(NvmeCtrl *n);
uint64_t nvme_hmlm_mem_blocks(uint64_t size);
uint64_t nvme_hmlm_mem_sum(uint64_t block, uint32_t gen);
void nvme_hmlm_mem_change(NvmeHmlmMem *mem, uint64_t block, uint32_t times);
void nvme_hmlm_mem_resize(NvmeCtrl *n, uint64_t size);
void nvme_hmlm_mem_block(uint64_t seed, uint64_t block, uint32_t gen,
                         uint8_t *page);
void nvme_hmlm_mem_read(NvmeCtrl *n, uint64_t off, uint8_t *buf, size_t len);
bool nvme_hmlm_mem_recognise(const uint8_t *page, uint64_t block,
                             uint64_t *seed, uint32_t *gen);

/* hmlm-churn.c: the device memory changes by command */
void nvme_hmlm_churn_init(NvmeCtrl *n);
uint16_t nvme_hmlm_churn(NvmeCtrl *n, NvmeRequest *req);

/* hmlm-fault.c: faults on demand */
void nvme_hmlm_fault_init(NvmeCtrl *n);
void nvme_hmlm_fault_exit(NvmeCtrl *n);
void nvme_hmlm_fault_drop(NvmeCtrl *n);
uint16_t nvme_hmlm_fault_cmd(NvmeCtrl *n, NvmeRequest *req);
uint16_t nvme_hmlm_fault_admin(NvmeCtrl *n, NvmeRequest *req);
uint16_t nvme_hmlm_fault_run(NvmeCtrl *n, NvmeRequest *req, uint32_t hits);
bool nvme_hmlm_fault_complete(NvmeCtrl *n, NvmeRequest *req);
bool nvme_hmlm_fault_data(NvmeCtrl *n, const NvmeRequest *req);
uint16_t nvme_hmlm_fault_c2h(NvmeCtrl *n, const void *ptr, uint32_t len,
                             NvmeRequest *req);

/* hmlm-ipu.c: the vendor command set */
void nvme_hmlm_ipu_init(NvmeCtrl *n);
uint16_t nvme_hmlm_ipu_find(NvmeCtrl *n, const NvmeCmd *cmd, NvmeCtrl **ctrl);
uint16_t nvme_hmlm_ipu_cmd(NvmeCtrl *n, NvmeRequest *req);

/* hmlm-page.c: the control page of a VF */
uint64_t nvme_hmlm_page_bar(const NvmeCtrl *n, uint64_t size);
void nvme_hmlm_page_init(NvmeCtrl *n);
void nvme_hmlm_page_exit(NvmeCtrl *n);
void nvme_hmlm_page_reset(NvmeCtrl *n);

/* hmlm-peer.c: who controls whom */
NvmeCtrl *nvme_hmlm_controller(NvmeCtrl *n);
NvmeCtrl *nvme_hmlm_next(NvmeCtrl *n, uint32_t *cntlid);
void nvme_hmlm_list_peers(NvmeCtrl *n, uint16_t min, NvmeSecCtrlList *list);

/* hmlm-late.c: commands that take their time */
void nvme_hmlm_late_init(NvmeCtrl *n);
void nvme_hmlm_late_exit(NvmeCtrl *n);
uint16_t nvme_hmlm_late(NvmeCtrl *n, NvmeRequest *req, int64_t due,
                        uint32_t faults);
void nvme_hmlm_late_release(NvmeCtrl *n);
uint16_t nvme_hmlm_pace(NvmeCtrl *n, NvmeRequest *req, uint64_t len);
bool nvme_hmlm_late_abort(NvmeCtrl *n, NvmeRequest *req);
void nvme_hmlm_late_drop(NvmeCtrl *n);

/* hmlm-stage.c: a state on its way in */
void nvme_hmlm_stage_begin(NvmeCtrl *n);
void nvme_hmlm_stage_drop(NvmeCtrl *n);
uint16_t nvme_hmlm_stage_write(NvmeCtrl *n, uint64_t off, const uint8_t *buf,
                               size_t len);
uint16_t nvme_hmlm_stage_commit(NvmeCtrl *n, uint64_t end,
                                NvmeHmlmParts parts);

/* ctrl.c: what hmlm*.c uses of it */
int nvme_start_ctrl(NvmeCtrl *n);
void nvme_ctrl_reset(NvmeCtrl *n, NvmeResetType rst);
void nvme_enqueue_event(NvmeCtrl *n, uint8_t event_type, uint8_t event_info,
                        uint8_t log_page);
void nvme_init_cq(NvmeCQueue *cq, NvmeCtrl *n, uint64_t dma_addr,
                  uint16_t cqid, uint16_t vector, uint16_t size,
                  uint16_t irq_enabled);
void nvme_init_sq(NvmeSQueue *sq, NvmeCtrl *n, uint64_t dma_addr,
                  uint16_t sqid, uint16_t cqid, uint16_t size);
void nvme_enqueue_req_completion(NvmeCQueue *cq, NvmeRequest *req);
void nvme_process_aers(void *opaque);
uint16_t nvme_admin_cmd(NvmeCtrl *n, NvmeRequest *req);
uint16_t nvme_check_mdts(NvmeCtrl *n, size_t len);
uint16_t nvme_c2h(NvmeCtrl *n, void *ptr, uint32_t len, NvmeRequest *req);
uint16_t nvme_h2c(NvmeCtrl *n, void *ptr, uint32_t len, NvmeRequest *req);
void nvme_sg_unmap(NvmeSg *sg);

#endif /* HW_NVME_HMLM_H */
