// SPDX-License-Identifier: GPL-2.0-only
/*
 * nvme_lm/functions/CNTLID/ in sysfs: a controlled controller.
 *
 * What the device alone knows is asked of it at each read, by one reader at a time
 * for each controlling controller; for those without privilege once a second at most.
 */
#include <linux/cleanup.h>
#include <linux/pci.h>
#include <linux/sysfs.h>

#include "lm.h"
#include "sysfs.h"

/**
 * nvme_lm_view - ask the device something for sysfs
 * @ctrl: the controlling controller
 *
 * On success commands may be issued by @ctrl->own, until @ctrl->view_lock is
 * unlocked by the caller.
 *
 * Return: 0, -ERESTARTSYS, -EBUSY while it is being reset, or -ENODEV.
 */
int nvme_lm_view(struct nvme_lm_ctrl *ctrl)
{
	int ret;

	if (mutex_lock_interruptible(&ctrl->view_lock))
		return -ERESTARTSYS;
	/* Once drained it must not be looked at: it may be the stock driver's no more. */
	scoped_guard(spinlock, &ctrl->slots_lock)
		ret = ctrl->gone ? -ENODEV : 0;
	if (!ret)
		ret = nvme_lm_reset_check(ctrl);
	if (ret)
		mutex_unlock(&ctrl->view_lock);
	else
		WRITE_ONCE(ctrl->own.generation, READ_ONCE(ctrl->generation));
	return ret == -ESTALE ? -EBUSY : ret;
}

static int read_entry(struct nvme_lm_controlled *controlled, struct nvme_lm_secondary *entry)
{
	struct nvme_lm_ctrl *ctrl = controlled->ctrl;
	int ret = nvme_lm_view(ctrl);

	if (ret)
		return ret;
	ret = nvme_lm_listed_find(ctrl, controlled->cntlid, entry);
	mutex_unlock(&ctrl->view_lock);
	return ret == -ESTALE ? -EBUSY : ret;
}

/* Its PCI function, with a reference; or NULL. */
static struct pci_dev *function_of(struct nvme_lm_controlled *controlled,
				   const struct nvme_lm_secondary *entry)
{
	struct pci_dev *linked = nvme_lm_controlled_linked(controlled);

	return linked ? linked : nvme_lm_topology_vf(controlled->ctrl, entry);
}

static ssize_t cntlid_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", to_controlled(kobj)->cntlid);
}

/* A file with what the Secondary Controller List says. */
#define ENTRY_NUMBER(name, expression)							\
static ssize_t name##_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)	\
{											\
	struct nvme_lm_secondary entry;							\
	int ret = read_entry(to_controlled(kobj), &entry);				\
											\
	return ret ? ret : sysfs_emit(buf, "%u\n", expression);				\
}											\
static struct kobj_attribute name##_attr = __ATTR_RO(name)

ENTRY_NUMBER(vfn, entry.vfn);
ENTRY_NUMBER(online, entry.online);
ENTRY_NUMBER(queues, entry.nvq);
ENTRY_NUMBER(interrupts, entry.nvi);

static ssize_t kind_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	struct nvme_lm_controlled *controlled = to_controlled(kobj);
	struct nvme_lm_secondary entry;
	int ret;

	if (nvme_lm_controlled_is_linked(controlled->ctrl, controlled->cntlid))
		return sysfs_emit(buf, "linked\n");
	ret = read_entry(controlled, &entry);
	if (ret)
		return ret;
	return sysfs_emit(buf, "%s\n", entry.vfn && entry.primary == controlled->ctrl->cntlid ?
			  "vf" : "unlinked");
}

static ssize_t pci_address_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	struct nvme_lm_controlled *controlled = to_controlled(kobj);
	struct nvme_lm_secondary entry;
	struct pci_dev *pdev;
	ssize_t ret;

	ret = read_entry(controlled, &entry);
	if (ret)
		return ret;
	pdev = function_of(controlled, &entry);
	ret = sysfs_emit(buf, "%s\n", pdev ? pci_name(pdev) : "");
	pci_dev_put(pdev);
	return ret;
}

static ssize_t in_use_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n", nvme_lm_controlled_in_use(to_controlled(kobj)));
}

static ssize_t suspended_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	struct nvme_lm_controlled *controlled = to_controlled(kobj);
	struct nvme_lm_ctrl *ctrl = controlled->ctrl;
	bool suspended;
	int ret;

	if (!ctrl->ops->is_suspended)
		return -EOPNOTSUPP;
	ret = nvme_lm_view(ctrl);
	if (ret)
		return ret;
	ret = ctrl->ops->is_suspended(&ctrl->own, controlled->cntlid, &suspended);
	mutex_unlock(&ctrl->view_lock);
	if (ret)
		return ret == -ESTALE ? -EBUSY : ret;
	return sysfs_emit(buf, "%d\n", suspended);
}

