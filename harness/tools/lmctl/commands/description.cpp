// SPDX-License-Identifier: GPL-2.0-only
#include "commands/description.hpp"

#include "commands/function_json.hpp"
#include "host/kernel_config.hpp"
#include "host/kernel_side.hpp"
#include "problem.hpp"
#include "stream/describe.hpp"
#include "stream/inspect.hpp"
#include "text/style.hpp"
#include "util/fd.hpp"

#include <filesystem>
#include <fmt/format.h>
#include <unistd.h>

namespace lm::ctl {

namespace {

constexpr char description_kind[] = "nvme-lmctl function";
/// A description of the most namespaces there can be is smaller.
constexpr std::size_t most_description = std::size_t{4} << 20;

/// The command sets other than the standard one have one format each, without a name.
Json formats_of(const Target &target, const std::string &command_set) {
    Json list = Json::array();
    if (command_set == "ipu" || command_set == "control_page")
        list.push_back({{"version", 0}, {"uuid", nullptr}});
    if (!target.domain.data.has_live_migration())
        return list;
    const nvme::StateFormats formats = target.admin.state_formats();
    for (std::uint16_t version : formats.versions) {
        if (formats.uuids.empty())
            list.push_back({{"version", version}, {"uuid", nullptr}});
        for (const auto &uuid : formats.uuids)
            list.push_back({{"version", version}, {"uuid", uuid_text(uuid)}});
    }
    return list;
}

/// Attributes of a folder of the kernel: numbers where they are such.
Json attributes_of(const KernelFolder &folder, const std::string &name) {
    Json json = Json::object();
    for (const std::string &entry : folder.entries(name)) {
        const auto number = folder.number(name + "/" + entry);
        const std::string text = folder.text(name + "/" + entry);
        if (number)
            json[entry] = *number;
        else
            json[entry] = text.empty() ? Json(nullptr) : Json(printable(text));
    }
    return json;
}

Json limits_of(const Target &target) {
    const ControllerData &data = target.domain.data;
    Json json = attributes_of(
        kernel_side(target.domain.controller.address, target.function().cntlid), "limits");
    json["mdts"] = data.mdts;
    if (data.tracks_memory()) {
        json["most_tracked_ranges"] = data.most_tracked_ranges;
        json["min_tracking_page"] = std::uint64_t{4096}
                                    << std::min<unsigned>(data.min_granularity, 51);
        json["max_tracking_page"] = std::uint64_t{4096}
                                    << std::min<unsigned>(data.max_granularity, 51);
    }
    return json;
}

std::string host_name() {
    char name[256] = {};
    ::gethostname(name, sizeof(name) - 1);
    return printable(name);
}

} // namespace

Json describe_function(const Target &target) {
    const Domain &domain = target.domain;
    const Function &f = target.function();
    const KernelFolder kernel = kernel_side(domain.controller.address, f.cntlid);
    const std::string command_set = command_set_of(domain);
    Json json{{"kind", description_kind},
              {"host", host_name()},
              {"kernel", kernel_release()},
              {"name", f.name()},
              {"command_set", command_set.empty() ? Json(nullptr) : Json(command_set)}};
    json["controller"] = controller_to_json(domain);
    json["function"] = function_to_json(domain, f);
    json["identity"] = f.address ? identity_to_json(identity_of(domain, f)) : Json(nullptr);
    json["formats"] = formats_of(target, command_set);
    json["media"] = Json::array();
    for (const nvme_lm_medium &m : media_of(domain.namespaces, f.cntlid))
        json["media"].push_back(medium_to_json(m));
    json["capabilities"] = capabilities_to_json(capabilities_of(domain, f));
    json["limits"] = limits_of(target);
    json["statistics"] = attributes_of(kernel, "statistics");
    return json;
}

Json describe_source(const Inspection &stream, const std::string &name) {
    if (!stream.valid())
        throw Problem{fmt::format("{} is no stream that could be loaded", name),
                      fmt::format("nvme-lmctl inspect {}", name), Exit::no};
    Json json{{"kind", description_kind},
              {"name", printable(name)},
              {"command_set", name_of_command_set(stream.header->command_set)},
              {"identity", identity_to_json(*stream.identity)}};
    const Json all = stream_to_json(stream, name);
    json["formats"] = Json::array({all["format"]});
    json["media"] = all["media"];
    return json;
}

Json read_description(const std::string &file) {
    UniqueFd fd = open_file(file, O_RDONLY);
    const Source source = source_of(fd.get());
    Bytes text(most_description);
    text.resize(source(text));
    if (text.empty() || text.front() != std::byte{'{'}) {
        check(::lseek(fd.get(), 0, SEEK_SET), "cannot rewind " + file);
        return describe_source(inspect_stream(source), file);
    }
    const auto *begin = reinterpret_cast<const char *>(text.data());
    // What is nested deeper than any description is dropped, before it costs stack.
    const auto shallow = [](int depth, Json::parse_event_t, Json &) { return depth < 12; };
    Json json = Json::parse(begin, begin + text.size(), shallow, false);
    if (json.is_discarded() || !json.is_object() ||
        json.value("kind", Json{}) != Json(description_kind))
        throw Problem{fmt::format("{} has no description of a function", file),
                      "make one on the other host: nvme-lmctl show --json FUNCTION > FILE"};
    json["name"] = fmt::format("{} ({})",
                               printable(json.value("name", Json{}).is_string()
                                             ? json["name"].get<std::string>()
                                             : "unnamed"),
                               printable(file));
    return json;
}

Json resolve_description(const std::string &text) {
    std::error_code error;
    if (std::filesystem::is_regular_file(text, error))
        return read_description(text);
    if (text.find('/') != std::string::npos && text.find('.') != std::string::npos)
        throw Problem{fmt::format("there is no file {}", text),
                      "name a function, a file of `show --json`, or one of `save`"};
    return describe_function(find_function(text));
}

} // namespace lm::ctl
