// SPDX-License-Identifier: GPL-2.0-only
/*
 * Run the decoder under test over a stream: see decode.h.
 */
#include <kunit/test.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "../../drivers/vfio/pci/nvme/stream.h"
#include "decode.h"

/* Decoder and room for the payload of any record of our own streams. */
struct decode_room {
	struct decoded decoded;
	struct nvme_lm_decoder dec;
	u8 payload[DECODE_MAX_STATE];
	__le64 hashes[DECODE_MAX_GRANULES];
	u32 lengths[DECODE_MAX_GRANULES];
};

static int make_room(struct nvme_lm_decoder *dec, u64 count)
{
	struct decode_room *room = container_of(dec, struct decode_room, dec);

	if (room->decoded.room_error)
		return room->decoded.room_error;
	if (count > DECODE_MAX_GRANULES)
		return -ENOSPC;
	dec->hashes = room->hashes;
	dec->lengths = room->lengths;
	dec->granule_room = count;
	return 0;
}

struct decoded *decode_alloc(struct kunit *test)
{
	struct decode_room *room = kunit_kzalloc(test, sizeof(*room), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, room);
	room->decoded.dec = &room->dec;
	room->decoded.max_state = 100 * GOOD_STATE_SIZE;
	return &room->decoded;
}

/* A record is here: remember its type, check the state that it carries. */
static void take_record(struct kunit *test, struct decoded *out)
{
	const struct nvme_lm_decoder *dec = out->dec;
	u64 offset;
	u32 i, len;

	KUNIT_ASSERT_LT(test, out->records, (unsigned int)DECODE_MAX_RECORDS);
	out->type[out->records++] = dec->type;
	if (dec->type != RAW_STATE)
		return;
	offset = le64_to_cpu(dec->piece.offset);
	len = dec->length - RAW_PIECE_SIZE;
	if (offset + len <= DECODE_MAX_STATE)
		memcpy(out->image + offset, dec->payload, len);
	for (i = 0; i < len; i++)
		if (dec->payload[i] != raw_state_byte(offset++))
			out->wrong_state++;
}

/* Give the decoder @len bytes, however many events are in them. */
static int push_all(struct kunit *test, const u8 *bytes, size_t len, struct decoded *out)
{
	size_t used;
	int ret = 0;

	while (len && ret >= 0) {
		ret = nvme_lm_decoder_push(out->dec, bytes, len, &used);
		if (ret < 0)
			break;
		KUNIT_ASSERT_GT(test, used, 0);
		KUNIT_ASSERT_LE(test, used, len);
		bytes += used;
		len -= used;
		if (ret == NVME_LM_DECODE_HEADER)
			out->headers++;
		else if (ret == NVME_LM_DECODE_RECORD)
			take_record(test, out);
	}
	return ret < 0 ? ret : 0;
}

int decode_bytes(struct kunit *test, const u8 *bytes, size_t len,
		 decode_next_step step, void *context, struct decoded *out)
{
	struct decode_room *room = container_of(out, struct decode_room, decoded);
	size_t position = 0, piece;
	u64 max_state = out->max_state;
	bool old_reader = out->old_reader;
	int room_error = out->room_error;
	int ret = 0;

	memset(room, 0, sizeof(*room));
	out->dec = &room->dec;
	out->max_state = max_state;
	out->old_reader = old_reader;
	out->room_error = room_error;
	nvme_lm_decoder_init(out->dec, room->payload, sizeof(room->payload), out->max_state);
	if (!out->old_reader)
		out->dec->make_room = make_room;
	while (position < len && !ret) {
		piece = step ? min(step(context, position), len - position) : len;
		ret = push_all(test, bytes + position, piece, out);
		position += piece;
	}
	out->result = ret ?: nvme_lm_decoder_finish(out->dec);
	out->complaint = out->dec->complaint.what;
	return out->result;
}

int decode_stream(struct kunit *test, const struct raw_stream *s, struct decoded *out)
{
	return decode_bytes(test, s->bytes, s->len, NULL, NULL, out);
}