static struct kobj_attribute cntlid_attr = __ATTR_RO(cntlid);
static struct kobj_attribute kind_attr = __ATTR_RO(kind);
static struct kobj_attribute pci_address_attr = __ATTR_RO(pci_address);
static struct kobj_attribute in_use_attr = __ATTR_RO(in_use);
/* Reads a piece of state, which is more than anybody should have done. */
static struct kobj_attribute suspended_attr = __ATTR_RO_MODE(suspended, 0400);

static struct attribute *controlled_attrs[] = {
	&cntlid_attr.attr,
	&kind_attr.attr,
	&vfn_attr.attr,
	&pci_address_attr.attr,
	&online_attr.attr,
	&queues_attr.attr,
	&interrupts_attr.attr,
	&in_use_attr.attr,
	&suspended_attr.attr,
	NULL
};

static const struct attribute_group controlled_group = {
	.attrs = controlled_attrs,
};

/* Why it cannot be migrated now, or NULL.  @entry is what the list says. */
static const char *migrate_fault(struct nvme_lm_controlled *controlled,
				 const struct nvme_lm_secondary *entry)
{
	struct pci_dev *pdev = function_of(controlled, entry);

	pci_dev_put(pdev);
	if (!pdev)
		return entry->vfn && entry->primary == controlled->ctrl->cntlid ?
		       "there is no such virtual function: raise sriov_numvfs" :
		       "its PCI function is not known: link it";
	if (!entry->online)
		return "it is offline: give it its resources and bring it online";
	return NULL;
}

static ssize_t migrate_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	struct nvme_lm_secondary entry;
	int ret = read_entry(to_controlled(kobj), &entry);

	return ret ? ret : sysfs_emit(buf, "%d\n", !migrate_fault(to_controlled(kobj), &entry));
}

static ssize_t migrate_reason_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	struct nvme_lm_secondary entry;
	int ret = read_entry(to_controlled(kobj), &entry);

	if (ret)
		return ret;
	return sysfs_emit(buf, "%s\n", migrate_fault(to_controlled(kobj), &entry) ?: "");
}

static void caps_of(struct kobject *kobj, struct nvme_lm_caps *caps)
{
	struct nvme_lm_controlled *controlled = to_controlled(kobj);

	nvme_lm_fill_caps(controlled->ctrl, controlled->cntlid, caps);
}

static ssize_t capability_of(struct kobject *kobj, u32 flag, char *buf)
{
	struct nvme_lm_caps caps;

	caps_of(kobj, &caps);
	return sysfs_emit(buf, "%d\n", !!(caps.flags & flag));
}

static ssize_t reason_of(struct kobject *kobj, u32 flag, char *buf)
{
	const struct nvme_lm_ctrl *ctrl = to_controlled(kobj)->ctrl;
	struct nvme_lm_caps caps;

	caps_of(kobj, &caps);
	return sysfs_emit(buf, "%s\n", caps.flags & flag ? "" : ctrl->ops->lacks(ctrl, flag));
}

