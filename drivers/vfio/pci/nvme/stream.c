// SPDX-License-Identifier: GPL-2.0-only
/*
 * Codec of the migration stream: see stream.h.
 *
 * The CRC over the whole stream is not computed by going over the state a
 * second time: it is combined from the CRCs of the parts, which are needed
 * anyway.
 */
#include <linux/crc32c.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/math64.h>
#include <linux/siphash.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/unaligned.h>

#include "stream.h"

#define CRC_SEED	0xffffffffU
/* CRC32C polynomial, bit-reflected, and x to the power of 0 likewise */
#define CRC_POLY	0x82f63b78U
#define CRC_X0		0x80000000U
/* Bytes that are summed up in one go: where the FPU helps nothing else runs meanwhile. */
#define CRC_STEP	16384U

#define MAX_STATE_PIECE	(NVME_LM_STREAM_MAX_PAYLOAD - sizeof(struct nvme_lm_state_piece))

static_assert(sizeof(struct nvme_lm_stream_header) == 32);
static_assert(sizeof(struct nvme_lm_record) == 32);
static_assert(sizeof(struct nvme_lm_identity) == 360);
static_assert(sizeof(struct nvme_lm_format) == 32);
static_assert(sizeof(struct nvme_lm_medium) == 64);
static_assert(sizeof(struct nvme_lm_precopy) == 32);
static_assert(sizeof(struct nvme_lm_state_piece) == 16);
static_assert(sizeof(struct nvme_lm_digest) == 16);
static_assert(sizeof(struct nvme_lm_end) == 16);
static_assert(sizeof(struct nvme_lm_state_head) == 48);
static_assert(sizeof(struct nvme_lm_precopy_record) == 64);
static_assert(sizeof(struct nvme_lm_digest_record) == 48);
static_assert(sizeof(struct nvme_lm_end_record) == 48);

u32 nvme_lm_crc32c(const void *data, size_t len)
{
	return ~crc32c(CRC_SEED, data, len);
}

/* Go on with a running CRC over bytes of state, of which there may be many. */
static u32 crc_state(u32 crc, const u8 *data, u32 len)
{
	u32 n;

	for (; len; data += n, len -= n) {
		n = min_t(u32, len, CRC_STEP);
		crc = crc32c(crc, data, n);
	}
	return crc;
}

/* Product of two polynomials modulo the CRC polynomial. */
static u32 crc_multiply(u32 a, u32 b)
{
	u32 product = 0;
	u32 bit;

	for (bit = CRC_X0; bit; bit >>= 1) {
		if (a & bit)
			product ^= b;
		b = (b >> 1) ^ (b & 1 ? CRC_POLY : 0);
	}
	return product;
}

/* What 1, 2, 4, ... bytes that follow make of a CRC: x to the power of 8, 16, 32, ... */
static const u32 crc_powers[] = {
	0x00800000, 0x00008000, 0x82f63b78, 0x6ea2d55c, 0x18b8ea18, 0x510ac59a,
	0xb82be955, 0xb8fdb1e7, 0x88e56f72, 0x74c360a4, 0xe4172b16, 0x0d65762a,
	0x35d73a62, 0x28461564, 0xbf455269, 0xe2ea32dc, 0xfe7740e6, 0xf946610b,
	0x3c204f8f, 0x538586e3, 0x59726915,
};

static_assert(NVME_LM_STREAM_MAX_PAYLOAD < 1U << ARRAY_SIZE(crc_powers));

/*
 * Running CRC of A followed by B, from the running CRC of A and that of B, both
 * seeded with CRC_SEED and not inverted.  B is no longer than a payload.
 */
static u32 crc_append(u32 a, u32 b, u32 len_b)
{
	u32 shifted = a ^ CRC_SEED;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(crc_powers); i++)
		if (len_b & (1U << i))
			shifted = crc_multiply(shifted, crc_powers[i]);
	return shifted ^ b;
}

static u64 keyed_hash(const struct nvme_lm_precopy *precopy, const void *data, size_t len)
{
	siphash_key_t key = {
		.key = { get_unaligned_le64(precopy->key), get_unaligned_le64(precopy->key + 8) },
	};

	return siphash(data, len, &key);
}

