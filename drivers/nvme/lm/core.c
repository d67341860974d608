// SPDX-License-Identifier: GPL-2.0-only
/*
 * nvme-lm.ko: the controlling side of NVMe live migration.
 *
 * Follows the stock nvme driver on the PCI bus: what it binds is looked at,
 * what it unbinds is let go of.
 */
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/pci.h>

#include "lm.h"
#include "pf.h"

/*
 * A controller of the stock driver that may control others.  A virtual function
 * does not, even if the host uses it.
 */
static bool is_candidate(struct device *dev)
{
	return dev->driver &&
	       !strcmp(dev->driver->name, NVME_LM_STOCK_DRIVER) &&
	       !to_pci_dev(dev)->is_virtfn;
}

/* Called with the device lock held, but for a device that is removed. */
static int bus_event(struct notifier_block *nb, unsigned long action,
		     void *data)
{
	struct device *dev = data;

	if (action == BUS_NOTIFY_BOUND_DRIVER && is_candidate(dev))
		nvme_lm_pf_add(to_pci_dev(dev));
	else if (action == BUS_NOTIFY_UNBIND_DRIVER)
		nvme_lm_pf_remove(to_pci_dev(dev));
	else if (action == BUS_NOTIFY_UNBOUND_DRIVER)
		nvme_lm_pf_removed(to_pci_dev(dev));
	else if (action == BUS_NOTIFY_REMOVED_DEVICE)
		nvme_lm_pf_forget(to_pci_dev(dev));
	return NOTIFY_OK;
}

static struct notifier_block bus_notifier = {
	.notifier_call = bus_event,
};

static int add_bound(struct device *dev, void *unused)
{
	guard(device)(dev);
	if (is_candidate(dev))
		nvme_lm_pf_add(to_pci_dev(dev));
	return 0;
}

/*
 * Only devices of the stock driver are locked: the lock of one that some other
 * driver is letting go of may be held until a user closes it.
 */
static int add_bound_to(struct device_driver *driver, void *unused)
{
	if (strcmp(driver->name, NVME_LM_STOCK_DRIVER))
		return 0;
	return driver_for_each_device(driver, NULL, NULL, add_bound);
}

static int __init nvme_lm_init(void)
{
	int ret;

	nvme_lm_events = alloc_workqueue("nvme-lm", WQ_UNBOUND, 0);
	if (!nvme_lm_events)
		return -ENOMEM;
	ret = bus_register_notifier(&pci_bus_type, &bus_notifier);
	if (ret) {
		destroy_workqueue(nvme_lm_events);
		return ret;
	}
	/* What is bound meanwhile is found twice and taken once. */
	bus_for_each_drv(&pci_bus_type, NULL, NULL, add_bound_to);
	return 0;
}

static void __exit nvme_lm_exit(void)
{
	/*
	 * There are no handles: whoever had one would hold this module.  The
	 * notifier goes last, for until then it waits for us before a driver
	 * lets go of a function that we look at.
	 */
	nvme_lm_pf_remove_all();
	bus_unregister_notifier(&pci_bus_type, &bus_notifier);
	destroy_workqueue(nvme_lm_events);
}

module_init(nvme_lm_init);
module_exit(nvme_lm_exit);

MODULE_DESCRIPTION("Controlling side of NVMe live migration");
MODULE_LICENSE("GPL");
