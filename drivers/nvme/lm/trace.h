/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints of nvme-lm.ko: each command, each reset that was noticed.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM nvme_lm

#if !defined(NVME_LM_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define NVME_LM_TRACE_H

#include <linux/nvme.h>
#include <linux/tracepoint.h>

#include "lm.h"

TRACE_EVENT(nvme_lm_command,
	TP_PROTO(const struct nvme_lm_issuer *by,
		 const struct nvme_command *cmd, u32 len, int status,
		 u64 duration),
	TP_ARGS(by, cmd, len, status, duration),
	TP_STRUCT__entry(
		__array(char, ctrl, 16)
		__field(u16, cntlid)
		__field(u8, opcode)
		__field(u8, sel)
		__field(u64, offset)
		__field(u32, len)
		__field(int, status)
		__field(u64, duration)
	),
	TP_fast_assign(
		memcpy(__entry->ctrl, by->ctrl->name, sizeof(__entry->ctrl));
		__entry->cntlid = by->cntlid;
		__entry->opcode = cmd->common.opcode;
		__entry->sel = le32_to_cpu(cmd->common.cdw10) & 0xff;
		__entry->offset = (u64)le32_to_cpu(cmd->common.cdw13) << 32 |
				  le32_to_cpu(cmd->common.cdw12);
		__entry->len = len;
		__entry->status = status;
		__entry->duration = duration;
	),
	TP_printk("%s: cntlid=%u opcode=%#x sel=%#x offset=%llu len=%u status=%s%#x duration=%lluns",
		  __entry->ctrl, __entry->cntlid, __entry->opcode,
		  __entry->sel, __entry->offset, __entry->len,
		  __entry->status < 0 ? "errno -" : "",
		  abs(__entry->status), __entry->duration)
);

TRACE_EVENT(nvme_lm_reset,
	TP_PROTO(const struct nvme_lm_ctrl *ctrl),
	TP_ARGS(ctrl),
	TP_STRUCT__entry(
		__array(char, ctrl, 16)
		__field(u32, generation)
	),
	TP_fast_assign(
		memcpy(__entry->ctrl, ctrl->name, sizeof(__entry->ctrl));
		__entry->generation = ctrl->generation;
	),
	TP_printk("%s: generation=%u", __entry->ctrl, __entry->generation)
);

#endif /* NVME_LM_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
