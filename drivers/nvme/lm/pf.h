/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The PCI functions that the stock driver serves.
 */
#ifndef NVME_LM_PF_H
#define NVME_LM_PF_H

#include <linux/kobject.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>

#include "why.h"

struct nvme_lm_ctrl;
struct pci_dev;

/**
 * struct nvme_lm_pf - a PCI function that the stock driver serves
 * @kobj: its folder nvme_lm/ in sysfs; the list, and each one who waits for
 *	@attach, have a reference
 * @node: place in the list; guarded by nvme_lm_pfs_lock
 * @pdev: the PCI function
 * @attach: looks at its controller; not queued any more once it is unbound
 * @tries: how often that was done; of @attach only
 * @give_up: when it is not tried again, in jiffies of 64 bits; valid once @tries is
 *	not 0
 * @ctrl: its controller when attached, or NULL; guarded by nvme_lm_pfs_lock
 * @leaving: its controller when the driver is being unbound; guarded by the device lock
 * @why: why it is not attached; guarded by nvme_lm_pfs_lock
 * @link_why: why the last link or unlink failed; guarded by nvme_lm_pfs_lock
 */
struct nvme_lm_pf {
	struct kobject kobj;
	struct list_head node;
	struct pci_dev *pdev;
	struct delayed_work attach;
	unsigned int tries;
	u64 give_up;
	struct nvme_lm_ctrl *ctrl;
	struct nvme_lm_ctrl *leaving;
	struct nvme_lm_why why;
	struct nvme_lm_why link_why;
};

static inline struct nvme_lm_pf *to_pf(struct kobject *kobj)
{
	return container_of(kobj, struct nvme_lm_pf, kobj);
}

/*
 * Guards the list, and what its members say.  No command is issued and nothing is
 * waited for with it held, so a controller that hangs holds up nobody who has to
 * do with another one.
 */
extern struct mutex nvme_lm_pfs_lock;

void nvme_lm_pf_add(struct pci_dev *pdev);
void nvme_lm_pf_remove(struct pci_dev *pdev);
void nvme_lm_pf_removed(struct pci_dev *pdev);
void nvme_lm_pf_remove_all(void);
void nvme_lm_pf_forget(const struct pci_dev *pdev);
struct nvme_lm_ctrl *nvme_lm_pf_ctrl(struct nvme_lm_pf *pf);
struct nvme_lm_ctrl *nvme_lm_pf_controlling(struct pci_dev *pdev);

#endif /* NVME_LM_PF_H */
