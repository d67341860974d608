/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is shown in sysfs; Documentation/ABI/testing/sysfs-bus-pci-nvme-lm tells of
 * each file.
 *
 *   sysfs_pf.c		nvme_lm/ of the PF
 *   sysfs_controlled.c	nvme_lm/functions/CNTLID/
 */
#ifndef NVME_LM_SYSFS_H
#define NVME_LM_SYSFS_H

#include <linux/container_of.h>
#include <linux/kobject.h>

#include "controlled.h"

static inline struct nvme_lm_controlled *to_controlled(struct kobject *kobj)
{
	return container_of(kobj, struct nvme_lm_controlled, kobj);
}

/* sysfs_pf.c */
extern const struct kobj_type nvme_lm_pf_ktype;

/* sysfs_controlled.c */
extern const struct kobj_type nvme_lm_controlled_ktype;

/* pf.c and controlled.c, for these types */
void nvme_lm_pf_release(struct kobject *kobj);
void nvme_lm_controlled_release(struct kobject *kobj);

#endif /* NVME_LM_SYSFS_H */
