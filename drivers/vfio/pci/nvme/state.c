// SPDX-License-Identifier: GPL-2.0-only
/*
 * The migration states of the VFIO uAPI.
 *
 * Two things happen to a function without a state call: it is reset, or its
 * controlling side is.  Both are only counted where they happen.  Each state
 * call first catches up with the counters, and a migration file compares them
 * with what they were when it was made.
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/ktime.h>
#include <linux/pci.h>

#include "arcs.h"
#include "device.h"
#include "message.h"
#include "stream.h"
#include "trace.h"

/* How long in ns a running function is taken to be as it was described. */
#define DESCRIBED_FOR	NSEC_PER_SEC

void nvme_vfio_state_lost(struct nvme_vfio_device *nvdev)
{
	atomic_inc(&nvdev->losses);
	wake_up_all(&nvdev->wait);
}

/* End the migration file, if there is one. */
static void drop_file(struct nvme_vfio_device *nvdev)
{
	struct nvme_vfio_file *file = nvdev->file;

	lockdep_assert_held(&nvdev->state_mutex);
	if (!file)
		return;

	nvdev->file = NULL;
	WRITE_ONCE(file->ended, true);
	file->stop(file);
	wake_up_all(&file->nvdev->wait);
	fput(file->filp);
}

/* Move to a state without an arc, for a reason outside of the state machine. */
static void force_state(struct nvme_vfio_device *nvdev, enum vfio_device_mig_state state,
			int error)
{
	trace_nvme_vfio_state(nvdev->core.pdev, nvdev->state, state, error);
	nvdev->state = state;
}

/*
 * The function was reset, which puts it into RUNNING.  A command that was on
 * its way may have suspended it again after the reset, so make sure.
 */
static void after_reset(struct nvme_vfio_device *nvdev)
{
	int ret = 0;

	drop_file(nvdev);
	nvme_lm_sync(nvdev->fn);
	if (nvme_vfio_is_suspended(nvdev->state) || nvdev->state == VFIO_DEVICE_STATE_ERROR)
		ret = nvme_lm_resume(nvdev->fn);

	switch (ret) {
	case 0:
	case -EPROTO:
		/* not suspended, as it should be */
	case -ENODEV:
	case -ENXIO:
	case -ESTALE:
		/* nobody controls it: then nobody keeps it suspended either */
		force_state(nvdev, VFIO_DEVICE_STATE_RUNNING, 0);
		break;
	default:
		nvme_vfio_err(nvdev,
			      "expected to run after its reset, resuming it gives error %d; reset it again\n",
			      ret);
		force_state(nvdev, VFIO_DEVICE_STATE_ERROR, ret);
	}
}

/* Take up what happened since the last state call. */
static void catch_up(struct nvme_vfio_device *nvdev)
{
	int resets = atomic_read(&nvdev->resets);
	int losses = atomic_read(&nvdev->losses);
	bool reset = resets != nvdev->seen_resets;
	bool lost = losses != nvdev->seen_losses;

	lockdep_assert_held(&nvdev->state_mutex);
	nvdev->seen_resets = resets;
	nvdev->seen_losses = losses;

	if (reset) {
		after_reset(nvdev);
	} else if (lost && nvme_vfio_is_suspended(nvdev->state)) {
		nvme_vfio_err(nvdev,
			      "its suspended state is lost, because the controlling side was reset or the function did not stay suspended; reset it\n");
		drop_file(nvdev);
		force_state(nvdev, VFIO_DEVICE_STATE_ERROR, -ESTALE);
	}
}

/* Nothing was asked of the device, or there is nobody any more who could ask. */
static bool was_not_issued(int error)
{
	return error == -ENOMEM || error == -EINTR || error == -ENODEV;
}

/* A device that refuses a command and its contrary in the same words does neither. */
static bool refuses_both(int error, int other)
{
	return other == error && (error == -EINVAL || error == -ENXIO || error == -ENOSPC);
}

/*
 * A Suspend failed with @error, but the device may have done it, or do it later,
 * whatever it says: leave the function running.  One that a reset of the controlling
 * side came across may have been carried out after the reset.
 */
