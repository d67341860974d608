// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the device says of its controllers and of the state they have: decoded
 * at the right offsets, and not believed where it cannot be.
 *
 * Offsets follow the NVM Express Base Specification 2.1.  Every page is exactly
 * as large as the device's, so that KASAN sees a read beyond it.
 */
#include <kunit/test.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "../../drivers/nvme/lm/wire.h"

#define PAGE		4096

/* A page on which every byte differs from its neighbours. */
static u8 *noise(struct kunit *test)
{
	u8 *page = kunit_kzalloc(test, PAGE, GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, page);
	for (i = 0; i < PAGE; i++)
		page[i] = i * 7 + (i >> 8) + 1;
	return page;
}

static u8 *zeroes(struct kunit *test)
{
	u8 *page = kunit_kzalloc(test, PAGE, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, page);
	return page;
}

/* Identify Controller: CNTLID at 79:78; OACS at 257:256, bit 11 is HMLMS. */
static void controller(struct kunit *test)
{
	struct nvme_lm_controller_id id;
	u8 *page = noise(test);
	unsigned int bit;

	put_unaligned_le16(0xa55a, page + 78);
	for (bit = 0; bit < 16; bit++) {
		put_unaligned_le16(1 << bit, page + 256);
		nvme_lm_decode_controller(page, &id);
		KUNIT_EXPECT_EQ_MSG(test, id.migrates, bit == 11, "OACS bit %u", bit);
		put_unaligned_le16(~(1 << bit), page + 256);
		nvme_lm_decode_controller(page, &id);
		KUNIT_EXPECT_EQ_MSG(test, id.migrates, bit != 11, "OACS without bit %u", bit);
		KUNIT_EXPECT_EQ(test, id.cntlid, 0xa55a);
	}
}

/* SN 23:04, MN 63:24, FR 71:64, SUBNQN 1023:768; the rest is not touched. */
static void subsystem(struct kunit *test)
{
	struct nvme_lm_identity *id = kunit_kzalloc(test, sizeof(*id), GFP_KERNEL);
	u8 *page = noise(test);
	u8 *bytes = (u8 *)id;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, id);
	memset(id, 0x11, sizeof(*id));
	nvme_lm_decode_subsystem(page, id);
	KUNIT_EXPECT_MEMEQ(test, bytes + 32, page + 4, 20);
	KUNIT_EXPECT_MEMEQ(test, bytes + 52, page + 24, 40);
	KUNIT_EXPECT_MEMEQ(test, bytes + 92, page + 64, 8);
	KUNIT_EXPECT_MEMEQ(test, bytes + 104, page + 768, 256);
	for (i = 0; i < 32; i++)
		KUNIT_EXPECT_EQ(test, bytes[i], 0x11);
}

/* NUMID is byte 0; 127 entries of 32 bytes fill the page. */
static void secondary_count(struct kunit *test)
{
	u8 *page = noise(test);
	unsigned int count;

	for (count = 0; count < 256; count++) {
		page[0] = count;
		KUNIT_EXPECT_EQ_MSG(test, nvme_lm_secondary_count(page),
				    count <= 127 ? count : -EREMOTEIO, "NUMID %u", count);
	}
}

/* SCID 1:0, PCID 3:2, SCS 4 (bit 0 online), VFN 9:8, NVQ 11:10, NVI 13:12. */
static void secondary_entries(struct kunit *test)
{
	struct nvme_lm_secondary s;
	u8 *page = noise(test);
	unsigned int i;

	for (i = 0; i < 127; i++) {
		u8 *entry = page + 32 + 32 * i;

		put_unaligned_le16(0x0102 + i, entry);
		put_unaligned_le16(0x0304 + i, entry + 2);
		entry[4] = i & 1 ? 0x01 : 0xfe;
		put_unaligned_le16(0x0506 + i, entry + 8);
		put_unaligned_le16(0x0708 + i, entry + 10);
		put_unaligned_le16(0x090a + i, entry + 12);
	}
	for (i = 0; i < 127; i++) {
		nvme_lm_decode_secondary(page, i, &s);
		KUNIT_EXPECT_EQ(test, s.cntlid, 0x0102 + i);
		KUNIT_EXPECT_EQ(test, s.primary, 0x0304 + i);
		KUNIT_EXPECT_EQ_MSG(test, s.online, i & 1, "entry %u", i);
		KUNIT_EXPECT_EQ(test, s.vfn, 0x0506 + i);
		KUNIT_EXPECT_EQ(test, s.nvq, 0x0708 + i);
		KUNIT_EXPECT_EQ(test, s.nvi, 0x090a + i);
	}
}

