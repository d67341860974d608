// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handles of controlled functions: the contract of linux/nvme-lm.h.
 */
#include <linux/cleanup.h>
#include <linux/export.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include <compat/nvme-lm-compat.h>

#include "lm.h"
#include "pf.h"
#include "track.h"

static void function_release(struct kref *ref)
{
	struct nvme_lm_function *fn = container_of(ref, struct nvme_lm_function,
						   ref);

	nvme_lm_track_release(fn);
	if (fn->by.ctrl->ops->release)
		fn->by.ctrl->ops->release(fn);
	nvme_lm_controlled_put(fn->controlled);
	kfree(fn->formats);
	pci_dev_put(fn->pdev);
	nvme_lm_ctrl_put(fn->by.ctrl);
	kfree(fn);
}

/**
 * nvme_lm_function_unref - give a reference to a handle back
 * @fn: the handle
 */
void nvme_lm_function_unref(struct nvme_lm_function *fn)
{
	kref_put(&fn->ref, function_release);
}

static struct nvme_lm_function *function_alloc(struct nvme_lm_ctrl *ctrl,
					       struct pci_dev *pdev,
					       struct nvme_lm_client *client)
{
	struct nvme_lm_function *fn = kzalloc(sizeof(*fn), GFP_KERNEL_ACCOUNT);

	if (!fn)
		return NULL;
	kref_init(&fn->ref);
	INIT_LIST_HEAD(&fn->node);
	mutex_init(&fn->event_lock);
	mutex_init(&fn->track_lock);
	mutex_init(&fn->formats_lock);
	fn->client = client;
	fn->pdev = pci_dev_get(pdev);
	nvme_lm_issuer_init(&fn->by, nvme_lm_ctrl_get(ctrl), 0);
	return fn;
}

/**
 * nvme_lm_fill_caps - what can be done with the functions of a controller
 * @ctrl: the controlling controller
 * @cntlid: the CNTLID of the function
 * @caps: filled in
 */
void nvme_lm_fill_caps(const struct nvme_lm_ctrl *ctrl, u16 cntlid,
		       struct nvme_lm_caps *caps)
{
	const struct nvme_lm_track_limits *limits = &ctrl->track_limits;

	*caps = (struct nvme_lm_caps) {
		.command_set = ctrl->ops->command_set,
		.cntlid = cntlid,
		.flags = ctrl->ops->flags(ctrl),
		.max_transfer = ctrl->max_transfer,
		.max_state_size = ctrl->ops->max_state_size,
	};
	if (caps->flags & NVME_LM_CAP_TRACK_MEMORY) {
		caps->min_track_page = 1ULL << limits->min_shift;
		caps->max_track_page = 1ULL << limits->max_shift;
	}
}

/* Find out all about the function that the handle is for. */
static int function_learn(struct nvme_lm_function *fn)
{
	struct nvme_lm_ctrl *ctrl = fn->by.ctrl;
	struct nvme_lm_secondary secondary;
	int ret;

	ret = nvme_lm_topology_find_pdev(&fn->by, fn->pdev, &secondary);
	if (ret)
		return ret;

	fn->by.cntlid = secondary.cntlid;
	fn->vfn = secondary.vfn;
	fn->controlled = nvme_lm_controlled_get(ctrl, secondary.cntlid);
	fn->by.stats = fn->controlled ? &fn->controlled->stats : NULL;
	nvme_lm_fill_caps(ctrl, secondary.cntlid, &fn->caps);
	nvme_lm_ops_hiding(fn->pdev, &fn->caps.hidden);
	return ctrl->ops->prepare(fn);
}

/* Let events find the handle, unless somebody else has one. */
static int function_enlist(struct nvme_lm_function *fn)
{
	struct nvme_lm_ctrl *ctrl = fn->by.ctrl;
	struct nvme_lm_function *other;

	guard(mutex)(&ctrl->functions_lock);
	if (ctrl->closing)
		return -ENODEV;
	list_for_each_entry(other, &ctrl->functions, node)
		if (other->by.cntlid == fn->by.cntlid)
			return -EBUSY;
	list_add_tail(&fn->node, &ctrl->functions);
	return 0;
}

/* A handle made by @ctrl; ERR_PTR(-ENXIO) if it does not control @pdev. */
static struct nvme_lm_function *function_make(struct nvme_lm_ctrl *ctrl,
					      struct pci_dev *pdev,
					      struct nvme_lm_client *client)
{
	struct nvme_lm_function *fn = function_alloc(ctrl, pdev, client);
	int ret;

