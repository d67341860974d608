// SPDX-License-Identifier: GPL-2.0-only
/* The sharing of the admin slots, compiled for the suites. */
#include "../../drivers/nvme/lm/slots.c"
