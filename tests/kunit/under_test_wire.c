// SPDX-License-Identifier: GPL-2.0-only
/* The decoding of what the device returns, compiled for the suites. */
#include "../../drivers/nvme/lm/wire.c"
