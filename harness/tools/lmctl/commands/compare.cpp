// SPDX-License-Identifier: GPL-2.0-only
#include "commands/compare.hpp"

#include "text/style.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace lm::ctl {

namespace {

/// A member somewhere below, null where there is none.
const Json &at(const Json &json, std::string_view path) {
    static const Json null;
    const Json *place = &json;
    while (!path.empty()) {
        const std::size_t dot = std::min(path.find('.'), path.size());
        const std::string name{path.substr(0, dot)};
        if (!place->is_object() || !place->contains(name))
            return null;
        place = &(*place)[name];
        path.remove_prefix(std::min(dot + 1, path.size()));
    }
    return *place;
}

/// A value as people write it.
std::string text_of(const Json &value) {
    if (value.is_string())
        return printable(value.get<std::string>());
    return value.is_null() ? "(none)" : printable(value.dump(-1, ' ', true));
}

class Comparison {
  public:
    Comparison(const Json &source, const Json &destination)
        : source_{source}, destination_{destination} {}

    std::vector<Point> run();

  private:
    void add(std::string key, std::string title, Fit fit, std::string text) {
        // what is not known here the driver knows
        points_.push_back(
            {std::move(key), std::move(title), fit, std::move(text), fit == Fit::not_known});
    }
    void same(std::string key, std::string title, std::string_view path, std::string_view meaning);
    void at_least(std::string key, std::string title, std::string_view path, std::string_view how);
    void different_functions();
    void transfers();
    void pci();
    void format();
    void media();
    void medium(const Json &nsid, const Json &source, const Json &destination);
    void readiness(const Json &side, const std::string &who, const std::string &key);

