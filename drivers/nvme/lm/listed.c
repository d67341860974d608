// SPDX-License-Identifier: GPL-2.0-only
/*
 * A Secondary Controller List that is kept for a while; see listed.h.
 */
#include <linux/capability.h>
#include <linux/jiffies.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/user_namespace.h>

#include "listed.h"
#include "lm.h"

/* How long a list is good, in milliseconds. */
#define LISTED_FOR	1000

/**
 * nvme_lm_listed_add - the list has an entry more
 * @listed: the list
 * @entry: the entry
 *
 * Return: 0 or -ENOMEM.
 */
int nvme_lm_listed_add(struct nvme_lm_listed *listed, const struct nvme_lm_secondary *entry)
{
	unsigned int room = max(listed->room * 2, 16U);
	struct nvme_lm_secondary *entries;

	if (listed->count == listed->room) {
		entries = kvcalloc(room, sizeof(*entries), GFP_KERNEL);
		if (!entries)
			return -ENOMEM;
		if (listed->count)
			memcpy(entries, listed->entries, listed->count * sizeof(*entries));
		kvfree(listed->entries);
		listed->entries = entries;
		listed->room = room;
	}
	listed->entries[listed->count++] = *entry;
	return 0;
}

/* Read it anew, unless that was done just now.  An error is kept likewise. */
static int refresh(struct nvme_lm_ctrl *ctrl)
{
	struct nvme_lm_listed *listed = &ctrl->listed;
	int ret;

	if (listed->until && listed->generation == ctrl->own.generation &&
	    time_before64(get_jiffies_64(), listed->until))
		return listed->error;

	listed->count = 0;
	ret = nvme_lm_topology_list(&ctrl->own, listed);
	/* the reader was killed, which is nothing to others */
	if (ret == -EINTR)
		return ret;
	listed->error = ret;
	listed->generation = ctrl->own.generation;
	listed->until = get_jiffies_64() + msecs_to_jiffies(LISTED_FOR);
	return ret;
}

/* What the list says; who is linked need not be in it, see nvme_lm_topology_find_other(). */
static int find_kept(struct nvme_lm_ctrl *ctrl, u16 cntlid, struct nvme_lm_secondary *found)
{
	unsigned int i;
	int ret = refresh(ctrl);

	if (ret)
		return ret;
	for (i = 0; i < ctrl->listed.count; i++) {
		*found = ctrl->listed.entries[i];
		if (found->cntlid == cntlid)
			return 0;
	}
	*found = (struct nvme_lm_secondary) { .cntlid = cntlid, .online = true };
	return nvme_lm_controlled_is_linked(ctrl, cntlid) ? 0 : -ENXIO;
}

/**
 * nvme_lm_listed_find - a controller by its identifier, for somebody who reads sysfs
 * @ctrl: who controls it; its view_lock is held, after nvme_lm_view()
 * @cntlid: the identifier
 * @found: filled in
 *
 * Return: 0, -ENXIO if it is not one that is controlled, or an errno of the table in
 * linux/nvme-lm.h.
 */
int nvme_lm_listed_find(struct nvme_lm_ctrl *ctrl, u16 cntlid, struct nvme_lm_secondary *found)
{
	lockdep_assert_held(&ctrl->view_lock);
	if (ns_capable_noaudit(&init_user_ns, CAP_SYS_ADMIN))
		return nvme_lm_topology_find_cntlid(&ctrl->own, cntlid, found);
	return find_kept(ctrl, cntlid, found);
}
