// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lets modules that were compiled with -fprofile-arcs count on a kernel without
 * CONFIG_GCOV_KERNEL, as Debian's are.
 *
 * gcc puts a constructor into each object file, which hands over what it counts.
 * Most kernels do not run the constructors of modules, so this module does, when a
 * module comes up that has any.  When one goes its counters are added up
 * here, so nothing is lost by reloading.
 *
 * /sys/kernel/debug/nvme-lm-gcov gives the sums as text, a line for each file and
 * below it one for each function; tests/coverage/report makes of it what gcov
 * reads.
 */
#include <linux/debugfs.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

/* Kinds of counters that this compiler knows: one more from gcc 14 on. */
#if __GNUC__ >= 14
#define COUNTERS	9
#else
#define COUNTERS	8
#endif

/* What gcc makes of one kind of counters of a function. */
struct gcov_ctr_info {
	unsigned int num;
	u64 *values;
};

struct gcov_info;

/* What gcc makes of a function; counters only of the kinds that are in use. */
struct gcov_fn_info {
	const struct gcov_info *key;
	unsigned int ident;
	unsigned int lineno_checksum;
	unsigned int cfg_checksum;
	struct gcov_ctr_info ctrs[];
};

/* What gcc makes of an object file. */
struct gcov_info {
	unsigned int version;
	struct gcov_info *next;
	unsigned int stamp;
	unsigned int checksum;
	const char *filename;
	void (*merge[COUNTERS])(u64 *values, unsigned int num);
	unsigned int n_functions;
	const struct gcov_fn_info * const *functions;
};

/**
 * struct coming - an object file that counts
 * @node: place in @coming
 * @info: what it counts; in the memory of its module
 */
struct coming {
	struct list_head node;
	const struct gcov_info *info;
};

/**
 * struct gone - text of what an object file counted before its module went
 * @node: place in @gone
 * @text: as in debugfs
 */
struct gone {
	struct list_head node;
	char *text;
};

/* Guards both lists. */
static DEFINE_MUTEX(lock);
static LIST_HEAD(coming);
static LIST_HEAD(gone);

static struct dentry *file;

/* Called by each constructor. */
void __gcov_init(struct gcov_info *info);
void __gcov_init(struct gcov_info *info)
{
	struct coming *new = kzalloc(sizeof(*new), GFP_KERNEL);

	if (!new)
		return;
	new->info = info;
	guard(mutex)(&lock);
	list_add_tail(&new->node, &coming);
}
EXPORT_SYMBOL_GPL(__gcov_init);

/* Called by destructors, which nobody runs. */
void __gcov_exit(void);
void __gcov_exit(void)
{
}
EXPORT_SYMBOL_GPL(__gcov_exit);

/* Only its address is asked for: it tells that there are counters of this kind. */
void __gcov_merge_add(u64 *values, unsigned int num);
void __gcov_merge_add(u64 *values, unsigned int num)
{
}
EXPORT_SYMBOL_GPL(__gcov_merge_add);

static void run_constructors(struct module *module)
{
	const struct mod_kallsyms *symbols = rcu_dereference_raw(module->kallsyms);
	unsigned int i;

	/* a kernel with KASAN, for one, runs them itself */
	if (IS_ENABLED(CONFIG_CONSTRUCTORS))
		return;
	for (i = 0; i < symbols->num_symtab; i++) {
		const Elf_Sym *symbol = &symbols->symtab[i];

		if (!strncmp(symbols->strtab + symbol->st_name, "_sub_I_", 7))
			((void (*)(void))symbol->st_value)();
	}
}

/* A line for the file, then one for each function: its checksums and counters. */
static void print_info(struct seq_file *to, const struct gcov_info *info)
{
	unsigned int i, j;

	seq_printf(to, "file %s %u %u %u\n", info->filename, info->version, info->stamp,
		   info->checksum);
	for (i = 0; i < info->n_functions; i++) {
		const struct gcov_fn_info *fn = info->functions[i];

		/* functions that the linker dropped have another key */
		if (!fn || fn->key != info)
			continue;
		seq_printf(to, "fn %u %u %u", fn->ident, fn->lineno_checksum, fn->cfg_checksum);
		for (j = 0; j < fn->ctrs[0].num; j++)
			seq_printf(to, " %llu", fn->ctrs[0].values[j]);
		seq_putc(to, '\n');
	}
}

/* The same into memory; NULL without. */
static char *info_text(const struct gcov_info *info)
{
	struct seq_file to = { .size = 1 << 20 };

	to.buf = kvzalloc(to.size, GFP_KERNEL);
	if (!to.buf)
		return NULL;
	print_info(&to, info);
	if (!seq_has_overflowed(&to)) {
		to.buf[to.count] = '\0';
		return to.buf;
	}
	pr_warn("nvme-lm-gcov: expected less than %zu bytes of counters of %s; they are lost\n",
		to.size, info->filename);
	kvfree(to.buf);
	return NULL;
}

static void keep_counters(struct module *module)
{
	struct coming *entry, *next;
	struct gone *kept;

	guard(mutex)(&lock);
	list_for_each_entry_safe(entry, next, &coming, node) {
		if (!within_module((unsigned long)entry->info, module))
			continue;
		kept = kzalloc(sizeof(*kept), GFP_KERNEL);
		if (kept) {
			kept->text = info_text(entry->info);
			list_add_tail(&kept->node, &gone);
		}
		list_del(&entry->node);
		kfree(entry);
	}
}

static int module_event(struct notifier_block *block, unsigned long event, void *data)
{
	if (event == MODULE_STATE_COMING)
		run_constructors(data);
	else if (event == MODULE_STATE_GOING)
		keep_counters(data);
	return NOTIFY_OK;
}

static struct notifier_block notifier = { .notifier_call = module_event };

static int counters_show(struct seq_file *to, void *unused)
{
	struct coming *entry;
	struct gone *kept;

	guard(mutex)(&lock);
	list_for_each_entry(kept, &gone, node)
		if (kept->text)
			seq_puts(to, kept->text);
	list_for_each_entry(entry, &coming, node)
		print_info(to, entry->info);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(counters);

static int __init gcov_start(void)
{
	int ret = register_module_notifier(&notifier);

	if (ret)
		return ret;
	file = debugfs_create_file("nvme-lm-gcov", 0400, NULL, NULL, &counters_fops);
	return 0;
}
module_init(gcov_start);

static void __exit gcov_stop(void)
{
	struct gone *kept, *next;

	debugfs_remove(file);
	unregister_module_notifier(&notifier);
	list_for_each_entry_safe(kept, next, &gone, node) {
		kvfree(kept->text);
		kfree(kept);
	}
}
module_exit(gcov_stop);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Counts the lines that modules of nvme-lm run");
