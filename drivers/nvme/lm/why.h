/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why something cannot be, in words: for the log, and for sysfs.
 */
#ifndef NVME_LM_WHY_H
#define NVME_LM_WHY_H

#include <linux/kernel.h>
#include <linux/stdarg.h>

/**
 * struct nvme_lm_why - a reason
 * @text: a part of a sentence, one line; empty if there is none
 * @ordinary: nothing that an administrator has to know of
 */
struct nvme_lm_why {
	char text[208];
	bool ordinary;
};

/**
 * nvme_lm_say_why - give a reason
 * @why: filled in
 * @fmt: as for printk(), without a newline
 */
static inline __printf(2, 3)
void nvme_lm_say_why(struct nvme_lm_why *why, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, args);
	va_end(args);
	why->ordinary = false;
}

#endif /* NVME_LM_WHY_H */
