/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * nvme-lm.ko inside: controlling controllers, handles, command sets.
 *
 * Locks, outer to inner; a lock that is not listed with another is never held
 * together with it:
 *
 *   device lock of the controlling PCI function
 *     nvme_lm_ctrl.view_lock, taken by those who read or write files in sysfs
 *       device lock of a function that is linked; only tried
 *       nvme_lm_ctrl.folder_lock, with which the end of readers is waited for
 *         nvme_lm_ctrl.functions_lock
 *     nvme_lm_pfs_lock
 *       nvme_lm_ctrl.functions_lock
 *     nvme_lm_ctrl.reset_lock
 *     nvme_lm_ctrl.slots_lock
 *       nvme_lm_stats.lock
 *     nvme_lm_function.event_lock
 *       the locks of the client's event callback
 *         nvme_lm_function.track_lock
 *           nvme_lm_ctrl.reset_lock
 *           nvme_lm_ctrl.slots_lock
 *
 * A client that calls nvme_lm_put() or nvme_lm_sync() with a lock that its event
 * callback takes would wait for itself.
 */
#ifndef NVME_LM_LM_H
#define NVME_LM_LM_H

#include <linux/completion.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/nvme-lm.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "command.h"
#include "controlled.h"
#include "kinds.h"
#include "listed.h"
#include "ranges.h"
#include "slots.h"
#include "stats.h"
#include "stock.h"
#include "watch.h"
#include "why.h"
#include "wire.h"

struct nvme_lm_ctrl;
struct nvme_lm_function;
struct nvme_lm_track;

/* Most admin commands of ours under way on one controller, of its 30 tags. */
#define NVME_LM_MAX_COMMANDS	8

/**
 * struct nvme_lm_issuer - on whose behalf commands are issued
 * @ctrl: the controlling controller
 * @slots: the commands that wait for a slot; guarded by ctrl->slots_lock
 * @cntlid: who is controlled, for the trace
 * @stats: where its commands are counted besides ctrl->stats, or NULL
 * @generation: the ctrl->generation that the issuer has taken note of
 */
struct nvme_lm_issuer {
	struct nvme_lm_ctrl *ctrl;
	struct nvme_lm_stats *stats;
	struct nvme_lm_slot_queue slots;
	u16 cntlid;
	u32 generation;
};

/**
 * struct nvme_lm_ops - a command set
 * @command_set: which
 * @name: as sysfs shows it
 * @flags: NVME_LM_CAP_* of the functions of a controller
 * @lacks: why they do not have one of these flags, in words
 * @max_state_size: see &nvme_lm_caps.max_state_size
 * @match: does a controller speak it?
 * @hidden: which registers of a function its user must not reach; false, or NULL,
 *	if there are none.  By its PCI IDs alone: so also without a handle
 * @is_suspended: ask the device whether a function is suspended; without a handle.
 *	NULL where it cannot tell
 * @prepare: learn what the other ops need of a function; once, before them
 * @renew: learn it anew after a reset of the controlling controller; or NULL
 * @release: give back what that has taken, also after a failure; or NULL
 * @formats: see nvme_lm_formats()
 * @suspend_notify: see nvme_lm_suspend_notify()
 * @suspend: see nvme_lm_suspend()
 * @resume: see nvme_lm_resume()
 * @state_size: see nvme_lm_state_size()
 * @read_state: see nvme_lm_read_state(); offset and len are checked
 * @write_state: see nvme_lm_write_state(); offset and len are checked
 * @state_length: see nvme_lm_state_length(); NULL where a state does not say
 * @track_start: see nvme_lm_track_start(); NULL where there is no tracking
 * @track_restart: see nvme_lm_track_restart()
 * @track_stop: see nvme_lm_track_stop()
 * @track_read: see nvme_lm_track_read(); iova and len are checked
 */
