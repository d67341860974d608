// SPDX-License-Identifier: GPL-2.0-only
/*
 * The decoder of the migration stream takes what is right, however it is cut
 * up, and never more memory than it was given.
 */
#include <kunit/test.h>
#include <linux/prandom.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "../../drivers/vfio/pci/nvme/stream.h"
#include "decode.h"
#include "raw_stream.h"

static void expect_good(struct kunit *test, const struct raw_stream *s,
			const struct decoded *out)
{
	static const u16 types[] = {
		RAW_IDENTITY, RAW_FORMAT, RAW_MEDIUM, RAW_MEDIUM, RAW_STATE, RAW_STATE, RAW_STATE,
	};

	KUNIT_EXPECT_EQ(test, out->result, 0);
	KUNIT_EXPECT_FALSE(test, out->complaint);
	KUNIT_EXPECT_EQ(test, out->headers, 1);
	KUNIT_EXPECT_EQ(test, out->records, ARRAY_SIZE(types));
	KUNIT_EXPECT_MEMEQ(test, out->type, types, sizeof(types));
	KUNIT_EXPECT_EQ(test, out->wrong_state, 0);
	KUNIT_EXPECT_EQ(test, out->dec->state_size, GOOD_STATE_SIZE);
	KUNIT_EXPECT_EQ(test, out->dec->position, s->len);
	KUNIT_EXPECT_EQ(test, out->dec->command_set, 1);
}

static void takes_all_at_once(struct kunit *test)
{
	struct raw_stream *s = raw_alloc(test);
	struct decoded *out = decode_alloc(test);

	raw_good(s);
	decode_stream(test, s, out);
	expect_good(test, s, out);
	KUNIT_EXPECT_EQ(test, out->dec->skipped, 0);
}

static size_t one_byte(void *context, size_t position)
{
	return 1;
}

static void takes_byte_by_byte(struct kunit *test)
{
	struct raw_stream *s = raw_alloc(test);
	struct decoded *out = decode_alloc(test);

	raw_good(s);
	decode_bytes(test, s->bytes, s->len, one_byte, NULL, out);
	expect_good(test, s, out);
}

static size_t up_to(void *context, size_t position)
{
	size_t cut = *(size_t *)context;

	return position < cut ? cut - position : SIZE_MAX;
}

static void takes_two_pieces_cut_anywhere(struct kunit *test)
{
	struct raw_stream *s = raw_alloc(test);
	struct decoded *out = decode_alloc(test);
	size_t cut;

	raw_good(s);
	for (cut = 1; cut < s->len; cut++) {
		decode_bytes(test, s->bytes, s->len, up_to, &cut, out);
		KUNIT_EXPECT_EQ_MSG(test, out->result, 0, "cut at %zu", cut);
		expect_good(test, s, out);
	}
}

static size_t random_piece(void *context, size_t position)
{
	u32 random = prandom_u32_state(context);

	return 1 + random % (random & 0x100000 ? 8 : 300);
}

static void takes_random_pieces(struct kunit *test)
{
	struct raw_stream *s = raw_alloc(test);
	struct decoded *out = decode_alloc(test);
	struct rnd_state random;
	u64 seed;

	raw_good(s);
	for (seed = 1; seed <= 200; seed++) {
		prandom_seed_state(&random, seed);
		decode_bytes(test, s->bytes, s->len, random_piece, &random, out);
		KUNIT_EXPECT_EQ_MSG(test, out->result, 0, "seed %llu", seed);
		expect_good(test, s, out);
	}
}

static void skips_what_a_later_header_appends(struct kunit *test)
{
	static const u16 lengths[] = { 33, 48, 2000 };
	struct raw_stream *s = raw_alloc(test);
	struct decoded *out = decode_alloc(test);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		raw_header(s, lengths[i]);
		raw_identity(s);
		raw_format(s);
		raw_state(s, 0, 10);
		raw_end(s, 10);
		KUNIT_EXPECT_EQ(test, decode_stream(test, s, out), 0);
		KUNIT_EXPECT_EQ(test, out->dec->position, s->len);
		KUNIT_EXPECT_EQ(test, decode_bytes(test, s->bytes, s->len, one_byte, NULL, out),
				0);
	}
}

