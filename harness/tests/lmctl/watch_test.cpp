// SPDX-License-Identifier: GPL-2.0-only
/// nvme-lmctl watch, in the rig: what it shows is what the kernel counts.
#include "lmctl/expect.hpp"
#include "util/sysfs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>
#include <thread>

namespace lm::test {

using nlohmann::json;
using testing::HasSubstr;

class LmctlWatch : public testing::Test {
  protected:
    void SetUp() override {
        const json made =
            expect(0, {"provision", "nvme0", "--count", "2", "--queues", "2", "--json"}).json();
        for (const json &f : made)
            vfs_.push_back(f["address"]);
        ASSERT_EQ(vfs_.size(), 2U);
    }
    void TearDown() override {
        for (const std::string &address : vfs_)
            expect(0, {"release", address});
    }

    [[nodiscard]] const std::string &source() const { return vfs_[0]; }
    [[nodiscard]] const std::string &destination() const { return vfs_[1]; }

    /// The looks of one run, a line each.
    static std::vector<json> looks(const Outcome &outcome) {
        std::vector<json> list;
        std::istringstream lines{outcome.out};
        for (std::string line; std::getline(lines, line);)
            list.push_back(json::parse(line));
        return list;
    }
    static json function_in(const json &look, const std::string &address) {
        return member_with(look["functions"], "address", address);
    }
    /// The driver's numbers, read here.
    static json statistics_of(const std::string &address) {
        std::istringstream lines{
            sysfs::read("/sys/kernel/debug/nvme-vfio-pci/" + address + "/statistics")};
        json statistics;
        std::string name;
        for (std::uint64_t value = 0; lines >> name >> value;)
            statistics[name] = value;
        return statistics;
    }
    static std::uint64_t counted(const json &function, const std::string &name) {
        return std::stoull(sysfs::read("/sys/class/nvme/nvme0/device/nvme_lm/functions/" +
                                       function["cntlid"].dump() + "/statistics/" + name));
    }

  private:
    std::vector<std::string> vfs_;
};

TEST_F(LmctlWatch, ShowsWhatTheKernelCounts) {
    const std::string saved = file("watched.lm");
    expect(0, {"save", "--force", source(), saved});
    const json state = expect(0, {"inspect", "--json", saved}).json()["state"];
    expect(0, {"restore", saved, destination()});
    const std::vector<json> all = looks(expect(0, {"watch", "--json", "--count", "1"}));
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0]["functions"].size(), 2U);
    for (const std::string &address : {source(), destination()}) {
        const json f = function_in(all[0], address);
        EXPECT_EQ(f["controller"], "nvme0");
        EXPECT_EQ(f["statistics"], statistics_of(address));
        EXPECT_EQ(f["read_bytes"], counted(f, "bytes_read"));
        EXPECT_EQ(f["written_bytes"], counted(f, "bytes_written"));
        EXPECT_EQ(f["commands"], counted(f, "commands"));
        EXPECT_EQ(f["errors"], counted(f, "errors"));
        EXPECT_EQ(f["phase"], nullptr) << "nobody knows at the first look";
        EXPECT_EQ(f["read_rate"], nullptr);
        EXPECT_EQ(f["left_bytes"], nullptr) << "it is through";
        EXPECT_GT(f["standstill_ns"], 0);
    }
    const json from = function_in(all[0], source())["statistics"];
    EXPECT_EQ(from["save_state_bytes"], state["bytes"]);
    EXPECT_EQ(from["save_final_bytes"], state["bytes"]);
    EXPECT_EQ(function_in(all[0], destination())["statistics"]["load_bytes"], state["bytes"]);
}

TEST_F(LmctlWatch, SeesASaveAndARestoreGoBy) {
    Outcome outcome{};
    {
        const std::jthread watcher{[&outcome] {
            outcome = tool({"watch", "--json", "--interval", "0.2", "--count", "60"});
        }};
        const std::string saved = file("watched.lm");
        for (int round = 0; round < 3; ++round) {
            expect(0, {"save", "--force", source(), saved});
            expect(0, {"restore", saved, destination()});
        }
    }
    ASSERT_EQ(outcome.exit, 0) << outcome.all();
    const std::vector<json> all = looks(outcome);
    ASSERT_EQ(all.size(), 60U);
    std::set<std::string> from, to;
    std::uint64_t last = 0;
    for (const json &look : all) {
        const json f = function_in(look, source());
        EXPECT_GE(f["read_bytes"].get<std::uint64_t>(), last) << "it only grows";
        EXPECT_EQ(f["read_rate"].is_null(), f["read_bytes"] == last || look == all.front());
        last = f["read_bytes"];
        from.insert(f["phase"].is_string() ? f["phase"].get<std::string>() : "unknown");
        const json g = function_in(look, destination())["phase"];
        to.insert(g.is_string() ? g.get<std::string>() : "unknown");
    }
    EXPECT_TRUE(from.contains("saving"));
    EXPECT_TRUE(to.contains("restoring"));
    EXPECT_GT(last, 0U);
}

TEST_F(LmctlWatch, IsATableForPeople) {
    const Outcome outcome = expect(0, {"watch", "--count", "2", "--interval", "0.1"});
    for (const std::string &part :
         {std::string{"PHASE"}, std::string{"LEFT"}, source(), destination(), std::string{"idle"}})
        EXPECT_THAT(outcome.out, HasSubstr(part));
}

} // namespace lm::test
