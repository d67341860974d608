// SPDX-License-Identifier: GPL-2.0-only
/*
 * The form of the stream for a state that comes in passes: PRECOPY, pieces that
 * replace each other, DIGEST.
 */
#include <kunit/test.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "../../drivers/vfio/pci/nvme/stream.h"
#include "decode.h"
#include "raw_stream.h"

#define GRANULE		4096
#define SIZE		(3 * GRANULE + 100)

/* Which record is which in the streams of start() and good(). */
#define PASS_PRECOPY	2
#define PASS_FIRST	3
#define PASS_SECOND	4
#define PASS_AGAIN	5
#define PASS_DIGEST	6
#define PASS_END	7

/**
 * struct pass - a stream of passes in the making
 * @s: the stream
 * @out: what the decoder makes of it
 * @state: the state as it is to be in the end
 */
struct pass {
	struct raw_stream *s;
	struct decoded *out;
	u8 state[DECODE_MAX_STATE];
};

/* Everything up to PRECOPY. */
static struct pass *start(struct kunit *test)
{
	struct pass *pass = kunit_kzalloc(test, sizeof(*pass), GFP_KERNEL);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, pass);
	pass->s = raw_alloc(test);
	pass->out = decode_alloc(test);
	pass->out->max_state = DECODE_MAX_STATE;
	for (i = 0; i < sizeof(pass->state); i++)
		pass->state[i] = raw_state_byte(i);
	raw_header(pass->s, RAW_HEADER_SIZE);
	raw_identity(pass->s);
	raw_format(pass->s);
	raw_precopy(pass->s, GRANULE);
	return pass;
}

static void piece(struct pass *pass, u64 offset, u32 len)
{
	raw_state_of(pass->s, offset, pass->state + offset, len);
}

/* The function changes its state. */
static void change(struct pass *pass, u64 offset, u32 len)
{
	while (len--)
		pass->state[offset++] ^= 0x5a;
}

static void finish(struct pass *pass, u64 size)
{
	raw_digest(pass->s, GRANULE, pass->state, size);
	raw_end(pass->s, size);
}

/* Two pieces, a granule that changes, DIGEST, END. */
static struct pass *good(struct kunit *test)
{
	struct pass *pass = start(test);

	piece(pass, 0, 2 * GRANULE);
	piece(pass, 2 * GRANULE, SIZE - 2 * GRANULE);
	change(pass, GRANULE + 17, 5);
	piece(pass, GRANULE, GRANULE);
	finish(pass, SIZE);
	return pass;
}

static void expect_whole(struct kunit *test, struct pass *pass, u64 size)
{
	KUNIT_EXPECT_EQ(test, decode_stream(test, pass->s, pass->out), 0);
	KUNIT_EXPECT_EQ(test, pass->out->dec->state_size, size);
	KUNIT_EXPECT_EQ(test, memcmp(pass->out->image, pass->state, size), 0);
}

/* The value that the authors of SipHash give: key 00 to 0f, bytes 00 to 0e. */
static void siphash_has_the_published_value(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, raw_siphash(raw_key, raw_key, 15), 0xa129ca6149be45e5ULL);
}