/* Unknown records at every place but the first two, of any length and type. */
static void skips_unknown_optional_records(struct kunit *test)
{
	static const u32 lengths[] = { 0, 1, 1500 };
	struct raw_stream *s = raw_alloc(test);
	struct decoded *out = decode_alloc(test);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		raw_header(s, RAW_HEADER_SIZE);
		raw_identity(s);
		raw_format(s);
		raw_record(s, 0x0005, 0, NULL, lengths[i]);
		raw_medium(s, 1);
		raw_record(s, 0x0000, 0, NULL, 3);
		raw_medium(s, 2);
		raw_state(s, 0, 8);
		raw_record(s, 0xffff, 0, NULL, 9);
		raw_state(s, 8, 8);
		raw_record(s, 0x0012, 0, NULL, 0);
		raw_end(s, 16);
		KUNIT_EXPECT_EQ(test, decode_stream(test, s, out), 0);
		KUNIT_EXPECT_EQ(test, out->records, 6);
		KUNIT_EXPECT_EQ(test, out->dec->skipped, 4);
		KUNIT_EXPECT_EQ(test, out->wrong_state, 0);
		KUNIT_EXPECT_EQ(test, decode_bytes(test, s->bytes, s->len, one_byte, NULL, out),
				0);
	}
}

static void takes_a_stream_without_media(struct kunit *test)
{
	struct raw_stream *s = raw_alloc(test);
	struct decoded *out = decode_alloc(test);

	raw_header(s, RAW_HEADER_SIZE);
	raw_identity(s);
	raw_format(s);
	raw_state(s, 0, 1);
	raw_end(s, 1);
	KUNIT_EXPECT_EQ(test, decode_stream(test, s, out), 0);
	KUNIT_EXPECT_EQ(test, out->records, 3);
}

/* What the window API of the decoder must never do: point outside its room. */
static void expect_window_inside(struct kunit *test, struct nvme_lm_decoder *dec,
				 const u8 *window, u32 room)
{
	const u8 *decoder = (const u8 *)dec;

	KUNIT_ASSERT_GT(test, room, 0);
	if (window >= dec->payload && window < dec->payload + dec->payload_size)
		KUNIT_ASSERT_LE(test, room, dec->payload + dec->payload_size - window);
	else
		KUNIT_ASSERT_TRUE(test, window >= decoder &&
				  window + room <= decoder + sizeof(*dec));
}

/* Bytes put straight into the windows, which must follow each other. */
static int commit_all(struct kunit *test, struct nvme_lm_decoder *dec,
		      const struct raw_stream *s, u32 most)
{
	size_t position = 0;
	int ret = 0;

	while (position < s->len && ret >= 0) {
		u32 room;
		u8 *window = nvme_lm_decoder_window(dec, &room);

		KUNIT_ASSERT_NOT_NULL(test, window);
		expect_window_inside(test, dec, window, room);
		room = min3(room, most, (u32)(s->len - position));
		memcpy(window, s->bytes + position, room);
		position += room;
		ret = nvme_lm_decoder_commit(dec, room);
		KUNIT_ASSERT_EQ(test, dec->position, position);
	}
	return ret;
}