__le64 nvme_lm_granule_hash(const struct nvme_lm_precopy *precopy, const void *data,
			    u32 len)
{
	return cpu_to_le64(keyed_hash(precopy, data, len));
}

static u64 make_digest(const struct nvme_lm_precopy *precopy, const __le64 *hashes,
		       u64 state_size)
{
	u64 count = nvme_lm_granules(state_size, le32_to_cpu(precopy->granule));

	return keyed_hash(precopy, hashes, count * sizeof(*hashes));
}

void nvme_lm_encode_header(struct nvme_lm_encoder *enc,
			   enum nvme_lm_command_set command_set,
			   struct nvme_lm_stream_header *header)
{
	memset(enc, 0, sizeof(*enc));
	memset(header, 0, sizeof(*header));
	memcpy(header->magic, NVME_LM_STREAM_MAGIC, NVME_LM_STREAM_MAGIC_LEN);
	header->version = cpu_to_le16(NVME_LM_STREAM_VERSION);
	header->header_len = cpu_to_le16(sizeof(*header));
	header->command_set = cpu_to_le16(command_set);
	header->crc = cpu_to_le32(nvme_lm_crc32c(header, sizeof(*header)));
	enc->crc = crc32c(CRC_SEED, header, sizeof(*header));
}

/* Fill in a record header; @payload_crc is a running CRC of the payload. */
static void encode_record(struct nvme_lm_encoder *enc, u16 type, u16 flags,
			  u32 payload_crc, u32 length, struct nvme_lm_record *record)
{
	memset(record, 0, sizeof(*record));
	record->type = cpu_to_le16(type);
	record->flags = cpu_to_le16(flags);
	record->seq = cpu_to_le32(enc->seq++);
	record->length = cpu_to_le32(length);
	record->payload_crc = cpu_to_le32(~payload_crc);
	record->crc = cpu_to_le32(nvme_lm_crc32c(record, offsetof(struct nvme_lm_record, crc)));
	enc->crc = crc32c(enc->crc, record, sizeof(*record));
	enc->crc = crc_append(enc->crc, payload_crc, length);
}

void nvme_lm_encode_record(struct nvme_lm_encoder *enc, u16 type, u16 flags,
			   const void *payload, u32 length,
			   struct nvme_lm_record *record)
{
	encode_record(enc, type, flags, crc32c(CRC_SEED, payload, length), length, record);
}

void nvme_lm_encode_precopy(struct nvme_lm_encoder *enc, u32 granule, const u8 *key,
			    struct nvme_lm_precopy_record *precopy)
{
	memset(&precopy->precopy, 0, sizeof(precopy->precopy));
	precopy->precopy.granule = cpu_to_le32(granule);
	memcpy(precopy->precopy.key, key, sizeof(precopy->precopy.key));
	nvme_lm_encode_record(enc, NVME_LM_REC_PRECOPY, NVME_LM_REC_F_MANDATORY,
			      &precopy->precopy, sizeof(precopy->precopy), &precopy->record);
}

void nvme_lm_encode_digest(struct nvme_lm_encoder *enc, const struct nvme_lm_precopy *precopy,
			   const __le64 *hashes, u64 state_size,
			   struct nvme_lm_digest_record *digest)
{
	digest->digest.state_size = cpu_to_le64(state_size);
	digest->digest.digest = cpu_to_le64(make_digest(precopy, hashes, state_size));
	nvme_lm_encode_record(enc, NVME_LM_REC_DIGEST, NVME_LM_REC_F_MANDATORY,
			      &digest->digest, sizeof(digest->digest), &digest->record);
	enc->state_size = state_size;
}

void nvme_lm_encode_state(struct nvme_lm_encoder *enc, const void *data, u32 len,
			  struct nvme_lm_state_head *head)
{
	nvme_lm_encode_state_at(enc, enc->state_size, data, len, head);
}

