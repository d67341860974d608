// SPDX-License-Identifier: GPL-2.0-only
#include "stage.hpp"

#include "nvme/churn.hpp"
#include "nvme/controller_state.hpp"
#include "rig/modules.hpp"
#include "util/sysfs.hpp"

#include <cstdlib>
#include <fmt/format.h>
#include <fstream>
#include <stdexcept>

namespace lm::bench {

namespace {

/// The address of the PF with this serial number.
std::string find_pf(const std::string &serial) {
    for (const rig::Pf &pf : rig::find_pfs()) {
        const std::string name = pf.device.substr(sizeof("/dev/") - 1);
        const std::string found = sysfs::read("/sys/class/nvme/" + name + "/serial");
        if (found.substr(0, found.find_last_not_of(' ') + 1) == serial)
            return pf.address.text();
    }
    throw std::runtime_error{fmt::format("no controller has the serial number {}", serial)};
}

} // namespace

std::string modules_folder() {
    const char *folder = std::getenv("RIG_MODULES");
    return folder ? folder : "";
}

Vf::Vf(rig::Rig &rig, std::size_t n)
    : cntlid_{rig.function(n).cntlid}, device_{rig.backend().open(rig.function(n).address)},
      migration_{*device_} {
    device_->enable_bus_master();
    if (!migration_.supported())
        throw std::runtime_error{
            fmt::format("{} cannot be migrated; see the kernel log", device_->address().text())};
}

std::uint64_t statistic(const Vf &vf, const std::string &name) {
    std::ifstream file{"/sys/kernel/debug/nvme-vfio-pci/" + vf.address().text() + "/statistics"};
    std::string key;
    for (std::uint64_t value = 0; file >> key >> value;)
        if (key == name)
            return value;
    throw std::runtime_error{
        fmt::format("the statistics of {} have no {}", vf.address().text(), name)};
}

Stage::Stage(const Controller &controller, unsigned vfs)
    : controller_{controller},
      rig_{std::make_unique<rig::Rig>(rig::Options{.pf = find_pf(controller.serial),
                                                   .vfs = vfs ? vfs : controller.vfs,
                                                   .driver = rig::variant_driver,
                                                   .modules = modules_folder()})} {}

void Stage::resize(const Vf &vf, std::uint64_t memory) const {
    pf().require(nvme::resize_memory(vf.cntlid(), memory));
}

void Stage::touch(const Vf &vf, std::uint64_t memory, std::uint64_t blocks, bool scattered) const {
    if (!blocks)
        return;
    const std::uint64_t all = memory / nvme::memory_block;
    const auto stride = static_cast<std::uint32_t>(scattered ? all / blocks : 1);
    pf().require(nvme::touch_memory(vf.cntlid(), 0, static_cast<std::uint32_t>(blocks), stride));
}

std::uint64_t Stage::state_size(Cntlid cntlid) const {
    Bytes header(nvme::ControllerState::header_size);
    pf().require(nvme::get_controller_state(pf().piece(cntlid, ByteOffset{0}, header.size())),
                 header);
    return nvme::ControllerState::total_size(header);
}

} // namespace lm::bench