static void windows_stay_inside(struct kunit *test)
{
	static const u32 most[] = { 1, 7, 64, U32_MAX };
	struct raw_stream *s = raw_alloc(test);
	struct nvme_lm_decoder *dec = kunit_kzalloc(test, sizeof(*dec), GFP_KERNEL);
	u8 *payload = kunit_kzalloc(test, RAW_IDENTITY_SIZE, GFP_KERNEL);
	u32 room = 1;
	size_t i;

	KUNIT_ASSERT_NOT_NULL(test, dec);
	KUNIT_ASSERT_NOT_NULL(test, payload);
	/* a header and a record that are skipped and larger than the room */
	raw_header(s, 1000);
	raw_identity(s);
	raw_format(s);
	raw_record(s, 0x0abc, 0, NULL, 1200);
	raw_state(s, 0, 100);
	raw_end(s, 100);
	for (i = 0; i < ARRAY_SIZE(most); i++) {
		nvme_lm_decoder_init(dec, payload, RAW_IDENTITY_SIZE, 100);
		KUNIT_EXPECT_EQ(test, commit_all(test, dec, s, most[i]), NVME_LM_DECODE_END);
		KUNIT_EXPECT_EQ(test, nvme_lm_decoder_finish(dec), 0);
		KUNIT_EXPECT_NULL(test, nvme_lm_decoder_window(dec, &room));
		KUNIT_EXPECT_EQ(test, room, 0);
	}
}

static void refuses_more_than_the_window(struct kunit *test)
{
	struct raw_stream *s = raw_alloc(test);
	struct decoded *out = decode_alloc(test);
	u32 room;

	raw_good(s);
	decode_bytes(test, s->bytes, RAW_HEADER_SIZE, NULL, NULL, out);
	nvme_lm_decoder_init(out->dec, out->dec->payload, out->dec->payload_size, 1);
	nvme_lm_decoder_window(out->dec, &room);
	KUNIT_EXPECT_EQ(test, nvme_lm_decoder_commit(out->dec, room + 1), -EINVAL);
}

/* A reader may keep the buffer of a record, and give another for the next. */
static void takes_another_payload_buffer(struct kunit *test)
{
	struct raw_stream *s = raw_alloc(test);
	struct nvme_lm_decoder *dec = kunit_kzalloc(test, sizeof(*dec), GFP_KERNEL);
	u8 *buffers = kunit_kzalloc(test, 400 * GOOD_RECORDS, GFP_KERNEL);
	size_t position = 0, used;
	unsigned int i = 0;
	int ret = 0;

	KUNIT_ASSERT_NOT_NULL(test, dec);
	KUNIT_ASSERT_NOT_NULL(test, buffers);
	raw_good(s);
	nvme_lm_decoder_init(dec, buffers, 400, GOOD_STATE_SIZE);
	while (position < s->len && ret >= 0) {
		ret = nvme_lm_decoder_push(dec, s->bytes + position, s->len - position, &used);
		position += used;
		if (ret == NVME_LM_DECODE_RECORD)
			dec->payload = buffers + 400 * ++i;
	}
	KUNIT_ASSERT_EQ(test, ret, NVME_LM_DECODE_END);
	KUNIT_ASSERT_EQ(test, i, GOOD_END);
	for (i = 0; i < GOOD_RECORDS; i++) {
		/* the decoder has the first part of a piece of state itself */
		u32 head = get_unaligned_le16(s->bytes + s->at[i]) == RAW_STATE ?
			   RAW_PIECE_SIZE : 0;

		KUNIT_EXPECT_MEMEQ(test, buffers + 400 * i, raw_payload(s, i) + head,
				   s->at[i + 1] - s->at[i] - RAW_RECORD_SIZE - head);
	}
}

/* Pieces of state that go where they belong, each as soon as it begins. */
static unsigned int place_pieces(struct kunit *test, struct nvme_lm_decoder *dec,
				 const struct raw_stream *s, u8 *image, u32 most)
{
	u8 *payload = dec->payload;
	unsigned int placed = 0;
	size_t position = 0;
	u32 room, len;
	int ret = 0;
	u8 *window;
	u64 at;

	while (position < s->len && ret >= 0) {
		len = nvme_lm_decoder_state_begins(dec, &at);
		if (len) {
			KUNIT_ASSERT_LE(test, at + len, (u64)GOOD_STATE_SIZE);
			dec->payload = image + at;
			placed++;
		}
		window = nvme_lm_decoder_window(dec, &room);
		KUNIT_ASSERT_NOT_NULL(test, window);
		room = min3(room, most, (u32)(s->len - position));
		memcpy(window, s->bytes + position, room);
		position += room;
		ret = nvme_lm_decoder_commit(dec, room);
		if (ret == NVME_LM_DECODE_RECORD)
			dec->payload = payload;
	}
	KUNIT_EXPECT_EQ(test, ret, NVME_LM_DECODE_END);
	return placed;
}

