/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which command set a controller speaks.
 *
 * The standard says it of itself.  A vendor's command set counts only for devices
 * whose PCI IDs are in its table: the vendor specific bytes of any other device
 * mean nothing.  Pure logic.
 */
#ifndef NVME_LM_KINDS_H
#define NVME_LM_KINDS_H

#include <linux/types.h>

#include "why.h"

/**
 * struct nvme_lm_device_id - what a command set may be known by
 * @vendor: PCI vendor ID of the controller and of its virtual functions
 * @vf_device: PCI device ID of its virtual functions, 0 if it has none
 * @identify: its Identify Controller data, 4096 bytes
 */
struct nvme_lm_device_id {
	u16 vendor;
	u16 vf_device;
	const u8 *identify;
};

bool nvme_lm_standard_match(const struct nvme_lm_device_id *id, struct nvme_lm_why *why);
bool nvme_lm_ipu_match(const struct nvme_lm_device_id *id, struct nvme_lm_why *why);
bool nvme_lm_page_match(const struct nvme_lm_device_id *id, struct nvme_lm_why *why);

#endif /* NVME_LM_KINDS_H */
