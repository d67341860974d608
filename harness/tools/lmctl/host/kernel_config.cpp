// SPDX-License-Identifier: GPL-2.0-only
#include "host/kernel_config.hpp"

#include "host/program.hpp"

#include <fstream>
#include <sstream>
#include <sys/utsname.h>

namespace lm::ctl {

std::string kernel_release() {
    utsname names{};
    ::uname(&names);
    return names.release;
}

void KernelConfig::parse(std::istream &text) {
    constexpr std::string_view prefix = "CONFIG_";
    for (std::string line; std::getline(text, line);) {
        const std::size_t equals = line.find('=');
        if (!line.starts_with(prefix) || equals == std::string::npos)
            continue;
        const std::string value = line.substr(equals + 1);
        options_[line.substr(prefix.size(), equals - prefix.size())] =
            value == "m" ? Option::module : Option::builtin;
    }
}

KernelConfig KernelConfig::load() {
    const std::string release = kernel_release();
    KernelConfig config;
    for (const std::string &path :
         {"/boot/config-" + release, "/lib/modules/" + release + "/config",
          "/lib/modules/" + release + "/build/.config"}) {
        std::ifstream file{path};
        if (!file)
            continue;
        config.parse(file);
        config.source_ = path;
        return config;
    }
    if (const auto text = output_of({"zcat", "/proc/config.gz"})) {
        std::istringstream stream{*text};
        config.parse(stream);
        config.source_ = config.options_.empty() ? "" : "/proc/config.gz";
    }
    return config;
}

Option KernelConfig::option(std::string_view name) const {
    if (source_.empty())
        return Option::not_known;
    const auto found = options_.find(name);
    return found == options_.end() ? Option::off : found->second;
}

bool KernelConfig::has(std::string_view name) const {
    const Option value = option(name);
    return value == Option::module || value == Option::builtin;
}

} // namespace lm::ctl
