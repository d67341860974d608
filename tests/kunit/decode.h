/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Run the decoder under test over a stream, in pieces of any size.
 */
#ifndef NVME_LM_KUNIT_DECODE_H
#define NVME_LM_KUNIT_DECODE_H

#include <linux/types.h>

#include "raw_stream.h"

struct kunit;
struct nvme_lm_decoder;

#define DECODE_MAX_RECORDS	16
#define DECODE_MAX_STATE	32768
#define DECODE_MAX_GRANULES	(DECODE_MAX_STATE / 4096)

/**
 * struct decoded - what a decoder made of a stream
 * @max_state: most bytes of state to accept; the caller may change it
 * @old_reader: know nothing of a state that comes in passes; likewise
 * @room_error: what making room for granules gives; likewise
 * @result: 0 if the stream is whole and right, or the decoder's errno
 * @headers: times the decoder said that it has the header
 * @records: records that it gave, END not among them
 * @type: their types
 * @wrong_state: bytes of state that are not as raw_state_byte() has them
 * @image: the state, put together
 * @complaint: whether there was a word about a refusal
 * @dec: the decoder as it was at the end
 */
struct decoded {
	u64 max_state;
	bool old_reader;
	int room_error;
	int result;
	unsigned int headers;
	unsigned int records;
	u16 type[DECODE_MAX_RECORDS];
	u64 wrong_state;
	u8 image[DECODE_MAX_STATE];
	bool complaint;
	struct nvme_lm_decoder *dec;
};

/**
 * decode_alloc - get room for results, and a decoder
 * @test: the test
 *
 * Return: the room; the test ends when there is no memory.
 */
struct decoded *decode_alloc(struct kunit *test);

/**
 * decode_next_step - how many bytes the decoder gets next
 * @context: the caller's
 * @position: bytes it had so far
 *
 * Return: at least 1.
 */
typedef size_t (*decode_next_step)(void *context, size_t position);

/**
 * decode_bytes - decode a stream
 * @test: the test
 * @bytes: first byte
 * @len: number of bytes
 * @step: gives the pieces; NULL for all bytes at once
 * @context: for @step
 * @out: the results
 *
 * Return: &decoded.result, that is 0 or the decoder's errno.
 */
int decode_bytes(struct kunit *test, const u8 *bytes, size_t len,
		 decode_next_step step, void *context, struct decoded *out);

/**
 * decode_stream - decode a stream, all bytes at once
 * @test: the test
 * @s: the stream
 * @out: the results
 *
 * Return: as decode_bytes().
 */
int decode_stream(struct kunit *test, const struct raw_stream *s, struct decoded *out);

#endif /* NVME_LM_KUNIT_DECODE_H */
