/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Codec of the migration stream that <uapi/linux/nvme-lm.h> defines.
 *
 * Pure logic: no allocation, no locking, no I/O.  It is built into the driver,
 * the KUnit suites and the user space harness alike.
 *
 * Errors of the decoder, each with one meaning:
 *
 *   -ENOMSG           not a stream of ours: the magic differs
 *   -EPROTONOSUPPORT  the version, a header or record flag, or a mandatory
 *                     record is unknown
 *   -EPROTO           malformed: a length out of bounds, a record missing,
 *                     doubled or out of place by its type, a reserved field
 *                     that is not 0
 *   -EILSEQ           a record's sequence number, a state offset or the total
 *                     of DIGEST or END does not continue what came before
 *   -EBADMSG          a CRC or the digest is wrong
 *   -ENODATA          the stream ended before END
 *   -EOVERFLOW        bytes after END
 *   -EFBIG            more state than the reader accepts
 *
 * Besides, whatever the reader's own &nvme_lm_decoder.make_room gives.
 *
 * Where several apply the order is: magic, version, length of the header, CRC,
 * sequence number, then the rest.
 */
#ifndef NVME_VFIO_PCI_STREAM_H
#define NVME_VFIO_PCI_STREAM_H

#include <linux/math64.h>
#include <linux/types.h>
#include <uapi/linux/nvme-lm.h>

#include "complaint.h"

/**
 * struct nvme_lm_encoder - how far a stream was written
 * @crc: running CRC over every byte so far, not yet inverted
 * @seq: sequence number of the next record
 * @state_size: bytes of state so far
 */
struct nvme_lm_encoder {
	u32 crc;
	u32 seq;
	u64 state_size;
};

/**
 * struct nvme_lm_state_head - what precedes the bytes of a piece of state
 * @record: record header
 * @piece: first part of the payload
 */
struct nvme_lm_state_head {
	struct nvme_lm_record record;
	struct nvme_lm_state_piece piece;
};

/**
 * struct nvme_lm_precopy_record - what tells that the state comes in passes
 * @record: record header
 * @precopy: payload
 */
struct nvme_lm_precopy_record {
	struct nvme_lm_record record;
	struct nvme_lm_precopy precopy;
};

/**
 * struct nvme_lm_digest_record - what ends the passes
 * @record: record header
 * @digest: payload
 */
struct nvme_lm_digest_record {
	struct nvme_lm_record record;
	struct nvme_lm_digest digest;
};

/**
 * struct nvme_lm_end_record - the last bytes of a stream
 * @record: record header
 * @end: payload
 */
struct nvme_lm_end_record {
	struct nvme_lm_record record;
	struct nvme_lm_end end;
};

/**
 * nvme_lm_crc32c - CRC32C as it is written into the stream
 * @data: first byte
 * @len: number of bytes
 *
 * Return: the CRC with initial value and final XOR of all ones, so that
 * "123456789" gives 0xe3069283.
 */
u32 nvme_lm_crc32c(const void *data, size_t len);

/**
 * nvme_lm_granules - how many granules a state has
 * @size: bytes of state
 * @granule: bytes of each but the last, a power of two
 */
static inline u64 nvme_lm_granules(u64 size, u32 granule)
{
	return div_u64(size, granule) + !!(size & (granule - 1));
}

/**
 * nvme_lm_granule_hash - the hash of a granule, as DIGEST is made of
 * @precopy: has the key
 * @data: first byte of the granule
 * @len: bytes of it
 *
 * Return: the hash, little-endian.
 */
__le64 nvme_lm_granule_hash(const struct nvme_lm_precopy *precopy, const void *data,
			    u32 len);

/**
 * nvme_lm_encode_header - start a stream
 * @enc: initialised here
 * @command_set: how the state was taken
 * @header: filled in; the first bytes of the stream
 */
void nvme_lm_encode_header(struct nvme_lm_encoder *enc,
			   enum nvme_lm_command_set command_set,
			   struct nvme_lm_stream_header *header);

/**
 * nvme_lm_encode_record - add a record with a payload that is at hand
 * @enc: the stream so far
 * @type: enum nvme_lm_record_type
 * @flags: NVME_LM_REC_F_*
 * @payload: first byte of the payload
 * @length: bytes of payload, at most %NVME_LM_STREAM_MAX_PAYLOAD
 * @record: filled in; goes to the stream before @payload
 *
 * Not for PRECOPY, STATE, DIGEST and END: they have functions of their own.
 */
