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
	int space = 0, end = 0;

	/* a number of more digits than it can have would be cut to one that fits */
	if (sscanf(text, "%9u%n %8x:%2x:%2x.%1x%n", &cntlid, &space, &domain, &bus, &device,
		   &function, &end) != 5)
		return -EINVAL;
	if (text[end] == '\n')
		end++;
	if (text[space] != ' ' || text[end] || cntlid > 0xffff || device > 0x1f || function > 7)
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
