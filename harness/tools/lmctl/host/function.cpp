// SPDX-License-Identifier: GPL-2.0-only
#include "host/function.hpp"

#include "host/kernel_side.hpp"
#include "nvme/command.hpp"
#include "problem.hpp"
#include "util/sysfs.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <regex>

namespace lm::ctl {

namespace fs = std::filesystem;

namespace {

/// Entries of one Secondary Controller List.
constexpr std::size_t entries_per_list = 127;

/// CNS 15h, list by list from the CNTLID after the last one.
std::vector<Function> read_secondaries(const nvme::Passthrough &admin) {
    std::vector<Function> all;
    std::uint32_t next = 0;
    while (next <= 0xffff) {
        const Bytes list = admin.identify(nvme::Cns::secondary_controllers, Nsid{},
                                          Cntlid{static_cast<std::uint16_t>(next)});
        const std::size_t count =
            std::min<std::size_t>(load<std::uint8_t>(list, 0), entries_per_list);
        for (std::size_t i = 0; i < count; ++i) {
            const ByteView entry = slice(list, 32 * (i + 1), 32);
            Function f{};
            f.cntlid = load<std::uint16_t>(entry, 0);
            f.primary = load<std::uint16_t>(entry, 2);
            f.online = (load<std::uint8_t>(entry, 4) & 1) != 0;
            f.vf_number = load<std::uint16_t>(entry, 8);
            f.queues = load<std::uint16_t>(entry, 10);
            f.interrupts = load<std::uint16_t>(entry, 12);
            // In ascending order: else the walk might never end.
            if (f.cntlid < next)
                throw Problem{fmt::format("the Secondary Controller List goes from CNTLID {} to {}",
                                          next, f.cntlid),
                              "update the controller's firmware"};
            next = f.cntlid + 1U;
            all.push_back(std::move(f));
        }
        if (count < entries_per_list)
            break;
    }
    return all;
}

/// Which PCI function it is: the kernel's word on VFs, the administrator's on others.
void locate(Function &f, const Domain &domain) {
    const pci::Address &pf = domain.controller.address;
    if (f.vf_number != 0 && f.primary == domain.data.cntlid) {
        f.kind = Kind::vf;
        std::error_code error;
        const fs::path link =
            fs::read_symlink(pf.sysfs() / fmt::format("virtfn{}", f.vf_number - 1), error);
        if (!error)
            f.address = pci::Address{link.filename()};
    } else {
        f.kind = Kind::unknown;
        if (const std::string told = kernel_side(pf, f.cntlid).text("pci_address"); !told.empty()) {
            f.kind = Kind::linked;
            f.address = pci::Address{told};
        }
    }
    if (f.address)
        f.driver = f.address->driver().value_or("");
}

/// Functions that the administrator linked and the list does not have.
void add_linked(Domain &domain) {
    const pci::Address &pf = domain.controller.address;
    for (const std::string &name : kernel_side(pf).entries("functions")) {
        std::uint16_t cntlid = 0;
        std::from_chars(name.data(), name.data() + name.size(), cntlid);
        const KernelFolder folder = kernel_side(pf, cntlid);
        if (folder.text("kind") != "linked" ||
            std::ranges::contains(domain.functions, cntlid, &Function::cntlid))
            continue;
        Function f{};
        f.cntlid = cntlid;
        f.kind = Kind::linked;
        f.online = folder.number("online").value_or(0) != 0;
        f.queues = static_cast<std::uint16_t>(folder.number("queues").value_or(0));
        f.interrupts = static_cast<std::uint16_t>(folder.number("interrupts").value_or(0));
        f.address = pci::Address{folder.text("pci_address")};
        f.driver = f.address->driver().value_or("");
        domain.functions.push_back(std::move(f));
    }
}

std::string full_address(const std::string &text) {
    static const std::regex address{"([0-9a-fA-F]{4}:)?[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\\.[0-7]"};
    if (!std::regex_match(text, address))
        return {};
    return text.size() < 12 ? "0000:" + text : text;
}

/// The index of the function in the domain, if it is there.
std::optional<std::size_t> index_of(const Domain &domain, const std::string &address) {
    for (std::size_t i = 0; i < domain.functions.size(); ++i)
        if (domain.functions[i].address && domain.functions[i].address->text() == address)
            return i;
    return std::nullopt;
}

Target find_by_cntlid(const std::string &text, std::size_t slash) {
    const Controller controller = find_controller(text.substr(0, slash));
    std::uint16_t cntlid = 0;
    const char *end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data() + slash + 1, end, cntlid);
    if (error != std::errc{} || rest != end)
        throw Problem{fmt::format("'{}' is no CNTLID: expected a number from 0 to 65535",
                                  text.substr(slash + 1)),
                      "`nvme-lmctl list` shows the CNTLIDs", Exit::usage};
    nvme::Passthrough admin = open_controller(controller);
    Domain domain = read_domain(controller, admin);
    const auto found = std::ranges::find(domain.functions, cntlid, &Function::cntlid);
    if (found == domain.functions.end())
        throw Problem{
            fmt::format("{} controls no controller with CNTLID {}", controller.name, cntlid),
            "`nvme-lmctl list` shows what it controls"};
    const auto index = static_cast<std::size_t>(found - domain.functions.begin());
    return {std::move(domain), std::move(admin), index};
}

/// Why an address that no controlling controller knows is none of a function.
[[noreturn]] void not_controlled(const std::string &address) {
    const pci::Address function{address};
    if (!fs::exists(function.sysfs()))
        throw Problem{fmt::format("there is no PCI function {}", address),
                      "`nvme-lmctl list` shows those that are controlled; make more with "
                      "`nvme-lmctl provision`"};
    if (fs::exists(function.sysfs() / "sriov_totalvfs"))
        throw Problem{
            fmt::format("{} is a controlling function (PF), not a controlled one", address),
            "name one of its VFs; `nvme-lmctl list` shows them"};
    throw Problem{fmt::format("no NVMe controller of this host controls {}", address),
                  "`nvme-lmctl list` shows those that are controlled"};
}

} // namespace

