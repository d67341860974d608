/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef HARNESS_SHIM_LINUX_KERNEL_H
#define HARNESS_SHIM_LINUX_KERNEL_H

#include <assert.h>
#include <endian.h>
#include <linux/types.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define min_t(type, a, b) ((type)(a) < (type)(b) ? (type)(a) : (type)(b))

#define cpu_to_le16 htole16
#define cpu_to_le32 htole32
#define cpu_to_le64 htole64
#define le16_to_cpu le16toh
#define le32_to_cpu le32toh
#define le64_to_cpu le64toh

#endif
