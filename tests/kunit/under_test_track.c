// SPDX-License-Identifier: GPL-2.0-only
#include "../../drivers/nvme/lm/ranges.c"
#include "../../drivers/nvme/lm/dirtyset.c"
