// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rate limit of messages; see message.h.
 */
#include <linux/jiffies.h>
#include <linux/ratelimit.h>

#include "message.h"

/* Enough for a test suite of bad streams, too little to fill a disk. */
static DEFINE_RATELIMIT_STATE(messages, 10 * HZ, 100);

bool nvme_vfio_may_log(void)
{
	return __ratelimit(&messages);
}
