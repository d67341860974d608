// SPDX-License-Identifier: GPL-2.0-only
/// nvme-lmctl show FUNCTION: one function in full, and why it lacks what it lacks.
#include "command.hpp"
#include "commands/description.hpp"
#include "commands/function_json.hpp"
#include "host/kernel_side.hpp"
#include "host/usage.hpp"
#include "migration/vfio_migration.hpp"
#include "stream/describe.hpp"
#include "text/style.hpp"
#include "text/table.hpp"
#include "vfio/backend.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace lm::ctl {

namespace {

struct Options {
    std::string function{};
    bool json = false;
    bool probe = false;
};

std::string heading(std::string_view name) {
    return '\n' + bold(name) + '\n';
}

std::string what_it_is(const Target &target) {
    const Function &f = target.function();
    const Domain &domain = target.domain;
    const std::string role = f.kind == Kind::vf ? fmt::format("VF {}", f.vf_number)
                                                : fmt::format("{} function", name_of(f.kind));
    std::string text =
        fmt::format("{}  {} of {} ({}), CNTLID {}\n", bold(f.name()), role, domain.controller.name,
                    domain.controller.address.text(), f.cntlid);
    const auto user = f.address ? user_of(*f.address) : std::nullopt;
    text += field("state", state_of(domain, f, user.has_value()) +
                               (user ? ": " + printable(*user) : std::string{}));
    text += field("resources",
                  fmt::format("{} (admin queue included), {}", counted(f.queues, "queue pair"),
                              counted(f.interrupts, "interrupt vector")));
    text += field("driver", f.driver.empty() ? "none" : f.driver);
    if (f.address)
        if (const std::vector<std::string> paths = vfio_paths(*f.address); !paths.empty())
            text += field("VFIO", fmt::format("{}", fmt::join(paths, ", ")));
    text += field("model", printable(domain.controller.model));
    text += field("firmware", printable(domain.controller.firmware));
    text += field("serial", printable(domain.controller.serial));
    return text + field("subsystem", printable(domain.controller.subsystem));
}

std::string matrix(const std::vector<Capability> &capabilities) {
    std::string text = heading("Capabilities");
    for (const Capability &c : capabilities) {
        const std::string word = c.has ? good("yes") : c.needed ? bad("NO ") : warn("no ");
        text += fmt::format("  {}  {}\n", word, c.title);
        if (!c.why.empty())
            text += "       " + wrap(c.why, terminal_width(), 7) + '\n';
    }
    return text + (is_migratable(capabilities) ? "\n  " + good("It can be migrated.") + '\n'
                                               : "\n  " + bad("It cannot be migrated.") + '\n');
}

std::string media(const Json &list) {
    if (list.empty())
        return {};
    Table table{{">NSID", ">blocks", ">block", "shared", "identifier"}};
    for (const Json &m : list) {
        std::string identifier = "none";
        for (const char *name : {"uuid", "nguid", "eui64"})
            if (m[name].is_string() && identifier == "none")
                identifier = fmt::format("{} {}", name, m[name].get<std::string>());
        table.add({m["nsid"].dump(), with_commas(m["blocks"].get<std::uint64_t>()),
                   fmt::format("2^{}", m["lbads"].dump()), m["shared"] == true ? "yes" : bad("no"),
                   identifier});
    }
    return heading("Namespaces") + table.text();
}

/// Names and values of a JSON object, a line each.
std::string values(std::string_view title, const Json &object) {
    if (object.empty())
        return {};
    std::string text = heading(title);
    for (const auto &[name, value] : object.items()) {
        std::string readable = name;
        std::ranges::replace(readable, '_', ' ');
        std::string shown = value.is_string() ? value.get<std::string>() : value.dump();
        if (value.is_null())
            shown = "-";
        if (value.is_number_unsigned())
            shown = with_commas(value.get<std::uint64_t>());
        text += field(readable, shown, 22);
    }
    return text;
}

/// How much state there is now; the device does not say while the function is offline.
Json state_bytes(const migration::Migration &migration) {
    try {
        return Json(migration.data_size());
    } catch (const std::system_error &) {
        return Json(nullptr);
    }
}

/// What VFIO offers for it. Opening a function resets it, so only on request.
Json probe(const Function &f) {
    if (f.driver != variant_driver && f.driver != "vfio-pci")
        throw Problem{fmt::format("{} is bound to {}, not to a VFIO driver", f.name(),
                                  f.driver.empty() ? "no driver" : f.driver),
                      "nvme-lmctl provision binds it"};
    if (const auto user = user_of(address_of(f)))
        throw Problem{fmt::format("{} is in use by {}; opening it a second time cannot work",
                                  f.name(), *user),
                      "leave --probe out, or end that process"};
    const auto backend = vfio::make_backend(vfio::BackendKind::automatic);
    const auto device = backend->open(address_of(f));
    const migration::Migration migration{*device};
    const bool supported = migration.supported();
    const std::uint64_t flags = supported ? migration.flags() : 0;
    return {{"stop_copy", (flags & VFIO_MIGRATION_STOP_COPY) != 0},
            {"p2p", (flags & VFIO_MIGRATION_P2P) != 0},
            {"pre_copy", (flags & VFIO_MIGRATION_PRE_COPY) != 0},
            {"dma_logging",
             device->has_feature(VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_DMA_LOGGING_START)},
            {"state_bytes", supported ? state_bytes(migration) : Json(nullptr)},
            {"through", backend->kind() == vfio::BackendKind::iommufd ? "iommufd" : "type1"}};
}

Exit run(const Options &options) {
    const Target target = find_function(options.function);
    Json description = describe_function(target);
    if (options.probe)
        description["vfio"] = probe(target.function());
    if (options.json) {
        print(description.dump(2) + '\n');
        return Exit::success;
    }
    std::string text = what_it_is(target);
    text += matrix(capabilities_of(target.domain, target.function()));
    text += media(description["media"]);
    if (options.probe)
        text += values("VFIO offers", description["vfio"]);
    text += values("Limits", description["limits"]);
    print(text + values("Statistics", description["statistics"]));
    return Exit::success;
}

} // namespace

void add_show(CLI::App &app, Session &session) {
    auto options = std::make_shared<Options>();
    CLI::App *sub =
        app.add_subcommand("show", "Tell everything of one function, and what it lacks");
    sub->add_option("FUNCTION", options->function, "A PCI address, or PF/CNTLID")->required();
    sub->add_flag("--json", options->json, "As JSON; `check` takes it as a description");
    sub->add_flag("--probe", options->probe,
                  "Open it and ask VFIO as well; this resets the function");
    sub->footer(examples({{"nvme-lmctl show 0000:01:00.1", ""},
                          {"nvme-lmctl show nvme0/3", "the function with CNTLID 3 of nvme0"},
                          {"nvme-lmctl show --json 01:00.1 > source.json", ""}}));
    sub->callback([options, &session] { session.run = [options] { return run(*options); }; });
}

} // namespace lm::ctl
