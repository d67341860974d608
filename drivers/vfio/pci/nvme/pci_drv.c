// SPDX-License-Identifier: GPL-2.0-only
/*
 * The PCI driver of functions that are given to a virtual machine and may be
 * live migrated.
 */
#include <linux/module.h>
#include <linux/pci.h>

#include <compat/nvme-lm-compat.h>

#include "device.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

#ifdef HAVE_VFIO_PCI_DEVICE_OPS
/* What is hidden from the user is hidden from whom he gives a DMA-buf of it. */
static int get_dmabuf_phys(struct vfio_pci_core_device *core, struct p2pdma_provider **provider,
			   unsigned int index, struct phys_vec *phys_vec,
			   struct vfio_region_dma_range *ranges, size_t count)
{
	struct nvme_vfio_device *nvdev = to_nvme_vfio(&core->vdev);
	size_t i;

	for (i = 0; i < count; i++)
		if (nvme_vfio_hides(nvdev, index, ranges[i].offset, ranges[i].length))
			return -EINVAL;
	return vfio_pci_core_get_dmabuf_phys(core, provider, index, phys_vec, ranges, count);
}

static const struct vfio_pci_device_ops nvme_vfio_pci_ops = {
	.get_dmabuf_phys = get_dmabuf_phys,
};

static void set_pci_ops(struct nvme_vfio_device *nvdev)
{
	nvdev->core.pci_ops = &nvme_vfio_pci_ops;
}
#else
static void set_pci_ops(struct nvme_vfio_device *nvdev)
{
}
#endif

/*
 * Runs with locks held that a page fault on a BAR of the device may wait for,
 * while a state call or a reader may be in such a fault: so only take note,
 * and wake who waits at the migration file.
 */
static void nvme_vfio_reset_done(struct pci_dev *pdev)
{
	struct vfio_pci_core_device *core = pci_get_drvdata(pdev);
	struct nvme_vfio_device *nvdev = to_nvme_vfio(&core->vdev);

	atomic_inc(&nvdev->resets);
	wake_up_all(&nvdev->wait);
}

/* After an error the kernel has reset the link, and with it the function. */
static pci_ers_result_t nvme_vfio_slot_reset(struct pci_dev *pdev)
{
	nvme_vfio_reset_done(pdev);
	return PCI_ERS_RESULT_RECOVERED;
}

static const struct pci_error_handlers nvme_vfio_err_handlers = {
	.reset_done = nvme_vfio_reset_done,
	.slot_reset = nvme_vfio_slot_reset,
	.error_detected = vfio_pci_core_aer_err_detected,
};

static int nvme_vfio_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct nvme_vfio_device *nvdev;
	int ret;

	nvdev = vfio_alloc_device(nvme_vfio_device, core.vdev, &pdev->dev, &nvme_vfio_ops);
	if (IS_ERR(nvdev))
		return PTR_ERR(nvdev);

	dev_set_drvdata(&pdev->dev, &nvdev->core);
	set_pci_ops(nvdev);
	ret = vfio_pci_core_register_device(&nvdev->core);
	if (ret)
		vfio_put_device(&nvdev->core.vdev);
	else
		nvme_vfio_stats_create(&nvdev->stats, pdev);
	return ret;
}

static void nvme_vfio_remove(struct pci_dev *pdev)
{
	struct vfio_pci_core_device *core = pci_get_drvdata(pdev);

	vfio_pci_core_unregister_device(core);
	nvme_vfio_stats_remove(&to_nvme_vfio(&core->vdev)->stats);
	vfio_put_device(&core->vdev);
}

/* Any NVMe function: one that cannot be migrated is as under vfio-pci. */
static const struct pci_device_id nvme_vfio_table[] = {
	{
		PCI_DRIVER_OVERRIDE_DEVICE_VFIO(PCI_ANY_ID, PCI_ANY_ID),
		.class = PCI_CLASS_STORAGE_EXPRESS,
		.class_mask = 0xffffff,
	},
	{}
};
MODULE_DEVICE_TABLE(pci, nvme_vfio_table);

static struct pci_driver nvme_vfio_driver = {
	.name = "nvme-vfio-pci",
	.id_table = nvme_vfio_table,
	.probe = nvme_vfio_probe,
	.remove = nvme_vfio_remove,
	.err_handler = &nvme_vfio_err_handlers,
	.driver_managed_dma = true,
};

static int __init nvme_vfio_init(void)
{
	int ret;

	ret = nvme_vfio_save_init();
	if (ret)
		return ret;
	nvme_vfio_stats_init();
	ret = pci_register_driver(&nvme_vfio_driver);
	if (ret) {
		nvme_vfio_stats_exit();
		nvme_vfio_save_exit();
	}
	return ret;
}
module_init(nvme_vfio_init);

static void __exit nvme_vfio_exit(void)
{
	pci_unregister_driver(&nvme_vfio_driver);
	nvme_vfio_stats_exit();
	nvme_vfio_save_exit();
}
module_exit(nvme_vfio_exit);

NVME_LM_IMPORT();
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("VFIO PCI driver with live migration for NVMe functions");