void nvme_lm_encode_record(struct nvme_lm_encoder *enc, u16 type, u16 flags,
			   const void *payload, u32 length,
			   struct nvme_lm_record *record);

/**
 * nvme_lm_encode_precopy - tell that the state comes in passes
 * @enc: the stream so far, to which no state was added
 * @granule: bytes in which changes are found
 * @key: 16 random bytes
 * @precopy: filled in; goes to the stream
 */
void nvme_lm_encode_precopy(struct nvme_lm_encoder *enc, u32 granule, const u8 *key,
			    struct nvme_lm_precopy_record *precopy);

/**
 * nvme_lm_encode_state_at - add a piece of a state that comes in passes
 * @enc: the stream so far
 * @offset: where the piece belongs
 * @data: first byte of the piece
 * @len: bytes of the piece, as for nvme_lm_encode_state()
 * @head: filled in; goes to the stream before @data
 */
void nvme_lm_encode_state_at(struct nvme_lm_encoder *enc, u64 offset, const void *data,
			     u32 len, struct nvme_lm_state_head *head);

/**
 * nvme_lm_encode_digest - end the passes
 * @enc: the stream so far
 * @precopy: what nvme_lm_encode_precopy() made
 * @hashes: of each granule, in their order
 * @state_size: bytes of state in the end
 * @digest: filled in; goes to the stream
 */
void nvme_lm_encode_digest(struct nvme_lm_encoder *enc, const struct nvme_lm_precopy *precopy,
			   const __le64 *hashes, u64 state_size,
			   struct nvme_lm_digest_record *digest);

/**
 * nvme_lm_encode_state - add the next piece of state
 * @enc: the stream so far
 * @data: first byte of the piece
 * @len: bytes of the piece, at most %NVME_LM_STREAM_MAX_PAYLOAD less
 *	sizeof(struct nvme_lm_state_piece)
 * @head: filled in; goes to the stream before @data
 */
void nvme_lm_encode_state(struct nvme_lm_encoder *enc, const void *data, u32 len,
			  struct nvme_lm_state_head *head);

/**
 * nvme_lm_encode_end - end the stream
 * @enc: the stream so far
 * @end: filled in; the last bytes of the stream
 */
void nvme_lm_encode_end(struct nvme_lm_encoder *enc, struct nvme_lm_end_record *end);

/**
 * nvme_lm_stream_size - bytes of a whole stream
 * @media: number of MEDIUM records
 * @state_size: bytes of state
 * @piece: bytes of state in each STATE record but the last, not 0
 *
 * Return: what nvme_lm_encode_*() make of it.
 */
u64 nvme_lm_stream_size(unsigned int media, u64 state_size, u32 piece);

/**
 * enum nvme_lm_decode - what the decoder has after taking bytes
 * @NVME_LM_DECODE_MORE: nothing new; give it more
 * @NVME_LM_DECODE_HEADER: the header; &nvme_lm_decoder.command_set is valid
 * @NVME_LM_DECODE_RECORD: a record of a known type other than END; its type,
 *	length and payload are in the decoder until it takes the next byte
 * @NVME_LM_DECODE_END: the stream is whole and right
 */
enum nvme_lm_decode {
	NVME_LM_DECODE_MORE = 0,
	NVME_LM_DECODE_HEADER = 1,
	NVME_LM_DECODE_RECORD = 2,
	NVME_LM_DECODE_END = 3,
};

/* Which part of the stream the next byte belongs to. */
enum nvme_lm_decoder_part {
	NVME_LM_PART_HEADER,
	NVME_LM_PART_HEADER_REST,
	NVME_LM_PART_RECORD,
	NVME_LM_PART_PAYLOAD,
	NVME_LM_PART_DONE,
};

struct nvme_lm_decoder;

/**
 * typedef nvme_lm_make_room_fn - make room to note down more granules
 * @dec: the decoder; sets @dec->hashes, @dec->lengths and @dec->granule_room, and
 *	keeps what is there
 * @count: how many granules there must be room for
 *
 * Return: 0, or a negative errno that ends decoding.
 */
typedef int (*nvme_lm_make_room_fn)(struct nvme_lm_decoder *dec, u64 count);

