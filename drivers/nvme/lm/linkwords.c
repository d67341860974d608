// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading what an administrator writes into the file link; see link.h.
 */
#include <linux/errno.h>
#include <linux/kernel.h>

#include "link.h"

/**
 * nvme_lm_link_parse - read "CNTLID DDDD:BB:DD.F"
 * @text: the words, which a newline may follow
 * @words: filled in
 *
 * CNTLID is decimal, the address hexadecimal as everywhere.
 *
 * Return: 0 or -EINVAL.
 */
int nvme_lm_link_parse(const char *text, struct nvme_lm_link_words *words)
{
	unsigned int cntlid, domain, bus, device, function;
	int end = 0;

	if (sscanf(text, "%u %x:%x:%x.%x%n", &cntlid, &domain, &bus, &device,
		   &function, &end) != 5)
		return -EINVAL;
	if (text[end] == '\n')
		end++;
	if (text[end] || cntlid > 0xffff || domain > 0xffff || bus > 0xff ||
	    device > 0x1f || function > 7)
		return -EINVAL;
	*words = (struct nvme_lm_link_words) {
		.cntlid = cntlid,
		.domain = domain,
		.bus = bus,
		.device = device,
		.function = function,
	};
	return 0;
}
