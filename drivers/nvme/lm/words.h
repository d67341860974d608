/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Commands, statuses and errnos in words, for people.
 */
#ifndef NVME_LM_WORDS_H
#define NVME_LM_WORDS_H

#include <linux/types.h>

const char *nvme_lm_command_words(u8 opcode, u8 sel);
const char *nvme_lm_status_words(u16 status);
const char *nvme_lm_errno_words(int error);

#endif /* NVME_LM_WORDS_H */
