/*
 * SPDX-License-Identifier: GPL-2.0-only
 *
 * The control page: registers in the last page of a VF's BAR 0 that stop the
 * function, let it go on, and give and take its state. README.md here has the
 * data sheet.
 *
 * Property of the PF: hmlm-page=on.
 */

#include "qemu/osdep.h"

#include "hmlm.h"
#include "trace.h"

#define HMLM_PAGE_SIZE      4096u
#define HMLM_PAGE_STATE_MAX (64u << 10)
#define HMLM_PAGE_WINDOW    2048u

enum HmlmPageRegister {
    PAGE_ID         = 0x00,
    PAGE_VERSION    = 0x04,
    PAGE_MAXSIZE    = 0x08,
    PAGE_COMMAND    = 0x0c,
    PAGE_STATUS     = 0x10,
    PAGE_SIZE       = 0x14,
    PAGE_BASE       = 0x18,
    PAGE_WINDOW     = 0x800,
};

#define PAGE_ID_VALUE       0x5043484e      /* "NHCP" */

enum HmlmPageCommand {
    PAGE_STOP = 1,
    PAGE_GO,
    PAGE_SAVE,
    PAGE_LOAD,
};

#define PAGE_STATUS_BUSY    (1u << 0)
#define PAGE_STATUS_STOPPED (1u << 1)
#define PAGE_STATUS_ERROR   8

enum HmlmPageError {
    PAGE_OK,
    PAGE_NO_COMMAND,
    PAGE_WRONG_STATE,
    PAGE_TOO_LARGE,
    PAGE_BAD_STATE,
};

struct NvmeHmlmPage {
    MemoryRegion mr;
    uint32_t     size;
    uint32_t     base;
    uint8_t      error;
    uint8_t      buf[HMLM_PAGE_STATE_MAX];
};

static uint8_t page_save(NvmeCtrl *n)
{
    NvmeHmlmPage *page = n->hmlm->page;
    g_autoptr(GByteArray) state = NULL;

    if (!nvme_hmlm_suspended(n)) {
        return PAGE_WRONG_STATE;
    }
    state = nvme_hmlm_save(n, HMLM_PAGE_STATE_MAX);
    if (!state) {
        return PAGE_TOO_LARGE;
    }

    memset(page->buf, 0, sizeof(page->buf));
    memcpy(page->buf, state->data, state->len);
    page->size = state->len;

    return PAGE_OK;
}

static uint8_t page_load(NvmeCtrl *n)
{
    NvmeHmlmPage *page = n->hmlm->page;

    if (nvme_hmlm_loadable(n)) {
        return PAGE_WRONG_STATE;
    }

    return nvme_hmlm_load(n, page->buf, page->size) ? PAGE_BAD_STATE : PAGE_OK;
}

static uint8_t page_command(NvmeCtrl *n, uint32_t command)
{
    switch (command) {
    case PAGE_STOP:
        return nvme_hmlm_stop(n, NULL) == NVME_NO_COMPLETE ? PAGE_OK :
                                                             PAGE_WRONG_STATE;
    case PAGE_GO:
        return nvme_hmlm_go(n) == NVME_SUCCESS ? PAGE_OK : PAGE_WRONG_STATE;
    case PAGE_SAVE:
        return page_save(n);
    case PAGE_LOAD:
        return page_load(n);
    default:
        return PAGE_NO_COMMAND;
    }
}

static uint32_t page_status(const NvmeCtrl *n)
{
    uint32_t status = n->hmlm->page->error << PAGE_STATUS_ERROR;

    if (n->hmlm->phase == NVME_HMLM_SUSPENDING) {
        status |= PAGE_STATUS_BUSY;
    }
    if (n->hmlm->phase == NVME_HMLM_SUSPENDED) {
        status |= PAGE_STATUS_STOPPED;
    }

    return status;
}

