// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is controlled by a controller, and which PCI function each one is.
 *
 * Identify CNS 15h, the Secondary Controller List, is read anew each time: it
 * changes with SR-IOV and with Virtualization Management, of which nobody tells
 * us; but see listed.h.  The CNTLID comes from this list only, never from arithmetic.
 */
#include <linux/cleanup.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "lm.h"

/**
 * struct search - a walk over the list
 * @vfn: if not 0, look for this virtual function of the asked controller's own
 *	PCI function
 * @cntlid: if @vfn is 0, look for this controller
 * @all: look for nobody, count
 * @any: look for anybody
 * @into: where all that are looked at go, or NULL
 * @seen: entries so far
 */
struct search {
	u16 vfn;
	u16 cntlid;
	bool all;
	bool any;
	struct nvme_lm_listed *into;
	unsigned int seen;
};

static bool matches(const struct search *search, struct nvme_lm_ctrl *ctrl,
		    const struct nvme_lm_secondary *entry)
{
	if (search->all || search->any)
		return search->any;
	if (!search->vfn)
		return entry->cntlid == search->cntlid;
	/*
	 * VFN counts the virtual functions of the primary controller's PCI
	 * function.  That of another primary controller is not known here, and
	 * VFN 0 is no virtual function: such an entry has no PCI function.
	 */
	return entry->primary == ctrl->cntlid && entry->vfn == search->vfn;
}

/*
 * Look through one page of the list.  @next becomes the CNTLID from which on to
 * read the next one, 0 after the last.
 *
 * Return: 0 if found, -ENXIO if not, -EREMOTEIO for a list that makes no sense,
 * -ENOMEM.
 */
static int look_through(struct search *search, struct nvme_lm_ctrl *ctrl,
			const u8 *page, struct nvme_lm_secondary *found,
			u16 *next)
{
	int count = nvme_lm_secondary_count(page);
	u16 from = *next;
	int i;

	if (count < 0)
		return count;
	for (i = 0; i < count; i++) {
		nvme_lm_decode_secondary(page, i, found);
		/* In ascending order: else the walk might never end. */
		if (found->cntlid < from || found->cntlid == U16_MAX)
			return -EREMOTEIO;
		from = found->cntlid + 1;
		search->seen++;
		if (search->into && nvme_lm_listed_add(search->into, found))
			return -ENOMEM;
		if (matches(search, ctrl, found))
			return 0;
	}
	*next = count == NVME_LM_SECONDARY_PER_LIST ? from : 0;
	return -ENXIO;
}

/* Look through the list, from CNTLID @next on. */
static int walk(struct search *search, struct nvme_lm_issuer *by, u16 next,
		struct nvme_lm_secondary *found)
{
	u8 *page __free(kfree) = kzalloc(NVME_LM_IDENTIFY_SIZE, GFP_KERNEL);
	int ret;

	if (!page)
		return -ENOMEM;
	do {
		ret = nvme_lm_identify(by, NVME_LM_CNS_SECONDARY_LIST, 0, next,
				       page);
		if (ret)
			return ret;
		ret = look_through(search, by->ctrl, page, found, &next);
	} while (ret == -ENXIO && next);
	return ret;
}

/* CNS 13h: is there such a controller in the subsystem? */
static int is_in_subsystem(struct nvme_lm_issuer *by, u16 cntlid, bool *found)
{
	u8 *page __free(kfree) = kzalloc(NVME_LM_IDENTIFY_SIZE, GFP_KERNEL);
	int ret;

	if (!page)
		return -ENOMEM;
	ret = nvme_lm_identify(by, NVME_LM_CNS_CONTROLLERS, 0, cntlid, page);
	return ret ? ret : nvme_lm_list_has_controller(page, cntlid, found);
}

/**
 * nvme_lm_topology_find_other - a controller of the subsystem by its identifier
 * @by: whose controlling controller to ask
 * @cntlid: the identifier
 * @found: filled in
 *
 * For a controller that may be in no Secondary Controller List.  What only the
 * list tells, its resources, is 0 then; and whoever is not in the list cannot be
 * offline.
 *
 * Return: 0, -ENXIO if there is none, or an errno of the table in
 * linux/nvme-lm.h.
 */
int nvme_lm_topology_find_other(struct nvme_lm_issuer *by, u16 cntlid,
				struct nvme_lm_secondary *found)
{
	struct search search = { .cntlid = cntlid };
	bool there = false;
	int ret;

