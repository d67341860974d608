/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * May the state of one function be loaded into another?
 *
 * Pure logic, as in stream.h.  "Source" is what the stream says, "here" is what
 * the controlling side says of the destination.
 */
#ifndef NVME_VFIO_PCI_COMPARE_H
#define NVME_VFIO_PCI_COMPARE_H

#include <linux/types.h>
#include <uapi/linux/nvme-lm.h>

#include "complaint.h"

/**
 * nvme_lm_compare_identity - is it the same kind of function, of the same
 *	subsystem, with no less resources
 * @source: from the stream
 * @here: of the destination
 * @complaint: on refusal, why
 *
 * CNTLID may differ: functions of one subsystem differ in it by definition.
 *
 * Return: 0 or -EXDEV.
 */
int nvme_lm_compare_identity(const struct nvme_lm_identity *source,
			     const struct nvme_lm_identity *here,
			     struct nvme_lm_complaint *complaint);

/**
 * nvme_lm_compare_format - does the destination take the format of the state
 * @source: from the stream
 * @formats: what the destination takes
 * @count: number of @formats
 * @complaint: on refusal, why
 *
 * Return: index into @formats, or -EOPNOTSUPP.
 */
int nvme_lm_compare_format(const struct nvme_lm_format *source,
			   const struct nvme_lm_format *formats, unsigned int count,
			   struct nvme_lm_complaint *complaint);

/**
 * nvme_lm_compare_media - do both have the same namespaces, provably
 * @source: from the stream, by ascending NSID
 * @nsource: number of @source
 * @here: of the destination, by ascending NSID
 * @nhere: number of @here
 * @complaint: on refusal, why; &nvme_lm_complaint.where is the NSID
 *
 * A namespace without any global identifier cannot be proved to be the same,
 * so it is refused.
 *
 * Return: 0; -ENOMEDIUM if a namespace is missing on one side; -EMEDIUMTYPE if
 * one is not the same, not formatted the same, or not shared.
 */
int nvme_lm_compare_media(const struct nvme_lm_medium *source, unsigned int nsource,
			  const struct nvme_lm_medium *here, unsigned int nhere,
			  struct nvme_lm_complaint *complaint);

#endif /* NVME_VFIO_PCI_COMPARE_H */
