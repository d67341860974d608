// SPDX-License-Identifier: GPL-2.0-only
/*
 * A stream that was damaged on its way is refused: cut short at any byte, any
 * single bit flipped, a record lost, doubled or swapped, something appended.
 */
#include <kunit/test.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "../../drivers/vfio/pci/nvme/stream.h"
#include "decode.h"
#include "raw_stream.h"

static void cut_short_anywhere(struct kunit *test)
{
	struct raw_stream *s = raw_alloc(test);
	struct decoded *out = decode_alloc(test);
	size_t len;

	raw_good(s);
	for (len = 0; len < s->len; len++) {
		decode_bytes(test, s->bytes, len, NULL, NULL, out);
		KUNIT_EXPECT_EQ_MSG(test, out->result, -ENODATA, "first %zu bytes", len);
		KUNIT_EXPECT_EQ_MSG(test, out->dec->position, len, "first %zu bytes", len);
		KUNIT_EXPECT_TRUE(test, out->complaint);
	}
}

static void bytes_after_the_end(struct kunit *test)
{
	struct raw_stream *s = raw_alloc(test);
	struct decoded *out = decode_alloc(test);
	size_t extra;

	raw_good(s);
	for (extra = 1; extra <= 100; extra++) {
		decode_bytes(test, s->bytes, s->len + extra, NULL, NULL, out);
		KUNIT_EXPECT_EQ_MSG(test, out->result, -EOVERFLOW, "%zu more bytes", extra);
		KUNIT_EXPECT_TRUE(test, out->complaint);
	}
}

/* Which errno a single flipped bit of a stream's header gives. */
static int header_error(const struct raw_stream *s, size_t byte)
{
	u16 len = get_unaligned_le16(s->bytes + RAW_HEADER_LEN);

	if (byte < RAW_HEADER_VERSION)
		return -ENOMSG;
	if (byte < RAW_HEADER_LEN)
		return -EPROTONOSUPPORT;
	if (byte >= RAW_HEADER_COMMAND_SET)
		return -EBADMSG;
	if (len < RAW_HEADER_SIZE || len > 4096)
		return -EPROTO;
	/* a length that is possible: the CRC tells, when the bytes are there */
	return len > s->len ? -ENODATA : -EBADMSG;
}

static void bit_of_the_header(struct kunit *test)
{
	struct raw_stream *s = raw_alloc(test);
	struct decoded *out = decode_alloc(test);
	size_t bit;

	raw_good(s);
	for (bit = 0; bit < RAW_HEADER_SIZE * 8; bit++) {
		s->bytes[bit / 8] ^= 1 << bit % 8;
		KUNIT_EXPECT_EQ_MSG(test, decode_stream(test, s, out), header_error(s, bit / 8),
				    "bit %zu of byte %zu", bit % 8, bit / 8);
		KUNIT_EXPECT_EQ(test, out->headers, 0);
		KUNIT_EXPECT_TRUE(test, out->complaint);
		s->bytes[bit / 8] ^= 1 << bit % 8;
	}
}

/* Flip each bit from byte @from on, in the headers or the payloads. */
static void flip_bits(struct kunit *test, bool payloads)
{
	struct raw_stream *s = raw_alloc(test);
	struct decoded *out = decode_alloc(test);
	unsigned int record, bit;

	raw_good(s);
	for (record = 0; record < s->records; record++) {
		size_t from = s->at[record] + (payloads ? RAW_RECORD_SIZE : 0);
		size_t to = payloads ? s->at[record + 1] : s->at[record] + RAW_RECORD_SIZE;

		for (bit = 0; bit < (to - from) * 8; bit++) {
			s->bytes[from + bit / 8] ^= 1 << bit % 8;
			KUNIT_EXPECT_EQ_MSG(test, decode_stream(test, s, out), -EBADMSG,
					    "record %u, bit %u of byte %u", record, bit % 8,
					    bit / 8);
			KUNIT_EXPECT_EQ_MSG(test, out->records, record, "record %u", record);
			KUNIT_EXPECT_TRUE(test, out->complaint);
			s->bytes[from + bit / 8] ^= 1 << bit % 8;
		}
	}
	KUNIT_EXPECT_EQ(test, decode_stream(test, s, out), 0);
}

