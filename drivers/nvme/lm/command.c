// SPDX-License-Identifier: GPL-2.0-only
/*
 * Encoding of the live migration commands, and what their status means; see
 * command.h.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "command.h"

/**
 * nvme_lm_cmd_identify - Identify
 * @cns: which data structure, CDW10[7:0]
 * @nsid: NSID, 0 where the CNS value does not use it
 * @cntid: CNTID, CDW10[31:16], 0 where the CNS value does not use it
 *
 * Return: the command; its data is %NVME_LM_IDENTIFY_SIZE bytes.
 */
struct nvme_lm_cmd nvme_lm_cmd_identify(u8 cns, u32 nsid, u16 cntid)
{
	return (struct nvme_lm_cmd) {
		.opcode = NVME_LM_OP_IDENTIFY,
		.nsid = nsid,
		.cdw10 = cns | (u32)cntid << 16,
	};
}

/**
 * nvme_lm_cmd_suspend - Migration Send, Suspend
 * @cntlid: whom
 * @stype: NVME_LM_STYPE_*
 *
 * DUDMQ stays 0: a user data migration queue is not ours to delete.
 *
 * Return: the command; it has no data.
 */
struct nvme_lm_cmd nvme_lm_cmd_suspend(u16 cntlid, u8 stype)
{
	return (struct nvme_lm_cmd) {
		.opcode = NVME_LM_OP_MIGRATION_SEND,
		.cdw10 = NVME_LM_SEND_SUSPEND,
		.cdw11 = cntlid | (u32)stype << 16,
	};
}

/**
 * nvme_lm_cmd_resume - Migration Send, Resume
 * @cntlid: whom
 *
 * Return: the command; it has no data.
 */
struct nvme_lm_cmd nvme_lm_cmd_resume(u16 cntlid)
{
	return (struct nvme_lm_cmd) {
		.opcode = NVME_LM_OP_MIGRATION_SEND,
		.cdw10 = NVME_LM_SEND_RESUME,
		.cdw11 = cntlid,
	};
}

/**
 * nvme_lm_cmd_get_state - Migration Receive, Get Controller State
 * @piece: which part of whose state, in which format
 *
 * NUMD of Migration Receive is 0-based.  CSVI stands in CDW10[23:16], CSUUIDI
 * in CDW11[23:16].  CSUIDXP, CDW11[31:24], is vendor specific and stays 0.  UIDX,
 * CDW14[6:0], stays 0: no vendor specific information is selected.
 *
 * Return: the command; its data is @piece->len bytes.
 */
struct nvme_lm_cmd nvme_lm_cmd_get_state(const struct nvme_lm_piece *piece)
{
	return (struct nvme_lm_cmd) {
		.opcode = NVME_LM_OP_MIGRATION_RECV,
		.cdw10 = NVME_LM_RECV_GET_STATE | (u32)piece->csvi << 16,
		.cdw11 = piece->cntlid | (u32)piece->csuuidi << 16,
		.cdw12 = lower_32_bits(piece->offset),
		.cdw13 = upper_32_bits(piece->offset),
		.cdw15 = piece->len / 4 - 1,
	};
}

/**
 * nvme_lm_cmd_set_state - Migration Send, Set Controller State
 * @piece: which part of whose state, in which format
 * @seqind: SEQIND, CDW10[17:16]: 0 middle, 1 first, 2 last, 3 entire
 *
 * NUMD of Migration Send is not 0-based.  CSVI stands in CDW11[23:16], CSUUIDI
 * in CDW11[31:24]: not where Migration Receive has them.
 *
 * Return: the command; its data is @piece->len bytes.
 */
struct nvme_lm_cmd nvme_lm_cmd_set_state(const struct nvme_lm_piece *piece,
					 u8 seqind)
{
	return (struct nvme_lm_cmd) {
		.opcode = NVME_LM_OP_MIGRATION_SEND,
		.cdw10 = NVME_LM_SEND_SET_STATE | (u32)(seqind & 3) << 16,
		.cdw11 = piece->cntlid | (u32)piece->csvi << 16 |
			 (u32)piece->csuuidi << 24,
		.cdw12 = lower_32_bits(piece->offset),
		.cdw13 = upper_32_bits(piece->offset),
		.cdw15 = piece->len / 4,
	};
}

