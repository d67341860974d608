/* SPDX-License-Identifier: GPL-2.0-only */
/* SipHash-2-4 with 64 bits, as its authors describe it. */
#ifndef HARNESS_SHIM_LINUX_SIPHASH_H
#define HARNESS_SHIM_LINUX_SIPHASH_H

#include <linux/types.h>
#include <linux/unaligned.h>

typedef struct {
	u64 key[2];
} siphash_key_t;

static inline u64 siphash_rotate(u64 value, int bits)
{
	return value << bits | value >> (64 - bits);
}

static inline void siphash_rounds(u64 v[4], int rounds)
{
	while (rounds--) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = siphash_rotate(v[1], 13) ^ v[0];
		v[3] = siphash_rotate(v[3], 16) ^ v[2];
		v[0] = siphash_rotate(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = siphash_rotate(v[1], 17) ^ v[2];
		v[3] = siphash_rotate(v[3], 21) ^ v[0];
		v[2] = siphash_rotate(v[2], 32);
	}
}

static inline u64 siphash(const void *data, size_t len, const siphash_key_t *key)
{
	u64 v[4] = {
		key->key[0] ^ 0x736f6d6570736575, key->key[1] ^ 0x646f72616e646f6d,
		key->key[0] ^ 0x6c7967656e657261, key->key[1] ^ 0x7465646279746573,
	};
	u64 last = (u64)len << 56;
	const u8 *byte = data;
	int i;

	for (; len >= 8; len -= 8, byte += 8) {
		u64 word = get_unaligned_le64(byte);

		v[3] ^= word;
		siphash_rounds(v, 2);
		v[0] ^= word;
	}
	for (i = 0; len; len--, i += 8)
		last |= (u64)*byte++ << i;
	v[3] ^= last;
	siphash_rounds(v, 2);
	v[0] ^= last;
	v[2] ^= 0xff;
	siphash_rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

#endif
