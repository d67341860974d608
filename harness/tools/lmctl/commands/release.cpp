// SPDX-License-Identifier: GPL-2.0-only
/// nvme-lmctl release FUNCTION: takes back what `provision` has given.
#include "command.hpp"
#include "host/provision.hpp"
#include "host/usage.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <memory>

namespace lm::ctl {

namespace {

struct Options {
    std::string function{};
    bool detach = false;
    bool keep_vfs = false;
};

/// Whether nobody needs the VFs of this PF any more.
bool all_idle(const Domain &domain) {
    return std::ranges::all_of(domain.functions, [](const Function &f) {
        return f.kind != Kind::vf || (!f.online && f.driver.empty());
    });
}

Exit run(const Options &options) {
    const Target target = find_function(options.function);
    const Function &f = target.function();
    if (f.kind != Kind::vf)
        throw Problem{fmt::format("{} is no VF, and was not provisioned", f.name()),
                      "take a link away with `nvme-lmctl link --remove`", Exit::usage};
    release_vf(target.domain.controller, target.admin, f);
    if (options.detach)
        for (std::uint32_t nsid : f.namespaces)
            detach_namespace(target.admin, nsid, f.cntlid);
    const Controller pf = find_controller(target.domain.controller.name);
    if (options.keep_vfs || pf.vfs == 0 || !all_idle(read_domain(pf, target.admin)))
        return Exit::success;
    remove_vfs(pf);
    fmt::print(stderr, "  {}: it was the last one, all VFs are taken away\n", pf.name);
    return Exit::success;
}

} // namespace

void add_release(CLI::App &app, Session &session) {
    auto options = std::make_shared<Options>();
    CLI::App *sub = app.add_subcommand("release", "Take back what a function was given");
    sub->add_option("FUNCTION", options->function, "A PCI address, or PF/CNTLID")->required();
    sub->add_flag("--detach", options->detach, "Detach its namespaces as well");
    sub->add_flag("--keep-vfs", options->keep_vfs, "Leave SR-IOV on when it was the last one");
    sub->footer("Unbinds it, takes it offline and gives its queues and vectors back. Refused\n"
                "while a process has it open. With the last function of a PF its VFs are\n"
                "taken away.\n" +
                examples({{"nvme-lmctl release 0000:01:00.1", ""},
                          {"nvme-lmctl release nvme0/3 --detach", ""}}));
    sub->callback([options, &session] { session.run = [options] { return run(*options); }; });
}

} // namespace lm::ctl
