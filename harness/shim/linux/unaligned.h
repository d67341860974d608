/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef HARNESS_SHIM_LINUX_UNALIGNED_H
#define HARNESS_SHIM_LINUX_UNALIGNED_H

#include <endian.h>
#include <linux/types.h>
#include <string.h>

static inline u64 get_unaligned_le64(const void *p)
{
	u64 value;

	memcpy(&value, p, sizeof(value));
	return le64toh(value);
}

#endif
