// SPDX-License-Identifier: GPL-2.0-only
/*
 * A state that is put together in memory, and what an administrator may write of a
 * link.
 */
#include <kunit/test.h>
#include <linux/nvme-lm.h>
#include <linux/string.h>

#include "../../drivers/nvme/lm/image.h"
#include "../../drivers/nvme/lm/link.h"

#define ROOM	32

struct image_fixture {
	struct nvme_lm_image image;
	u8 data[ROOM + 4];	/* what stands behind the room must stay */
};

static struct image_fixture *image(struct kunit *test)
{
	struct image_fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, f);
	memset(f->data, 0xee, sizeof(f->data));
	f->image.data = f->data;
	f->image.room = ROOM;
	return f;
}

static const u8 bytes[64] = {
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20,
	21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
};

static void pieces_in_order(struct kunit *test)
{
	struct image_fixture *f = image(test);

	KUNIT_EXPECT_EQ(test, nvme_lm_image_add(&f->image, 0, bytes, 8, NVME_LM_SEQ_FIRST), 0);
	KUNIT_EXPECT_FALSE(test, f->image.whole);
	KUNIT_EXPECT_EQ(test, nvme_lm_image_add(&f->image, 8, bytes + 8, 4, NVME_LM_SEQ_MIDDLE), 0);
	KUNIT_EXPECT_FALSE(test, f->image.whole);
	KUNIT_EXPECT_EQ(test, nvme_lm_image_add(&f->image, 12, bytes + 12, 20, NVME_LM_SEQ_LAST),
			0);
	KUNIT_EXPECT_TRUE(test, f->image.whole);
	KUNIT_EXPECT_EQ(test, f->image.size, ROOM);
	KUNIT_EXPECT_MEMEQ(test, f->data, bytes, ROOM);
	KUNIT_EXPECT_EQ(test, f->data[ROOM], 0xee);
}

static void the_only_piece(struct kunit *test)
{
	struct image_fixture *f = image(test);

	KUNIT_EXPECT_EQ(test, nvme_lm_image_add(&f->image, 0, bytes, 12, NVME_LM_SEQ_ENTIRE), 0);
	KUNIT_EXPECT_TRUE(test, f->image.whole);
	KUNIT_EXPECT_EQ(test, f->image.size, 12);
}

static void no_more_than_there_is_room_for(struct kunit *test)
{
	struct image_fixture *f = image(test);

	KUNIT_EXPECT_EQ(test, nvme_lm_image_add(&f->image, 0, bytes, ROOM + 4,
						NVME_LM_SEQ_ENTIRE), -ENOSPC);
	KUNIT_EXPECT_EQ(test, nvme_lm_image_add(&f->image, 0, bytes, 28, NVME_LM_SEQ_FIRST), 0);
	KUNIT_EXPECT_EQ(test, nvme_lm_image_add(&f->image, 28, bytes, 8, NVME_LM_SEQ_LAST),
			-ENOSPC);
	KUNIT_EXPECT_FALSE(test, f->image.whole);
	KUNIT_EXPECT_EQ(test, f->data[ROOM], 0xee);
}

static void no_gap_overlap_or_missing_first(struct kunit *test)
{
	struct image_fixture *f = image(test);

	KUNIT_EXPECT_EQ(test, nvme_lm_image_add(&f->image, 0, bytes, 4, NVME_LM_SEQ_MIDDLE),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, nvme_lm_image_add(&f->image, 0, bytes, 4, NVME_LM_SEQ_LAST), -EINVAL);
	KUNIT_EXPECT_EQ(test, nvme_lm_image_add(&f->image, 4, bytes, 4, NVME_LM_SEQ_FIRST),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, nvme_lm_image_add(&f->image, 0, bytes, 8, NVME_LM_SEQ_FIRST), 0);
	KUNIT_EXPECT_EQ(test, nvme_lm_image_add(&f->image, 12, bytes, 4, NVME_LM_SEQ_MIDDLE),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, nvme_lm_image_add(&f->image, 4, bytes, 4, NVME_LM_SEQ_MIDDLE),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, nvme_lm_image_add(&f->image, 1ULL << 32 | 8, bytes, 4,
						NVME_LM_SEQ_MIDDLE), -EINVAL);
	KUNIT_EXPECT_EQ(test, nvme_lm_image_add(&f->image, 8, bytes, 4, NVME_LM_SEQ_LAST), 0);
	/* what comes after the last belongs to nothing */
	KUNIT_EXPECT_EQ(test, nvme_lm_image_add(&f->image, 12, bytes, 4, NVME_LM_SEQ_MIDDLE),
			-EINVAL);
}

