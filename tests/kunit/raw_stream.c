// SPDX-License-Identifier: GPL-2.0-only
/*
 * A second, naive writer of the migration stream: see raw_stream.h.
 */
#include <kunit/test-bug.h>
#include <kunit/test.h>
#include <linux/bitops.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "raw_stream.h"

u32 raw_crc32c(const void *data, size_t len)
{
	const u8 *byte = data;
	u32 crc = 0xffffffff;
	int bit;

	while (len--) {
		crc ^= *byte++;
		for (bit = 0; bit < 8; bit++)
			crc = crc & 1 ? (crc >> 1) ^ 0x82f63b78 : crc >> 1;
	}
	return crc ^ 0xffffffff;
}

struct raw_stream *raw_alloc(struct kunit *test)
{
	struct raw_stream *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	return s;
}

u8 *raw_payload(struct raw_stream *s, unsigned int record)
{
	return s->bytes + s->at[record] + RAW_RECORD_SIZE;
}

void raw_header(struct raw_stream *s, u16 header_len)
{
	memset(s, 0, sizeof(*s));
	s->len = header_len;
	s->at[0] = header_len;
	memcpy(s->bytes, "NVME-LM", 8);
	put_unaligned_le16(1, s->bytes + RAW_HEADER_VERSION);
	put_unaligned_le16(header_len, s->bytes + RAW_HEADER_LEN);
	put_unaligned_le16(1, s->bytes + RAW_HEADER_COMMAND_SET);
	memset(s->bytes + RAW_HEADER_SIZE, 0xee, header_len - RAW_HEADER_SIZE);
	put_unaligned_le32(raw_crc32c(s->bytes, header_len), s->bytes + RAW_HEADER_CRC);
}

void raw_seal(struct raw_stream *s, unsigned int record)
{
	u8 *head = s->bytes + s->at[record];
	size_t length = s->at[record + 1] - s->at[record] - RAW_RECORD_SIZE;

	put_unaligned_le32(raw_crc32c(raw_payload(s, record), length),
			   head + RAW_RECORD_PAYLOAD_CRC);
	put_unaligned_le32(raw_crc32c(head, RAW_RECORD_CRC), head + RAW_RECORD_CRC);
}

void raw_seal_all(struct raw_stream *s)
{
	size_t header_len = s->at[0];
	unsigned int i;

	memset(s->bytes + RAW_HEADER_CRC, 0, 4);
	put_unaligned_le32(raw_crc32c(s->bytes, header_len), s->bytes + RAW_HEADER_CRC);
	for (i = 0; i < s->records; i++) {
		if (get_unaligned_le16(s->bytes + s->at[i]) == RAW_END)
			put_unaligned_le32(raw_crc32c(s->bytes, s->at[i]),
					   raw_payload(s, i) + 8);
		raw_seal(s, i);
	}
}

void raw_record(struct raw_stream *s, u16 type, u16 flags, const void *payload,
		u32 length)
{
	u8 *head = s->bytes + s->len;
	u8 *to = head + RAW_RECORD_SIZE;
	u32 i;

	if (s->records == RAW_MAX_RECORDS || length > RAW_MAX_BYTES - RAW_RECORD_SIZE ||
	    s->len > RAW_MAX_BYTES - RAW_RECORD_SIZE - length) {
		KUNIT_FAIL(kunit_get_current_test(), "the test's stream is too long");
		return;
	}
	put_unaligned_le16(type, head + RAW_RECORD_TYPE);
	put_unaligned_le16(flags, head + RAW_RECORD_FLAGS);
	put_unaligned_le32(s->records, head + RAW_RECORD_SEQ);
	put_unaligned_le32(length, head + RAW_RECORD_LENGTH);
	if (payload)
		memcpy(to, payload, length);
	for (i = 0; !payload && i < length; i++)
		to[i] = 0x40 + s->records * 7 + i * 3;

	s->len += RAW_RECORD_SIZE + length;
	s->at[++s->records] = s->len;
	raw_seal(s, s->records - 1);
}

void raw_identity(struct raw_stream *s)
{
	u8 *payload;

	raw_record(s, RAW_IDENTITY, RAW_MANDATORY, NULL, RAW_IDENTITY_SIZE);
	payload = raw_payload(s, s->records - 1);
	memset(payload + 18, 0, 14);
	memset(payload + 100, 0, 4);
	raw_seal(s, s->records - 1);
}

void raw_format(struct raw_stream *s)
{
	u8 *payload;

	raw_record(s, RAW_FORMAT, RAW_MANDATORY, NULL, RAW_FORMAT_SIZE);
	payload = raw_payload(s, s->records - 1);
	memset(payload + 2, 0, 14);
	raw_seal(s, s->records - 1);
}

