/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * nvme-lm: the migration stream of an NVMe function.
 *
 * What user space reads from the migration file of a source and writes to the
 * migration file of a destination.  A VMM passes it on untouched; a tool may
 * parse it.  All fields are little-endian.
 *
 *   header | IDENTITY | FORMAT | MEDIUM * n | STATE * m | END
 *   header | IDENTITY | FORMAT | MEDIUM * n | PRECOPY | STATE * m | DIGEST | END
 *
 * The second form is that of a state that was first read while the function
 * ran.  Its STATE records follow each other without a gap in a first pass, and
 * what changed afterwards comes again and replaces what came before.  DIGEST
 * then tells whether what was put together is the state as it was in the end.
 *
 * Every record has a header of its own with a sequence number, a length, and
 * CRCs over itself and over its payload; END carries a CRC over every byte of
 * the stream before it.  So a stream can be checked before it is believed, and
 * a record lost, doubled, swapped or changed is always seen.  There is no
 * padding anywhere.
 *
 * A record whose type is unknown is skipped, unless it is marked mandatory:
 * then the stream is refused.  It must still follow the rules for sequence,
 * length and CRC.
 */
#ifndef _UAPI_LINUX_NVME_LM_H
#define _UAPI_LINUX_NVME_LM_H

#include <linux/types.h>

#define NVME_LM_STREAM_MAGIC		"NVME-LM"	/* 8 bytes with its NUL */
#define NVME_LM_STREAM_MAGIC_LEN	8
#define NVME_LM_STREAM_VERSION		1

/* No record payload is longer: what a reader must be ready to hold. */
#define NVME_LM_STREAM_MAX_PAYLOAD	((1U << 20) + 16)
/* No header is longer: a later version may append fields to it. */
#define NVME_LM_STREAM_MAX_HEADER	4096
/* No function has more namespaces attached than this. */
#define NVME_LM_STREAM_MAX_MEDIA	1024

/**
 * enum nvme_lm_command_set - how the state was taken from the device
 * @NVME_LM_CS_STANDARD: NVMe Migration Receive / Migration Send (NVM Express
 *	Base Specification 2.1, host managed live migration)
 * @NVME_LM_CS_IPU: the vendor command set "IPU"
 * @NVME_LM_CS_CONTROL_PAGE: registers of a control page of the function
 */
enum nvme_lm_command_set {
	NVME_LM_CS_STANDARD = 1,
	NVME_LM_CS_IPU = 2,
	NVME_LM_CS_CONTROL_PAGE = 3,
};

/**
 * struct nvme_lm_stream_header - the first bytes of a stream
 * @magic: %NVME_LM_STREAM_MAGIC with its NUL
 * @version: %NVME_LM_STREAM_VERSION; a reader refuses any other
 * @header_len: bytes from the start of the stream to the first record; a
 *	reader skips what it does not know, up to %NVME_LM_STREAM_MAX_HEADER
 * @command_set: enum nvme_lm_command_set
 * @flags: 0; a reader refuses a bit that it does not know
 * @reserved: 0
 * @crc: CRC32C of all @header_len bytes, this field taken as 0
 */
struct nvme_lm_stream_header {
	__u8   magic[NVME_LM_STREAM_MAGIC_LEN];
	__le16 version;
	__le16 header_len;
	__le16 command_set;
	__le16 flags;
	__u8   reserved[12];
	__le32 crc;
};

/**
 * enum nvme_lm_record_type - what a record carries
 * @NVME_LM_REC_IDENTITY: struct nvme_lm_identity; exactly one, the first record
 * @NVME_LM_REC_FORMAT: struct nvme_lm_format; exactly one, the second record
 * @NVME_LM_REC_MEDIUM: struct nvme_lm_medium; one for each attached namespace,
 *	by ascending NSID, before any state
 * @NVME_LM_REC_PRECOPY: struct nvme_lm_precopy; at most one, directly before
 *	the first STATE
 * @NVME_LM_REC_STATE: struct nvme_lm_state_piece and as many bytes of state as
 *	the rest of the payload; without PRECOPY the pieces follow each other
 *	without gap or overlap from offset 0
 * @NVME_LM_REC_DIGEST: struct nvme_lm_digest; exactly one if there is a PRECOPY,
 *	none otherwise, directly before END
 * @NVME_LM_REC_END: struct nvme_lm_end; exactly one, nothing follows
 */
enum nvme_lm_record_type {
	NVME_LM_REC_IDENTITY = 0x0001,
	NVME_LM_REC_FORMAT = 0x0002,
	NVME_LM_REC_MEDIUM = 0x0003,
	NVME_LM_REC_PRECOPY = 0x0004,
	NVME_LM_REC_STATE = 0x0010,
	NVME_LM_REC_DIGEST = 0x0011,
	NVME_LM_REC_END = 0x00ff,
};

/* Refuse the stream if this record's type is unknown. */
#define NVME_LM_REC_F_MANDATORY		0x0001

/**
 * struct nvme_lm_record - the header before each record's payload
 * @type: enum nvme_lm_record_type
 * @flags: NVME_LM_REC_F_*; a reader refuses a bit that it does not know
 * @seq: 0 for the first record, and one more for each that follows
 * @length: bytes of payload, at most %NVME_LM_STREAM_MAX_PAYLOAD
 * @reserved: 0
 * @payload_crc: CRC32C of the payload
 * @reserved2: 0
 * @crc: CRC32C of the 28 bytes before this field
 */