void nvme_lm_encode_state_at(struct nvme_lm_encoder *enc, u64 offset, const void *data,
			     u32 len, struct nvme_lm_state_head *head)
{
	u32 crc;

	head->piece.offset = cpu_to_le64(offset);
	head->piece.reserved = 0;
	crc = crc32c(CRC_SEED, &head->piece, sizeof(head->piece));
	crc = crc_state(crc, data, len);
	encode_record(enc, NVME_LM_REC_STATE, NVME_LM_REC_F_MANDATORY, crc,
		      sizeof(head->piece) + len, &head->record);
	if (enc->state_size < offset + len)
		enc->state_size = offset + len;
}

void nvme_lm_encode_end(struct nvme_lm_encoder *enc, struct nvme_lm_end_record *end)
{
	end->end.state_size = cpu_to_le64(enc->state_size);
	end->end.crc = cpu_to_le32(~enc->crc);
	end->end.reserved = 0;
	nvme_lm_encode_record(enc, NVME_LM_REC_END, NVME_LM_REC_F_MANDATORY, &end->end,
			      sizeof(end->end), &end->record);
}

u64 nvme_lm_stream_size(unsigned int media, u64 state_size, u32 piece)
{
	u64 pieces = div_u64(state_size + piece - 1, piece);

	return sizeof(struct nvme_lm_stream_header) +
	       sizeof(struct nvme_lm_record) + sizeof(struct nvme_lm_identity) +
	       sizeof(struct nvme_lm_record) + sizeof(struct nvme_lm_format) +
	       media * (u64)(sizeof(struct nvme_lm_record) + sizeof(struct nvme_lm_medium)) +
	       pieces * sizeof(struct nvme_lm_state_head) + state_size +
	       sizeof(struct nvme_lm_end_record);
}

static void start_part(struct nvme_lm_decoder *dec, enum nvme_lm_decoder_part part,
		       u32 size)
{
	dec->part = part;
	dec->part_size = size;
	dec->part_have = 0;
}

void nvme_lm_decoder_init(struct nvme_lm_decoder *dec, void *payload,
			  u32 payload_size, u64 max_state)
{
	memset(dec, 0, sizeof(*dec));
	dec->payload = payload;
	dec->payload_size = payload_size;
	dec->max_state = max_state;
	dec->crc = CRC_SEED;
	start_part(dec, NVME_LM_PART_HEADER, sizeof(dec->header));
}

/* End decoding with an error and the reason for it. */
static int refuse(struct nvme_lm_decoder *dec, int error, const char *what,
		  u64 expected, u64 found)
{
	dec->error = error;
	dec->complaint.what = what;
	dec->complaint.where = dec->next_seq;
	dec->complaint.expected = expected;
	dec->complaint.found = found;
	return error;
}

/* The magic is looked at as it comes: what is not ours is not read on. */
static int check_magic(struct nvme_lm_decoder *dec)
{
	u32 len = min_t(u32, dec->part_have, NVME_LM_STREAM_MAGIC_LEN);

	if (!memcmp(dec->header.magic, NVME_LM_STREAM_MAGIC, len))
		return 0;
	return refuse(dec, -ENOMSG, "magic: this is not an nvme-lm stream",
		      NVME_LM_STREAM_MAGIC[0], dec->header.magic[0]);
}

/* The fields that say how much of a header there is. */
static int header_fixed(struct nvme_lm_decoder *dec)
{
	struct nvme_lm_stream_header *header = &dec->header;
	u32 version = le16_to_cpu(header->version);
	u32 len = le16_to_cpu(header->header_len);
	__le32 crc = header->crc;

	if (version != NVME_LM_STREAM_VERSION)
		return refuse(dec, -EPROTONOSUPPORT, "stream version",
			      NVME_LM_STREAM_VERSION, version);
	if (len < sizeof(*header) || len > NVME_LM_STREAM_MAX_HEADER)
		return refuse(dec, -EPROTO, "length of the stream header",
			      sizeof(*header), len);

	dec->crc = crc32c(CRC_SEED, header, sizeof(*header));
	header->crc = 0;
	dec->part_crc = crc32c(CRC_SEED, header, sizeof(*header));
	header->crc = crc;
	start_part(dec, NVME_LM_PART_HEADER_REST, len - sizeof(*header));
	return 0;
}

