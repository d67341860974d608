// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is controlled by a controller, and which PCI function each one is.
 *
 * Identify CNS 15h, the Secondary Controller List, is read anew each time: it
 * changes with SR-IOV and with Virtualization Management, of which nobody tells
 * us.  The CNTLID comes from this list only, never from arithmetic.
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
 * @seen: entries so far
 */
struct search {
	u16 vfn;
	u16 cntlid;
	bool all;
	unsigned int seen;
};

static bool matches(const struct search *search, struct nvme_lm_ctrl *ctrl,
		    const struct nvme_lm_secondary *entry)
{
	if (search->all)
		return false;
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
 * Return: 0 if found, -ENXIO if not, -EREMOTEIO for a list that makes no sense.
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
		if (matches(search, ctrl, found))
			return 0;
	}
	*next = count == NVME_LM_SECONDARY_PER_LIST ? from : 0;
	return -ENXIO;
}

static int walk(struct search *search, struct nvme_lm_issuer *by,
		struct nvme_lm_secondary *found)
{
	u8 *page __free(kfree) = kzalloc(NVME_LM_IDENTIFY_SIZE, GFP_KERNEL);
	u16 next = 0;
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

/**
 * nvme_lm_topology_find_pdev - the controller that is a PCI function
 * @by: whose controlling controller to ask
 * @pdev: the PCI function
 * @found: filled in
 *
 * Return: 0, -ENXIO if it is not one that is controlled, or an errno of the
 * table in linux/nvme-lm.h.
 */
int nvme_lm_topology_find_pdev(struct nvme_lm_issuer *by, struct pci_dev *pdev,
			       struct nvme_lm_secondary *found)
{
	struct search search = {};

	if (!pdev->is_virtfn || pci_physfn(pdev) != by->ctrl->stock.pdev)
		return -ENXIO;
	/* VFN is 1-based, the kernel's number of a VF is not. */
	search.vfn = pci_iov_vf_id(pdev) + 1;
	return walk(&search, by, found);
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

	return walk(&search, by, found);
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
	int ret = walk(&search, by, &entry);

	return ret == -ENXIO ? search.seen : ret;
}
