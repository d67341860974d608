// SPDX-License-Identifier: GPL-2.0-only
/* The comparison of source and destination, compiled for the suites. */
#include "../../drivers/vfio/pci/nvme/compare.c"
