// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which memory the function writes: DMA logging of the VFIO uAPI.
 *
 * Only where the kernel has the bitmaps to report it in.  The device tracks,
 * the controlling side asks it; here is what VFIO wants of it.
 *
 * A function that is reset, as by a guest that reboots, forgets what it wrote:
 * the next report has everything, and those that follow are exact again.  When
 * its controlling side is reset there is no report any more: each gives an error
 * until logging is stopped and started again.
 */
#include <linux/interval_tree.h>
#include <linux/gfp.h>
#include <linux/iova_bitmap.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "device.h"

#if IS_ENABLED(CONFIG_IOMMUFD_DRIVER)

MODULE_INFO(import_ns, "IOMMUFD");

/* The ranges as the controlling side takes them, or ERR_PTR(). */
static struct nvme_lm_range *copy_ranges(struct rb_root_cached *nodes, u32 count)
{
	struct interval_tree_node *node;
	struct nvme_lm_range *ranges;
	u32 i = 0;

	if (!count || count > NVME_LM_TRACK_MAX_RANGES)
		return ERR_PTR(-EINVAL);
	ranges = kvcalloc(count, sizeof(*ranges), GFP_KERNEL_ACCOUNT);
	if (!ranges)
		return ERR_PTR(-ENOMEM);

	for (node = interval_tree_iter_first(nodes, 0, ULONG_MAX); node && i < count;
	     node = interval_tree_iter_next(node, 0, ULONG_MAX)) {
		ranges[i].first = node->start;
		ranges[i].last = node->last;
		i++;
	}
	if (i == count && !node)
		return ranges;

	kvfree(ranges);
	return ERR_PTR(-EINVAL);
}

static int nvme_vfio_log_start(struct vfio_device *vdev, struct rb_root_cached *nodes,
			       u32 count, u64 *page_size)
{
	struct nvme_vfio_device *nvdev = to_nvme_vfio(vdev);
	struct nvme_lm_range *ranges;
	int ret;

	guard(mutex)(&nvdev->state_mutex);
	if (!nvdev->fn)
		return -ENOTTY;
	if (nvdev->logging)
		return -EBUSY;

	ranges = copy_ranges(nodes, count);
	if (IS_ERR(ranges))
		return PTR_ERR(ranges);

	/* a running function has nothing that an earlier reset could spoil */
	if (nvdev->state == VFIO_DEVICE_STATE_RUNNING ||
	    nvdev->state == VFIO_DEVICE_STATE_PRE_COPY)
		nvme_lm_sync(nvdev->fn);
	nvdev->logging_resets = atomic_read(&nvdev->resets);
	ret = nvme_lm_track_start(nvdev->fn, ranges, count, page_size);
	nvdev->logging = !ret;
	kvfree(ranges);
	return ret;
}

static int nvme_vfio_log_stop(struct vfio_device *vdev)
{
	struct nvme_vfio_device *nvdev = to_nvme_vfio(vdev);

	guard(mutex)(&nvdev->state_mutex);
	nvme_vfio_dirty_stop(nvdev);
	return 0;
}

/* Runs of dirty memory in a page. */
#define RUNS_PER_PAGE	((PAGE_SIZE - sizeof(struct list_head)) / sizeof(struct dirty_run) - 1)
/* Most pages of them: 16 MiB. */
#define MAX_PAGES	(SZ_16M / PAGE_SIZE)

struct dirty_run {
	u64 iova;
	u64 len;
};

struct dirty_page {
	struct list_head node;
	u64 count;
	struct dirty_run runs[];
};

/**
 * struct dirty_report - what the device has told of
 * @pages: the runs, as struct dirty_page
 * @count: number of @pages
 * @iova: what was asked for
 * @len: bytes of it
 * @all: there was no memory for the runs: all of it counts as dirty
 */
struct dirty_report {
	struct list_head pages;
	unsigned int count;
	u64 iova;
	u64 len;
	bool all;
};

static struct dirty_page *add_page(struct dirty_report *report)
{
	struct dirty_page *page;