static void undo_suspend(struct nvme_vfio_device *nvdev, int error)
{
	int ret = 0;

	if (error == -ESTALE)
		ret = nvme_lm_sync(nvdev->fn);
	if (!ret)
		ret = nvme_lm_resume(nvdev->fn);
	if (!ret || ret == -EPROTO || refuses_both(error, ret))
		return;
	/* a reset that took it offline, or ended control, suspends nothing */
	if (error == -ESTALE && (ret == -ENXIO || ret == -ENODEV))
		return;

	nvme_vfio_err(nvdev,
		      "suspending gives error %d, and resuming after it error %d; reset it\n",
		      error, ret);
	force_state(nvdev, VFIO_DEVICE_STATE_ERROR, ret);
}

static int suspend(struct nvme_vfio_device *nvdev)
{
	int ret;

	if (nvdev->file) {
		/* of PRE_COPY: it could not go on in STOP_COPY */
		if (!nvme_vfio_file_current(nvdev->file))
			return -ENODEV;
		nvme_vfio_save_quiet(nvdev->file);
	}
	ret = nvme_lm_sync(nvdev->fn);
	if (ret)
		return ret;
	ret = nvme_vfio_describe_after_reset(nvdev);
	if (ret)
		return ret;
	/* what was lost so far is not the state that it will be suspended with */
	nvdev->seen_losses = atomic_read(&nvdev->losses);

	ret = nvme_lm_suspend(nvdev->fn);
	if (ret == -EALREADY) {
		nvme_vfio_warn(nvdev,
			       "expected to run, found suspended by someone else; going on\n");
		return 0;
	}
	if (ret && !was_not_issued(ret))
		undo_suspend(nvdev, ret);
	return ret;
}

/*
 * A Resume failed with @error, but the device may have done it, or do it later,
 * whatever it says: leave the function suspended, as STOP promises.
 */
static void undo_resume(struct nvme_vfio_device *nvdev, int error)
{
	int ret = nvme_lm_suspend(nvdev->fn);

	if (!ret || ret == -EALREADY || refuses_both(error, ret))
		return;

	nvme_vfio_err(nvdev,
		      "resuming gives error %d, and suspending after it error %d; reset it\n",
		      error, ret);
	force_state(nvdev, VFIO_DEVICE_STATE_ERROR, ret);
}

static int resume(struct nvme_vfio_device *nvdev)
{
	int ret = nvme_lm_resume(nvdev->fn);

	/* what a reset of the controlling side took is not to be had back */
	if (ret && ret != -EPROTO && ret != -ESTALE && !was_not_issued(ret))
		undo_resume(nvdev, ret);
	if (ret != -EPROTO)
		return ret;

	nvme_vfio_err(nvdev,
		      "expected to be suspended, found running: its state cannot be relied on; reset it\n");
	force_state(nvdev, VFIO_DEVICE_STATE_ERROR, -EIO);
	return -EIO;
}

/*
 * A controller takes a state only while it is disabled and suspended.  Disabling
 * ends the suspension, and once it is disabled it is harmless without.
 */
static int prepare_load(struct nvme_vfio_device *nvdev)
{
	int ret = nvme_vfio_disable_controller(nvdev);

	if (!ret)
		return 0;
	if (ret > 0)
		ret = nvme_lm_suspend(nvdev->fn);
	if (!ret || ret == -EALREADY)
		return 0;

	nvme_vfio_err(nvdev,
		      "expected to get a disabled and suspended controller to load a state into, found error %d; reset it\n",
		      ret);
	force_state(nvdev, VFIO_DEVICE_STATE_ERROR, ret);
	return ret;
}

/* What was not noticed by the last state call is noticed by the next. */
static int stay_suspended(struct nvme_vfio_device *nvdev)
{
	return nvdev->seen_resets == atomic_read(&nvdev->resets) &&
	       nvdev->seen_losses == atomic_read(&nvdev->losses) ? 0 : -ESTALE;
}

