// SPDX-License-Identifier: GPL-2.0-only
/*
 * Controlling controllers: which there are, from bind to unbind.
 */
#include <linux/cleanup.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "lm.h"
#include "trackwire.h"

/* Guards the list; held for reading while handles are made from its members. */
DECLARE_RWSEM(nvme_lm_ctrls_lock);
LIST_HEAD(nvme_lm_ctrls);

static void ctrl_release(struct kref *ref)
{
	kfree(container_of(ref, struct nvme_lm_ctrl, ref));
}

/**
 * nvme_lm_ctrl_get - take a reference
 * @ctrl: the controlling controller
 *
 * Return: @ctrl.
 */
struct nvme_lm_ctrl *nvme_lm_ctrl_get(struct nvme_lm_ctrl *ctrl)
{
	kref_get(&ctrl->ref);
	return ctrl;
}

/**
 * nvme_lm_ctrl_put - give a reference back
 * @ctrl: the controlling controller
 */
void nvme_lm_ctrl_put(struct nvme_lm_ctrl *ctrl)
{
	kref_put(&ctrl->ref, ctrl_release);
}

static struct nvme_lm_ctrl *ctrl_alloc(void)
{
	struct nvme_lm_ctrl *ctrl = kzalloc(sizeof(*ctrl), GFP_KERNEL);

	if (!ctrl)
		return NULL;
	kref_init(&ctrl->ref);
	INIT_LIST_HEAD(&ctrl->node);
	INIT_LIST_HEAD(&ctrl->functions);
	mutex_init(&ctrl->functions_lock);
	spin_lock_init(&ctrl->slots_lock);
	nvme_lm_slots_init(&ctrl->slots, NVME_LM_MAX_COMMANDS);
	init_waitqueue_head(&ctrl->drained);
	return ctrl;
}

/*
 * The command set of a controller, or NULL if it has none.  Only what the
 * controller itself says counts; the vendor specific bytes of a device that
 * nobody knows are not looked at.
 */
static const struct nvme_lm_ops *find_ops(const struct nvme_lm_controller_id *id)
{
	return id->migrates ? &nvme_lm_standard_ops : NULL;
}

/* Ask the controller who it is: 0, -EOPNOTSUPP if it cannot migrate, … */
static int ctrl_identify(struct nvme_lm_ctrl *ctrl)
{
	u8 *page __free(kfree) = kzalloc(NVME_LM_IDENTIFY_SIZE, GFP_KERNEL);
	struct nvme_lm_controller_id id;
	int ret;

	if (!page)
		return -ENOMEM;
	ret = nvme_lm_identify(&ctrl->own, NVME_LM_CNS_CONTROLLER, 0, 0, page);
	if (ret)
		return ret;

	nvme_lm_decode_controller(page, &id);
	ctrl->ops = find_ops(&id);
	if (!ctrl->ops)
		return -EOPNOTSUPP;
	nvme_lm_decode_track_limits(page, &ctrl->track_limits);
	ctrl->cntlid = id.cntlid;
	ctrl->own.cntlid = id.cntlid;
	return 0;
}

/* With the way to the admin queue known: is it a controlling controller? */
static int ctrl_start(struct nvme_lm_ctrl *ctrl)
{
	struct pci_dev *pdev = ctrl->stock.pdev;
	int ret, count;

	strscpy(ctrl->name, pci_name(pdev), sizeof(ctrl->name));
	ctrl->max_transfer = nvme_lm_stock_max_transfer(&ctrl->stock);
	nvme_lm_reset_init(ctrl);
	nvme_lm_issuer_init(&ctrl->own, ctrl, 0);

	/* Without interrupt vectors in sysfs a reset cannot be noticed. */
	if (!ctrl->setup_id) {
		pci_warn(pdev,
			 "nvme-lm: not attached: expected MSI or MSI-X vectors in sysfs, found none\n");
		return -EOPNOTSUPP;
	}

	ret = ctrl_identify(ctrl);
	if (ret == -EOPNOTSUPP)
		return ret;
	count = ret ? ret : nvme_lm_topology_count(&ctrl->own);
	if (count < 0) {
		pci_warn(pdev,
			 "nvme-lm: not attached: Identify for what it controls failed (%d); its trace event nvme_lm_command has the status\n",
			 count);
		return count;
	}

	pci_info(pdev,
		 "nvme-lm: attached: CNTLID %u controls %d controllers, up to %u bytes a command\n",
		 ctrl->cntlid, count, ctrl->max_transfer);
	return 0;
}

