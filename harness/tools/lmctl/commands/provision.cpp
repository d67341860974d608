// SPDX-License-Identifier: GPL-2.0-only
/// nvme-lmctl provision PF: from a PF to functions that can be given to a guest.
#include "host/provision.hpp"
#include "command.hpp"
#include "commands/compare.hpp"
#include "commands/description.hpp"
#include "commands/function_json.hpp"
#include "commands/launch_lines.hpp"
#include "host/usage.hpp"
#include "text/style.hpp"
#include "text/table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <memory>
#include <numeric>

namespace lm::ctl {

namespace {

struct Options {
    std::string pf{};
    unsigned count = 0;
    std::vector<unsigned> vfs{};
    std::optional<unsigned> queues{};
    std::optional<unsigned> interrupts{};
    std::vector<std::uint32_t> namespaces{};
    std::string driver = variant_driver;
    std::string like{};
    bool no_others = false; ///< namespaces, where they come from there
    bool json = false;
};

std::uint64_t number_in(const Json &json, const char *name) {
    const Json value = json.is_object() ? json.value(name, Json{}) : Json{};
    return value.is_number_unsigned() ? value.get<std::uint64_t>() : 0;
}

/// What no provisioning changes has to be the same already.
void require_same_subsystem(const Json &source, const Controller &pf, const Options &options) {
    const Json identity = source.value("identity", Json::object());
    const std::pair<const char *, const std::string &> all[] = {{"subsystem", pf.subsystem},
                                                                {"serial", pf.serial},
                                                                {"model", pf.model},
                                                                {"firmware", pf.firmware}};
    for (const auto &[name, ours] : all) {
        const Json theirs = identity.is_object() ? identity.value(name, Json{}) : Json{};
        if (theirs.is_string() && theirs.get<std::string>() != ours)
            throw Problem{fmt::format("no function of {} can be like {}: {} {} there, and {} here",
                                      pf.name, options.like, name,
                                      printable(theirs.get<std::string>()), printable(ours)),
                          "name a PF of the same subsystem, with the same firmware", Exit::no};
    }
}

/// Whether a guest could come to each of them; else all is undone.
void require_fit(const Json &source, const Controller &pf, const std::vector<unsigned> &numbers,
                 const Options &options) {
    const Domain domain = read_domain(pf, open_controller(pf));
    for (const Function &f : domain.functions) {
        if (f.kind != Kind::vf || std::ranges::find(numbers, f.vf_number) == numbers.end())
            continue;
        for (const Point &p : compare(source, describe_function(find_function(f.name()))))
            if (p.fit == Fit::differs && p.key != "functions")
                throw Problem{fmt::format("{} cannot be made like {}: {}: {}", f.name(),
                                          options.like, p.title, p.text),
                              fmt::format("nvme-lmctl check {} {}", options.like, f.name()),
                              Exit::no};
    }
}

/// What is not asked for by itself comes from a description or a stream.
void make_like(const Json &source, Options &options) {
    const Json identity = source.value("identity", Json::object());
    const std::uint64_t queues = number_in(identity, "queues");
    const std::uint64_t interrupts = number_in(identity, "interrupts");
    if (!options.queues && queues >= 2 && queues <= 0xffff)
        options.queues = static_cast<unsigned>(queues - 1);
    if (!options.interrupts && interrupts >= 1 && interrupts <= 0xffff)
        options.interrupts = static_cast<unsigned>(interrupts);
    if (!options.namespaces.empty() || !source.value("media", Json{}).is_array())
        return;
    for (const Json &m : source["media"])
        if (const std::uint64_t nsid = number_in(m, "nsid"); nsid != 0 && nsid < 0xffffffff)
            options.namespaces.push_back(static_cast<std::uint32_t>(nsid));
    options.no_others = !options.namespaces.empty();
}

std::vector<unsigned> numbers_of(const Options &options) {
    if (!options.vfs.empty())
        return options.vfs;
    std::vector<unsigned> numbers(std::max(options.count, 1U));
    std::iota(numbers.begin(), numbers.end(), 1U);
    return numbers;
}

std::string text_of(const Domain &domain, const Function &f, const std::string &driver) {
    std::string text = fmt::format("\n{}  VF {} of {}, CNTLID {}: {}, {}, namespaces {}\n",
                                   bold(f.name()), f.vf_number, domain.controller.name, f.cntlid,
                                   counted(f.queues - 1U, "I/O queue pair"),
                                   counted(f.interrupts, "vector"), fmt::join(f.namespaces, ","));
    const std::vector<std::string> paths = vfio_paths(*f.address);
    text += field(
        "VFIO",
        paths.empty() ? "no file in /dev/vfio yet" : fmt::format("{}", fmt::join(paths, ", ")), 8);
    text += field("QEMU", qemu_arguments(domain, f), 8);
    text += field("libvirt", libvirt_element(f, driver), 8);
    return text;
}

Json json_of(const Domain &domain, const Function &f, const std::string &driver) {
    Json json = function_to_json(domain, f);
    json["controller"] = domain.controller.name;
    json["vfio"] = vfio_paths(*f.address);
    json["qemu"] = qemu_arguments(domain, f);
    json["libvirt"] = libvirt_element(f, driver);
    return json;
}

void report(const Domain &domain, const std::vector<unsigned> &numbers, const Options &options) {
    Json list = Json::array();
    std::string text;
    for (const Function &f : domain.functions) {
        if (f.kind != Kind::vf || std::ranges::find(numbers, f.vf_number) == numbers.end())
            continue;
        if (options.json)
            list.push_back(json_of(domain, f, options.driver));
        else
            text += text_of(domain, f, options.driver);
    }
    print(options.json ? list.dump(2) + '\n' : text);
}

Exit run(Options options) {
    const Json source = options.like.empty() ? Json{} : read_description(options.like);
    const Controller pf = find_controller(options.pf);
    if (pf.is_vf)
        throw Problem{fmt::format("{} is itself a VF", pf.name),
                      "name its PF; `nvme-lmctl list` shows it", Exit::usage};
    const nvme::Passthrough admin = open_controller(pf);
    if (!read_controller(admin).has_virtualization())
        throw Problem{fmt::format("{} has no Virtualization Management (OACS bit 7)", pf.name),
                      "its functions get their resources in a way of its maker; see its manual"};
    if (source.is_object()) {
        require_same_subsystem(source, pf, options);
        make_like(source, options);
    }
    const std::vector<unsigned> numbers = numbers_of(options);
    const Wanted wanted{.queues = options.queues,
                        .interrupts = options.interrupts,
                        .namespaces = options.namespaces,
                        .no_others = options.no_others,
                        .driver = options.driver};
    {
        Undo undo;
        create_vfs(pf, *std::ranges::max_element(numbers), undo);
        for (unsigned number : numbers)
            provision_vf(pf, admin, number, wanted, undo);
        if (source.is_object())
            require_fit(source, pf, numbers, options);
        undo.commit();
    }
    report(read_domain(find_controller(pf.name), admin), numbers, options);
    return Exit::success;
}

} // namespace

void add_provision(CLI::App &app, Session &session) {
    auto options = std::make_shared<Options>();
    CLI::App *sub =
        app.add_subcommand("provision", "Make functions that can be given to guests and migrated");
    sub->add_option("PF", options->pf, "The controlling controller: nvme0, or its PCI address")
        ->required();
    CLI::Option *count = sub->add_option("--count", options->count, "The first N VFs")
                             ->check(CLI::Range(1, 65535))
                             ->type_name("N");
    sub->add_option("--vf", options->vfs, "Only VF N, from 1 on; may be given again")
        ->check(CLI::Range(1, 65535))
        ->excludes(count)
        ->type_name("N");
    sub->add_option("--queues", options->queues,
                    "I/O queue pairs each (default: as many as it may have)")
        ->check(CLI::Range(1, 65534))
        ->type_name("N");
    sub->add_option("--interrupts", options->interrupts,
                    "Vectors each (default: one for each queue pair)")
        ->check(CLI::Range(1, 65535))
        ->type_name("N");
    sub->add_option(
           "--namespace", options->namespaces,
           "Attach NSID; may be given again (default: those that are attached, or the only one)")
        ->check(CLI::Range(1U, 0xfffffffeU))
        ->type_name("NSID");
    sub->add_option("--driver", options->driver, "Bind to this driver (default: nvme-vfio-pci)")
        ->check([](const std::string &name) {
            return name.empty() || name.find('/') != std::string::npos || name.front() == '-'
                       ? "expected the name of a PCI driver"
                       : "";
        })
        ->type_name("NAME");
    sub->add_option(
           "--like", options->like,
           "Queues, vectors and namespaces as in a stream or a description; and nothing is "
           "changed where a guest from there could not come")
        ->type_name("FILE");
    sub->add_flag("--json", options->json, "The outcome as JSON");
    sub->footer("Creates the VFs, assigns queues and vectors, attaches namespaces, brings them\n"
                "online and binds them. If a step fails, those before it are undone. What is in\n"
                "order already is left alone, so it may be repeated.\n" +
                examples({{"nvme-lmctl provision nvme0", "one VF, with all it may have"},
                          {"nvme-lmctl provision nvme0 --count 2 --queues 4", ""},
                          {"nvme-lmctl provision nvme0 --vf 2 --like guest.lm",
                           "a destination for a saved state"}}));
    sub->callback([options, &session] { session.run = [options] { return run(*options); }; });
}

} // namespace lm::ctl
