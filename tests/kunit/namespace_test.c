// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the device says of a namespace: its size, format and identifiers.
 *
 * Offsets follow the NVM Express Base and NVM Command Set Specifications; the
 * record that is filled in has those of <uapi/linux/nvme-lm.h>.  Every page is
 * exactly as large as the device's, so that KASAN sees a read beyond it.
 */
#include <kunit/test.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "../../drivers/nvme/lm/wire.h"

#define PAGE		4096

/* Identify Namespace. */
#define NSZE		0
#define NLBAF		25
#define FLBAS		26
#define DPS		29
#define NMIC		30
#define MSSRL		74
#define NULBAF		82
#define NGUID		104
#define EUI64		120
#define LBAF(n)		(128 + 4 * (n))

/* struct nvme_lm_medium */
#define MEDIUM_SIZE	64
#define MEDIUM_NSID	0
#define MEDIUM_FLAGS	4
#define MEDIUM_NSZE	8
#define MEDIUM_EUI64	16
#define MEDIUM_NGUID	24
#define MEDIUM_UUID	40
#define MEDIUM_CSI	56
#define MEDIUM_LBADS	57
#define MEDIUM_FLBAS	58
#define MEDIUM_DPS	59
#define MEDIUM_MS	60

/*
 * A namespace with 64 LBA formats in the table, each with its own MS and LBADS.
 * What is no concern of ours is all ones.
 */
static u8 *namespace_page(struct kunit *test)
{
	u8 *page = kunit_kzalloc(test, PAGE, GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, page);
	memset(page, 0xff, PAGE);
	put_unaligned_le64(0x1122334455667788, page + NSZE);
	page[NLBAF] = 0;
	page[NULBAF] = 0;
	page[FLBAS] = 0;
	page[DPS] = 0x0b;
	page[NMIC] = 0;
	for (i = 0; i < 16; i++)
		page[NGUID + i] = 0x30 + i;
	for (i = 0; i < 8; i++)
		page[EUI64 + i] = 0x50 + i;
	for (i = 0; i < 64; i++) {
		put_unaligned_le16(0x0800 + i, page + LBAF(i));
		page[LBAF(i) + 2] = 9 + i;
	}
	return page;
}

static void fields_of_a_namespace(struct kunit *test)
{
	u8 *page = namespace_page(test);
	struct nvme_lm_medium medium;
	u8 *bytes = (u8 *)&medium;

	memset(&medium, 0, sizeof(medium));
	page[FLBAS] = 0x10;	/* bit 4 is not part of the index */
	KUNIT_ASSERT_EQ(test, sizeof(medium), MEDIUM_SIZE);
	KUNIT_ASSERT_EQ(test, nvme_lm_decode_namespace(page, &medium), 0);
	KUNIT_EXPECT_EQ(test, get_unaligned_le64(bytes + MEDIUM_NSZE), 0x1122334455667788);
	KUNIT_EXPECT_MEMEQ(test, bytes + MEDIUM_EUI64, page + EUI64, 8);
	KUNIT_EXPECT_MEMEQ(test, bytes + MEDIUM_NGUID, page + NGUID, 16);
	KUNIT_EXPECT_EQ(test, bytes[MEDIUM_LBADS], 9);
	KUNIT_EXPECT_EQ(test, get_unaligned_le16(bytes + MEDIUM_MS), 0x0800);
	KUNIT_EXPECT_EQ(test, bytes[MEDIUM_FLBAS], 0x10);
	KUNIT_EXPECT_EQ(test, bytes[MEDIUM_DPS], 0x0b);
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(bytes + MEDIUM_FLAGS), 0);
}

/* NMIC bit 0 alone makes a namespace shared. */
static void shared_namespace(struct kunit *test)
{
	u8 *page = namespace_page(test);
	struct nvme_lm_medium medium;
	u8 *bytes = (u8 *)&medium;
	unsigned int nmic;

	for (nmic = 0; nmic < 256; nmic++) {
		memset(&medium, 0, sizeof(medium));
		page[NMIC] = nmic;
		KUNIT_ASSERT_EQ(test, nvme_lm_decode_namespace(page, &medium), 0);
		KUNIT_EXPECT_EQ_MSG(test, get_unaligned_le32(bytes + MEDIUM_FLAGS), nmic & 1,
				    "NMIC %02x", nmic);
	}
}

