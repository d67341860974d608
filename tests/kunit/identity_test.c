// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which function may take the state of which other: identity and state format.
 *
 * The records are bytes with the offsets of <uapi/linux/nvme-lm.h>, so that a
 * field which is compared at a wrong place shows.
 */
#include <kunit/test.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "../../drivers/vfio/pci/nvme/compare.h"
#include "raw_stream.h"

#define IDENTITY_NVQ	14
#define IDENTITY_NVI	16

struct pair {
	u8 source[RAW_IDENTITY_SIZE];
	u8 here[RAW_IDENTITY_SIZE];
};

static struct pair *same_identity(struct kunit *test)
{
	struct pair *pair = kunit_kzalloc(test, sizeof(*pair), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, pair);
	for (i = 0; i < sizeof(pair->source); i++)
		pair->source[i] = 1 + i % 200;
	memset(pair->source + 18, 0, 14);
	memset(pair->source + 100, 0, 4);
	memcpy(pair->here, pair->source, sizeof(pair->here));
	return pair;
}

static int compare(struct pair *pair, struct nvme_lm_complaint *complaint)
{
	memset(complaint, 0, sizeof(*complaint));
	return nvme_lm_compare_identity((struct nvme_lm_identity *)pair->source,
					(struct nvme_lm_identity *)pair->here, complaint);
}

static void same_function_is_taken(struct kunit *test)
{
	struct pair *pair = same_identity(test);
	struct nvme_lm_complaint complaint;

	KUNIT_EXPECT_EQ(test, compare(pair, &complaint), 0);
	KUNIT_EXPECT_NULL(test, complaint.what);
}

struct identity_field {
	const char *name;
	unsigned int at, len;
	int error;
};

static const struct identity_field identity_fields[] = {
	{ "vid", 0, 2, -EXDEV },
	{ "did", 2, 2, -EXDEV },
	{ "ssvid", 4, 2, -EXDEV },
	{ "ssid", 6, 2, -EXDEV },
	{ "class_code", 8, 3, -EXDEV },
	{ "cntlid", 12, 2, 0 },
	{ "sn", 32, 20, -EXDEV },
	{ "mn", 52, 40, -EXDEV },
	{ "fr", 92, 8, -EXDEV },
	{ "subnqn", 104, 256, -EXDEV },
};

KUNIT_ARRAY_PARAM_DESC(identity_field, identity_fields, name);

/* Each bit of the field differs alone. */
static void one_field_differs(struct kunit *test)
{
	const struct identity_field *field = test->param_value;
	struct pair *pair = same_identity(test);
	struct nvme_lm_complaint complaint;
	unsigned int bit;

	for (bit = 0; bit < field->len * 8; bit++) {
		u8 *byte = pair->here + field->at + bit / 8;

		*byte ^= 1 << bit % 8;
		KUNIT_EXPECT_EQ_MSG(test, compare(pair, &complaint), field->error,
				    "bit %u of byte %u", bit % 8, bit / 8);
		KUNIT_EXPECT_EQ(test, !!complaint.what, !!field->error);
		if (field->error)
			KUNIT_EXPECT_NE(test, complaint.expected, complaint.found);
		*byte ^= 1 << bit % 8;
	}
}

static void resources_may_only_grow(struct kunit *test)
{
	static const unsigned int at[] = { IDENTITY_NVQ, IDENTITY_NVI };
	static const struct {
		u16 source, here;
		int error;
	} cases[] = {
		{ 8, 8, 0 }, { 8, 9, 0 }, { 8, 7, -EXDEV }, { 0, 0, 0 }, { 0, 1, 0 },
		{ 1, 0, -EXDEV }, { 0x0100, 0x00ff, -EXDEV }, { 0x00ff, 0x0100, 0 },
		{ 0xffff, 0xffff, 0 }, { 0xffff, 0x7fff, -EXDEV }, { 0x7fff, 0xffff, 0 },
	};
	struct pair *pair = same_identity(test);
	struct nvme_lm_complaint complaint;
	size_t i, field;

	for (field = 0; field < ARRAY_SIZE(at); field++) {
		for (i = 0; i < ARRAY_SIZE(cases); i++) {
			put_unaligned_le16(cases[i].source, pair->source + at[field]);
			put_unaligned_le16(cases[i].here, pair->here + at[field]);
			KUNIT_EXPECT_EQ_MSG(test, compare(pair, &complaint), cases[i].error,
					    "byte %u, source %u, here %u", at[field],
					    cases[i].source, cases[i].here);
			if (!cases[i].error)
				continue;
			KUNIT_EXPECT_EQ(test, complaint.expected, cases[i].source);
			KUNIT_EXPECT_EQ(test, complaint.found, cases[i].here);
		}
		memcpy(pair->here, pair->source, sizeof(pair->here));
	}
}

#define FORMATS		3

/* Formats that differ in the version only, in the UUID only, and in both. */
static void fill_formats(u8 formats[FORMATS][RAW_FORMAT_SIZE])
{
	memset(formats, 0, FORMATS * RAW_FORMAT_SIZE);
	put_unaligned_le16(0x0102, formats[1]);
	put_unaligned_le16(0x0102, formats[2]);
	memset(formats[2] + 16, 0xab, 16);
}

static int pick(const u8 *source, u8 formats[FORMATS][RAW_FORMAT_SIZE], unsigned int count,
		struct nvme_lm_complaint *complaint)
{
	memset(complaint, 0, sizeof(*complaint));
	return nvme_lm_compare_format((const struct nvme_lm_format *)source,
				      (const struct nvme_lm_format *)formats, count, complaint);
}

static void format_is_found(struct kunit *test)
{
	u8 formats[FORMATS][RAW_FORMAT_SIZE];
	struct nvme_lm_complaint complaint;
	int i;

	fill_formats(formats);
	for (i = 0; i < FORMATS; i++)
		KUNIT_EXPECT_EQ(test, pick(formats[i], formats, FORMATS, &complaint), i);
	KUNIT_EXPECT_NULL(test, complaint.what);
}

static void format_is_not_found(struct kunit *test)
{
	u8 formats[FORMATS][RAW_FORMAT_SIZE], source[RAW_FORMAT_SIZE];
	struct nvme_lm_complaint complaint;
	unsigned int bit;

	fill_formats(formats);
	for (bit = 0; bit < RAW_FORMAT_SIZE * 8; bit++) {
		if (bit / 8 >= 2 && bit / 8 < 16)
			continue;	/* reserved: the codec refuses it */
		memcpy(source, formats[2], sizeof(source));
		source[bit / 8] ^= 1 << bit % 8;
		KUNIT_EXPECT_EQ_MSG(test, pick(source, formats, FORMATS, &complaint),
				    -EOPNOTSUPP, "bit %u of byte %u", bit % 8, bit / 8);
		KUNIT_EXPECT_NOT_NULL(test, complaint.what);
	}
	KUNIT_EXPECT_EQ(test, pick(formats[2], formats, 2, &complaint), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, pick(formats[0], formats, 0, &complaint), -EOPNOTSUPP);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(same_function_is_taken),
	KUNIT_CASE_PARAM(one_field_differs, identity_field_gen_params),
	KUNIT_CASE(resources_may_only_grow),
	KUNIT_CASE(format_is_found),
	KUNIT_CASE(format_is_not_found),
	{}
};

static struct kunit_suite suite = {
	.name = "nvme-lm-identity",
	.test_cases = cases,
};

kunit_test_suite(suite);