/* NV byte 0, NUUID byte 1, versions from byte 2, 16-byte UUIDs after them. */
static void format_list_bounds(struct kunit *test)
{
	struct nvme_lm_format_list list;
	u8 *page = noise(test);
	unsigned int versions, uuids;

	for (versions = 0; versions < 256; versions++) {
		for (uuids = 0; uuids < 256; uuids++) {
			bool fits = (versions || uuids) &&
				    2 + 2 * versions + 16 * uuids <= PAGE &&
				    (versions ?: 1) * (uuids ?: 1) <= 1024;

			page[0] = versions;
			page[1] = uuids;
			KUNIT_ASSERT_EQ_MSG(test, nvme_lm_decode_format_list(page, &list),
					    fits ? 0 : -EREMOTEIO, "NV %u, NUUID %u", versions,
					    uuids);
			if (!fits)
				continue;
			KUNIT_ASSERT_EQ(test, list.versions, versions);
			KUNIT_ASSERT_EQ(test, list.uuids, uuids);
		}
	}
}

static void formats_without_uuid(struct kunit *test)
{
	static const u8 list_bytes[] = { 3, 0, 0x00, 0x00, 0x34, 0x12, 0x01, 0x80 };
	static const u16 versions[] = { 0x0000, 0x1234, 0x8001 };
	struct nvme_lm_format_list list;
	struct nvme_lm_format format;
	u8 *page = noise(test);
	u8 *bytes = (u8 *)&format;
	u8 csvi, csuuidi;
	unsigned int i;

	memcpy(page, list_bytes, sizeof(list_bytes));
	KUNIT_ASSERT_EQ(test, nvme_lm_decode_format_list(page, &list), 0);
	KUNIT_ASSERT_EQ(test, nvme_lm_format_count(&list), 3);
	for (i = 0; i < 3; i++) {
		nvme_lm_format_selectors(&list, i, &csvi, &csuuidi);
		KUNIT_EXPECT_EQ(test, csvi, i + 1);
		KUNIT_EXPECT_EQ(test, csuuidi, 0);
		nvme_lm_decode_format(page, &list, i, &format);
		KUNIT_EXPECT_EQ(test, get_unaligned_le16(bytes), versions[i]);
		KUNIT_EXPECT_NULL(test, memchr_inv(bytes + 2, 0, 30));
	}
}

/* A device may have all of its state in vendor specific data. */
static void formats_without_versions(struct kunit *test)
{
	struct nvme_lm_format_list list;
	struct nvme_lm_format format;
	u8 *page = noise(test);
	u8 *bytes = (u8 *)&format;
	u8 csvi, csuuidi;
	unsigned int i;

	page[0] = 0;
	page[1] = 2;
	KUNIT_ASSERT_EQ(test, nvme_lm_decode_format_list(page, &list), 0);
	KUNIT_ASSERT_EQ(test, nvme_lm_format_count(&list), 2);
	for (i = 0; i < 2; i++) {
		nvme_lm_format_selectors(&list, i, &csvi, &csuuidi);
		KUNIT_EXPECT_EQ(test, csvi, 0);
		KUNIT_EXPECT_EQ(test, csuuidi, i + 1);
		nvme_lm_decode_format(page, &list, i, &format);
		KUNIT_EXPECT_EQ(test, get_unaligned_le16(bytes), 0xffff);
		KUNIT_EXPECT_MEMEQ(test, bytes + 16, page + 2 + 16 * i, 16);
	}
}

/* Each pair of version and UUID is there once, and its selectors name it. */
static void formats_with_uuids(struct kunit *test)
{
	struct nvme_lm_format_list list;
	struct nvme_lm_format format;
	u8 *page = noise(test);
	u8 *bytes = (u8 *)&format;
	bool seen[5][4] = {};
	u8 csvi, csuuidi;
	unsigned int i;

	page[0] = 5;
	page[1] = 4;
	KUNIT_ASSERT_EQ(test, nvme_lm_decode_format_list(page, &list), 0);
	KUNIT_ASSERT_EQ(test, nvme_lm_format_count(&list), 20);
	for (i = 0; i < 20; i++) {
		nvme_lm_format_selectors(&list, i, &csvi, &csuuidi);
		KUNIT_ASSERT_TRUE(test, csvi >= 1 && csvi <= 5);
		KUNIT_ASSERT_TRUE(test, csuuidi >= 1 && csuuidi <= 4);
		KUNIT_EXPECT_FALSE(test, seen[csvi - 1][csuuidi - 1]);
		seen[csvi - 1][csuuidi - 1] = true;
		if (!i)
			KUNIT_EXPECT_EQ(test, csvi * 16 + csuuidi, 0x11);
		nvme_lm_decode_format(page, &list, i, &format);
		KUNIT_EXPECT_MEMEQ(test, bytes, page + 2 * csvi, 2);
		KUNIT_EXPECT_NULL(test, memchr_inv(bytes + 2, 0, 14));
		KUNIT_EXPECT_MEMEQ(test, bytes + 16, page + 12 + 16 * (csuuidi - 1), 16);
	}
}