static uint64_t page_read(void *opaque, hwaddr addr, unsigned size)
{
    NvmeCtrl *n = opaque;
    const NvmeHmlmPage *page = n->hmlm->page;

    if (!nvme_sctrl(n)->scs) {
        return 0;
    }
    if (addr >= PAGE_WINDOW) {
        return ldl_le_p(page->buf + page->base + addr - PAGE_WINDOW);
    }

    switch (addr) {
    case PAGE_ID:
        return PAGE_ID_VALUE;
    case PAGE_VERSION:
        return 1;
    case PAGE_MAXSIZE:
        return HMLM_PAGE_STATE_MAX;
    case PAGE_STATUS:
        return page_status(n);
    case PAGE_SIZE:
        return page->size;
    case PAGE_BASE:
        return page->base;
    default:
        return 0;
    }
}

static void page_write(void *opaque, hwaddr addr, uint64_t value, unsigned size)
{
    NvmeCtrl *n = opaque;
    NvmeHmlmPage *page = n->hmlm->page;

    if (!nvme_sctrl(n)->scs) {
        return;
    }
    if (addr >= PAGE_WINDOW) {
        stl_le_p(page->buf + page->base + addr - PAGE_WINDOW, value);
        return;
    }

    switch (addr) {
    case PAGE_COMMAND:
        page->error = page_command(n, value);
        trace_pci_nvme_hmlm_page(n->cntlid, value, page->error);
        break;
    case PAGE_SIZE:
        if (value % 4 == 0 && value <= HMLM_PAGE_STATE_MAX) {
            page->size = value;
        }
        break;
    case PAGE_BASE:
        if (value % HMLM_PAGE_WINDOW == 0 && value < HMLM_PAGE_STATE_MAX) {
            page->base = value;
        }
        break;
    default:
        break;
    }
}

static const MemoryRegionOps page_ops = {
    .read = page_read,
    .write = page_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {
        .min_access_size = 4,
        .max_access_size = 4,
    },
};

/**
 * nvme_hmlm_page_bar - size of a VF's BAR 0
 * @n: the VF, or its PF
 * @size: what it needs for everything else, a power of two
 *
 * Returns the size, a power of two; its last page is the control page if there
 * is one.
 */
uint64_t nvme_hmlm_page_bar(const NvmeCtrl *n, uint64_t size)
{
    return n->params.hmlm.page ? 2 * size : size;
}

/**
 * nvme_hmlm_page_init - map the page
 * @n: a VF whose BAR 0 is set up
 */
void nvme_hmlm_page_init(NvmeCtrl *n)
{
    NvmeHmlmPage *page;

    if (!n->params.hmlm.page) {
        return;
    }

    page = g_new0(NvmeHmlmPage, 1);
    n->hmlm->page = page;
    memory_region_init_io(&page->mr, OBJECT(n), &page_ops, n, "nvme-hmlm-page",
                          HMLM_PAGE_SIZE);
    memory_region_add_subregion(&n->bar0,
                                memory_region_size(&n->bar0) - HMLM_PAGE_SIZE,
                                &page->mr);
}

/**
 * nvme_hmlm_page_exit - undo nvme_hmlm_page_init()
 * @n: controller
 */
void nvme_hmlm_page_exit(NvmeCtrl *n)
{
    NvmeHmlmPage *page = n->hmlm->page;

    if (page) {
        memory_region_del_subregion(&n->bar0, &page->mr);
        object_unparent(OBJECT(&page->mr));
        g_free(page);
        n->hmlm->page = NULL;
    }
}

/**
 * nvme_hmlm_page_reset - the function was reset, in whatever way
 * @n: controller
 */
void nvme_hmlm_page_reset(NvmeCtrl *n)
{
    NvmeHmlmPage *page = n->hmlm->page;

    if (page) {
        page->size = page->base = page->error = 0;
        memset(page->buf, 0, sizeof(page->buf));
    }
}
