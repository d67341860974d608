// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which command set a controller speaks; see kinds.h.
 */
#include <linux/kernel.h>

#include "ipuwire.h"
#include "kinds.h"
#include "pageregs.h"
#include "wire.h"

/**
 * nvme_lm_standard_match - is it the command set of NVM Express?
 * @id: the controller
 * @why: if not, the reason
 *
 * Return: so it is.
 */
bool nvme_lm_standard_match(const struct nvme_lm_device_id *id, struct nvme_lm_why *why)
{
	struct nvme_lm_controller_id controller;

	nvme_lm_decode_controller(id->identify, &controller);
	if (controller.migrates)
		return true;
	nvme_lm_say_why(why,
			"it cannot migrate other controllers: bit 11 of OACS in its Identify data is 0");
	why->ordinary = true;
	return false;
}

/**
 * nvme_lm_ipu_match - is it the vendor command set IPU?
 * @id: the controller
 * @why: if not although its PCI IDs are those, the reason
 *
 * Return: so it is.
 */
bool nvme_lm_ipu_match(const struct nvme_lm_device_id *id, struct nvme_lm_why *why)
{
	u8 supported = id->identify[NVME_LM_IPU_IDC_SUPPORTED];

	if (id->vendor != NVME_LM_IPU_VENDOR || id->vf_device != NVME_LM_IPU_VF_DEVICE)
		return false;
	if (supported == 1)
		return true;
	nvme_lm_say_why(why,
			"expected 1 in byte %u of its Identify data, found %u: its firmware cannot migrate",
			NVME_LM_IPU_IDC_SUPPORTED, supported);
	return false;
}

/**
 * nvme_lm_page_match - do its functions have a control page?
 * @id: the controller
 * @why: unused: whether the page is there is seen in each function
 *
 * Return: so they have.
 */
bool nvme_lm_page_match(const struct nvme_lm_device_id *id, struct nvme_lm_why *why)
{
	return id->vendor == NVME_LM_PAGE_VENDOR && id->vf_device == NVME_LM_PAGE_VF_DEVICE;
}