struct nvme_lm_ops {
	enum nvme_lm_command_set command_set;
	const char *name;
	u64 max_state_size;
	bool (*match)(const struct nvme_lm_device_id *id, struct nvme_lm_why *why);
	bool (*hidden)(struct pci_dev *pdev, struct nvme_lm_hidden *hidden);
	u32 (*flags)(const struct nvme_lm_ctrl *ctrl);
	const char *(*lacks)(const struct nvme_lm_ctrl *ctrl, u32 flag);
	int (*is_suspended)(struct nvme_lm_issuer *by, u16 cntlid, bool *suspended);
	int (*prepare)(struct nvme_lm_function *fn);
	int (*renew)(struct nvme_lm_function *fn);
	void (*release)(struct nvme_lm_function *fn);
	int (*formats)(struct nvme_lm_function *fn,
		       struct nvme_lm_format **formats, unsigned int *count);
	int (*suspend_notify)(struct nvme_lm_function *fn);
	int (*suspend)(struct nvme_lm_function *fn);
	int (*resume)(struct nvme_lm_function *fn);
	int (*state_size)(struct nvme_lm_function *fn, u64 *size);
	int (*read_state)(struct nvme_lm_function *fn,
			  const struct nvme_lm_format *format, u64 offset,
			  void *buf, u32 len, bool *suspended);
	int (*write_state)(struct nvme_lm_function *fn,
			   const struct nvme_lm_format *format, u64 offset,
			   void *buf, u32 len, enum nvme_lm_sequence seq);
	int (*state_length)(const u8 *head, u32 len, u64 *length);
	int (*track_start)(struct nvme_lm_function *fn,
			   const struct nvme_lm_range *ranges,
			   unsigned int count, u64 *page_size);
	int (*track_restart)(struct nvme_lm_function *fn);
	int (*track_stop)(struct nvme_lm_function *fn);
	int (*track_read)(struct nvme_lm_function *fn, u64 iova, u64 len,
			  nvme_lm_dirty_fn dirty, void *priv);
};

/**
 * struct nvme_lm_ctrl - a controlling controller
 * @ref: being attached, each handle, and each event on its way
 * @stock: the way to its admin queue; valid until @gone and drained
 * @ops: the command set it speaks
 * @name: PCI address, for the trace; outlives @stock
 * @cntlid: its own CNTLID
 * @max_transfer: most bytes that one command may transfer
 * @track_limits: how it can track the memory that functions write
 * @numd_in_cdw15: it reads the length of a Track Receive there; learned from its
 *	answers by whoever reads a report, with whatever &nvme_lm_function.track_lock
 * @own: issues commands for itself; after attaching with @view_lock only
 * @view_lock: one at a time asks the device for what sysfs shows, so that those
 *	who read there take one slot at most; guards @listed
 * @listed: what the device has told those of them who cannot command it
 * @stats: of all commands
 * @slots_lock: guards @slots, the issuers' queues, @abandoned and its count, @gone
 * @slots: who may issue
 * @abandoned: commands that hold a slot although nobody waits for them; see slow.c
 * @abandoned_count: how many of them there are
 * @gone: no new command may be issued
 * @drained: woken when @gone and the last command has ended
 * @reset_lock: guards @watch, @detached and changes of @generation; held while looking,
 *	so that an older look never overwrites a newer one, and @stock stays meanwhile
 * @watch: what was seen of it, to tell resets by
 * @detached: @stock is not valid any more
 * @generation: how many resets were noticed
 * @reset_work: tells the handles of a reset
 * @functions_lock: guards @functions, @closing, &nvme_lm_function.pending,
 *	@controlled and its members' links; held for a moment only
 * @functions: handles
 * @controlled: what is known of the controllers that it controls
 * @closing: no new handle may be made
 * @folder_lock: guards @folder and @controlled_count; serialises changes of
 *	@controlled.  Who reads a file in @folder must not take it: their end is
 *	waited for with it held
 * @folder: in sysfs, or NULL
 * @controlled_count: how many of @controlled there are
 */
