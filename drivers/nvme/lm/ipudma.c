// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory for the transfers of the vendor command set IPU.
 *
 * A save has no length: the device moves as many bytes as it thinks at that moment,
 * which need not be what it has said before.  By that number, too, it takes PRP2 for
 * a page of data or for a list of pages.  A buffer of what it has said would be
 * overrun, and one of another size be taken for a list where it is data.
 *
 * So there is always room for the largest state, and PRP2 is a page that is good as
 * both.  It has the list of the other pages; and where the device puts data into it,
 * it is the second page of the data.  The list goes on with a page that nobody wants,
 * and then with itself: so however much the device moves, it is to memory that is
 * here for it.  What it moved beyond what it has said is noticed afterwards.
 *
 * The memory is mapped here and not by the stock driver, which would not move more
 * than 128 KiB at a time where the PF is in a translated IOMMU domain.
 */
#include <linux/dma-mapping.h>
#include <linux/minmax.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "ipudma.h"
#include "ipuwire.h"
#include "lm.h"

/**
 * struct ipu_memory - what a transfer goes from or to
 * @dev: whose DMA it is
 * @page: the pages, in the order of enum nvme_lm_ipu_page; zeroed
 * @addr: their addresses for the device
 */
struct ipu_memory {
	struct device *dev;
	u8 *page[NVME_LM_IPU_PAGES];
	dma_addr_t addr[NVME_LM_IPU_PAGES];
};

static void memory_free(struct ipu_memory *memory)
{
	unsigned int i;

	for (i = 0; i < NVME_LM_IPU_PAGES; i++)
		if (memory->page[i])
			dma_free_coherent(memory->dev, NVME_LM_IPU_PAGE_SIZE, memory->page[i],
					  memory->addr[i]);
	kfree(memory);
}

/* One page at a time: so much in one piece is hard to get. */
static struct ipu_memory *memory_alloc(struct device *dev)
{
	struct ipu_memory *memory = kzalloc(sizeof(*memory), GFP_KERNEL_ACCOUNT);
	unsigned int i;

	if (!memory)
		return NULL;
	memory->dev = dev;
	for (i = 0; i < NVME_LM_IPU_PAGES; i++) {
		memory->page[i] = dma_alloc_coherent(dev, NVME_LM_IPU_PAGE_SIZE,
						     &memory->addr[i], GFP_KERNEL_ACCOUNT);
		if (!memory->page[i]) {
			memory_free(memory);
			return NULL;
		}
	}
	return memory;
}

static __le64 prp_entry(const struct ipu_memory *memory, unsigned int i)
{
	return cpu_to_le64(memory->addr[nvme_lm_ipu_listed(i)]);
}

static void fill_list(struct ipu_memory *memory)
{
	__le64 *list = (__le64 *)memory->page[NVME_LM_IPU_LIST];
	unsigned int i;

	for (i = 0; i < NVME_LM_IPU_LIST_LEN; i++)
		list[i] = prp_entry(memory, i);
}

/* Is the page as it was before the command, from byte @from on? */
static bool is_untouched(const struct ipu_memory *memory, unsigned int page, u32 from)
{
	const __le64 *list = (const __le64 *)memory->page[NVME_LM_IPU_LIST];
	unsigned int i;

	if (page != NVME_LM_IPU_LIST)
		return from == NVME_LM_IPU_PAGE_SIZE ||
		       !memchr_inv(memory->page[page] + from, 0, NVME_LM_IPU_PAGE_SIZE - from);
	for (i = DIV_ROUND_UP(from, sizeof(*list)); i < NVME_LM_IPU_LIST_LEN; i++)
		if (list[i] != prp_entry(memory, i))
			return false;
	return true;
}

/* Copy @size bytes that were moved; false if there were more. */
static bool take(const struct ipu_memory *memory, u8 *data, u32 size)
{
	u32 used[NVME_LM_IPU_PAGES] = {};
	unsigned int i, page;
	u32 at;

	for (at = 0; at < size; at += NVME_LM_IPU_PAGE_SIZE) {
		page = nvme_lm_ipu_data_page(size, at);
		used[page] = min_t(u32, size - at, NVME_LM_IPU_PAGE_SIZE);
		memcpy(data + at, memory->page[page], used[page]);
	}
	for (i = 0; i < NVME_LM_IPU_PAGES; i++)
		if (!is_untouched(memory, i, used[i]))
			return false;
	return true;
}

/* Put @size bytes where the device looks for them. */
static void put(struct ipu_memory *memory, const u8 *data, u32 size)
{
	u32 at;

	for (at = 0; at < size; at += NVME_LM_IPU_PAGE_SIZE)
		memcpy(memory->page[nvme_lm_ipu_data_page(size, at)], data + at,
		       min_t(u32, size - at, NVME_LM_IPU_PAGE_SIZE));
}

/* Either into @in or out of @out. */
static int transfer(struct nvme_lm_issuer *by, const struct nvme_lm_cmd *cmd, u8 *in,
		    const u8 *out, u32 size)
{
	struct ipu_memory *memory = memory_alloc(&by->ctrl->stock.pdev->dev);
	int ret;

	if (!memory)
		return -ENOMEM;
	fill_list(memory);
	if (out)
		put(memory, out, size);
	ret = nvme_lm_issue_entered(by, cmd, memory->addr[0], memory->addr[NVME_LM_IPU_LIST],
				    size);
	if (!ret && in && !take(memory, in, size))
		ret = -E2BIG;
	memory_free(memory);
	return ret;
}

/* The PF, whose DMA it is, stays as long as the slot is held. */
static int transfer_in_turn(struct nvme_lm_issuer *by, const struct nvme_lm_cmd *cmd, u8 *in,
			    const u8 *out, u32 size)
{
	int ret = nvme_lm_enter(by);

	if (ret)
		return ret;
	ret = transfer(by, cmd, in, out, size);
	nvme_lm_slot_put(by->ctrl);
	return ret;
}

/**
 * nvme_lm_ipu_fetch - issue a save
 * @by: on whose behalf
 * @cmd: the command
 * @data: filled in
 * @size: how many bytes the device has said it will move
 *
 * Return: 0, -E2BIG if it has moved more, or an errno of the table in
 * linux/nvme-lm.h.
 */
int nvme_lm_ipu_fetch(struct nvme_lm_issuer *by, const struct nvme_lm_cmd *cmd, u8 *data,
		      u32 size)
{
	return transfer_in_turn(by, cmd, data, NULL, size);
}

/**
 * nvme_lm_ipu_give - issue a load
 * @by: on whose behalf
 * @cmd: the command, which tells of @size
 * @data: the state
 * @size: bytes of it
 *
 * Return: 0 or an errno of the table in linux/nvme-lm.h.
 */
int nvme_lm_ipu_give(struct nvme_lm_issuer *by, const struct nvme_lm_cmd *cmd, const u8 *data,
		     u32 size)
{
	return transfer_in_turn(by, cmd, NULL, data, size);
}
