/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef HARNESS_SHIM_LINUX_STRING_H
#define HARNESS_SHIM_LINUX_STRING_H

#include <string.h>

#endif
