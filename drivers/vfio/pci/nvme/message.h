/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages that a user can bring about as often as they like: what a state call
 * or a stream leads to.  All of one function share a rate limit, so that its user
 * does not fill the log of the host; and no other function's messages are lost.
 */
#ifndef NVME_VFIO_PCI_MESSAGE_H
#define NVME_VFIO_PCI_MESSAGE_H

#include <linux/pci.h>
#include <linux/types.h>

#include "device.h"

/**
 * nvme_vfio_messages_init - nothing was said of a function yet
 * @nvdev: the function
 */
void nvme_vfio_messages_init(struct nvme_vfio_device *nvdev);

/**
 * nvme_vfio_may_log - is there room for one more message
 * @nvdev: the function that it is about
 *
 * Return: false if there were too many of late; the next one that there is room
 * for is preceded by the number of those left out.
 */
bool nvme_vfio_may_log(struct nvme_vfio_device *nvdev);

/**
 * nvme_vfio_err - pci_err() within the rate limit
 * @nvdev: the function
 * @fmt: format, and what it asks for
 */
#define nvme_vfio_err(nvdev, fmt, ...)					\
	do {								\
		struct nvme_vfio_device *whose = (nvdev);		\
									\
		if (nvme_vfio_may_log(whose))				\
			pci_err(whose->core.pdev, fmt, ##__VA_ARGS__);	\
	} while (0)

/**
 * nvme_vfio_warn - pci_warn() within the rate limit
 * @nvdev: the function
 * @fmt: format, and what it asks for
 */
#define nvme_vfio_warn(nvdev, fmt, ...)					\
	do {								\
		struct nvme_vfio_device *whose = (nvdev);		\
									\
		if (nvme_vfio_may_log(whose))				\
			pci_warn(whose->core.pdev, fmt, ##__VA_ARGS__);	\
	} while (0)

#endif /* NVME_VFIO_PCI_MESSAGE_H */