/* The whole header is here, also what a later version may have appended. */
static int header_complete(struct nvme_lm_decoder *dec)
{
	struct nvme_lm_stream_header *header = &dec->header;
	size_t i;

	if (le32_to_cpu(header->crc) != (u32)~dec->part_crc)
		return refuse(dec, -EBADMSG, "CRC of the stream header",
			      (u32)~dec->part_crc, le32_to_cpu(header->crc));
	if (header->flags)
		return refuse(dec, -EPROTONOSUPPORT, "flags of the stream header", 0,
			      le16_to_cpu(header->flags));
	for (i = 0; i < sizeof(header->reserved); i++)
		if (header->reserved[i])
			return refuse(dec, -EPROTO, "reserved byte of the stream header",
				      0, header->reserved[i]);

	dec->command_set = le16_to_cpu(header->command_set);
	start_part(dec, NVME_LM_PART_RECORD, sizeof(dec->record));
	return NVME_LM_DECODE_HEADER;
}

static bool type_is_known(const struct nvme_lm_decoder *dec, u16 type)
{
	switch (type) {
	case NVME_LM_REC_IDENTITY:
	case NVME_LM_REC_FORMAT:
	case NVME_LM_REC_MEDIUM:
	case NVME_LM_REC_STATE:
	case NVME_LM_REC_END:
		return true;
	case NVME_LM_REC_PRECOPY:
	case NVME_LM_REC_DIGEST:
		return dec->make_room;
	default:
		return false;
	}
}

/* May a record of @type follow the known record that came last? */
static bool type_is_in_place(const struct nvme_lm_decoder *dec, u16 type)
{
	bool in_passes = dec->precopy.granule;

	switch (type) {
	case NVME_LM_REC_IDENTITY:
		return dec->next_seq == 0;
	case NVME_LM_REC_FORMAT:
		return dec->next_seq == 1;
	case NVME_LM_REC_MEDIUM:
	case NVME_LM_REC_PRECOPY:
		return dec->last_type == NVME_LM_REC_FORMAT ||
		       dec->last_type == NVME_LM_REC_MEDIUM;
	case NVME_LM_REC_STATE:
		return dec->last_type == NVME_LM_REC_FORMAT ||
		       dec->last_type == NVME_LM_REC_MEDIUM ||
		       dec->last_type == NVME_LM_REC_PRECOPY ||
		       dec->last_type == NVME_LM_REC_STATE;
	case NVME_LM_REC_DIGEST:
		return in_passes && dec->last_type == NVME_LM_REC_STATE;
	case NVME_LM_REC_END:
		return dec->last_type == (in_passes ? NVME_LM_REC_DIGEST : NVME_LM_REC_STATE);
	default:
		/* the first two places are those of IDENTITY and FORMAT */
		return dec->next_seq >= 2;
	}
}

/* Size of the payload of a known record; 0 if it is not fixed. */
static u32 fixed_length(u16 type)
{
	switch (type) {
	case NVME_LM_REC_IDENTITY:
		return sizeof(struct nvme_lm_identity);
	case NVME_LM_REC_FORMAT:
		return sizeof(struct nvme_lm_format);
	case NVME_LM_REC_MEDIUM:
		return sizeof(struct nvme_lm_medium);
	case NVME_LM_REC_PRECOPY:
		return sizeof(struct nvme_lm_precopy);
	case NVME_LM_REC_DIGEST:
		return sizeof(struct nvme_lm_digest);
	case NVME_LM_REC_END:
		return sizeof(struct nvme_lm_end);
	default:
		return 0;
	}
}

/* CRC, sequence number, and all that does not depend on the type. */
static int check_record(struct nvme_lm_decoder *dec)
{
	const struct nvme_lm_record *record = &dec->record;
	u32 crc = nvme_lm_crc32c(record, offsetof(struct nvme_lm_record, crc));
	u16 unknown = le16_to_cpu(record->flags) & ~NVME_LM_REC_F_MANDATORY;

	if (le32_to_cpu(record->crc) != crc)
		return refuse(dec, -EBADMSG, "CRC of a record header", crc,
			      le32_to_cpu(record->crc));
	if (le32_to_cpu(record->seq) != dec->next_seq)
		return refuse(dec, -EILSEQ, "record sequence number", dec->next_seq,
			      le32_to_cpu(record->seq));
	if (unknown)
		return refuse(dec, -EPROTONOSUPPORT, "unknown flags of a record", 0, unknown);
	if (record->reserved || record->reserved2[0] || record->reserved2[1])
		return refuse(dec, -EPROTO, "reserved field of a record header", 0, 1);
	if (le32_to_cpu(record->length) > NVME_LM_STREAM_MAX_PAYLOAD)
		return refuse(dec, -EPROTO, "record length", NVME_LM_STREAM_MAX_PAYLOAD,
			      le32_to_cpu(record->length));
	return 0;
}