    const Json &source_;
    const Json &destination_;
    std::vector<Point> points_;
};

void Comparison::same(std::string key, std::string title, std::string_view path,
                      std::string_view meaning) {
    const Json &a = at(source_, path);
    const Json &b = at(destination_, path);
    if (a.is_null() || b.is_null())
        return add(std::move(key), std::move(title), Fit::not_known, "a description does not say");
    if (a == b)
        return add(std::move(key), std::move(title), Fit::ok, text_of(a));
    add(std::move(key), std::move(title), Fit::differs,
        fmt::format("{} at the source, {} at the destination: {}", text_of(a), text_of(b),
                    meaning));
}

void Comparison::at_least(std::string key, std::string title, std::string_view path,
                          std::string_view how) {
    const Json &a = at(source_, path);
    const Json &b = at(destination_, path);
    if (!a.is_number_unsigned() || !b.is_number_unsigned())
        return add(std::move(key), std::move(title), Fit::not_known, "a description does not say");
    if (b.get<std::uint64_t>() >= a.get<std::uint64_t>())
        return add(std::move(key), std::move(title), Fit::ok,
                   fmt::format("{} at the source, {} at the destination", text_of(a), text_of(b)));
    add(std::move(key), std::move(title), Fit::differs,
        fmt::format("expected at least {}, as the source has, found {}: {}", text_of(a), text_of(b),
                    how));
}

void Comparison::different_functions() {
    const bool same_one =
        at(source_, "identity.subsystem") == at(destination_, "identity.subsystem") &&
        at(source_, "identity.serial") == at(destination_, "identity.serial") &&
        at(source_, "identity.cntlid") == at(destination_, "identity.cntlid");
    const bool from_file = at(source_, "function").is_null();
    if (!same_one)
        add("functions", "two functions", Fit::ok,
            fmt::format("CNTLID {} and CNTLID {}; a guest may have seen the first, and no driver "
                        "compares it",
                        text_of(at(source_, "identity.cntlid")),
                        text_of(at(destination_, "identity.cntlid"))));
    else if (from_file)
        add("functions", "two functions", Fit::ok, "it goes back to where it was taken");
    else
        add("functions", "two functions", Fit::differs,
            "source and destination are the same function: name another one");
}

/// Two PFs of one subsystem may differ here. A guest looks once, when it starts, and no
/// driver compares it. A stream does not tell.
void Comparison::transfers() {
    const Json &a = at(source_, "limits.mdts");
    const Json &b = at(destination_, "limits.mdts");
    if (!a.is_number_unsigned() || !b.is_number_unsigned())
        return;
    const auto pages = [](const Json &mdts) {
        return mdts == 0 ? std::string{"no limit"}
                         : fmt::format("2^{} pages", mdts.get<std::uint64_t>());
    };
    if (b == 0 || (a != 0 && b.get<std::uint64_t>() >= a.get<std::uint64_t>()))
        return add(
            "mdts", "transfer size", Fit::ok,
            a == b ? pages(a)
                   : fmt::format("{} at the source, {} at the destination", pages(a), pages(b)));
    add("mdts", "transfer size", Fit::differs,
        fmt::format("{} at the source, {} at the destination (MDTS): larger commands of the guest "
                    "would fail, and no driver would say so",
                    pages(a), pages(b)));
}

void Comparison::pci() {
    for (const auto &[name, title] :
         std::map<std::string, std::string>{{"class", "PCI class"},
                                            {"device", "PCI device"},
                                            {"subsystem_device", "PCI subsystem"},
                                            {"subsystem_vendor", "PCI subsys. vendor"},
                                            {"vendor", "PCI vendor"}}) {
        const std::string path = "identity.pci." + name;
        same("pci_" + name, title, path, "another kind of device, which the guest would notice");
        const Json &value = at(source_, path);
        if (points_.back().fit == Fit::ok && value.is_number_unsigned())
            points_.back().text =
                fmt::format("{:#0{}x}", value.get<std::uint64_t>(), name == "class" ? 8 : 6);
    }
}

void Comparison::format() {
    const Json &own = at(source_, "formats");
    const Json &taken = at(destination_, "formats");
    if (!own.is_array() || own.empty() || !taken.is_array())
        return add("format", "state format", Fit::not_known, "a description does not say");
    const std::string text = fmt::format(
        "version {}, vendor part {}", text_of(at(own[0], "version")), text_of(at(own[0], "uuid")));
    // Not as objects: another tool may have put their members into another order.
    const auto same_as_own = [&own](const Json &format) {
        return at(format, "version") == at(own[0], "version") &&
               at(format, "uuid") == at(own[0], "uuid");
    };
    if (std::ranges::any_of(taken, same_as_own))
        return add("format", "state format", Fit::ok, text);
    add("format", "state format", Fit::differs,
        text + " is not taken by the destination: give both the same firmware");
}

void Comparison::medium(const Json &nsid, const Json &source, const Json &destination) {
    const std::string key = "namespace_" + text_of(nsid);
    const std::string title = "namespace " + text_of(nsid);
    for (const char *name :
         {"nguid", "eui64", "uuid", "blocks", "lbads", "metadata_bytes", "flbas", "dps", "csi"})
        if (at(source, name) != at(destination, name))
            return add(
                key, title, Fit::differs,
                fmt::format("its {} is {} at the source, {} at the destination: not the same "
                            "medium",
                            name, text_of(at(source, name)), text_of(at(destination, name))));
    if (at(source, "nguid").is_null() && at(source, "eui64").is_null() &&
        at(source, "uuid").is_null())
        return add(key, title, Fit::differs,
                   "it has no NGUID, EUI64 or UUID: nobody can tell that it is the same");
    if (at(source, "shared") != true || at(destination, "shared") != true)
        return add(key, title, Fit::differs,
                   "it may not be shared (NMIC bit 0): create it as a shared namespace");
    add(key, title, Fit::ok, "the same medium, shared");
}

void Comparison::media() {
    const Json &ours = at(source_, "media");
    const Json &theirs = at(destination_, "media");
    if (!ours.is_array() || !theirs.is_array())
        return add("media", "namespaces", Fit::not_known, "a description does not say");
    const auto find = [](const Json &list, const Json &nsid) -> const Json * {
        for (const Json &m : list)
            if (at(m, "nsid") == nsid)
                return &m;
        return nullptr;
    };
    for (const Json &m : ours) {
        const Json &nsid = at(m, "nsid");
        if (const Json *other = find(theirs, nsid))
            medium(nsid, m, *other);
        else
            add("namespace_" + text_of(nsid), "namespace " + text_of(nsid), Fit::differs,
                "attached at the source only: attach it to the destination (nvme attach-ns)");
    }
    for (const Json &m : theirs)
        if (!find(ours, at(m, "nsid")))
            add("namespace_" + text_of(at(m, "nsid")), "namespace " + text_of(at(m, "nsid")),
                Fit::differs, "attached at the destination only: detach it there (nvme detach-ns)");
}

/// What a side lacks by itself; a stream lacks nothing.
void Comparison::readiness(const Json &side, const std::string &who, const std::string &key) {
    const Json &capabilities = at(side, "capabilities");
    if (!capabilities.is_object())
        return;
    bool ready = true;
    for (const auto &[name, c] : capabilities.items()) {
        if (at(c, "needed") != true || at(c, "has") == true)
            continue;
        ready = false;
        add(key + "_" + printable(name), who, Fit::not_ready, text_of(at(c, "why")));
    }
    if (const Json &user = at(side, "function.used_by"); key == "destination" && !user.is_null()) {
        ready = false;
        add(key + "_in_use", who, Fit::not_ready,
            fmt::format("{} has it open; fine if that is the QEMU that waits for the guest",
                        text_of(user)));
        points_.back().safe = true;
    }
    if (ready)
        add(key, who, Fit::ok, "can be migrated");
}

std::vector<Point> Comparison::run() {
    different_functions();
    pci();
    same("subsystem", "subsystem NQN", "identity.subsystem", "they share no storage");
    same("serial", "serial number", "identity.serial", "another subsystem; the guest would notice");
    same("model", "model", "identity.model", "the guest would notice, and the state may not fit");
    same("firmware", "firmware", "identity.firmware",
         "the state may not fit: give both the same firmware");
    same("command_set", "command set", "command_set",
         "the state of one means nothing to the other");
    format();
    at_least("queues", "queue pairs", "identity.queues",
             "give the destination more: nvme-lmctl provision PF --vf N --queues");
    at_least("interrupts", "interrupt vectors", "identity.interrupts",
             "give the destination more: nvme-lmctl provision PF --vf N --interrupts");
    transfers();
    media();
    readiness(source_, "source", "source");
    readiness(destination_, "destination", "destination");
    return std::move(points_);
}

} // namespace

std::vector<Point> compare(const Json &source, const Json &destination) {
    return Comparison{source, destination}.run();
}

bool fits(const std::vector<Point> &points, bool force) {
    return std::ranges::all_of(
        points, [force](const Point &p) { return p.fit == Fit::ok || (force && p.safe); });
}

} // namespace lm::ctl
