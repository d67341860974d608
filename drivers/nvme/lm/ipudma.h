/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory for the transfers of the vendor command set IPU.
 */
#ifndef NVME_LM_IPUDMA_H
#define NVME_LM_IPUDMA_H

#include <linux/types.h>

struct nvme_lm_cmd;
struct nvme_lm_issuer;

int nvme_lm_ipu_fetch(struct nvme_lm_issuer *by, const struct nvme_lm_cmd *cmd, u8 *data,
		      u32 size);
int nvme_lm_ipu_give(struct nvme_lm_issuer *by, const struct nvme_lm_cmd *cmd, const u8 *data,
		     u32 size);

#endif /* NVME_LM_IPUDMA_H */
