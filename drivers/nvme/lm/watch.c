// SPDX-License-Identifier: GPL-2.0-only
/*
 * Telling resets; see watch.h.
 */
#include <linux/errno.h>

#include "watch.h"

/**
 * nvme_lm_watch_look - take note of what a controller is like now
 * @watch: what was seen before
 * @state: what the stock driver is doing with it
 * @setup_id: its set-up, looked at after @state; 0 if it has none
 * @news: whether there was a reset that was not noticed before
 *
 * Return: 0 if it can be commanded, -ESTALE in the middle of a reset, -ENODEV if the
 * stock driver gave it up.
 */
int nvme_lm_watch_look(struct nvme_lm_watch *watch, enum nvme_lm_stock_state state,
		       u64 setup_id, bool *news)
{
	/*
	 * Firmware is activated, or a reset begins that has not touched anything yet.
	 * Which one it was is seen after the command: by the set-up.
	 */
	if (state == NVME_LM_STOCK_RESETTING && setup_id && setup_id == watch->setup_id &&
	    !watch->resetting)
		state = NVME_LM_STOCK_LIVE;

	if (state != NVME_LM_STOCK_LIVE || !setup_id) {
		*news = !watch->resetting;
		watch->resetting = true;
		return state == NVME_LM_STOCK_DEAD ? -ENODEV : -ESTALE;
	}
	/*
	 * Whoever took note of a reset while it went on could not command the
	 * controller since, so its end, with another set-up, is no news.
	 */
	*news = setup_id != watch->setup_id && !watch->resetting;
	watch->resetting = false;
	watch->setup_id = setup_id;
	return 0;
}
