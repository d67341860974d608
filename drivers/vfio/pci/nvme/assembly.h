/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A state that is put together in memory before the device is given it: see assembly.c.
 */
#ifndef NVME_VFIO_PCI_ASSEMBLY_H
#define NVME_VFIO_PCI_ASSEMBLY_H

#include <linux/xarray.h>

#include "device.h"

/**
 * struct nvme_vfio_assembly - a state, as far as it has come
 * @file: the migration file, whose writer the memory is charged to
 * @fn: the function
 * @chunks: the state, each entry @chunk bytes
 * @chunk: bytes of a chunk, which is what one command moves
 */
struct nvme_vfio_assembly {
	struct nvme_vfio_file *file;
	struct nvme_lm_function *fn;
	struct xarray chunks;
	u32 chunk;
};

/**
 * nvme_vfio_assembly_init - nothing has come yet
 * @assembly: the state
 * @file: the migration file
 * @fn: the function
 */
void nvme_vfio_assembly_init(struct nvme_vfio_assembly *assembly, struct nvme_vfio_file *file,
			     struct nvme_lm_function *fn);

/**
 * nvme_vfio_assembly_place - where bytes can be put without another copy
 * @assembly: the state
 * @offset: where in the state they belong
 * @len: how many there are
 * @place: on success set to where they go, all of them; NULL if they do not fit into one
 *	chunk: nvme_vfio_assembly_add() takes them
 *
 * Return: 0 or -ENOMEM.
 */
int nvme_vfio_assembly_place(struct nvme_vfio_assembly *assembly, u64 offset, u32 len,
			     u8 **place);

/**
 * nvme_vfio_assembly_add - put bytes where they belong, also over what came before
 * @assembly: the state
 * @offset: where in the state they belong
 * @data: first byte
 * @len: number of bytes
 *
 * Return: 0 or -ENOMEM.
 */
int nvme_vfio_assembly_add(struct nvme_vfio_assembly *assembly, u64 offset, const u8 *data,
			   u32 len);

/**
 * nvme_vfio_assembly_load - give the device the whole state
 * @assembly: the state, of which every byte has come
 * @format: its format
 * @size: bytes of it; what came beyond does not count
 *
 * Return: 0 or why the device did not take it.
 */
int nvme_vfio_assembly_load(struct nvme_vfio_assembly *assembly,
			    const struct nvme_lm_format *format, u64 size);

/**
 * nvme_vfio_assembly_free - give the memory back
 * @assembly: the state
 */
void nvme_vfio_assembly_free(struct nvme_vfio_assembly *assembly);

#endif /* NVME_VFIO_PCI_ASSEMBLY_H */
