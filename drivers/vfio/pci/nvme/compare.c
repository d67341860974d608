// SPDX-License-Identifier: GPL-2.0-only
/*
 * Comparison of source and destination: see compare.h.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>

#include "compare.h"

static int complain(struct nvme_lm_complaint *complaint, int error, const char *what,
		    u32 where, u64 expected, u64 found)
{
	complaint->what = what;
	complaint->where = where;
	complaint->expected = expected;
	complaint->found = found;
	return error;
}

/* A field that is a number. */
struct number_field {
	const char *what;
	u64 source;
	u64 here;
};

/* Numbers that have to be equal: on a difference, complain of the first. */
static int same_numbers(struct nvme_lm_complaint *complaint, int error, u32 where,
			const struct number_field *fields, size_t count)
{
	for (; count--; fields++)
		if (fields->source != fields->here)
			return complain(complaint, error, fields->what, where,
					fields->source, fields->here);
	return 0;
}

/* A field that is a row of bytes. */
struct bytes_field {
	const char *what;
	const u8 *source;
	const u8 *here;
	size_t len;
};

/* Bytes that have to be equal: on a difference, complain of the first. */
static int same_bytes(struct nvme_lm_complaint *complaint, int error, u32 where,
		      const struct bytes_field *fields, size_t count)
{
	size_t i;

	for (; count--; fields++)
		for (i = 0; i < fields->len; i++)
			if (fields->source[i] != fields->here[i])
				return complain(complaint, error, fields->what, where,
						fields->source[i], fields->here[i]);
	return 0;
}

static int compare_pci(const struct nvme_lm_identity *source,
		       const struct nvme_lm_identity *here,
		       struct nvme_lm_complaint *complaint)
{
	const struct number_field fields[] = {
		{ "PCI vendor ID", le16_to_cpu(source->vid), le16_to_cpu(here->vid) },
		{ "PCI device ID", le16_to_cpu(source->did), le16_to_cpu(here->did) },
		{ "PCI subsystem vendor ID", le16_to_cpu(source->ssvid),
		  le16_to_cpu(here->ssvid) },
		{ "PCI subsystem ID", le16_to_cpu(source->ssid), le16_to_cpu(here->ssid) },
		{ "PCI class code", le32_to_cpu(source->class_code),
		  le32_to_cpu(here->class_code) },
	};

	return same_numbers(complaint, -EXDEV, 0, fields, ARRAY_SIZE(fields));
}

/* Identify Controller: what a guest has seen and will look at again. */
static int compare_controller(const struct nvme_lm_identity *source,
			      const struct nvme_lm_identity *here,
			      struct nvme_lm_complaint *complaint)
{
	const struct bytes_field fields[] = {
		{ "serial number (SN), its first byte that differs",
		  source->sn, here->sn, sizeof(here->sn) },
		{ "model number (MN), its first byte that differs",
		  source->mn, here->mn, sizeof(here->mn) },
		{ "firmware revision (FR), its first byte that differs",
		  source->fr, here->fr, sizeof(here->fr) },
		{ "subsystem NQN (SUBNQN), its first byte that differs",
		  source->subnqn, here->subnqn, sizeof(here->subnqn) },
	};

	return same_bytes(complaint, -EXDEV, 0, fields, ARRAY_SIZE(fields));
}

int nvme_lm_compare_identity(const struct nvme_lm_identity *source,
			     const struct nvme_lm_identity *here,
			     struct nvme_lm_complaint *complaint)
{
	int ret;

	ret = compare_pci(source, here, complaint);
	if (!ret)
		ret = compare_controller(source, here, complaint);
	if (ret)
		return ret;

	if (le16_to_cpu(here->nvq) < le16_to_cpu(source->nvq))
		return complain(complaint, -EXDEV, "queue resources (NVQ), at least", 0,
				le16_to_cpu(source->nvq), le16_to_cpu(here->nvq));
	if (le16_to_cpu(here->nvi) < le16_to_cpu(source->nvi))
		return complain(complaint, -EXDEV, "interrupt resources (NVI), at least", 0,
				le16_to_cpu(source->nvi), le16_to_cpu(here->nvi));
	return 0;
}

