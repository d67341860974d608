// SPDX-License-Identifier: GPL-2.0-only
#include "host/provision.hpp"

#include "host/program.hpp"
#include "host/usage.hpp"
#include "nvme/command.hpp"
#include "problem.hpp"
#include "stream/describe.hpp"
#include "text/style.hpp"
#include "util/sysfs.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace lm::ctl {

namespace fs = std::filesystem;
using nvme::ResourceType;
using nvme::SecondaryAction;

namespace {

void say(const std::string &what) {
    fmt::print(stderr, "  {}\n", what);
}

/// Virtualization Management, with an error that names the step.
void manage(const nvme::Passthrough &admin, std::uint16_t cntlid, SecondaryAction action,
            const std::string &what, ResourceType type = ResourceType::queues, unsigned count = 0) {
    const auto result = admin.submit(nvme::virtualization_management(
        Cntlid{cntlid}, action, type, static_cast<std::uint16_t>(count)));
    if (!result.status.ok())
        throw Problem{fmt::format("the controller refused to {}: {}", what, result.status.text()),
                      "`nvme-lmctl doctor` shows what it has left; `nvme-lmctl list` who has it"};
}

/// What @type is called.
const char *name_of(ResourceType type) {
    return type == ResourceType::queues ? "queue pair" : "interrupt vector";
}

/// One VF on its way.
class Provisioning {
  public:
    Provisioning(const Controller &pf, const nvme::Passthrough &admin, unsigned number,
                 const Wanted &wanted, Undo &undo)
        : pf_{pf}, admin_{admin}, number_{number}, wanted_{wanted}, undo_{undo} {}

    void run() {
        refresh();
        plan();
        if (!done())
            require_free();
        assign_resources();
        bring_online();
        attach();
        bind();
    }

  private:
    void refresh();
    void plan();
    [[nodiscard]] bool done() const;
    void require_free() const;
    [[nodiscard]] unsigned choose(unsigned wanted, const Resources &limits, unsigned has,
                                  ResourceType type) const;
    void take_offline();
    void assign_resources();
    void assign(ResourceType type, unsigned count, unsigned before);
    void check_namespaces();
    [[nodiscard]] std::vector<std::uint32_t> choose_namespaces() const;
    void attach();
    void detach_others();
    void bring_online();
    void bind();
    [[nodiscard]] std::string vf() const { return fmt::format("VF {}", number_); }

