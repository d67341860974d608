// SPDX-License-Identifier: GPL-2.0-only
#include "vfio/backend.hpp"

#include <fmt/format.h>
#include <stdexcept>
#include <sys/ioctl.h>

namespace lm::vfio {

namespace {

/// The container, which is the address space of all groups put into it.
class Type1Space : public iommu::AddressSpace {
  public:
    Type1Space() : container_{open_file("/dev/vfio/vfio", O_RDWR)} {
        if (::ioctl(container_.get(), VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU) != 1)
            throw std::runtime_error{"the kernel's VFIO container has no type1v2 IOMMU: "
                                     "modprobe vfio_iommu_type1"};
    }

    void map(Iova iova, void *memory, std::size_t size) override {
        vfio_iommu_type1_dma_map map{};
        map.argsz = sizeof(map);
        map.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE;
        map.vaddr = reinterpret_cast<std::uintptr_t>(memory);
        map.iova = iova.value;
        map.size = size;
        check(::ioctl(container_.get(), VFIO_IOMMU_MAP_DMA, &map), "VFIO_IOMMU_MAP_DMA");
    }

    void unmap(Iova iova, std::size_t size) override {
        vfio_iommu_type1_dma_unmap unmap{};
        unmap.argsz = sizeof(unmap);
        unmap.iova = iova.value;
        unmap.size = size;
        check(::ioctl(container_.get(), VFIO_IOMMU_UNMAP_DMA, &unmap), "VFIO_IOMMU_UNMAP_DMA");
    }

    /// Put a group in; the first one decides the kind of IOMMU.
    void attach(int group) {
        const int container = container_.get();
        check(::ioctl(group, VFIO_GROUP_SET_CONTAINER, &container), "VFIO_GROUP_SET_CONTAINER");
        if (!ready_)
            check(::ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU), "VFIO_SET_IOMMU");
        ready_ = true;
    }

  private:
    UniqueFd container_;
    bool ready_ = false;
};

/// What an open device must not outlive. A group stays in the container for the
/// backend's life, so that its mappings outlive the device.
struct Group {
    std::shared_ptr<Type1Space> space;
    UniqueFd fd;
};

class Type1Backend : public Backend {
  public:
    std::unique_ptr<Device> open(const pci::Address &function) override {
        std::shared_ptr<Group> group = join(function);
        const int fd =
            check(::ioctl(group->fd.get(), VFIO_GROUP_GET_DEVICE_FD, function.text().c_str()),
                  "VFIO_GROUP_GET_DEVICE_FD of " + function.text());
        return std::make_unique<Device>(function, UniqueFd{fd}, group);
    }

    std::shared_ptr<iommu::AddressSpace> address_space() override { return space_; }
    [[nodiscard]] BackendKind kind() const override { return BackendKind::type1; }

  private:
    std::shared_ptr<Group> join(const pci::Address &function) {
        const unsigned number = function.iommu_group();
        if (auto found = groups_.find(number); found != groups_.end())
            return found->second;
        auto group =
            std::make_shared<Group>(space_, open_file(fmt::format("/dev/vfio/{}", number), O_RDWR));
        vfio_group_status status{};
        status.argsz = sizeof(status);
        check(::ioctl(group->fd.get(), VFIO_GROUP_GET_STATUS, &status), "VFIO_GROUP_GET_STATUS");
        if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE))
            throw std::runtime_error{fmt::format(
                "IOMMU group {} is not viable: bind all its functions to vfio drivers", number)};
        space_->attach(group->fd.get());
        groups_.emplace(number, group);
        return group;
    }

    std::shared_ptr<Type1Space> space_ = std::make_shared<Type1Space>();
    std::map<unsigned, std::shared_ptr<Group>> groups_;
};

} // namespace

std::unique_ptr<Backend> make_type1_backend() {
    return std::make_unique<Type1Backend>();
}

} // namespace lm::vfio