/* Keep a migration file that was made, or pass its error on. */
static int keep_file(struct nvme_vfio_device *nvdev, struct nvme_vfio_file *file)
{
	if (IS_ERR(file))
		return PTR_ERR(file);
	nvdev->file = file;
	return 0;
}

/* A function that runs has nothing that an earlier reset could spoil. */
static int begin_precopy(struct nvme_vfio_device *nvdev)
{
	int ret = 0;

	if (!nvme_vfio_is_suspended(nvdev->state)) {
		ret = nvme_lm_sync(nvdev->fn);
		if (!ret)
			ret = nvme_vfio_describe_again(nvdev);
	}
	return ret ? ret : keep_file(nvdev, nvme_vfio_save_begin(nvdev, true));
}

static int begin_load(struct nvme_vfio_device *nvdev)
{
	int ret;

	ret = keep_file(nvdev, nvme_vfio_load_begin(nvdev));
	if (ret)
		return ret;
	ret = prepare_load(nvdev);
	if (ret)
		drop_file(nvdev);
	return ret;
}

static int timed(struct nvme_vfio_device *nvdev, enum nvme_vfio_stat stat,
		 int (*action)(struct nvme_vfio_device *nvdev))
{
	u64 start = ktime_get_ns();
	int ret = action(nvdev);

	nvme_vfio_stat_set(&nvdev->stats, stat, ktime_get_ns() - start);
	return ret;
}

static int run_action(struct nvme_vfio_device *nvdev, enum nvme_vfio_action action)
{
	int ret;

	switch (action) {
	case NVME_VFIO_SUSPEND:
		return timed(nvdev, NVME_VFIO_SUSPEND_NS, suspend);
	case NVME_VFIO_RESUME:
		return timed(nvdev, NVME_VFIO_RESUME_NS, resume);
	case NVME_VFIO_STAY_SUSPENDED:
		return stay_suspended(nvdev);
	case NVME_VFIO_PRECOPY_BEGIN:
		return begin_precopy(nvdev);
	case NVME_VFIO_PRECOPY_FINISH:
		return nvme_vfio_save_finish(nvdev->file);
	case NVME_VFIO_SAVE_BEGIN:
		return keep_file(nvdev, nvme_vfio_save_begin(nvdev, false));
	case NVME_VFIO_SAVE_END:
		drop_file(nvdev);
		return 0;
	case NVME_VFIO_LOAD_BEGIN:
		return begin_load(nvdev);
	case NVME_VFIO_LOAD_END:
		ret = nvme_vfio_load_end(nvdev->file);
		drop_file(nvdev);
		return ret;
	default:
		return -EINVAL;
	}
}

/*
 * One arc; the state afterwards is the new one, or what a failure leaves.  Tells
 * whether it made a migration file.
 */
static int run_arc(struct nvme_vfio_device *nvdev, enum vfio_device_mig_state next,
		   bool *opened)
{
	const struct nvme_vfio_arc *arc = nvme_vfio_find_arc(nvdev->state, next);
	int ret;

	if (WARN_ON_ONCE(!arc))
		return -EINVAL;

	ret = run_action(nvdev, arc->action);
	trace_nvme_vfio_state(nvdev->core.pdev, arc->from, arc->to, ret);
	*opened = !ret && nvme_vfio_opens_file(arc->action);
	if (!ret)
		nvdev->state = arc->to;
	else if (nvdev->state == arc->from)
		nvdev->state = arc->failed;
	return ret;
}

static struct file *nvme_vfio_set_state(struct vfio_device *vdev,
					enum vfio_device_mig_state target)
{
	struct nvme_vfio_device *nvdev = to_nvme_vfio(vdev);
	enum vfio_device_mig_state next;
	bool opened = false;
	int ret = 0;

	guard(mutex)(&nvdev->state_mutex);
	if (!nvdev->fn)
		return ERR_PTR(-ENOTTY);

