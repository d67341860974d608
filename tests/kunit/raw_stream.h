/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A second, naive writer of the migration stream, for the tests of the codec.
 *
 * It puts each field at the byte offset that <uapi/linux/nvme-lm.h> gives it by
 * the order and width of its fields, and it has a CRC of its own, so that a
 * mistake in the codec is not repeated here.  It writes nonsense when asked to.
 */
#ifndef NVME_LM_KUNIT_RAW_STREAM_H
#define NVME_LM_KUNIT_RAW_STREAM_H

#include <linux/types.h>

struct kunit;

/* Byte offsets in the stream's header. */
#define RAW_HEADER_VERSION	8
#define RAW_HEADER_LEN		10
#define RAW_HEADER_COMMAND_SET	12
#define RAW_HEADER_FLAGS	14
#define RAW_HEADER_RESERVED	16
#define RAW_HEADER_CRC		28
#define RAW_HEADER_SIZE		32

/* Byte offsets in a record's header. */
#define RAW_RECORD_TYPE		0
#define RAW_RECORD_FLAGS	2
#define RAW_RECORD_SEQ		4
#define RAW_RECORD_LENGTH	8
#define RAW_RECORD_RESERVED	12
#define RAW_RECORD_PAYLOAD_CRC	16
#define RAW_RECORD_RESERVED2	20
#define RAW_RECORD_CRC		28
#define RAW_RECORD_SIZE		32

/* Record types, and the bytes of those payloads that are of one size. */
#define RAW_IDENTITY		0x0001
#define RAW_FORMAT		0x0002
#define RAW_MEDIUM		0x0003
#define RAW_PRECOPY		0x0004
#define RAW_STATE		0x0010
#define RAW_DIGEST		0x0011
#define RAW_END			0x00ff
#define RAW_MANDATORY		0x0001
#define RAW_IDENTITY_SIZE	360
#define RAW_FORMAT_SIZE		32
#define RAW_MEDIUM_SIZE		64
#define RAW_PRECOPY_SIZE	32
#define RAW_PIECE_SIZE		16
#define RAW_DIGEST_SIZE		16
#define RAW_END_SIZE		16

#define RAW_MAX_BYTES		49152
#define RAW_MAX_RECORDS		16

/**
 * struct raw_stream - a stream being written
 * @len: bytes so far
 * @records: records so far
 * @at: where the header of each record is
 * @bytes: the stream
 */
struct raw_stream {
	size_t len;
	unsigned int records;
	size_t at[RAW_MAX_RECORDS + 1];
	u8 bytes[RAW_MAX_BYTES];
};

/**
 * raw_crc32c - CRC32C (Castagnoli), a bit at a time
 * @data: first byte
 * @len: number of bytes
 *
 * Return: the CRC, as RFC 3720 appendix B.4 gives its test values.
 */
u32 raw_crc32c(const void *data, size_t len);

/**
 * raw_alloc - get a stream that lives as long as the test
 * @test: the test
 *
 * Return: a stream without any byte; the test ends when there is no memory.
 */
struct raw_stream *raw_alloc(struct kunit *test);

/**
 * raw_header - start the stream anew with a header
 * @s: the stream
 * @header_len: bytes of the header; those beyond the known ones are 0xee
 */
void raw_header(struct raw_stream *s, u16 header_len);

/**
 * raw_record - add a record
 * @s: the stream
 * @type: its type
 * @flags: its flags
 * @payload: its payload; NULL for @length bytes that depend on their position
 * @length: bytes of payload
 */
void raw_record(struct raw_stream *s, u16 type, u16 flags, const void *payload,
		u32 length);

/**
 * raw_identity - add an IDENTITY record, reserved fields 0
 * @s: the stream
 */
void raw_identity(struct raw_stream *s);

/**
 * raw_format - add a FORMAT record, reserved fields 0
 * @s: the stream
 */
void raw_format(struct raw_stream *s);

/**
 * raw_medium - add a MEDIUM record with plausible contents
 * @s: the stream
 * @nsid: its namespace
 */
void raw_medium(struct raw_stream *s, u32 nsid);

/**
 * raw_state - add a STATE record
 * @s: the stream
 * @offset: where the piece belongs
 * @len: bytes of state, each as raw_state_byte() gives it
 */
void raw_state(struct raw_stream *s, u64 offset, u32 len);

/**
 * raw_state_of - add a STATE record with bytes of the caller
 * @s: the stream
 * @offset: where the piece belongs
 * @bytes: the first of them
 * @len: how many
 */
void raw_state_of(struct raw_stream *s, u64 offset, const u8 *bytes, u32 len);

/**
 * raw_siphash - SipHash-2-4 with 64 bits, as its authors describe it
 * @key: 16 bytes
 * @data: first byte
 * @len: number of bytes
 *
 * Return: the hash.
 */
u64 raw_siphash(const u8 *key, const void *data, size_t len);

/* The key of raw_precopy(). */
extern const u8 raw_key[16];

/**
 * raw_precopy - add a PRECOPY record
 * @s: the stream
 * @granule: bytes of a granule
 */
void raw_precopy(struct raw_stream *s, u32 granule);

/**
 * raw_digest - add a DIGEST record
 * @s: the stream
 * @granule: bytes of a granule
 * @state: the whole state
 * @size: bytes of it
 */
void raw_digest(struct raw_stream *s, u32 granule, const u8 *state, u64 size);

/**
 * raw_state_byte - what the state of the tests holds
 * @offset: which byte of it
 *
 * Return: the byte.
 */
u8 raw_state_byte(u64 offset);

/**
 * raw_end - add END
 * @s: the stream
 * @state_size: bytes of state that it tells of
 */
void raw_end(struct raw_stream *s, u64 state_size);

/**
 * raw_seal - make the CRCs of a record right again after it was changed
 * @s: the stream
 * @record: index of the record
 */
void raw_seal(struct raw_stream *s, unsigned int record);

/**
 * raw_seal_all - make every CRC of the stream right again, END's also
 * @s: the stream
 */
void raw_seal_all(struct raw_stream *s);

/**
 * raw_payload - where the payload of a record is
 * @s: the stream
 * @record: index of the record
 *
 * Return: its first byte.
 */
u8 *raw_payload(struct raw_stream *s, unsigned int record);

/* Which record is which in the stream of raw_good(). */
#define GOOD_IDENTITY		0
#define GOOD_FORMAT		1
#define GOOD_MEDIUM_1		2
#define GOOD_MEDIUM_2		3
#define GOOD_STATE_1		4
#define GOOD_STATE_2		5
#define GOOD_STATE_3		6
#define GOOD_END		7
#define GOOD_RECORDS		8
#define GOOD_STATE_SIZE		252

/**
 * raw_good - write a stream that has one of everything and is right
 * @s: the stream
 *
 * IDENTITY, FORMAT, two MEDIUM, three STATE of 100, 96 and 56 bytes, END.
 */
void raw_good(struct raw_stream *s);

#endif /* NVME_LM_KUNIT_RAW_STREAM_H */
