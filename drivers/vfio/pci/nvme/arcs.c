// SPDX-License-Identifier: GPL-2.0-only
/*
 * The arcs of the migration state machine: see arcs.h.
 */
#include <linux/kernel.h>
#include <linux/stddef.h>

#include "arcs.h"

/*
 * A step that fails leaves the function where it was, so that a source can run
 * again.  Only a load that fails does not: the state of the function is then
 * neither the old nor the new one.
 */
static const struct nvme_vfio_arc arcs[] = {
	{
		.from = VFIO_DEVICE_STATE_RUNNING,
		.to = VFIO_DEVICE_STATE_RUNNING_P2P,
		.failed = VFIO_DEVICE_STATE_RUNNING,
		.action = NVME_VFIO_SUSPEND,
	}, {
		.from = VFIO_DEVICE_STATE_RUNNING_P2P,
		.to = VFIO_DEVICE_STATE_RUNNING,
		.failed = VFIO_DEVICE_STATE_RUNNING_P2P,
		.action = NVME_VFIO_RESUME,
	}, {
		.from = VFIO_DEVICE_STATE_RUNNING_P2P,
		.to = VFIO_DEVICE_STATE_STOP,
		.failed = VFIO_DEVICE_STATE_RUNNING_P2P,
		.action = NVME_VFIO_STAY_SUSPENDED,
	}, {
		.from = VFIO_DEVICE_STATE_STOP,
		.to = VFIO_DEVICE_STATE_RUNNING_P2P,
		.failed = VFIO_DEVICE_STATE_STOP,
		.action = NVME_VFIO_STAY_SUSPENDED,
	}, {
		.from = VFIO_DEVICE_STATE_STOP,
		.to = VFIO_DEVICE_STATE_STOP_COPY,
		.failed = VFIO_DEVICE_STATE_STOP,
		.action = NVME_VFIO_SAVE_BEGIN,
	}, {
		.from = VFIO_DEVICE_STATE_STOP_COPY,
		.to = VFIO_DEVICE_STATE_STOP,
		.failed = VFIO_DEVICE_STATE_STOP_COPY,
		.action = NVME_VFIO_SAVE_END,
	}, {
		.from = VFIO_DEVICE_STATE_RUNNING,
		.to = VFIO_DEVICE_STATE_PRE_COPY,
		.failed = VFIO_DEVICE_STATE_RUNNING,
		.action = NVME_VFIO_PRECOPY_BEGIN,
	}, {
		.from = VFIO_DEVICE_STATE_PRE_COPY,
		.to = VFIO_DEVICE_STATE_RUNNING,
		.failed = VFIO_DEVICE_STATE_PRE_COPY,
		.action = NVME_VFIO_SAVE_END,
	}, {
		.from = VFIO_DEVICE_STATE_PRE_COPY,
		.to = VFIO_DEVICE_STATE_PRE_COPY_P2P,
		.failed = VFIO_DEVICE_STATE_PRE_COPY,
		.action = NVME_VFIO_SUSPEND,
	}, {
		.from = VFIO_DEVICE_STATE_PRE_COPY_P2P,
		.to = VFIO_DEVICE_STATE_PRE_COPY,
		.failed = VFIO_DEVICE_STATE_PRE_COPY_P2P,
		.action = NVME_VFIO_RESUME,
	}, {
		.from = VFIO_DEVICE_STATE_RUNNING_P2P,
		.to = VFIO_DEVICE_STATE_PRE_COPY_P2P,
		.failed = VFIO_DEVICE_STATE_RUNNING_P2P,
		.action = NVME_VFIO_PRECOPY_BEGIN,
	}, {
		.from = VFIO_DEVICE_STATE_PRE_COPY_P2P,
		.to = VFIO_DEVICE_STATE_RUNNING_P2P,
		.failed = VFIO_DEVICE_STATE_PRE_COPY_P2P,
		.action = NVME_VFIO_SAVE_END,
	}, {
		.from = VFIO_DEVICE_STATE_PRE_COPY_P2P,
		.to = VFIO_DEVICE_STATE_STOP_COPY,
		.failed = VFIO_DEVICE_STATE_PRE_COPY_P2P,
		.action = NVME_VFIO_PRECOPY_FINISH,
	}, {
		.from = VFIO_DEVICE_STATE_STOP,
		.to = VFIO_DEVICE_STATE_RESUMING,
		.failed = VFIO_DEVICE_STATE_STOP,
		.action = NVME_VFIO_LOAD_BEGIN,
	}, {
		.from = VFIO_DEVICE_STATE_RESUMING,
		.to = VFIO_DEVICE_STATE_STOP,
		.failed = VFIO_DEVICE_STATE_ERROR,
		.action = NVME_VFIO_LOAD_END,
	},
};

const struct nvme_vfio_arc *nvme_vfio_find_arc(enum vfio_device_mig_state from,
					       enum vfio_device_mig_state to)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(arcs); i++)
		if (arcs[i].from == from && arcs[i].to == to)
			return &arcs[i];
	return NULL;
}
