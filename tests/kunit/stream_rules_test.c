// SPDX-License-Identifier: GPL-2.0-only
/*
 * A stream whose CRCs are all right but that breaks a rule of
 * <uapi/linux/nvme-lm.h> is refused, with the errno that stands for the rule.
 */
#include <kunit/test.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "../../drivers/vfio/pci/nvme/stream.h"
#include "decode.h"
#include "raw_stream.h"

#define MAX_PAYLOAD	((1 << 20) + 16)

static void put_value(u8 *to, unsigned int width, u64 value)
{
	u8 bytes[8];

	put_unaligned_le64(value, bytes);
	memcpy(to, bytes, width);
}

struct header_rule {
	const char *name;
	unsigned int at, width;
	u64 value;
	int error;
};

static const struct header_rule header_rules[] = {
	{ "magic of another kind", 0, 1, 'M', -ENOMSG },
	{ "magic without its NUL", 7, 1, ' ', -ENOMSG },
	{ "version 0", RAW_HEADER_VERSION, 2, 0, -EPROTONOSUPPORT },
	{ "version 2", RAW_HEADER_VERSION, 2, 2, -EPROTONOSUPPORT },
	{ "version 256", RAW_HEADER_VERSION, 2, 256, -EPROTONOSUPPORT },
	{ "length 0", RAW_HEADER_LEN, 2, 0, -EPROTO },
	{ "length 31", RAW_HEADER_LEN, 2, 31, -EPROTO },
	{ "length 4097", RAW_HEADER_LEN, 2, 4097, -EPROTO },
	{ "length 65535", RAW_HEADER_LEN, 2, 65535, -EPROTO },
	{ "first flag", RAW_HEADER_FLAGS, 2, 1, -EPROTONOSUPPORT },
	{ "last flag", RAW_HEADER_FLAGS, 2, 0x8000, -EPROTONOSUPPORT },
	{ "first reserved byte", RAW_HEADER_RESERVED, 1, 1, -EPROTO },
	{ "last reserved byte", RAW_HEADER_CRC - 1, 1, 0x80, -EPROTO },
};

KUNIT_ARRAY_PARAM_DESC(header_rule, header_rules, name);

static void header_rule(struct kunit *test)
{
	const struct header_rule *rule = test->param_value;
	struct raw_stream *s = raw_alloc(test);
	struct decoded *out = decode_alloc(test);

	raw_good(s);
	put_value(s->bytes + rule->at, rule->width, rule->value);
	raw_seal_all(s);
	KUNIT_EXPECT_EQ(test, decode_stream(test, s, out), rule->error);
	KUNIT_EXPECT_EQ(test, out->headers, 0);
	KUNIT_EXPECT_TRUE(test, out->complaint);
}

/* A field of a record's header or payload that is set to a value. */
struct record_rule {
	const char *name;
	unsigned int record;
	bool payload;
	unsigned int at, width;
	u64 value;
	int error;
};

