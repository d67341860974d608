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

/* Whether registers answer; the user may have put the function to sleep. */
static bool is_awake(struct nvme_vfio_device *nvdev)
{
	lockdep_assert_held(&nvdev->core.memory_lock);
	return !nvdev->core.pm_runtime_engaged &&
	       nvdev->core.pdev->current_state != PCI_D3hot &&
	       nvdev->core.pdev->current_state != PCI_D3cold;
}

/*
 * Read a register.  memory_lock keeps resets and power state changes away, so it
 * is held for one access at a time only.
 */
static u32 read_register(struct nvme_vfio_device *nvdev, void __iomem *bar, u32 reg)
{
	guard(rwsem_read)(&nvdev->core.memory_lock);
	return is_awake(nvdev) ? ioread32(bar + reg) : NO_ANSWER;
}

static void write_register(struct nvme_vfio_device *nvdev, void __iomem *bar, u32 reg,
			   u32 value)
{
	guard(rwsem_read)(&nvdev->core.memory_lock);
	if (is_awake(nvdev))
		iowrite32(value, bar + reg);
}

/* Wait for CSTS.RDY to clear, for as long as CAP.TO allows. */
static int wait_disabled(struct nvme_vfio_device *nvdev, void __iomem *bar)
{
	/* CAP.TO is in the low half of CAP, in units of 500 ms */
	u32 timeout = NVME_CAP_TIMEOUT(read_register(nvdev, bar, NVME_REG_CAP)) + 1;
	unsigned long end = jiffies + msecs_to_jiffies(timeout * 500);
	u32 csts;

	for (;;) {
		csts = read_register(nvdev, bar, NVME_REG_CSTS);
		if (csts == NO_ANSWER)
			return -EIO;
		if (!(csts & NVME_CSTS_RDY))
			return 0;
		if (time_after(jiffies, end))
			return -ETIMEDOUT;
		/* giving up costs the function its state: not for any signal */
		if (fatal_signal_pending(current))
			return -EINTR;
		usleep_range(1000, 2000);
	}
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

	cc = read_register(nvdev, bar, NVME_REG_CC);
	if (cc == NO_ANSWER)
		return -EIO;
	if (!(cc & NVME_CC_ENABLE))
		return 0;

	write_register(nvdev, bar, NVME_REG_CC, cc & ~NVME_CC_ENABLE);
	ret = wait_disabled(nvdev, bar);
	return ret ? ret : 1;
}
