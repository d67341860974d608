/*
 * SPDX-License-Identifier: GPL-2.0-only
 *
 * Who controls whom: a PF its VFs, and a PF another one of its subsystem that
 * says so (property hmlm-controlled-by=N of the other one, N the CNTLID of the
 * first). See README.md.
 */

#include "qemu/osdep.h"
#include "hw/pci/pcie_sriov.h"

#include "hmlm.h"

/* Entries that the Secondary Controller List has room for */
#define HMLM_SECONDARIES_MAX    127

/**
 * nvme_hmlm_controller - which controller controls this one?
 * @n: controller
 *
 * Returns it; NULL if there is none.
 */
NvmeCtrl *nvme_hmlm_controller(NvmeCtrl *n)
{
    NvmeCtrl *by;

    if (pci_is_vf(PCI_DEVICE(n))) {
        return NVME(pcie_sriov_get_pf(PCI_DEVICE(n)));
    }
    if (n->params.hmlm.controlled_by == NVME_HMLM_NOBODY) {
        return NULL;
    }
    by = nvme_subsys_ctrl(n->subsys, n->params.hmlm.controlled_by);

    return by != n ? by : NULL;
}

/**
 * nvme_hmlm_next - go through the controllers that one controls
 * @n: the controlling controller
 * @cntlid: where to begin; on return, where to go on
 *
 * Returns the next one, online or not, or NULL.
 */
NvmeCtrl *nvme_hmlm_next(NvmeCtrl *n, uint32_t *cntlid)
{
    while (*cntlid < NVME_MAX_CONTROLLERS) {
        NvmeCtrl *ctrl = nvme_subsys_ctrl(n->subsys, (*cntlid)++);

        if (ctrl && ctrl->hmlm && nvme_hmlm_controller(ctrl) == n) {
            return ctrl;
        }
    }

    return NULL;
}

static void peer_list_one(NvmeCtrl *n, NvmeCtrl *peer, NvmeSecCtrlList *list)
{
    unsigned at = list->numcntl;

    if (at == HMLM_SECONDARIES_MAX) {
        return;
    }
    while (at && le16_to_cpu(list->sec[at - 1].scid) > peer->cntlid) {
        list->sec[at] = list->sec[at - 1];
        at--;
    }

    list->sec[at] = (NvmeSecCtrlEntry) {
        .scid = cpu_to_le16(peer->cntlid),
        .pcid = cpu_to_le16(n->cntlid),
        .scs = 1,
        .nvq = cpu_to_le16(peer->conf_ioqpairs + 1),
        .nvi = cpu_to_le16(peer->conf_msix_qsize),
    };
    list->numcntl++;
}

/**
 * nvme_hmlm_list_peers - complete a Secondary Controller List
 * @n: the controller that was asked
 * @min: lowest CNTLID that was asked for
 * @list: the list of its VFs
 */
void nvme_hmlm_list_peers(NvmeCtrl *n, uint16_t min, NvmeSecCtrlList *list)
{
    uint32_t at = min;
    NvmeCtrl *ctrl;

    if (!n->hmlm || !n->params.hmlm.on) {
        return;
    }

    while ((ctrl = nvme_hmlm_next(n, &at))) {
        if (!pci_is_vf(PCI_DEVICE(ctrl))) {
            peer_list_one(n, ctrl, list);
        }
    }
}