struct nvme_lm_ctrl {
	struct kref ref;
	struct nvme_lm_stock stock;
	const struct nvme_lm_ops *ops;
	char name[16];
	u16 cntlid;
	u32 max_transfer;
	struct nvme_lm_track_limits track_limits;
	bool numd_in_cdw15;
	struct nvme_lm_issuer own;
	struct mutex view_lock;		/* use of @own, @listed */
	struct nvme_lm_listed listed;
	struct nvme_lm_stats stats;

	spinlock_t slots_lock;		/* @slots, issuers' queues, @abandoned…, @gone */
	struct nvme_lm_slots slots;
	struct list_head abandoned;
	unsigned int abandoned_count;
	bool gone;
	wait_queue_head_t drained;

	struct mutex reset_lock;	/* @watch, @detached, @generation */
	struct nvme_lm_watch watch;
	bool detached;
	u32 generation;
	struct work_struct reset_work;

	struct mutex functions_lock;	/* @functions, @controlled, @closing, … */
	struct list_head functions;
	struct list_head controlled;
	bool closing;

	struct mutex folder_lock;	/* @folder, changes of @controlled */
	struct kobject *folder;
	unsigned int controlled_count;
};

/**
 * struct nvme_lm_function - a handle
 * @ref: the client, and each event on its way
 * @node: place in the controller's list; guarded by ctrl->functions_lock
 * @pending: events to be delivered, a bit for each; guarded by
 *	ctrl->functions_lock
 * @by: issues its commands
 * @controlled: where they are counted, or NULL
 * @pdev: the PCI function
 * @caps: what was told to the client
 * @formats_lock: guards @formats and @format_list; a leaf, no command is issued with it
 *	held
 * @formats: the state formats, in the order of @format_list
 * @format_list: how commands name them
 * @renewed: the generation of the controller that they are of
 * @vfn: number of the virtual function, from 1 on; 0 if it is none
 * @priv: of the command set
 * @track_lock: guards @track and @track_stop_due; held over the commands of tracking
 * @track: tracking that goes on, or NULL
 * @track_stop_due: the device did not take a stop, because the function was suspended
 * @event_lock: guards @client and changes of @by.generation; held over the
 *	callback, so that nvme_lm_put() and nvme_lm_sync() wait for one that runs
 * @client: the other side; NULL once given back
 */
struct nvme_lm_function {
	struct kref ref;
	struct list_head node;
	unsigned long pending;
	struct nvme_lm_issuer by;
	struct nvme_lm_controlled *controlled;
	struct pci_dev *pdev;
	struct nvme_lm_caps caps;
	struct mutex formats_lock;	/* @formats, @format_list */
	struct nvme_lm_format *formats;
	struct nvme_lm_format_list format_list;
	u32 renewed;
	u16 vfn;
	void *priv;
	struct mutex track_lock;	/* @track, @track_stop_due */
	struct nvme_lm_track *track;
	bool track_stop_due;
	struct mutex event_lock;	/* @client, over its callback */
	struct nvme_lm_client *client;
};

/* ctrl.c */
const struct nvme_lm_ops *nvme_lm_ops_hiding(struct pci_dev *pdev,
					     struct nvme_lm_hidden *hidden);
struct nvme_lm_ctrl *nvme_lm_ctrl_attach(struct pci_dev *pdev, struct nvme_lm_why *why);
bool nvme_lm_ctrl_leave(struct nvme_lm_ctrl *ctrl);
void nvme_lm_ctrl_detach(struct nvme_lm_ctrl *ctrl);
struct nvme_lm_ctrl *nvme_lm_ctrl_get(struct nvme_lm_ctrl *ctrl);
void nvme_lm_ctrl_put(struct nvme_lm_ctrl *ctrl);

/* reset.c */
extern struct workqueue_struct *nvme_lm_events;
void nvme_lm_reset_init(struct nvme_lm_ctrl *ctrl);
int nvme_lm_reset_check(struct nvme_lm_ctrl *ctrl);
void nvme_lm_reset_seen(struct nvme_lm_ctrl *ctrl);
void nvme_lm_reset_cancel(struct nvme_lm_ctrl *ctrl);
void nvme_lm_reset_stop(struct nvme_lm_ctrl *ctrl);
void nvme_lm_deliver(struct nvme_lm_ctrl *ctrl, enum nvme_lm_event event);

