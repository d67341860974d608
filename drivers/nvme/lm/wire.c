// SPDX-License-Identifier: GPL-2.0-only
/*
 * Decoding of what the device returns; see wire.h.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "command.h"
#include "wire.h"

/* Identify Controller. */
#define IDC_SN			4
#define IDC_MN			24
#define IDC_FR			64
#define IDC_CNTLID		78
#define IDC_OACS		256
#define IDC_OACS_HMLMS		0x0800
#define IDC_SUBNQN		768

/* Secondary Controller List. */
#define SCL_NUMID		0
#define SCL_ENTRIES		32
#define SCL_ENTRY_SIZE		32
#define SCE_SCID		0
#define SCE_PCID		2
#define SCE_SCS			4
#define SCE_SCS_ONLINE		0x01
#define SCE_VFN			8
#define SCE_NVQ			10
#define SCE_NVI			12

/* Supported Controller State Formats. */
#define SCSF_NV			0
#define SCSF_NUUID		1
#define SCSF_VERSIONS		2
#define UUID_LEN		16

/* Controller State. */
#define CS_VER			0
#define CS_NVMECSS		16
#define CS_VSS			32

/* Identify Namespace. */
#define IDN_NSZE		0
#define IDN_NLBAF		25
#define IDN_FLBAS		26
#define IDN_DPS			29
#define IDN_NMIC		30
#define IDN_NMIC_SHARED		0x01
#define IDN_NULBAF		82
#define IDN_NGUID		104
#define IDN_EUI64		120
#define IDN_LBAF		128
#define IDN_LBAF_SIZE		4
#define IDN_LBAF_MAX		64

/* Namespace Identification Descriptor: NIDT, NIDL, 2 reserved bytes, NID. */
#define NID_HEADER		4
#define NIDT_EUI64		1
#define NIDT_NGUID		2
#define NIDT_UUID		3
#define NIDT_CSI		4

/**
 * nvme_lm_decode_controller - Identify Controller, for attaching
 * @page: the data structure, %NVME_LM_IDENTIFY_SIZE bytes
 * @id: filled in
 */
void nvme_lm_decode_controller(const u8 *page, struct nvme_lm_controller_id *id)
{
	id->cntlid = get_unaligned_le16(page + IDC_CNTLID);
	id->migrates = get_unaligned_le16(page + IDC_OACS) & IDC_OACS_HMLMS;
}

/**
 * nvme_lm_decode_subsystem - Identify Controller, what its subsystem is
 * @page: the data structure, %NVME_LM_IDENTIFY_SIZE bytes
 * @id: serial and model number, firmware revision and NQN are filled in
 */
void nvme_lm_decode_subsystem(const u8 *page, struct nvme_lm_identity *id)
{
	memcpy(id->sn, page + IDC_SN, sizeof(id->sn));
	memcpy(id->mn, page + IDC_MN, sizeof(id->mn));
	memcpy(id->fr, page + IDC_FR, sizeof(id->fr));
	memcpy(id->subnqn, page + IDC_SUBNQN, sizeof(id->subnqn));
}

/**
 * nvme_lm_secondary_count - how many entries a Secondary Controller List has
 * @page: the data structure, %NVME_LM_IDENTIFY_SIZE bytes
 *
 * Return: at most %NVME_LM_SECONDARY_PER_LIST, or -EREMOTEIO.
 */
int nvme_lm_secondary_count(const u8 *page)
{
	if (page[SCL_NUMID] > NVME_LM_SECONDARY_PER_LIST)
		return -EREMOTEIO;
	return page[SCL_NUMID];
}

/**
 * nvme_lm_decode_secondary - an entry of a Secondary Controller List
 * @page: the data structure, %NVME_LM_IDENTIFY_SIZE bytes
 * @index: which, less than nvme_lm_secondary_count()
 * @secondary: filled in
 */
void nvme_lm_decode_secondary(const u8 *page, unsigned int index,
			      struct nvme_lm_secondary *secondary)
{
	const u8 *entry = page + SCL_ENTRIES + index * SCL_ENTRY_SIZE;

	secondary->cntlid = get_unaligned_le16(entry + SCE_SCID);
	secondary->primary = get_unaligned_le16(entry + SCE_PCID);
	secondary->online = entry[SCE_SCS] & SCE_SCS_ONLINE;
	secondary->vfn = get_unaligned_le16(entry + SCE_VFN);
	secondary->nvq = get_unaligned_le16(entry + SCE_NVQ);
	secondary->nvi = get_unaligned_le16(entry + SCE_NVI);
}