	ret = walk(&search, by, 0, found);
	if (ret != -ENXIO)
		return ret;
	ret = is_in_subsystem(by, cntlid, &there);
	if (ret)
		return ret;
	*found = (struct nvme_lm_secondary) { .cntlid = cntlid, .online = true };
	return there ? 0 : -ENXIO;
}

/**
 * nvme_lm_topology_find_pdev - the controller that is a PCI function
 * @by: whose controlling controller to ask
 * @pdev: the PCI function
 * @found: filled in
 *
 * It is either linked, or a virtual function.
 *
 * Return: 0, -ENXIO if it is not one that is controlled, or an errno of the
 * table in linux/nvme-lm.h.
 */
int nvme_lm_topology_find_pdev(struct nvme_lm_issuer *by, struct pci_dev *pdev,
			       struct nvme_lm_secondary *found)
{
	struct search search = {};
	u16 cntlid;

	if (!nvme_lm_controlled_find_link(by->ctrl, pdev, &cntlid))
		return nvme_lm_topology_find_other(by, cntlid, found);
	if (!pdev->is_virtfn || pci_physfn(pdev) != by->ctrl->stock.pdev)
		return -ENXIO;
	/* VFN is 1-based, the kernel's number of a VF is not. */
	search.vfn = pci_iov_vf_id(pdev) + 1;
	return walk(&search, by, 0, found);
}

/**
 * nvme_lm_topology_find_cntlid - a controller by its identifier
 * @by: whose controlling controller to ask
 * @cntlid: the identifier
 * @found: filled in
 *
 * Return: 0, -ENXIO if it is not one that is controlled, or an errno of the
 * table in linux/nvme-lm.h.
 */
int nvme_lm_topology_find_cntlid(struct nvme_lm_issuer *by, u16 cntlid,
				 struct nvme_lm_secondary *found)
{
	struct search search = { .cntlid = cntlid };

	if (nvme_lm_controlled_is_linked(by->ctrl, cntlid))
		return nvme_lm_topology_find_other(by, cntlid, found);
	return walk(&search, by, 0, found);
}

/**
 * nvme_lm_topology_next - a controller of the list after the other
 * @by: whose controlling controller to ask
 * @from: the lowest CNTLID to look at
 * @found: filled in
 *
 * Return: 0, -ENXIO if there are no more, or an errno of the table in
 * linux/nvme-lm.h.
 */
int nvme_lm_topology_next(struct nvme_lm_issuer *by, u16 from,
			  struct nvme_lm_secondary *found)
{
	struct search search = { .any = true };

	return walk(&search, by, from, found);
}

/**
 * nvme_lm_topology_vf - the PCI function of a controller, if it is a VF
 * @ctrl: who controls it
 * @entry: its entry in the list
 *
 * Return: the function, with a reference, or NULL if there is none now.
 */
struct pci_dev *nvme_lm_topology_vf(const struct nvme_lm_ctrl *ctrl,
				    const struct nvme_lm_secondary *entry)
{
	struct pci_dev *pdev = NULL;

	if (!entry->vfn || entry->primary != ctrl->cntlid)
		return NULL;
	for_each_pci_dev(pdev)
		if (pdev->is_virtfn && pci_physfn(pdev) == ctrl->stock.pdev &&
		    pci_iov_vf_id(pdev) + 1 == entry->vfn)
			return pdev;
	return NULL;
}

/**
 * nvme_lm_topology_list - all that are controlled
 * @by: whose controlling controller to ask
 * @listed: they are added to it
 *
 * Return: 0 or an errno of the table in linux/nvme-lm.h.
 */
int nvme_lm_topology_list(struct nvme_lm_issuer *by, struct nvme_lm_listed *listed)
{
	struct search search = { .all = true, .into = listed };
	struct nvme_lm_secondary entry;
	int ret = walk(&search, by, 0, &entry);

	return ret == -ENXIO ? 0 : ret;
}

/**
 * nvme_lm_topology_count - how many controllers are controlled
 * @by: whose controlling controller to ask
 *
 * Return: how many, or an errno of the table in linux/nvme-lm.h.
 */
int nvme_lm_topology_count(struct nvme_lm_issuer *by)
{
	struct search search = { .all = true };
	struct nvme_lm_secondary entry;
	int ret = walk(&search, by, 0, &entry);

	return ret == -ENXIO ? search.seen : ret;
}
