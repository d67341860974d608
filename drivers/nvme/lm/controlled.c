// SPDX-License-Identifier: GPL-2.0-only
/*
 * The controllers that a controlling controller controls; see controlled.h.
 *
 * Those of the Secondary Controller List are there from attaching on.  Others come
 * by a link.
 */
#include <linux/cleanup.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "controlled.h"
#include "lm.h"
#include "sysfs.h"

/*
 * Most folders that are made for one controller.  Ours: a device could list
 * 65,535, and each folder has some forty files.
 */
#define MAX_CONTROLLED		1024

/**
 * nvme_lm_controlled_release - the last reference is gone
 * @kobj: the folder in sysfs
 */
void nvme_lm_controlled_release(struct kobject *kobj)
{
	struct nvme_lm_controlled *controlled = to_controlled(kobj);

	pci_dev_put(controlled->linked);
	nvme_lm_ctrl_put(controlled->ctrl);
	kfree(controlled);
}

/**
 * nvme_lm_controlled_put - give a reference back
 * @controlled: the controller, or NULL
 */
void nvme_lm_controlled_put(struct nvme_lm_controlled *controlled)
{
	if (controlled)
		kobject_put(&controlled->kobj);
}

static struct nvme_lm_controlled *find_locked(struct nvme_lm_ctrl *ctrl, u16 cntlid)
{
	struct nvme_lm_controlled *controlled;

	lockdep_assert_held(&ctrl->functions_lock);
	list_for_each_entry(controlled, &ctrl->controlled, node)
		if (controlled->cntlid == cntlid)
			return controlled;
	return NULL;
}

/* With a reference, or NULL. */
static struct nvme_lm_controlled *find(struct nvme_lm_ctrl *ctrl, u16 cntlid)
{
	struct nvme_lm_controlled *controlled;

	guard(mutex)(&ctrl->functions_lock);
	controlled = find_locked(ctrl, cntlid);
	if (controlled)
		kobject_get(&controlled->kobj);
	return controlled;
}

/* A new one, with the caller's reference; it is in no list and no folder yet. */
static struct nvme_lm_controlled *make(struct nvme_lm_ctrl *ctrl, u16 cntlid)
{
	struct nvme_lm_controlled *controlled = kzalloc(sizeof(*controlled), GFP_KERNEL);

	if (!controlled)
		return NULL;
	kobject_init(&controlled->kobj, &nvme_lm_controlled_ktype);
	INIT_LIST_HEAD(&controlled->node);
	controlled->ctrl = nvme_lm_ctrl_get(ctrl);
	controlled->cntlid = cntlid;
	nvme_lm_stats_init(&controlled->stats);
	return controlled;
}

/* Into the list and the folder, which takes over the reference on success. */
static int enlist(struct nvme_lm_controlled *controlled)
{
	struct nvme_lm_ctrl *ctrl = controlled->ctrl;
	int ret;

	lockdep_assert_held(&ctrl->folder_lock);
	if (!ctrl->folder)
		return -ENODEV;
	if (ctrl->controlled_count == MAX_CONTROLLED)
		return -ENOSPC;
	ret = kobject_add(&controlled->kobj, ctrl->folder, "%u", controlled->cntlid);
	if (ret)
		return ret;
	ctrl->controlled_count++;
	guard(mutex)(&ctrl->functions_lock);
	list_add_tail(&controlled->node, &ctrl->controlled);
	return 0;
}

/* Out of both.  Waits for those who read a file in the folder. */
static void delist(struct nvme_lm_controlled *controlled)
{
	struct nvme_lm_ctrl *ctrl = controlled->ctrl;

	lockdep_assert_held(&ctrl->folder_lock);
	scoped_guard(mutex, &ctrl->functions_lock)
		list_del_init(&controlled->node);
	ctrl->controlled_count--;
	kobject_del(&controlled->kobj);
	kobject_put(&controlled->kobj);
}

/**
 * nvme_lm_controlled_get - what is known of a controller
 * @ctrl: who controls it
 * @cntlid: its CNTLID, of the Secondary Controller List or of a link
 *
 * One that is new in the list is made here.  There may be none: it is for people
 * only, and nothing else must fail for its sake.
 *
 * Return: it, with a reference, or NULL.
 */