/**
 * struct nvme_lm_decoder - an incremental reader of a stream
 * @command_set: from the header; which values are good is the caller's matter
 * @type: type of the record that was completed last
 * @length: bytes of its payload
 * @piece: first part of the payload of a STATE record
 * @payload: its payload, or of a STATE record what follows @piece.  The caller may put
 *	another buffer of @payload_size bytes here after each event, and keep the old
 *	one; see also nvme_lm_decoder_state_begins().
 * @payload_size: bytes of room at @payload
 * @max_state: most bytes of state to accept; the caller may set it until the
 *	first STATE record
 * @state_size: bytes of state in the records completed so far; of a state that
 *	comes in passes, the end of what came, and from DIGEST on its true size
 * @precopy: the PRECOPY record; its granule is 0 if there was none
 * @hashes: of each granule that came, as it came last
 * @lengths: bytes of each granule, likewise
 * @granule_room: how many there is room for at @hashes and at @lengths
 * @make_room: makes more room; NULL to refuse a state that comes in passes as
 *	something unknown.  To be set after nvme_lm_decoder_init().
 * @position: bytes taken so far
 * @skipped: unknown optional records passed over
 * @error: 0 or the errno that ended decoding; it stays
 * @complaint: why
 *
 * The fields from @part on are the decoder's own.
 */
struct nvme_lm_decoder {
	u16 command_set;
	u16 type;
	u32 length;
	struct nvme_lm_state_piece piece;
	u8 *payload;
	u32 payload_size;
	u64 max_state;
	u64 state_size;
	struct nvme_lm_precopy precopy;
	__le64 *hashes;
	u32 *lengths;
	u64 granule_room;
	nvme_lm_make_room_fn make_room;
	u64 position;
	u32 skipped;
	int error;
	struct nvme_lm_complaint complaint;

	enum nvme_lm_decoder_part part;
	u32 part_size;		/* bytes of this part */
	u32 part_have;		/* of which are here */
	bool known;		/* the type of the record is known */
	u32 crc;		/* of the stream up to this record */
	u32 part_crc;		/* of this payload, or rest of the header */
	u32 next_seq;
	u16 last_type;		/* of the known records */
	u32 media;
	u32 last_nsid;
	struct nvme_lm_stream_header header;
	struct nvme_lm_record record;
};

/**
 * nvme_lm_decoder_init - expect a new stream
 * @dec: the decoder
 * @payload: room for a payload
 * @payload_size: bytes of room; %NVME_LM_STREAM_MAX_PAYLOAD to take any stream
 * @max_state: most bytes of state to accept
 */
void nvme_lm_decoder_init(struct nvme_lm_decoder *dec, void *payload,
			  u32 payload_size, u64 max_state);

/**
 * nvme_lm_decoder_window - where the next bytes of the stream go
 * @dec: the decoder
 * @len: how many bytes there is room for, at least 1 unless it returns NULL
 *
 * With nvme_lm_decoder_commit() bytes get to their place without another copy.
 * A window never reaches beyond what can complete one event.
 *
 * Return: first byte, or NULL after END or an error: no byte is wanted.
 */
void *nvme_lm_decoder_window(struct nvme_lm_decoder *dec, u32 *len);

/**
 * nvme_lm_decoder_state_begins - do the next bytes begin a piece of state
 * @dec: the decoder
 * @offset: if so, set to where the piece belongs
 *
 * Then &nvme_lm_decoder.payload may be set to any place that has room for it, until the
 * record is complete: so the piece gets where it belongs without another copy.  It may
 * turn out to be bad.
 *
 * Return: bytes of the piece, which is not beyond the end of what came before and
 * within what the reader accepts; 0 if none begins, or none that could be right.
 */
u32 nvme_lm_decoder_state_begins(const struct nvme_lm_decoder *dec, u64 *offset);

/**
 * nvme_lm_decoder_commit - bytes have been put into the window
 * @dec: the decoder
 * @len: how many, at most what the window had room for
 *
 * Return: enum nvme_lm_decode, or a negative errno as above.
 */
int nvme_lm_decoder_commit(struct nvme_lm_decoder *dec, u32 len);

/**
 * nvme_lm_decoder_push - take bytes of the stream, at most up to the next event
 * @dec: the decoder
 * @data: first byte
 * @len: number of bytes
 * @used: how many of them were taken; call again with the rest
 *
 * Return: enum nvme_lm_decode, or a negative errno as above.
 */
int nvme_lm_decoder_push(struct nvme_lm_decoder *dec, const void *data, size_t len,
			 size_t *used);

/**
 * nvme_lm_decoder_finish - there are no more bytes
 * @dec: the decoder
 *
 * Return: 0 if the stream is whole and right, -ENODATA if it is not whole, or
 * the error there was before.
 */
int nvme_lm_decoder_finish(struct nvme_lm_decoder *dec);

#endif /* NVME_VFIO_PCI_STREAM_H */