static void encoder_writes_the_same(struct kunit *test)
{
	struct pass *pass = good(test);
	struct nvme_lm_precopy_record precopy;
	struct nvme_lm_digest_record digest;
	struct nvme_lm_stream_header header;
	struct nvme_lm_state_head head;
	struct nvme_lm_end_record end;
	struct nvme_lm_encoder enc;
	__le64 hashes[4];
	u32 i;

	nvme_lm_encode_header(&enc, NVME_LM_CS_STANDARD, &header);
	enc.crc = ~raw_crc32c(pass->s->bytes, pass->s->at[PASS_PRECOPY]);
	enc.seq = PASS_PRECOPY;
	nvme_lm_encode_precopy(&enc, GRANULE, raw_key, &precopy);
	KUNIT_EXPECT_MEMEQ(test, (u8 *)&precopy, pass->s->bytes + pass->s->at[PASS_PRECOPY],
			   sizeof(precopy));
	nvme_lm_encode_state_at(&enc, 0, raw_payload(pass->s, PASS_FIRST) + RAW_PIECE_SIZE,
				2 * GRANULE, &head);
	KUNIT_EXPECT_MEMEQ(test, (u8 *)&head, pass->s->bytes + pass->s->at[PASS_FIRST],
			   sizeof(head));
	nvme_lm_encode_state_at(&enc, 2 * GRANULE, pass->state + 2 * GRANULE,
				SIZE - 2 * GRANULE, &head);
	KUNIT_EXPECT_EQ(test, enc.state_size, SIZE);
	nvme_lm_encode_state_at(&enc, GRANULE, pass->state + GRANULE, GRANULE, &head);
	KUNIT_EXPECT_EQ(test, enc.state_size, SIZE);
	KUNIT_EXPECT_MEMEQ(test, (u8 *)&head, pass->s->bytes + pass->s->at[PASS_AGAIN],
			   sizeof(head));
	for (i = 0; i < ARRAY_SIZE(hashes); i++)
		hashes[i] = nvme_lm_granule_hash(&precopy.precopy, pass->state + i * GRANULE,
						 i == 3 ? 100 : GRANULE);
	nvme_lm_encode_digest(&enc, &precopy.precopy, hashes, SIZE, &digest);
	KUNIT_EXPECT_MEMEQ(test, (u8 *)&digest, pass->s->bytes + pass->s->at[PASS_DIGEST],
			   sizeof(digest));
	nvme_lm_encode_end(&enc, &end);
	KUNIT_EXPECT_MEMEQ(test, (u8 *)&end, pass->s->bytes + pass->s->at[PASS_END],
			   sizeof(end));
}

static size_t one_byte(void *context, size_t position)
{
	return 1;
}

static size_t some_bytes(void *context, size_t position)
{
	return *(size_t *)context;
}

static void what_changed_replaces(struct kunit *test)
{
	static size_t steps[] = { 3, 31, 64, 4095, 4097, 8240 };
	struct pass *pass = good(test);
	size_t i;

	expect_whole(test, pass, SIZE);
	KUNIT_EXPECT_EQ(test, decode_bytes(test, pass->s->bytes, pass->s->len, one_byte, NULL,
					   pass->out), 0);
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		KUNIT_EXPECT_EQ(test, decode_bytes(test, pass->s->bytes, pass->s->len,
						   some_bytes, &steps[i], pass->out), 0);
		KUNIT_EXPECT_EQ(test, memcmp(pass->out->image, pass->state, SIZE), 0);
	}
}

static void state_shrinks(struct kunit *test)
{
	struct pass *pass = start(test);

	piece(pass, 0, SIZE);
	change(pass, GRANULE, 40);
	piece(pass, GRANULE, 40);
	finish(pass, GRANULE + 40);
	expect_whole(test, pass, GRANULE + 40);

	/* to an end of a granule, with nothing to send */
	pass = start(test);
	piece(pass, 0, SIZE);
	finish(pass, 2 * GRANULE);
	expect_whole(test, pass, 2 * GRANULE);
}

static void state_grows(struct kunit *test)
{
	struct pass *pass = start(test);

	piece(pass, 0, 100);
	piece(pass, 0, GRANULE + 4);
	piece(pass, GRANULE, 2 * GRANULE);
	finish(pass, 3 * GRANULE);
	expect_whole(test, pass, 3 * GRANULE);
}

/* It shrinks and grows again: what was sent before it shrank is still good. */
static void state_shrinks_and_grows(struct kunit *test)
{
	struct pass *pass = start(test);

	piece(pass, 0, SIZE);
	piece(pass, GRANULE, 8);
	piece(pass, GRANULE, GRANULE);
	finish(pass, SIZE);
	expect_whole(test, pass, SIZE);
}

/* One thing that is wrong, all CRCs right, and what it is refused with. */
struct pass_rule {
	const char *name;
	void (*spoil)(struct pass *pass);
	int error;
};