	if (!fn)
		return ERR_PTR(-ENOMEM);
	/*
	 * A handle starts with no reset to be told of, so one that comes now
	 * only has to be survived: the commands give -ESTALE.
	 */
	nvme_lm_reset_check(ctrl);
	WRITE_ONCE(fn->by.generation, READ_ONCE(ctrl->generation));
	fn->renewed = fn->by.generation;
	ret = function_learn(fn);
	if (!ret)
		ret = function_enlist(fn);
	if (ret) {
		nvme_lm_function_unref(fn);
		return ERR_PTR(ret);
	}
	return fn;
}

struct nvme_lm_function *nvme_lm_get(struct pci_dev *pdev,
				     struct nvme_lm_client *client)
{
	struct nvme_lm_ctrl *ctrl = nvme_lm_pf_controlling(pdev);
	struct nvme_lm_function *fn;

	if (!ctrl)
		return ERR_PTR(-ENODEV);
	fn = function_make(ctrl, pdev, client);
	nvme_lm_ctrl_put(ctrl);
	return PTR_ERR_OR_ZERO(fn) == -ENXIO ? ERR_PTR(-ENODEV) : fn;
}
EXPORT_SYMBOL_NVME_LM(nvme_lm_get);

void nvme_lm_put(struct nvme_lm_function *fn)
{
	/* Before anybody else can have a handle of it, and track it. */
	nvme_lm_track_let_go(fn);
	scoped_guard(mutex, &fn->by.ctrl->functions_lock)
		list_del_init(&fn->node);
	/* Waits for an event that is being delivered. */
	scoped_guard(mutex, &fn->event_lock)
		fn->client = NULL;
	nvme_lm_function_unref(fn);
}
EXPORT_SYMBOL_NVME_LM(nvme_lm_put);

bool nvme_lm_hidden(struct pci_dev *pdev, struct nvme_lm_hidden *hidden)
{
	return nvme_lm_ops_hiding(pdev, hidden);
}
EXPORT_SYMBOL_NVME_LM(nvme_lm_hidden);

const struct nvme_lm_caps *nvme_lm_caps(struct nvme_lm_function *fn)
{
	return &fn->caps;
}
EXPORT_SYMBOL_NVME_LM(nvme_lm_caps);

/* After a reset the controller may run other firmware. */
static int function_renew(struct nvme_lm_function *fn)
{
	u32 generation = nvme_lm_generation(fn);
	int ret = 0;

	if (READ_ONCE(fn->renewed) == generation)
		return 0;
	if (fn->by.ctrl->ops->renew)
		ret = fn->by.ctrl->ops->renew(fn);
	if (!ret)
		WRITE_ONCE(fn->renewed, generation);
	return ret;
}

int nvme_lm_sync(struct nvme_lm_function *fn)
{
	struct nvme_lm_ctrl *ctrl = fn->by.ctrl;
	struct nvme_lm_secondary secondary;
	int ret;

	/*
	 * Looks for resets too.  The first look finds those that came before
	 * this call; one that the second finds comes after it.
	 */
	ret = nvme_lm_topology_find_cntlid(&fn->by, fn->by.cntlid, &secondary);
	if (ret == -ESTALE) {
		/* Waits for an event of theirs; none is delivered any more. */
		scoped_guard(mutex, &fn->event_lock)
			WRITE_ONCE(fn->by.generation, READ_ONCE(ctrl->generation));
		ret = nvme_lm_topology_find_cntlid(&fn->by, fn->by.cntlid,
						   &secondary);
	}
	if (!ret)
		ret = function_renew(fn);
	if (ret)
		return ret;
	return secondary.online ? 0 : -ENXIO;
}
EXPORT_SYMBOL_NVME_LM(nvme_lm_sync);

u32 nvme_lm_generation(struct nvme_lm_function *fn)
{
	return READ_ONCE(fn->by.generation);
}
EXPORT_SYMBOL_NVME_LM(nvme_lm_generation);

int nvme_lm_identity(struct nvme_lm_function *fn, struct nvme_lm_identity *id)
{
	return nvme_lm_read_identity(fn, id);
}
EXPORT_SYMBOL_NVME_LM(nvme_lm_identity);

int nvme_lm_media(struct nvme_lm_function *fn, struct nvme_lm_medium **media,
		  unsigned int *count)
{
	return nvme_lm_read_media(fn, media, count);
}
EXPORT_SYMBOL_NVME_LM(nvme_lm_media);

int nvme_lm_formats(struct nvme_lm_function *fn, struct nvme_lm_format **formats,
		    unsigned int *count)
{
	return fn->by.ctrl->ops->formats(fn, formats, count);
}
EXPORT_SYMBOL_NVME_LM(nvme_lm_formats);