/* The longest list that is taken ends with its last UUID, 6 bytes before the page. */
static void last_format_of_the_longest_list(struct kunit *test)
{
	struct nvme_lm_format_list list;
	struct nvme_lm_format format;
	u8 *page = noise(test);

	page[0] = 4;
	page[1] = 255;
	KUNIT_ASSERT_EQ(test, nvme_lm_decode_format_list(page, &list), 0);
	KUNIT_ASSERT_EQ(test, nvme_lm_format_count(&list), 4 * 255);
	nvme_lm_decode_format(page, &list, 4 * 255 - 1, &format);
	KUNIT_EXPECT_MEMEQ(test, (u8 *)&format, page + 8, 2);
	KUNIT_EXPECT_MEMEQ(test, (u8 *)&format + 16, page + PAGE - 22, 16);
}

/* All of these fit the page; 1024 formats are taken, one more is not. */
static void format_count_bounds(struct kunit *test)
{
	static const struct {
		u8 versions, uuids;
		int ret;
	} cases[] = {
		{ 0, 0, -EREMOTEIO },
		{ 0, 255, 0 },
		{ 255, 0, 0 },
		{ 255, 1, 0 },
		{ 255, 4, 0 },
		{ 255, 5, -EREMOTEIO },
		{ 32, 32, 0 },
		{ 41, 25, -EREMOTEIO },	/* 1025 */
		{ 25, 41, -EREMOTEIO },
		{ 5, 255, -EREMOTEIO },
		{ 255, 224, -EREMOTEIO },	/* to the last byte of the page */
	};
	struct nvme_lm_format_list list;
	u8 *page = noise(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		page[0] = cases[i].versions;
		page[1] = cases[i].uuids;
		KUNIT_EXPECT_EQ_MSG(test, nvme_lm_decode_format_list(page, &list), cases[i].ret,
				    "NV %u, NUUID %u", page[0], page[1]);
	}
}

struct state_size {
	const char *name;
	u64 nvmecss, nvmecss_high, vss, vss_high, max;
	u64 size;	/* 0: not believed */
};

#define TIB		0x10000000000ULL

/* Dwords at 31:16 and 47:32 of the Controller State, after 48 bytes of header. */
static const struct state_size state_sizes[] = {
	{ "nothing", 0, 0, 0, 0, TIB, 48 },
	{ "no queue", 2, 0, 0, 0, TIB, 56 },
	{ "64 queue pairs", 770, 0, 0, 0, TIB, 3128 },
	{ "128 queue pairs", 1538, 0, 0, 0, TIB, 6200 },
	{ "vendor specific only", 0, 0, 1, 0, TIB, 52 },
	{ "both", 770, 0, 4096, 0, TIB, 3128 + 16384 },
	{ "4 GiB", 770, 0, 1ULL << 30, 0, TIB, 3128 + (4ULL << 30) },
	{ "all that is accepted", 13, 0, 12, 0, 148, 148 },
	{ "a dword more", 13, 0, 13, 0, 148, 0 },
	{ "a dword more, in the other", 14, 0, 12, 0, 148, 0 },
	{ "less accepted than a header", 0, 0, 0, 0, 44, 0 },
	{ "NVMECSS of 2^64", 0, 1, 0, 0, TIB, 0 },
	{ "VSS of 2^64", 0, 0, 0, 1, TIB, 0 },
	{ "NVMECSS of 2^127", 0, 1ULL << 63, 0, 0, TIB, 0 },
	{ "VSS of 2^127", 0, 0, 0, 1ULL << 63, TIB, 0 },
	{ "NVMECSS whose bytes wrap", 1ULL << 62, 0, 0, 0, TIB, 0 },
	{ "VSS whose bytes wrap", 0, 0, 1ULL << 62, 0, TIB, 0 },
	{ "sum that wraps", 1ULL << 63, 0, 1ULL << 63, 0, TIB, 0 },
	{ "sum whose bytes wrap", 1ULL << 61, 0, 1ULL << 61, 0, U64_MAX, 0 },
	{ "all ones", U64_MAX, U64_MAX, U64_MAX, U64_MAX, TIB, 0 },
	{ "all ones below 2^64", U64_MAX, 0, U64_MAX, 0, TIB, 0 },
};

