// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reaching the admin queue of a controller that the stock nvme driver serves.
 *
 * The stock driver exports no call that gives it.  Two ways lead there, which
 * have nothing in common:
 *
 *  (a) the controller's device of class nvme has the stock driver's object as
 *      its driver data, and the head of that object, mirrored here, has the
 *      queue;
 *  (b) a Get Features through the stock driver's own helper passes its
 *      tracepoint nvme_sq, which shows the request, which knows its queue.
 *
 * Only when both lead to the same queue, and it looks in every respect like an
 * admin queue of that object, is it used.  So a kernel whose object is laid out
 * otherwise is refused rather than guessed at.
 */
#include <linux/blk-mq.h>
#include <linux/cleanup.h>
#include <linux/device.h>
#include <linux/kernfs.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/nvme.h>
#include <linux/pci.h>
#include <linux/spinlock.h>
#include <linux/sysfs.h>
#include <linux/tracepoint.h>
#include <linux/uio.h>

#include <compat/nvme-lm-compat.h>

#include "stock.h"
#include "stock_private.h"

/* A week, in jiffies: no command of ours lives that long. */
#define NO_TIMEOUT	(7U * 24 * 60 * 60 * HZ)

static const struct stock_ctrl_head *head_of(const struct nvme_ctrl *ctrl)
{
	return (const struct stock_ctrl_head *)ctrl;
}

static int is_nvme_class(struct device *dev, void *found)
{
	struct device **child = found;

	if (!dev->class || strcmp(dev->class->name, "nvme"))
		return 0;
	*child = get_device(dev);
	return 1;
}

/* Way (b): what a tracepoint probe saw of the queue of one controller. */
struct sighting {
	const struct nvme_ctrl *ctrl;
	struct request_queue *queue;
	bool contradicted;
};

/* In interrupt context, for each completion of each controller. */
static void __maybe_unused probe_nvme_sq(void *data, struct request *req,
					 __le16 sq_head, int sq_tail)
{
	struct sighting *seen = data;
	struct request_queue *q = req->q, *before;

	/* Queues of namespaces have queuedata, the admin queue has none. */
	if (q->queuedata || q->tag_set->driver_data != seen->ctrl)
		return;
	before = cmpxchg(&seen->queue, NULL, q);
	if (before && before != q)
		WRITE_ONCE(seen->contradicted, true);
}

#ifdef CONFIG_TRACING
static int sight_admin_queue(struct nvme_ctrl *ctrl, struct request_queue **queue,
			     struct nvme_lm_why *why)
{
	struct sighting seen = { .ctrl = ctrl };
	int ret;

	ret = tracepoint_probe_register(&__tracepoint_nvme_sq, probe_nvme_sq,
					&seen);
	if (ret) {
		nvme_lm_say_why(why, "tracing its admin queue failed (%d)", ret);
		return ret;
	}
	/* Any status will do, what counts is that the command went through. */
	ret = nvme_get_features(ctrl, NVME_FEAT_ARBITRATION, 0, NULL, 0, NULL);
	tracepoint_probe_unregister(&__tracepoint_nvme_sq, probe_nvme_sq,
				    &seen);
	/* A probe that runs now still uses our stack. */
	tracepoint_synchronize_unregister();

	if (ret < 0) {
		nvme_lm_say_why(why, "Get Features failed (%d)", ret);
		return ret;
	}
	if (!seen.queue || seen.contradicted) {
		nvme_lm_say_why(why,
				"expected one admin queue in the nvme_sq trace of a Get Features, found %s",
				seen.queue ? "several" : "none");
		return -EOPNOTSUPP;
	}
	*queue = seen.queue;
	return 0;
}
#else
static int sight_admin_queue(struct nvme_ctrl *ctrl, struct request_queue **queue,
			     struct nvme_lm_why *why)
{
	nvme_lm_say_why(why,
			"this kernel has no tracepoints, and without them the admin queue cannot be checked; use a kernel with CONFIG_TRACING");
	return -EOPNOTSUPP;
}
#endif

/* What is wrong with @q as the admin queue of @ctrl, or NULL. */
static const char *queue_fault(const struct request_queue *q,
			       const struct nvme_ctrl *ctrl)
{
	if (q->queuedata)
		return "it belongs to a namespace";
	if (q->disk)
		return "it has a disk";
	if (q->tag_set->driver_data != ctrl)
		return "it belongs to another controller";
	if (q->tag_set->nr_hw_queues != 1)
		return "it has several hardware queues";
	if (q->tag_set->queue_depth != STOCK_ADMIN_TAGS)
		return "it does not have 30 tags";
	return NULL;
}