int nvme_lm_suspend_notify(struct nvme_lm_function *fn)
{
	return fn->by.ctrl->ops->suspend_notify(fn);
}
EXPORT_SYMBOL_NVME_LM(nvme_lm_suspend_notify);

int nvme_lm_suspend(struct nvme_lm_function *fn)
{
	return fn->by.ctrl->ops->suspend(fn);
}
EXPORT_SYMBOL_NVME_LM(nvme_lm_suspend);

int nvme_lm_resume(struct nvme_lm_function *fn)
{
	return fn->by.ctrl->ops->resume(fn);
}
EXPORT_SYMBOL_NVME_LM(nvme_lm_resume);

int nvme_lm_state_size(struct nvme_lm_function *fn, u64 *size)
{
	return fn->by.ctrl->ops->state_size(fn, size);
}
EXPORT_SYMBOL_NVME_LM(nvme_lm_state_size);

/* Whether a command may ask for this piece of state. */
static bool piece_fits(const struct nvme_lm_function *fn, u64 offset,
		       const void *buf, u32 len)
{
	return buf && len && len % 4 == 0 && offset % 4 == 0 &&
	       len <= fn->caps.max_transfer &&
	       offset <= fn->caps.max_state_size &&
	       len <= fn->caps.max_state_size - offset;
}

int nvme_lm_read_state(struct nvme_lm_function *fn,
		       const struct nvme_lm_format *format, u64 offset,
		       void *buf, u32 len, bool *suspended)
{
	if (!piece_fits(fn, offset, buf, len))
		return -EINVAL;
	return fn->by.ctrl->ops->read_state(fn, format, offset, buf, len,
					    suspended);
}
EXPORT_SYMBOL_NVME_LM(nvme_lm_read_state);

int nvme_lm_write_state(struct nvme_lm_function *fn,
			const struct nvme_lm_format *format, u64 offset,
			void *buf, u32 len, enum nvme_lm_sequence seq)
{
	if (!piece_fits(fn, offset, buf, len) || seq > NVME_LM_SEQ_ENTIRE)
		return -EINVAL;
	return fn->by.ctrl->ops->write_state(fn, format, offset, buf, len, seq);
}
EXPORT_SYMBOL_NVME_LM(nvme_lm_write_state);

int nvme_lm_state_length(struct nvme_lm_function *fn, const void *head, u32 len,
			 u64 *length)
{
	const struct nvme_lm_ops *ops = fn->by.ctrl->ops;

	return ops->state_length ? ops->state_length(head, len, length) : -EOPNOTSUPP;
}
EXPORT_SYMBOL_NVME_LM(nvme_lm_state_length);

int nvme_lm_track_start(struct nvme_lm_function *fn,
			const struct nvme_lm_range *ranges, unsigned int count,
			u64 *page_size)
{
	if (!(fn->caps.flags & NVME_LM_CAP_TRACK_MEMORY))
		return -EOPNOTSUPP;
	return fn->by.ctrl->ops->track_start(fn, ranges, count, page_size);
}
EXPORT_SYMBOL_NVME_LM(nvme_lm_track_start);

int nvme_lm_track_restart(struct nvme_lm_function *fn)
{
	if (!(fn->caps.flags & NVME_LM_CAP_TRACK_MEMORY))
		return -EINVAL;
	return fn->by.ctrl->ops->track_restart(fn);
}
EXPORT_SYMBOL_NVME_LM(nvme_lm_track_restart);

int nvme_lm_track_stop(struct nvme_lm_function *fn)
{
	if (!(fn->caps.flags & NVME_LM_CAP_TRACK_MEMORY))
		return 0;
	return fn->by.ctrl->ops->track_stop(fn);
}
EXPORT_SYMBOL_NVME_LM(nvme_lm_track_stop);

int nvme_lm_track_read(struct nvme_lm_function *fn, u64 iova, u64 len,
		       nvme_lm_dirty_fn dirty, void *priv)
{
	if (!len || iova + len - 1 < iova ||
	    !(fn->caps.flags & NVME_LM_CAP_TRACK_MEMORY))
		return -EINVAL;
	return fn->by.ctrl->ops->track_read(fn, iova, len, dirty, priv);
}
EXPORT_SYMBOL_NVME_LM(nvme_lm_track_read);

int nvme_lm_submit(struct nvme_lm_function *fn, struct nvme_command *cmd,
		   void *buf, unsigned int len, u32 *result)
{
	return nvme_lm_issue_raw(&fn->by, cmd, buf, len, result);
}
EXPORT_SYMBOL_NVME_LM(nvme_lm_submit);