/* What a record's type demands of its place and length. */
static int check_type(struct nvme_lm_decoder *dec, u16 type, u32 length)
{
	u32 fixed = fixed_length(type);

	if (!type_is_known(dec, type) &&
	    (le16_to_cpu(dec->record.flags) & NVME_LM_REC_F_MANDATORY))
		return refuse(dec, -EPROTONOSUPPORT, "type of a mandatory record", 0, type);
	if (!type_is_in_place(dec, type))
		return refuse(dec, -EPROTO, "place of a record, by type after type",
			      dec->last_type, type);
	if (fixed && length != fixed)
		return refuse(dec, -EPROTO, "length of a record's payload", fixed, length);
	return 0;
}

/*
 * State: bounded before a byte of it is taken.  Where it goes is not known yet if
 * it comes in passes: then that is bounded when the record is whole.
 */
static int check_state_length(struct nvme_lm_decoder *dec, u32 length)
{
	u32 bytes = length - sizeof(struct nvme_lm_state_piece);

	if (length <= sizeof(struct nvme_lm_state_piece))
		return refuse(dec, -EPROTO, "length of a STATE payload",
			      sizeof(struct nvme_lm_state_piece) + 1, length);
	if (bytes > dec->max_state ||
	    (!dec->precopy.granule && dec->state_size > dec->max_state - bytes))
		return refuse(dec, -EFBIG, "bytes of state", dec->max_state,
			      dec->state_size + bytes);
	return 0;
}

static int payload_complete(struct nvme_lm_decoder *dec);

static int record_complete(struct nvme_lm_decoder *dec)
{
	u32 length = le32_to_cpu(dec->record.length);
	u16 type = le16_to_cpu(dec->record.type);
	int ret;

	ret = check_record(dec);
	if (!ret)
		ret = check_type(dec, type, length);
	if (!ret && type == NVME_LM_REC_STATE)
		ret = check_state_length(dec, length);
	if (ret)
		return ret;

	dec->known = type_is_known(dec, type);
	if (dec->known && length > dec->payload_size)
		return refuse(dec, -EFBIG, "record payload that fits the reader's buffer",
			      dec->payload_size, length);

	dec->type = type;
	dec->length = length;
	dec->part_crc = CRC_SEED;
	start_part(dec, NVME_LM_PART_PAYLOAD, length);
	return length ? NVME_LM_DECODE_MORE : payload_complete(dec);
}

static bool all_zero(const u8 *bytes, size_t len)
{
	while (len--)
		if (*bytes++)
			return false;
	return true;
}

static int check_identity(struct nvme_lm_decoder *dec)
{
	const struct nvme_lm_identity *id = (const void *)dec->payload;

	if (!all_zero(id->reserved, sizeof(id->reserved)) ||
	    !all_zero(id->reserved2, sizeof(id->reserved2)))
		return refuse(dec, -EPROTO, "reserved field of IDENTITY", 0, 1);
	return NVME_LM_DECODE_RECORD;
}

static int check_format(struct nvme_lm_decoder *dec)
{
	const struct nvme_lm_format *format = (const void *)dec->payload;

	if (!all_zero(format->reserved, sizeof(format->reserved)))
		return refuse(dec, -EPROTO, "reserved field of FORMAT", 0, 1);
	return NVME_LM_DECODE_RECORD;
}

