// SPDX-License-Identifier: GPL-2.0-only
/* The stream codec, compiled for the suites: the driver exports none of it. */
#include "../../drivers/vfio/pci/nvme/stream.c"