int nvme_lm_compare_format(const struct nvme_lm_format *source,
			   const struct nvme_lm_format *formats, unsigned int count,
			   struct nvme_lm_complaint *complaint)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (source->version == formats[i].version &&
		    !memcmp(source->uuid, formats[i].uuid, sizeof(source->uuid)))
			return i;
	return complain(complaint, -EOPNOTSUPP,
			"state format (version and vendor UUID) that this function takes", 0,
			count ? le16_to_cpu(formats[0].version) : 0,
			le16_to_cpu(source->version));
}

static bool any_set(const u8 *bytes, size_t len)
{
	while (len--)
		if (*bytes++)
			return true;
	return false;
}

/* Something that no other namespace of the world has. */
static bool has_identifier(const struct nvme_lm_medium *medium)
{
	return any_set(medium->nguid, sizeof(medium->nguid)) ||
	       any_set(medium->eui64, sizeof(medium->eui64)) ||
	       any_set(medium->uuid, sizeof(medium->uuid));
}

static int compare_identifiers(const struct nvme_lm_medium *source,
			       const struct nvme_lm_medium *here, u32 nsid,
			       struct nvme_lm_complaint *complaint)
{
	const struct bytes_field fields[] = {
		{ "NGUID, its first byte that differs",
		  source->nguid, here->nguid, sizeof(here->nguid) },
		{ "EUI64, its first byte that differs",
		  source->eui64, here->eui64, sizeof(here->eui64) },
		{ "UUID of the namespace, its first byte that differs",
		  source->uuid, here->uuid, sizeof(here->uuid) },
	};

	if (!has_identifier(source))
		return complain(complaint, -EMEDIUMTYPE,
				"namespace with an NGUID, EUI64 or UUID, to tell it by",
				nsid, 1, 0);
	return same_bytes(complaint, -EMEDIUMTYPE, nsid, fields, ARRAY_SIZE(fields));
}

static int compare_layout(const struct nvme_lm_medium *source,
			  const struct nvme_lm_medium *here, u32 nsid,
			  struct nvme_lm_complaint *complaint)
{
	const struct number_field fields[] = {
		{ "size in logical blocks (NSZE)", le64_to_cpu(source->nsze),
		  le64_to_cpu(here->nsze) },
		{ "command set (CSI)", source->csi, here->csi },
		{ "logical block size (LBADS)", source->lbads, here->lbads },
		{ "metadata size (MS)", le16_to_cpu(source->ms), le16_to_cpu(here->ms) },
		{ "formatted LBA size (FLBAS)", source->flbas, here->flbas },
		{ "data protection (DPS)", source->dps, here->dps },
	};

	return same_numbers(complaint, -EMEDIUMTYPE, nsid, fields, ARRAY_SIZE(fields));
}

static int compare_medium(const struct nvme_lm_medium *source,
			  const struct nvme_lm_medium *here,
			  struct nvme_lm_complaint *complaint)
{
	u32 nsid = le32_to_cpu(source->nsid);
	u32 shared = le32_to_cpu(source->flags) & le32_to_cpu(here->flags) &
		     NVME_LM_MEDIUM_F_SHARED;
	int ret;

	ret = compare_identifiers(source, here, nsid, complaint);
	if (!ret)
		ret = compare_layout(source, here, nsid, complaint);
	if (!ret && !shared)
		ret = complain(complaint, -EMEDIUMTYPE,
			       "namespace that may be shared (NMIC bit 0) on both sides",
			       nsid, 1, 0);
	return ret;
}

int nvme_lm_compare_media(const struct nvme_lm_medium *source, unsigned int nsource,
			  const struct nvme_lm_medium *here, unsigned int nhere,
			  struct nvme_lm_complaint *complaint)
{
	unsigned int i;
	int ret;

	/* both ascend by NSID, so the first that differs is missing on one side */
	for (i = 0; i < max(nsource, nhere); i++) {
		u32 nsid_source = i < nsource ? le32_to_cpu(source[i].nsid) : 0xffffffffU;
		u32 nsid_here = i < nhere ? le32_to_cpu(here[i].nsid) : 0xffffffffU;

		if (nsid_source < nsid_here)
			return complain(complaint, -ENOMEDIUM,
					"namespace that is attached at the source, here",
					nsid_source, 1, 0);
		if (nsid_source > nsid_here)
			return complain(complaint, -ENOMEDIUM,
					"namespace attached here that the source does not have",
					nsid_here, 0, 1);
		ret = compare_medium(&source[i], &here[i], complaint);
		if (ret)
			return ret;
	}
	return 0;
}