struct nvme_lm_controlled *nvme_lm_controlled_get(struct nvme_lm_ctrl *ctrl, u16 cntlid)
{
	struct nvme_lm_controlled *controlled = find(ctrl, cntlid);

	if (controlled)
		return controlled;
	guard(mutex)(&ctrl->folder_lock);
	controlled = find(ctrl, cntlid);
	if (controlled)
		return controlled;
	controlled = make(ctrl, cntlid);
	if (!controlled)
		return NULL;
	controlled->listed = true;
	if (enlist(controlled)) {
		kobject_put(&controlled->kobj);
		return NULL;
	}
	kobject_get(&controlled->kobj);
	return controlled;
}

/**
 * nvme_lm_controlled_start - make the folders of all that are controlled
 * @ctrl: a controlling controller that is attached
 * @folder: where
 *
 * Return: 0 or an errno of the table in linux/nvme-lm.h.
 */
int nvme_lm_controlled_start(struct nvme_lm_ctrl *ctrl, struct kobject *folder)
{
	struct nvme_lm_secondary entry;
	u16 cntlid = 0;
	int ret;

	scoped_guard(mutex, &ctrl->folder_lock)
		ctrl->folder = kobject_create_and_add("functions", folder);
	if (!ctrl->folder)
		return -ENOMEM;
	/* Those that are there already may be read. */
	guard(mutex)(&ctrl->view_lock);
	while (!(ret = nvme_lm_topology_next(&ctrl->own, cntlid, &entry))) {
		nvme_lm_controlled_put(nvme_lm_controlled_get(ctrl, entry.cntlid));
		cntlid = entry.cntlid + 1;
	}
	return ret == -ENXIO ? 0 : ret;
}

static struct nvme_lm_controlled *any(struct nvme_lm_ctrl *ctrl)
{
	guard(mutex)(&ctrl->functions_lock);
	return list_first_entry_or_null(&ctrl->controlled, struct nvme_lm_controlled, node);
}

/**
 * nvme_lm_controlled_stop - remove all folders, and make no more
 * @ctrl: the controlling controller, drained
 */
void nvme_lm_controlled_stop(struct nvme_lm_ctrl *ctrl)
{
	struct nvme_lm_controlled *controlled;

	guard(mutex)(&ctrl->folder_lock);
	while ((controlled = any(ctrl)))
		delist(controlled);
	kobject_put(ctrl->folder);
	ctrl->folder = NULL;
}

/**
 * nvme_lm_controlled_linked - the PCI function that a controller was said to be
 * @controlled: the controller
 *
 * Return: the function, with a reference, or NULL.
 */
struct pci_dev *nvme_lm_controlled_linked(struct nvme_lm_controlled *controlled)
{
	guard(mutex)(&controlled->ctrl->functions_lock);
	return pci_dev_get(controlled->linked);
}

/**
 * nvme_lm_controlled_is_linked - whether a PCI function was named for a controller
 * @ctrl: who controls it
 * @cntlid: its CNTLID
 *
 * Return: so it is.
 */
bool nvme_lm_controlled_is_linked(struct nvme_lm_ctrl *ctrl, u16 cntlid)
{
	struct nvme_lm_controlled *controlled;

	guard(mutex)(&ctrl->functions_lock);
	controlled = find_locked(ctrl, cntlid);
	return controlled && controlled->linked;
}

/**
 * nvme_lm_controlled_find_link - the controller that a PCI function was said to be
 * @ctrl: who controls it
 * @pdev: the PCI function
 * @cntlid: filled in if found
 *
 * Return: 0 or -ENXIO.
 */
int nvme_lm_controlled_find_link(struct nvme_lm_ctrl *ctrl, const struct pci_dev *pdev,
				 u16 *cntlid)
{
	struct nvme_lm_controlled *controlled;

	guard(mutex)(&ctrl->functions_lock);
	list_for_each_entry(controlled, &ctrl->controlled, node) {
		if (controlled->linked == pdev) {
			*cntlid = controlled->cntlid;
			return 0;
		}
	}
	return -ENXIO;
}

