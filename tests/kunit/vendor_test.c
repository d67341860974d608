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
	KUNIT_EXPECT_EQ(test, nvme_lm_ipu_check_size(0, 262144), -EREMOTEIO);
	KUNIT_EXPECT_EQ(test, nvme_lm_ipu_check_size(4, 262144), 0);
	KUNIT_EXPECT_EQ(test, nvme_lm_ipu_check_size(5, 262144), -EREMOTEIO);
	KUNIT_EXPECT_EQ(test, nvme_lm_ipu_check_size(6, 262144), -EREMOTEIO);
	KUNIT_EXPECT_EQ(test, nvme_lm_ipu_check_size(262144, 262144), 0);
	KUNIT_EXPECT_EQ(test, nvme_lm_ipu_check_size(262148, 1 << 20), -EREMOTEIO);
	KUNIT_EXPECT_EQ(test, nvme_lm_ipu_check_size(0xfffffffc, 1 << 20), -EREMOTEIO);
	/* no error of the device: the queue does not move as much */
	KUNIT_EXPECT_EQ(test, nvme_lm_ipu_check_size(131072, 131072), 0);
	KUNIT_EXPECT_EQ(test, nvme_lm_ipu_check_size(131076, 131072), -EFBIG);
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
	KUNIT_CASE(page_errors),
	KUNIT_CASE(page_known_or_not),
	{}
};

static struct kunit_suite suite = {
	.name = "nvme-lm-vendor",
	.test_cases = cases,
};

kunit_test_suite(suite);