static void puts_pieces_where_they_belong(struct kunit *test)
{
	struct raw_stream *s = raw_alloc(test);
	struct nvme_lm_decoder *dec = kunit_kzalloc(test, sizeof(*dec), GFP_KERNEL);
	u8 *payload = kunit_kzalloc(test, 400, GFP_KERNEL);
	u8 *image = kunit_kzalloc(test, GOOD_STATE_SIZE, GFP_KERNEL);
	static const u32 most[] = { 1, 7, U32_MAX };
	unsigned int i, at;

	KUNIT_ASSERT_NOT_NULL(test, dec);
	KUNIT_ASSERT_NOT_NULL(test, payload);
	KUNIT_ASSERT_NOT_NULL(test, image);
	raw_good(s);
	for (i = 0; i < ARRAY_SIZE(most); i++) {
		memset(image, 0, GOOD_STATE_SIZE);
		nvme_lm_decoder_init(dec, payload, 400, GOOD_STATE_SIZE);
		KUNIT_EXPECT_EQ(test, place_pieces(test, dec, s, image, most[i]), 3U);
		for (at = 0; at < GOOD_STATE_SIZE; at++)
			KUNIT_ASSERT_EQ(test, image[at], raw_state_byte(at));
	}
}

/* The piece could not be right: no place is asked for. */
static void asks_no_place_for_a_piece_out_of_place(struct kunit *test)
{
	static const u64 offsets[] = { 4, 1ULL << 40, U64_MAX - 3 };
	struct nvme_lm_decoder *dec = kunit_kzalloc(test, sizeof(*dec), GFP_KERNEL);
	u8 *payload = kunit_kzalloc(test, 400, GFP_KERNEL);
	unsigned int i;
	size_t used;
	u64 at;

	KUNIT_ASSERT_NOT_NULL(test, dec);
	KUNIT_ASSERT_NOT_NULL(test, payload);
	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		struct raw_stream *s = raw_alloc(test);
		size_t begins;

		raw_header(s, RAW_HEADER_SIZE);
		raw_identity(s);
		raw_format(s);
		begins = s->len + RAW_RECORD_SIZE + RAW_PIECE_SIZE;
		raw_state(s, offsets[i], 8);
		nvme_lm_decoder_init(dec, payload, 400, U64_MAX);
		for (; begins; begins -= used) {
			const u8 *from = s->bytes + dec->position;

			KUNIT_ASSERT_GE(test, nvme_lm_decoder_push(dec, from, begins, &used), 0);
		}
		KUNIT_EXPECT_EQ(test, nvme_lm_decoder_state_begins(dec, &at), 0U);
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE(takes_all_at_once),
	KUNIT_CASE(takes_byte_by_byte),
	KUNIT_CASE(takes_two_pieces_cut_anywhere),
	KUNIT_CASE(takes_random_pieces),
	KUNIT_CASE(skips_what_a_later_header_appends),
	KUNIT_CASE(skips_unknown_optional_records),
	KUNIT_CASE(takes_a_stream_without_media),
	KUNIT_CASE(windows_stay_inside),
	KUNIT_CASE(refuses_more_than_the_window),
	KUNIT_CASE(takes_another_payload_buffer),
	KUNIT_CASE(puts_pieces_where_they_belong),
	KUNIT_CASE(asks_no_place_for_a_piece_out_of_place),
	{}
};

static struct kunit_suite suite = {
	.name = "nvme-lm-stream-decode",
	.test_cases = cases,
};

kunit_test_suite(suite);
