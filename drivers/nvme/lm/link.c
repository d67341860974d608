// SPDX-License-Identifier: GPL-2.0-only
/*
 * A controlled function that is no virtual function, such as another PF of the
 * subsystem.
 *
 * No list of the device says which PCI function it is, so an administrator does.
 * That is checked and never guessed: the function must be served by the stock
 * driver at that moment, through which it is asked who it is.  Afterwards it may be
 * given to another driver.
 */
#include <linux/cleanup.h>
#include <linux/nvme.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "link.h"
#include "lm.h"

/* Identify Controller of a function that we do not control. */
static int identify_other(struct nvme_lm_stock *stock, u8 *page)
{
	struct nvme_lm_cmd cmd = nvme_lm_cmd_identify(NVME_LM_CNS_CONTROLLER, 0, 0);
	struct nvme_command sqe;

	nvme_lm_cmd_encode(&cmd, (__le32 *)&sqe);
	return nvme_lm_stock_submit(stock, &sqe, page, NVME_LM_IDENTIFY_SIZE, NULL);
}

/* Have @pdev say who it is; its device lock is held. */
static int ask_locked(struct pci_dev *pdev, u8 *page, struct nvme_lm_why *why)
{
	struct nvme_lm_stock stock;
	int ret;

	if (!pdev->dev.driver || strcmp(pdev->dev.driver->name, NVME_LM_STOCK_DRIVER)) {
		nvme_lm_say_why(why,
				"expected %s bound to the nvme driver, so that it can be asked who it is, found it bound to %s; bind it to nvme for the time of the link",
				pci_name(pdev),
				pdev->dev.driver ? pdev->dev.driver->name : "none");
		return -ENODEV;
	}
	ret = nvme_lm_stock_attach(&stock, pdev, why);
	if (ret)
		return ret;
	ret = identify_other(&stock, page);
	nvme_lm_stock_detach(&stock);
	if (ret) {
		nvme_lm_say_why(why, "Identify of %s failed (%d)", pci_name(pdev), ret);
		return ret < 0 ? ret : -EREMOTEIO;
	}
	return 0;
}

/*
 * The lock is only tried: who holds it may be unbinding that function, and wait for
 * a link to its own controller, which wants the lock of ours.
 */
static int ask(struct pci_dev *pdev, u8 *page, struct nvme_lm_why *why)
{
	int ret;

	if (!device_trylock(&pdev->dev)) {
		nvme_lm_say_why(why, "%s is just being bound, unbound or removed; try again",
				pci_name(pdev));
		return -EBUSY;
	}
	ret = ask_locked(pdev, page, why);
	device_unlock(&pdev->dev);
	return ret;
}

/* What @pdev says of itself against what it is said to be. */
static int compare(struct nvme_lm_ctrl *ctrl, u16 cntlid, const struct pci_dev *pdev,
		   const u8 *theirs, struct nvme_lm_why *why)
{
	struct nvme_lm_identity *ids __free(kfree) = kcalloc(2, sizeof(*ids), GFP_KERNEL);
	u8 *ours __free(kfree) = kzalloc(NVME_LM_IDENTIFY_SIZE, GFP_KERNEL);
	struct nvme_lm_controller_id id;
	int ret;

	if (!ids || !ours)
		return -ENOMEM;
	ret = nvme_lm_identify(&ctrl->own, NVME_LM_CNS_CONTROLLER, 0, 0, ours);
	if (ret) {
		nvme_lm_say_why(why, "Identify of the controlling controller failed (%d)", ret);
		return ret;
	}
	nvme_lm_decode_subsystem(ours, &ids[0]);
	nvme_lm_decode_subsystem(theirs, &ids[1]);
	if (memcmp(ids[0].subnqn, ids[1].subnqn, sizeof(ids[0].subnqn))) {
		nvme_lm_say_why(why,
				"%s is in another subsystem: expected NQN %.64s, found %.64s",
				pci_name(pdev), ids[0].subnqn, ids[1].subnqn);
		return -EXDEV;
	}
	nvme_lm_decode_controller(theirs, &id);
	if (id.cntlid != cntlid) {
		nvme_lm_say_why(why, "%s says that its CNTLID is %u, expected %u",
				pci_name(pdev), id.cntlid, cntlid);
		return -EXDEV;
	}
	return 0;
}