	catch_up(nvdev);
	/* only a reset leads out of it; VFIO warns when asked for another way */
	if (nvdev->state == VFIO_DEVICE_STATE_ERROR)
		return ERR_PTR(-EINVAL);
	if (nvdev->state == target)
		return NULL;
	while (!ret && nvdev->state != target) {
		ret = vfio_mig_get_next_state(vdev, nvdev->state, target, &next);
		if (!ret)
			ret = run_arc(nvdev, next, &opened);
	}
	if (ret)
		return ERR_PTR(ret);
	/* a file that was made on the way is gone; that of PRE_COPY goes on */
	return opened ? get_file(nvdev->file->filp) : NULL;
}

static int nvme_vfio_get_state(struct vfio_device *vdev, enum vfio_device_mig_state *state)
{
	struct nvme_vfio_device *nvdev = to_nvme_vfio(vdev);

	guard(mutex)(&nvdev->state_mutex);
	if (!nvdev->fn)
		return -ENOTTY;

	catch_up(nvdev);
	*state = nvdev->state;
	return 0;
}

/*
 * How much there is to migrate is asked before a migration, so this is a time to
 * find out what may have changed.
 */
static int ask_running(struct nvme_vfio_device *nvdev)
{
	int ret;

	/* a running function has nothing that an earlier reset could spoil */
	ret = nvme_lm_sync(nvdev->fn);
	if (ret || ktime_get_ns() - nvdev->described < DESCRIBED_FOR)
		return ret;
	return nvme_vfio_describe_again(nvdev);
}

static int nvme_vfio_get_data_size(struct vfio_device *vdev, unsigned long *length)
{
	struct nvme_vfio_device *nvdev = to_nvme_vfio(vdev);
	u64 size;
	int ret;

	guard(mutex)(&nvdev->state_mutex);
	if (!nvdev->fn)
		return -ENOTTY;

	catch_up(nvdev);
	if (nvdev->state == VFIO_DEVICE_STATE_PRE_COPY ||
	    nvdev->state == VFIO_DEVICE_STATE_PRE_COPY_P2P) {
		*length = min_t(u64, nvme_vfio_save_left(nvdev->file), ULONG_MAX);
		return 0;
	}
	if (nvdev->state == VFIO_DEVICE_STATE_RUNNING) {
		ret = ask_running(nvdev);
		if (ret)
			return ret;
	}
	ret = nvme_lm_state_size(nvdev->fn, &size);
	if (ret)
		return ret;
	size = nvme_lm_stream_size(nvdev->desc.media_count, size,
				   nvme_vfio_piece_size(nvdev->fn));
	*length = min_t(u64, size, ULONG_MAX);
	return 0;
}

const struct vfio_migration_ops nvme_vfio_migration_ops = {
	.migration_set_state = nvme_vfio_set_state,
	.migration_get_state = nvme_vfio_get_state,
	.migration_get_data_size = nvme_vfio_get_data_size,
};

void nvme_vfio_state_open(struct nvme_vfio_device *nvdev, struct nvme_lm_function *fn,
			  const struct nvme_vfio_description *desc)
{
	guard(mutex)(&nvdev->state_mutex);
	nvdev->fn = fn;
	nvdev->desc = *desc;
	nvdev->described = ktime_get_ns();
	nvdev->state = VFIO_DEVICE_STATE_RUNNING;
	nvdev->seen_resets = atomic_read(&nvdev->resets);
	nvdev->seen_losses = atomic_read(&nvdev->losses);
	if (fn)
		nvme_lm_sync(fn);
}

struct nvme_lm_function *nvme_vfio_state_close(struct nvme_vfio_device *nvdev,
					       bool *suspended)
{
	struct nvme_lm_function *fn;

	guard(mutex)(&nvdev->state_mutex);
	fn = nvdev->fn;
	*suspended = nvme_vfio_is_suspended(nvdev->state) ||
		     nvdev->state == VFIO_DEVICE_STATE_ERROR;
	drop_file(nvdev);
	nvme_vfio_dirty_stop(nvdev);
	nvme_vfio_description_free(&nvdev->desc);
	nvdev->fn = NULL;
	nvdev->state = VFIO_DEVICE_STATE_RUNNING;
	return fn;
}
