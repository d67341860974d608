/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A controlled function that is no virtual function: which one it is.
 */
#ifndef NVME_LM_LINK_H
#define NVME_LM_LINK_H

#include <linux/types.h>

struct nvme_lm_ctrl;
struct nvme_lm_why;

/**
 * struct nvme_lm_link_words - what an administrator has written
 * @cntlid: CNTLID of the controller
 * @domain: PCI domain; behind an Intel VMD it has more than 16 bits
 * @bus: PCI bus
 * @device: PCI device
 * @function: PCI function
 */
struct nvme_lm_link_words {
	u16 cntlid;
	u32 domain;
	u8 bus;
	u8 device;
	u8 function;
};

int nvme_lm_link_parse(const char *text, struct nvme_lm_link_words *words);
int nvme_lm_link(struct nvme_lm_ctrl *ctrl, const struct nvme_lm_link_words *words,
		 struct nvme_lm_why *why);

#endif /* NVME_LM_LINK_H */