void raw_medium(struct raw_stream *s, u32 nsid)
{
	u8 *payload;

	raw_record(s, RAW_MEDIUM, RAW_MANDATORY, NULL, RAW_MEDIUM_SIZE);
	payload = raw_payload(s, s->records - 1);
	put_unaligned_le32(nsid, payload);
	put_unaligned_le32(1, payload + 4);
	memset(payload + 62, 0, 2);
	raw_seal(s, s->records - 1);
}

u8 raw_state_byte(u64 offset)
{
	return offset * 31 + (offset >> 8) + 5;
}

void raw_state(struct raw_stream *s, u64 offset, u32 len)
{
	u8 *payload;
	u32 i;

	raw_record(s, RAW_STATE, RAW_MANDATORY, NULL, RAW_PIECE_SIZE + len);
	payload = raw_payload(s, s->records - 1);
	put_unaligned_le64(offset, payload);
	memset(payload + 8, 0, 8);
	for (i = 0; i < len; i++)
		payload[RAW_PIECE_SIZE + i] = raw_state_byte(offset + i);
	raw_seal(s, s->records - 1);
}

void raw_state_of(struct raw_stream *s, u64 offset, const u8 *bytes, u32 len)
{
	raw_state(s, offset, len);
	memcpy(raw_payload(s, s->records - 1) + RAW_PIECE_SIZE, bytes, len);
	raw_seal(s, s->records - 1);
}

const u8 raw_key[16] = {
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
};

static void sip_round(u64 *v)
{
	v[0] += v[1];
	v[1] = rol64(v[1], 13);
	v[1] ^= v[0];
	v[0] = rol64(v[0], 32);
	v[2] += v[3];
	v[3] = rol64(v[3], 16);
	v[3] ^= v[2];
	v[0] += v[3];
	v[3] = rol64(v[3], 21);
	v[3] ^= v[0];
	v[2] += v[1];
	v[1] = rol64(v[1], 17);
	v[1] ^= v[2];
	v[2] = rol64(v[2], 32);
}

static void sip_word(u64 *v, u64 word)
{
	v[3] ^= word;
	sip_round(v);
	sip_round(v);
	v[0] ^= word;
}

u64 raw_siphash(const u8 *key, const void *data, size_t len)
{
	u64 k0 = get_unaligned_le64(key), k1 = get_unaligned_le64(key + 8);
	u64 v[4] = {
		k0 ^ 0x736f6d6570736575ULL, k1 ^ 0x646f72616e646f6dULL,
		k0 ^ 0x6c7967656e657261ULL, k1 ^ 0x7465646279746573ULL,
	};
	u8 last[8] = { 0, 0, 0, 0, 0, 0, 0, len };
	const u8 *byte = data;
	int i;

	for (; len >= 8; len -= 8, byte += 8)
		sip_word(v, get_unaligned_le64(byte));
	memcpy(last, byte, len);
	sip_word(v, get_unaligned_le64(last));
	v[2] ^= 0xff;
	for (i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void raw_precopy(struct raw_stream *s, u32 granule)
{
	u8 payload[RAW_PRECOPY_SIZE] = {};

	put_unaligned_le32(granule, payload);
	memcpy(payload + 8, raw_key, sizeof(raw_key));
	raw_record(s, RAW_PRECOPY, RAW_MANDATORY, payload, sizeof(payload));
}

void raw_digest(struct raw_stream *s, u32 granule, const u8 *state, u64 size)
{
	u8 payload[RAW_DIGEST_SIZE], hashes[16 * 8];
	u64 offset;
	u32 n = 0;

	for (offset = 0; offset < size && n < sizeof(hashes); offset += granule, n += 8)
		put_unaligned_le64(raw_siphash(raw_key, state + offset,
					       min_t(u64, granule, size - offset)), hashes + n);
	put_unaligned_le64(size, payload);
	put_unaligned_le64(raw_siphash(raw_key, hashes, n), payload + 8);
	raw_record(s, RAW_DIGEST, RAW_MANDATORY, payload, sizeof(payload));
}

void raw_end(struct raw_stream *s, u64 state_size)
{
	u8 payload[RAW_END_SIZE] = {};

	put_unaligned_le64(state_size, payload);
	put_unaligned_le32(raw_crc32c(s->bytes, s->len), payload + 8);
	raw_record(s, RAW_END, RAW_MANDATORY, payload, sizeof(payload));
}

void raw_good(struct raw_stream *s)
{
	raw_header(s, RAW_HEADER_SIZE);
	raw_identity(s);
	raw_format(s);
	raw_medium(s, 3);
	raw_medium(s, 7);
	raw_state(s, 0, 100);
	raw_state(s, 100, 96);
	raw_state(s, 196, 56);
	raw_end(s, GOOD_STATE_SIZE);
}