#define HEAD(desc, rec, field, width, value, error) \
	{ desc, GOOD_##rec, false, RAW_RECORD_##field, width, value, error }
#define BODY(desc, rec, at, width, value, error) \
	{ desc, GOOD_##rec, true, at, width, value, error }

static const struct record_rule record_rules[] = {
	HEAD("seq that starts at 1", IDENTITY, SEQ, 4, 1, -EILSEQ),
	HEAD("seq that stays", FORMAT, SEQ, 4, 0, -EILSEQ),
	HEAD("seq that leaves one out", STATE_2, SEQ, 4, 6, -EILSEQ),
	HEAD("seq with a high bit", END, SEQ, 4, 0x80000007, -EILSEQ),
	HEAD("unknown flag", IDENTITY, FLAGS, 2, 0x0003, -EPROTONOSUPPORT),
	HEAD("unknown flag, not mandatory", STATE_1, FLAGS, 2, 0x8000, -EPROTONOSUPPORT),
	HEAD("unknown flag of END", END, FLAGS, 2, 0x0100, -EPROTONOSUPPORT),
	HEAD("reserved", FORMAT, RESERVED, 4, 0x01000000, -EPROTO),
	HEAD("reserved2, first byte", MEDIUM_1, RESERVED2, 1, 1, -EPROTO),
	HEAD("reserved2, last byte", STATE_3, RESERVED2 + 7, 1, 0x80, -EPROTO),
	HEAD("reserved of END", END, RESERVED, 1, 1, -EPROTO),
	HEAD("unknown mandatory first", IDENTITY, TYPE, 2, 0x0042, -EPROTONOSUPPORT),
	HEAD("unknown mandatory medium", MEDIUM_1, TYPE, 2, 0x0005, -EPROTONOSUPPORT),
	HEAD("unknown mandatory, type 0", STATE_2, TYPE, 2, 0x0000, -EPROTONOSUPPORT),
	HEAD("unknown mandatory last", END, TYPE, 2, 0xffff, -EPROTONOSUPPORT),
	HEAD("IDENTITY in place of FORMAT", FORMAT, TYPE, 2, RAW_IDENTITY, -EPROTO),
	HEAD("FORMAT in place of IDENTITY", IDENTITY, TYPE, 2, RAW_FORMAT, -EPROTO),
	HEAD("STATE in place of FORMAT", FORMAT, TYPE, 2, RAW_STATE, -EPROTO),
	HEAD("END in place of IDENTITY", IDENTITY, TYPE, 2, RAW_END, -EPROTO),
	HEAD("END before any state", STATE_1, TYPE, 2, RAW_END, -EPROTO),
	HEAD("IDENTITY late", STATE_2, TYPE, 2, RAW_IDENTITY, -EPROTO),
	HEAD("IDENTITY short", IDENTITY, LENGTH, 4, 359, -EPROTO),
	HEAD("IDENTITY long", IDENTITY, LENGTH, 4, 361, -EPROTO),
	HEAD("IDENTITY empty", IDENTITY, LENGTH, 4, 0, -EPROTO),
	HEAD("FORMAT short", FORMAT, LENGTH, 4, 31, -EPROTO),
	HEAD("FORMAT long", FORMAT, LENGTH, 4, 33, -EPROTO),
	HEAD("MEDIUM short", MEDIUM_2, LENGTH, 4, 63, -EPROTO),
	HEAD("MEDIUM long", MEDIUM_2, LENGTH, 4, 65, -EPROTO),
	HEAD("END short", END, LENGTH, 4, 15, -EPROTO),
	HEAD("END long", END, LENGTH, 4, 17, -EPROTO),
	HEAD("STATE empty", STATE_1, LENGTH, 4, 0, -EPROTO),
	HEAD("STATE with half a head", STATE_1, LENGTH, 4, 15, -EPROTO),
	HEAD("STATE without a byte of state", STATE_1, LENGTH, 4, 16, -EPROTO),
	HEAD("length over the limit", STATE_1, LENGTH, 4, MAX_PAYLOAD + 1, -EPROTO),
	HEAD("length of 2 GiB", STATE_1, LENGTH, 4, 0x80000000, -EPROTO),
	HEAD("length of 4 GiB - 1", STATE_1, LENGTH, 4, 0xffffffff, -EPROTO),
	HEAD("length of IDENTITY of 4 GiB - 1", IDENTITY, LENGTH, 4, 0xffffffff, -EPROTO),
	BODY("IDENTITY reserved, first byte", IDENTITY, 18, 1, 1, -EPROTO),
	BODY("IDENTITY reserved, last byte", IDENTITY, 31, 1, 1, -EPROTO),
	BODY("IDENTITY reserved2, first byte", IDENTITY, 100, 1, 1, -EPROTO),
	BODY("IDENTITY reserved2, last byte", IDENTITY, 103, 1, 1, -EPROTO),
	BODY("FORMAT reserved, first byte", FORMAT, 2, 1, 1, -EPROTO),
	BODY("FORMAT reserved, last byte", FORMAT, 15, 1, 1, -EPROTO),
	BODY("MEDIUM reserved, first byte", MEDIUM_1, 62, 1, 1, -EPROTO),
	BODY("MEDIUM reserved, last byte", MEDIUM_2, 63, 1, 1, -EPROTO),
	BODY("MEDIUM unknown flag", MEDIUM_1, 4, 4, 3, -EPROTO),
	BODY("MEDIUM unknown flag, last", MEDIUM_1, 4, 4, 0x80000001, -EPROTO),
	BODY("NSID 0", MEDIUM_1, 0, 4, 0, -EPROTO),
	BODY("NSID of all namespaces", MEDIUM_2, 0, 4, 0xffffffff, -EPROTO),
	BODY("NSID twice", MEDIUM_2, 0, 4, 3, -EPROTO),
	BODY("NSID that descends", MEDIUM_2, 0, 4, 2, -EPROTO),
	BODY("STATE reserved, first byte", STATE_1, 8, 1, 1, -EPROTO),
	BODY("STATE reserved, last byte", STATE_3, 15, 1, 1, -EPROTO),
	BODY("state that starts late", STATE_1, 0, 8, 1, -EILSEQ),
	BODY("state with a gap", STATE_2, 0, 8, 101, -EILSEQ),
	BODY("state that overlaps", STATE_2, 0, 8, 99, -EILSEQ),
	BODY("state over again", STATE_3, 0, 8, 0, -EILSEQ),
	BODY("state offset near 2^64", STATE_2, 0, 8, U64_MAX, -EILSEQ),
	BODY("END reserved, first byte", END, 12, 1, 1, -EPROTO),
	BODY("END reserved, last byte", END, 15, 1, 1, -EPROTO),
	BODY("END tells of less", END, 0, 8, GOOD_STATE_SIZE - 1, -EILSEQ),
	BODY("END tells of more", END, 0, 8, GOOD_STATE_SIZE + 1, -EILSEQ),
	BODY("END tells of nothing", END, 0, 8, 0, -EILSEQ),
	BODY("END tells of 2^64 - 1", END, 0, 8, U64_MAX, -EILSEQ),
};

KUNIT_ARRAY_PARAM_DESC(record_rule, record_rules, name);

static void record_rule(struct kunit *test)
{
	const struct record_rule *rule = test->param_value;
	struct raw_stream *s = raw_alloc(test);
	struct decoded *out = decode_alloc(test);
	u8 *at;

	raw_good(s);
	at = s->bytes + s->at[rule->record] + rule->at;
	put_value(rule->payload ? at + RAW_RECORD_SIZE : at, rule->width, rule->value);
	raw_seal_all(s);
	KUNIT_EXPECT_EQ(test, decode_stream(test, s, out), rule->error);
	KUNIT_EXPECT_EQ(test, out->records, rule->record);
	KUNIT_EXPECT_TRUE(test, out->complaint);
}

/* Only the digest over the whole stream is wrong. */
static void digest_of_the_whole_stream(struct kunit *test)
{
	struct raw_stream *s = raw_alloc(test);
	struct decoded *out = decode_alloc(test);

	raw_good(s);
	raw_payload(s, GOOD_END)[8] ^= 1;
	raw_seal(s, GOOD_END);
	KUNIT_EXPECT_EQ(test, decode_stream(test, s, out), -EBADMSG);
	KUNIT_EXPECT_EQ(test, out->records, GOOD_END);
}

/* The first two places belong to IDENTITY and FORMAT, whatever else there is. */
static void optional_record_too_early(struct kunit *test)
{
	struct raw_stream *s = raw_alloc(test);
	struct decoded *out = decode_alloc(test);

	raw_header(s, RAW_HEADER_SIZE);
	raw_record(s, 0x0042, 0, NULL, 4);
	raw_identity(s);
	raw_format(s);
	raw_state(s, 0, 4);
	raw_end(s, 4);
	KUNIT_EXPECT_EQ(test, decode_stream(test, s, out), -EPROTO);
	KUNIT_EXPECT_EQ(test, out->dec->skipped, 0);

	raw_header(s, RAW_HEADER_SIZE);
	raw_identity(s);
	raw_record(s, 0x0042, 0, NULL, 4);
	raw_format(s);
	raw_state(s, 0, 4);
	raw_end(s, 4);
	KUNIT_EXPECT_EQ(test, decode_stream(test, s, out), -EPROTO);
	KUNIT_EXPECT_EQ(test, out->dec->skipped, 0);
}

/* A record that would be right elsewhere, before record @place of a good stream. */
static void write_with_one_more(struct raw_stream *s, unsigned int place,
				void (*one_more)(struct raw_stream *s))
{
	static void (*const head[])(struct raw_stream *s) = { raw_identity, raw_format };
	u64 offset = 0;
	unsigned int i;

	raw_header(s, RAW_HEADER_SIZE);
	for (i = 0; i <= GOOD_END; i++) {
		if (i == place)
			one_more(s);
		if (i < ARRAY_SIZE(head))
			head[i](s);
		else if (i < GOOD_STATE_1)
			raw_medium(s, i);
		else if (i < GOOD_END)
			raw_state(s, offset, 4);
		offset += i >= GOOD_STATE_1 ? 4 : 0;
	}
	raw_end(s, offset - 4);
}

static void end_without_state(struct raw_stream *s)
{
	raw_end(s, 0);
}

static void medium_after_all_others(struct raw_stream *s)
{
	raw_medium(s, 1000);
}

/* Whole and sealed, but not where its type belongs: refused right there. */
static void record_out_of_place(struct kunit *test)
{
	static const struct {
		void (*record)(struct raw_stream *s);
		unsigned int first, last;
	} cases[] = {
		{ raw_identity, GOOD_FORMAT, GOOD_END },
		{ raw_format, GOOD_IDENTITY, GOOD_IDENTITY },
		{ raw_format, GOOD_MEDIUM_1, GOOD_END },
		{ medium_after_all_others, GOOD_IDENTITY, GOOD_FORMAT },
		{ medium_after_all_others, GOOD_STATE_2, GOOD_END },
		{ end_without_state, GOOD_IDENTITY, GOOD_STATE_1 },
	};
	struct raw_stream *s = raw_alloc(test);
	struct decoded *out = decode_alloc(test);
	unsigned int place;
	size_t i;

	write_with_one_more(s, GOOD_RECORDS, NULL);
	KUNIT_ASSERT_EQ(test, decode_stream(test, s, out), 0);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		for (place = cases[i].first; place <= cases[i].last; place++) {
			write_with_one_more(s, place, cases[i].record);
			KUNIT_EXPECT_EQ_MSG(test, decode_stream(test, s, out), -EPROTO,
					    "case %zu before record %u", i, place);
			KUNIT_EXPECT_EQ_MSG(test, out->records, place, "case %zu", i);
		}
	}
}

static void state_up_to_the_limit(struct kunit *test)
{
	struct raw_stream *s = raw_alloc(test);
	struct decoded *out = decode_alloc(test);
	u32 over;

	out->max_state = GOOD_STATE_SIZE;
	for (over = 0; over <= 1; over++) {
		raw_header(s, RAW_HEADER_SIZE);
		raw_identity(s);
		raw_format(s);
		raw_state(s, 0, 200);
		raw_state(s, 200, GOOD_STATE_SIZE - 200 + over);
		raw_end(s, GOOD_STATE_SIZE + over);
		KUNIT_EXPECT_EQ(test, decode_stream(test, s, out), over ? -EFBIG : 0);
		KUNIT_EXPECT_EQ(test, out->dec->state_size, over ? 200 : GOOD_STATE_SIZE);
	}
}

/* A known record that the reader has no room for, not one byte of it taken. */
static void payload_larger_than_the_room(struct kunit *test)
{
	struct raw_stream *s = raw_alloc(test);
	struct nvme_lm_decoder *dec = kunit_kzalloc(test, sizeof(*dec), GFP_KERNEL);
	u8 *room = kunit_kzalloc(test, RAW_IDENTITY_SIZE - 1, GFP_KERNEL);
	size_t used;

	KUNIT_ASSERT_NOT_NULL(test, dec);
	KUNIT_ASSERT_NOT_NULL(test, room);
	raw_good(s);
	nvme_lm_decoder_init(dec, room, RAW_IDENTITY_SIZE - 1, GOOD_STATE_SIZE);
	KUNIT_ASSERT_EQ(test, nvme_lm_decoder_push(dec, s->bytes, s->len, &used),
			NVME_LM_DECODE_HEADER);
	KUNIT_EXPECT_EQ(test, nvme_lm_decoder_push(dec, s->bytes + used, s->len - used, &used),
			-EFBIG);
	KUNIT_EXPECT_EQ(test, dec->position, RAW_HEADER_SIZE + RAW_RECORD_SIZE);
}

/* The 1024 namespaces that a stream may have, and one more. */
static void too_many_media(struct kunit *test)
{
	struct raw_stream *s = raw_alloc(test);
	struct decoded *out = decode_alloc(test);
	struct nvme_lm_decoder *dec;
	size_t used;
	u32 nsid;
	int ret = 0;

	raw_header(s, RAW_HEADER_SIZE);
	raw_identity(s);
	raw_format(s);
	KUNIT_ASSERT_EQ(test, decode_stream(test, s, out), -ENODATA);
	dec = out->dec;
	dec->error = 0;		/* it was only told too early that this was all */
	for (nsid = 1; nsid <= 1025 && !ret; nsid++) {
		s->len = RAW_HEADER_SIZE;
		s->records = 0;
		raw_medium(s, nsid);
		put_unaligned_le32(nsid + 1, s->bytes + s->at[0] + RAW_RECORD_SEQ);
		raw_seal(s, 0);
		ret = nvme_lm_decoder_push(dec, s->bytes + s->at[0], s->len - s->at[0], &used);
		ret = ret == NVME_LM_DECODE_RECORD ? 0 : ret;
	}
	KUNIT_EXPECT_EQ(test, ret, -EPROTO);
	KUNIT_EXPECT_EQ(test, nsid, 1026);
}

static void free_buffer(void *buffer)
{
	kvfree(buffer);
}

/* The longest payload that there may be passes, known or skipped. */
static void longest_payload(struct kunit *test)
{
	struct decoded *out = decode_alloc(test);
	struct nvme_lm_stream_header header;
	struct nvme_lm_state_head state;
	struct nvme_lm_record record;
	struct nvme_lm_encoder enc;
	struct raw_stream *s = raw_alloc(test);
	u8 *data = kvzalloc(MAX_PAYLOAD, GFP_KERNEL);
	u8 *room = kvzalloc(MAX_PAYLOAD, GFP_KERNEL);
	size_t used;

	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, free_buffer, data), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, free_buffer, room), 0);
	KUNIT_ASSERT_NOT_NULL(test, data);
	KUNIT_ASSERT_NOT_NULL(test, room);
	raw_header(s, RAW_HEADER_SIZE);
	raw_identity(s);
	raw_format(s);
	nvme_lm_encode_header(&enc, NVME_LM_CS_STANDARD, &header);
	enc.seq = 2;
	nvme_lm_encode_record(&enc, 0x0042, 0, data, MAX_PAYLOAD, &record);
	nvme_lm_encode_state(&enc, data, MAX_PAYLOAD - RAW_PIECE_SIZE, &state);

	nvme_lm_decoder_init(out->dec, room, MAX_PAYLOAD, MAX_PAYLOAD);
	for (used = 0; s->len; s->len -= used)
		KUNIT_ASSERT_GT(test, nvme_lm_decoder_push(out->dec, s->bytes + s->at[2] - s->len,
							   s->len, &used), 0);
	KUNIT_EXPECT_EQ(test, nvme_lm_decoder_push(out->dec, &record, sizeof(record), &used), 0);
	KUNIT_EXPECT_EQ(test, nvme_lm_decoder_push(out->dec, data, MAX_PAYLOAD, &used), 0);
	KUNIT_EXPECT_EQ(test, out->dec->skipped, 1);
	KUNIT_EXPECT_EQ(test, nvme_lm_decoder_push(out->dec, &state, sizeof(state), &used), 0);
	KUNIT_EXPECT_EQ(test, nvme_lm_decoder_push(out->dec, data, MAX_PAYLOAD - RAW_PIECE_SIZE,
						   &used), NVME_LM_DECODE_RECORD);
	KUNIT_EXPECT_EQ(test, out->dec->state_size, MAX_PAYLOAD - RAW_PIECE_SIZE);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(header_rule, header_rule_gen_params),
	KUNIT_CASE_PARAM(record_rule, record_rule_gen_params),
	KUNIT_CASE(digest_of_the_whole_stream),
	KUNIT_CASE(optional_record_too_early),
	KUNIT_CASE(record_out_of_place),
	KUNIT_CASE(state_up_to_the_limit),
	KUNIT_CASE(payload_larger_than_the_room),
	KUNIT_CASE(too_many_media),
	KUNIT_CASE_SLOW(longest_payload),
	{}
};

static struct kunit_suite suite = {
	.name = "nvme-lm-stream-rules",
	.test_cases = cases,
};

kunit_test_suite(suite);
