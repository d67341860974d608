// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rate limit of messages; see message.h.
 */
#include <linux/jiffies.h>
#include <linux/ratelimit.h>

#include "message.h"

/* Enough for a test suite of bad streams, too little to fill a disk. */
#define INTERVAL	(10 * HZ)
#define BURST		100

void nvme_vfio_messages_init(struct nvme_vfio_device *nvdev)
{
	ratelimit_state_init(&nvdev->messages, INTERVAL, BURST);
}

bool nvme_vfio_may_log(struct nvme_vfio_device *nvdev)
{
	return __ratelimit(&nvdev->messages);
}
