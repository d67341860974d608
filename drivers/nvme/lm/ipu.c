// SPDX-License-Identifier: GPL-2.0-only
/*
 * The vendor command set IPU; only for devices whose PCI IDs match, see kinds.c.
 *
 * Its commands have neither an offset nor, but for the load, a length: a save
 * moves as many bytes as a query says at that moment (ipudma.c).  So here is what the
 * rest of the driver need not know of: a whole state is saved at once, at the first
 * read; pieces are copied out of it; and pieces that are written are put together,
 * and loaded with the last one.
 *
 * A save disables the function.  For it to go on where it was, it has to be loaded
 * with its own state again.
 */
#include <linux/cleanup.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "image.h"
#include "ipudma.h"
#include "ipuwire.h"
#include "kinds.h"
#include "lm.h"

/**
 * struct ipu - of a handle
 * @lock: guards the rest; held over commands
 * @vf: number of the virtual function, from 1 on
 * @suspended: it was suspended by us, so its state does not change
 * @told: the size that it was said to have since then, 0 if nobody has asked
 * @lost: a save has disabled it and not given its state: it cannot go on
 * @saved: what the suspended function's state was; from the save on the function
 *	cannot go on without it.  Has room from the suspend on
 * @incoming: the pieces of a state that is written
 */
struct ipu {
	struct mutex lock;	/* all of it */
	u16 vf;
	bool suspended;
	bool lost;
	u32 told;
	struct nvme_lm_image saved;
	struct nvme_lm_image incoming;
};

static void image_free(struct nvme_lm_image *image)
{
	kvfree(image->data);
	*image = (struct nvme_lm_image) {};
}

/* Room for @size bytes, empty. */
static int image_alloc(struct nvme_lm_image *image, u32 size)
{
	image_free(image);
	image->data = kvzalloc(size, GFP_KERNEL_ACCOUNT);
	if (!image->data)
		return -ENOMEM;
	image->room = size;
	return 0;
}

static int ipu_prepare(struct nvme_lm_function *fn)
{
	struct ipu *ipu;

	if (!fn->vfn || fn->pdev->vendor != NVME_LM_IPU_VENDOR ||
	    fn->pdev->device != NVME_LM_IPU_VF_DEVICE)
		return -ENXIO;
	ipu = kzalloc(sizeof(*ipu), GFP_KERNEL_ACCOUNT);
	if (!ipu)
		return -ENOMEM;
	mutex_init(&ipu->lock);
	ipu->vf = fn->vfn;
	fn->priv = ipu;
	return 0;
}

static void ipu_release(struct nvme_lm_function *fn)
{
	struct ipu *ipu = fn->priv;

	if (!ipu)
		return;
	image_free(&ipu->saved);
	image_free(&ipu->incoming);
	kfree(ipu);
}

static u32 ipu_flags(const struct nvme_lm_ctrl *ctrl)
{
	return 0;
}

static const char *ipu_lacks(const struct nvme_lm_ctrl *ctrl, u32 flag)
{
	return flag == NVME_LM_CAP_LIVE_READ ?
	       "the vendor command set saves a suspended function only" :
	       flag == NVME_LM_CAP_TRACK_MEMORY ?
	       "the vendor command set has no tracking" :
	       "the vendor command set loads a state with one command";
}

/* There is one, of which nothing is known: who compares identities has to do. */
static int ipu_formats(struct nvme_lm_function *fn, struct nvme_lm_format **formats,
		       unsigned int *count)
{
	*formats = kzalloc(sizeof(**formats), GFP_KERNEL_ACCOUNT);
	if (!*formats)
		return -ENOMEM;
	*count = 1;
	return 0;
}

static int ipu_suspend_notify(struct nvme_lm_function *fn)
{
	return 0;
}

static int suspend(struct nvme_lm_function *fn)
{
	struct ipu *ipu = fn->priv;
	struct nvme_lm_cmd cmd = nvme_lm_ipu_suspend(ipu->vf);
	struct nvme_lm_cmd undo = nvme_lm_ipu_resume(ipu->vf);
	int ret = 0;

	/*
	 * Here it is charged to the user of the function, who is not there any more when
	 * a worker reads the state.
	 */
	if (!ipu->saved.data)
		ret = image_alloc(&ipu->saved, NVME_LM_IPU_MAX_STATE);
	if (!ret)
		ret = nvme_lm_issue_slow(&fn->by, &cmd, NULL, 0, &undo);
	if (ret)
		return ret;
	/* It ran until now: what was saved before is old. */
	nvme_lm_image_drop(&ipu->saved);
	ipu->suspended = true;
	ipu->lost = false;
	ipu->told = 0;
	return 0;
}

static int ipu_suspend(struct nvme_lm_function *fn)
{
	struct ipu *ipu = fn->priv;

	guard(mutex)(&ipu->lock);
	return suspend(fn);
}

static int load(struct nvme_lm_function *fn, struct nvme_lm_image *image)
{
	struct ipu *ipu = fn->priv;
	struct nvme_lm_cmd cmd = nvme_lm_ipu_load(ipu->vf, image->size);

	return nvme_lm_ipu_give(&fn->by, &cmd, image->data, image->size);
}

