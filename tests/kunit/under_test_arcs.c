// SPDX-License-Identifier: GPL-2.0-only
/* The arcs of the migration state machine, compiled for the suites. */
#include "../../drivers/vfio/pci/nvme/arcs.c"
