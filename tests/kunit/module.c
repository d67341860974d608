// SPDX-License-Identifier: GPL-2.0-only
/*
 * The KUnit suites of nvme-lm and nvme-vfio-pci as one module.  They run when it
 * is loaded; in user mode Linux they are built in and run at boot.
 */
#include <linux/module.h>

MODULE_DESCRIPTION("KUnit suites of nvme-lm and nvme-vfio-pci");
MODULE_LICENSE("GPL");
