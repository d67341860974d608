/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The admin commands of host managed live migration, as they go to the device.
 *
 * NVM Express Base Specification 2.1: Migration Send, Migration Receive,
 * Identify.  Pure logic: fields in, 64 bytes of submission queue entry out.
 * Where it leaves something open, [?] stands at the only place that knows.
 */
#ifndef NVME_LM_COMMAND_H
#define NVME_LM_COMMAND_H

#include <linux/types.h>

#define NVME_LM_OP_IDENTIFY		0x06
#define NVME_LM_OP_TRACK_SEND		0x3d
#define NVME_LM_OP_TRACK_RECV		0x3e
#define NVME_LM_OP_MIGRATION_SEND	0x41
#define NVME_LM_OP_MIGRATION_RECV	0x42

/*
 * What is done by registers and no command.  The opcode is that of Delete I/O
 * Submission Queue, which is never issued here.
 */
#define NVME_LM_OP_REGISTERS		0x00

/* Identify: CNS values. */
#define NVME_LM_CNS_CONTROLLER		0x01
#define NVME_LM_CNS_NS_DESCRIPTORS	0x03
#define NVME_LM_CNS_ALLOCATED_NSIDS	0x10
#define NVME_LM_CNS_ALLOCATED_NS	0x11
#define NVME_LM_CNS_NS_CONTROLLERS	0x12
#define NVME_LM_CNS_CONTROLLERS		0x13
#define NVME_LM_CNS_SECONDARY_LIST	0x15
#define NVME_LM_CNS_STATE_FORMATS	0x20

/* Every Identify data structure has this size. */
#define NVME_LM_IDENTIFY_SIZE		4096

/* Migration Send: SEL, CDW10[7:0]. */
#define NVME_LM_SEND_SUSPEND		0x00
#define NVME_LM_SEND_RESUME		0x01
#define NVME_LM_SEND_SET_STATE		0x02

/* Suspend: STYPE, CDW11[23:16]. */
#define NVME_LM_STYPE_NOTIFY		0x00
#define NVME_LM_STYPE_SUSPEND		0x01

/* Migration Receive: SEL, CDW10[7:0]. */
#define NVME_LM_RECV_GET_STATE		0x00

/* Track Send: SEL, CDW10[7:0], and TACT, bit 0 of its MOS. */
#define NVME_LM_TRACK_MEMORY		0x01
#define NVME_LM_TACT_STOP		0x00
#define NVME_LM_TACT_START		0x01

/* Track Receive: SEL, CDW10[7:0]. */
#define NVME_LM_TRACKED_MEMORY		0x00

/* Get Controller State: CSUP, completion Dword 0 bit 0. */
#define NVME_LM_CSUP			0x00000001

/* Status: status code type in bits 10:8, status code in bits 7:0. */
#define NVME_LM_STATUS_MASK		0x07ff

/*
 * No state is larger than this, 1 TiB.  The specification has no limit (128-bit counts
 * of dwords); this one keeps every sum of sizes far from 64 bits.
 */
#define NVME_LM_STANDARD_MAX_STATE	0x10000000000ULL

/**
 * struct nvme_lm_cmd - the fields of an admin command that we ever set
 * @opcode: OPC
 * @nsid: NSID
 * @cdw10: Command Dword 10, and so on
 * @cdw11: Command Dword 11
 * @cdw12: Command Dword 12
 * @cdw13: Command Dword 13
 * @cdw14: Command Dword 14
 * @cdw15: Command Dword 15
 */
struct nvme_lm_cmd {
	u8 opcode;
	u32 nsid;
	u32 cdw10;
	u32 cdw11;
	u32 cdw12;
	u32 cdw13;
	u32 cdw14;
	u32 cdw15;
};

/**
 * struct nvme_lm_piece - a piece of controller state
 * @cntlid: whose state
 * @csvi: 1-based index into the versions of the Supported Controller State
 *	Formats list, 0 for none
 * @csuuidi: 1-based index into its UUIDs, 0 for none
 * @offset: bytes, a multiple of 4
 * @len: bytes, a multiple of 4, not 0
 */
struct nvme_lm_piece {
	u16 cntlid;
	u8 csvi;
	u8 csuuidi;
	u64 offset;
	u32 len;
};

struct nvme_lm_cmd nvme_lm_cmd_identify(u8 cns, u32 nsid, u16 cntid);
struct nvme_lm_cmd nvme_lm_cmd_suspend(u16 cntlid, u8 stype);
struct nvme_lm_cmd nvme_lm_cmd_resume(u16 cntlid);
struct nvme_lm_cmd nvme_lm_cmd_get_state(const struct nvme_lm_piece *piece);
struct nvme_lm_cmd nvme_lm_cmd_set_state(const struct nvme_lm_piece *piece,
					 u8 seqind);
struct nvme_lm_cmd nvme_lm_cmd_track_start(u16 cntlid);
struct nvme_lm_cmd nvme_lm_cmd_track_stop(u16 cntlid);
struct nvme_lm_cmd nvme_lm_cmd_track_receive(u16 cntlid, u32 len, bool cdw15);
void nvme_lm_cmd_encode(const struct nvme_lm_cmd *cmd, __le32 sqe[16]);
int nvme_lm_status_errno(u16 status);

#endif /* NVME_LM_COMMAND_H */
