/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whether a controller was reset, by what is seen of it now and then.
 *
 * The stock driver has one word for two things: RESETTING, and CONNECTING after it, is
 * a reset, but also the activation of firmware without one, during which the controller
 * pauses and then goes on as it was.  A reset frees the interrupt vectors, and the
 * other does not; see nvme_lm_stock_setup_id().
 *
 * Pure logic: the caller serializes all calls, and says what it has seen in the order
 * in which it was seen.
 */
#ifndef NVME_LM_WATCH_H
#define NVME_LM_WATCH_H

#include <linux/types.h>

#include "stock.h"

/**
 * struct nvme_lm_watch - what was seen of a controller
 * @setup_id: what nvme_lm_stock_setup_id() said last while it was live
 * @resetting: a reset was noticed while it goes on
 */
struct nvme_lm_watch {
	u64 setup_id;
	bool resetting;
};

int nvme_lm_watch_look(struct nvme_lm_watch *watch, enum nvme_lm_stock_state state,
		       u64 setup_id, bool *news);

#endif /* NVME_LM_WATCH_H */
