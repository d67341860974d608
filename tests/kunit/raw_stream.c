// SPDX-License-Identifier: GPL-2.0-only
/*
 * A second, naive writer of the migration stream: see raw_stream.h.
 */
#include <kunit/test-bug.h>
#include <kunit/test.h>
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
