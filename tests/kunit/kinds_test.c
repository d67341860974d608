// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which command set a controller speaks.
 *
 * OACS is bytes 257:256 of Identify Controller, HMLMS its bit 11.  The vendor
 * command set IPU is for virtual functions 8086:1457 of a controller whose byte
 * 3072 is 1.  Functions with a control page are 1b36:fff0.
 */
#include <kunit/test.h>
#include <linux/string.h>

#include "../../drivers/nvme/lm/kinds.h"

struct kind {
	const char *name;
	u16 vendor;
	u16 vf_device;
	u8 oacs_high;
	u8 byte_3072;
	bool standard;
	bool ipu;
	bool page;
};

static const struct kind kinds[] = {
	{ "nothing at all", 0x1b36, 0x0010 },
	{ "the standard", 0x1b36, 0x0010, 0x08, 0, true },
	{ "the standard's neighbours", 0x1b36, 0x0010, 0xf7, 0 },
	{ "the standard on IPU", 0x8086, 0x1457, 0x08, 1, true, true },
	{ "IPU", 0x8086, 0x1457, 0, 1, false, true },
	{ "IPU without the byte", 0x8086, 0x1457, 0, 0 },
	{ "IPU with a reserved byte", 0x8086, 0x1457, 0, 2 },
	{ "IPU with a byte of all ones", 0x8086, 0x1457, 0, 0xff },
	{ "the byte of another vendor", 0x1b36, 0x1457, 0, 1 },
	{ "the byte of another device", 0x8086, 0x1458, 0, 1 },
	{ "the byte without virtual functions", 0x8086, 0, 0, 1 },
	{ "a control page", 0x1b36, 0xfff0, 0, 0, false, false, true },
	{ "a control page of another vendor", 0x8086, 0xfff0, 0, 0 },
};

KUNIT_ARRAY_PARAM_DESC(kind, kinds, name);

static u8 *identify(struct kunit *test, const struct kind *kind)
{
	u8 *page = kunit_kzalloc(test, 4096, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, page);
	page[257] = kind->oacs_high;
	page[3072] = kind->byte_3072;
	return page;
}

static void chosen_by_what_is_known(struct kunit *test)
{
	const struct kind *kind = test->param_value;
	struct nvme_lm_device_id id = {
		.vendor = kind->vendor,
		.vf_device = kind->vf_device,
		.identify = identify(test, kind),
	};
	struct nvme_lm_why why = {};

	KUNIT_EXPECT_EQ(test, nvme_lm_standard_match(&id, &why), kind->standard);
	KUNIT_EXPECT_EQ(test, nvme_lm_ipu_match(&id, &why), kind->ipu);
	KUNIT_EXPECT_EQ(test, nvme_lm_page_match(&id, &why), kind->page);
}

static void a_reason_says_what_was_found(struct kunit *test)
{
	static const struct kind plain = { .vendor = 0x8086 };
	static const struct kind old = { .vendor = 0x8086, .vf_device = 0x1457, .byte_3072 = 7 };
	struct nvme_lm_device_id id = { .vendor = 0x8086, .identify = identify(test, &plain) };
	struct nvme_lm_why why = {};

	/* Most controllers are so: nobody wants to read of it in the log. */
	nvme_lm_standard_match(&id, &why);
	KUNIT_EXPECT_TRUE(test, why.ordinary);
	KUNIT_EXPECT_NOT_NULL(test, strstr(why.text, "OACS"));
	nvme_lm_ipu_match(&id, &why);
	KUNIT_EXPECT_TRUE(test, why.ordinary);

	id.vf_device = 0x1457;
	id.identify = identify(test, &old);
	nvme_lm_ipu_match(&id, &why);
	KUNIT_EXPECT_FALSE(test, why.ordinary);
	KUNIT_EXPECT_NOT_NULL(test, strstr(why.text, "found 7"));
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(chosen_by_what_is_known, kind_gen_params),
	KUNIT_CASE(a_reason_says_what_was_found),
	{}
};

static struct kunit_suite suite = {
	.name = "nvme-lm-kinds",
	.test_cases = cases,
};

kunit_test_suite(suite);
