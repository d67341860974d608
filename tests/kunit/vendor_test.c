// SPDX-License-Identifier: GPL-2.0-only
/*
 * The vendor command set IPU byte by byte, and the registers of a control page.
 *
 * IPU: vf_index is bytes 41:40 of the command, size bytes 47:44, all little-endian.
 * Page: STATUS has STOPPED in bit 1 and ERROR in bits 15:8.
 */
#include <kunit/test.h>
#include <linux/string.h>

#include "../../drivers/nvme/lm/ipuwire.h"
#include "../../drivers/nvme/lm/pageregs.h"

static void expect_bytes(struct kunit *test, struct nvme_lm_cmd cmd, u8 opcode, u32 size)
{
	u8 expected[64] = {
		[0] = opcode,
		[40] = 0xcd, [41] = 0xab,
		[44] = size, [45] = size >> 8, [46] = size >> 16, [47] = size >> 24,
	};
	__le32 sqe[16];

	nvme_lm_cmd_encode(&cmd, sqe);
	KUNIT_EXPECT_MEMEQ(test, (u8 *)sqe, expected, sizeof(expected));
}

static void ipu_commands(struct kunit *test)
{
	expect_bytes(test, nvme_lm_ipu_query(0xabcd), 0xc4, 0);
	expect_bytes(test, nvme_lm_ipu_suspend(0xabcd), 0xc8, 0);
	expect_bytes(test, nvme_lm_ipu_resume(0xabcd), 0xcc, 0);
	expect_bytes(test, nvme_lm_ipu_save(0xabcd), 0xd2, 0);
	expect_bytes(test, nvme_lm_ipu_load(0xabcd, 0x12345678), 0xd5, 0x12345678);
}

static void ipu_sizes(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, nvme_lm_ipu_check_size(0), -EREMOTEIO);
	KUNIT_EXPECT_EQ(test, nvme_lm_ipu_check_size(4), 0);
	KUNIT_EXPECT_EQ(test, nvme_lm_ipu_check_size(5), -EREMOTEIO);
	KUNIT_EXPECT_EQ(test, nvme_lm_ipu_check_size(6), -EREMOTEIO);
	KUNIT_EXPECT_EQ(test, nvme_lm_ipu_check_size(262144), 0);
	KUNIT_EXPECT_EQ(test, nvme_lm_ipu_check_size(262148), -EREMOTEIO);
	KUNIT_EXPECT_EQ(test, nvme_lm_ipu_check_size(0xfffffffc), -EREMOTEIO);
}

/* PRP1 is page 0, PRP2 page 64: a list of the others, or the second page of data. */
static void ipu_pages(struct kunit *test)
{
	unsigned int i;

	KUNIT_EXPECT_EQ(test, nvme_lm_ipu_data_page(4, 0), 0);
	KUNIT_EXPECT_EQ(test, nvme_lm_ipu_data_page(4100, 4096), 64);
	KUNIT_EXPECT_EQ(test, nvme_lm_ipu_data_page(8192, 4096), 64);
	KUNIT_EXPECT_EQ(test, nvme_lm_ipu_data_page(8196, 4096), 1);
	KUNIT_EXPECT_EQ(test, nvme_lm_ipu_data_page(8196, 8192), 2);
	KUNIT_EXPECT_EQ(test, nvme_lm_ipu_data_page(262144, 258048), 63);
	for (i = 0; i < 63; i++)
		KUNIT_EXPECT_EQ(test, nvme_lm_ipu_listed(i), i + 1);
	/* more than any state has, and then the same list again */
	for (; i < 511; i++)
		KUNIT_EXPECT_EQ(test, nvme_lm_ipu_listed(i), 65);
	KUNIT_EXPECT_EQ(test, nvme_lm_ipu_listed(511), 64);
}

static void page_errors(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, nvme_lm_page_errno(1, 0x0002), 0);
	KUNIT_EXPECT_EQ(test, nvme_lm_page_errno(2, 0x0000), 0);
	KUNIT_EXPECT_EQ(test, nvme_lm_page_errno(1, 0x0202), -EALREADY);
	KUNIT_EXPECT_EQ(test, nvme_lm_page_errno(2, 0x0200), -EPROTO);
	KUNIT_EXPECT_EQ(test, nvme_lm_page_errno(3, 0x0200), -EPROTO);
	/* stopped, but enabled */
	KUNIT_EXPECT_EQ(test, nvme_lm_page_errno(4, 0x0202), -EREMOTEIO);
	KUNIT_EXPECT_EQ(test, nvme_lm_page_errno(3, 0x0302), -ENOSPC);
	KUNIT_EXPECT_EQ(test, nvme_lm_page_errno(4, 0x0402), -EINVAL);
	KUNIT_EXPECT_EQ(test, nvme_lm_page_errno(4, 0x0102), -EREMOTEIO);
	KUNIT_EXPECT_EQ(test, nvme_lm_page_errno(4, 0xff02), -EREMOTEIO);
	KUNIT_EXPECT_EQ(test, nvme_lm_page_errno(1, 0xffffffff), -ENXIO);
}

static void page_known_or_not(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, nvme_lm_page_check(0x5043484e, 1, 65536), 0);
	KUNIT_EXPECT_EQ(test, nvme_lm_page_check(0x5043484e, 1, 2048), 0);
	KUNIT_EXPECT_EQ(test, nvme_lm_page_check(0x5043484f, 1, 65536), -EREMOTEIO);
	KUNIT_EXPECT_EQ(test, nvme_lm_page_check(0x5043484e, 0, 65536), -EREMOTEIO);
	KUNIT_EXPECT_EQ(test, nvme_lm_page_check(0x5043484e, 2, 65536), -EREMOTEIO);
	KUNIT_EXPECT_EQ(test, nvme_lm_page_check(0x5043484e, 1, 0), -EREMOTEIO);
	KUNIT_EXPECT_EQ(test, nvme_lm_page_check(0x5043484e, 1, 2052), -EREMOTEIO);
	KUNIT_EXPECT_EQ(test, nvme_lm_page_check(0x5043484e, 1, 0xfffff800), -EREMOTEIO);
	KUNIT_EXPECT_EQ(test, nvme_lm_page_check(0xffffffff, 0xffffffff, 0xffffffff), -ENXIO);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(ipu_commands),
	KUNIT_CASE(ipu_sizes),
	KUNIT_CASE(ipu_pages),
	KUNIT_CASE(page_errors),
	KUNIT_CASE(page_known_or_not),
	{}
};

static struct kunit_suite suite = {
	.name = "nvme-lm-vendor",
	.test_cases = cases,
};

kunit_test_suite(suite);
