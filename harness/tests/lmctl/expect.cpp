// SPDX-License-Identifier: GPL-2.0-only
#include "lmctl/expect.hpp"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

namespace lm::test {

using nlohmann::json;

Outcome expect(int exit, const std::vector<std::string> &arguments) {
    Outcome outcome = tool(arguments);
    std::string line;
    for (const std::string &argument : arguments)
        line += " " + argument;
    EXPECT_EQ(outcome.exit, exit) << "nvme-lmctl" << line << "\n" << outcome.all();
    return outcome;
}

std::string unwrapped(const std::string &text) {
    std::string line;
    std::istringstream words{text};
    for (std::string word; words >> word;)
        line += (line.empty() ? "" : " ") + word;
    return line;
}

std::string file(const std::string &name) {
    const std::filesystem::path folder = std::filesystem::temp_directory_path() / "lmctl";
    std::filesystem::create_directories(folder);
    return folder / name;
}

void write_file(const std::string &name, const std::string &text) {
    std::ofstream{file(name), std::ios::binary} << text;
}

json point(const json &check, const std::string &name) {
    return member_with(check["points"], "point", name);
}

json member_with(const json &list, const std::string &key, const json &value) {
    for (const json &one : list)
        if (one.value(key, json{}) == value)
            return one;
    return {};
}

} // namespace lm::test