/* What is wrong with the head of the stock driver's object, or NULL. */
static const char *head_fault(const struct nvme_lm_stock *stock)
{
	const struct stock_ctrl_head *head = head_of(stock->ctrl);
	char name[16];

	if (head->dev != &stock->pdev->dev)
		return "the device in it is not the PCI function";
	snprintf(name, sizeof(name), "nvme%d", head->instance);
	if (strcmp(name, dev_name(stock->child)))
		return "the instance in it does not match its name";
	return NULL;
}

/* With a head that is known: does the controller take commands? */
static int check_state(const struct nvme_lm_stock *stock, struct nvme_lm_why *why)
{
	switch (READ_ONCE(head_of(stock->ctrl)->state)) {
	case STOCK_STATE_LIVE:
		return 0;
	case STOCK_STATE_RESETTING:
	case STOCK_STATE_CONNECTING:
		nvme_lm_say_why(why, "the controller is being reset");
		return -EBUSY;
	default:
		nvme_lm_say_why(why,
				"expected a live controller, found it not set up, or given up by the nvme driver; rebind it to that driver");
		return -ENODEV;
	}
}

static int check_ways(struct nvme_lm_stock *stock, struct nvme_lm_why *why)
{
	struct request_queue *sighted = NULL;
	const char *fault;
	int ret;

	fault = head_fault(stock);
	if (fault) {
		nvme_lm_say_why(why, "unknown layout of the nvme driver's controller: %s", fault);
		return -EOPNOTSUPP;
	}

	ret = check_state(stock, why);
	if (ret)
		return ret;

	ret = sight_admin_queue(stock->ctrl, &sighted, why);
	if (ret)
		return ret;
	if (head_of(stock->ctrl)->admin_q != sighted) {
		nvme_lm_say_why(why,
				"the nvme driver's controller and its trace lead to different admin queues; this kernel's nvme driver is not known");
		return -EOPNOTSUPP;
	}

	fault = queue_fault(sighted, stock->ctrl);
	if (fault) {
		nvme_lm_say_why(why, "this is no admin queue: %s", fault);
		return -EOPNOTSUPP;
	}
	stock->admin_q = sighted;
	return 0;
}

/**
 * nvme_lm_stock_attach - reach the admin queue of a controller
 * @stock: filled in; holds references until nvme_lm_stock_detach()
 * @pdev: its PCI function, which the stock driver stays bound to meanwhile
 * @why: the reason of a failure
 *
 * Return: 0, -ENODEV if there is no controller that works, -EBUSY if it is being
 * reset, -EOPNOTSUPP if this stock driver is not one that we know how to use, or
 * another errno.
 */
int nvme_lm_stock_attach(struct nvme_lm_stock *stock, struct pci_dev *pdev,
			 struct nvme_lm_why *why)
{
	u64 setup_id;
	int ret;

	nvme_lm_say_why(why, "the nvme driver has set up no controller, or is being unloaded");
	*stock = (struct nvme_lm_stock) { .pdev = pdev };

	if (!device_for_each_child(&pdev->dev, &stock->child, is_nvme_class))
		return -ENODEV;
	stock->ctrl = dev_get_drvdata(stock->child);
	if (!stock->ctrl) {
		ret = -ENODEV;
		goto out_child;
	}

	stock->owner = pdev->dev.driver->owner;
	if (!try_module_get(stock->owner)) {
		ret = -ENODEV;
		goto out_child;
	}

	setup_id = nvme_lm_stock_setup_id(stock);
	ret = check_ways(stock, why);
	/* What a reset has disturbed says nothing about this stock driver. */
	if (ret && setup_id != nvme_lm_stock_setup_id(stock)) {
		nvme_lm_say_why(why, "the controller was reset while it was looked at");
		ret = -EBUSY;
	}
	if (ret)
		goto out_module;
	if (!blk_get_queue(stock->admin_q)) {
		ret = -ENODEV;
		goto out_module;
	}
	pci_dev_get(pdev);
	return 0;

out_module:
	module_put(stock->owner);
out_child:
	put_device(stock->child);
	return ret;
}

/**
 * nvme_lm_stock_detach - let go of a controller
 * @stock: what nvme_lm_stock_attach() filled in; no command is under way
 */
void nvme_lm_stock_detach(struct nvme_lm_stock *stock)
{
	blk_put_queue(stock->admin_q);
	put_device(stock->child);
	module_put(stock->owner);
	pci_dev_put(stock->pdev);
}

/**
 * nvme_lm_stock_state - what the stock driver is doing with a controller
 * @stock: the controller
 *
 * Return: the state of the moment.
 */
enum nvme_lm_stock_state nvme_lm_stock_state(const struct nvme_lm_stock *stock)
{
	const struct stock_ctrl_head *head = head_of(stock->ctrl);

	/* A queue that was replaced is not ours to use any more. */
	if (READ_ONCE(head->admin_q) != stock->admin_q)
		return NVME_LM_STOCK_DEAD;

