/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why something was refused, in a form that the pure files can fill in and
 * their caller can print.
 */
#ifndef NVME_VFIO_PCI_COMPLAINT_H
#define NVME_VFIO_PCI_COMPLAINT_H

#include <linux/types.h>

/**
 * struct nvme_lm_complaint - what was expected and what was found
 * @what: the thing, and if needed what to do, as a constant string; NULL when
 *	there is nothing to complain about
 * @where: which of several: a record's sequence number, or an NSID
 * @expected: the value that would have been right
 * @found: the value there was
 */
struct nvme_lm_complaint {
	const char *what;
	u32 where;
	u64 expected;
	u64 found;
};

#endif /* NVME_VFIO_PCI_COMPLAINT_H */
