// SPDX-License-Identifier: GPL-2.0-only
/*
 * Data of Track Send as the device reads it, and data of Track Receive from a
 * device that may say anything.
 */
#include <kunit/test.h>
#include <linux/unaligned.h>

#include "../../drivers/nvme/lm/trackwire.h"

#define CNTLID	0x1234
#define SIZE	(16 + 2 * 16)

/* A report of two runs of 4 KiB granules, both right. */
static void make_report(u8 report[SIZE])
{
	memset(report, 0, SIZE);
	put_unaligned_le16(CNTLID, report + 2);
	put_unaligned_le32(2, report + 4);
	put_unaligned_le64(0x100000000ULL, report + 16);
	put_unaligned_le32(3, report + 24);
	put_unaligned_le64(U64_MAX - 4095, report + 32);
	put_unaligned_le32(1, report + 40);
}

static void ranges_are_written_as_the_reference_says(struct kunit *test)
{
	static const u8 expected[] = {
		0, 0, 0, 2, 2, 0, 0, 0,
		0x00, 0x40, 0, 0, 0x01, 0, 0, 0, 0x03, 0, 0, 0,
		0x00, 0x00, 0, 0, 0x02, 0, 0, 0, 0x01, 0, 0, 0,
	};
	const struct nvme_lm_span spans[] = {
		{ 0x100004000ULL, 0x10000ffffULL },
		{ 0x200000000ULL, 0x200003fffULL },
	};
	u8 data[sizeof(expected)];

	nvme_lm_encode_ranges(data, spans, 2, 14, false);
	KUNIT_EXPECT_MEMEQ(test, data, expected, sizeof(expected));
}

static void a_long_range_is_split(struct kunit *test)
{
	const struct nvme_lm_span span = { 0, (1ULL << 44) - 1 };
	u8 data[8 + 2 * 12];

	nvme_lm_encode_ranges(data, &span, 1, 12, false);
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(data + 4), 2U);
	KUNIT_EXPECT_EQ(test, get_unaligned_le64(data + 8), 0ULL);
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(data + 16), U32_MAX);
	KUNIT_EXPECT_EQ(test, get_unaligned_le64(data + 20),
			(1ULL << 44) - 4096);
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(data + 28), 1U);
}

static void lengths_are_powers_of_two_where_they_have_to_be(struct kunit *test)
{
	const struct nvme_lm_span span = { 0x100000, 0x10cfff };
	u8 data[8 + 3 * 12];

	nvme_lm_encode_ranges(data, &span, 1, 12, true);
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(data + 4), 3U);
	KUNIT_EXPECT_EQ(test, get_unaligned_le64(data + 8), 0x100000ULL);
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(data + 16), 8U);
	KUNIT_EXPECT_EQ(test, get_unaligned_le64(data + 20), 0x108000ULL);
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(data + 28), 4U);
	KUNIT_EXPECT_EQ(test, get_unaligned_le64(data + 32), 0x10c000ULL);
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(data + 40), 1U);
}

/* MRTG has 16 bits, and its upper ones are no granularity to believe in. */
static void what_could_be_tracked_is_read(struct kunit *test)
{
	u8 shift;

	KUNIT_ASSERT_EQ(test, nvme_lm_decode_possible(0xabcd0003, &shift), 0);
	KUNIT_EXPECT_EQ(test, shift, 15);
	KUNIT_EXPECT_EQ(test, nvme_lm_decode_possible(0x0103, &shift),
			-EREMOTEIO);
}

static void limits_of_a_device_that_tracks(struct kunit *test)
{
	struct nvme_lm_track_limits limits;
	u8 *page = kunit_kzalloc(test, 4096, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, page);
	put_unaligned_le16(300, page + 570);
	page[574] = 1;
	page[575] = 9;
	nvme_lm_decode_track_limits(page, &limits);
	KUNIT_EXPECT_EQ(test, limits.max_ranges, 0U);	/* it does not say so */

	page[576] = 1;
	nvme_lm_decode_track_limits(page, &limits);
	KUNIT_EXPECT_EQ(test, limits.max_ranges, 300U);
	KUNIT_EXPECT_EQ(test, limits.min_shift, 13);
	KUNIT_EXPECT_EQ(test, limits.max_shift, 21);
	KUNIT_EXPECT_FALSE(test, limits.powers);

	page[576] = 5;
	nvme_lm_decode_track_limits(page, &limits);
	KUNIT_EXPECT_EQ(test, limits.max_ranges, 300U);
	KUNIT_EXPECT_TRUE(test, limits.powers);
}

static void limits_that_make_no_sense_are_none(struct kunit *test)
{
	struct nvme_lm_track_limits limits;
	u8 *page = kunit_kzalloc(test, 4096, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, page);
	put_unaligned_le16(4, page + 570);
	page[576] = 1;
	page[574] = 5;
	page[575] = 4;
	nvme_lm_decode_track_limits(page, &limits);
	KUNIT_EXPECT_EQ(test, limits.max_ranges, 0U);

	page[574] = 200;
	page[575] = 250;
	nvme_lm_decode_track_limits(page, &limits);
	KUNIT_EXPECT_EQ(test, limits.max_ranges, 0U);

	/* a coarsest one beyond belief is one that is never asked for */
	page[574] = 0;
	nvme_lm_decode_track_limits(page, &limits);
	KUNIT_EXPECT_EQ(test, limits.max_ranges, 4U);
	KUNIT_EXPECT_LE(test, limits.max_shift, 40);
}

