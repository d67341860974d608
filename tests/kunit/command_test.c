// SPDX-License-Identifier: GPL-2.0-only
/*
 * The admin commands of live migration, byte by byte of the submission queue
 * entry, and the meaning of each status.
 *
 * Expected bytes follow the NVM Express Base Specification 2.1: OPC is byte 0,
 * NSID bytes 7:4, CDW10 to CDW15 bytes 63:40, all little-endian.  None of the
 * names of the code under test is used for a value.
 */
#include <kunit/test.h>
#include <linux/nvme-lm.h>
#include <linux/string.h>

#include "../../drivers/nvme/lm/command.h"

/* Up to eight bytes that are not 0, by their place in the entry. */
struct sqe_byte {
	u8 at;
	u8 value;
};

struct command_bytes {
	const char *name;
	struct nvme_lm_cmd (*command)(void);
	struct sqe_byte bytes[20];
};

#define OPC		0
#define NSID(n)		(4 + (n))
#define CDW10(n)	(40 + (n))
#define CDW11(n)	(44 + (n))
#define CDW12(n)	(48 + (n))
#define CDW13(n)	(52 + (n))
#define CDW15(n)	(60 + (n))

static struct nvme_lm_cmd identify_controller(void)
{
	return nvme_lm_cmd_identify(0x01, 0, 0);
}

static struct nvme_lm_cmd identify_secondary_from(void)
{
	return nvme_lm_cmd_identify(0x15, 0, 0xa1b2);
}

static struct nvme_lm_cmd identify_namespace(void)
{
	return nvme_lm_cmd_identify(0x11, 0x89abcdef, 0);
}

static struct nvme_lm_cmd suspend_notice(void)
{
	return nvme_lm_cmd_suspend(0x1234, 0);
}

static struct nvme_lm_cmd suspend(void)
{
	return nvme_lm_cmd_suspend(0xfedc, 1);
}

static struct nvme_lm_cmd resume(void)
{
	return nvme_lm_cmd_resume(0x8001);
}

static const struct nvme_lm_piece far_piece = {
	.cntlid = 0x1234, .csvi = 0x56, .csuuidi = 0x78, .offset = 0x0123456789abcdecULL,
	.len = 0x10004,
};

static const struct nvme_lm_piece first_dword = {
	.cntlid = 1, .csvi = 1, .csuuidi = 0, .offset = 0, .len = 4,
};

/* All bits of what selects the state are set, and none may spill over. */
static const struct nvme_lm_piece all_ones = {
	.cntlid = 0xffff, .csvi = 0xff, .csuuidi = 0xff, .offset = ~3ULL, .len = 0xfffffffc,
};

static struct nvme_lm_cmd get_far_piece(void)
{
	return nvme_lm_cmd_get_state(&far_piece);
}

static struct nvme_lm_cmd get_first_dword(void)
{
	return nvme_lm_cmd_get_state(&first_dword);
}

static struct nvme_lm_cmd get_all_ones(void)
{
	return nvme_lm_cmd_get_state(&all_ones);
}

static struct nvme_lm_cmd set_far_piece(void)
{
	return nvme_lm_cmd_set_state(&far_piece, NVME_LM_SEQ_MIDDLE);
}

static struct nvme_lm_cmd set_first(void)
{
	return nvme_lm_cmd_set_state(&first_dword, NVME_LM_SEQ_FIRST);
}

static struct nvme_lm_cmd set_last(void)
{
	return nvme_lm_cmd_set_state(&first_dword, NVME_LM_SEQ_LAST);
}

static struct nvme_lm_cmd set_entire(void)
{
	return nvme_lm_cmd_set_state(&first_dword, NVME_LM_SEQ_ENTIRE);
}

static struct nvme_lm_cmd set_all_ones(void)
{
	return nvme_lm_cmd_set_state(&all_ones, NVME_LM_SEQ_ENTIRE);
}

static struct nvme_lm_cmd track_start(void)
{
	return nvme_lm_cmd_track_start(0xfedc);
}

static struct nvme_lm_cmd track_stop(void)
{
	return nvme_lm_cmd_track_stop(0x1234);
}

static struct nvme_lm_cmd track_receive(void)
{
	return nvme_lm_cmd_track_receive(0x1234, 0x10004, false);
}

static struct nvme_lm_cmd track_receive_elsewhere(void)
{
	return nvme_lm_cmd_track_receive(0x1234, 0x10004, true);
}