static int check_medium(struct nvme_lm_decoder *dec)
{
	const struct nvme_lm_medium *medium = (const void *)dec->payload;
	u32 flags = le32_to_cpu(medium->flags) & ~NVME_LM_MEDIUM_F_SHARED;
	u32 nsid = le32_to_cpu(medium->nsid);

	if (!all_zero(medium->reserved, sizeof(medium->reserved)))
		return refuse(dec, -EPROTO, "reserved field of MEDIUM", 0, 1);
	if (flags)
		return refuse(dec, -EPROTO, "unknown flags of MEDIUM", 0, flags);
	if (nsid <= dec->last_nsid || nsid == 0xffffffffU)
		return refuse(dec, -EPROTO, "NSID of MEDIUM, to be more than the last",
			      dec->last_nsid, nsid);
	if (++dec->media > NVME_LM_STREAM_MAX_MEDIA)
		return refuse(dec, -EPROTO, "number of MEDIUM records",
			      NVME_LM_STREAM_MAX_MEDIA, dec->media);
	dec->last_nsid = nsid;
	return NVME_LM_DECODE_RECORD;
}

static int check_precopy(struct nvme_lm_decoder *dec)
{
	const struct nvme_lm_precopy *precopy = (const void *)dec->payload;
	u32 granule = le32_to_cpu(precopy->granule);

	if (precopy->reserved || !all_zero(precopy->reserved2, sizeof(precopy->reserved2)))
		return refuse(dec, -EPROTO, "reserved field of PRECOPY", 0, 1);
	if (granule < NVME_LM_STREAM_MIN_GRANULE || granule > NVME_LM_STREAM_MAX_GRANULE ||
	    !is_power_of_2(granule))
		return refuse(dec, -EPROTO, "granule of PRECOPY", NVME_LM_STREAM_MIN_GRANULE,
			      granule);
	dec->precopy = *precopy;
	return NVME_LM_DECODE_RECORD;
}

/* Note down the granules of a piece that was found to be in place. */
static int take_granules(struct nvme_lm_decoder *dec, u64 offset, u32 bytes)
{
	const u8 *data = dec->payload;
	u32 granule = le32_to_cpu(dec->precopy.granule);
	u64 index = div_u64(offset, granule);
	u64 count = nvme_lm_granules(offset + bytes, granule);
	u32 len;
	int ret;

	if (count > dec->granule_room) {
		ret = dec->make_room(dec, count);
		if (ret)
			return refuse(dec, ret, "granules of state to take note of",
				      dec->granule_room, count);
	}
	for (; bytes; bytes -= len, data += len, index++) {
		len = min_t(u32, bytes, granule);
		dec->lengths[index] = len;
		dec->hashes[index] = nvme_lm_granule_hash(&dec->precopy, data, len);
	}
	return 0;
}

/* A piece of a state that comes in passes. */
static int check_piece_of_pass(struct nvme_lm_decoder *dec)
{
	u64 offset = le64_to_cpu(dec->piece.offset);
	u32 bytes = dec->length - sizeof(dec->piece);
	int ret;

	if (offset > dec->state_size)
		return refuse(dec, -EILSEQ, "offset of a piece of state, at most",
			      dec->state_size, offset);
	if (offset & (le32_to_cpu(dec->precopy.granule) - 1))
		return refuse(dec, -EILSEQ, "offset of a piece of state, a multiple of",
			      le32_to_cpu(dec->precopy.granule), offset);
	if (offset > dec->max_state - bytes)
		return refuse(dec, -EFBIG, "bytes of state", dec->max_state, offset + bytes);
	ret = take_granules(dec, offset, bytes);
	if (ret)
		return ret;
	if (dec->state_size < offset + bytes)
		dec->state_size = offset + bytes;
	return NVME_LM_DECODE_RECORD;
}

/* Is each granule as long as it has to be in a state of @size bytes? */
static int check_lengths(struct nvme_lm_decoder *dec, u64 size)
{
	u32 granule = le32_to_cpu(dec->precopy.granule);
	u64 index;
	u32 len;

	for (index = 0; size; index++, size -= len) {
		len = min_t(u64, size, granule);
		if (dec->lengths[index] != len)
			return refuse(dec, -EILSEQ, "bytes that came last of a granule", len,
				      dec->lengths[index]);
	}
	return 0;
}

