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
#include "pf.h"
#include "sysfs.h"

/*
 * How long a controller is tried that is being reset, in seconds, from the first try
 * on: longer than CAP.TO lets a reset take.  However often somebody asks meanwhile.
 */
#define ATTACH_LIMIT		300
#define ATTACH_DELAY_MIN	100	/* milliseconds; twice as many each time */
#define ATTACH_DELAY_MAX	5000

/* Guards the list and what its members say; see pf.h. */
DEFINE_MUTEX(nvme_lm_pfs_lock);
static LIST_HEAD(pfs);
/* No other is taken up; guarded by nvme_lm_pfs_lock too. */
static bool leaving;

/**
 * nvme_lm_pf_release - the last reference is gone
 * @kobj: the folder in sysfs
 */
void nvme_lm_pf_release(struct kobject *kobj)
{
	struct nvme_lm_pf *pf = to_pf(kobj);

	pci_dev_put(pf->pdev);
	kfree(pf);
}

static struct nvme_lm_pf *pf_find_locked(const struct pci_dev *pdev)
{
	struct nvme_lm_pf *pf;

	lockdep_assert_held(&nvme_lm_pfs_lock);
	list_for_each_entry(pf, &pfs, node)
		if (pf->pdev == pdev)
			return pf;
	return NULL;
}

/* With a reference, or NULL. */
static struct nvme_lm_pf *pf_find(const struct pci_dev *pdev)
{
	struct nvme_lm_pf *pf;

	guard(mutex)(&nvme_lm_pfs_lock);
	pf = pf_find_locked(pdev);
	if (pf)
		kobject_get(&pf->kobj);
	return pf;
}

static bool try_again(struct nvme_lm_pf *pf)
{
	unsigned int delay = ATTACH_DELAY_MIN << min(pf->tries, 10U);

	if (!pf->tries++)
		pf->give_up = get_jiffies_64() + ATTACH_LIMIT * HZ;
	else if (time_after64(get_jiffies_64(), pf->give_up))
		return false;
	delay = min(delay, ATTACH_DELAY_MAX);
	queue_delayed_work(nvme_lm_events, &pf->attach, msecs_to_jiffies(delay));
	return true;
}

/* Complain, once for each function; what is tried again is no complaint yet. */
static void not_attached(struct nvme_lm_pf *pf, const struct nvme_lm_why *why, bool busy)
{
	bool first = !pf->tries;

	scoped_guard(mutex, &nvme_lm_pfs_lock)
		pf->why = *why;
	if (busy && try_again(pf)) {
		if (first)
			pci_info(pf->pdev, "nvme-lm: not attached yet: %s; trying again\n",
				 why->text);
		return;
	}
	if (busy)
		pci_warn(pf->pdev,
			 "nvme-lm: not attached: %s; given up after minutes, rebind it to the nvme driver to try again\n",
			 why->text);
	else if (!why->ordinary)
		pci_warn(pf->pdev, "nvme-lm: not attached: %s\n", why->text);
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
	/* People miss the folders, nothing else does. */
	if (pf->kobj.state_in_sysfs && nvme_lm_controlled_start(ctrl, &pf->kobj))
		pci_warn(pf->pdev, "nvme-lm: not everything that it controls is shown in sysfs\n");
	scoped_guard(mutex, &nvme_lm_pfs_lock) {
		pf->ctrl = ctrl;
		pf->why.text[0] = 0;
	}
}

static struct nvme_lm_pf *pf_alloc(struct pci_dev *pdev)
{
	struct nvme_lm_pf *pf = kzalloc(sizeof(*pf), GFP_KERNEL);

	if (!pf)
		return NULL;
	kobject_init(&pf->kobj, &nvme_lm_pf_ktype);
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
	scoped_guard(mutex, &nvme_lm_pfs_lock) {
		if (leaving || pf_find_locked(pdev)) {
			kobject_put(&pf->kobj);
			return;
		}
		list_add_tail(&pf->node, &pfs);
	}
	/* It works without the folder. */
	if (kobject_add(&pf->kobj, &pdev->dev.kobj, "nvme_lm"))
		pci_warn(pdev, "nvme-lm: not shown in sysfs\n");
	queue_delayed_work(nvme_lm_events, &pf->attach, 0);
	flush_delayed_work(&pf->attach);
}

/* Let go of all that is left of a function; its device lock is held. */
static void pf_finish(struct nvme_lm_pf *pf)
{
	scoped_guard(mutex, &nvme_lm_pfs_lock)
		list_del(&pf->node);
	if (pf->leaving) {
		nvme_lm_ctrl_detach(pf->leaving);
		pci_info(pf->pdev, "nvme-lm: detached\n");
	}
	/* Waits for those who read or write a file in it. */
	if (pf->kobj.state_in_sysfs)
		kobject_del(&pf->kobj);
	kobject_put(&pf->kobj);
}

