/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the device returns, bounded and decoded.
 *
 * NVM Express Base Specification 2.1.  Pure logic: a buffer in, numbers out.
 * A count or an index of the device is never believed before it was compared
 * with the buffer it speaks of; what does not fit gives -EREMOTEIO.
 */
#ifndef NVME_LM_WIRE_H
#define NVME_LM_WIRE_H

#include <linux/types.h>

#include <uapi/linux/nvme-lm.h>

/* Most entries of one Secondary Controller List, one Namespace ID list. */
#define NVME_LM_SECONDARY_PER_LIST	127
#define NVME_LM_NSIDS_PER_LIST		1024
/* Most identifiers of one Controller List. */
#define NVME_LM_CONTROLLERS_PER_LIST	2047

/*
 * Most state formats that a device may list.  Ours, not the specification's: its
 * page has room for 57,120, and all of them are copied whenever somebody asks.
 */
#define NVME_LM_MAX_FORMATS		1024

/* The part of a Controller State before NVMECS: all that tells its size. */
#define NVME_LM_STATE_HEADER_SIZE	48

/**
 * struct nvme_lm_controller_id - of Identify Controller, what live migration
 *	needs
 * @cntlid: CNTLID of the controller that was asked
 * @migrates: OACS bit 11, HMLMS: it can migrate the controllers it controls
 */
struct nvme_lm_controller_id {
	u16 cntlid;
	bool migrates;
};

/**
 * struct nvme_lm_secondary - an entry of the Secondary Controller List
 * @cntlid: SCID
 * @primary: PCID, the CNTLID of its primary controller
 * @vfn: VFN, 1-based number of the virtual function; 0 if it is not one
 * @nvq: NVQ, VQ flexible resources assigned
 * @nvi: NVI, VI flexible resources assigned
 * @online: SCS bit 0
 */
struct nvme_lm_secondary {
	u16 cntlid;
	u16 primary;
	u16 vfn;
	u16 nvq;
	u16 nvi;
	bool online;
};

/**
 * struct nvme_lm_format_list - the Supported Controller State Formats list
 * @versions: NV, how many versions
 * @uuids: NUUID, how many vendor specific formats
 */
struct nvme_lm_format_list {
	u8 versions;
	u8 uuids;
};

void nvme_lm_decode_controller(const u8 *page,
			       struct nvme_lm_controller_id *id);
void nvme_lm_decode_subsystem(const u8 *page, struct nvme_lm_identity *id);
int nvme_lm_secondary_count(const u8 *page);
void nvme_lm_decode_secondary(const u8 *page, unsigned int index,
			      struct nvme_lm_secondary *secondary);
int nvme_lm_decode_format_list(const u8 *page,
			       struct nvme_lm_format_list *list);
unsigned int nvme_lm_format_count(const struct nvme_lm_format_list *list);
void nvme_lm_decode_format(const u8 *page,
			   const struct nvme_lm_format_list *list,
			   unsigned int index, struct nvme_lm_format *format);
void nvme_lm_format_selectors(const struct nvme_lm_format_list *list,
			      unsigned int index, u8 *csvi, u8 *csuuidi);
int nvme_lm_decode_state_size(const u8 *header, u64 max, u64 *size);
int nvme_lm_list_has_controller(const u8 *page, u16 cntlid, bool *found);
u32 nvme_lm_decode_nsid(const u8 *page, unsigned int index);
int nvme_lm_decode_namespace(const u8 *page, struct nvme_lm_medium *medium);
void nvme_lm_decode_descriptors(const u8 *page, struct nvme_lm_medium *medium);

#endif /* NVME_LM_WIRE_H */
