// SPDX-License-Identifier: GPL-2.0-only
/// The command line without any device: what is wrong is said, with the next step.
#include "lmctl/sample.hpp"
#include "lmctl/tool.hpp"

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>

namespace lm::test {

using testing::HasSubstr;

namespace {

/// Files that the tests name, in a folder of their own.
class Folder {
  public:
    Folder() {
        std::string pattern = std::filesystem::temp_directory_path() / "lmctl.XXXXXX";
        path_ = ::mkdtemp(pattern.data());
        write("good.lm", sample_stream().encode());
        Bytes bad = sample_stream().encode();
        bad[bad.size() / 2] ^= std::byte{1};
        write("bad.lm", bad);
        write("empty", {});
        const std::string json = R"({"kind": "something else"})";
        write("other.json", std::as_bytes(std::span{json}));
        const std::string deep(100000, '[');
        const std::string nested = "{\"a\":" + deep;
        write("deep.json", std::as_bytes(std::span{nested}));
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    [[nodiscard]] const std::string &path() const { return path_; }

  private:
    void write(const std::string &name, ByteView bytes) const {
        std::ofstream file{path_ + "/" + name, std::ios::binary};
        file.write(reinterpret_cast<const char *>(bytes.data()),
                   static_cast<std::streamsize>(bytes.size()));
    }
    std::string path_;
};

const Folder &folder() {
    static const Folder one;
    return one;
}

/// A wrong invocation; {} in an argument is the folder.
struct Wrong {
    std::string line;
    int exit;
    std::string said;
};

void PrintTo(const Wrong &wrong, std::ostream *out) {
    *out << wrong.line;
}

std::vector<std::string> words_of(const std::string &line) {
    std::istringstream stream{line};
    std::vector<std::string> words;
    for (std::string word; stream >> word;) {
        if (const std::size_t at = word.find("{}"); at != std::string::npos)
            word.replace(at, 2, folder().path());
        words.push_back(word);
    }
    return words;
}

} // namespace

class WrongInvocation : public testing::TestWithParam<Wrong> {};

TEST_P(WrongInvocation, IsRefusedWithItsCause) {
    const Outcome outcome = tool(words_of(GetParam().line));
    EXPECT_EQ(outcome.exit, GetParam().exit) << outcome.all();
    EXPECT_THAT(outcome.err + outcome.out, HasSubstr(GetParam().said));
    if (GetParam().exit >= 2) {
        EXPECT_THAT(outcome.err, HasSubstr("next:"));
        EXPECT_EQ(outcome.out, "");
    }
    EXPECT_THAT(outcome.err, Not(HasSubstr("\x1b[")));
}

INSTANTIATE_TEST_SUITE_P(
    All, WrongInvocation,
    testing::Values(
        // the command itself
        Wrong{"", 2, "subcommand"}, Wrong{"inspec", 2, "did you mean 'inspect'?"},
        Wrong{"frobnicate", 2, "there is no command 'frobnicate'"},
        Wrong{"--frobnicate", 2, "--frobnicate"},
        Wrong{"--color sometimes list", 2, "auto, always or never"}, Wrong{"--color", 2, "--color"},
        Wrong{"list show", 2, "show"}, Wrong{"list --frobnicate", 2, "--frobnicate"},
        // inspect
        Wrong{"inspect", 2, "FILE"}, Wrong{"inspect {}/good.lm {}/bad.lm", 2, "bad.lm"},
        Wrong{"inspect {}/none.lm", 3, "No such file"}, Wrong{"inspect {}", 3, "is a folder"},
        Wrong{"inspect {}/bad.lm", 1, "BAD"}, Wrong{"inspect {}/empty", 1, "it is empty"},
        Wrong{"inspect -", 1, "it is empty"}, Wrong{"inspect --json=maybe {}/good.lm", 2, "json"},
        // functions that are none
        Wrong{"show", 2, "FUNCTION"}, Wrong{"show bogus", 2, "names no function"},
        Wrong{"show 0000:99:00.1", 3, "0000:99:00.1"},
        Wrong{"show 0000:99:00.9", 2, "names no function"},
        Wrong{"show nvme99/1", 3, "no NVMe controller 'nvme99'"},
        Wrong{"show 0000:99:00.1 0000:99:00.2", 2, "0000:99:00.2"},
        // save and restore
        Wrong{"save", 2, "FUNCTION"}, Wrong{"save 0000:99:00.1", 2, "FILE"},
        Wrong{"save 0000:99:00.1 {}/new.lm", 3, "0000:99:00.1"},
        Wrong{"restore {}/good.lm", 2, "FUNCTION"},
        Wrong{"restore {}/none.lm 0000:99:00.1", 3, "none.lm"},
        Wrong{"restore {}/good.lm 0000:99:00.1", 3, "0000:99:00.1"},
        // check
        Wrong{"check {}/good.lm", 2, "DEST"},
        Wrong{"check {}/good.lm {}/good.lm", 2, "is a stream"},
        Wrong{"check {}/bad.lm {}/good.lm", 1, "no stream that could be loaded"},
        Wrong{"check {}/other.json {}/good.lm", 3, "no description"},
        Wrong{"check {}/deep.json {}/good.lm", 3, "no description"},
        Wrong{"check {}/none.json {}/good.lm", 3, "no file"},
        // provision, release, link
        Wrong{"provision", 2, "PF"}, Wrong{"provision nvme99", 3, "no NVMe controller 'nvme99'"},
        Wrong{"provision nvme0 --count 0", 2, "count"},
        Wrong{"provision nvme0 --count many", 2, "count"},
        Wrong{"provision nvme0 --count 1 --vf 1", 2, "vf"},
        Wrong{"provision nvme0 --queues 0", 2, "queues"},
        Wrong{"provision nvme0 --interrupts 70000", 2, "interrupts"},
        Wrong{"provision nvme0 --namespace 0", 2, "namespace"},
        Wrong{"provision nvme0 --driver ../../x", 2, "name of a PCI driver"},
        Wrong{"provision nvme0 --like {}/none.lm", 3, "none.lm"}, Wrong{"release", 2, "FUNCTION"},
        Wrong{"release 0000:99:00.1", 3, "0000:99:00.1"},
        Wrong{"link nvme0 0000:99:00.1", 2, "--cntlid"},
        Wrong{"link nvme99 --cntlid 1 0000:99:00.1", 3, "nvme99"},
        Wrong{"link nvme0 --cntlid 65536 0000:99:00.1", 2, "cntlid"},
        Wrong{"check --force {}/good.lm {}/good.lm", 2, "is a stream"},
        Wrong{"check --really {}/good.lm 0000:99:00.1", 2, "--really"},
        // watch
        Wrong{"watch --interval 0", 2, "interval"}, Wrong{"watch --count 0", 2, "count"}));

TEST(Usage, HelpHasExamplesAndFits80Columns) {
    std::vector<std::vector<std::string>> lines{{"--help"}};
    for (const char *command : {"list", "show", "doctor", "provision", "release", "save", "restore",
                                "inspect", "check", "link", "watch"})
        lines.push_back({command, "--help"});
    for (const auto &line : lines) {
        const Outcome outcome = tool(line);
        EXPECT_EQ(outcome.exit, 0) << outcome.all();
        if (line.size() == 2) {
            EXPECT_THAT(outcome.out, HasSubstr("Examples:")) << line[0];
        }
        std::istringstream text{outcome.out};
        for (std::string row; std::getline(text, row);)
            EXPECT_LE(row.size(), 80U) << line[0] << ": " << row;
    }
}

TEST(Usage, VersionIsOneLine) {
    const Outcome outcome = tool({"--version"});
    EXPECT_EQ(outcome.exit, 0);
    EXPECT_THAT(outcome.out, testing::MatchesRegex("nvme-lmctl [0-9.]+\n"));
}

TEST(Usage, InspectTellsAGoodStream) {
    const Outcome text = tool({"inspect", folder().path() + "/good.lm"});
    EXPECT_EQ(text.exit, 0) << text.all();
    EXPECT_THAT(text.out, HasSubstr("complete and intact"));
    EXPECT_THAT(text.out, Not(HasSubstr("\x1b[")));
    const Outcome json = tool({"inspect", "--json", folder().path() + "/good.lm"});
    EXPECT_EQ(json.json()["valid"], true);
    EXPECT_THAT(tool({"--color", "always", "inspect", folder().path() + "/good.lm"}).out,
                HasSubstr("\x1b["));
}

TEST(Usage, InspectReadsAPipe) {
    const Bytes bytes = sample_stream().encode();
    const Outcome outcome =
        tool({"inspect", "-"}, {reinterpret_cast<const char *>(bytes.data()), bytes.size()});
    EXPECT_EQ(outcome.exit, 0) << outcome.all();
    EXPECT_THAT(outcome.out, HasSubstr("standard input: migration stream"));
}

TEST(Usage, DoctorTellsOfAnyHost) {
    const Outcome outcome = tool({"doctor", "--json"});
    EXPECT_TRUE(outcome.exit == 0 || outcome.exit == 1) << outcome.all();
    const nlohmann::json report = outcome.json();
    for (const auto &finding : report["findings"])
        if (finding["grade"] == "missing") {
            EXPECT_NE(finding["remedy"], "") << finding;
        }
}

} // namespace lm::test