static void gap(struct pass *pass)
{
	piece(pass, 0, GRANULE);
	piece(pass, 2 * GRANULE, GRANULE);
}

static void unaligned(struct pass *pass)
{
	piece(pass, 0, GRANULE);
	piece(pass, GRANULE - 4, GRANULE);
}

static void starts_late(struct pass *pass)
{
	piece(pass, GRANULE, GRANULE);
}

static void behind_a_short_granule(struct pass *pass)
{
	piece(pass, 0, GRANULE + 100);
	piece(pass, 2 * GRANULE, GRANULE);
}

static void offset_near_the_end_of_numbers(struct pass *pass)
{
	piece(pass, 0, GRANULE);
	piece(pass, 0, GRANULE);
	put_unaligned_le64(-GRANULE, raw_payload(pass->s, pass->s->records - 1));
	raw_seal(pass->s, pass->s->records - 1);
}

static void short_granule_in_the_middle(struct pass *pass)
{
	piece(pass, 0, SIZE);
	piece(pass, GRANULE, 8);
	finish(pass, SIZE);
}

static void last_granule_too_long(struct pass *pass)
{
	piece(pass, 0, SIZE);
	finish(pass, SIZE - 4);
}

static void last_granule_too_short(struct pass *pass)
{
	piece(pass, 0, SIZE);
	piece(pass, GRANULE, 8);
	finish(pass, GRANULE + 12);
}

static void digest_of_more_than_came(struct pass *pass)
{
	piece(pass, 0, GRANULE);
	finish(pass, GRANULE + 4);
}

static void digest_of_nothing(struct pass *pass)
{
	piece(pass, 0, GRANULE);
	finish(pass, 0);
}

static void digest_of_odd_bytes(struct pass *pass)
{
	piece(pass, 0, GRANULE + 6);
	finish(pass, GRANULE + 6);
}

static void missed_change(struct pass *pass)
{
	piece(pass, 0, SIZE);
	change(pass, 2 * GRANULE, 1);
	finish(pass, SIZE);
}

static void changed_tail(struct pass *pass)
{
	piece(pass, 0, SIZE);
	change(pass, SIZE - 1, 1);
	finish(pass, SIZE);
}

static void swapped_granules(struct pass *pass)
{
	raw_state_of(pass->s, 0, pass->state + GRANULE, GRANULE);
	raw_state_of(pass->s, GRANULE, pass->state, GRANULE);
	finish(pass, 2 * GRANULE);
}

static void end_without_digest(struct pass *pass)
{
	piece(pass, 0, GRANULE);
	raw_end(pass->s, GRANULE);
}

static void digest_twice(struct pass *pass)
{
	piece(pass, 0, GRANULE);
	raw_digest(pass->s, GRANULE, pass->state, GRANULE);
	finish(pass, GRANULE);
}

static void state_after_digest(struct pass *pass)
{
	piece(pass, 0, GRANULE);
	raw_digest(pass->s, GRANULE, pass->state, GRANULE);
	piece(pass, 0, GRANULE);
	raw_end(pass->s, GRANULE);
}

static void digest_without_state(struct pass *pass)
{
	finish(pass, GRANULE);
}

static void precopy_twice(struct pass *pass)
{
	raw_precopy(pass->s, GRANULE);
}

static void precopy_after_state(struct pass *pass)
{
	piece(pass, 0, GRANULE);
	raw_precopy(pass->s, GRANULE);
}

static void medium_after_precopy(struct pass *pass)
{
	raw_medium(pass->s, 1);
}

static void end_of_another_size(struct pass *pass)
{
	piece(pass, 0, SIZE);
	raw_digest(pass->s, GRANULE, pass->state, 2 * GRANULE);
	raw_end(pass->s, SIZE);
}

