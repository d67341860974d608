// SPDX-License-Identifier: GPL-2.0-only
#include "host/controller.hpp"

#include "problem.hpp"
#include "util/sysfs.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <regex>

namespace lm::ctl {

namespace fs = std::filesystem;

namespace {

/// An attribute, or nothing where there is none.
std::string attribute(const fs::path &path) {
    std::error_code error;
    if (!fs::exists(path, error))
        return {};
    try {
        return sysfs::read(path);
    } catch (const std::system_error &) {
        return {};
    }
}

unsigned number(const std::string &text) {
    return text.empty() ? 0 : static_cast<unsigned>(std::strtoul(text.c_str(), nullptr, 10));
}

Resources read_resources(ByteView caps, std::size_t at, bool managed) {
    return {.managed = managed,
            .flexible = load<std::uint32_t>(caps, at),
            .assigned = load<std::uint32_t>(caps, at + 4),
            .for_itself = load<std::uint16_t>(caps, at + 8),
            .most_each = load<std::uint16_t>(caps, at + 12),
            .step = load<std::uint16_t>(caps, at + 14)};
}

/// nvme0 before nvme10.
unsigned number_of(const Controller &controller) {
    return number(controller.name.substr(std::min<std::size_t>(4, controller.name.size())));
}

} // namespace

std::vector<Controller> find_controllers() {
    std::vector<Controller> found;
    std::error_code error;
    for (const auto &entry : fs::directory_iterator{"/sys/class/nvme", error}) {
        const fs::path folder = entry.path();
        if (attribute(folder / "transport") != "pcie")
            continue;
        const fs::path function = fs::canonical(folder / "device", error);
        if (error)
            continue;
        found.push_back({.name = folder.filename(),
                         .address = pci::Address{function.filename()},
                         .state = attribute(folder / "state"),
                         .cntlid = attribute(folder / "cntlid"),
                         .serial = attribute(folder / "serial"),
                         .model = attribute(folder / "model"),
                         .firmware = attribute(folder / "firmware_rev"),
                         .subsystem = attribute(folder / "subsysnqn"),
                         .is_vf = fs::exists(function / "physfn"),
                         .vfs = number(attribute(function / "sriov_numvfs")),
                         .total_vfs = number(attribute(function / "sriov_totalvfs"))});
    }
    std::ranges::sort(found, {}, number_of);
    return found;
}

Controller find_controller(const std::string &text) {
    std::string wanted = text;
    if (wanted.starts_with("/dev/"))
        wanted.erase(0, 5);
    static const std::regex short_address{"[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\\.[0-7]"};
    if (std::regex_match(wanted, short_address))
        wanted = "0000:" + wanted;
    std::string known;
    for (Controller &controller : find_controllers()) {
        if (controller.name == wanted || controller.address.text() == wanted)
            return std::move(controller);
        known += (known.empty() ? "" : ", ") + controller.name;
    }
    throw Problem{fmt::format("there is no NVMe controller '{}' under the nvme driver", text),
                  known.empty() ? "is the nvme module loaded, and the controller bound to it?"
                                : fmt::format("those that are there: {}", known)};
}

ControllerData read_controller(const nvme::Passthrough &admin) {
    Bytes data = admin.identify(nvme::Cns::controller);
    return {.cntlid = load<std::uint16_t>(data, 78),
            .oacs = load<std::uint16_t>(data, 256),
            .mdts = load<std::uint8_t>(data, 77),
            .namespaces = load<std::uint32_t>(data, 516),
            .most_tracked_ranges = load<std::uint16_t>(data, 570),
            .min_granularity = load<std::uint8_t>(data, 574),
            .max_granularity = load<std::uint8_t>(data, 575),
            .track_attributes = load<std::uint8_t>(data, 576),
            .raw = std::move(data)};
}

PrimaryCapabilities read_primary(const nvme::Passthrough &admin) {
    const Bytes caps = admin.identify(nvme::Cns::primary_controller);
    const auto kinds = load<std::uint8_t>(caps, 4);
    return {.queues = read_resources(caps, 32, (kinds & 1) != 0),
            .interrupts = read_resources(caps, 64, (kinds & 2) != 0)};
}

nvme::Passthrough open_controller(const Controller &controller) {
    try {
        return nvme::Passthrough{controller.device()};
    } catch (const std::system_error &error) {
        const int code = error.code().value();
        throw Problem{error.what(),
                      code == EACCES || code == EPERM
                          ? "run it as root (sudo nvme-lmctl ...)"
                          : fmt::format("the state of {} is '{}'; look at the kernel's log",
                                        controller.name, controller.state)};
    }
}

} // namespace lm::ctl