	switch (READ_ONCE(head->state)) {
	case STOCK_STATE_LIVE:
		return NVME_LM_STOCK_LIVE;
	case STOCK_STATE_RESETTING:
	case STOCK_STATE_CONNECTING:
		return NVME_LM_STOCK_RESETTING;
	default:
		return NVME_LM_STOCK_DEAD;
	}
}

/**
 * nvme_lm_stock_setup_id - tells one set-up of a controller from the next
 * @stock: the controller
 *
 * No call and no notifier tells of a controller reset, and one that begins and
 * ends between two commands leaves nothing behind in the state.  But each reset
 * frees the interrupt vectors and allocates new ones, and each vector has an
 * entry in the PCI function's sysfs folder msi_irqs, whose kernfs ID is never
 * given twice.
 *
 * Return: a number that differs after each reset; 0 while there is no vector,
 * as in the middle of a reset.
 */
u64 nvme_lm_stock_setup_id(const struct nvme_lm_stock *stock)
{
	struct kernfs_node *folder, *entry;
	char name[16];
	u64 id = 0;

	folder = sysfs_get_dirent(stock->pdev->dev.kobj.sd, "msi_irqs");
	if (!folder)
		return 0;

	snprintf(name, sizeof(name), "%d", pci_irq_vector(stock->pdev, 0));
	entry = sysfs_get_dirent(folder, name);
	if (entry) {
		id = entry->id;
		sysfs_put(entry);
	}
	sysfs_put(folder);
	return id;
}

/**
 * nvme_lm_stock_max_transfer - the most that one command may transfer
 * @stock: the controller
 *
 * MDTS is in the queue's limit, and so is what the IOMMU maps at once.  A
 * vmalloc buffer may need a segment for each page that it touches, one more than
 * it fills.
 *
 * Return: bytes, a multiple of the page size.
 */
u32 nvme_lm_stock_max_transfer(const struct nvme_lm_stock *stock)
{
	struct request_queue *q = stock->admin_q;
	u64 sectors = queue_max_hw_sectors(q);
	/* UIO_MAXIOV pages is as much as the block layer maps at once. */
	u64 pages = min_t(u64, queue_max_segments(q), UIO_MAXIOV) - 1;

	return round_down(min(sectors << SECTOR_SHIFT, pages << PAGE_SHIFT),
			  PAGE_SIZE);
}

/**
 * nvme_lm_stock_submit - issue an admin command and wait for it
 * @stock: the controller
 * @cmd: the command, complete but for the identifier and the data pointer
 * @buf: kmalloc or vmalloc memory, or NULL
 * @len: bytes of it
 * @result: Dword 0 of the completion, or NULL
 *
 * Return: 0, a positive NVMe status, or a negative errno; -EINTR says that a
 * reset ended the command.
 */
int nvme_lm_stock_submit(const struct nvme_lm_stock *stock,
			 struct nvme_command *cmd, void *buf, unsigned int len,
			 u32 *result)
{
	union nvme_result dword = {};
	int ret;

	ret = __nvme_submit_sync_cmd(stock->admin_q, cmd, &dword, buf, len,
				     NVME_QID_ANY,
				     (__force nvme_submit_flags_t)0);
	if (result)
		*result = le32_to_cpu(dword.u32);
	return ret;
}

/**
 * nvme_lm_stock_queue_get - have the admin queue outlive nvme_lm_stock_detach()
 * @stock: the controller
 *
 * Return: the queue, with a reference, or NULL if it is going away.
 */
struct request_queue *nvme_lm_stock_queue_get(const struct nvme_lm_stock *stock)
{
	return blk_get_queue(stock->admin_q) ? stock->admin_q : NULL;
}

/**
 * nvme_lm_stock_queue_put - give nvme_lm_stock_queue_get() back
 * @q: the queue
 */
void nvme_lm_stock_queue_put(struct request_queue *q)
{
	blk_put_queue(q);
}

/**
 * nvme_lm_stock_submit_slow - issue an admin command for which there is no limit
 * @q: the admin queue
 * @cmd: the command
 * @buf: kmalloc or vmalloc memory that it sends, or NULL
 * @len: bytes of it
 *
 * The stock driver's limit of time is not for it, so it never makes that driver reset
 * the controller.
 *
 * Return: as nvme_lm_stock_submit().
 */
int nvme_lm_stock_submit_slow(struct request_queue *q, struct nvme_command *cmd, void *buf,
			      unsigned int len)
{
	struct request *req;
	int ret;

	req = blk_mq_alloc_request(q, REQ_OP_DRV_OUT, 0);
	if (IS_ERR(req))
		return PTR_ERR(req);
	nvme_init_request(req, cmd);
	req->timeout = NO_TIMEOUT;
	ret = len ? nvme_lm_map_kern(q, req, buf, len) : 0;
	if (!ret)
		ret = nvme_execute_rq(req, false);
	blk_mq_free_request(req);
	return ret;
}

MODULE_INFO(import_ns, "NVME_TARGET_PASSTHRU");