static void bit_of_a_record_header(struct kunit *test)
{
	flip_bits(test, false);
}

static void bit_of_a_payload(struct kunit *test)
{
	flip_bits(test, true);
}

/* Append record @record of @from to @to as it is, whatever it then says. */
static void copy_record(struct raw_stream *to, const struct raw_stream *from,
			unsigned int record)
{
	size_t len = from->at[record + 1] - from->at[record];

	memcpy(to->bytes + to->len, from->bytes + from->at[record], len);
	to->len += len;
	to->at[++to->records] = to->len;
}

/* As if all had been written so: sequence numbers and CRCs are right again. */
static void renumber(struct raw_stream *s)
{
	unsigned int i;

	for (i = 0; i < s->records; i++)
		put_unaligned_le32(i, s->bytes + s->at[i] + RAW_RECORD_SEQ);
	raw_seal_all(s);
}

static void start_copy(struct raw_stream *to)
{
	raw_header(to, RAW_HEADER_SIZE);
}

static void record_lost(struct kunit *test)
{
	struct raw_stream *good = raw_alloc(test), *s = raw_alloc(test);
	struct decoded *out = decode_alloc(test);
	unsigned int lost, i;

	raw_good(good);
	for (lost = 0; lost < GOOD_END; lost++) {
		start_copy(s);
		for (i = 0; i < GOOD_RECORDS; i++)
			if (i != lost)
				copy_record(s, good, i);
		KUNIT_EXPECT_EQ_MSG(test, decode_stream(test, s, out), -EILSEQ,
				    "without record %u", lost);
		KUNIT_EXPECT_EQ(test, out->records, lost);
	}
}

static void record_lost_and_renumbered(struct kunit *test)
{
	static const int expected[] = {
		[GOOD_IDENTITY] = -EPROTO, [GOOD_FORMAT] = -EPROTO,
		/* no codec can tell that a namespace was there: the comparison does */
		[GOOD_MEDIUM_1] = 0, [GOOD_MEDIUM_2] = 0,
		[GOOD_STATE_1] = -EILSEQ, [GOOD_STATE_2] = -EILSEQ, [GOOD_STATE_3] = -EILSEQ,
		[GOOD_END] = -ENODATA,
	};
	struct raw_stream *good = raw_alloc(test), *s = raw_alloc(test);
	struct decoded *out = decode_alloc(test);
	unsigned int lost, i;

	raw_good(good);
	for (lost = 0; lost < GOOD_RECORDS; lost++) {
		start_copy(s);
		for (i = 0; i < GOOD_RECORDS; i++)
			if (i != lost)
				copy_record(s, good, i);
		renumber(s);
		KUNIT_EXPECT_EQ_MSG(test, decode_stream(test, s, out), expected[lost],
				    "without record %u", lost);
	}
}

/* Every record doubled, as it is and as if it had been written so. */
static void record_doubled(struct kunit *test)
{
	static const int renumbered[] = {
		[GOOD_IDENTITY] = -EPROTO, [GOOD_FORMAT] = -EPROTO,
		[GOOD_MEDIUM_1] = -EPROTO, [GOOD_MEDIUM_2] = -EPROTO,
		[GOOD_STATE_1] = -EILSEQ, [GOOD_STATE_2] = -EILSEQ, [GOOD_STATE_3] = -EILSEQ,
		[GOOD_END] = -EOVERFLOW,
	};
	struct raw_stream *good = raw_alloc(test), *s = raw_alloc(test);
	struct decoded *out = decode_alloc(test);
	unsigned int twice, i;

	raw_good(good);
	for (twice = 0; twice < GOOD_RECORDS; twice++) {
		start_copy(s);
		for (i = 0; i < GOOD_RECORDS; i++) {
			copy_record(s, good, i);
			if (i == twice)
				copy_record(s, good, i);
		}
		KUNIT_EXPECT_EQ_MSG(test, decode_stream(test, s, out),
				    twice == GOOD_END ? -EOVERFLOW : -EILSEQ,
				    "record %u twice", twice);
		renumber(s);
		KUNIT_EXPECT_EQ_MSG(test, decode_stream(test, s, out), renumbered[twice],
				    "record %u twice, renumbered", twice);
	}
}

