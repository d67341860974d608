// SPDX-License-Identifier: GPL-2.0-only
/*
 * The PCI functions that the stock driver serves, from bind to unbind: attaching
 * to each one's controller, and finding the one that controls a function.
 *
 * A controller that is being reset cannot be looked at.  The stock driver tells
 * nobody in the kernel when it is done, so such a one is tried again after a
 * while, and at once when somebody asks for a function of it.
 */
#include <linux/cleanup.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "lm.h"

/* How often a controller is tried that is being reset: for five minutes. */
#define ATTACH_TRIES		66
#define ATTACH_DELAY_MIN	100	/* milliseconds; twice as many each time */
#define ATTACH_DELAY_MAX	5000

/**
 * struct nvme_lm_pf - a PCI function that the stock driver serves
 * @ref: the list, and each one who waits for @attach
 * @node: place in the list; guarded by pfs_lock
 * @pdev: the PCI function
 * @attach: looks at its controller; not queued any more once it is unbound
 * @tries: how often that was done; of @attach only
 * @ctrl: its controller when attached, or NULL; guarded by pfs_lock
 */
struct nvme_lm_pf {
	struct kref ref;
	struct list_head node;
	struct pci_dev *pdev;
	struct delayed_work attach;
	unsigned int tries;
	struct nvme_lm_ctrl *ctrl;
};

/*
 * Guards the list, @leaving, and what its members say.  No command is issued and
 * nothing is waited for with it held, so a controller that hangs holds up nobody
 * who has to do with another one.
 */
static DEFINE_MUTEX(pfs_lock);
static LIST_HEAD(pfs);
static bool leaving;

static void pf_release(struct kref *ref)
{
	struct nvme_lm_pf *pf = container_of(ref, struct nvme_lm_pf, ref);

	pci_dev_put(pf->pdev);
	kfree(pf);
}

static void pf_put(struct nvme_lm_pf *pf)
{
	kref_put(&pf->ref, pf_release);
}

static struct nvme_lm_pf *pf_find_locked(const struct pci_dev *pdev)
{
	struct nvme_lm_pf *pf;

	lockdep_assert_held(&pfs_lock);
	list_for_each_entry(pf, &pfs, node)
		if (pf->pdev == pdev)
			return pf;
	return NULL;
}

/* With a reference, or NULL. */
static struct nvme_lm_pf *pf_find(const struct pci_dev *pdev)
{
	struct nvme_lm_pf *pf;

	guard(mutex)(&pfs_lock);
	pf = pf_find_locked(pdev);
	if (pf)
		kref_get(&pf->ref);
	return pf;
}

static bool try_again(struct nvme_lm_pf *pf)
{
	unsigned int delay = ATTACH_DELAY_MIN << min(pf->tries, 10U);

	if (++pf->tries == ATTACH_TRIES)
		return false;
	delay = min(delay, ATTACH_DELAY_MAX);
	queue_delayed_work(nvme_lm_events, &pf->attach, msecs_to_jiffies(delay));
	return true;
}

/* Complain, once for each function; what is tried again is no complaint yet. */
static void not_attached(struct nvme_lm_pf *pf, const struct nvme_lm_why *why, bool busy)
{
	bool first = !pf->tries;

	if (busy && try_again(pf)) {
		if (first)
			pci_info(pf->pdev, "nvme-lm: not attached yet: %s; trying again\n",
				 why->text);
		return;
	}
	if (!why->ordinary)
		pci_warn(pf->pdev, "nvme-lm: not attached: %s%s\n", why->text,
			 !busy ? "" :
			 "; given up after minutes, rebind it to the nvme driver to try again");
}

/*
 * Runs without the device lock.  Still the stock driver stays bound meanwhile,
 * because nvme_lm_pf_remove() waits.
 */
static void try_attach(struct work_struct *work)
{
	struct nvme_lm_pf *pf = container_of(to_delayed_work(work), struct nvme_lm_pf, attach);
	struct nvme_lm_why why = {};
	struct nvme_lm_ctrl *ctrl;

	ctrl = nvme_lm_ctrl_attach(pf->pdev, &why);
	if (IS_ERR(ctrl)) {
		not_attached(pf, &why, PTR_ERR(ctrl) == -EBUSY);
		return;
	}
	scoped_guard(mutex, &pfs_lock)
		pf->ctrl = ctrl;
}