    const Controller &pf_;
    const nvme::Passthrough &admin_;
    unsigned number_;
    const Wanted &wanted_;
    Undo &undo_;
    Domain domain_{.controller = pf_, .data = {}, .functions = {}, .namespaces = {}};
    Function function_{};
    unsigned queues_ = 0, interrupts_ = 0;
    std::vector<std::uint32_t> can_; ///< namespaces that may be shared
};

void Provisioning::refresh() {
    domain_ = read_domain(pf_, admin_);
    for (const Function &f : domain_.functions)
        if (f.kind == Kind::vf && f.vf_number == number_) {
            function_ = f;
            address_of(function_); // says what to do when there is none
            return;
        }
    throw Problem{fmt::format("{} has no secondary controller for {}", pf_.name, vf()),
                  "update its firmware: the Secondary Controller List lacks a VF that exists"};
}

/// How many of a resource: as wanted (0: nothing was said), as it has, or as many as it may have.
unsigned Provisioning::choose(unsigned wanted, const Resources &limits, unsigned has,
                              ResourceType type) const {
    const std::uint32_t available = limits.left() + has;
    if (wanted > limits.most_each)
        throw Problem{fmt::format("expected at most {} for one VF of {}, and {} are asked for{}",
                                  counted(limits.most_each, name_of(type)), pf_.name, wanted,
                                  type == ResourceType::queues ? " (the admin queue counts)" : ""),
                      "ask for fewer"};
    if (wanted > available)
        throw Problem{fmt::format("{} has only {} left for {}, and {} are wanted", pf_.name,
                                  counted(available, name_of(type)), vf(), wanted),
                      "ask for fewer, or release another function"};
    if (wanted != 0)
        return wanted;
    if (function_.online && has > 0)
        return has;
    return std::min<unsigned>(limits.most_each, available);
}

void Provisioning::plan() {
    const PrimaryCapabilities caps = read_primary(admin_);
    // and the admin queue
    const unsigned all = wanted_.queues ? *wanted_.queues + 1 : 0;
    queues_ = choose(all, caps.queues, function_.queues, ResourceType::queues);
    if (queues_ < 2)
        throw Problem{fmt::format("{} has no queue pairs left for {}", pf_.name, vf()),
                      "release another function"};
    interrupts_ = choose(wanted_.interrupts.value_or(0), caps.interrupts, function_.interrupts,
                         ResourceType::interrupts);
    // More vectors than queue pairs are of no use.
    if (!wanted_.interrupts && !(function_.online && function_.interrupts > 0))
        interrupts_ = std::min(interrupts_, queues_);
    check_namespaces();
}

/// What can be attached, and whether what is asked for is among it.
void Provisioning::check_namespaces() {
    std::vector<std::uint32_t> can;
    for (const Namespace &ns : domain_.namespaces)
        if ((ns.medium.flags & NVME_LM_MEDIUM_F_SHARED) != 0)
            can.push_back(ns.medium.nsid);
    for (std::uint32_t nsid : wanted_.namespaces) {
        if (std::ranges::find(domain_.namespaces, nsid, [](const Namespace &n) {
                return n.medium.nsid;
            }) == domain_.namespaces.end())
            throw Problem{fmt::format("{} has no namespace with NSID {}", pf_.name, nsid),
                          fmt::format("nvme list-ns --all {}", pf_.device())};
        if (std::ranges::find(can, nsid) == can.end())
            throw Problem{
                fmt::format("NSID {} may not be shared (NMIC bit 0), so no guest on it can "
                            "be migrated",
                            nsid),
                "create a namespace with --nmic=1"};
    }
    can_ = std::move(can);
}

/// Those that are asked for; else none if there are some, else the only one there is.
std::vector<std::uint32_t> Provisioning::choose_namespaces() const {
    if (!wanted_.namespaces.empty() || !function_.namespaces.empty())
        return wanted_.namespaces;
    if (can_.size() != 1)
        throw Problem{fmt::format("{} has no namespace, and {} of {} could be attached", vf(),
                                  can_.size(), pf_.name),
                      can_.empty()
                          ? "create one with nvme create-ns --nmic=1"
                          : fmt::format("say which: --namespace (of {})", fmt::join(can_, ", "))};
    return {can_.front()};
}

bool Provisioning::done() const {
    return function_.online && function_.queues == queues_ && function_.interrupts == interrupts_ &&
           function_.driver == wanted_.driver;
}

void Provisioning::require_free() const {
    if (const auto user = user_of(*function_.address))
        throw Problem{fmt::format("{} ({}) is in use by {}", vf(), function_.name(), *user),
                      "end that process first"};
}

/// Offline, a controller loses its flexible resources: to undo that is to give them back.
void Provisioning::take_offline() {
    if (!function_.online)
        return;
    manage(admin_, function_.cntlid, SecondaryAction::offline,
           fmt::format("take {} offline", vf()));
    undo_.remember(fmt::format("{} is offline", vf()), [admin = &admin_, was = function_,
                                                        n = vf()] {
        const std::string back = fmt::format("give {} back what it had", n);
        manage(*admin, was.cntlid, SecondaryAction::assign, back, ResourceType::queues, was.queues);
        manage(*admin, was.cntlid, SecondaryAction::assign, back, ResourceType::interrupts,
               was.interrupts);
        manage(*admin, was.cntlid, SecondaryAction::online, fmt::format("bring {} online", n));
    });
    refresh();
}

void Provisioning::assign(ResourceType type, unsigned count, unsigned before) {
    if (count == before)
        return;
    const std::string what = counted(count, name_of(type));
    manage(admin_, function_.cntlid, SecondaryAction::assign,
           fmt::format("assign {} to {}", what, vf()), type, count);
    undo_.remember(fmt::format("{} has {}", vf(), what),
                   [admin = &admin_, id = function_.cntlid, type, before, n = vf()] {
                       manage(*admin, id, SecondaryAction::assign,
                              fmt::format("take them from {}", n), type, before);
                   });
    say(fmt::format("{}: {} assigned", vf(), what));
}

void Provisioning::assign_resources() {
    if (function_.queues == queues_ && function_.interrupts == interrupts_)
        return;
    // A driver must not have it while its queues change.
    if (!function_.driver.empty()) {
        pci::unbind(*function_.address);
        undo_.remember(fmt::format("{} is unbound", vf()),
                       [address = *function_.address, driver = function_.driver] {
                           pci::bind(address, driver);
                       });
    }
    take_offline();
    assign(ResourceType::queues, queues_, function_.queues);
    assign(ResourceType::interrupts, interrupts_, function_.interrupts);
}

/// What a guest that comes here has not seen where it was.
void Provisioning::detach_others() {
    for (std::uint32_t nsid : function_.namespaces) {
        if (std::ranges::find(wanted_.namespaces, nsid) != wanted_.namespaces.end())
            continue;
        require_free();
        detach_namespace(admin_, nsid, function_.cntlid);
        undo_.remember(
            fmt::format("namespace {} is detached from {}", nsid, vf()),
            [admin = &admin_, nsid, id = function_.cntlid] { attach_namespace(*admin, nsid, id); });
        say(fmt::format("{}: namespace {} detached", vf(), nsid));
    }
}

void Provisioning::attach() {
    if (wanted_.no_others)
        detach_others();
    for (std::uint32_t nsid : choose_namespaces()) {
        if (std::ranges::find(function_.namespaces, nsid) != function_.namespaces.end())
            continue;
        attach_namespace(admin_, nsid, function_.cntlid);
        undo_.remember(
            fmt::format("namespace {} is attached to {}", nsid, vf()),
            [admin = &admin_, nsid, id = function_.cntlid] { detach_namespace(*admin, nsid, id); });
        say(fmt::format("{}: namespace {} attached", vf(), nsid));
    }
}

void Provisioning::bring_online() {
    if (function_.online)
        return;
    manage(admin_, function_.cntlid, SecondaryAction::online, fmt::format("bring {} online", vf()));
    undo_.remember(
        fmt::format("{} is online", vf()), [admin = &admin_, id = function_.cntlid, n = vf()] {
            manage(*admin, id, SecondaryAction::offline, fmt::format("take {} offline", n));
        });
    say(fmt::format("{}: online, CNTLID {}", vf(), function_.cntlid));
    // A controller may show what is attached to another one only while that is online.
    function_.namespaces.clear();
    for (const Namespace &ns : read_namespaces(admin_))
        if (ns.attached_to(function_.cntlid))
            function_.namespaces.push_back(ns.medium.nsid);
}

void require_driver(const std::string &driver) {
    const fs::path folder = fs::path{"/sys/bus/pci/drivers"} / driver;
    std::error_code error;
    if (fs::exists(folder, error))
        return;
    std::ignore = output_of({"modprobe", "-q", "--", driver});
    if (!fs::exists(folder, error))
        throw Problem{fmt::format("there is no PCI driver {}", driver),
                      driver == "nvme-vfio-pci"
                          ? "install the modules (make modules_install, or DKMS)"
                          : fmt::format("modprobe {}", driver)};
}

void Provisioning::bind() {
    const pci::Address address = *function_.address;
    if (address.driver() == wanted_.driver)
        return;
    undo_.remember(fmt::format("{} is bound", vf()), [address, before = address.driver()] {
        if (before)
            pci::bind(address, *before);
        else
            pci::unbind(address);
    });
    pci::bind(address, wanted_.driver);
    say(fmt::format("{}: {} bound to {}", vf(), address.text(), wanted_.driver));
}

} // namespace

