// SPDX-License-Identifier: GPL-2.0-only
#include "commands/findings.hpp"
#include "host/capability.hpp"
#include "host/kernel_side.hpp"
#include "problem.hpp"
#include "stream/describe.hpp"
#include "text/style.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace lm::ctl {

namespace {

void add(Findings &findings, const Controller &c, std::string_view key, Grade grade,
         std::string found, std::string remedy = {}) {
    std::string title{key};
    std::ranges::replace(title, '_', ' ');
    findings.push_back({fmt::format("{}_{}", c.name, key), fmt::format("{} {}", c.name, title),
                        grade, std::move(found), std::move(remedy)});
}

void examine_commands(const Domain &domain, Findings &findings) {
    const Controller &c = domain.controller;
    if (domain.data.has_live_migration())
        add(findings, c, "commands", Grade::ok,
            domain.data.tracks_memory() ? "live migration, tracking of memory" : "live migration");
    else if (const std::string set = command_set_of(domain); !set.empty())
        add(findings, c, "commands", Grade::ok, "live migration by its maker's way: " + set);
    else
        add(findings, c, "commands", Grade::missing, "no live migration (OACS bit 11)",
            "ask the maker of the controller for a firmware that has it");
    if (domain.data.has_live_migration() && !domain.data.tracks_memory())
        add(findings, c, "tracking", Grade::note, "it cannot track memory (TRATTR bit 0)",
            "QEMU needs enable-migration=on, and sends all memory while the guest is stopped");
}

void examine_sriov(const Domain &domain, const nvme::Passthrough &admin, Findings &findings) {
    const Controller &c = domain.controller;
    if (c.total_vfs == 0)
        return add(findings, c, "SR-IOV", Grade::missing, "it can have no VFs",
                   "turn SR-IOV on in the firmware setup, or link functions of another kind");
    if (!domain.data.has_virtualization())
        return add(findings, c, "SR-IOV", Grade::missing,
                   "no Virtualization Management (OACS bit 7)",
                   "its VFs get their resources in a way of its maker: see its manual");
    const PrimaryCapabilities caps = read_primary(admin);
    add(findings, c, "SR-IOV", Grade::ok,
        fmt::format("{} of {} VFs; {} and {} left, at most {} and {} each", c.vfs, c.total_vfs,
                    counted(caps.queues.left(), "queue pair"),
                    counted(caps.interrupts.left(), "vector"), caps.queues.most_each,
                    caps.interrupts.most_each));
}

void examine_attachment(const Domain &domain, Findings &findings) {
    const Controller &c = domain.controller;
    const KernelFolder kernel = kernel_side(c.address);
    const auto attached = kernel.number("attached");
    if (!attached || command_set_of(domain).empty())
        return;
    if (*attached != 0)
        add(findings, c, "nvme-lm", Grade::ok, "attached");
    else
        add(findings, c, "nvme-lm", Grade::missing, "not attached: " + kernel.text("reason"),
            "see \"Messages\" in the administrator's guide");
}

void examine_namespaces(const Domain &domain, Findings &findings) {
    std::string shared;
    for (const Namespace &ns : domain.namespaces)
        if ((ns.medium.flags & NVME_LM_MEDIUM_F_SHARED) != 0 && identifier_of(ns.medium) != "none")
            shared += fmt::format("{}{}", shared.empty() ? "" : ", ", ns.medium.nsid);
    if (!shared.empty())
        add(findings, domain.controller, "namespaces", Grade::ok, "can be shared: NSID " + shared);
    else
        add(findings, domain.controller, "namespaces", Grade::missing,
            "none may be shared and has an NGUID, EUI64 or UUID",
            fmt::format("create one: nvme create-ns {} --nmic=1 ...", domain.controller.device()));
}

/// A controller that has nothing to do with this is left out, unless it is all there is.
bool is_of_interest(const Domain &domain) {
    return domain.data.has_live_migration() || domain.data.has_virtualization() ||
           domain.controller.total_vfs != 0;
}

} // namespace

void examine_controllers(Findings &findings) {
    const std::size_t before = findings.size();
    std::size_t seen = 0;
    for (const Controller &controller : find_controllers()) {
        if (controller.is_vf)
            continue;
        ++seen;
        try {
            const nvme::Passthrough admin = open_controller(controller);
            Domain domain = read_domain(controller, admin);
            if (!is_of_interest(domain))
                continue;
            if (domain.namespaces.empty())
                domain.namespaces = read_namespaces(admin);
            examine_commands(domain, findings);
            examine_sriov(domain, admin, findings);
            examine_attachment(domain, findings);
            examine_namespaces(domain, findings);
        } catch (const Problem &problem) {
            add(findings, controller, "identify", Grade::note, problem.what(), problem.next());
        } catch (const std::exception &error) {
            add(findings, controller, "identify", Grade::note, error.what(),
                "see the kernel's log");
        }
    }
    if (findings.size() == before)
        findings.push_back({"controllers", "controllers", Grade::missing,
                            seen == 0 ? "no NVMe controller under the nvme driver"
                                      : fmt::format("{}, none with SR-IOV or live migration",
                                                    counted(seen, "NVMe controller")),
                            "put in one that has host-managed live migration (NVMe 2.1)"});
}

} // namespace lm::ctl