static const struct command_bytes commands[] = {
	{ "Identify Controller", identify_controller,
	  { { OPC, 0x06 }, { CDW10(0), 0x01 } } },
	{ "Identify, Secondary Controller List from a CNTLID on", identify_secondary_from,
	  { { OPC, 0x06 }, { CDW10(0), 0x15 }, { CDW10(2), 0xb2 }, { CDW10(3), 0xa1 } } },
	{ "Identify, allocated namespace", identify_namespace,
	  { { OPC, 0x06 }, { NSID(0), 0xef }, { NSID(1), 0xcd }, { NSID(2), 0xab },
	    { NSID(3), 0x89 }, { CDW10(0), 0x11 } } },
	/* SEL 0, STYPE in CDW11[23:16] */
	{ "Suspend, notification", suspend_notice,
	  { { OPC, 0x41 }, { CDW11(0), 0x34 }, { CDW11(1), 0x12 } } },
	{ "Suspend", suspend,
	  { { OPC, 0x41 }, { CDW11(0), 0xdc }, { CDW11(1), 0xfe }, { CDW11(2), 0x01 } } },
	{ "Resume", resume,
	  { { OPC, 0x41 }, { CDW10(0), 0x01 }, { CDW11(0), 0x01 }, { CDW11(1), 0x80 } } },
	/* CSVI in CDW10[23:16], CSUUIDI in CDW11[23:16], NUMD 0-based */
	{ "Get Controller State, far piece", get_far_piece,
	  { { OPC, 0x42 }, { CDW10(2), 0x56 },
	    { CDW11(0), 0x34 }, { CDW11(1), 0x12 }, { CDW11(2), 0x78 },
	    { CDW12(0), 0xec }, { CDW12(1), 0xcd }, { CDW12(2), 0xab }, { CDW12(3), 0x89 },
	    { CDW13(0), 0x67 }, { CDW13(1), 0x45 }, { CDW13(2), 0x23 }, { CDW13(3), 0x01 },
	    { CDW15(1), 0x40 } } },
	{ "Get Controller State, one dword", get_first_dword,
	  { { OPC, 0x42 }, { CDW10(2), 0x01 }, { CDW11(0), 0x01 } } },
	{ "Get Controller State, all ones", get_all_ones,
	  { { OPC, 0x42 }, { CDW10(2), 0xff },
	    { CDW11(0), 0xff }, { CDW11(1), 0xff }, { CDW11(2), 0xff },
	    { CDW12(0), 0xfc }, { CDW12(1), 0xff }, { CDW12(2), 0xff }, { CDW12(3), 0xff },
	    { CDW13(0), 0xff }, { CDW13(1), 0xff }, { CDW13(2), 0xff }, { CDW13(3), 0xff },
	    { CDW15(0), 0xfe }, { CDW15(1), 0xff }, { CDW15(2), 0xff }, { CDW15(3), 0x3f } } },
	/* SEL 2, SEQIND in CDW10[17:16], CSVI in CDW11[23:16], CSUUIDI in [31:24] */
	{ "Set Controller State, far piece, middle", set_far_piece,
	  { { OPC, 0x41 }, { CDW10(0), 0x02 },
	    { CDW11(0), 0x34 }, { CDW11(1), 0x12 }, { CDW11(2), 0x56 }, { CDW11(3), 0x78 },
	    { CDW12(0), 0xec }, { CDW12(1), 0xcd }, { CDW12(2), 0xab }, { CDW12(3), 0x89 },
	    { CDW13(0), 0x67 }, { CDW13(1), 0x45 }, { CDW13(2), 0x23 }, { CDW13(3), 0x01 },
	    { CDW15(0), 0x01 }, { CDW15(1), 0x40 } } },
	{ "Set Controller State, first", set_first,
	  { { OPC, 0x41 }, { CDW10(0), 0x02 }, { CDW10(2), 0x01 }, { CDW11(0), 0x01 },
	    { CDW11(2), 0x01 }, { CDW15(0), 0x01 } } },
	{ "Set Controller State, last", set_last,
	  { { OPC, 0x41 }, { CDW10(0), 0x02 }, { CDW10(2), 0x02 }, { CDW11(0), 0x01 },
	    { CDW11(2), 0x01 }, { CDW15(0), 0x01 } } },
	{ "Set Controller State, entire", set_entire,
	  { { OPC, 0x41 }, { CDW10(0), 0x02 }, { CDW10(2), 0x03 }, { CDW11(0), 0x01 },
	    { CDW11(2), 0x01 }, { CDW15(0), 0x01 } } },
	{ "Set Controller State, all ones", set_all_ones,
	  { { OPC, 0x41 }, { CDW10(0), 0x02 }, { CDW10(2), 0x03 },
	    { CDW11(0), 0xff }, { CDW11(1), 0xff }, { CDW11(2), 0xff }, { CDW11(3), 0xff },
	    { CDW12(0), 0xfc }, { CDW12(1), 0xff }, { CDW12(2), 0xff }, { CDW12(3), 0xff },
	    { CDW13(0), 0xff }, { CDW13(1), 0xff }, { CDW13(2), 0xff }, { CDW13(3), 0xff },
	    { CDW15(0), 0xff }, { CDW15(1), 0xff }, { CDW15(2), 0xff }, { CDW15(3), 0x3f } } },
	/* SEL 1, TACT in CDW10[16]; nothing after CDW11 */
	{ "Track Memory Changes, start", track_start,
	  { { OPC, 0x3d }, { CDW10(0), 0x01 }, { CDW10(2), 0x01 },
	    { CDW11(0), 0xdc }, { CDW11(1), 0xfe } } },
	{ "Track Memory Changes, stop", track_stop,
	  { { OPC, 0x3d }, { CDW10(0), 0x01 }, { CDW11(0), 0x34 }, { CDW11(1), 0x12 } } },
	/* SEL 0, NUMD in CDW12, 0-based */
	{ "Tracked Memory Changes", track_receive,
	  { { OPC, 0x3e }, { CDW11(0), 0x34 }, { CDW11(1), 0x12 }, { CDW12(1), 0x40 } } },
	/* NUMD where Migration Receive has it */
	{ "Tracked Memory Changes, length in CDW15", track_receive_elsewhere,
	  { { OPC, 0x3e }, { CDW11(0), 0x34 }, { CDW11(1), 0x12 }, { CDW15(1), 0x40 } } },
};