void create_vfs(const Controller &pf, unsigned count, Undo &undo) {
    if (pf.total_vfs == 0)
        throw Problem{fmt::format("{} can have no VFs", pf.name),
                      "turn SR-IOV on in the firmware setup; functions of another kind are linked"};
    if (count > pf.total_vfs)
        throw Problem{fmt::format("expected at most {} of {}, and {} are asked for",
                                  counted(pf.total_vfs, "VF"), pf.name, count),
                      "ask for fewer"};
    if (pf.vfs >= count)
        return;
    if (pf.vfs != 0)
        throw Problem{
            fmt::format("{} has {}, and {} are wanted: more can be made only after all are "
                        "taken away",
                        pf.name, counted(pf.vfs, "VF"), count),
            "release them all first (nvme-lmctl release), then provision the whole number"};
    const fs::path folder = pf.address.sysfs();
    const std::string autoprobe = sysfs::read(folder / "sriov_drivers_autoprobe");
    sysfs::write(folder / "sriov_drivers_autoprobe", "0");
    undo.remember("the stock driver is kept off new VFs", [folder, autoprobe] {
        sysfs::write(folder / "sriov_drivers_autoprobe", autoprobe);
    });
    sysfs::write(folder / "sriov_numvfs", fmt::format("{}", count));
    undo.remember(fmt::format("{} made", counted(count, "VF")),
                  [folder] { sysfs::write(folder / "sriov_numvfs", "0"); });
    say(fmt::format("{}: {} made", pf.name, counted(count, "VF")));
}

void remove_vfs(const Controller &pf) {
    sysfs::write(pf.address.sysfs() / "sriov_numvfs", "0");
    sysfs::write(pf.address.sysfs() / "sriov_drivers_autoprobe", "1");
}

void provision_vf(const Controller &pf, const nvme::Passthrough &admin, unsigned number,
                  const Wanted &wanted, Undo &undo) {
    require_driver(wanted.driver);
    Provisioning{pf, admin, number, wanted, undo}.run();
}

void release_vf(const Controller &, const nvme::Passthrough &admin, const Function &f) {
    const std::string name = fmt::format("VF {}", f.vf_number);
    if (f.address) {
        if (const auto user = user_of(*f.address))
            throw Problem{fmt::format("{} ({}) is in use by {}", name, f.name(), *user),
                          "end that process first: shut the guest down, or migrate it"};
        pci::unbind(*f.address);
    }
    if (f.online)
        manage(admin, f.cntlid, SecondaryAction::offline, fmt::format("take {} offline", name));
    if (f.queues != 0)
        manage(admin, f.cntlid, SecondaryAction::assign,
               fmt::format("take the queues from {}", name), ResourceType::queues, 0);
    if (f.interrupts != 0)
        manage(admin, f.cntlid, SecondaryAction::assign,
               fmt::format("take the vectors from {}", name), ResourceType::interrupts, 0);
    say(fmt::format("{}: {} released", name, f.name()));
}

} // namespace lm::ctl