/* submit.c */
void nvme_lm_issuer_init(struct nvme_lm_issuer *by, struct nvme_lm_ctrl *ctrl,
			 u16 cntlid);
int nvme_lm_issue_raw(struct nvme_lm_issuer *by, struct nvme_command *cmd,
		      void *buf, u32 len, u32 *result);
int nvme_lm_issue(struct nvme_lm_issuer *by, const struct nvme_lm_cmd *cmd,
		  void *buf, u32 len, u32 *result);
int nvme_lm_identify(struct nvme_lm_issuer *by, u8 cns, u32 nsid, u16 cntid,
		     u8 *page);
bool nvme_lm_close(struct nvme_lm_ctrl *ctrl);
void nvme_lm_drain(struct nvme_lm_ctrl *ctrl);
void nvme_lm_slot_put(struct nvme_lm_ctrl *ctrl);
void nvme_lm_slots_abandoned(struct nvme_lm_ctrl *ctrl);
void nvme_lm_count(struct nvme_lm_issuer *by, u8 opcode, u8 sel, u32 len, int status);
int nvme_lm_outcome(struct nvme_lm_issuer *by, int ret);
int nvme_lm_enter(struct nvme_lm_issuer *by);
int nvme_lm_issue_entered(struct nvme_lm_issuer *by, const struct nvme_lm_cmd *cmd, u64 prp1,
			  u64 prp2, u32 len);
int nvme_lm_leave(struct nvme_lm_issuer *by, u32 command, int ret);
unsigned int nvme_lm_slow_limit(void);

/* slow.c */
int nvme_lm_issue_slow(struct nvme_lm_issuer *by, const struct nvme_lm_cmd *cmd,
		       const void *buf, u32 len, const struct nvme_lm_cmd *undo_cmd);

/* topology.c */
int nvme_lm_topology_find_pdev(struct nvme_lm_issuer *by,
			       struct pci_dev *pdev,
			       struct nvme_lm_secondary *found);
int nvme_lm_topology_find_cntlid(struct nvme_lm_issuer *by, u16 cntlid,
				 struct nvme_lm_secondary *found);
int nvme_lm_topology_find_other(struct nvme_lm_issuer *by, u16 cntlid,
				struct nvme_lm_secondary *found);
struct pci_dev *nvme_lm_topology_vf(const struct nvme_lm_ctrl *ctrl,
				    const struct nvme_lm_secondary *entry);
int nvme_lm_topology_next(struct nvme_lm_issuer *by, u16 from,
			  struct nvme_lm_secondary *found);
int nvme_lm_topology_list(struct nvme_lm_issuer *by, struct nvme_lm_listed *listed);
int nvme_lm_topology_count(struct nvme_lm_issuer *by);

/* identify.c */
int nvme_lm_read_identity(struct nvme_lm_function *fn,
			  struct nvme_lm_identity *id);
int nvme_lm_read_media(struct nvme_lm_function *fn,
		       struct nvme_lm_medium **media, unsigned int *count);

/* function.c */
void nvme_lm_fill_caps(const struct nvme_lm_ctrl *ctrl, u16 cntlid,
		       struct nvme_lm_caps *caps);
void nvme_lm_function_unref(struct nvme_lm_function *fn);

/* sysfs_controlled.c */
int nvme_lm_view(struct nvme_lm_ctrl *ctrl);

/* standard.c */
extern const struct nvme_lm_ops nvme_lm_standard_ops;

/* ipu.c */
extern const struct nvme_lm_ops nvme_lm_ipu_ops;

/* page.c */
extern const struct nvme_lm_ops nvme_lm_page_ops;

#endif /* NVME_LM_LM_H */