std::string_view name_of(Kind kind) {
    switch (kind) {
    case Kind::vf:
        return "vf";
    case Kind::linked:
        return "linked";
    case Kind::unknown:
        return "unknown";
    }
    return "unknown";
}

std::string Function::name() const {
    return address ? address->text() : fmt::format("CNTLID {}", cntlid);
}

Domain read_domain(const Controller &controller, const nvme::Passthrough &admin) {
    Domain domain{.controller = controller,
                  .data = read_controller(admin),
                  .functions = {},
                  .namespaces = {}};
    // A controller without Virtualization Management may refuse the list.
    if (domain.data.has_virtualization())
        domain.functions = read_secondaries(admin);
    for (Function &f : domain.functions)
        locate(f, domain);
    add_linked(domain);
    if (domain.functions.empty())
        return domain;
    domain.namespaces = read_namespaces(admin);
    for (Function &f : domain.functions)
        for (const Namespace &ns : domain.namespaces)
            if (ns.attached_to(f.cntlid))
                f.namespaces.push_back(ns.medium.nsid);
    std::ranges::sort(domain.functions, {}, [](const Function &f) {
        return std::pair{f.vf_number == 0 ? 0x10000U : f.vf_number, f.cntlid};
    });
    return domain;
}

Target find_function(const std::string &text) {
    if (const std::size_t slash = text.rfind('/');
        slash != std::string::npos && !text.starts_with("/"))
        return find_by_cntlid(text, slash);
    const std::string address = full_address(text);
    if (address.empty())
        throw Problem{fmt::format("'{}' names no function", text),
                      "give a PCI address as 0000:01:00.1, or PF/CNTLID as nvme0/3", Exit::usage};
    for (const Controller &controller : find_controllers()) {
        if (controller.is_vf)
            continue;
        nvme::Passthrough admin = open_controller(controller);
        Domain domain = read_domain(controller, admin);
        if (const auto index = index_of(domain, address))
            return {std::move(domain), std::move(admin), *index};
    }
    not_controlled(address);
}

const pci::Address &address_of(const Function &function) {
    if (!function.address)
        throw Problem{fmt::format("CNTLID {} has no PCI function", function.cntlid),
                      function.kind == Kind::vf
                          ? "make its VF: `nvme-lmctl provision PF --vf N`"
                          : "say which function it is: `nvme-lmctl link PF --cntlid N FUNCTION`"};
    return *function.address;
}

nvme_lm_identity identity_of(const Domain &domain, const Function &function) {
    const auto attribute = [&](const char *name) {
        return std::stoul(sysfs::read(address_of(function).sysfs() / name), nullptr, 16);
    };
    nvme_lm_identity id{};
    id.vid = static_cast<std::uint16_t>(attribute("vendor"));
    id.did = static_cast<std::uint16_t>(attribute("device"));
    id.ssvid = static_cast<std::uint16_t>(attribute("subsystem_vendor"));
    id.ssid = static_cast<std::uint16_t>(attribute("subsystem_device"));
    id.class_code = static_cast<std::uint32_t>(attribute("class"));
    id.cntlid = function.cntlid;
    id.nvq = function.queues;
    id.nvi = function.interrupts;
    // Identify Controller: SN@4, MN@24, FR@64, SUBNQN@768.
    std::memcpy(id.sn, slice(domain.data.raw, 4, 20).data(), 20);
    std::memcpy(id.mn, slice(domain.data.raw, 24, 40).data(), 40);
    std::memcpy(id.fr, slice(domain.data.raw, 64, 8).data(), 8);
    std::memcpy(id.subnqn, slice(domain.data.raw, 768, 256).data(), 256);
    return id;
}

} // namespace lm::ctl
