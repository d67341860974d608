// SPDX-License-Identifier: GPL-2.0-only
/// nvme-lmctl list: controlling controllers, and all they control, as a tree.
#include "command.hpp"
#include "commands/function_json.hpp"
#include "host/usage.hpp"
#include "text/style.hpp"
#include "text/table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace lm::ctl {

namespace {

struct Options {
    bool json = false;
    bool all = false;
};

/// Whether anybody who wants to migrate would look at it.
bool is_of_interest(const Domain &domain) {
    return domain.data.has_live_migration() || domain.data.has_virtualization() ||
           !domain.functions.empty();
}

std::vector<Domain> read_domains(bool all) {
    std::vector<Domain> domains;
    for (const Controller &controller : find_controllers()) {
        if (controller.is_vf)
            continue;
        Domain domain = read_domain(controller, open_controller(controller));
        if (all || is_of_interest(domain))
            domains.push_back(std::move(domain));
    }
    return domains;
}

std::string coloured_state(const std::string &state) {
    if (state == "ready")
        return good(state);
    if (state == "in use")
        return bold(state);
    return state == "online" ? warn(state) : dim(state);
}

std::string kind_text(const Function &f) {
    return f.kind == Kind::vf ? fmt::format("VF {}", f.vf_number) : std::string{name_of(f.kind)};
}

std::string abilities(const Domain &domain) {
    const std::string set = command_set_of(domain);
    std::string text = set.empty()         ? bad("no live migration")
                       : set == "standard" ? good("live migration")
                                           : good(fmt::format("live migration ({})", set));
    if (domain.data.tracks_memory())
        text += ", tracks memory";
    text += fmt::format(", {} of {} VFs", domain.controller.vfs, domain.controller.total_vfs);
    return text;
}

std::string tree_of(const Domain &domain) {
    const Controller &c = domain.controller;
    const TreeLines &lines = tree_lines();
    std::string text =
        fmt::format("{}  {}  {}, serial {}, firmware {}\n", bold(c.name), c.address.text(),
                    printable(c.model), printable(c.serial), printable(c.firmware));
    const bool any = !domain.functions.empty();
    text += fmt::format("{}CNTLID {} of {}\n", any ? lines.through : lines.nothing,
                        domain.data.cntlid, printable(c.subsystem));
    text += fmt::format("{}{}\n", any ? lines.through : lines.nothing, abilities(domain));
    if (!any)
        return text;
    Table table{{std::string{lines.through}, ">CNTLID", "kind", "PCI address", "state", ">queues",
                 ">vectors", "NSID", "driver"}};
    for (const Function &f : domain.functions) {
        const bool last = &f == &domain.functions.back();
        const bool used = f.address && user_of(*f.address);
        table.add({std::string{last ? lines.last : lines.middle}, fmt::format("{}", f.cntlid),
                   kind_text(f), f.address ? f.address->text() : "-",
                   coloured_state(state_of(domain, f, used)), fmt::format("{}", f.queues),
                   fmt::format("{}", f.interrupts),
                   f.namespaces.empty() ? "-" : fmt::format("{}", fmt::join(f.namespaces, ",")),
                   f.driver.empty() ? "-" : f.driver});
    }
    return text + table.text(0);
}

void print_json(const std::vector<Domain> &domains) {
    Json json = Json::array();
    for (const Domain &domain : domains) {
        Json one = controller_to_json(domain);
        one["functions"] = Json::array();
        for (const Function &f : domain.functions)
            one["functions"].push_back(function_to_json(domain, f));
        json.push_back(std::move(one));
    }
    print(json.dump(2) + '\n');
}

Exit run(const Options &options) {
    const std::vector<Domain> domains = read_domains(options.all);
    if (options.json) {
        print_json(domains);
        return Exit::success;
    }
    if (domains.empty()) {
        print(fmt::format("No NVMe controller here controls others{}.\n",
                          options.all ? "" : " (--all shows every controller)"));
        return Exit::success;
    }
    for (const Domain &domain : domains)
        print((&domain == &domains.front() ? "" : "\n") + tree_of(domain));
    return Exit::success;
}

} // namespace

void add_list(CLI::App &app, Session &session) {
    auto options = std::make_shared<Options>();
    CLI::App *sub =
        app.add_subcommand("list", "List controlling controllers, and all they control");
    sub->add_flag("--json", options->json, "Everything as JSON");
    sub->add_flag("--all", options->all, "Also controllers that control nobody");
    sub->footer(
        "States: absent, there is no PCI function yet; offline, no queues or not brought\n"
        "online; online, but something is missing (see show); ready, can be given to a\n"
        "guest and migrated; in use, a process has it open.\n" +
        examples({{"nvme-lmctl list", ""},
                  {"nvme-lmctl list --json | jq '.[].functions[] | select(.migratable)'", ""}}));
    sub->callback([options, &session] { session.run = [options] { return run(*options); }; });
}

} // namespace lm::ctl
