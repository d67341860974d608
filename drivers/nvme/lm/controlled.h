/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The controllers that a controlling controller controls, as they are known to
 * us: what was counted of each, and the PCI function that an administrator has
 * named for one that is no virtual function.
 */
#ifndef NVME_LM_CONTROLLED_H
#define NVME_LM_CONTROLLED_H

#include <linux/kobject.h>
#include <linux/list.h>

#include "stats.h"

struct nvme_lm_ctrl;
struct nvme_lm_why;
struct pci_dev;

/**
 * struct nvme_lm_controlled - a controlled controller
 * @kobj: its folder in sysfs; the list, and each handle, have a reference
 * @node: place in the controller's list; guarded by ctrl->functions_lock
 * @ctrl: who controls it
 * @cntlid: its CNTLID
 * @linked: the PCI function it was said to be, or NULL; guarded by
 *	ctrl->functions_lock
 * @listed: it is in the Secondary Controller List
 * @stats: of the commands on behalf of its handles
 */
struct nvme_lm_controlled {
	struct kobject kobj;
	struct list_head node;
	struct nvme_lm_ctrl *ctrl;
	u16 cntlid;
	struct pci_dev *linked;
	bool listed;
	struct nvme_lm_stats stats;
};

int nvme_lm_controlled_start(struct nvme_lm_ctrl *ctrl, struct kobject *folder);
void nvme_lm_controlled_stop(struct nvme_lm_ctrl *ctrl);
struct nvme_lm_controlled *nvme_lm_controlled_get(struct nvme_lm_ctrl *ctrl, u16 cntlid);
void nvme_lm_controlled_put(struct nvme_lm_controlled *controlled);
struct pci_dev *nvme_lm_controlled_linked(struct nvme_lm_controlled *controlled);
bool nvme_lm_controlled_in_use(struct nvme_lm_controlled *controlled);
bool nvme_lm_controlled_is_linked(struct nvme_lm_ctrl *ctrl, u16 cntlid);
int nvme_lm_controlled_find_link(struct nvme_lm_ctrl *ctrl, const struct pci_dev *pdev,
				 u16 *cntlid);
int nvme_lm_controlled_link(struct nvme_lm_ctrl *ctrl, u16 cntlid, struct pci_dev *pdev,
			    struct nvme_lm_why *why);
int nvme_lm_controlled_unlink(struct nvme_lm_ctrl *ctrl, u16 cntlid, struct nvme_lm_why *why);
void nvme_lm_controlled_forget(struct nvme_lm_ctrl *ctrl, const struct pci_dev *pdev);

#endif /* NVME_LM_CONTROLLED_H */