static void a_good_report_is_read(struct kunit *test)
{
	struct nvme_lm_changes changes;
	struct nvme_lm_span span;
	u8 report[SIZE];

	make_report(report);
	report[1] = 3;		/* more, of a function that is suspended */
	KUNIT_ASSERT_EQ(test, nvme_lm_decode_changes(report, SIZE, CNTLID,
						     &changes), 0);
	KUNIT_EXPECT_EQ(test, changes.count, 2U);
	KUNIT_EXPECT_TRUE(test, changes.more);
	KUNIT_ASSERT_EQ(test, nvme_lm_decode_change(report, &changes, 0, &span),
			0);
	KUNIT_EXPECT_EQ(test, span.first, 0x100000000ULL);
	KUNIT_EXPECT_EQ(test, span.last, 0x100002fffULL);
	KUNIT_ASSERT_EQ(test, nvme_lm_decode_change(report, &changes, 1, &span),
			0);
	KUNIT_EXPECT_EQ(test, span.last, U64_MAX);

	report[1] = 2;
	KUNIT_ASSERT_EQ(test, nvme_lm_decode_changes(report, SIZE, CNTLID,
						     &changes), 0);
	KUNIT_EXPECT_FALSE(test, changes.more);
}

static void a_report_of_one_dword_says_nothing(struct kunit *test)
{
	u8 report[SIZE];

	nvme_lm_blank_changes(report);
	KUNIT_EXPECT_TRUE(test, nvme_lm_changes_unsaid(report));
	put_unaligned_le32(0, report);
	KUNIT_EXPECT_TRUE(test, nvme_lm_changes_unsaid(report));
	put_unaligned_le32(0, report + 4);
	KUNIT_EXPECT_FALSE(test, nvme_lm_changes_unsaid(report));
	make_report(report);
	KUNIT_EXPECT_FALSE(test, nvme_lm_changes_unsaid(report));
}

static void expect_bad(struct kunit *test, const u8 *report, const char *what)
{
	struct nvme_lm_changes changes;

	KUNIT_EXPECT_EQ_MSG(test, nvme_lm_decode_changes(report, SIZE, CNTLID,
							 &changes),
			    -EREMOTEIO, "%s", what);
}

static void a_bad_header_is_refused(struct kunit *test)
{
	u8 report[SIZE];

	make_report(report);
	report[0] = 1;
	expect_bad(test, report, "another version");
	make_report(report);
	report[2]++;
	expect_bad(test, report, "another controller");
	make_report(report);
	put_unaligned_le32(3, report + 4);
	expect_bad(test, report, "more runs than data");
	put_unaligned_le32(U32_MAX, report + 4);
	expect_bad(test, report, "as many runs as can be said");
	make_report(report);
	put_unaligned_le32(0, report + 4);
	report[1] = 1;
	expect_bad(test, report, "none, and yet more");
	make_report(report);
	put_unaligned_le16(U16_MAX, report + 8);
	expect_bad(test, report, "a granularity beyond all addresses");
}

static void a_bad_run_is_refused(struct kunit *test)
{
	struct nvme_lm_changes changes = { .count = 2, .shift = 12 };
	struct nvme_lm_span span;
	u8 report[SIZE];

	make_report(report);
	put_unaligned_le32(0, report + 24);
	KUNIT_EXPECT_EQ(test, nvme_lm_decode_change(report, &changes, 0, &span),
			-EREMOTEIO);
	put_unaligned_le32(2, report + 40);
	KUNIT_EXPECT_EQ(test, nvme_lm_decode_change(report, &changes, 1, &span),
			-EREMOTEIO);
	changes.shift = 40;
	put_unaligned_le32(U32_MAX, report + 24);
	KUNIT_EXPECT_EQ(test, nvme_lm_decode_change(report, &changes, 0, &span),
			-EREMOTEIO);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(ranges_are_written_as_the_reference_says),
	KUNIT_CASE(a_long_range_is_split),
	KUNIT_CASE(lengths_are_powers_of_two_where_they_have_to_be),
	KUNIT_CASE(what_could_be_tracked_is_read),
	KUNIT_CASE(limits_of_a_device_that_tracks),
	KUNIT_CASE(limits_that_make_no_sense_are_none),
	KUNIT_CASE(a_good_report_is_read),
	KUNIT_CASE(a_report_of_one_dword_says_nothing),
	KUNIT_CASE(a_bad_header_is_refused),
	KUNIT_CASE(a_bad_run_is_refused),
	{}
};

static struct kunit_suite suite = {
	.name = "nvme-lm-trackwire",
	.test_cases = cases,
};

kunit_test_suite(suite);
