// SPDX-License-Identifier: GPL-2.0-only
#include "../../drivers/nvme/lm/trackwire.c"
