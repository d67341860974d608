// SPDX-License-Identifier: GPL-2.0-only
/*
 * nvme_lm/ in sysfs, of each PCI function that the stock driver serves: whether
 * its controller is attached, or why not; and links.
 */
#include <linux/cleanup.h>
#include <linux/sysfs.h>

#include "link.h"
#include "lm.h"
#include "pf.h"
#include "sysfs.h"

static ssize_t attached_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	guard(mutex)(&nvme_lm_pfs_lock);
	return sysfs_emit(buf, "%d\n", to_pf(kobj)->ctrl ? 1 : 0);
}

static ssize_t reason_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	guard(mutex)(&nvme_lm_pfs_lock);
	return sysfs_emit(buf, "%s\n", to_pf(kobj)->why.text);
}

static ssize_t last_link_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	guard(mutex)(&nvme_lm_pfs_lock);
	return sysfs_emit(buf, "%s\n", to_pf(kobj)->link_why.text);
}

static ssize_t command_set_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	struct nvme_lm_ctrl *ctrl;

	guard(mutex)(&nvme_lm_pfs_lock);
	ctrl = to_pf(kobj)->ctrl;
	return sysfs_emit(buf, "%s\n", ctrl ? ctrl->ops->name : "");
}

/* A file with a number of the controller; an empty line if it is not attached. */
#define CTRL_NUMBER(name, expression)							\
static ssize_t name##_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)	\
{											\
	struct nvme_lm_ctrl *ctrl;							\
											\
	guard(mutex)(&nvme_lm_pfs_lock);						\
	ctrl = to_pf(kobj)->ctrl;							\
	if (!ctrl)									\
		return sysfs_emit(buf, "\n");						\
	return sysfs_emit(buf, "%llu\n", (unsigned long long)(expression));		\
}											\
static struct kobj_attribute name##_attr = __ATTR_RO(name)

CTRL_NUMBER(cntlid, ctrl->cntlid);
CTRL_NUMBER(max_transfer, ctrl->max_transfer);
CTRL_NUMBER(resets, READ_ONCE(ctrl->generation));
CTRL_NUMBER(commands, atomic64_read(&ctrl->stats.commands));
CTRL_NUMBER(errors, atomic64_read(&ctrl->stats.errors));

/* Keep the outcome for last_link, and give it to who writes. */
static ssize_t outcome(struct nvme_lm_pf *pf, int ret, const struct nvme_lm_why *why,
		       size_t count)
{
	guard(mutex)(&nvme_lm_pfs_lock);
	if (ret)
		pf->link_why = *why;
	else
		pf->link_why.text[0] = 0;
	return ret ? ret : count;
}

static int link_words(struct nvme_lm_pf *pf, const char *buf, struct nvme_lm_why *why)
{
	struct nvme_lm_link_words words;
	struct nvme_lm_ctrl *ctrl;
	int ret;

	if (nvme_lm_link_parse(buf, &words)) {
		nvme_lm_say_why(why, "expected CNTLID DDDD:BB:DD.F, found %.64s", buf);
		return -EINVAL;
	}
	ctrl = nvme_lm_pf_ctrl(pf);
	if (!ctrl) {
		nvme_lm_say_why(why, "the PF is not attached");
		return -ENODEV;
	}
	nvme_lm_say_why(why, "out of memory");
	ret = nvme_lm_view(ctrl);
	if (!ret) {
		ret = nvme_lm_link(ctrl, &words, why);
		mutex_unlock(&ctrl->view_lock);
	} else {
		nvme_lm_say_why(why, "interrupted, or the PF is being reset");
	}
	nvme_lm_ctrl_put(ctrl);
	return ret;
}

static ssize_t link_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf,
			  size_t count)
{
	struct nvme_lm_why why = {};

	return outcome(to_pf(kobj), link_words(to_pf(kobj), buf, &why), &why, count);
}

static int unlink_words(struct nvme_lm_pf *pf, const char *buf, struct nvme_lm_why *why)
{
	struct nvme_lm_ctrl *ctrl;
	u16 cntlid;
	int ret;

	ret = kstrtou16(buf, 10, &cntlid);
	if (ret) {
		nvme_lm_say_why(why, "expected a CNTLID, found %.64s", buf);
		return ret;
	}
	ctrl = nvme_lm_pf_ctrl(pf);
	if (!ctrl) {
		nvme_lm_say_why(why, "the PF is not attached");
		return -ENODEV;
	}
	ret = nvme_lm_controlled_unlink(ctrl, cntlid, why);
	nvme_lm_ctrl_put(ctrl);
	return ret;
}

static ssize_t unlink_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf,
			    size_t count)
{
	struct nvme_lm_why why = {};

	return outcome(to_pf(kobj), unlink_words(to_pf(kobj), buf, &why), &why, count);
}

static struct kobj_attribute attached_attr = __ATTR_RO(attached);
static struct kobj_attribute reason_attr = __ATTR_RO(reason);
static struct kobj_attribute command_set_attr = __ATTR_RO(command_set);
static struct kobj_attribute last_link_attr = __ATTR_RO(last_link);
static struct kobj_attribute link_attr = __ATTR_WO(link);
static struct kobj_attribute unlink_attr = __ATTR_WO(unlink);

static struct attribute *pf_attrs[] = {
	&attached_attr.attr,
	&reason_attr.attr,
	&command_set_attr.attr,
	&cntlid_attr.attr,
	&max_transfer_attr.attr,
	&resets_attr.attr,
	&commands_attr.attr,
	&errors_attr.attr,
	&link_attr.attr,
	&unlink_attr.attr,
	&last_link_attr.attr,
	NULL
};
ATTRIBUTE_GROUPS(pf);

const struct kobj_type nvme_lm_pf_ktype = {
	.release = nvme_lm_pf_release,
	.sysfs_ops = &kobj_sysfs_ops,
	.default_groups = pf_groups,
};
