/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The stock nvme driver, as far as its admin queue is concerned.
 *
 * Everything here that the kernel headers do not declare stays in stock.c.
 */
#ifndef NVME_LM_STOCK_H
#define NVME_LM_STOCK_H

#include <linux/types.h>

#include "why.h"

struct device;
struct module;
struct nvme_command;
struct nvme_ctrl;
struct pci_dev;
struct request_queue;

/* Name of the stock driver on the PCI bus. */
#define NVME_LM_STOCK_DRIVER	"nvme"

/**
 * struct nvme_lm_stock - a controller of the stock driver
 * @pdev: its PCI function
 * @child: its device of class nvme; holding it keeps @ctrl in place
 * @ctrl: the stock driver's own object
 * @admin_q: its admin queue
 * @owner: the stock driver's module, NULL if built in
 */
struct nvme_lm_stock {
	struct pci_dev *pdev;
	struct device *child;
	struct nvme_ctrl *ctrl;
	struct request_queue *admin_q;
	struct module *owner;
};

/**
 * enum nvme_lm_stock_state - what the stock driver is doing with a controller
 * @NVME_LM_STOCK_LIVE: serving it
 * @NVME_LM_STOCK_RESETTING: resetting it; it will serve it again
 * @NVME_LM_STOCK_DEAD: it gave up, or is removing it
 */
enum nvme_lm_stock_state {
	NVME_LM_STOCK_LIVE,
	NVME_LM_STOCK_RESETTING,
	NVME_LM_STOCK_DEAD,
};

int nvme_lm_stock_attach(struct nvme_lm_stock *stock, struct pci_dev *pdev,
			 struct nvme_lm_why *why);
void nvme_lm_stock_detach(struct nvme_lm_stock *stock);
enum nvme_lm_stock_state nvme_lm_stock_state(const struct nvme_lm_stock *stock);
u64 nvme_lm_stock_setup_id(const struct nvme_lm_stock *stock);
u32 nvme_lm_stock_max_transfer(const struct nvme_lm_stock *stock);
struct request_queue *nvme_lm_stock_queue_get(const struct nvme_lm_stock *stock);
void nvme_lm_stock_queue_put(struct request_queue *q);
int nvme_lm_stock_submit_slow(struct request_queue *q, struct nvme_command *cmd, void *buf,
			      unsigned int len);
int nvme_lm_stock_submit(const struct nvme_lm_stock *stock,
			 struct nvme_command *cmd, void *buf, unsigned int len,
			 u32 *result);

#endif /* NVME_LM_STOCK_H */
