// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the guest of a function can recognise it by: the identity of its
 * subsystem, and its media.
 *
 * All of it is asked of the controlling controller; the function is never
 * asked, since its commands belong to the guest.
 */
#include <linux/cleanup.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "lm.h"

/* The highest NSID; a list cannot be asked for from there on. */
#define NSID_LAST	0xfffffffe

static void identity_of_pdev(const struct pci_dev *pdev,
			     struct nvme_lm_identity *id)
{
	id->vid = cpu_to_le16(pdev->vendor);
	id->did = cpu_to_le16(pdev->device);
	id->ssvid = cpu_to_le16(pdev->subsystem_vendor);
	id->ssid = cpu_to_le16(pdev->subsystem_device);
	id->class_code = cpu_to_le32(pdev->class);
}

/**
 * nvme_lm_read_identity - see nvme_lm_identity()
 * @fn: the handle
 * @id: filled in
 *
 * Return: 0 or an errno of the table in linux/nvme-lm.h.
 */
int nvme_lm_read_identity(struct nvme_lm_function *fn,
			  struct nvme_lm_identity *id)
{
	u8 *page __free(kfree) = kzalloc(NVME_LM_IDENTIFY_SIZE, GFP_KERNEL);
	struct nvme_lm_secondary secondary;
	int ret;

	if (!page)
		return -ENOMEM;
	ret = nvme_lm_topology_find_cntlid(&fn->by, fn->by.cntlid, &secondary);
	if (ret)
		return ret;
	ret = nvme_lm_identify(&fn->by, NVME_LM_CNS_CONTROLLER, 0, 0, page);
	if (ret)
		return ret;

	memset(id, 0, sizeof(*id));
	identity_of_pdev(fn->pdev, id);
	id->cntlid = cpu_to_le16(secondary.cntlid);
	id->nvq = cpu_to_le16(secondary.nvq);
	id->nvi = cpu_to_le16(secondary.nvi);
	nvme_lm_decode_subsystem(page, id);
	return 0;
}

/**
 * struct media - namespaces found so far
 * @fn: whose
 * @page: for Identify
 * @list: by ascending NSID
 * @count: how many
 * @room: how many fit into @list
 */
struct media {
	struct nvme_lm_function *fn;
	u8 *page;
	struct nvme_lm_medium *list;
	unsigned int count;
	unsigned int room;
};

/* CNS 12h, from the function's CNTLID on: is it attached to the namespace? */
static int is_attached(struct media *media, u32 nsid, bool *attached)
{
	u16 cntlid = media->fn->by.cntlid;
	int ret;

	ret = nvme_lm_identify(&media->fn->by, NVME_LM_CNS_NS_CONTROLLERS, nsid,
			       cntlid, media->page);
	if (ret)
		return ret;
	return nvme_lm_list_has_controller(media->page, cntlid, attached);
}

/*
 * CNS 11h, which takes namespaces that are attached to others only, and CNS
 * 03h, which a controller may answer for its own namespaces only: for others
 * there is no UUID, and NGUID and EUI64 must do.
 */
static int read_medium(struct media *media, u32 nsid,
		       struct nvme_lm_medium *medium)
{
	struct nvme_lm_issuer *by = &media->fn->by;
	int ret;

	memset(medium, 0, sizeof(*medium));
	medium->nsid = cpu_to_le32(nsid);

	ret = nvme_lm_identify(by, NVME_LM_CNS_ALLOCATED_NS, nsid, 0,
			       media->page);
	if (!ret)
		ret = nvme_lm_decode_namespace(media->page, medium);
	if (ret)
		return ret;

	ret = nvme_lm_identify(by, NVME_LM_CNS_NS_DESCRIPTORS, nsid, 0,
			       media->page);
	if (ret == -EINVAL)
		return 0;
	if (!ret)
		nvme_lm_decode_descriptors(media->page, medium);
	return ret;
}

static int make_room(struct media *media)
{
	unsigned int room = max(media->room * 2, 8U);
	struct nvme_lm_medium *list;

	if (media->count < media->room)
		return 0;
	if (media->count == NVME_LM_STREAM_MAX_MEDIA)
		return -EINVAL;
	list = kvcalloc(room, sizeof(*list), GFP_KERNEL_ACCOUNT);
	if (!list)
		return -ENOMEM;
	if (media->count)
		memcpy(list, media->list, media->count * sizeof(*list));
	kvfree(media->list);
	media->list = list;
	media->room = room;
	return 0;
}

static int add_if_attached(struct media *media, u32 nsid)
{
	bool attached;
	int ret;

	ret = is_attached(media, nsid, &attached);
	if (ret || !attached)
		return ret;
	ret = make_room(media);
	if (ret)
		return ret;
	ret = read_medium(media, nsid, &media->list[media->count]);
	if (!ret)
		media->count++;
	return ret;
}

/*
 * CNS 10h: the allocated namespaces above *@last.  *@last becomes the last one
 * of a full list, 0 when there are no more.
 */
static int walk_nsids(struct media *media, const u8 *nsids, u32 *last)
{
	u32 nsid, before = *last;
	unsigned int i;
	int ret;

	for (i = 0; i < NVME_LM_NSIDS_PER_LIST; i++) {
		nsid = nvme_lm_decode_nsid(nsids, i);
		if (!nsid)
			break;
		/* In ascending order: else the walk might never end. */
		if (nsid <= before)
			return -EREMOTEIO;
		before = nsid;
		/* Only the device says how many there are. */
		if (fatal_signal_pending(current))
			return -EINTR;
		ret = add_if_attached(media, nsid);
		if (ret)
			return ret;
	}
	*last = i == NVME_LM_NSIDS_PER_LIST ? before : 0;
	return 0;
}

static int find_media(struct media *media)
{
	u8 *nsids __free(kfree) = kzalloc(NVME_LM_IDENTIFY_SIZE, GFP_KERNEL);
	u32 last = 0;
	int ret;

	if (!nsids)
		return -ENOMEM;
	do {
		ret = nvme_lm_identify(&media->fn->by,
				       NVME_LM_CNS_ALLOCATED_NSIDS, last, 0,
				       nsids);
		if (!ret)
			ret = walk_nsids(media, nsids, &last);
	} while (!ret && last && last < NSID_LAST);
	return ret;
}

/**
 * nvme_lm_read_media - see nvme_lm_media()
 * @fn: the handle
 * @list: on success an array to be given to kvfree(), or NULL
 * @count: on success its length
 *
 * Return: 0 or an errno of the table in linux/nvme-lm.h.
 */
int nvme_lm_read_media(struct nvme_lm_function *fn, struct nvme_lm_medium **list,
		       unsigned int *count)
{
	u8 *page __free(kfree) = kzalloc(NVME_LM_IDENTIFY_SIZE, GFP_KERNEL);
	struct media media = { .fn = fn, .page = page };
	int ret;

	if (!page)
		return -ENOMEM;
	ret = find_media(&media);
	if (ret) {
		kvfree(media.list);
		return ret;
	}
	*list = media.list;
	*count = media.count;
	return 0;
}
