// SPDX-License-Identifier: GPL-2.0-only
/* The choice of a command set, and the vendors' ones, compiled for the suites. */
#include "../../drivers/nvme/lm/kinds.c"
#include "../../drivers/nvme/lm/ipuwire.c"
#include "../../drivers/nvme/lm/pageregs.c"
#include "../../drivers/nvme/lm/image.c"
#include "../../drivers/nvme/lm/linkwords.c"
#include "../../drivers/nvme/lm/words.c"