	if (report->count == MAX_PAGES)
		return NULL;
	page = (void *)__get_free_page(GFP_KERNEL_ACCOUNT);
	if (!page)
		return NULL;
	page->count = 0;
	list_add_tail(&page->node, &report->pages);
	report->count++;
	return page;
}

/* The user's bitmap may fault for as long as he likes: only take note here. */
static void note_dirty(void *priv, u64 iova, u64 len)
{
	struct dirty_report *report = priv;
	struct dirty_page *page = NULL;

	if (report->all)
		return;
	if (!list_empty(&report->pages))
		page = list_last_entry(&report->pages, struct dirty_page, node);
	if (!page || page->count == RUNS_PER_PAGE)
		page = add_page(report);
	if (!page) {
		report->all = true;
		return;
	}
	page->runs[page->count++] = (struct dirty_run){ .iova = iova, .len = len };
}

/* Set the bits, and free the report. */
static void set_dirty(struct dirty_report *report, struct iova_bitmap *bitmap)
{
	struct dirty_page *page, *next;
	u64 i;

	if (report->all)
		iova_bitmap_set(bitmap, report->iova, report->len);
	list_for_each_entry_safe(page, next, &report->pages, node) {
		for (i = 0; i < page->count && !report->all; i++)
			iova_bitmap_set(bitmap, page->runs[i].iova, page->runs[i].len);
		free_page((unsigned long)page);
	}
}

/* Take up resets of the function since the last report. */
static int catch_up(struct nvme_vfio_device *nvdev)
{
	int resets = atomic_read(&nvdev->resets);

	if (resets == nvdev->logging_resets)
		return 0;
	nvdev->logging_resets = resets;
	return nvme_lm_track_restart(nvdev->fn);
}

static int read_once(struct nvme_vfio_device *nvdev, struct dirty_report *report)
{
	int ret = catch_up(nvdev);

	if (ret)
		return ret;
	return nvme_lm_track_read(nvdev->fn, report->iova, report->len, note_dirty, report);
}

static int read_report(struct nvme_vfio_device *nvdev, struct dirty_report *report)
{
	int ret;

	guard(mutex)(&nvdev->state_mutex);
	if (!nvdev->logging)
		return -EINVAL;
	ret = read_once(nvdev, report);
	/* a reset came across it: what it took counts as written from now on */
	if (ret && nvdev->logging_resets != atomic_read(&nvdev->resets))
		ret = read_once(nvdev, report);
	return ret;
}

static int nvme_vfio_log_read_and_clear(struct vfio_device *vdev, unsigned long iova,
					unsigned long length, struct iova_bitmap *bitmap)
{
	struct dirty_report report = {
		.pages = LIST_HEAD_INIT(report.pages),
		.iova = iova,
		.len = length,
	};
	int ret;

	ret = read_report(to_nvme_vfio(vdev), &report);
	/* what was told of before an error is clean at the device by now */
	set_dirty(&report, bitmap);
	return ret;
}

static const struct vfio_log_ops nvme_vfio_log_ops = {
	.log_start = nvme_vfio_log_start,
	.log_stop = nvme_vfio_log_stop,
	.log_read_and_clear = nvme_vfio_log_read_and_clear,
};

void nvme_vfio_dirty_offer(struct nvme_vfio_device *nvdev, struct nvme_lm_function *fn)
{
	bool tracks = fn && nvme_lm_caps(fn)->flags & NVME_LM_CAP_TRACK_MEMORY;

	nvdev->core.vdev.log_ops = tracks ? &nvme_vfio_log_ops : NULL;
}

#else /* CONFIG_IOMMUFD_DRIVER */

void nvme_vfio_dirty_offer(struct nvme_vfio_device *nvdev, struct nvme_lm_function *fn)
{
}

#endif /* CONFIG_IOMMUFD_DRIVER */

void nvme_vfio_dirty_stop(struct nvme_vfio_device *nvdev)
{
	lockdep_assert_held(&nvdev->state_mutex);
	/* whatever the device says: nothing is tracked any more */
	if (nvdev->logging)
		nvme_lm_track_stop(nvdev->fn);
	nvdev->logging = false;
}
