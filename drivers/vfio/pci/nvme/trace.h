/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints of nvme-vfio-pci.ko.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM nvme_vfio_pci

#if !defined(NVME_VFIO_PCI_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define NVME_VFIO_PCI_TRACE_H

#include <linux/pci.h>
#include <linux/tracepoint.h>
#include <uapi/linux/vfio.h>

#include "complaint.h"

#define nvme_vfio_state_names \
	{ VFIO_DEVICE_STATE_ERROR, "ERROR" }, \
	{ VFIO_DEVICE_STATE_STOP, "STOP" }, \
	{ VFIO_DEVICE_STATE_RUNNING, "RUNNING" }, \
	{ VFIO_DEVICE_STATE_STOP_COPY, "STOP_COPY" }, \
	{ VFIO_DEVICE_STATE_RESUMING, "RESUMING" }, \
	{ VFIO_DEVICE_STATE_RUNNING_P2P, "RUNNING_P2P" }, \
	{ VFIO_DEVICE_STATE_PRE_COPY, "PRE_COPY" }, \
	{ VFIO_DEVICE_STATE_PRE_COPY_P2P, "PRE_COPY_P2P" }

/* An arc, or a state forced by a reset or a loss. */
TRACE_EVENT(nvme_vfio_state,
	TP_PROTO(const struct pci_dev *pdev, u32 from, u32 to, int error),
	TP_ARGS(pdev, from, to, error),
	TP_STRUCT__entry(
		__string(device, pci_name(pdev))
		__field(u32, from)
		__field(u32, to)
		__field(int, error)
	),
	TP_fast_assign(
		__assign_str(device);
		__entry->from = from;
		__entry->to = to;
		__entry->error = error;
	),
	TP_printk("%s: %s -> %s, error %d", __get_str(device),
		  __print_symbolic(__entry->from, nvme_vfio_state_names),
		  __print_symbolic(__entry->to, nvme_vfio_state_names),
		  __entry->error)
);

DECLARE_EVENT_CLASS(nvme_vfio_piece,
	TP_PROTO(const struct pci_dev *pdev, u64 offset, u32 len, u64 ns, int error),
	TP_ARGS(pdev, offset, len, ns, error),
	TP_STRUCT__entry(
		__string(device, pci_name(pdev))
		__field(u64, offset)
		__field(u32, len)
		__field(u64, ns)
		__field(int, error)
	),
	TP_fast_assign(
		__assign_str(device);
		__entry->offset = offset;
		__entry->len = len;
		__entry->ns = ns;
		__entry->error = error;
	),
	TP_printk("%s: state bytes %#llx+%#x, %llu ns, error %d", __get_str(device),
		  __entry->offset, __entry->len, __entry->ns, __entry->error)
);

/* A piece of state was read from the function. */
DEFINE_EVENT(nvme_vfio_piece, nvme_vfio_save_piece,
	TP_PROTO(const struct pci_dev *pdev, u64 offset, u32 len, u64 ns, int error),
	TP_ARGS(pdev, offset, len, ns, error)
);

/* A piece of state was written to the function. */
DEFINE_EVENT(nvme_vfio_piece, nvme_vfio_load_piece,
	TP_PROTO(const struct pci_dev *pdev, u64 offset, u32 len, u64 ns, int error),
	TP_ARGS(pdev, offset, len, ns, error)
);

/* A stream was refused. */
TRACE_EVENT(nvme_vfio_refuse,
	TP_PROTO(const struct pci_dev *pdev, u64 position,
		 const struct nvme_lm_complaint *complaint, int error),
	TP_ARGS(pdev, position, complaint, error),
	TP_STRUCT__entry(
		__string(device, pci_name(pdev))
		__string(what, complaint->what)
		__field(u64, position)
		__field(u32, where)
		__field(u64, expected)
		__field(u64, found)
		__field(int, error)
	),
	TP_fast_assign(
		__assign_str(device);
		__assign_str(what);
		__entry->position = position;
		__entry->where = complaint->where;
		__entry->expected = complaint->expected;
		__entry->found = complaint->found;
		__entry->error = error;
	),
	TP_printk("%s: at byte %llu, %s: expected %#llx, found %#llx (record or namespace %u), error %d",
		  __get_str(device), __entry->position, __get_str(what), __entry->expected,
		  __entry->found, __entry->where, __entry->error)
);

#endif /* NVME_VFIO_PCI_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