static struct nvme_lm_ctrl *ctrl_find(struct pci_dev *pdev)
{
	struct nvme_lm_ctrl *ctrl;

	guard(rwsem_read)(&nvme_lm_ctrls_lock);
	list_for_each_entry(ctrl, &nvme_lm_ctrls, node)
		if (ctrl->stock.pdev == pdev)
			return ctrl;
	return NULL;
}

/**
 * nvme_lm_ctrl_add - look at a controller of the stock driver
 * @pdev: its PCI function, bound to the stock driver; its device lock is held
 *
 * Takes it up if it can migrate what it controls.
 */
void nvme_lm_ctrl_add(struct pci_dev *pdev)
{
	struct nvme_lm_ctrl *ctrl;

	device_lock_assert(&pdev->dev);
	if (ctrl_find(pdev))
		return;
	ctrl = ctrl_alloc();
	if (!ctrl)
		return;
	if (nvme_lm_stock_attach(&ctrl->stock, pdev))
		goto out_put;
	if (ctrl_start(ctrl))
		goto out_detach;

	scoped_guard(rwsem_write, &nvme_lm_ctrls_lock)
		list_add_tail(&ctrl->node, &nvme_lm_ctrls);
	return;

out_detach:
	nvme_lm_drain(ctrl);
	nvme_lm_reset_cancel(ctrl);
	nvme_lm_stock_detach(&ctrl->stock);
out_put:
	nvme_lm_ctrl_put(ctrl);
}

/**
 * nvme_lm_ctrl_remove - the stock driver is about to let go of a controller
 * @pdev: its PCI function; its device lock is held, and it still works
 *
 * On return no command of ours is under way and nothing of it is held.
 */
void nvme_lm_ctrl_remove(struct pci_dev *pdev)
{
	struct nvme_lm_ctrl *ctrl;

	device_lock_assert(&pdev->dev);
	ctrl = ctrl_find(pdev);
	if (!ctrl)
		return;

	scoped_guard(mutex, &ctrl->functions_lock)
		ctrl->closing = true;
	nvme_lm_reset_cancel(ctrl);
	nvme_lm_deliver(ctrl, NVME_LM_EVENT_GONE);
	nvme_lm_drain(ctrl);

	/* Who makes a handle now finds it closing: this does not wait long. */
	scoped_guard(rwsem_write, &nvme_lm_ctrls_lock)
		list_del(&ctrl->node);
	nvme_lm_reset_cancel(ctrl);
	pci_info(pdev, "nvme-lm: detached\n");
	nvme_lm_stock_detach(&ctrl->stock);
	nvme_lm_ctrl_put(ctrl);
}

/* The PCI function of any controller that is left, with a reference; or NULL. */
static struct pci_dev *any_pdev(void)
{
	struct nvme_lm_ctrl *ctrl;

	guard(rwsem_read)(&nvme_lm_ctrls_lock);
	ctrl = list_first_entry_or_null(&nvme_lm_ctrls, struct nvme_lm_ctrl,
					node);
	return ctrl ? pci_dev_get(ctrl->stock.pdev) : NULL;
}

/**
 * nvme_lm_ctrl_remove_all - let go of every controller
 *
 * None must be added any more.
 */
void nvme_lm_ctrl_remove_all(void)
{
	struct pci_dev *pdev;

	while ((pdev = any_pdev())) {
		scoped_guard(device, &pdev->dev)
			nvme_lm_ctrl_remove(pdev);
		pci_dev_put(pdev);
	}
}
