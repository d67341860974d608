// SPDX-License-Identifier: GPL-2.0-only
#include "commands/open_function.hpp"

#include "host/capability.hpp"
#include "host/usage.hpp"
#include "problem.hpp"

#include <fmt/format.h>

namespace lm::ctl {

namespace {

void require_free(const Function &f) {
    if (const auto user = user_of(address_of(f)))
        throw Problem{
            fmt::format("{} is in use by {}, and can be opened once only", f.name(), *user),
            "end that process; a guest's own migration is started in its VMM"};
}

std::unique_ptr<vfio::Device> open_device(const Target &target, vfio::Backend &backend) {
    const Function &f = target.function();
    require_free(f);
    for (const Capability &c : capabilities_of(target.domain, f))
        if (c.needed && !c.has)
            throw Problem{fmt::format("{} cannot be migrated: {}: {}", f.name(), c.title, c.why),
                          fmt::format("nvme-lmctl show {}", f.name())};
    return backend.open(address_of(f));
}

} // namespace

OpenFunction::OpenFunction(const Target &target)
    : backend{vfio::make_backend(vfio::BackendKind::automatic)},
      device{open_device(target, *backend)}, migration{*device} {
    if (!migration.supported())
        throw Problem{fmt::format("{} offers no migration through VFIO", target.function().name()),
                      "the kernel's log (dmesg | grep nvme-vfio-pci) says why"};
}

} // namespace lm::ctl