static int check_digest(struct nvme_lm_decoder *dec)
{
	const struct nvme_lm_digest *digest = (const void *)dec->payload;
	u64 size = le64_to_cpu(digest->state_size);
	u64 found;
	int ret;

	if (!size || size % 4)
		return refuse(dec, -EPROTO, "bytes of state in DIGEST, a multiple of", 4, size);
	if (size > dec->state_size)
		return refuse(dec, -EILSEQ, "bytes of state in DIGEST, at most what came",
			      dec->state_size, size);
	ret = check_lengths(dec, size);
	if (ret)
		return ret;
	found = make_digest(&dec->precopy, dec->hashes, size);
	if (le64_to_cpu(digest->digest) != found)
		return refuse(dec, -EBADMSG, "digest of the state that was put together",
			      le64_to_cpu(digest->digest), found);
	dec->state_size = size;
	return NVME_LM_DECODE_RECORD;
}

static int check_state(struct nvme_lm_decoder *dec)
{
	if (dec->piece.reserved)
		return refuse(dec, -EPROTO, "reserved field of STATE", 0, 1);
	if (dec->precopy.granule)
		return check_piece_of_pass(dec);
	if (le64_to_cpu(dec->piece.offset) != dec->state_size)
		return refuse(dec, -EILSEQ, "offset of a piece of state", dec->state_size,
			      le64_to_cpu(dec->piece.offset));
	dec->state_size += dec->length - sizeof(dec->piece);
	return NVME_LM_DECODE_RECORD;
}

static int check_end(struct nvme_lm_decoder *dec)
{
	const struct nvme_lm_end *end = (const void *)dec->payload;

	if (le32_to_cpu(end->crc) != (u32)~dec->crc)
		return refuse(dec, -EBADMSG, "CRC of the whole stream", (u32)~dec->crc,
			      le32_to_cpu(end->crc));
	if (end->reserved)
		return refuse(dec, -EPROTO, "reserved field of END", 0, 1);
	if (le64_to_cpu(end->state_size) != dec->state_size)
		return refuse(dec, -EILSEQ, "bytes of state before END",
			      le64_to_cpu(end->state_size), dec->state_size);
	start_part(dec, NVME_LM_PART_DONE, 0);
	return NVME_LM_DECODE_END;
}

static int check_payload(struct nvme_lm_decoder *dec)
{
	switch (dec->type) {
	case NVME_LM_REC_IDENTITY:
		return check_identity(dec);
	case NVME_LM_REC_FORMAT:
		return check_format(dec);
	case NVME_LM_REC_MEDIUM:
		return check_medium(dec);
	case NVME_LM_REC_PRECOPY:
		return check_precopy(dec);
	case NVME_LM_REC_STATE:
		return check_state(dec);
	case NVME_LM_REC_DIGEST:
		return check_digest(dec);
	case NVME_LM_REC_END:
		return check_end(dec);
	default:
		dec->skipped++;
		return NVME_LM_DECODE_MORE;
	}
}

static int payload_complete(struct nvme_lm_decoder *dec)
{
	const struct nvme_lm_record *record = &dec->record;
	int ret;

	if (le32_to_cpu(record->payload_crc) != (u32)~dec->part_crc)
		return refuse(dec, -EBADMSG, "CRC of a record's payload",
			      (u32)~dec->part_crc, le32_to_cpu(record->payload_crc));

	start_part(dec, NVME_LM_PART_RECORD, sizeof(*record));
	ret = check_payload(dec);
	if (ret < 0)
		return ret;

	if (dec->known)
		dec->last_type = dec->type;
	dec->next_seq++;
	dec->crc = crc32c(dec->crc, record, sizeof(*record));
	dec->crc = crc_append(dec->crc, dec->part_crc, dec->length);
	return ret;
}

/* Where the next bytes of the payload of a STATE record go. */
static void *state_window(struct nvme_lm_decoder *dec, u32 *len)
{
	if (dec->part_have >= sizeof(dec->piece))
		return dec->payload + dec->part_have - sizeof(dec->piece);
	*len = sizeof(dec->piece) - dec->part_have;
	return (u8 *)&dec->piece + dec->part_have;
}

