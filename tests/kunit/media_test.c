// SPDX-License-Identifier: GPL-2.0-only
/*
 * A function takes the state of another only if both have provably the same
 * namespaces.
 *
 * The records are bytes with the offsets of <uapi/linux/nvme-lm.h>.
 */
#include <kunit/test.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "../../drivers/vfio/pci/nvme/compare.h"
#include "raw_stream.h"

#define MEDIUM_NSID	0
#define MEDIUM_FLAGS	4
#define MEDIUM_EUI64	16
#define MEDIUM_NGUID	24
#define MEDIUM_UUID	40
#define MEDIUM_CSI	56
#define MEDIA		3

struct media_pair {
	u8 source[MEDIA][RAW_MEDIUM_SIZE];
	u8 here[MEDIA][RAW_MEDIUM_SIZE];
};

/* Three namespaces with everything set; NSIDs 1, 0x10002 and 0xfffffffe. */
static struct media_pair *same_media(struct kunit *test)
{
	static const u32 nsid[MEDIA] = { 1, 0x10002, 0xfffffffe };
	struct media_pair *pair = kunit_kzalloc(test, sizeof(*pair), GFP_KERNEL);
	unsigned int i, n;

	KUNIT_ASSERT_NOT_NULL(test, pair);
	for (n = 0; n < MEDIA; n++) {
		for (i = 0; i < RAW_MEDIUM_SIZE - 2; i++)
			pair->source[n][i] = 1 + i * 3 + n * 50;
		put_unaligned_le32(nsid[n], pair->source[n] + MEDIUM_NSID);
		put_unaligned_le32(1, pair->source[n] + MEDIUM_FLAGS);
	}
	memcpy(pair->here, pair->source, sizeof(pair->here));
	return pair;
}

static int compare(const void *source, unsigned int nsource, const void *here,
		   unsigned int nhere, struct nvme_lm_complaint *complaint)
{
	memset(complaint, 0, sizeof(*complaint));
	return nvme_lm_compare_media(source, nsource, here, nhere, complaint);
}

static int compare_all(const struct media_pair *pair, struct nvme_lm_complaint *complaint)
{
	return compare(pair->source, MEDIA, pair->here, MEDIA, complaint);
}

static void same_media_are_taken(struct kunit *test)
{
	struct media_pair *pair = same_media(test);
	struct nvme_lm_complaint complaint;
	unsigned int count;

	for (count = 0; count <= MEDIA; count++) {
		KUNIT_EXPECT_EQ(test, compare(pair->source, count, pair->here, count, &complaint),
				0);
		KUNIT_EXPECT_NULL(test, complaint.what);
	}
}

struct medium_field {
	const char *name;
	unsigned int at, len;
};

static const struct medium_field medium_fields[] = {
	{ "nsze", 8, 8 },
	{ "eui64", MEDIUM_EUI64, 8 },
	{ "nguid", MEDIUM_NGUID, 16 },
	{ "uuid", MEDIUM_UUID, 16 },
	{ "csi", MEDIUM_CSI, 1 },
	{ "lbads", 57, 1 },
	{ "flbas", 58, 1 },
	{ "dps", 59, 1 },
	{ "ms", 60, 2 },
};

KUNIT_ARRAY_PARAM_DESC(medium_field, medium_fields, name);

/* Each bit of the field differs alone, in any of the namespaces. */
static void one_field_differs(struct kunit *test)
{
	const struct medium_field *field = test->param_value;
	struct media_pair *pair = same_media(test);
	struct nvme_lm_complaint complaint;
	unsigned int bit, n;

	for (n = 0; n < MEDIA; n++) {
		for (bit = 0; bit < field->len * 8; bit++) {
			u8 *byte = pair->here[n] + field->at + bit / 8;

			*byte ^= 1 << bit % 8;
			KUNIT_EXPECT_EQ_MSG(test, compare_all(pair, &complaint), -EMEDIUMTYPE,
					    "medium %u, bit %u of byte %u", n, bit % 8, bit / 8);
			KUNIT_EXPECT_EQ(test, complaint.where,
					get_unaligned_le32(pair->here[n]));
			KUNIT_EXPECT_NE(test, complaint.expected, complaint.found);
			KUNIT_EXPECT_NOT_NULL(test, complaint.what);
			*byte ^= 1 << bit % 8;
		}
	}
}

/* An identifier that is there on one side only is not a match. */
static void identifier_on_one_side_only(struct kunit *test)
{
	static const u8 at[][2] = {
		{ MEDIUM_EUI64, 8 }, { MEDIUM_NGUID, 16 }, { MEDIUM_UUID, 16 },
	};
	struct nvme_lm_complaint complaint;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(at); i++) {
		struct media_pair *pair = same_media(test);

		memset(pair->here[1] + at[i][0], 0, at[i][1]);
		KUNIT_EXPECT_EQ(test, compare_all(pair, &complaint), -EMEDIUMTYPE);
		KUNIT_EXPECT_EQ(test, compare(pair->here, MEDIA, pair->source, MEDIA, &complaint),
				-EMEDIUMTYPE);
	}
}

