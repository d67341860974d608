// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers of the function itself, for the one thing that the controlling side
 * cannot do for it: a controller takes a state only while it is disabled.
 *
 * A VMM resets a function before it loads a state, as QEMU does.  One that goes
 * back to a function it migrated away from may not, and the uAPI lets the driver
 * prepare the device on STOP -> RESUMING.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/jiffies.h>
#include <linux/nvme.h>
#include <linux/pci.h>
#include <linux/sched/signal.h>

#include "device.h"

#include <compat/nvme-lm-compat.h>

/* What a register of a function reads as that does not answer. */
#define NO_ANSWER	0xffffffffU

/*
 * Read a register: 0, or -EIO where the function does not answer.  The core says so
 * too while its user has put it to sleep, or has switched its memory off.
 */
static int read_register(struct nvme_vfio_device *nvdev, void __iomem *bar, u32 reg, u32 *value)
{
	int ret = vfio_pci_core_ioread32(&nvdev->core, true, value, bar + reg);

	return ret ? ret : *value == NO_ANSWER ? -EIO : 0;
}

/* Wait for CSTS.RDY to clear, for as long as CAP.TO allows. */
static int wait_disabled(struct nvme_vfio_device *nvdev, void __iomem *bar)
{
	unsigned long end;
	u32 cap, csts;
	int ret;

	/* CAP.TO is in the low half of CAP, in units of 500 ms */
	ret = read_register(nvdev, bar, NVME_REG_CAP, &cap);
	end = jiffies + msecs_to_jiffies((NVME_CAP_TIMEOUT(cap) + 1) * 500);
	while (!ret) {
		ret = read_register(nvdev, bar, NVME_REG_CSTS, &csts);
		if (ret)
			return ret;
		if (!(csts & NVME_CSTS_RDY))
			return 0;
		if (time_after(jiffies, end))
			return -ETIMEDOUT;
		/* giving up costs the function its state: not for any signal */
		if (fatal_signal_pending(current))
			return -EINTR;
		usleep_range(1000, 2000);
	}
	return ret;
}

int nvme_vfio_disable_controller(struct nvme_vfio_device *nvdev)
{
	void __iomem *bar;
	u32 cc;
	int ret;

	lockdep_assert_held(&nvdev->state_mutex);

	bar = nvme_lm_vfio_bar(&nvdev->core, 0);
	if (IS_ERR(bar))
		return PTR_ERR(bar);

	ret = read_register(nvdev, bar, NVME_REG_CC, &cc);
	if (ret || !(cc & NVME_CC_ENABLE))
		return ret;

	ret = vfio_pci_core_iowrite32(&nvdev->core, true, cc & ~NVME_CC_ENABLE,
				      bar + NVME_REG_CC);
	if (!ret)
		ret = wait_disabled(nvdev, bar);
	return ret ? ret : 1;
}