u32 nvme_lm_decoder_state_begins(const struct nvme_lm_decoder *dec, u64 *offset)
{
	u32 granule = le32_to_cpu(dec->precopy.granule);
	u32 len = dec->length - sizeof(dec->piece);
	u64 at = le64_to_cpu(dec->piece.offset);

	if (dec->error || dec->part != NVME_LM_PART_PAYLOAD ||
	    dec->type != NVME_LM_REC_STATE || dec->part_have != sizeof(dec->piece))
		return 0;
	if (granule ? at > dec->state_size || at & (granule - 1) : at != dec->state_size)
		return 0;
	if (at > dec->max_state - len)
		return 0;
	*offset = at;
	return len;
}

void *nvme_lm_decoder_window(struct nvme_lm_decoder *dec, u32 *len)
{
	u32 left = dec->part_size - dec->part_have;

	*len = 0;
	if (dec->error || dec->part == NVME_LM_PART_DONE)
		return NULL;

	*len = left;
	if (dec->part == NVME_LM_PART_HEADER)
		return (u8 *)&dec->header + dec->part_have;
	if (dec->part == NVME_LM_PART_RECORD)
		return (u8 *)&dec->record + dec->part_have;
	if (dec->part == NVME_LM_PART_PAYLOAD && dec->type == NVME_LM_REC_STATE)
		return state_window(dec, len);
	if (dec->part == NVME_LM_PART_PAYLOAD && dec->known)
		return dec->payload + dec->part_have;

	/* what is skipped need not stay: each window starts anew */
	*len = min_t(u32, left, dec->payload_size);
	return dec->payload;
}

/* A part has all its bytes. */
static int part_complete(struct nvme_lm_decoder *dec)
{
	int ret;

	switch (dec->part) {
	case NVME_LM_PART_HEADER:
		ret = header_fixed(dec);
		return ret || dec->part_size ? ret : header_complete(dec);
	case NVME_LM_PART_HEADER_REST:
		return header_complete(dec);
	case NVME_LM_PART_RECORD:
		return record_complete(dec);
	case NVME_LM_PART_PAYLOAD:
		return payload_complete(dec);
	default:
		return NVME_LM_DECODE_MORE;
	}
}

int nvme_lm_decoder_commit(struct nvme_lm_decoder *dec, u32 len)
{
	void *window;
	u32 room;

	if (dec->error)
		return dec->error;
	if (!len)
		return NVME_LM_DECODE_MORE;
	window = nvme_lm_decoder_window(dec, &room);
	if (!window)
		return refuse(dec, -EOVERFLOW, "bytes after END", 0, len);
	if (len > room)
		return refuse(dec, -EINVAL, "bytes put into the window", room, len);

	if (dec->part == NVME_LM_PART_PAYLOAD)
		dec->part_crc = crc_state(dec->part_crc, window, len);
	if (dec->part == NVME_LM_PART_HEADER_REST) {
		dec->part_crc = crc32c(dec->part_crc, window, len);
		dec->crc = crc32c(dec->crc, window, len);
	}
	dec->position += len;
	dec->part_have += len;
	if (dec->part == NVME_LM_PART_HEADER && check_magic(dec))
		return dec->error;
	if (dec->part_have < dec->part_size)
		return NVME_LM_DECODE_MORE;
	return part_complete(dec);
}

int nvme_lm_decoder_push(struct nvme_lm_decoder *dec, const void *data, size_t len,
			 size_t *used)
{
	const u8 *from = data;
	void *window;
	u32 room;
	int ret = dec->error;

	*used = 0;
	while (!ret && len) {
		window = nvme_lm_decoder_window(dec, &room);
		if (!window)
			return nvme_lm_decoder_commit(dec, 1);
		if (room > len)
			room = len;
		memcpy(window, from, room);
		from += room;
		len -= room;
		*used += room;
		ret = nvme_lm_decoder_commit(dec, room);
	}
	return ret;
}

int nvme_lm_decoder_finish(struct nvme_lm_decoder *dec)
{
	if (dec->error)
		return dec->error;
	if (dec->part == NVME_LM_PART_DONE)
		return 0;
	return refuse(dec, -ENODATA, "END record (the stream stops short)", 1, 0);
}