/* What the controlling controller says of @cntlid. */
static int check_cntlid(struct nvme_lm_ctrl *ctrl, u16 cntlid, struct nvme_lm_why *why)
{
	struct nvme_lm_secondary entry;
	int ret;

	if (cntlid == ctrl->cntlid) {
		nvme_lm_say_why(why, "CNTLID %u is the controlling controller itself", cntlid);
		return -EINVAL;
	}
	ret = nvme_lm_topology_find_other(&ctrl->own, cntlid, &entry);
	if (ret == -ENXIO) {
		nvme_lm_say_why(why, "CNTLID %u is not in the subsystem", cntlid);
		return ret;
	}
	if (ret) {
		nvme_lm_say_why(why, "Identify for CNTLID %u failed (%d)", cntlid, ret);
		return ret;
	}
	if (entry.vfn) {
		nvme_lm_say_why(why,
				"CNTLID %u is virtual function %u of its PF; its relation is known without a link",
				cntlid, entry.vfn);
		return -EINVAL;
	}
	return 0;
}

static int check_pdev(struct nvme_lm_ctrl *ctrl, const struct pci_dev *pdev,
		      struct nvme_lm_why *why)
{
	if (pdev->class != PCI_CLASS_STORAGE_EXPRESS) {
		nvme_lm_say_why(why, "expected an NVMe controller at %s, found class %06x",
				pci_name(pdev), pdev->class);
		return -EINVAL;
	}
	if (pdev->is_virtfn) {
		nvme_lm_say_why(why,
				"%s is a virtual function; its relation is known without a link",
				pci_name(pdev));
		return -EINVAL;
	}
	if (pdev == ctrl->stock.pdev) {
		nvme_lm_say_why(why, "%s is the controlling controller itself", pci_name(pdev));
		return -EINVAL;
	}
	return 0;
}

/* With ctrl->view_lock: all that can be checked, then the link. */
static int link_pdev(struct nvme_lm_ctrl *ctrl, u16 cntlid, struct pci_dev *pdev,
		     struct nvme_lm_why *why)
{
	u8 *page __free(kfree) = kzalloc(NVME_LM_IDENTIFY_SIZE, GFP_KERNEL);
	int ret;

	if (!page)
		return -ENOMEM;
	ret = check_pdev(ctrl, pdev, why);
	if (!ret)
		ret = check_cntlid(ctrl, cntlid, why);
	if (!ret)
		ret = ask(pdev, page, why);
	if (!ret)
		ret = compare(ctrl, cntlid, pdev, page, why);
	if (!ret)
		ret = nvme_lm_controlled_link(ctrl, cntlid, pdev, why);
	return ret;
}

/**
 * nvme_lm_link - a controlled controller is a PCI function that is no VF
 * @ctrl: who controls it; its view_lock is held
 * @words: which one is which
 * @why: the reason of a failure
 *
 * Return: 0 or an errno.
 */
int nvme_lm_link(struct nvme_lm_ctrl *ctrl, const struct nvme_lm_link_words *words,
		 struct nvme_lm_why *why)
{
	struct pci_dev *pdev;
	int ret;

	lockdep_assert_held(&ctrl->view_lock);
	pdev = pci_get_domain_bus_and_slot(words->domain, words->bus,
					   PCI_DEVFN(words->device, words->function));
	if (!pdev) {
		nvme_lm_say_why(why, "there is no PCI function %04x:%02x:%02x.%x",
				words->domain, words->bus, words->device, words->function);
		return -ENODEV;
	}
	ret = link_pdev(ctrl, words->cntlid, pdev, why);
	pci_dev_put(pdev);
	return ret;
}