/**
 * nvme_lm_controlled_link - a controller is a PCI function
 * @ctrl: who controls it
 * @cntlid: its CNTLID
 * @pdev: the PCI function; the caller has found out that it is true
 * @why: the reason of a failure
 *
 * Return: 0, -EEXIST if another one was named, or another errno.
 */
int nvme_lm_controlled_link(struct nvme_lm_ctrl *ctrl, u16 cntlid, struct pci_dev *pdev,
			    struct nvme_lm_why *why)
{
	struct nvme_lm_controlled *controlled;
	int ret;

	guard(mutex)(&ctrl->folder_lock);
	controlled = find(ctrl, cntlid);
	if (!controlled) {
		controlled = make(ctrl, cntlid);
		ret = controlled ? enlist(controlled) : -ENOMEM;
		if (ret) {
			nvme_lm_say_why(why, "no folder could be made for it (%d)", ret);
			nvme_lm_controlled_put(controlled);
			return ret;
		}
		kobject_get(&controlled->kobj);
	}
	ret = 0;
	scoped_guard(mutex, &ctrl->functions_lock) {
		if (!controlled->linked)
			controlled->linked = pci_dev_get(pdev);
		else if (controlled->linked != pdev)
			ret = -EEXIST;
		if (ret)
			nvme_lm_say_why(why, "CNTLID %u is linked to %s; unlink it first",
					cntlid, pci_name(controlled->linked));
	}
	nvme_lm_controlled_put(controlled);
	return ret;
}

static bool is_in_use(struct nvme_lm_ctrl *ctrl, u16 cntlid)
{
	struct nvme_lm_function *fn;

	lockdep_assert_held(&ctrl->functions_lock);
	list_for_each_entry(fn, &ctrl->functions, node)
		if (fn->by.cntlid == cntlid)
			return true;
	return false;
}

/**
 * nvme_lm_controlled_in_use - whether somebody has a handle
 * @controlled: the controller
 *
 * Return: so it is.
 */
bool nvme_lm_controlled_in_use(struct nvme_lm_controlled *controlled)
{
	guard(mutex)(&controlled->ctrl->functions_lock);
	return is_in_use(controlled->ctrl, controlled->cntlid);
}

/* What is in no list of the device goes with its link. */
static void drop_link(struct nvme_lm_controlled *controlled)
{
	struct pci_dev *linked;

	scoped_guard(mutex, &controlled->ctrl->functions_lock) {
		linked = controlled->linked;
		controlled->linked = NULL;
	}
	pci_dev_put(linked);
	if (!controlled->listed)
		delist(controlled);
}

/**
 * nvme_lm_controlled_unlink - a controller is no known PCI function any more
 * @ctrl: who controls it
 * @cntlid: its CNTLID
 * @why: the reason of a failure
 *
 * Return: 0, -ENOENT if it was not linked, -EBUSY if somebody has its handle.
 */
int nvme_lm_controlled_unlink(struct nvme_lm_ctrl *ctrl, u16 cntlid, struct nvme_lm_why *why)
{
	struct nvme_lm_controlled *controlled;

	guard(mutex)(&ctrl->folder_lock);
	scoped_guard(mutex, &ctrl->functions_lock) {
		controlled = find_locked(ctrl, cntlid);
		if (!controlled || !controlled->linked) {
			nvme_lm_say_why(why, "CNTLID %u is not linked", cntlid);
			return -ENOENT;
		}
		if (is_in_use(ctrl, cntlid)) {
			nvme_lm_say_why(why, "%s is in use; close it first",
					pci_name(controlled->linked));
			return -EBUSY;
		}
	}
	drop_link(controlled);
	return 0;
}

/**
 * nvme_lm_controlled_forget - a PCI function is removed
 * @ctrl: who may control it
 * @pdev: the PCI function
 */
void nvme_lm_controlled_forget(struct nvme_lm_ctrl *ctrl, const struct pci_dev *pdev)
{
	struct nvme_lm_controlled *controlled, *linked = NULL;

	guard(mutex)(&ctrl->folder_lock);
	scoped_guard(mutex, &ctrl->functions_lock)
		list_for_each_entry(controlled, &ctrl->controlled, node)
			if (controlled->linked == pdev)
				linked = controlled;
	if (linked)
		drop_link(linked);
}