static void records_swapped(struct kunit *test)
{
	static const int renumbered[] = {
		[GOOD_IDENTITY] = -EPROTO, [GOOD_FORMAT] = -EPROTO,
		[GOOD_MEDIUM_1] = -EPROTO, [GOOD_MEDIUM_2] = -EPROTO,
		[GOOD_STATE_1] = -EILSEQ, [GOOD_STATE_2] = -EILSEQ,
		/* END tells of more state than there was before it */
		[GOOD_STATE_3] = -EILSEQ,
	};
	struct raw_stream *good = raw_alloc(test), *s = raw_alloc(test);
	struct decoded *out = decode_alloc(test);
	unsigned int first, i;

	raw_good(good);
	for (first = 0; first < GOOD_END; first++) {
		start_copy(s);
		for (i = 0; i < GOOD_RECORDS; i++)
			copy_record(s, good, i == first ? i + 1 : i == first + 1 ? first : i);
		KUNIT_EXPECT_EQ_MSG(test, decode_stream(test, s, out), -EILSEQ,
				    "record %u after the next", first);
		KUNIT_EXPECT_EQ(test, out->records, first);
		renumber(s);
		KUNIT_EXPECT_EQ_MSG(test, decode_stream(test, s, out), renumbered[first],
				    "record %u after the next, renumbered", first);
	}
}

/* A record of another stream, whole in itself: the digest of END sees it. */
static void record_of_another_stream(struct kunit *test)
{
	struct raw_stream *s = raw_alloc(test);
	struct decoded *out = decode_alloc(test);
	unsigned int record;

	for (record = 0; record < GOOD_END; record++) {
		raw_good(s);
		raw_payload(s, record)[17] ^= 0xff;
		raw_seal(s, record);
		KUNIT_EXPECT_EQ_MSG(test, decode_stream(test, s, out), -EBADMSG,
				    "record %u exchanged", record);
		KUNIT_EXPECT_EQ_MSG(test, out->records, GOOD_END, "record %u", record);
	}
}

static void an_error_stays(struct kunit *test)
{
	struct raw_stream *s = raw_alloc(test);
	struct decoded *out = decode_alloc(test);
	size_t used = 1;
	u32 room = 1;

	raw_good(s);
	s->bytes[s->at[GOOD_MEDIUM_1]] ^= 1;
	decode_stream(test, s, out);
	KUNIT_ASSERT_EQ(test, out->result, -EBADMSG);
	s->bytes[s->at[GOOD_MEDIUM_1]] ^= 1;
	KUNIT_EXPECT_NULL(test, nvme_lm_decoder_window(out->dec, &room));
	KUNIT_EXPECT_EQ(test, room, 0);
	KUNIT_EXPECT_EQ(test, nvme_lm_decoder_commit(out->dec, 1), -EBADMSG);
	KUNIT_EXPECT_EQ(test, nvme_lm_decoder_push(out->dec, s->bytes, s->len, &used), -EBADMSG);
	KUNIT_EXPECT_EQ(test, used, 0);
	KUNIT_EXPECT_EQ(test, nvme_lm_decoder_finish(out->dec), -EBADMSG);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(cut_short_anywhere),
	KUNIT_CASE(bytes_after_the_end),
	KUNIT_CASE(bit_of_the_header),
	KUNIT_CASE(bit_of_a_record_header),
	KUNIT_CASE(bit_of_a_payload),
	KUNIT_CASE(record_lost),
	KUNIT_CASE(record_lost_and_renumbered),
	KUNIT_CASE(record_doubled),
	KUNIT_CASE(records_swapped),
	KUNIT_CASE(record_of_another_stream),
	KUNIT_CASE(an_error_stays),
	{}
};

static struct kunit_suite suite = {
	.name = "nvme-lm-stream-damage",
	.test_cases = cases,
};

kunit_test_suite(suite);