/* The function, unless all of it was let go of; its device lock is held. */
static struct nvme_lm_pf *pf_of(struct pci_dev *pdev)
{
	device_lock_assert(&pdev->dev);
	guard(mutex)(&nvme_lm_pfs_lock);
	return pf_find_locked(pdev);
}

/**
 * nvme_lm_pf_remove - the stock driver is about to let go of a function
 * @pdev: the PCI function; its device lock is held, and its driver is still bound
 *
 * On return nothing of it is held, nor any command of ours under way.  A PF that is dead
 * or gone ends none; it is left to the stock driver to cancel them, and the rest to
 * nvme_lm_pf_removed().
 */
void nvme_lm_pf_remove(struct pci_dev *pdev)
{
	struct nvme_lm_pf *pf = pf_of(pdev);

	if (!pf)
		return;
	cancel_delayed_work_sync(&pf->attach);
	/* Whoever has found it in the list before may still look. */
	scoped_guard(mutex, &nvme_lm_pfs_lock)
		pf->leaving = no_free_ptr(pf->ctrl);
	if (!pf->leaving || nvme_lm_ctrl_leave(pf->leaving))
		pf_finish(pf);
}

/**
 * nvme_lm_pf_removed - the stock driver has let go of a function
 * @pdev: the PCI function; its device lock is held
 *
 * Nothing is left to be done but after commands that it had to cancel.
 */
void nvme_lm_pf_removed(struct pci_dev *pdev)
{
	struct nvme_lm_pf *pf = pf_of(pdev);

	if (pf)
		pf_finish(pf);
}

/* The PCI function of any that is left, with a reference; or NULL. */
static struct pci_dev *any_pdev(void)
{
	struct nvme_lm_pf *pf;

	guard(mutex)(&nvme_lm_pfs_lock);
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
		scoped_guard(device, &pdev->dev) {
			nvme_lm_pf_remove(pdev);
			/* The driver stays, and so does who ends the commands. */
			nvme_lm_pf_removed(pdev);
		}
		pci_dev_put(pdev);
	}
}

/**
 * nvme_lm_pf_ctrl - the controller of a function
 * @pf: the function
 *
 * Return: the controller, with a reference; or NULL if it is not attached.
 */
struct nvme_lm_ctrl *nvme_lm_pf_ctrl(struct nvme_lm_pf *pf)
{
	guard(mutex)(&nvme_lm_pfs_lock);
	return pf->ctrl ? nvme_lm_ctrl_get(pf->ctrl) : NULL;
}

/* The controller to which @pdev was linked, with a reference; or NULL. */
static struct nvme_lm_ctrl *linking_ctrl(const struct pci_dev *pdev)
{
	struct nvme_lm_pf *pf;
	u16 cntlid;

	guard(mutex)(&nvme_lm_pfs_lock);
	list_for_each_entry(pf, &pfs, node)
		if (pf->ctrl && !nvme_lm_controlled_find_link(pf->ctrl, pdev, &cntlid))
			return nvme_lm_ctrl_get(pf->ctrl);
	return NULL;
}

/**
 * nvme_lm_pf_forget - a PCI function is removed
 * @pdev: the function, which has no driver any more
 */
void nvme_lm_pf_forget(const struct pci_dev *pdev)
{
	struct nvme_lm_ctrl *ctrl = linking_ctrl(pdev);

	if (!ctrl)
		return;
	nvme_lm_controlled_forget(ctrl, pdev);
	nvme_lm_ctrl_put(ctrl);
}

/**
 * nvme_lm_pf_controlling - the controller that may control a PCI function
 * @pdev: the PCI function
 *
 * For a virtual function the controller of its PF, for another the one that an
 * administrator has linked it to.  The device is asked nothing: that it really
 * controls the function is for the caller to find out.  But if it is to be tried
 * once more whether to attach, this is the time.
 *
 * Return: the controller, with a reference; or NULL.
 */
struct nvme_lm_ctrl *nvme_lm_pf_controlling(struct pci_dev *pdev)
{
	struct nvme_lm_ctrl *ctrl;
	struct nvme_lm_pf *pf;

	if (!pdev->is_virtfn)
		return linking_ctrl(pdev);
	pf = pf_find(pci_physfn(pdev));
	if (!pf)
		return NULL;
	flush_delayed_work(&pf->attach);
	ctrl = nvme_lm_pf_ctrl(pf);
	kobject_put(&pf->kobj);
	return ctrl;
}
