/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the stock driver declares in its private nvme.h and trace.h only.
 *
 * Nothing checks this against the stock driver when it is built, so nothing of
 * it is trusted before stock.c has compared it with what is there.
 */
#ifndef NVME_LM_STOCK_PRIVATE_H
#define NVME_LM_STOCK_PRIVATE_H

#include <linux/mutex.h>
#include <linux/nvme.h>
#include <linux/spinlock.h>
#include <linux/tracepoint.h>

/**
 * struct stock_ctrl_head - the first members of struct nvme_ctrl
 *
 * 6.12 and 7.3 declare them alike; where each one lies comes from the headers of
 * the kernel that is built for.
 */
struct stock_ctrl_head {
	bool comp_seen;
	bool identified;
	bool passthru_err_log_enabled;
	int state;
	spinlock_t lock;		/* not ours to take */
	struct mutex scan_lock;		/* nor this one */
	const void *ops;
	struct request_queue *admin_q;
	struct request_queue *connect_q;
	struct request_queue *fabrics_q;
	struct device *dev;
	int instance;
};

/* enum nvme_ctrl_state */
enum {
	STOCK_STATE_LIVE = 1,
	STOCK_STATE_RESETTING = 2,
	STOCK_STATE_CONNECTING = 3,
};

struct request;

typedef __u32 __bitwise nvme_submit_flags_t;

#define NVME_QID_ANY	-1

int __nvme_submit_sync_cmd(struct request_queue *q, struct nvme_command *cmd,
			   union nvme_result *result, void *buffer,
			   unsigned int bufflen, int qid,
			   nvme_submit_flags_t flags);
void nvme_init_request(struct request *req, struct nvme_command *cmd);
int nvme_execute_rq(struct request *rq, bool at_head);
int nvme_get_features(struct nvme_ctrl *dev, unsigned int fid,
		      unsigned int dword11, void *buffer, size_t buflen,
		      u32 *result);

extern struct tracepoint __tracepoint_nvme_sq;

/* The admin queue of a PCI controller: 32 entries less one and less one AER. */
#define STOCK_ADMIN_TAGS	30

#endif /* NVME_LM_STOCK_PRIVATE_H */
