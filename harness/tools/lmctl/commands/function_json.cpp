// SPDX-License-Identifier: GPL-2.0-only
#include "commands/function_json.hpp"

#include "host/kernel_side.hpp"
#include "host/usage.hpp"
#include "text/style.hpp"

namespace lm::ctl {

namespace {

Json or_null(const std::string &text) {
    return text.empty() ? Json(nullptr) : Json(printable(text));
}

} // namespace

Json controller_to_json(const Domain &domain) {
    const Controller &c = domain.controller;
    const KernelFolder kernel = kernel_side(c.address);
    return {{"controller", c.name},
            {"address", c.address.text()},
            {"cntlid", domain.data.cntlid},
            {"model", printable(c.model)},
            {"serial", printable(c.serial)},
            {"firmware", printable(c.firmware)},
            {"subsystem", printable(c.subsystem)},
            {"state", c.state},
            {"live_migration", domain.data.has_live_migration()},
            {"virtualization_management", domain.data.has_virtualization()},
            {"namespace_management", domain.data.has_namespace_management()},
            {"tracks_memory", domain.data.tracks_memory()},
            {"vfs", c.vfs},
            {"total_vfs", c.total_vfs},
            {"attached", kernel.number("attached").value_or(0) != 0},
            {"command_set", or_null(kernel.text("command_set"))},
            {"not_attached_because", or_null(kernel.text("reason"))}};
}

Json function_to_json(const Domain &domain, const Function &f) {
    const auto user = f.address ? user_of(*f.address) : std::nullopt;
    return {{"cntlid", f.cntlid},
            {"kind", name_of(f.kind)},
            {"vf_number", f.vf_number == 0 ? Json(nullptr) : Json(f.vf_number)},
            {"address", f.address ? Json(f.address->text()) : Json(nullptr)},
            {"state", state_of(domain, f, user.has_value())},
            {"online", f.online},
            {"queues", f.queues},
            {"interrupts", f.interrupts},
            {"namespaces", f.namespaces},
            {"driver", or_null(f.driver)},
            {"used_by", user ? Json(printable(*user)) : Json(nullptr)},
            {"migratable", is_migratable(capabilities_of(domain, f))}};
}

Json capabilities_to_json(const std::vector<Capability> &capabilities) {
    Json json = Json::object();
    for (const Capability &c : capabilities)
        json[c.key] = {{"has", c.has}, {"needed", c.needed}, {"why", or_null(c.why)}};
    return json;
}

} // namespace lm::ctl