KUNIT_ARRAY_PARAM_DESC(state_size, state_sizes, name);

static void state_size(struct kunit *test)
{
	const struct state_size *param = test->param_value;
	u8 *header = kunit_kzalloc(test, 48, GFP_KERNEL);
	u64 size = 0;
	int ret;

	KUNIT_ASSERT_NOT_NULL(test, header);
	memset(header + 2, 0xff, 14);
	put_unaligned_le64(param->nvmecss, header + 16);
	put_unaligned_le64(param->nvmecss_high, header + 24);
	put_unaligned_le64(param->vss, header + 32);
	put_unaligned_le64(param->vss_high, header + 40);
	ret = nvme_lm_decode_state_size(header, param->max, &size);
	KUNIT_EXPECT_EQ(test, ret, param->size ? 0 : -EREMOTEIO);
	if (param->size)
		KUNIT_EXPECT_EQ(test, size, param->size);
}

/* VER at 1:0: what another version has where, nobody knows. */
static void state_of_another_version(struct kunit *test)
{
	u8 *header = kunit_kzalloc(test, 48, GFP_KERNEL);
	u64 size;

	KUNIT_ASSERT_NOT_NULL(test, header);
	put_unaligned_le64(2, header + 16);
	KUNIT_EXPECT_EQ(test, nvme_lm_decode_state_size(header, TIB, &size), 0);
	header[0] = 1;
	KUNIT_EXPECT_EQ(test, nvme_lm_decode_state_size(header, TIB, &size), -EREMOTEIO);
	header[0] = 0;
	header[1] = 0x80;
	KUNIT_EXPECT_EQ(test, nvme_lm_decode_state_size(header, TIB, &size), -EREMOTEIO);
}

/* Controller List: count at 1:0, at most 2047 CNTLIDs from byte 2 on. */
static void controller_list(struct kunit *test)
{
	u8 *page = zeroes(test);
	unsigned int count, i;
	bool found;

	for (i = 0; i < 2047; i++)
		put_unaligned_le16(0x1001 + i, page + 2 + 2 * i);
	for (count = 0; count <= 2047; count += count < 4 ? 1 : 227) {
		put_unaligned_le16(count, page);
		for (i = 0; i < 2047; i++) {
			found = i >= count;
			KUNIT_ASSERT_EQ(test, nvme_lm_list_has_controller(page, 0x1001 + i,
									  &found), 0);
			KUNIT_ASSERT_EQ_MSG(test, found, i < count, "entry %u of %u", i, count);
		}
	}
	put_unaligned_le16(2047, page);
	KUNIT_EXPECT_EQ(test, nvme_lm_list_has_controller(page, 0x1001 + 2046, &found), 0);
	KUNIT_EXPECT_TRUE(test, found);
	KUNIT_EXPECT_EQ(test, nvme_lm_list_has_controller(page, 2047, &found), 0);
	KUNIT_EXPECT_FALSE(test, found);
	for (count = 2048; count < 0x10000; count += 2047) {
		put_unaligned_le16(count, page);
		KUNIT_EXPECT_EQ(test, nvme_lm_list_has_controller(page, 0x1001, &found),
				-EREMOTEIO);
	}
}

static void namespace_list(struct kunit *test)
{
	u8 *page = zeroes(test);
	unsigned int i;

	for (i = 0; i < 1024; i++)
		put_unaligned_le32(0x01020304 + i * 0x01000001, page + 4 * i);
	for (i = 0; i < 1024; i++)
		KUNIT_EXPECT_EQ(test, nvme_lm_decode_nsid(page, i), 0x01020304 + i * 0x01000001);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(controller),
	KUNIT_CASE(subsystem),
	KUNIT_CASE(secondary_count),
	KUNIT_CASE(secondary_entries),
	KUNIT_CASE(format_list_bounds),
	KUNIT_CASE(formats_without_uuid),
	KUNIT_CASE(formats_without_versions),
	KUNIT_CASE(formats_with_uuids),
	KUNIT_CASE(last_format_of_the_longest_list),
	KUNIT_CASE(format_count_bounds),
	KUNIT_CASE_PARAM(state_size, state_size_gen_params),
	KUNIT_CASE(state_of_another_version),
	KUNIT_CASE(controller_list),
	KUNIT_CASE(namespace_list),
	{}
};

static struct kunit_suite suite = {
	.name = "nvme-lm-wire",
	.test_cases = cases,
};

kunit_test_suite(suite);