static const struct pass_rule pass_rules[] = {
	{ "gap", gap, -EILSEQ },
	{ "unaligned", unaligned, -EILSEQ },
	{ "starts late", starts_late, -EILSEQ },
	{ "behind a short granule", behind_a_short_granule, -EILSEQ },
	{ "offset near 2^64", offset_near_the_end_of_numbers, -EILSEQ },
	{ "short granule in the middle", short_granule_in_the_middle, -EILSEQ },
	{ "last granule too long", last_granule_too_long, -EILSEQ },
	{ "last granule too short", last_granule_too_short, -EILSEQ },
	{ "DIGEST of more than came", digest_of_more_than_came, -EILSEQ },
	{ "DIGEST of nothing", digest_of_nothing, -EPROTO },
	{ "DIGEST of odd bytes", digest_of_odd_bytes, -EPROTO },
	{ "missed change", missed_change, -EBADMSG },
	{ "changed tail", changed_tail, -EBADMSG },
	{ "swapped granules", swapped_granules, -EBADMSG },
	{ "END without DIGEST", end_without_digest, -EPROTO },
	{ "DIGEST twice", digest_twice, -EPROTO },
	{ "STATE after DIGEST", state_after_digest, -EPROTO },
	{ "DIGEST without STATE", digest_without_state, -EPROTO },
	{ "PRECOPY twice", precopy_twice, -EPROTO },
	{ "PRECOPY after STATE", precopy_after_state, -EPROTO },
	{ "MEDIUM after PRECOPY", medium_after_precopy, -EPROTO },
	{ "END of another size", end_of_another_size, -EILSEQ },
};

KUNIT_ARRAY_PARAM_DESC(pass_rule, pass_rules, name);

static void pass_rule(struct kunit *test)
{
	const struct pass_rule *rule = test->param_value;
	struct pass *pass = start(test);

	rule->spoil(pass);
	KUNIT_EXPECT_EQ(test, decode_stream(test, pass->s, pass->out), rule->error);
	KUNIT_EXPECT_TRUE(test, pass->out->complaint);
}

/* DIGEST in a stream that has no PRECOPY. */
static void digest_without_precopy(struct kunit *test)
{
	struct pass *pass = start(test);

	raw_header(pass->s, RAW_HEADER_SIZE);
	raw_identity(pass->s);
	raw_format(pass->s);
	piece(pass, 0, GRANULE);
	finish(pass, GRANULE);
	KUNIT_EXPECT_EQ(test, decode_stream(test, pass->s, pass->out), -EPROTO);
}

struct field_rule {
	const char *name;
	unsigned int record, at;
	u32 value;
	int error;
};

static const struct field_rule field_rules[] = {
	{ "granule 0", PASS_PRECOPY, 0, 0, -EPROTO },
	{ "granule of half a page", PASS_PRECOPY, 0, 2048, -EPROTO },
	{ "granule of a page and a bit", PASS_PRECOPY, 0, 4097, -EPROTO },
	{ "granule of three pages", PASS_PRECOPY, 0, 3 * 4096, -EPROTO },
	{ "granule of 2 MiB", PASS_PRECOPY, 0, 2 << 20, -EPROTO },
	{ "granule of 2 GiB", PASS_PRECOPY, 0, 0x80000000, -EPROTO },
	{ "other granule", PASS_PRECOPY, 0, 8192, -EILSEQ },
	{ "reserved", PASS_PRECOPY, 4, 1, -EPROTO },
	{ "other key", PASS_PRECOPY, 8, 0x12345678, -EBADMSG },
	{ "other key, last", PASS_PRECOPY, 20, 0, -EBADMSG },
	{ "reserved2, first", PASS_PRECOPY, 24, 1, -EPROTO },
	{ "reserved2, last", PASS_PRECOPY, 28, 0x80000000, -EPROTO },
	{ "digest, first", PASS_DIGEST, 8, 0, -EBADMSG },
	{ "digest, last", PASS_DIGEST, 12, 0, -EBADMSG },
	{ "size of 2^32 and more", PASS_DIGEST, 4, 1, -EILSEQ },
};

KUNIT_ARRAY_PARAM_DESC(field_rule, field_rules, name);

static void field_rule(struct kunit *test)
{
	const struct field_rule *rule = test->param_value;
	struct pass *pass = good(test);

	put_unaligned_le32(rule->value, raw_payload(pass->s, rule->record) + rule->at);
	raw_seal_all(pass->s);
	KUNIT_EXPECT_EQ(test, decode_stream(test, pass->s, pass->out), rule->error);
}