KUNIT_ARRAY_PARAM_DESC(command, commands, name);

static void bytes_of_a_command(struct kunit *test)
{
	const struct command_bytes *param = test->param_value;
	struct nvme_lm_cmd cmd = param->command();
	u8 expected[64] = {};
	__le32 sqe[16];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(param->bytes); i++)
		if (param->bytes[i].value)
			expected[param->bytes[i].at] = param->bytes[i].value;
	/* what the caller's buffer held before must not reach the device */
	memset(sqe, 0xa5, sizeof(sqe));
	nvme_lm_cmd_encode(&cmd, sqe);
	KUNIT_EXPECT_MEMEQ(test, (u8 *)sqe, expected, sizeof(expected));
}

/* CDW14 (UIDX) and the NSID are not set by any command above: here they are. */
static void every_field_has_its_place(struct kunit *test)
{
	static const struct nvme_lm_cmd cmd = {
		.opcode = 0x01, .nsid = 0x02030405, .cdw10 = 0x10111213, .cdw11 = 0x14151617,
		.cdw12 = 0x18191a1b, .cdw13 = 0x1c1d1e1f, .cdw14 = 0x20212223,
		.cdw15 = 0x24252627,
	};
	static const u8 expected[64] = {
		[0] = 0x01,
		[4] = 0x05, 0x04, 0x03, 0x02,
		[40] = 0x13, 0x12, 0x11, 0x10, 0x17, 0x16, 0x15, 0x14,
		0x1b, 0x1a, 0x19, 0x18, 0x1f, 0x1e, 0x1d, 0x1c,
		0x23, 0x22, 0x21, 0x20, 0x27, 0x26, 0x25, 0x24,
	};
	__le32 sqe[16];

	nvme_lm_cmd_encode(&cmd, sqe);
	KUNIT_EXPECT_MEMEQ(test, (u8 *)sqe, expected, sizeof(expected));
}

/* SCT in bits 10:8, SC in bits 7:0; meanings as in <linux/nvme-lm.h>. */
static int expected_errno(u16 status)
{
	switch (status) {
	case 0x000:		/* Successful Completion */
		return 0;
	case 0x002:		/* Invalid Field in Command */
	case 0x00b:		/* Invalid Namespace or Format */
		return -EINVAL;
	case 0x007:		/* Command Abort Requested */
		return -ETIMEDOUT;
	case 0x11f:		/* Invalid Controller Identifier */
	case 0x01f:		/* the same from a device that takes it for generic */
		return -ENXIO;
	case 0x138:		/* Not Enough Resources */
		return -ENOSPC;
	case 0x139:		/* Controller Suspended */
		return -EALREADY;
	case 0x13a:		/* Controller Not Suspended */
		return -EPROTO;
	default:
		return -EREMOTEIO;
	}
}

static void meaning_of_every_status(struct kunit *test)
{
	u32 status;

	for (status = 0; status < 0x800; status++)
		KUNIT_EXPECT_EQ_MSG(test, nvme_lm_status_errno(status), expected_errno(status),
				    "status %03x", status);
}

/* CRD, More and Do Not Retry stand above the code and do not change it. */
static void flags_of_a_status_do_not_matter(struct kunit *test)
{
	u32 flags, status;

	for (flags = 0x0800; flags < 0x8000; flags += 0x0800)
		for (status = 0; status < 0x800; status++)
			KUNIT_EXPECT_EQ_MSG(test, nvme_lm_status_errno(flags | status),
					    expected_errno(status), "status %04x",
					    flags | status);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(bytes_of_a_command, command_gen_params),
	KUNIT_CASE(every_field_has_its_place),
	KUNIT_CASE(meaning_of_every_status),
	KUNIT_CASE(flags_of_a_status_do_not_matter),
	{}
};

static struct kunit_suite suite = {
	.name = "nvme-lm-command",
	.test_cases = cases,
};

kunit_test_suite(suite);
