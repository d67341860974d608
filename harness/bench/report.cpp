// SPDX-License-Identifier: GPL-2.0-only
#include "report.hpp"

#include <fmt/format.h>
#include <fstream>
#include <stdexcept>

namespace lm::bench {

using nlohmann::json;

void Report::add(Result result) {
    json entry = {{"row", result.row},         {"what", result.what},
                  {"value", result.value},     {"unit", result.unit},
                  {"samples", result.samples}, {"details", std::move(result.details)}};
    std::string verdict;
    if (result.target) {
        const bool least = result.target->kind == Target::Kind::at_least;
        const bool met = result.target->met(result.value);
        entry["target"] = {{"kind", least ? "at least" : "at most"},
                           {"limit", result.target->limit},
                           {"met", met}};
        verdict = fmt::format(" ({} {}: {})", least ? ">=" : "<=", result.target->limit,
                              met ? "met" : "NOT MET");
    }
    fmt::print("{:12} {:58} {:10.3f} {}{}\n", result.row, result.what, result.value, result.unit,
               verdict);
    std::fflush(stdout);
    all_["results"].push_back(std::move(entry));
    save();
}

void Report::skip(const std::string &row, const std::string &why) {
    fmt::print("{:12} not measured: {}\n", row, why);
    all_["skipped"].push_back({{"row", row}, {"why", why}});
    save();
}

void Report::fail(const std::string &row, const std::string &why) {
    fmt::print("{:12} ERROR: {}\n", row, why);
    std::fflush(stdout);
    all_["errors"].push_back({{"row", row}, {"why", why}});
    ++failures_;
    save();
}

void Report::note(const std::string &key, json value) {
    all_["facts"][key] = std::move(value);
    save();
}

void Report::save() const {
    std::ofstream file{path_};
    file << all_.dump(1) << '\n';
    if (!file)
        throw std::runtime_error{"cannot write " + path_};
}

} // namespace lm::bench