/*
 * Track Send, Track Memory Changes.  TACT is bit 0 of MOS, CDW10[31:16]; CNTLID
 * stands in CDW11[15:0].  There is no NUMD: the data says how long it is, and all
 * other dwords are reserved.
 */
static struct nvme_lm_cmd track_send(u16 cntlid, u8 tact)
{
	return (struct nvme_lm_cmd) {
		.opcode = NVME_LM_OP_TRACK_SEND,
		.cdw10 = NVME_LM_TRACK_MEMORY | (u32)tact << 16,
		.cdw11 = cntlid,
	};
}

/**
 * nvme_lm_cmd_track_start - Track Send, start to track memory changes
 * @cntlid: whose
 *
 * Return: the command; its data is a Track Memory Changes data structure.
 */
struct nvme_lm_cmd nvme_lm_cmd_track_start(u16 cntlid)
{
	return track_send(cntlid, NVME_LM_TACT_START);
}

/**
 * nvme_lm_cmd_track_stop - Track Send, track memory changes no longer
 * @cntlid: whose
 *
 * Return: the command; it has no data.
 */
struct nvme_lm_cmd nvme_lm_cmd_track_stop(u16 cntlid)
{
	return track_send(cntlid, NVME_LM_TACT_STOP);
}

/**
 * nvme_lm_cmd_track_receive - Track Receive, Tracked Memory Changes
 * @cntlid: whose
 * @len: bytes of data, a multiple of 4, not 0
 * @cdw15: of a device that was built before the text was public
 *
 * CNTLID stands in CDW11[15:0]; NUMD in CDW12, 0-based: not where Migration
 * Receive has it, CDW15.  There it was looked for by who had no text to read.
 *
 * Return: the command; its data is @len bytes.
 */
struct nvme_lm_cmd nvme_lm_cmd_track_receive(u16 cntlid, u32 len, bool cdw15)
{
	u32 numd = len / 4 - 1;

	return (struct nvme_lm_cmd) {
		.opcode = NVME_LM_OP_TRACK_RECV,
		.cdw10 = NVME_LM_TRACKED_MEMORY,
		.cdw11 = cntlid,
		.cdw12 = cdw15 ? 0 : numd,
		.cdw15 = cdw15 ? numd : 0,
	};
}

/**
 * nvme_lm_cmd_encode - a command as the device reads it
 * @cmd: the fields
 * @sqe: 64 bytes of submission queue entry; what @cmd does not know is 0
 */
void nvme_lm_cmd_encode(const struct nvme_lm_cmd *cmd, __le32 sqe[16])
{
	memset(sqe, 0, 16 * sizeof(sqe[0]));
	sqe[0] = cpu_to_le32(cmd->opcode);
	sqe[1] = cpu_to_le32(cmd->nsid);
	sqe[10] = cpu_to_le32(cmd->cdw10);
	sqe[11] = cpu_to_le32(cmd->cdw11);
	sqe[12] = cpu_to_le32(cmd->cdw12);
	sqe[13] = cpu_to_le32(cmd->cdw13);
	sqe[14] = cpu_to_le32(cmd->cdw14);
	sqe[15] = cpu_to_le32(cmd->cdw15);
}

/**
 * nvme_lm_status_errno - what a status of the device means to the caller
 * @status: status code type and status code, %NVME_LM_STATUS_MASK
 *
 * Invalid Controller Identifier is command specific.  Some devices give it as a
 * generic status, whose 1Fh no command without a submission queue in controller
 * memory can end with; so both are taken for it.
 *
 * Return: 0 or an errno of the table in linux/nvme-lm.h.
 */
int nvme_lm_status_errno(u16 status)
{
	switch (status & NVME_LM_STATUS_MASK) {
	case 0x000:
		return 0;
	case 0x002:		/* Invalid Field in Command */
	case 0x00b:		/* Invalid Namespace or Format */
		return -EINVAL;
	case 0x007:		/* Command Abort Requested: it took too long */
		return -ETIMEDOUT;
	case 0x01f:
	case 0x11f:
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