/**
 * nvme_lm_decode_format_list - how long the list of state formats is
 * @page: the data structure, %NVME_LM_IDENTIFY_SIZE bytes
 * @list: filled in
 *
 * Return: 0, or -EREMOTEIO if there is neither version nor UUID, the list is longer
 * than the data structure, or it amounts to more than %NVME_LM_MAX_FORMATS.
 */
int nvme_lm_decode_format_list(const u8 *page, struct nvme_lm_format_list *list)
{
	list->versions = page[SCSF_NV];
	list->uuids = page[SCSF_NUUID];

	if (!list->versions && !list->uuids)
		return -EREMOTEIO;
	if (SCSF_VERSIONS + 2 * list->versions + UUID_LEN * list->uuids >
	    NVME_LM_IDENTIFY_SIZE)
		return -EREMOTEIO;
	if (nvme_lm_format_count(list) > NVME_LM_MAX_FORMATS)
		return -EREMOTEIO;
	return 0;
}

/**
 * nvme_lm_format_count - how many state formats a list amounts to
 * @list: the list
 *
 * A state has a version and a vendor specific format, or only one of these where
 * the device does not list the other: each version goes with each UUID.
 *
 * Return: at least 1 and at most %NVME_LM_MAX_FORMATS.
 */
unsigned int nvme_lm_format_count(const struct nvme_lm_format_list *list)
{
	return max_t(unsigned int, list->versions, 1) *
	       max_t(unsigned int, list->uuids, 1);
}

/**
 * nvme_lm_decode_format - one state format
 * @page: the data structure, %NVME_LM_IDENTIFY_SIZE bytes
 * @list: nvme_lm_decode_format_list() of it
 * @index: which, less than nvme_lm_format_count()
 * @format: filled in
 */
void nvme_lm_decode_format(const u8 *page,
			   const struct nvme_lm_format_list *list,
			   unsigned int index, struct nvme_lm_format *format)
{
	const u8 *uuids = page + SCSF_VERSIONS + 2 * list->versions;
	u8 csvi, csuuidi;

	nvme_lm_format_selectors(list, index, &csvi, &csuuidi);
	memset(format, 0, sizeof(*format));
	format->version = cpu_to_le16(NVME_LM_FORMAT_NO_VERSION);
	if (csvi)
		memcpy(&format->version, page + SCSF_VERSIONS + 2 * (csvi - 1),
		       sizeof(format->version));
	if (csuuidi)
		memcpy(format->uuid, uuids + UUID_LEN * (csuuidi - 1),
		       sizeof(format->uuid));
}

/**
 * nvme_lm_format_selectors - how a command names a state format
 * @list: the list
 * @index: which, less than nvme_lm_format_count()
 * @csvi: filled in: CSVI, 1-based index of the version, 0 if there is none
 * @csuuidi: filled in: CSUUIDI, 1-based index of the UUID, 0 if there is none
 */
void nvme_lm_format_selectors(const struct nvme_lm_format_list *list,
			      unsigned int index, u8 *csvi, u8 *csuuidi)
{
	unsigned int uuids = max_t(unsigned int, list->uuids, 1);

	*csvi = list->versions ? index / uuids + 1 : 0;
	*csuuidi = list->uuids ? index % uuids + 1 : 0;
}

/**
 * nvme_lm_decode_state_size - how large a Controller State is
 * @header: its first %NVME_LM_STATE_HEADER_SIZE bytes
 * @max: most bytes that are believed
 * @size: filled in: bytes, with the header
 *
 * NVMECSS and VSS are 128-bit counts of dwords.  Of a version other than 0
 * nobody knows where they stand.
 *
 * Return: 0 or -EREMOTEIO.
 */
int nvme_lm_decode_state_size(const u8 *header, u64 max, u64 *size)
{
	u64 nvmecss = get_unaligned_le64(header + CS_NVMECSS);
	u64 vss = get_unaligned_le64(header + CS_VSS);
	u64 room;

	if (get_unaligned_le16(header + CS_VER))
		return -EREMOTEIO;
	if (get_unaligned_le64(header + CS_NVMECSS + 8) || get_unaligned_le64(header + CS_VSS + 8))
		return -EREMOTEIO;
	/* Each against the room that is left, so that no sum can wrap. */
	if (max < NVME_LM_STATE_HEADER_SIZE)
		return -EREMOTEIO;
	room = (max - NVME_LM_STATE_HEADER_SIZE) / 4;
	if (nvmecss > room || vss > room - nvmecss)
		return -EREMOTEIO;

	*size = NVME_LM_STATE_HEADER_SIZE + 4 * (nvmecss + vss);
	return 0;
}

