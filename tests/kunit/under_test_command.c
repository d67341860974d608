// SPDX-License-Identifier: GPL-2.0-only
/* The encoding of the migration commands, compiled for the suites. */
#include "../../drivers/nvme/lm/command.c"
