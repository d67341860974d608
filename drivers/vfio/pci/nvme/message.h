/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages that a user can bring about as often as they like: what a state call
 * or a stream leads to.  All of them share one rate limit, so that no user fills
 * the log of the host.
 */
#ifndef NVME_VFIO_PCI_MESSAGE_H
#define NVME_VFIO_PCI_MESSAGE_H

#include <linux/pci.h>
#include <linux/types.h>

/**
 * nvme_vfio_may_log - is there room for one more message
 *
 * Return: false if there were too many of late; the next one that there is room
 * for is preceded by the number of those left out.
 */
bool nvme_vfio_may_log(void);

/**
 * nvme_vfio_err - pci_err() within the rate limit
 * @pdev: the function
 * @fmt: format, and what it asks for
 */
#define nvme_vfio_err(pdev, fmt, ...)					\
	do {								\
		if (nvme_vfio_may_log())				\
			pci_err(pdev, fmt, ##__VA_ARGS__);		\
	} while (0)

/**
 * nvme_vfio_warn - pci_warn() within the rate limit
 * @pdev: the function
 * @fmt: format, and what it asks for
 */
#define nvme_vfio_warn(pdev, fmt, ...)					\
	do {								\
		if (nvme_vfio_may_log())				\
			pci_warn(pdev, fmt, ##__VA_ARGS__);		\
	} while (0)

#endif /* NVME_VFIO_PCI_MESSAGE_H */