/**
 * nvme_lm_list_has_controller - whether a Controller List has a controller
 * @page: the data structure, %NVME_LM_IDENTIFY_SIZE bytes
 * @cntlid: whom to look for
 * @found: filled in
 *
 * Return: 0, or -EREMOTEIO if the list says that it is longer than it can be.
 */
int nvme_lm_list_has_controller(const u8 *page, u16 cntlid, bool *found)
{
	unsigned int count = get_unaligned_le16(page);
	unsigned int i;

	if (count > NVME_LM_CONTROLLERS_PER_LIST)
		return -EREMOTEIO;

	*found = false;
	for (i = 0; i < count && !*found; i++)
		*found = get_unaligned_le16(page + 2 + 2 * i) == cntlid;
	return 0;
}

/**
 * nvme_lm_decode_nsid - an entry of a Namespace ID list
 * @page: the data structure, %NVME_LM_IDENTIFY_SIZE bytes
 * @index: which, less than %NVME_LM_NSIDS_PER_LIST
 *
 * Return: the NSID, 0 after the last.
 */
u32 nvme_lm_decode_nsid(const u8 *page, unsigned int index)
{
	return get_unaligned_le32(page + 4 * index);
}

/* Format Index: FLBAS bits 3:0, and above 16 formats bits 6:5 over them. */
static unsigned int lba_format_index(const u8 *page)
{
	unsigned int formats = page[IDN_NLBAF] + page[IDN_NULBAF] + 1;
	u8 flbas = page[IDN_FLBAS];

	return (flbas & 0x0f) | (formats > 16 ? (flbas & 0x60) >> 1 : 0);
}

/**
 * nvme_lm_decode_namespace - Identify Namespace
 * @page: the data structure, %NVME_LM_IDENTIFY_SIZE bytes
 * @medium: all but the NSID, the UUID and the command set is filled in
 *
 * Return: 0, or -EREMOTEIO if its LBA format is not among those it lists.
 */
int nvme_lm_decode_namespace(const u8 *page, struct nvme_lm_medium *medium)
{
	unsigned int index = lba_format_index(page);
	const u8 *lbaf = page + IDN_LBAF + index * IDN_LBAF_SIZE;

	if (index >= IDN_LBAF_MAX ||
	    index > (unsigned int)page[IDN_NLBAF] + page[IDN_NULBAF])
		return -EREMOTEIO;

	medium->flags = cpu_to_le32(page[IDN_NMIC] & IDN_NMIC_SHARED ?
				    NVME_LM_MEDIUM_F_SHARED : 0);
	memcpy(&medium->nsze, page + IDN_NSZE, sizeof(medium->nsze));
	memcpy(medium->eui64, page + IDN_EUI64, sizeof(medium->eui64));
	memcpy(medium->nguid, page + IDN_NGUID, sizeof(medium->nguid));
	memcpy(&medium->ms, lbaf, sizeof(medium->ms));
	medium->lbads = lbaf[2];
	medium->flbas = page[IDN_FLBAS];
	medium->dps = page[IDN_DPS];
	return 0;
}

/* One identifier of a namespace; a length that is not its type's is ignored. */
static void decode_descriptor(u8 nidt, const u8 *nid, u8 nidl,
			      struct nvme_lm_medium *medium)
{
	if (nidt == NIDT_EUI64 && nidl == sizeof(medium->eui64))
		memcpy(medium->eui64, nid, nidl);
	else if (nidt == NIDT_NGUID && nidl == sizeof(medium->nguid))
		memcpy(medium->nguid, nid, nidl);
	else if (nidt == NIDT_UUID && nidl == sizeof(medium->uuid))
		memcpy(medium->uuid, nid, nidl);
	else if (nidt == NIDT_CSI && nidl == 1)
		medium->csi = nid[0];
}

/**
 * nvme_lm_decode_descriptors - Namespace Identification Descriptor list
 * @page: the data structure, %NVME_LM_IDENTIFY_SIZE bytes
 * @medium: the identifiers and the command set that it names are filled in
 */
void nvme_lm_decode_descriptors(const u8 *page, struct nvme_lm_medium *medium)
{
	unsigned int at = 0;

	while (at + NID_HEADER <= NVME_LM_IDENTIFY_SIZE) {
		u8 nidt = page[at];
		u8 nidl = page[at + 1];

		at += NID_HEADER;
		if (!nidl || at + nidl > NVME_LM_IDENTIFY_SIZE)
			return;
		decode_descriptor(nidt, page + at, nidl, medium);
		at += nidl;
	}
}
