// SPDX-License-Identifier: GPL-2.0-only
/// What was measured, and whether it is good enough.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace lm::bench {

/// What a value must reach.
struct Target {
    enum class Kind { at_least, at_most } kind;
    double limit;

    [[nodiscard]] bool met(double value) const {
        return kind == Kind::at_least ? value >= limit : value <= limit;
    }
};

constexpr Target at_least(double limit) {
    return {Target::Kind::at_least, limit};
}
constexpr Target at_most(double limit) {
    return {Target::Kind::at_most, limit};
}

/// One measured value: a line of the table.
struct Result {
    std::string row;  ///< which row of the benchmark
    std::string what; ///< what of it, for people
    double value = 0;
    std::string unit{};
    std::optional<Target> target{};
    std::vector<double> samples{};    ///< what @value is the median of
    nlohmann::json details = nullptr; ///< for plots, and for who wants to know more
};

/// Collects results, prints each as it comes, and keeps them in a file.
class Report {
  public:
    explicit Report(std::string path) : path_{std::move(path)} {}

    void add(Result result);
    /// Something could not be measured here, e.g. for want of iommufd.
    void skip(const std::string &row, const std::string &why);
    /// A row ended in an error.
    void fail(const std::string &row, const std::string &why);
    /// A fact of the run, such as the kernel's version.
    void note(const std::string &key, nlohmann::json value);

    [[nodiscard]] unsigned failures() const { return failures_; }

  private:
    void save() const;

    std::string path_;
    nlohmann::json all_ = {{"facts", nlohmann::json::object()},
                           {"results", nlohmann::json::array()},
                           {"skipped", nlohmann::json::array()},
                           {"errors", nlohmann::json::array()}};
    unsigned failures_ = 0;
};

} // namespace lm::bench