static void a_first_piece_begins_anew(struct kunit *test)
{
	struct image_fixture *f = image(test);

	KUNIT_EXPECT_EQ(test, nvme_lm_image_add(&f->image, 0, bytes, 16, NVME_LM_SEQ_FIRST), 0);
	KUNIT_EXPECT_EQ(test, nvme_lm_image_add(&f->image, 0, bytes + 4, 4, NVME_LM_SEQ_FIRST), 0);
	KUNIT_EXPECT_EQ(test, f->image.size, 4);
	KUNIT_EXPECT_EQ(test, f->data[0], 4);
}

static void copied_out_with_zeros_behind(struct kunit *test)
{
	struct image_fixture *f = image(test);
	u8 out[8];

	nvme_lm_image_add(&f->image, 0, bytes, 12, NVME_LM_SEQ_ENTIRE);
	nvme_lm_image_copy(&f->image, 4, out, 8);
	KUNIT_EXPECT_MEMEQ(test, out, bytes + 4, 8);
	nvme_lm_image_copy(&f->image, 8, out, 8);
	KUNIT_EXPECT_MEMEQ(test, out, bytes + 8, 4);
	KUNIT_EXPECT_MEMEQ(test, out + 4, "\0\0\0\0", 4);
	nvme_lm_image_copy(&f->image, 12, out, 8);
	KUNIT_EXPECT_MEMEQ(test, out, "\0\0\0\0\0\0\0\0", 8);
	nvme_lm_image_copy(&f->image, 1ULL << 40, out, 8);
	KUNIT_EXPECT_MEMEQ(test, out, "\0\0\0\0\0\0\0\0", 8);
}

static void words_of_a_link(struct kunit *test)
{
	static const char * const bad[] = {
		"", "5", "5 ", "5 00:01.0", "0000:01:00.0", "x 0000:01:00.0", "65536 0000:01:00.0",
		"5 100000000:01:00.0", "5 0000:100:00.0", "5 0000:01:20.0", "5 0000:01:00.8",
		"5 0000:01:00.0 x", "5 0000:01:00.0\nx", "-1 0000:01:00.0",
		"4294967296 0000:01:00.0", "50000:01:00.0", "5000000000:01:00.0",
	};
	struct nvme_lm_link_words words;
	unsigned int i;

	KUNIT_EXPECT_EQ(test, nvme_lm_link_parse("65535 abcd:fe:1f.7\n", &words), 0);
	KUNIT_EXPECT_EQ(test, words.cntlid, 65535);
	KUNIT_EXPECT_EQ(test, words.domain, 0xabcd);
	KUNIT_EXPECT_EQ(test, words.bus, 0xfe);
	KUNIT_EXPECT_EQ(test, words.device, 0x1f);
	KUNIT_EXPECT_EQ(test, words.function, 7);
	KUNIT_EXPECT_EQ(test, nvme_lm_link_parse("0 0000:00:00.0", &words), 0);
	/* behind an Intel VMD */
	KUNIT_EXPECT_EQ(test, nvme_lm_link_parse("5 10000:01:00.0", &words), 0);
	KUNIT_EXPECT_EQ(test, words.domain, 0x10000);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_EQ_MSG(test, nvme_lm_link_parse(bad[i], &words), -EINVAL, "%s",
				    bad[i]);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(pieces_in_order),
	KUNIT_CASE(the_only_piece),
	KUNIT_CASE(no_more_than_there_is_room_for),
	KUNIT_CASE(no_gap_overlap_or_missing_first),
	KUNIT_CASE(a_first_piece_begins_anew),
	KUNIT_CASE(copied_out_with_zeros_behind),
	KUNIT_CASE(words_of_a_link),
	{}
};

static struct kunit_suite suite = {
	.name = "nvme-lm-image",
	.test_cases = cases,
};

kunit_test_suite(suite);
