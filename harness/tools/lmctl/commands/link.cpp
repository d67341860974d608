// SPDX-License-Identifier: GPL-2.0-only
/// nvme-lmctl link PF --cntlid N FUNCTION: which function a controlled controller is,
/// where that is no VF and only the administrator can know.
#include "command.hpp"
#include "host/function.hpp"
#include "host/kernel_side.hpp"
#include "util/sysfs.hpp"

#include <fmt/format.h>
#include <memory>

namespace lm::ctl {

namespace {

struct Options {
    std::string pf{}, function{};
    unsigned cntlid = 0;
    bool remove = false;
};

/// Write to an attribute; the kernel's words on what is wrong become the error.
void tell(const KernelFolder &kernel, const std::string &name, const std::string &value) {
    if (!kernel.exists())
        throw Problem{"the kernel side is not there, or has no links for this controller",
                      "modprobe nvme-lm; `nvme-lmctl doctor` says what else is missing"};
    try {
        sysfs::write(kernel.path() / name, value);
    } catch (const std::system_error &error) {
        const std::string why = kernel.text("last_link");
        throw Problem{
            fmt::format("refused: {}", why.empty() ? error.code().message() : why),
            "the function must be a controller of the same subsystem, under the stock nvme "
            "driver, and have this CNTLID; `nvme-lmctl list --all` shows them"};
    }
}

Exit run(const Options &options) {
    const Controller pf = find_controller(options.pf);
    const KernelFolder kernel = kernel_side(pf.address);
    if (options.remove) {
        tell(kernel, "unlink", fmt::format("{}", options.cntlid));
        fmt::print(stderr, "{}: CNTLID {} is linked no longer\n", pf.name, options.cntlid);
        return Exit::success;
    }
    if (options.function.empty())
        throw Problem{"expected the PCI function that CNTLID " + fmt::format("{}", options.cntlid) +
                          " is",
                      "nvme-lmctl link PF --cntlid N FUNCTION, or --remove", Exit::usage};
    // A controller's name or address; it has to be under the stock driver to be asked.
    const Controller function = find_controller(options.function);
    if (function.name == pf.name)
        throw Problem{fmt::format("{} cannot control itself", pf.name), "name another controller",
                      Exit::usage};
    tell(kernel, "link", fmt::format("{} {}", options.cntlid, function.address.text()));
    fmt::print(stderr, "{}: CNTLID {} is {}\n", pf.name, options.cntlid, function.address.text());
    return Exit::success;
}

} // namespace

void add_link(CLI::App &app, Session &session) {
    auto options = std::make_shared<Options>();
    CLI::App *sub = app.add_subcommand("link", "Say which function a controller is that is no VF");
    sub->add_option("PF", options->pf, "The controlling controller: nvme0, or its PCI address")
        ->required();
    sub->add_option("--cntlid", options->cntlid, "The CNTLID that is controlled")
        ->required()
        ->check(CLI::Range(0, 65535))
        ->type_name("N");
    sub->add_option("FUNCTION", options->function,
                    "The controller that has it: nvme1, or its PCI address");
    sub->add_flag("--remove", options->remove, "Take the link away");
    sub->footer("The relation is checked against the subsystem, never guessed.\n" +
                examples({{"nvme-lmctl link nvme0 --cntlid 8 0000:02:00.0", ""},
                          {"nvme-lmctl link nvme0 --cntlid 8 --remove", ""}}));
    sub->callback([options, &session] { session.run = [options] { return run(*options); }; });
}

} // namespace lm::ctl
