// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers of the function itself.
 *
 * There is one thing that the controlling side cannot do for it: a controller takes a
 * state only while it is disabled.  A VMM resets a function before it loads a state, as
 * QEMU does.  One that goes back to a function it migrated away from may not, and the
 * uAPI lets the driver prepare the device on STOP -> RESUMING.
 *
 * And some functions are controlled by registers of their own.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/jiffies.h>
#include <linux/nvme.h>
#include <linux/pci.h>
#include <linux/pm_runtime.h>
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

/*
 * Of a function that nobody has open: it sleeps then, and the core has given up its
 * mapping.  The memory of a virtual function is always on.
 */
static int access_closed(struct pci_dev *pdev, u8 bar, u32 at, u32 *read, u32 write)
{
	void __iomem *reg;
	int ret;

	ret = pm_runtime_resume_and_get(&pdev->dev);
	if (ret)
		return ret;
	reg = ioremap(pci_resource_start(pdev, bar) + at, sizeof(u32));
	if (!reg)
		ret = -ENOMEM;
	else if (read)
		*read = readl(reg);
	else
		writel(write, reg);
	if (reg)
		iounmap(reg);
	pm_runtime_put(&pdev->dev);
	return ret;
}

int nvme_vfio_read32(struct nvme_lm_client *client, u8 bar, u32 at, u32 *value)
{
	struct nvme_vfio_device *nvdev = container_of(client, struct nvme_vfio_device, client);
	void __iomem *regs;

	if (!nvdev->enabled)
		return access_closed(nvdev->core.pdev, bar, at, value, 0);
	regs = nvme_lm_vfio_bar(&nvdev->core, bar);
	if (IS_ERR(regs))
		return PTR_ERR(regs);
	return vfio_pci_core_ioread32(&nvdev->core, true, value, regs + at);
}

int nvme_vfio_write32(struct nvme_lm_client *client, u8 bar, u32 at, u32 value)
{
	struct nvme_vfio_device *nvdev = container_of(client, struct nvme_vfio_device, client);
	void __iomem *regs;

	if (!nvdev->enabled)
		return access_closed(nvdev->core.pdev, bar, at, NULL, value);
	regs = nvme_lm_vfio_bar(&nvdev->core, bar);
	if (IS_ERR(regs))
		return PTR_ERR(regs);
	return vfio_pci_core_iowrite32(&nvdev->core, true, value, regs + at);
}