struct lba_format {
	const char *name;
	u8 nlbaf, nulbaf, flbas;
	int index;	/* -1: no such format */
};

/*
 * NLBAF is 0-based, NULBAF counts formats behind those.  FLBAS bits 3:0 are the
 * index; bits 6:5 are its upper ones where there are more than 16 formats.
 */
static const struct lba_format lba_formats[] = {
	{ "only one", 0, 0, 0x00, 0 },
	{ "beyond the only one", 0, 0, 0x01, -1 },
	{ "last of 8", 7, 0, 0x07, 7 },
	{ "beyond 8", 7, 0, 0x08, -1 },
	{ "metadata in the LBA", 7, 0, 0x13, 3 },
	{ "16 formats have no upper bits", 15, 0, 0x6f, 15 },
	{ "17th format", 16, 0, 0x20, 16 },
	{ "beyond the 17th", 16, 0, 0x21, -1 },
	{ "last of 64", 63, 0, 0x6f, 63 },
	{ "more than there can be", 100, 0, 0x7f, 63 },
	{ "one with a capability of its own", 0, 1, 0x01, 1 },
	{ "17th by one with a capability of its own", 15, 1, 0x20, 16 },
	{ "beyond both", 7, 2, 0x0a, -1 },
	{ "counts whose sum wraps in a byte", 250, 10, 0x6f, 63 },
};

KUNIT_ARRAY_PARAM_DESC(lba_format, lba_formats, name);

static void lba_format(struct kunit *test)
{
	const struct lba_format *param = test->param_value;
	u8 *page = namespace_page(test);
	struct nvme_lm_medium medium;
	u8 *bytes = (u8 *)&medium;

	memset(&medium, 0, sizeof(medium));
	page[NLBAF] = param->nlbaf;
	page[NULBAF] = param->nulbaf;
	page[FLBAS] = param->flbas;
	KUNIT_EXPECT_EQ(test, nvme_lm_decode_namespace(page, &medium),
			param->index < 0 ? -EREMOTEIO : 0);
	if (param->index < 0)
		return;
	KUNIT_EXPECT_EQ(test, bytes[MEDIUM_LBADS], 9 + param->index);
	KUNIT_EXPECT_EQ(test, get_unaligned_le16(bytes + MEDIUM_MS), 0x0800 + param->index);
}

/* Add a descriptor: NIDT byte 0, NIDL byte 1, NID from byte 4 on. */
static u8 *descriptor(u8 *at, u8 nidt, u8 nidl, u8 value)
{
	at[0] = nidt;
	at[1] = nidl;
	at[2] = 0xee;
	at[3] = 0xee;
	memset(at + 4, value, nidl);
	return at + 4 + nidl;
}

static void expect_all(struct kunit *test, const u8 *bytes, size_t len, u8 value)
{
	KUNIT_EXPECT_NULL(test, memchr_inv(bytes, value, len));
}

static void identifiers(struct kunit *test)
{
	u8 *page = kunit_kzalloc(test, PAGE, GFP_KERNEL);
	struct nvme_lm_medium medium;
	u8 *bytes = (u8 *)&medium, *at = page;

	KUNIT_ASSERT_NOT_NULL(test, page);
	memset(&medium, 0, sizeof(medium));
	at = descriptor(at, 3, 16, 0xc3);
	at = descriptor(at, 0x7f, 33, 0x77);	/* of a later specification */
	at = descriptor(at, 1, 8, 0xa1);
	at = descriptor(at, 4, 1, 0x02);
	at = descriptor(at, 2, 16, 0xb2);
	nvme_lm_decode_descriptors(page, &medium);
	expect_all(test, bytes, MEDIUM_EUI64, 0);
	expect_all(test, bytes + MEDIUM_EUI64, 8, 0xa1);
	expect_all(test, bytes + MEDIUM_NGUID, 16, 0xb2);
	expect_all(test, bytes + MEDIUM_UUID, 16, 0xc3);
	KUNIT_EXPECT_EQ(test, bytes[MEDIUM_CSI], 2);
	expect_all(test, bytes + MEDIUM_LBADS, MEDIUM_SIZE - MEDIUM_LBADS, 0);
}

