// SPDX-License-Identifier: GPL-2.0-only
#include "vfio/device.hpp"

#include <cstring>
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

namespace lm::vfio {

Interrupts::Interrupts(unsigned count) {
    for (unsigned i = 0; i < count; ++i)
        events_.emplace_back(check(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd"));
}

std::uint64_t Interrupts::take(Vector vector) {
    std::uint64_t count = 0;
    if (::read(fd(vector), &count, sizeof(count)) < 0 && errno != EAGAIN)
        throw_errno("cannot read an interrupt's eventfd");
    return count;
}

bool Interrupts::wait(Vector vector, std::chrono::milliseconds limit) {
    pollfd waiting{.fd = fd(vector), .events = POLLIN, .revents = 0};
    return check(::poll(&waiting, 1, static_cast<int>(limit.count())), "poll") == 1;
}

Device::Device(pci::Address address, UniqueFd fd, std::shared_ptr<void> keeper)
    : address_{std::move(address)}, keeper_{std::move(keeper)}, fd_{std::move(fd)} {
    info_.argsz = sizeof(info_);
    check(::ioctl(fd_.get(), VFIO_DEVICE_GET_INFO, &info_), "VFIO_DEVICE_GET_INFO");
}

vfio_region_info Device::region(std::uint32_t index) const {
    vfio_region_info info{};
    info.argsz = sizeof(info);
    info.index = index;
    check(::ioctl(fd(), VFIO_DEVICE_GET_REGION_INFO, &info), "VFIO_DEVICE_GET_REGION_INFO");
    return info;
}

Bar Device::map_bar(std::uint32_t index, std::size_t size) const {
    const vfio_region_info info = region(index);
    if (!(info.flags & VFIO_REGION_INFO_FLAG_MMAP) || info.size < size)
        throw std::runtime_error{
            fmt::format("BAR {} of {} cannot be mapped for {:#x} bytes: it has {:#x}, flags {:#x}",
                        index, address_.text(), size, info.size, info.flags)};
    return Bar{Mapping{fd(), size, static_cast<off_t>(info.offset)}};
}

void Device::region_read(std::uint32_t index, std::uint64_t offset, ByteSpan out) const {
    const auto where = static_cast<off_t>(region(index).offset + offset);
    const ssize_t n = check(::pread(fd(), out.data(), out.size(), where), "region read");
    if (static_cast<std::size_t>(n) != out.size())
        throw_error(EIO, "region read is short");
}

void Device::region_write(std::uint32_t index, std::uint64_t offset, ByteView in) const {
    const auto where = static_cast<off_t>(region(index).offset + offset);
    const ssize_t n = check(::pwrite(fd(), in.data(), in.size(), where), "region write");
    if (static_cast<std::size_t>(n) != in.size())
        throw_error(EIO, "region write is short");
}

void Device::enable_bus_master() {
    const auto command = config_read<std::uint16_t>(pci::ConfigOffset::command);
    config_write<std::uint16_t>(pci::ConfigOffset::command,
                                command | pci::command_memory | pci::command_bus_master);
}

void Device::reset() {
    check(::ioctl(fd(), VFIO_DEVICE_RESET), "VFIO_DEVICE_RESET of " + address_.text());
}

std::uint16_t Device::capability(std::uint8_t id) const {
    std::uint8_t at = config_read<std::uint8_t>(pci::ConfigOffset::capabilities);
    for (unsigned n = 0; at && n < 48; ++n) {
        if (config_read<std::uint8_t>(pci::ConfigOffset{at}) == id)
            return at;
        at = config_read<std::uint8_t>(pci::ConfigOffset{static_cast<std::uint16_t>(at + 1)});
    }
    throw std::runtime_error{fmt::format("{} has no PCI capability {:#x}", address_.text(), id)};
}

void Device::function_level_reset() {
    const pci::ConfigOffset control{static_cast<std::uint16_t>(capability(pci::capability_express) +
                                                               pci::express_device_control)};
    const auto now = config_read<std::uint16_t>(control);
    config_write<std::uint16_t>(
        control, static_cast<std::uint16_t>(now | pci::initiate_function_level_reset));
}

vfio_irq_info Device::irq_info(std::uint32_t index) const {
    vfio_irq_info info{};
    info.argsz = sizeof(info);
    info.index = index;
    check(::ioctl(fd(), VFIO_DEVICE_GET_IRQ_INFO, &info), "VFIO_DEVICE_GET_IRQ_INFO");
    return info;
}

unsigned Device::msix_vectors() const {
    return irq_info(VFIO_PCI_MSIX_IRQ_INDEX).count;
}

void Device::enable_msix(const Interrupts &interrupts) {
    const std::size_t fds = sizeof(std::int32_t) * interrupts.count();
    Bytes buffer(sizeof(vfio_irq_set) + fds);
    vfio_irq_set set{};
    set.argsz = static_cast<std::uint32_t>(buffer.size());
    set.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
    set.index = VFIO_PCI_MSIX_IRQ_INDEX;
    set.count = interrupts.count();
    std::memcpy(buffer.data(), &set, sizeof(set));
    for (std::uint16_t i = 0; i < interrupts.count(); ++i)
        store<std::uint32_t>(buffer, sizeof(set) + sizeof(std::int32_t) * i,
                             static_cast<std::uint32_t>(interrupts.fd(Vector{i})));
    check(::ioctl(fd(), VFIO_DEVICE_SET_IRQS, buffer.data()), "VFIO_DEVICE_SET_IRQS for MSI-X");
}

void Device::disable_msix() {
    vfio_irq_set set{};
    set.argsz = sizeof(set);
    set.flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER;
    set.index = VFIO_PCI_MSIX_IRQ_INDEX;
    check(::ioctl(fd(), VFIO_DEVICE_SET_IRQS, &set), "VFIO_DEVICE_SET_IRQS off");
}

void Device::feature(std::uint32_t flags, ByteSpan argument) const {
    Bytes buffer(sizeof(vfio_device_feature) + argument.size());
    store<std::uint32_t>(buffer, offsetof(vfio_device_feature, argsz),
                         static_cast<std::uint32_t>(buffer.size()));
    store<std::uint32_t>(buffer, offsetof(vfio_device_feature, flags), flags);
    std::ranges::copy(argument, buffer.begin() + sizeof(vfio_device_feature));
    const int result = ::ioctl(fd(), VFIO_DEVICE_FEATURE, buffer.data());
    const int error = errno;
    // A refused change of state still reports the state it left the device in.
    std::ranges::copy(ByteView{buffer}.subspan(sizeof(vfio_device_feature)), argument.begin());
    if (result < 0)
        throw_error(error, fmt::format("VFIO_DEVICE_FEATURE {:#x}", flags));
}

bool Device::has_feature(std::uint32_t flags) const {
    vfio_device_feature probe{};
    probe.argsz = sizeof(probe);
    probe.flags = flags | VFIO_DEVICE_FEATURE_PROBE;
    return ::ioctl(fd(), VFIO_DEVICE_FEATURE, &probe) == 0;
}

} // namespace lm::vfio
