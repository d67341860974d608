// SPDX-License-Identifier: GPL-2.0-only
/*
 * A set of dirty bytes; see dirtyset.h.  The caller serialises.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/slab.h>

#include "dirtyset.h"

/**
 * struct run - neighbouring bytes
 * @node: place among the others
 * @span: the bytes
 */
struct run {
	struct rb_node node;
	struct nvme_lm_span span;
};

static struct run *to_run(struct rb_node *node)
{
	return rb_entry_safe(node, struct run, node);
}

/* The first run that ends at @at or behind it, or NULL. */
static struct run *find_from(const struct nvme_lm_dirty_set *set, u64 at)
{
	struct rb_node *node = set->runs.rb_node;
	struct run *found = NULL;

	while (node) {
		struct run *run = to_run(node);

		if (run->span.last < at) {
			node = node->rb_right;
		} else {
			found = run;
			node = node->rb_left;
		}
	}
	return found;
}

static void remove_run(struct nvme_lm_dirty_set *set, struct run *run)
{
	rb_erase(&run->node, &set->runs);
	set->count--;
	kfree(run);
}

static void link_run(struct nvme_lm_dirty_set *set, struct run *run)
{
	struct rb_node **link = &set->runs.rb_node;
	struct rb_node *parent = NULL;

	while (*link) {
		parent = *link;
		link = run->span.first < to_run(parent)->span.first ?
		       &parent->rb_left : &parent->rb_right;
	}
	rb_link_node(&run->node, parent, link);
	rb_insert_color(&run->node, &set->runs);
	set->count++;
}

static int insert_run(struct nvme_lm_dirty_set *set, u64 first, u64 last)
{
	struct run *run = kmalloc(sizeof(*run), GFP_KERNEL_ACCOUNT);

	if (!run)
		return -ENOMEM;
	run->span.first = first;
	run->span.last = last;
	link_run(set, run);
	return 0;
}

/* Take in what touches a run that has grown upwards. */
static void absorb_next(struct nvme_lm_dirty_set *set, struct run *run)
{
	struct run *next;

	while ((next = to_run(rb_next(&run->node)))) {
		if (run->span.last != U64_MAX &&
		    next->span.first > run->span.last + 1)
			return;
		run->span.last = max(run->span.last, next->span.last);
		remove_run(set, next);
	}
}

/* Let an existing run, the closest, have @first to @last and what is between. */
static int stretch(struct nvme_lm_dirty_set *set, u64 first, u64 last)
{
	struct run *after = find_from(set, first);
	struct rb_node *node = after ? rb_prev(&after->node) :
				       rb_last(&set->runs);
	struct run *before = to_run(node);

	if (before && (!after || first - before->span.last <
				 after->span.first - last)) {
		before->span.last = last;
		absorb_next(set, before);
		return 0;
	}
	if (!after)
		return -ENOMEM;
	after->span.first = first;
	return 0;
}

/**
 * nvme_lm_dirty_add - bytes are dirty
 * @set: the set
 * @first: the first
 * @last: the last
 *
 * Where there are too many runs, or no memory, what is between two runs becomes
 * dirty too.
 *
 * Return: 0, or -ENOMEM if not even that was possible; the set is as before.
 */
int nvme_lm_dirty_add(struct nvme_lm_dirty_set *set, u64 first, u64 last)
{
	struct run *run = find_from(set, first ? first - 1 : 0);

	if (run && (last == U64_MAX || run->span.first <= last + 1)) {
		run->span.first = min(run->span.first, first);
		run->span.last = max(run->span.last, last);
		absorb_next(set, run);
		return 0;
	}
	if (set->count < NVME_LM_DIRTY_MAX_RUNS && !insert_run(set, first, last))
		return 0;
	return stretch(set, first, last);
}

/**
 * nvme_lm_dirty_take - take bytes out of a set
 * @set: the set
 * @first: the first to look at
 * @last: the last to look at
 * @taken: the lowest run of dirty bytes among them, which is no longer dirty
 *
 * Return: false if there is none.
 */
bool nvme_lm_dirty_take(struct nvme_lm_dirty_set *set, u64 first, u64 last,
			struct nvme_lm_span *taken)
{
	struct run *run = find_from(set, first);

	if (!run || run->span.first > last)
		return false;

	taken->first = max(run->span.first, first);
	taken->last = min(run->span.last, last);

	if (run->span.first < first && run->span.last > last) {
		/* Without memory its upper part stays dirty with the middle. */
		u64 end = run->span.last;

		run->span.last = first - 1;
		if (insert_run(set, last + 1, end))
			run->span.last = end;
	} else if (run->span.first < first) {
		run->span.last = first - 1;
	} else if (run->span.last > last) {
		run->span.first = last + 1;
	} else {
		remove_run(set, run);
	}
	return true;
}

/**
 * nvme_lm_dirty_clear - forget everything
 * @set: the set
 */
void nvme_lm_dirty_clear(struct nvme_lm_dirty_set *set)
{
	struct run *run, *next;

	rbtree_postorder_for_each_entry_safe(run, next, &set->runs, node)
		kfree(run);
	set->runs = RB_ROOT;
	set->count = 0;
}
