/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Statistics of a function's last migration, in debugfs.
 */
#ifndef NVME_VFIO_PCI_STATS_H
#define NVME_VFIO_PCI_STATS_H

#include <linux/atomic.h>
#include <linux/types.h>

struct dentry;
struct pci_dev;

/* For each, and its name in debugfs, see the table in stats.c. */
enum nvme_vfio_stat {
	NVME_VFIO_SUSPEND_NS,
	NVME_VFIO_RESUME_NS,
	NVME_VFIO_SAVE_COMMANDS,
	NVME_VFIO_SAVE_RETRIES,
	NVME_VFIO_SAVE_STATE_BYTES,
	NVME_VFIO_SAVE_FIRST_BYTES,
	NVME_VFIO_SAVE_AGAIN_BYTES,
	NVME_VFIO_SAVE_FINAL_BYTES,
	NVME_VFIO_SAVE_READ_BYTES,
	NVME_VFIO_SAVE_SCANS,
	NVME_VFIO_SAVE_COMMAND_NS,
	NVME_VFIO_SAVE_WAIT_DEVICE_NS,
	NVME_VFIO_SAVE_WAIT_READER_NS,
	NVME_VFIO_SAVE_FIRST_NS,
	NVME_VFIO_SAVE_FINAL_NS,
	NVME_VFIO_SAVE_MEMORY_BYTES,
	NVME_VFIO_LOAD_STREAMED,
	NVME_VFIO_LOAD_COMMANDS,
	NVME_VFIO_LOAD_BYTES,
	NVME_VFIO_LOAD_COMMAND_NS,
	NVME_VFIO_LOAD_WAIT_DEVICE_NS,
	NVME_VFIO_LOAD_APPLY_NS,
	NVME_VFIO_LOAD_MEMORY_BYTES,
	NVME_VFIO_NR_STATS,
};

/**
 * struct nvme_vfio_stats - the numbers of a function
 * @values: by enum nvme_vfio_stat
 * @dir: folder in debugfs
 */
struct nvme_vfio_stats {
	atomic64_t values[NVME_VFIO_NR_STATS];
	struct dentry *dir;
};

/**
 * nvme_vfio_stats_create - have the numbers in debugfs
 * @stats: the numbers
 * @pdev: their function
 */
void nvme_vfio_stats_create(struct nvme_vfio_stats *stats, const struct pci_dev *pdev);

/**
 * nvme_vfio_stats_remove - undo nvme_vfio_stats_create()
 * @stats: the numbers
 */
void nvme_vfio_stats_remove(struct nvme_vfio_stats *stats);

/**
 * nvme_vfio_stats_begin - forget the last migration
 * @stats: the numbers
 * @first: first number to set to 0
 * @last: last number
 */
void nvme_vfio_stats_begin(struct nvme_vfio_stats *stats, enum nvme_vfio_stat first,
			   enum nvme_vfio_stat last);

static inline void nvme_vfio_stat_add(struct nvme_vfio_stats *stats, enum nvme_vfio_stat stat,
				      u64 value)
{
	atomic64_add(value, &stats->values[stat]);
}

static inline void nvme_vfio_stat_set(struct nvme_vfio_stats *stats, enum nvme_vfio_stat stat,
				      u64 value)
{
	atomic64_set(&stats->values[stat], value);
}

/* For the module: the folder that all functions are in. */
void nvme_vfio_stats_init(void);
void nvme_vfio_stats_exit(void);

#endif /* NVME_VFIO_PCI_STATS_H */
