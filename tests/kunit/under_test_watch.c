// SPDX-License-Identifier: GPL-2.0-only
/* Telling resets of the controlling controller, compiled for the suites. */
#include "../../drivers/nvme/lm/watch.c"