static struct nvme_lm_pf *pf_alloc(struct pci_dev *pdev)
{
	struct nvme_lm_pf *pf = kzalloc(sizeof(*pf), GFP_KERNEL);

	if (!pf)
		return NULL;
	kref_init(&pf->ref);
	pf->pdev = pci_dev_get(pdev);
	INIT_DELAYED_WORK(&pf->attach, try_attach);
	return pf;
}

/**
 * nvme_lm_pf_add - the stock driver serves a function
 * @pdev: the PCI function; its device lock is held
 *
 * Takes it up if its controller can migrate what it controls.  Waits for the
 * answer, so that who has bound the function finds it attached.
 */
void nvme_lm_pf_add(struct pci_dev *pdev)
{
	struct nvme_lm_pf *pf;

	device_lock_assert(&pdev->dev);
	pf = pf_alloc(pdev);
	if (!pf)
		return;
	scoped_guard(mutex, &pfs_lock) {
		if (leaving || pf_find_locked(pdev)) {
			pf_put(pf);
			return;
		}
		list_add_tail(&pf->node, &pfs);
	}
	queue_delayed_work(nvme_lm_events, &pf->attach, 0);
	flush_delayed_work(&pf->attach);
}

/**
 * nvme_lm_pf_remove - the stock driver is about to let go of a function
 * @pdev: the PCI function; its device lock is held, and it still works
 *
 * On return no command of ours is under way and nothing of it is held.
 */
void nvme_lm_pf_remove(struct pci_dev *pdev)
{
	struct nvme_lm_ctrl *ctrl;
	struct nvme_lm_pf *pf;

	device_lock_assert(&pdev->dev);
	scoped_guard(mutex, &pfs_lock) {
		pf = pf_find_locked(pdev);
		if (!pf)
			return;
		list_del(&pf->node);
	}
	cancel_delayed_work_sync(&pf->attach);
	/* Whoever has found it in the list before may still look. */
	scoped_guard(mutex, &pfs_lock)
		ctrl = no_free_ptr(pf->ctrl);
	if (ctrl) {
		nvme_lm_ctrl_detach(ctrl);
		pci_info(pdev, "nvme-lm: detached\n");
	}
	pf_put(pf);
}

/* The PCI function of any that is left, with a reference; or NULL. */
static struct pci_dev *any_pdev(void)
{
	struct nvme_lm_pf *pf;

	guard(mutex)(&pfs_lock);
	leaving = true;
	pf = list_first_entry_or_null(&pfs, struct nvme_lm_pf, node);
	return pf ? pci_dev_get(pf->pdev) : NULL;
}

/**
 * nvme_lm_pf_remove_all - let go of every function, and take up no other
 */
void nvme_lm_pf_remove_all(void)
{
	struct pci_dev *pdev;

	while ((pdev = any_pdev())) {
		scoped_guard(device, &pdev->dev)
			nvme_lm_pf_remove(pdev);
		pci_dev_put(pdev);
	}
}

/**
 * nvme_lm_pf_controlling - the controller that may control a PCI function
 * @pdev: the PCI function
 *
 * The device is asked nothing: that it really controls the function is for the
 * caller to find out.  But if it is to be tried once more whether to attach, this
 * is the time.
 *
 * Return: the controller, with a reference; or NULL.
 */
struct nvme_lm_ctrl *nvme_lm_pf_controlling(struct pci_dev *pdev)
{
	struct nvme_lm_ctrl *ctrl = NULL;
	struct nvme_lm_pf *pf;

	if (!pdev->is_virtfn)
		return NULL;
	pf = pf_find(pci_physfn(pdev));
	if (!pf)
		return NULL;
	flush_delayed_work(&pf->attach);
	scoped_guard(mutex, &pfs_lock)
		if (pf->ctrl)
			ctrl = nvme_lm_ctrl_get(pf->ctrl);
	pf_put(pf);
	return ctrl;
}