/* A length that is not that of the type: neither taken nor a stumbling block. */
static void identifiers_of_wrong_length(struct kunit *test)
{
	u8 *page = kunit_kzalloc(test, PAGE, GFP_KERNEL);
	struct nvme_lm_medium medium;
	u8 *bytes = (u8 *)&medium, *at = page;

	KUNIT_ASSERT_NOT_NULL(test, page);
	memset(&medium, 0, sizeof(medium));
	at = descriptor(at, 1, 16, 0x11);
	at = descriptor(at, 1, 7, 0x11);
	at = descriptor(at, 2, 8, 0x22);
	at = descriptor(at, 2, 255, 0x22);
	at = descriptor(at, 3, 17, 0x33);
	at = descriptor(at, 3, 15, 0x33);
	at = descriptor(at, 4, 2, 0x44);
	nvme_lm_decode_descriptors(page, &medium);
	expect_all(test, bytes, MEDIUM_SIZE, 0);
	at = descriptor(at, 3, 16, 0xc3);
	nvme_lm_decode_descriptors(page, &medium);
	expect_all(test, bytes + MEDIUM_UUID, 16, 0xc3);
}

/* NIDL 0 ends the list; what stands behind it are not descriptors. */
static void identifiers_end_at_length_0(struct kunit *test)
{
	u8 *page = kunit_kzalloc(test, PAGE, GFP_KERNEL);
	struct nvme_lm_medium medium;
	u8 *bytes = (u8 *)&medium, *at = page;

	KUNIT_ASSERT_NOT_NULL(test, page);
	memset(&medium, 0, sizeof(medium));
	at = descriptor(at, 1, 8, 0xa1);
	at = descriptor(at, 0, 0, 0);
	descriptor(at, 3, 16, 0xc3);
	nvme_lm_decode_descriptors(page, &medium);
	expect_all(test, bytes + MEDIUM_EUI64, 8, 0xa1);
	expect_all(test, bytes + MEDIUM_UUID, 16, 0);
}

/*
 * Lists up to the last byte: a UUID that ends there is taken, one that would
 * end behind it is not, and a header that does not fit is not read.
 */
static void identifiers_at_the_end_of_the_page(struct kunit *test)
{
	u8 *page = kunit_kzalloc(test, PAGE, GFP_KERNEL);
	unsigned int beyond;

	KUNIT_ASSERT_NOT_NULL(test, page);
	for (beyond = 0; beyond <= 20; beyond++) {
		u8 *last = page + PAGE - 20 + beyond, *at = page;
		struct nvme_lm_medium medium;
		u8 *bytes = (u8 *)&medium;

		memset(page, 0, PAGE);
		memset(&medium, 0, sizeof(medium));
		/* fill up with descriptors of nobody's type, two bytes at the least */
		while (last - at > 2 * 250)
			at = descriptor(at, 0x70, 200, 0x70);
		at = descriptor(at, 0x70, (last - at) / 2 - 4, 0x70);
		at = descriptor(at, 0x70, last - at - 4, 0x70);
		KUNIT_ASSERT_PTR_EQ(test, at, last);
		memset(last, 0xc3, page + PAGE - last);
		if (beyond < 20)
			last[0] = 3;
		if (beyond < 19)
			last[1] = 16;
		nvme_lm_decode_descriptors(page, &medium);
		expect_all(test, bytes + MEDIUM_UUID, 16, beyond ? 0 : 0xc3);
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE(fields_of_a_namespace),
	KUNIT_CASE(shared_namespace),
	KUNIT_CASE_PARAM(lba_format, lba_format_gen_params),
	KUNIT_CASE(identifiers),
	KUNIT_CASE(identifiers_of_wrong_length),
	KUNIT_CASE(identifiers_end_at_length_0),
	KUNIT_CASE(identifiers_at_the_end_of_the_page),
	{}
};

static struct kunit_suite suite = {
	.name = "nvme-lm-namespace",
	.test_cases = cases,
};

kunit_test_suite(suite);
