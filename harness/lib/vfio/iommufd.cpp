// SPDX-License-Identifier: GPL-2.0-only
#include "vfio/backend.hpp"

#include <filesystem>
#include <fmt/format.h>
#include <linux/iommufd.h>
#include <stdexcept>
#include <sys/ioctl.h>

namespace lm::vfio {

namespace {

/// An iommufd with one I/O address space.
class IommufdSpace : public iommu::AddressSpace {
  public:
    IommufdSpace() : fd_{open_file("/dev/iommu", O_RDWR)} {
        iommu_ioas_alloc alloc{};
        alloc.size = sizeof(alloc);
        check(::ioctl(fd_.get(), IOMMU_IOAS_ALLOC, &alloc), "IOMMU_IOAS_ALLOC");
        ioas_ = alloc.out_ioas_id;
    }

    void map(Iova iova, void *memory, std::size_t size) override {
        iommu_ioas_map map{};
        map.size = sizeof(map);
        map.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_WRITEABLE;
        map.ioas_id = ioas_;
        map.user_va = reinterpret_cast<std::uintptr_t>(memory);
        map.length = size;
        map.iova = iova.value;
        check(::ioctl(fd_.get(), IOMMU_IOAS_MAP, &map), "IOMMU_IOAS_MAP");
    }

    void unmap(Iova iova, std::size_t size) override {
        iommu_ioas_unmap unmap{};
        unmap.size = sizeof(unmap);
        unmap.ioas_id = ioas_;
        unmap.iova = iova.value;
        unmap.length = size;
        check(::ioctl(fd_.get(), IOMMU_IOAS_UNMAP, &unmap), "IOMMU_IOAS_UNMAP");
    }

    /// Bind an open device and let it see this address space.
    void attach(int device) {
        vfio_device_bind_iommufd bind{};
        bind.argsz = sizeof(bind);
        bind.iommufd = fd_.get();
        check(::ioctl(device, VFIO_DEVICE_BIND_IOMMUFD, &bind), "VFIO_DEVICE_BIND_IOMMUFD");
        vfio_device_attach_iommufd_pt attach{};
        attach.argsz = sizeof(attach);
        attach.pt_id = ioas_;
        check(::ioctl(device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach),
              "VFIO_DEVICE_ATTACH_IOMMUFD_PT");
    }

  private:
    UniqueFd fd_;
    std::uint32_t ioas_ = 0;
};

/// The character device of a function bound to a vfio driver.
std::string device_path(const pci::Address &function) {
    const std::filesystem::path folder = function.sysfs() / "vfio-dev";
    if (std::filesystem::exists(folder))
        for (const auto &entry : std::filesystem::directory_iterator{folder})
            return "/dev/vfio/devices/" + entry.path().filename().string();
    throw std::runtime_error{fmt::format(
        "{} has no VFIO device: bind it to a vfio driver, on a kernel with VFIO_DEVICE_CDEV",
        function.text())};
}

class IommufdBackend : public Backend {
  public:
    std::unique_ptr<Device> open(const pci::Address &function) override {
        UniqueFd fd = open_file(device_path(function), O_RDWR);
        space_->attach(fd.get());
        return std::make_unique<Device>(function, std::move(fd), space_);
    }

    std::shared_ptr<iommu::AddressSpace> address_space() override { return space_; }
    [[nodiscard]] BackendKind kind() const override { return BackendKind::iommufd; }

  private:
    std::shared_ptr<IommufdSpace> space_ = std::make_shared<IommufdSpace>();
};

} // namespace

std::unique_ptr<Backend> make_iommufd_backend() {
    return std::make_unique<IommufdBackend>();
}

} // namespace lm::vfio
