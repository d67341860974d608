// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands, statuses and errnos in words; see words.h.  The terms are those of
 * the specification.
 */
#include <linux/errno.h>
#include <linux/kernel.h>

#include "command.h"
#include "ipuwire.h"
#include "words.h"

/**
 * nvme_lm_command_words - what a command is called
 * @opcode: OPC
 * @sel: CDW10[7:0]
 *
 * Return: a name.
 */
const char *nvme_lm_command_words(u8 opcode, u8 sel)
{
	switch (opcode) {
	case NVME_LM_OP_REGISTERS:
		return "registers of the function";
	case NVME_LM_OP_IPU_QUERY:
		return "query data size";
	case NVME_LM_OP_IPU_SUSPEND:
		return "suspend";
	case NVME_LM_OP_IPU_RESUME:
		return "resume";
	case NVME_LM_OP_IPU_SAVE:
		return "save data";
	case NVME_LM_OP_IPU_LOAD:
		return "load data";
	case NVME_LM_OP_IDENTIFY:
		return "Identify";
	case NVME_LM_OP_MIGRATION_SEND:
		return sel == NVME_LM_SEND_SUSPEND ? "Suspend" :
		       sel == NVME_LM_SEND_RESUME ? "Resume" :
		       sel == NVME_LM_SEND_SET_STATE ? "Set Controller State" :
		       "Migration Send";
	case NVME_LM_OP_MIGRATION_RECV:
		return "Get Controller State";
	case NVME_LM_OP_TRACK_SEND:
		return "Track Send";
	case NVME_LM_OP_TRACK_RECV:
		return "Track Receive";
	default:
		return "command";
	}
}

static const struct {
	u16 status;
	const char *words;
} statuses[] = {
	{ 0x000, "Successful Completion" },
	{ 0x001, "Invalid Command Opcode" },
	{ 0x002, "Invalid Field in Command" },
	{ 0x004, "Data Transfer Error" },
	{ 0x006, "Internal Error" },
	{ 0x007, "Command Abort Requested" },
	{ 0x00b, "Invalid Namespace or Format" },
	{ 0x00c, "Command Sequence Error" },
	{ 0x01f, "Invalid Controller Identifier" },
	{ 0x11f, "Invalid Controller Identifier" },
	{ 0x137, "Invalid Controller Data Queue" },
	{ 0x138, "Not Enough Resources" },
	{ 0x139, "Controller Suspended" },
	{ 0x13a, "Controller Not Suspended" },
	{ 0x370, "Host Path Error" },
	{ 0x371, "Command Aborted By Host" },
};

/**
 * nvme_lm_status_words - what a status is called
 * @status: status code type and status code
 *
 * Return: a name.
 */
const char *nvme_lm_status_words(u16 status)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(statuses); i++)
		if (statuses[i].status == (status & NVME_LM_STATUS_MASK))
			return statuses[i].words;
	return "a status that is not known here";
}

/**
 * nvme_lm_errno_words - what the errno of a command means
 * @error: a negative errno of nvme_lm_submit()
 *
 * Return: a part of a sentence.
 */
const char *nvme_lm_errno_words(int error)
{
	switch (error) {
	case -ENODEV:
		return "the controlling controller is gone";
	case -ESTALE:
		return "the controlling controller was reset";
	case -EINTR:
		return "a fatal signal came";
	case -ENOMEM:
		return "out of memory";
	case -ETIMEDOUT:
		return "it took too long";
	case -EALREADY:
		return "the function is suspended";
	case -EPROTO:
		return "the function is not suspended";
	case -ENXIO:
		return "the function does not answer";
	case -EREMOTEIO:
		return "the device's answer makes no sense";
	default:
		return "not issued";
	}
}
