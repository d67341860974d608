// SPDX-License-Identifier: GPL-2.0-only
/* What has changed of a state, compiled for the suites. */
#include "../../drivers/vfio/pci/nvme/changes.c"
