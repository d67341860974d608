// SPDX-License-Identifier: GPL-2.0-only
/*
 * The encoder of the migration stream writes, byte for byte, what
 * <uapi/linux/nvme-lm.h> says.
 */
#include <kunit/test.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "../../drivers/vfio/pci/nvme/stream.h"
#include "raw_stream.h"

/* Test values of CRC32C from RFC 3720, appendix B.4, and the usual check value. */
static void crc_has_the_published_values(struct kunit *test)
{
	u8 bytes[32];
	int i;

	KUNIT_EXPECT_EQ(test, nvme_lm_crc32c("123456789", 9), 0xe3069283);
	memset(bytes, 0, sizeof(bytes));
	KUNIT_EXPECT_EQ(test, nvme_lm_crc32c(bytes, sizeof(bytes)), 0x8a9136aa);
	memset(bytes, 0xff, sizeof(bytes));
	KUNIT_EXPECT_EQ(test, nvme_lm_crc32c(bytes, sizeof(bytes)), 0x62a8ab43);
	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = i;
	KUNIT_EXPECT_EQ(test, nvme_lm_crc32c(bytes, sizeof(bytes)), 0x46dd794e);
	KUNIT_EXPECT_EQ(test, nvme_lm_crc32c(bytes, 0), 0);
}

/* The tests' own CRC is what everything below is measured with. */
static void crc_of_the_tests_is_right(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, raw_crc32c("123456789", 9), 0xe3069283);
	KUNIT_EXPECT_EQ(test, raw_crc32c("", 0), 0);
}

static void header_is_laid_out(struct kunit *test)
{
	static const u8 expected[28] = {
		'N', 'V', 'M', 'E', '-', 'L', 'M', 0, 1, 0, 32, 0, 3, 0, 0, 0,
	};
	struct nvme_lm_stream_header header;
	u8 *bytes = (u8 *)&header;
	struct nvme_lm_encoder enc;
	u32 crc;

	memset(&header, 0x5a, sizeof(header));
	nvme_lm_encode_header(&enc, NVME_LM_CS_CONTROL_PAGE, &header);
	KUNIT_ASSERT_EQ(test, sizeof(header), 32);
	KUNIT_EXPECT_MEMEQ(test, bytes, expected, sizeof(expected));
	crc = get_unaligned_le32(bytes + 28);
	memset(bytes + 28, 0, 4);
	KUNIT_EXPECT_EQ(test, crc, raw_crc32c(bytes, 32));
}

static void record_is_laid_out(struct kunit *test)
{
	static const u8 payload[5] = { 1, 2, 3, 4, 5 };
	u8 expected[32] = {
		0x34, 0x12, 0x01, 0x00,		/* type, flags */
		0x01, 0x00, 0x00, 0x00,		/* seq */
		0x05, 0x00, 0x00, 0x00,		/* length */
	};
	struct nvme_lm_stream_header header;
	struct nvme_lm_record record;
	struct nvme_lm_encoder enc;

	put_unaligned_le32(raw_crc32c(payload, 5), expected + 16);
	put_unaligned_le32(raw_crc32c(expected, 28), expected + 28);
	nvme_lm_encode_header(&enc, NVME_LM_CS_STANDARD, &header);
	nvme_lm_encode_record(&enc, 0x1111, 0, payload, 1, &record);
	memset(&record, 0x5a, sizeof(record));
	nvme_lm_encode_record(&enc, 0x1234, 1, payload, 5, &record);
	KUNIT_ASSERT_EQ(test, sizeof(record), 32);
	KUNIT_EXPECT_MEMEQ(test, &record, expected, sizeof(expected));
}

static void append(struct raw_stream *s, const void *bytes, size_t len)
{
	memcpy(s->bytes + s->len, bytes, len);
	s->len += len;
}