/* What a granule held before it changed, in place of what it held after. */
static void changed_content(struct kunit *test)
{
	static const unsigned int records[] = { PASS_FIRST, PASS_SECOND, PASS_AGAIN };
	struct pass *pass;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(records); i++) {
		pass = good(test);
		raw_payload(pass->s, records[i])[RAW_PIECE_SIZE + 50] ^= 1;
		raw_seal_all(pass->s);
		KUNIT_EXPECT_EQ(test, decode_stream(test, pass->s, pass->out), -EBADMSG);
	}
}

/* Each bit of the two records, in header and payload, with no CRC made right. */
static void every_bit_of_the_new_records(struct kunit *test)
{
	static const unsigned int records[] = { PASS_PRECOPY, PASS_DIGEST };
	struct pass *pass = good(test);
	size_t i, at;
	int bit;

	for (i = 0; i < ARRAY_SIZE(records); i++) {
		for (at = pass->s->at[records[i]]; at < pass->s->at[records[i] + 1]; at++) {
			for (bit = 0; bit < 8; bit++) {
				pass->s->bytes[at] ^= 1 << bit;
				KUNIT_EXPECT_EQ(test, decode_stream(test, pass->s, pass->out),
						-EBADMSG);
				pass->s->bytes[at] ^= 1 << bit;
			}
		}
	}
}

static void every_end_too_early(struct kunit *test)
{
	struct pass *pass = good(test);
	size_t len;

	for (len = pass->s->at[PASS_DIGEST] - 40; len < pass->s->len; len++)
		KUNIT_EXPECT_EQ(test, decode_bytes(test, pass->s->bytes, len, NULL, NULL,
						   pass->out), -ENODATA);
}

static void more_state_than_is_accepted(struct kunit *test)
{
	struct pass *pass = good(test);

	pass->out->max_state = SIZE;
	KUNIT_EXPECT_EQ(test, decode_stream(test, pass->s, pass->out), 0);
	pass->out->max_state = SIZE - 1;
	KUNIT_EXPECT_EQ(test, decode_stream(test, pass->s, pass->out), -EFBIG);
	pass->out->max_state = GRANULE;
	KUNIT_EXPECT_EQ(test, decode_stream(test, pass->s, pass->out), -EFBIG);
}

static void reader_without_passes_or_room(struct kunit *test)
{
	struct pass *pass = good(test);

	pass->out->room_error = -ENOMEM;
	KUNIT_EXPECT_EQ(test, decode_stream(test, pass->s, pass->out), -ENOMEM);
	KUNIT_EXPECT_EQ(test, pass->out->records, PASS_FIRST);
	pass->out->room_error = 0;
	pass->out->old_reader = true;
	KUNIT_EXPECT_EQ(test, decode_stream(test, pass->s, pass->out), -EPROTONOSUPPORT);
	KUNIT_EXPECT_EQ(test, pass->out->records, PASS_PRECOPY);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(siphash_has_the_published_value),
	KUNIT_CASE(encoder_writes_the_same),
	KUNIT_CASE(what_changed_replaces),
	KUNIT_CASE(state_shrinks),
	KUNIT_CASE(state_grows),
	KUNIT_CASE(state_shrinks_and_grows),
	KUNIT_CASE_PARAM(pass_rule, pass_rule_gen_params),
	KUNIT_CASE(digest_without_precopy),
	KUNIT_CASE_PARAM(field_rule, field_rule_gen_params),
	KUNIT_CASE(changed_content),
	KUNIT_CASE(every_bit_of_the_new_records),
	KUNIT_CASE(every_end_too_early),
	KUNIT_CASE(more_state_than_is_accepted),
	KUNIT_CASE(reader_without_passes_or_room),
	{}
};

static struct kunit_suite suite = {
	.name = "nvme-lm-stream-pass",
	.test_cases = cases,
};

kunit_test_suite(suite);