static int ipu_resume(struct nvme_lm_function *fn)
{
	struct ipu *ipu = fn->priv;
	struct nvme_lm_cmd cmd = nvme_lm_ipu_resume(ipu->vf);
	int ret = 0;

	guard(mutex)(&ipu->lock);
	/* What would go on is not what was there, unless it was reset and runs. */
	if (ipu->lost)
		ret = suspend(fn);
	if (ret)
		return ret == -EALREADY ? -EREMOTEIO : ret;
	if (ipu->saved.whole)
		ret = load(fn, &ipu->saved);
	/* Not suspended: it was reset, and its old state is of no use. */
	if (ret && ret != -EPROTO)
		return ret;
	image_free(&ipu->saved);
	ipu->suspended = false;
	return nvme_lm_issue(&fn->by, &cmd, NULL, 0, NULL);
}

/*
 * A suspended function's state does not change: not from the query that its user was
 * told the size by to the one right before the save.
 */
static int same_as_told(struct nvme_lm_function *fn, u32 size)
{
	struct ipu *ipu = fn->priv;

	if (!ipu->suspended)
		return 0;
	if (ipu->told && ipu->told != size) {
		dev_warn_ratelimited(&fn->pdev->dev,
				     "nvme-lm: expected a state of %u bytes, as the device has said while suspended, found %u; update the firmware\n",
				     ipu->told, size);
		return -EREMOTEIO;
	}
	ipu->told = size;
	return 0;
}

/* How large the state is, if it can be moved. */
static int query(struct nvme_lm_function *fn, u32 *size)
{
	struct ipu *ipu = fn->priv;
	struct nvme_lm_cmd cmd = nvme_lm_ipu_query(ipu->vf);
	int ret;

	ret = nvme_lm_issue(&fn->by, &cmd, NULL, 0, size);
	if (ret)
		return ret;
	ret = nvme_lm_ipu_check_size(*size);
	if (ret)
		dev_warn_ratelimited(&fn->pdev->dev,
				     "nvme-lm: expected a state of 4 to %u bytes in dwords, found %u; update the firmware\n",
				     NVME_LM_IPU_MAX_STATE, *size);
	return ret ? ret : same_as_told(fn, *size);
}

static int ipu_state_size(struct nvme_lm_function *fn, u64 *size)
{
	struct ipu *ipu = fn->priv;
	u32 now;
	int ret;

	guard(mutex)(&ipu->lock);
	if (ipu->saved.whole) {
		*size = ipu->saved.size;
		return 0;
	}
	if (ipu->lost)
		return -EREMOTEIO;
	ret = query(fn, &now);
	*size = now;
	return ret;
}

static int save(struct nvme_lm_function *fn)
{
	struct ipu *ipu = fn->priv;
	struct nvme_lm_cmd cmd = nvme_lm_ipu_save(ipu->vf);
	u32 size;
	int ret;

	if (ipu->lost)
		return -EREMOTEIO;
	ret = query(fn, &size);
	/* no Suspend of ours came before */
	if (!ret && !ipu->saved.data)
		ret = image_alloc(&ipu->saved, NVME_LM_IPU_MAX_STATE);
	if (!ret)
		ret = nvme_lm_ipu_fetch(&fn->by, &cmd, ipu->saved.data, size);
	if (ret == -E2BIG) {
		dev_warn_ratelimited(&fn->pdev->dev,
				     "nvme-lm: expected %u bytes of state, as the device has said, found that it moved more; its state is lost, reset it, and update the firmware\n",
				     size);
		ipu->lost = true;
		ret = -EREMOTEIO;
	}
	if (ret)
		return ret;
	ipu->saved.size = size;
	ipu->saved.whole = true;
	return 0;
}

static int ipu_read_state(struct nvme_lm_function *fn, const struct nvme_lm_format *format,
			  u64 offset, void *buf, u32 len, bool *suspended)
{
	struct ipu *ipu = fn->priv;
	int ret;

	guard(mutex)(&ipu->lock);
	if (!ipu->saved.whole) {
		ret = save(fn);
		if (ret)
			return ret;
	}
	nvme_lm_image_copy(&ipu->saved, offset, buf, len);
	*suspended = true;
	return 0;
}

static int ipu_write_state(struct nvme_lm_function *fn, const struct nvme_lm_format *format,
			   u64 offset, void *buf, u32 len, enum nvme_lm_sequence seq)
{
	struct ipu *ipu = fn->priv;
	int ret = 0;

	guard(mutex)(&ipu->lock);
	if (!ipu->incoming.data)
		ret = image_alloc(&ipu->incoming, fn->caps.max_state_size);
	if (!ret)
		ret = nvme_lm_image_add(&ipu->incoming, offset, buf, len, seq);
	if (ret || !ipu->incoming.whole)
		return ret;
	ret = load(fn, &ipu->incoming);
	image_free(&ipu->incoming);
	/* It is another function's state that counts now. */
	if (!ret) {
		nvme_lm_image_drop(&ipu->saved);
		ipu->lost = false;
		ipu->told = 0;
	}
	return ret;
}

const struct nvme_lm_ops nvme_lm_ipu_ops = {
	.command_set = NVME_LM_CS_IPU,
	.name = "ipu",
	.max_state_size = NVME_LM_IPU_MAX_STATE,
	.match = nvme_lm_ipu_match,
	.flags = ipu_flags,
	.lacks = ipu_lacks,
	.prepare = ipu_prepare,
	.release = ipu_release,
	.formats = ipu_formats,
	.suspend_notify = ipu_suspend_notify,
	.suspend = ipu_suspend,
	.resume = ipu_resume,
	.state_size = ipu_state_size,
	.read_state = ipu_read_state,
	.write_state = ipu_write_state,
};
