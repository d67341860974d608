// SPDX-License-Identifier: GPL-2.0-only
#include "rig/rig.hpp"

#include "nvme/command.hpp"
#include "rig/modules.hpp"
#include "util/deadline.hpp"
#include "util/sysfs.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iostream>
#include <stdexcept>

namespace lm::rig {

namespace fs = std::filesystem;

namespace {

constexpr const char *stock_driver = "nvme";

Pf choose_pf(const Options &options) {
    for (const Pf &pf : find_pfs()) {
        if (!options.pf.empty() && pf.address.text() != options.pf)
            continue;
        if (nvme::Passthrough{pf.device}.has_live_migration() == options.live_migration)
            return pf;
    }
    throw std::runtime_error{fmt::format(
        "found no NVMe controller {}that can have virtual functions and {} live "
        "migration (OACS bit 11); boot the rig {} hmlm=on",
        options.pf.empty() ? "" : options.pf + " ", options.live_migration ? "has" : "has not",
        options.live_migration ? "with" : "without")};
}

/// What the stock driver knows of the controller that it serves at this function.
Cntlid cntlid_of(const pci::Address &address) {
    for (const auto &entry : fs::directory_iterator{address.sysfs() / "nvme"})
        return Cntlid{static_cast<std::uint16_t>(std::stoul(sysfs::read(entry.path() / "cntlid")))};
    throw std::runtime_error{address.text() + " has no controller; see the kernel log"};
}

} // namespace

std::vector<Pf> find_pfs() {
    std::vector<Pf> pfs;
    for (const auto &entry : fs::directory_iterator{"/sys/class/nvme"}) {
        const fs::path function = fs::canonical(entry.path() / "device");
        const fs::path total = function / "sriov_totalvfs";
        if (!fs::exists(total) || sysfs::read(total) == "0")
            continue;
        pfs.push_back({.address = pci::Address{function.filename()},
                       .device = "/dev/" + entry.path().filename().string()});
    }
    std::ranges::sort(pfs, {}, &Pf::address);
    return pfs;
}

Rig::Rig(const Options &options) : options_{options}, pf_{choose_pf(options)} {
    load_modules(options_.driver, options_.modules);
    admin_ = std::make_unique<nvme::Passthrough>(pf_.device);
    try {
        create_functions();
        backend_ = vfio::make_backend(options_.backend);
    } catch (...) {
        try_to_remove_functions();
        throw;
    }
}

Rig::~Rig() {
    backend_.reset();
    try_to_remove_functions();
}

void Rig::recreate() {
    backend_.reset();
    remove_functions();
    create_functions();
    backend_ = vfio::make_backend(options_.backend);
}

void Rig::reconnect() {
    backend_.reset();
    backend_ = vfio::make_backend(options_.backend);
}

void Rig::start_over() {
    backend_.reset();
    functions_.clear();
    admin_.reset();
    wait_for_pf();
    admin_ = std::make_unique<nvme::Passthrough>(pf_.device);
    create_functions();
    backend_ = vfio::make_backend(options_.backend);
}

/// Its controller is live, and nvme-lm.ko is attached where it is wanted.
void Rig::wait_for_pf() {
    const fs::path pf = pf_.address.sysfs();
    const bool attaches = options_.driver == variant_driver && options_.live_migration;
    wait_until(
        [&] {
            if (!fs::is_directory(pf / "nvme"))
                return false;
            for (const auto &entry : fs::directory_iterator{pf / "nvme"})
                if (sysfs::read(entry.path() / "state") == "live") {
                    pf_.device = "/dev/" + entry.path().filename().string();
                    return fs::exists(pf_.device) &&
                           (!attaches || sysfs::read(pf / "nvme_lm/attached") == "1");
                }
            return false;
        },
        pf_.address.text() + " to serve again");
}

void Rig::create_functions() {
    if (options_.linked.empty())
        create_vfs();
    for (const std::string &address : options_.linked)
        functions_.push_back(link(pci::Address{address}));
}

void Rig::create_vfs() {
    const fs::path pf = pf_.address.sysfs();
    sysfs::write(pf / "sriov_drivers_autoprobe", "0");
    sysfs::write(pf / "sriov_numvfs", "0");
    sysfs::write(pf / "sriov_numvfs", std::to_string(options_.vfs));

    std::vector<nvme::SecondaryController> controllers = admin_->secondary_controllers();
    std::ranges::sort(controllers, {}, &nvme::SecondaryController::vf_number);
    for (const nvme::SecondaryController &controller : controllers)
        if (controller.vf_number >= 1 && controller.vf_number <= options_.vfs)
            functions_.push_back(bring_online(controller));
    if (functions_.size() != options_.vfs)
        throw std::runtime_error{fmt::format(
            "{} functions were created, and the Secondary Controller List of {} has {} of them",
            options_.vfs, pf_.device, functions_.size())};
}

Function Rig::bring_online(const nvme::SecondaryController &controller) {
    const nvme::SecondaryLimits limits = admin_->secondary_limits();
    const auto queues =
        static_cast<std::uint16_t>(options_.queues ? options_.queues : limits.queues);
    const std::uint16_t interrupts = std::min(limits.interrupts, queues);
    using enum nvme::SecondaryAction;
    const Cntlid cntlid = controller.cntlid;
    admin_->require(
        nvme::virtualization_management(cntlid, assign, nvme::ResourceType::queues, queues));
    admin_->require(nvme::virtualization_management(cntlid, assign, nvme::ResourceType::interrupts,
                                                    interrupts));
    admin_->require(nvme::virtualization_management(cntlid, online));

    const fs::path link = pf_.address.sysfs() / fmt::format("virtfn{}", controller.vf_number - 1);
    pci::Address address{fs::read_symlink(link).filename()};
    pci::bind(address, options_.driver);
    return {.address = std::move(address),
            .cntlid = cntlid,
            .queues = queues,
            .interrupts = interrupts};
}

Function Rig::link(const pci::Address &address) {
    // it is to say itself who it is, through the stock driver
    pci::bind(address, stock_driver);
    const Cntlid cntlid = cntlid_of(address);
    sysfs::write(pf_.address.sysfs() / "nvme_lm/link",
                 fmt::format("{} {}", cntlid.value, address.text()));
    pci::bind(address, options_.driver);
    for (const nvme::SecondaryController &controller : admin_->secondary_controllers())
        if (controller.cntlid == cntlid)
            return {.address = address,
                    .cntlid = cntlid,
                    .queues = controller.queues,
                    .interrupts = controller.interrupts};
    throw std::runtime_error{fmt::format("{}, CNTLID {}, is not in the Secondary Controller List "
                                         "of {}",
                                         address.text(), cntlid.value, pf_.device)};
}

void Rig::remove_functions() {
    if (options_.linked.empty())
        remove_vfs();
    else
        unlink_functions();
    functions_.clear();
}

void Rig::unlink_functions() {
    for (const Function &function : functions_) {
        pci::unbind(function.address);
        sysfs::write(pf_.address.sysfs() / "nvme_lm/unlink", std::to_string(function.cntlid.value));
        pci::bind(function.address, stock_driver);
    }
}

void Rig::remove_vfs() {
    for (const Function &function : functions_)
        pci::unbind(function.address);
    sysfs::write(pf_.address.sysfs() / "sriov_numvfs", "0");
    sysfs::write(pf_.address.sysfs() / "sriov_drivers_autoprobe", "1");
}

void Rig::try_to_remove_functions() noexcept {
    try {
        remove_functions();
    } catch (const std::exception &error) {
        std::cerr << "the rig could not be put back: " << error.what() << '\n';
    }
}

} // namespace lm::rig
