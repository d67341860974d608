// SPDX-License-Identifier: GPL-2.0-only
/// nvme-lmctl with two PFs of one subsystem and one of another; boot with the profile
/// subsystems.
#include "lmctl/expect.hpp"
#include "util/sysfs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lm::test {

using nlohmann::json;
using testing::HasSubstr;

class LmctlSubsystems : public testing::Test {
  protected:
    static inline const std::string first = "0000:01:00.0";
    static inline const std::string sibling = "0000:02:00.0";
    static inline const std::string stranger = "0000:03:00.0";

    /// Make a function of a PF, and give its address.
    std::string provision(const std::string &pf, const std::vector<std::string> &more = {}) {
        std::vector<std::string> line{"provision", pf, "--json"};
        line.insert(line.end(), more.begin(), more.end());
        const json made = expect(0, line).json();
        made_.push_back(made.at(0)["address"]);
        return made_.back();
    }
    void TearDown() override {
        for (const std::string &address : made_)
            expect(0, {"release", address});
    }
    static json function(const std::string &address) {
        return expect(0, {"show", "--json", address}).json()["function"];
    }

  private:
    std::vector<std::string> made_;
};

TEST_F(LmctlSubsystems, CheckKnowsWhatIsOneSubsystem) {
    const std::string one = provision(first);
    const std::string two = provision(sibling);
    const std::string other = provision(stranger);
    const json within = expect(0, {"check", "--json", one, two}).json();
    EXPECT_THAT(point(within, "functions")["text"].get<std::string>(), HasSubstr("CNTLID"));
    for (const auto &[from, to] : {std::pair{one, other}, {other, two}}) {
        const json across = expect(1, {"check", "--json", "--force", from, to}).json();
        EXPECT_EQ(point(across, "subsystem")["result"], "differs");
        EXPECT_EQ(point(across, "subsystem")["may_be_forced"], false);
        EXPECT_EQ(point(across, "serial")["result"], "ok");
        EXPECT_THAT(unwrapped(expect(1, {"check", from, to}).out),
                    HasSubstr("they share no storage"));
    }
}

TEST_F(LmctlSubsystems, RestoreGoesWithinASubsystemOnly) {
    const std::string one = provision(first);
    const std::string two = provision(sibling);
    const std::string other = provision(stranger);
    expect(0, {"save", "--force", one, file("one.lm")});
    expect(0, {"restore", file("one.lm"), two});
    EXPECT_THAT(unwrapped(expect(1, {"restore", file("one.lm"), other}).err),
                HasSubstr("subsystem NQN"));
    // by a pipe nothing can be looked at before: the driver refuses it
    const Outcome piped = expect(0, {"save", one, "-"});
    const Outcome refused = tool({"restore", "-", other}, piped.out);
    EXPECT_EQ(refused.exit, 1) << refused.all();
    EXPECT_THAT(unwrapped(refused.err), HasSubstr("EXDEV"));
}

TEST_F(LmctlSubsystems, ProvisionLikeLeavesAGuestWithItsNamespaces) {
    const std::string one = provision(first, {"--queues", "1", "--interrupts", "2"});
    ASSERT_EQ(function(one)["namespaces"], json::array({1, 2}));
    const std::string both = file("both.json");
    write_file("both.json", expect(0, {"show", "--json", one}).out);
    json only_one = expect(0, {"show", "--json", one}).json();
    only_one["media"].erase(1);
    write_file("only.json", only_one.dump());

    const std::string two = provision(sibling, {"--like", file("only.json")});
    EXPECT_EQ(function(two)["namespaces"], json::array({1})) << "the guest has not seen NSID 2";
    EXPECT_EQ(function(two)["queues"], 2);
    EXPECT_EQ(function(two)["interrupts"], 2);
    expect(0, {"check", file("only.json"), two});
    EXPECT_EQ(point(expect(1, {"check", "--json", one, two}).json(), "namespace_2")["result"],
              "differs");

    expect(0, {"provision", sibling, "--like", both});
    EXPECT_EQ(function(two)["namespaces"], json::array({1, 2}));
    expect(0, {"check", one, two});
}

TEST_F(LmctlSubsystems, ProvisionLikeOfAnotherSubsystemChangesNothing) {
    const std::string one = provision(first);
    expect(0, {"save", "--force", one, file("one.lm")});
    const Outcome refused = expect(1, {"provision", stranger, "--like", file("one.lm")});
    EXPECT_THAT(unwrapped(refused.err), HasSubstr("subsystem"));
    EXPECT_EQ(sysfs::read("/sys/bus/pci/devices/" + stranger + "/sriov_numvfs"), "0");
}

} // namespace lm::test