struct nvme_lm_record {
	__le16 type;
	__le16 flags;
	__le32 seq;
	__le32 length;
	__le32 reserved;
	__le32 payload_crc;
	__le32 reserved2[2];
	__le32 crc;
};

/**
 * struct nvme_lm_identity - which function the state was taken from
 * @vid: PCI vendor ID of the function
 * @did: PCI device ID of the function
 * @ssvid: PCI subsystem vendor ID of the function
 * @ssid: PCI subsystem ID of the function
 * @class_code: PCI class code of the function, 24 bits
 * @cntlid: CNTLID of the function; differs between functions of a subsystem
 *	and is not compared
 * @nvq: VQ flexible resources of the function: how many queues it may have;
 *	a destination has at least as many
 * @nvi: VI flexible resources, likewise for interrupt vectors
 * @reserved: 0
 * @sn: Identify Controller, Serial Number, of the subsystem
 * @mn: Identify Controller, Model Number
 * @fr: Identify Controller, Firmware Revision
 * @subnqn: Identify Controller, NVM Subsystem NQN
 *
 * What the fields from @sn on hold is what the controlling controller says of
 * the subsystem that both are in; the function itself is never asked.
 */
struct nvme_lm_identity {
	__le16 vid;
	__le16 did;
	__le16 ssvid;
	__le16 ssid;
	__le32 class_code;
	__le16 cntlid;
	__le16 nvq;
	__le16 nvi;
	__u8   reserved[14];
	__u8   sn[20];
	__u8   mn[40];
	__u8   fr[8];
	__u8   reserved2[4];
	__u8   subnqn[256];
};

/* There is no version: the state is vendor specific data alone. */
#define NVME_LM_FORMAT_NO_VERSION	0xffff

/**
 * struct nvme_lm_format - which format the state has
 * @version: NVMe Controller State version (the VER of NVMECS): the value from
 *	the Supported Controller State Formats list, not an index into it;
 *	%NVME_LM_FORMAT_NO_VERSION if that list has none, and the state no NVMECS
 * @reserved: 0
 * @uuid: UUID of the vendor specific state format, 0 if the device has none
 */
struct nvme_lm_format {
	__le16 version;
	__u8   reserved[14];
	__u8   uuid[16];
};

/* The namespace may be attached to several controllers (NMIC bit 0). */
#define NVME_LM_MEDIUM_F_SHARED		0x00000001

/**
 * struct nvme_lm_medium - one namespace attached to the function
 * @nsid: namespace identifier
 * @flags: NVME_LM_MEDIUM_F_*
 * @nsze: size in logical blocks
 * @eui64: IEEE Extended Unique Identifier, 0 if there is none
 * @nguid: Namespace Globally Unique Identifier, 0 if there is none
 * @uuid: Namespace UUID, 0 if there is none
 * @csi: command set identifier, 0 for the NVM command set
 * @lbads: logical block size is 2 to the power of this
 * @flbas: Formatted LBA Size, as in Identify Namespace
 * @dps: Data Protection Settings, as in Identify Namespace
 * @ms: bytes of metadata per logical block
 * @reserved: 0
 */
struct nvme_lm_medium {
	__le32 nsid;
	__le32 flags;
	__le64 nsze;
	__u8   eui64[8];
	__u8   nguid[16];
	__u8   uuid[16];
	__u8   csi;
	__u8   lbads;
	__u8   flbas;
	__u8   dps;
	__le16 ms;
	__u8   reserved[2];
};

/* The smallest and the largest granule. */
#define NVME_LM_STREAM_MIN_GRANULE	4096
#define NVME_LM_STREAM_MAX_GRANULE	(1U << 20)

/**
 * struct nvme_lm_precopy - the state comes in passes
 * @granule: bytes in which changes are found; a power of two from
 *	%NVME_LM_STREAM_MIN_GRANULE to %NVME_LM_STREAM_MAX_GRANULE
 * @reserved: 0
 * @key: key of the hashes that DIGEST is made of; random, so that who can write
 *	into the state cannot make two contents that have one hash
 * @reserved2: 0
 *
 * After this record a STATE piece begins at a multiple of @granule that is not
 * beyond the end of what came before it: it extends the state, replaces a part
 * of it, or both.  Its bytes are a multiple of @granule, unless it ends where
 * the state ended when the piece was read.
 */
struct nvme_lm_precopy {
	__le32 granule;
	__le32 reserved;
	__u8   key[16];
	__u8   reserved2[8];
};

/**
 * struct nvme_lm_digest - what the state is when all passes are put together
 * @state_size: bytes of state; what came beyond is no part of it any more
 * @digest: SipHash-2-4 (64 bits) with the key of PRECOPY over the hashes of all
 *	granules in their order, each as __le64; the hash of a granule is
 *	SipHash-2-4 (64 bits) with the same key over the bytes of it that came
 *	last, which are fewer than a granule only at the end of the state
 */
struct nvme_lm_digest {
	__le64 state_size;
	__le64 digest;
};

/**
 * struct nvme_lm_state_piece - the head of a STATE payload
 * @offset: where in the controller state the bytes that follow belong
 */
struct nvme_lm_state_piece {
	__le64 offset;
	__le64 reserved;
};

/**
 * struct nvme_lm_end - the payload of END
 * @state_size: bytes of controller state; with PRECOPY those of DIGEST
 * @crc: CRC32C of every byte of the stream before END's record header
 * @reserved: 0
 */
struct nvme_lm_end {
	__le64 state_size;
	__le32 crc;
	__le32 reserved;
};

#endif /* _UAPI_LINUX_NVME_LM_H */