/* Write the stream of raw_good() again, with the encoder under test. */
static void encode_good(struct raw_stream *good, struct raw_stream *s)
{
	static const u32 piece[] = { 100, 96, 56 };
	struct nvme_lm_stream_header header;
	struct nvme_lm_end_record end;
	struct nvme_lm_encoder enc;
	unsigned int i;

	nvme_lm_encode_header(&enc, NVME_LM_CS_STANDARD, &header);
	append(s, &header, sizeof(header));
	for (i = GOOD_IDENTITY; i <= GOOD_MEDIUM_2; i++) {
		u16 type = get_unaligned_le16(good->bytes + good->at[i]);
		u32 length = good->at[i + 1] - good->at[i] - RAW_RECORD_SIZE;
		struct nvme_lm_record record;

		nvme_lm_encode_record(&enc, type, NVME_LM_REC_F_MANDATORY,
				      raw_payload(good, i), length, &record);
		append(s, &record, sizeof(record));
		append(s, raw_payload(good, i), length);
	}
	for (i = 0; i < ARRAY_SIZE(piece); i++) {
		const u8 *data = raw_payload(good, GOOD_STATE_1 + i) + RAW_PIECE_SIZE;
		struct nvme_lm_state_head head;

		nvme_lm_encode_state(&enc, data, piece[i], &head);
		append(s, &head, sizeof(head));
		append(s, data, piece[i]);
	}
	nvme_lm_encode_end(&enc, &end);
	append(s, &end, sizeof(end));
}

static void whole_stream_is_as_written_by_hand(struct kunit *test)
{
	struct raw_stream *good = raw_alloc(test);
	struct raw_stream *s = raw_alloc(test);
	size_t i;

	raw_good(good);
	encode_good(good, s);
	KUNIT_ASSERT_EQ(test, s->len, good->len);
	for (i = 0; i < s->len; i++)
		if (s->bytes[i] != good->bytes[i])
			break;
	KUNIT_EXPECT_EQ_MSG(test, i, s->len, "first byte that differs");
}

/*
 * The CRC in END is put together from the CRCs of the parts.  It has to come
 * out right for any length of a part, powers of two and their neighbours too.
 */
static void digest_holds_for_any_length(struct kunit *test)
{
	struct raw_stream *s = raw_alloc(test);
	struct nvme_lm_stream_header header;
	struct nvme_lm_record record;
	struct nvme_lm_end_record end;
	struct nvme_lm_encoder enc;
	u8 *payload;
	u32 len;

	payload = kunit_kzalloc(test, 1100, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, payload);
	for (len = 0; len < 1100; len++)
		payload[len] = raw_state_byte(len * 3);
	for (len = 0; len < 1100; len += len < 70 ? 1 : 59) {
		s->len = 0;
		nvme_lm_encode_header(&enc, NVME_LM_CS_STANDARD, &header);
		append(s, &header, sizeof(header));
		nvme_lm_encode_record(&enc, 0x77, 0, payload, len, &record);
		append(s, &record, sizeof(record));
		append(s, payload, len);
		nvme_lm_encode_end(&enc, &end);
		KUNIT_EXPECT_EQ_MSG(test, le32_to_cpu(end.end.crc),
				    raw_crc32c(s->bytes, s->len), "payload of %u bytes", len);
	}
}

/* Worked out by hand: 32 + (32 + 360) + (32 + 32) + n * (32 + 64) + ... */
static void size_of_a_stream(struct kunit *test)
{
	static const struct {
		unsigned int media;
		u64 state;
		u32 piece;
		u64 size;
	} cases[] = {
		{ 0, 1, 4096, 488 + 48 + 1 + 48 },
		{ 0, 4096, 4096, 488 + 48 + 4096 + 48 },
		{ 1, 4097, 4096, 488 + 96 + 2 * 48 + 4097 + 48 },
		{ 1024, 8192, 4096, 488 + 1024 * 96 + 2 * 48 + 8192 + 48 },
		{ 2, 252, 100, 488 + 2 * 96 + 3 * 48 + 252 + 48 },
		{ 1, 1ULL << 40, 1 << 20, 488 + 96 + (48ULL << 20) + (1ULL << 40) + 48 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		KUNIT_EXPECT_EQ(test, cases[i].size,
				nvme_lm_stream_size(cases[i].media, cases[i].state,
						    cases[i].piece));
}

static struct kunit_case cases[] = {
	KUNIT_CASE(crc_of_the_tests_is_right),
	KUNIT_CASE(crc_has_the_published_values),
	KUNIT_CASE(header_is_laid_out),
	KUNIT_CASE(record_is_laid_out),
	KUNIT_CASE(whole_stream_is_as_written_by_hand),
	KUNIT_CASE(digest_holds_for_any_length),
	KUNIT_CASE(size_of_a_stream),
	{}
};

static struct kunit_suite suite = {
	.name = "nvme-lm-stream-encode",
	.test_cases = cases,
};

kunit_test_suite(suite);
