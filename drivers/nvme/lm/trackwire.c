// SPDX-License-Identifier: GPL-2.0-only
/*
 * Encoding and decoding of tracking data; see trackwire.h.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "trackwire.h"

/* Identify Controller. */
#define IDC_CMMRTD		570
#define IDC_MINMRTG		574
#define IDC_MAXMRTG		575
#define IDC_TRATTR		576
#define IDC_TRATTR_THMCS	0x01
#define IDC_TRATTR_MRTLL	0x04

/* Track Memory Changes. */
#define TMC_RMRTG		3
#define TMC_RNMRTD		4
#define RANGE_LEN		8

/* Tracked Memory Changes. */
#define CHG_VER			0
#define CHG_ATTRB		1
#define CHG_CNTLID		2
#define CHG_NTMCD		4
#define CHG_RPMPG		8

/* MTR, More To Report. */
#define CHG_ATTRB_MORE		0x01

/*
 * MRTG, MINMRTG, MAXMRTG, RMRTG and RPMPG are powers of two of 4 KiB, whatever the
 * controller's smallest page is.
 */
#define GRANULARITY_SHIFT	12
/* 1 TiB.  A granularity beyond any use is not believed. */
#define GRANULARITY_MAX_SHIFT	40

/* MRTG in Dword 0 of the completion of a Track Send that started nothing. */
#define CQE_MRTG_MASK		0xffff

/* A granularity of the device as the binary logarithm of bytes. */
static int granularity(u32 encoded, u8 *shift)
{
	if (encoded > GRANULARITY_MAX_SHIFT - GRANULARITY_SHIFT)
		return -EREMOTEIO;
	*shift = encoded + GRANULARITY_SHIFT;
	return 0;
}

/**
 * nvme_lm_decode_track_limits - Identify Controller, what it can track
 * @page: the data structure, 4096 bytes
 * @limits: filled in; no ranges if it tracks no memory, or in no way that is
 *	understood
 */
void nvme_lm_decode_track_limits(const u8 *page,
				 struct nvme_lm_track_limits *limits)
{
	u8 attributes = page[IDC_TRATTR];

	memset(limits, 0, sizeof(*limits));
	if (!(attributes & IDC_TRATTR_THMCS))
		return;
	if (granularity(page[IDC_MINMRTG], &limits->min_shift))
		return;
	if (granularity(page[IDC_MAXMRTG], &limits->max_shift))
		limits->max_shift = GRANULARITY_MAX_SHIFT;
	if (limits->min_shift > limits->max_shift)
		return;
	limits->powers = attributes & IDC_TRATTR_MRTLL;
	limits->max_ranges = get_unaligned_le16(page + IDC_CMMRTD);
}

/**
 * nvme_lm_decode_possible - which granularity could be tracked
 * @dword0: Dword 0 of the completion of a Track Send, with the status Not Enough
 *	Resources
 * @shift: filled in
 *
 * Return: 0 or -EREMOTEIO.
 */
int nvme_lm_decode_possible(u32 dword0, u8 *shift)
{
	return granularity(dword0 & CQE_MRTG_MASK, shift);
}

/**
 * nvme_lm_encode_ranges - what to track, as the device reads it
 * @buf: %NVME_LM_TRACK_HEADER bytes, and %NVME_LM_TRACK_RANGE for each of
 *	nvme_lm_ranges_descriptors()
 * @spans: whole granules each
 * @count: how many spans
 * @shift: granularity to ask for
 * @powers: whether lengths have to be powers of two
 */
void nvme_lm_encode_ranges(u8 *buf, const struct nvme_lm_span *spans,
			   unsigned int count, u8 shift, bool powers)
{
	u8 *range = buf + NVME_LM_TRACK_HEADER;
	unsigned int i, descriptors = 0;

	for (i = 0; i < count; i++) {
		u64 granules = ((spans[i].last - spans[i].first) >> shift) + 1;
		u64 at = spans[i].first;

		while (granules) {
			u32 len = nvme_lm_range_piece(granules, powers);

			put_unaligned_le64(at, range);
			put_unaligned_le32(len, range + RANGE_LEN);
			range += NVME_LM_TRACK_RANGE;
			descriptors++;
			granules -= len;
			at += (u64)len << shift;
		}
	}
	memset(buf, 0, NVME_LM_TRACK_HEADER);
	buf[TMC_RMRTG] = shift - GRANULARITY_SHIFT;
	put_unaligned_le32(descriptors, buf + TMC_RNMRTD);
}

/**
 * nvme_lm_blank_changes - a buffer for a Track Receive, before the command
 * @buf: at least %NVME_LM_CHANGES_HEADER bytes; filled with what no device says
 */
void nvme_lm_blank_changes(u8 *buf)
{
	memset(buf, 0xff, NVME_LM_CHANGES_HEADER);
}

/**
 * nvme_lm_changes_unsaid - whether the device left out what it found
 * @buf: nvme_lm_blank_changes() of it, and then a Track Receive that succeeded
 *
 * Return: whether no more than the first dword came.
 */
bool nvme_lm_changes_unsaid(const u8 *buf)
{
	return !memchr_inv(buf + CHG_NTMCD, 0xff,
			   NVME_LM_CHANGES_HEADER - CHG_NTMCD);
}

/**
 * nvme_lm_decode_changes - what a Track Receive returned
 * @buf: the data
 * @len: bytes of it, at least %NVME_LM_CHANGES_HEADER
 * @cntlid: who was asked for
 * @changes: filled in; all its descriptors are in @buf
 *
 * Return: 0 or -EREMOTEIO.
 */
int nvme_lm_decode_changes(const u8 *buf, u32 len, u16 cntlid,
			   struct nvme_lm_changes *changes)
{
	u32 room = (len - NVME_LM_CHANGES_HEADER) / NVME_LM_CHANGES_RUN;

	if (buf[CHG_VER] || get_unaligned_le16(buf + CHG_CNTLID) != cntlid)
		return -EREMOTEIO;
	changes->count = get_unaligned_le32(buf + CHG_NTMCD);
	changes->more = buf[CHG_ATTRB] & CHG_ATTRB_MORE;
	/* None, and yet more: nobody would ever come to the end. */
	if (changes->count > room || (changes->more && !changes->count))
		return -EREMOTEIO;
	return granularity(get_unaligned_le16(buf + CHG_RPMPG), &changes->shift);
}
