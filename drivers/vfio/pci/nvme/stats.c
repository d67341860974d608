// SPDX-License-Identifier: GPL-2.0-only
/*
 * Statistics of a function's last migration: see stats.h.
 *
 * A line for each number, its name and its value, in
 * /sys/kernel/debug/nvme-vfio-pci/ADDRESS/statistics.
 */
#include <linux/debugfs.h>
#include <linux/pci.h>
#include <linux/seq_file.h>

#include "stats.h"

static const char *const names[NVME_VFIO_NR_STATS] = {
	[NVME_VFIO_SUSPEND_NS] = "suspend_ns",
	[NVME_VFIO_RESUME_NS] = "resume_ns",
	[NVME_VFIO_SAVE_COMMANDS] = "save_commands",
	[NVME_VFIO_SAVE_RETRIES] = "save_retries",
	[NVME_VFIO_SAVE_STATE_BYTES] = "save_state_bytes",
	[NVME_VFIO_SAVE_FIRST_BYTES] = "save_first_bytes",
	[NVME_VFIO_SAVE_AGAIN_BYTES] = "save_again_bytes",
	[NVME_VFIO_SAVE_FINAL_BYTES] = "save_final_bytes",
	[NVME_VFIO_SAVE_READ_BYTES] = "save_read_bytes",
	[NVME_VFIO_SAVE_SCANS] = "save_scans",
	[NVME_VFIO_SAVE_COMMAND_NS] = "save_command_ns",
	[NVME_VFIO_SAVE_WAIT_DEVICE_NS] = "save_wait_device_ns",
	[NVME_VFIO_SAVE_WAIT_READER_NS] = "save_wait_reader_ns",
	[NVME_VFIO_SAVE_FIRST_NS] = "save_first_ns",
	[NVME_VFIO_SAVE_FINAL_NS] = "save_final_ns",
	[NVME_VFIO_SAVE_MEMORY_BYTES] = "save_memory_bytes",
	[NVME_VFIO_LOAD_STREAMED] = "load_streamed",
	[NVME_VFIO_LOAD_COMMANDS] = "load_commands",
	[NVME_VFIO_LOAD_BYTES] = "load_bytes",
	[NVME_VFIO_LOAD_COMMAND_NS] = "load_command_ns",
	[NVME_VFIO_LOAD_WAIT_DEVICE_NS] = "load_wait_device_ns",
	[NVME_VFIO_LOAD_APPLY_NS] = "load_apply_ns",
	[NVME_VFIO_LOAD_MEMORY_BYTES] = "load_memory_bytes",
};

static struct dentry *root;

static int statistics_show(struct seq_file *seq, void *unused)
{
	struct nvme_vfio_stats *stats = seq->private;
	unsigned int i;

	for (i = 0; i < NVME_VFIO_NR_STATS; i++)
		seq_printf(seq, "%s %llu\n", names[i],
			   (u64)atomic64_read(&stats->values[i]));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(statistics);

void nvme_vfio_stats_create(struct nvme_vfio_stats *stats, const struct pci_dev *pdev)
{
	stats->dir = debugfs_create_dir(pci_name(pdev), root);
	debugfs_create_file("statistics", 0400, stats->dir, stats, &statistics_fops);
}

void nvme_vfio_stats_remove(struct nvme_vfio_stats *stats)
{
	debugfs_remove_recursive(stats->dir);
}

void nvme_vfio_stats_begin(struct nvme_vfio_stats *stats, enum nvme_vfio_stat first,
			   enum nvme_vfio_stat last)
{
	unsigned int i;

	for (i = first; i <= last; i++)
		atomic64_set(&stats->values[i], 0);
}

void nvme_vfio_stats_init(void)
{
	root = debugfs_create_dir("nvme-vfio-pci", NULL);
}

void nvme_vfio_stats_exit(void)
{
	debugfs_remove_recursive(root);
}
