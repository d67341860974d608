// SPDX-License-Identifier: GPL-2.0-only
/*
 * A controlling controller, from attaching to detaching.
 */
#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "lm.h"
#include "trackwire.h"

static void ctrl_release(struct kref *ref)
{
	struct nvme_lm_ctrl *ctrl = container_of(ref, struct nvme_lm_ctrl, ref);

	kvfree(ctrl->listed.entries);
	kfree(ctrl);
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
	INIT_LIST_HEAD(&ctrl->functions);
	INIT_LIST_HEAD(&ctrl->controlled);
	INIT_LIST_HEAD(&ctrl->abandoned);
	mutex_init(&ctrl->functions_lock);
	mutex_init(&ctrl->folder_lock);
	mutex_init(&ctrl->view_lock);
	nvme_lm_stats_init(&ctrl->stats);
	spin_lock_init(&ctrl->slots_lock);
	nvme_lm_slots_init(&ctrl->slots, NVME_LM_MAX_COMMANDS);
	init_waitqueue_head(&ctrl->drained);
	return ctrl;
}

/* The standard first: a device that speaks it needs no vendor's. */
static const struct nvme_lm_ops * const command_sets[] = {
	&nvme_lm_standard_ops,
	&nvme_lm_ipu_ops,
	&nvme_lm_page_ops,
};

/* PCI device ID of the virtual functions, 0 if there are none. */
static u16 vf_device(struct pci_dev *pdev)
{
	int pos = pci_find_ext_capability(pdev, PCI_EXT_CAP_ID_SRIOV);
	u16 device = 0;

	if (pos)
		pci_read_config_word(pdev, pos + PCI_SRIOV_VF_DID, &device);
	return device;
}

/* The command set of a controller, or NULL if it has none. */
static const struct nvme_lm_ops *find_ops(struct pci_dev *pdev, const u8 *identify,
					  struct nvme_lm_why *why)
{
	struct nvme_lm_device_id id = {
		.vendor = pdev->vendor,
		.vf_device = vf_device(pdev),
		.identify = identify,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(command_sets); i++)
		if (command_sets[i]->match(&id, why))
			return command_sets[i];
	return NULL;
}

/**
 * nvme_lm_ops_hiding - the command set that hides registers of a function
 * @pdev: the PCI function
 * @hidden: filled in if there is one
 *
 * Return: the command set, or NULL if nothing is hidden.
 */
const struct nvme_lm_ops *nvme_lm_ops_hiding(struct pci_dev *pdev,
					     struct nvme_lm_hidden *hidden)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(command_sets); i++)
		if (command_sets[i]->hidden && command_sets[i]->hidden(pdev, hidden))
			return command_sets[i];
	return NULL;
}

/* Ask the controller who it is: 0, -EOPNOTSUPP if it cannot migrate, … */
static int ctrl_identify(struct nvme_lm_ctrl *ctrl, struct nvme_lm_why *why)
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
	ctrl->ops = find_ops(ctrl->stock.pdev, page, why);
	if (!ctrl->ops)
		return -EOPNOTSUPP;
	nvme_lm_decode_track_limits(page, &ctrl->track_limits);
	ctrl->cntlid = id.cntlid;
	ctrl->own.cntlid = id.cntlid;
	return 0;
}

/* With the way to the admin queue known: is it a controlling controller? */
static int ctrl_start(struct nvme_lm_ctrl *ctrl, struct nvme_lm_why *why)
{
	struct pci_dev *pdev = ctrl->stock.pdev;
	int ret, count;

	strscpy(ctrl->name, pci_name(pdev), sizeof(ctrl->name));
	ctrl->max_transfer = nvme_lm_stock_max_transfer(&ctrl->stock);
	nvme_lm_reset_init(ctrl);
	nvme_lm_issuer_init(&ctrl->own, ctrl, 0);

	/*
	 * Without interrupt vectors in sysfs a reset cannot be noticed.  There are
	 * none either while a reset goes on.
	 */
	if (!ctrl->watch.setup_id) {
		nvme_lm_say_why(why, "expected MSI or MSI-X vectors in sysfs, found none");
		return -EBUSY;
	}

	ret = ctrl_identify(ctrl, why);
	if (ret == -EOPNOTSUPP)
		return ret;
	count = ret ? ret : nvme_lm_topology_count(&ctrl->own);
	if (count < 0) {
		nvme_lm_say_why(why,
				"Identify for what it controls failed (%d); its trace event nvme_lm_command has the status",
				count);
		return count;
	}

	pci_info(pdev,
		 "nvme-lm: attached: CNTLID %u controls %d controllers, up to %u bytes a command\n",
		 ctrl->cntlid, count, ctrl->max_transfer);
	return 0;
}

/* A reset that comes while the controller is looked at; it can be tried again. */
static int came_across_reset(int ret, struct nvme_lm_why *why)
{
	if (ret != -EINTR && ret != -ESTALE)
		return ret;
	nvme_lm_say_why(why, "the controller was reset while it was looked at");
	return -EBUSY;
}

/**
 * nvme_lm_ctrl_leave - begin to let go of a controller
 * @ctrl: the controller; nobody finds it any more
 *
 * On return handles give -ENODEV.
 *
 * Return: true if no command of ours is under way any more.  Else only the stock driver
 * can end them, and nvme_lm_ctrl_detach() is for when it has let go of the controller.
 */
bool nvme_lm_ctrl_leave(struct nvme_lm_ctrl *ctrl)
{
	/* Who makes a handle now finds it closing. */
	scoped_guard(mutex, &ctrl->functions_lock)
		ctrl->closing = true;
	nvme_lm_reset_cancel(ctrl);
	nvme_lm_deliver(ctrl, NVME_LM_EVENT_GONE);
	return nvme_lm_close(ctrl);
}

/**
 * nvme_lm_ctrl_detach - let go of a controller
 * @ctrl: the controller, closed
 *
 * On return no command of ours is under way, and nothing of the stock driver's is held.
 */
void nvme_lm_ctrl_detach(struct nvme_lm_ctrl *ctrl)
{
	nvme_lm_drain(ctrl);
	/* Who looks for sysfs now; others find it gone. */
	mutex_lock(&ctrl->view_lock);
	mutex_unlock(&ctrl->view_lock);
	nvme_lm_controlled_stop(ctrl);
	nvme_lm_reset_stop(ctrl);
	nvme_lm_stock_detach(&ctrl->stock);
	nvme_lm_ctrl_put(ctrl);
}

/**
 * nvme_lm_ctrl_attach - look at a controller of the stock driver
 * @pdev: its PCI function, which the stock driver stays bound to meanwhile
 * @why: the reason of a failure
 *
 * Return: the controller if it can migrate what it controls, else ERR_PTR():
 * -EBUSY if it is being reset, as far as can be seen, or another errno.
 */
struct nvme_lm_ctrl *nvme_lm_ctrl_attach(struct pci_dev *pdev, struct nvme_lm_why *why)
{
	struct nvme_lm_ctrl *ctrl = ctrl_alloc();
	int ret;

	if (!ctrl) {
		nvme_lm_say_why(why, "out of memory");
		return ERR_PTR(-ENOMEM);
	}
	ret = nvme_lm_stock_attach(&ctrl->stock, pdev, why);
	if (ret) {
		nvme_lm_ctrl_put(ctrl);
		return ERR_PTR(came_across_reset(ret, why));
	}
	ret = ctrl_start(ctrl, why);
	if (ret) {
		nvme_lm_close(ctrl);
		nvme_lm_ctrl_detach(ctrl);
		return ERR_PTR(came_across_reset(ret, why));
	}
	return ctrl;
}

