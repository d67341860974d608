// SPDX-License-Identifier: GPL-2.0-only
#include "host/capability.hpp"

#include "host/kernel_config.hpp"
#include "host/kernel_side.hpp"
#include "stream/describe.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace lm::ctl {

namespace fs = std::filesystem;

namespace {

/// Builds the matrix of one function.
class Matrix {
  public:
    Matrix(const Domain &domain, const Function &function)
        : domain_{domain}, function_{function}, pf_{kernel_side(domain.controller.address)},
          kernel_{kernel_side(domain.controller.address, function.cntlid)} {}

    std::vector<Capability> build() {
        commands();
        located();
        online();
        queues();
        media();
        iommu();
        driver();
        controlling_side();
        live_read();
        tracking();
        streamed_write();
        return std::move(list_);
    }

  private:
    void needs(std::string key, std::string title, bool has, std::string why) {
        list_.push_back({std::move(key), std::move(title), has, true, has ? "" : std::move(why)});
    }
    void may(std::string key, std::string title, bool has, std::string why) {
        list_.push_back({std::move(key), std::move(title), has, false, std::move(why)});
    }
    /// What the kernel says of one capability, where it says anything.
    [[nodiscard]] std::optional<bool> told(const std::string &name) const {
        const auto value = kernel_.number("capabilities/" + name);
        return value ? std::optional{*value != 0} : std::nullopt;
    }
    [[nodiscard]] std::string reason(const std::string &name, std::string otherwise) const {
        std::string text = kernel_.text("capabilities/" + name + "_reason");
        return text.empty() ? std::move(otherwise) : text;
    }

    void commands();
    void located();
    void online();
    void queues();
    void media();
    void iommu();
    void driver();
    void controlling_side();
    void live_read();
    void tracking();
    void streamed_write();

    const Domain &domain_;
    const Function &function_;
    KernelFolder pf_;
    KernelFolder kernel_;
    std::vector<Capability> list_;
};

void Matrix::commands() {
    const bool has = told("migrate").value_or(domain_.data.has_live_migration());
    needs("commands", "migration commands", has,
          reason("migrate",
                 fmt::format("{} has no host-managed live migration (OACS bit 11): a firmware "
                             "update may bring it",
                             domain_.controller.name)));
}

void Matrix::located() {
    needs("pci_function", "PCI function", function_.address.has_value(),
          function_.vf_number != 0
              ? fmt::format("VF {} was not created: nvme-lmctl provision {} --vf {}",
                            function_.vf_number, domain_.controller.name, function_.vf_number)
              : fmt::format("nobody has said which function it is: nvme-lmctl link {} --cntlid {} "
                            "FUNCTION",
                            domain_.controller.name, function_.cntlid));
}

void Matrix::online() {
    needs("online", "online", function_.online,
          fmt::format("the controller is offline: nvme-lmctl provision {}{}",
                      domain_.controller.name,
                      function_.vf_number ? fmt::format(" --vf {}", function_.vf_number) : ""));
}

void Matrix::queues() {
    needs("resources", "queues and interrupts",
          function_.kind != Kind::vf || (function_.queues >= 2 && function_.interrupts >= 1),
          fmt::format("expected at least 2 queue pairs and 1 vector, found {} and {}: nvme-lmctl "
                      "provision assigns them",
                      function_.queues, function_.interrupts));
}

void Matrix::media() {
    std::string why;
    for (const nvme_lm_medium &m : media_of(domain_.namespaces, function_.cntlid)) {
        if ((m.flags & NVME_LM_MEDIUM_F_SHARED) == 0)
            why = fmt::format("NSID {} may not be shared (NMIC bit 0): create it as a shared one",
                              m.nsid);
        else if (identifier_of(m) == "none")
            why = fmt::format(
                "NSID {} has no NGUID, EUI64 or UUID: a destination cannot tell that it "
                "is the same",
                m.nsid);
    }
    if (function_.namespaces.empty())
        why = fmt::format("none is attached: nvme attach-ns {} -n NSID -c {}",
                          domain_.controller.device(), function_.cntlid);
    needs("namespaces", "shared namespaces", why.empty(), why);
}

void Matrix::iommu() {
    bool has = false;
    if (function_.address) {
        std::error_code error;
        has = fs::exists(function_.address->sysfs() / "iommu_group", error);
    }
    needs("iommu", "IOMMU group", has,
          function_.address
              ? "the IOMMU is off: boot with intel_iommu=on, or amd_iommu=on, and turn "
                "it on in the firmware setup"
              : "it has no PCI function");
}

void Matrix::driver() {
    needs("driver", variant_driver, function_.driver == variant_driver,
          fmt::format("bound to {}: nvme-lmctl provision {}{}",
                      function_.driver.empty() ? "no driver" : function_.driver,
                      domain_.controller.name,
                      function_.vf_number ? fmt::format(" --vf {}", function_.vf_number) : ""));
}

void Matrix::controlling_side() {
    if (!fs::exists("/sys/module/nvme_lm"))
        return needs("controlling_side", "nvme-lm attached", false,
                     "the module is not loaded: modprobe nvme-vfio-pci");
    const std::string attached = pf_.text("attached");
    needs("controlling_side", "nvme-lm attached", attached.empty() || attached == "1",
          pf_.text("reason").empty() ? "see the kernel's log" : pf_.text("reason"));
}

void Matrix::live_read() {
    const bool has = told("live_read").value_or(domain_.data.has_live_migration());
    may("live_read", "state while it runs (pre-copy)", has,
        has ? "" : reason("live_read", "its state can be read only while it is suspended"));
}

void Matrix::tracking() {
    const bool device = told("track_memory").value_or(domain_.data.tracks_memory());
    if (!device)
        return may("dirty_tracking", "tracking of written memory", false,
                   reason("track_memory", "the controller cannot (TRATTR bit 0): QEMU needs "
                                          "enable-migration=on"));
    const KernelConfig config = KernelConfig::load();
    const bool kernel = config.has("IOMMUFD_DRIVER") || config.has("IOMMUFD_DRIVER_CORE") ||
                        (config.source().empty() && fs::exists("/dev/iommu"));
    may("dirty_tracking", "tracking of written memory", kernel,
        kernel ? ""
               : "the controller can, and this kernel has no CONFIG_IOMMUFD_DRIVER: QEMU needs "
                 "enable-migration=on, and sends all memory while the guest is stopped");
}

void Matrix::streamed_write() {
    if (const auto has = told("streamed_write"))
        may("streamed_load", "load as the state comes", *has,
            *has ? ""
                 : reason("streamed_write", "the whole state is put together in memory first"));
}

} // namespace

std::string command_set_of(const Domain &domain) {
    const std::string told = kernel_side(domain.controller.address).text("command_set");
    return told.empty() && domain.data.has_live_migration() ? "standard" : told;
}

std::vector<Capability> capabilities_of(const Domain &domain, const Function &function) {
    return Matrix{domain, function}.build();
}

bool is_migratable(const std::vector<Capability> &capabilities) {
    return std::ranges::all_of(capabilities,
                               [](const Capability &c) { return c.has || !c.needed; });
}

std::string state_of(const Domain &domain, const Function &function, bool in_use) {
    if (!function.address)
        return "absent";
    if (in_use)
        return "in use";
    if (!function.online)
        return "offline";
    return is_migratable(capabilities_of(domain, function)) ? "ready" : "online";
}

} // namespace lm::ctl