/* One identifier of any kind is enough, and one bit of it; none is not. */
static void some_identifier_is_needed(struct kunit *test)
{
	struct media_pair *pair = same_media(test);
	struct nvme_lm_complaint complaint;
	unsigned int bit;

	memset(pair->source[0] + MEDIUM_EUI64, 0, MEDIUM_CSI - MEDIUM_EUI64);
	memset(pair->here[0] + MEDIUM_EUI64, 0, MEDIUM_CSI - MEDIUM_EUI64);
	KUNIT_EXPECT_EQ(test, compare_all(pair, &complaint), -EMEDIUMTYPE);
	KUNIT_EXPECT_EQ(test, complaint.where, 1);
	for (bit = MEDIUM_EUI64 * 8; bit < MEDIUM_CSI * 8; bit++) {
		pair->source[0][bit / 8] = 1 << bit % 8;
		pair->here[0][bit / 8] = 1 << bit % 8;
		KUNIT_EXPECT_EQ_MSG(test, compare_all(pair, &complaint), 0,
				    "only bit %u of byte %u", bit % 8, bit / 8);
		pair->source[0][bit / 8] = 0;
		pair->here[0][bit / 8] = 0;
	}
}

static void must_be_shared_on_both_sides(struct kunit *test)
{
	static const struct {
		u32 source, here;
		int error;
	} cases[] = {
		{ 1, 1, 0 }, { 0, 1, -EMEDIUMTYPE }, { 1, 0, -EMEDIUMTYPE },
		{ 0, 0, -EMEDIUMTYPE },
	};
	struct media_pair *pair = same_media(test);
	struct nvme_lm_complaint complaint;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		put_unaligned_le32(cases[i].source, pair->source[2] + MEDIUM_FLAGS);
		put_unaligned_le32(cases[i].here, pair->here[2] + MEDIUM_FLAGS);
		KUNIT_EXPECT_EQ_MSG(test, compare_all(pair, &complaint), cases[i].error,
				    "source %u, here %u", cases[i].source, cases[i].here);
		if (cases[i].error)
			KUNIT_EXPECT_EQ(test, complaint.where, 0xfffffffe);
	}
}

/* Each namespace is missing on each side: the first, one in between, the last. */
static void one_is_missing(struct kunit *test)
{
	u8 fewer[MEDIA - 1][RAW_MEDIUM_SIZE];
	struct media_pair *pair = same_media(test);
	struct nvme_lm_complaint complaint;
	unsigned int missing, i;
	u32 nsid;

	for (missing = 0; missing < MEDIA; missing++) {
		for (i = 0; i < MEDIA - 1; i++)
			memcpy(fewer[i], pair->source[i < missing ? i : i + 1], sizeof(fewer[i]));
		nsid = get_unaligned_le32(pair->source[missing]);
		KUNIT_EXPECT_EQ_MSG(test, compare(pair->source, MEDIA, fewer, MEDIA - 1,
						  &complaint),
				    -ENOMEDIUM, "NSID %u is not here", nsid);
		KUNIT_EXPECT_EQ(test, complaint.where, nsid);
		KUNIT_EXPECT_NOT_NULL(test, complaint.what);
		KUNIT_EXPECT_EQ_MSG(test, compare(fewer, MEDIA - 1, pair->here, MEDIA,
						  &complaint),
				    -ENOMEDIUM, "NSID %u is not at the source", nsid);
		KUNIT_EXPECT_EQ(test, complaint.where, nsid);
		KUNIT_EXPECT_NOT_NULL(test, complaint.what);
	}
}

static void all_are_missing(struct kunit *test)
{
	struct media_pair *pair = same_media(test);
	struct nvme_lm_complaint complaint;

	KUNIT_EXPECT_EQ(test, compare(pair->source, MEDIA, NULL, 0, &complaint), -ENOMEDIUM);
	KUNIT_EXPECT_EQ(test, complaint.where, 1);
	KUNIT_EXPECT_EQ(test, compare(NULL, 0, pair->here, MEDIA, &complaint), -ENOMEDIUM);
	KUNIT_EXPECT_EQ(test, complaint.where, 1);
}

/* The same medium under another NSID is another disk to the guest. */
static void another_nsid(struct kunit *test)
{
	struct media_pair *pair = same_media(test);
	struct nvme_lm_complaint complaint;

	put_unaligned_le32(0x10003, pair->here[1] + MEDIUM_NSID);
	KUNIT_EXPECT_EQ(test, compare_all(pair, &complaint), -ENOMEDIUM);
	KUNIT_EXPECT_EQ(test, complaint.where, 0x10002);
	put_unaligned_le32(0x10001, pair->here[1] + MEDIUM_NSID);
	KUNIT_EXPECT_EQ(test, compare_all(pair, &complaint), -ENOMEDIUM);
	KUNIT_EXPECT_EQ(test, complaint.where, 0x10001);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(same_media_are_taken),
	KUNIT_CASE_PARAM(one_field_differs, medium_field_gen_params),
	KUNIT_CASE(identifier_on_one_side_only),
	KUNIT_CASE(some_identifier_is_needed),
	KUNIT_CASE(must_be_shared_on_both_sides),
	KUNIT_CASE(one_is_missing),
	KUNIT_CASE(all_are_missing),
	KUNIT_CASE(another_nsid),
	{}
};

static struct kunit_suite suite = {
	.name = "nvme-lm-media",
	.test_cases = cases,
};

kunit_test_suite(suite);