/* A file for a capability, and one for why it is missing. */
#define CAPABILITY(name, FLAG)								\
static ssize_t name##_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)	\
{											\
	return capability_of(kobj, NVME_LM_CAP_##FLAG, buf);				\
}											\
static ssize_t name##_reason_show(struct kobject *kobj, struct kobj_attribute *attr,	\
				  char *buf)						\
{											\
	return reason_of(kobj, NVME_LM_CAP_##FLAG, buf);				\
}											\
static struct kobj_attribute name##_attr = __ATTR_RO(name);				\
static struct kobj_attribute name##_reason_attr = __ATTR_RO(name##_reason)

CAPABILITY(live_read, LIVE_READ);
CAPABILITY(streamed_write, STREAMED_WRITE);
CAPABILITY(random_write, RANDOM_WRITE);
CAPABILITY(track_memory, TRACK_MEMORY);
static struct kobj_attribute migrate_attr = __ATTR_RO(migrate);
static struct kobj_attribute migrate_reason_attr = __ATTR_RO(migrate_reason);

static struct attribute *capability_attrs[] = {
	&migrate_attr.attr,
	&migrate_reason_attr.attr,
	&live_read_attr.attr,
	&live_read_reason_attr.attr,
	&streamed_write_attr.attr,
	&streamed_write_reason_attr.attr,
	&random_write_attr.attr,
	&random_write_reason_attr.attr,
	&track_memory_attr.attr,
	&track_memory_reason_attr.attr,
	NULL
};

static const struct attribute_group capability_group = {
	.name = "capabilities",
	.attrs = capability_attrs,
};

static unsigned int track_ranges(struct kobject *kobj, const struct nvme_lm_caps *caps)
{
	if (!(caps->flags & NVME_LM_CAP_TRACK_MEMORY))
		return 0;
	return to_controlled(kobj)->ctrl->track_limits.max_ranges;
}

/* A file with a number out of struct nvme_lm_caps. */
#define LIMIT(name, expression)								\
static ssize_t name##_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)	\
{											\
	struct nvme_lm_caps caps;							\
											\
	caps_of(kobj, &caps);								\
	return sysfs_emit(buf, "%llu\n", (unsigned long long)(expression));		\
}											\
static struct kobj_attribute name##_attr = __ATTR_RO(name)

LIMIT(max_transfer, caps.max_transfer);
LIMIT(max_state_size, caps.max_state_size);
LIMIT(min_track_page, caps.min_track_page);
LIMIT(max_track_page, caps.max_track_page);
LIMIT(max_track_ranges, track_ranges(kobj, &caps));

static int hidden_of(struct kobject *kobj, struct nvme_lm_hidden *hidden)
{
	struct nvme_lm_controlled *controlled = to_controlled(kobj);
	struct nvme_lm_secondary entry;
	struct pci_dev *pdev;
	int ret;

	ret = read_entry(controlled, &entry);
	if (ret)
		return ret;
	*hidden = (struct nvme_lm_hidden) {};
	pdev = function_of(controlled, &entry);
	if (pdev)
		nvme_lm_ops_hiding(pdev, hidden);
	pci_dev_put(pdev);
	return 0;
}

/* A file with a number out of struct nvme_lm_hidden. */
#define HIDDEN(name, expression)							\
static ssize_t name##_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)	\
{											\
	struct nvme_lm_hidden hidden;							\
	int ret = hidden_of(kobj, &hidden);						\
											\
	return ret ? ret : sysfs_emit(buf, "%llu\n", (unsigned long long)(expression));	\
}											\
static struct kobj_attribute name##_attr = __ATTR_RO(name)

HIDDEN(hidden_bar, hidden.bar);
HIDDEN(hidden_offset, hidden.offset);
HIDDEN(hidden_size, hidden.size);

static struct attribute *limit_attrs[] = {
	&max_transfer_attr.attr,
	&max_state_size_attr.attr,
	&min_track_page_attr.attr,
	&max_track_page_attr.attr,
	&max_track_ranges_attr.attr,
	&hidden_bar_attr.attr,
	&hidden_offset_attr.attr,
	&hidden_size_attr.attr,
	NULL
};

static const struct attribute_group limit_group = {
	.name = "limits",
	.attrs = limit_attrs,
};

static ssize_t counter_of(struct kobject *kobj, size_t at, char *buf)
{
	const atomic64_t *counter = (void *)&to_controlled(kobj)->stats + at;

	return sysfs_emit(buf, "%lld\n", (long long)atomic64_read(counter));
}

/* A file with a counter. */
#define COUNTER(name, counter)								\
static ssize_t name##_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)	\
{											\
	return counter_of(kobj, offsetof(struct nvme_lm_stats, counter), buf);	\
}											\
static struct kobj_attribute name##_attr = __ATTR_RO(name)

COUNTER(commands, commands);
COUNTER(errors, errors);
COUNTER(bytes_read, bytes_read);
COUNTER(bytes_written, bytes_written);

static ssize_t last_error_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	char text[NVME_LM_LAST_ERROR_LEN];

	nvme_lm_stats_last_error(&to_controlled(kobj)->stats, text);
	return sysfs_emit(buf, "%s\n", text);
}

static struct kobj_attribute last_error_attr = __ATTR_RO(last_error);

static struct attribute *statistics_attrs[] = {
	&commands_attr.attr,
	&errors_attr.attr,
	&bytes_read_attr.attr,
	&bytes_written_attr.attr,
	&last_error_attr.attr,
	NULL
};

static const struct attribute_group statistics_group = {
	.name = "statistics",
	.attrs = statistics_attrs,
};

static const struct attribute_group *controlled_groups[] = {
	&controlled_group,
	&capability_group,
	&limit_group,
	&statistics_group,
	NULL
};

const struct kobj_type nvme_lm_controlled_ktype = {
	.release = nvme_lm_controlled_release,
	.sysfs_ops = &kobj_sysfs_ops,
	.default_groups = controlled_groups,
};
