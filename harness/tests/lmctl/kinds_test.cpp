// SPDX-License-Identifier: GPL-2.0-only
/// nvme-lmctl on each kind of function; boot with the profile kinds.
#include "lmctl/expect.hpp"
#include "pci/address.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lm::test {

using nlohmann::json;
using testing::HasSubstr;

namespace {

const std::string standard = "0000:01:00.0";
const std::string peer = "0000:02:00.0";
const std::string ipu = "0000:03:00.0";
const std::string paged = "0000:04:00.0";
const std::string other_peer = "0000:05:00.0";

json controller(const std::string &address) {
    return member_with(expect(0, {"list", "--json", "--all"}).json(), "address", address);
}

/// The CNTLID of a controller that the stock driver serves.
std::string cntlid_of(const std::string &address) {
    return controller(address)["cntlid"].dump();
}

/// What the controlling PF knows of a CNTLID.
json function_of(const std::string &cntlid) {
    return member_with(controller(standard)["functions"], "cntlid", std::stoi(cntlid));
}

} // namespace

TEST(LmctlKinds, ListAndDoctorKnowEachForWhatItIs) {
    const Outcome text = expect(0, {"list"});
    for (const auto &[address, set] :
         {std::pair{standard, "standard"}, {ipu, "ipu"}, {paged, "control_page"}}) {
        EXPECT_EQ(controller(address)["command_set"], set);
        EXPECT_EQ(controller(address)["attached"], true);
        if (address != standard) {
            EXPECT_THAT(text.out, HasSubstr("live migration (" + std::string{set} + ")"));
        }
    }
    const Outcome doctor = tool({"doctor", "--json"});
    const json findings = doctor.json()["findings"];
    for (const std::string &address : {standard, ipu, paged}) {
        const std::string name = controller(address)["controller"];
        EXPECT_EQ(member_with(findings, "key", name + "_commands")["grade"], "ok") << name;
        EXPECT_EQ(member_with(findings, "key", name + "_nvme-lm")["grade"], "ok") << name;
    }
}

/// Takes all links away afterwards, and gives the functions back to the stock driver.
class LmctlLink : public testing::Test {
  protected:
    void SetUp() override {
        for (const std::string &address : {peer, other_peer})
            cntlids_.push_back(cntlid_of(address));
    }
    void TearDown() override {
        for (std::size_t i = 0; i < cntlids_.size(); ++i) {
            if (function_of(cntlids_[i])["kind"] == "linked")
                expect(0, {"link", standard, "--cntlid", cntlids_[i], "--remove"});
            pci::bind(pci::Address{i == 0 ? peer : other_peer}, "nvme");
        }
    }
    [[nodiscard]] const std::string &cntlid(std::size_t n = 0) const { return cntlids_[n]; }

  private:
    std::vector<std::string> cntlids_;
};

TEST_F(LmctlLink, LinksAndShowsIt) {
    EXPECT_EQ(function_of(cntlid())["kind"], "unknown");
    EXPECT_EQ(function_of(cntlid())["address"], nullptr);
    EXPECT_THAT(unwrapped(expect(0, {"show", standard + "/" + cntlid()}).out),
                HasSubstr("nvme-lmctl link"));
    EXPECT_THAT(unwrapped(expect(0, {"link", standard, "--cntlid", cntlid(), peer}).err),
                HasSubstr("CNTLID " + cntlid() + " is " + peer));
    const json linked = function_of(cntlid());
    EXPECT_EQ(linked["kind"], "linked");
    EXPECT_EQ(linked["address"], peer);
    EXPECT_EQ(linked["driver"], "nvme");
    EXPECT_EQ(linked["migratable"], false) << "the host has it";
    pci::bind(pci::Address{peer}, "nvme-vfio-pci");
    EXPECT_EQ(function_of(cntlid())["state"], "ready");
    const json shown = expect(0, {"show", "--json", "--probe", peer}).json();
    EXPECT_EQ(shown["function"]["kind"], "linked");
    EXPECT_EQ(shown["function"]["migratable"], true);
    EXPECT_EQ(shown["vfio"]["stop_copy"], true);
    expect(0, {"link", standard, "--cntlid", cntlid(), "--remove"});
    EXPECT_EQ(function_of(cntlid())["kind"], "unknown");
}

TEST_F(LmctlLink, WhatIsNotSoIsRefusedInTheKernelsWords) {
    const std::string vf = controller(standard)["functions"][0]["cntlid"].dump();
    const std::vector<std::pair<std::vector<std::string>, std::string>> wrong{
        {{"--cntlid", vf, peer}, "virtual function"},
        {{"--cntlid", cntlid(), ipu}, "another subsystem"},
        {{"--cntlid", cntlid(), other_peer}, "CNTLID"},
        {{"--cntlid", "4000", peer}, "not in the subsystem"},
        {{"--cntlid", cntlid(), "--remove"}, "refused"},
    };
    for (const auto &[arguments, words] : wrong) {
        std::vector<std::string> line{"link", standard};
        line.insert(line.end(), arguments.begin(), arguments.end());
        EXPECT_THAT(unwrapped(expect(3, line).err), HasSubstr(words));
        EXPECT_EQ(function_of(cntlid())["kind"], "unknown");
    }
    EXPECT_THAT(unwrapped(expect(2, {"link", standard, "--cntlid", "0", standard}).err),
                HasSubstr("cannot control itself"));
    const std::string taken = cntlid();
    pci::bind(pci::Address{peer}, "nvme-vfio-pci");
    EXPECT_THAT(unwrapped(expect(3, {"link", standard, "--cntlid", taken, peer}).err),
                HasSubstr(peer));
}

TEST_F(LmctlLink, SaveAndRestoreBetweenLinkedFunctions) {
    expect(0, {"link", standard, "--cntlid", cntlid(0), peer});
    expect(0, {"link", standard, "--cntlid", cntlid(1), other_peer});
    for (const std::string &address : {peer, other_peer})
        pci::bind(pci::Address{address}, "nvme-vfio-pci");
    expect(0, {"check", peer, other_peer});
    expect(0, {"save", "--force", peer, file("linked.lm")});
    expect(0, {"check", file("linked.lm"), other_peer});
    expect(0, {"restore", file("linked.lm"), other_peer});
    // A linked function is not released as a VF is.
    EXPECT_THAT(unwrapped(expect(2, {"release", peer}).err), HasSubstr("link --remove"));
}

/// From provisioning to a restored state, with a PF of each kind.
class LmctlEach : public testing::TestWithParam<std::pair<std::string, std::string>> {
  protected:
    /// What a function of another PF of another kind says of itself.
    static json of_another_kind() {
        const std::string pf = GetParam().first == standard ? ipu : standard;
        const json made = expect(0, {"provision", pf, "--json"}).json();
        const std::string address = made[0]["address"];
        json shown = expect(0, {"show", "--json", address}).json();
        expect(0, {"release", address});
        return shown;
    }
    void TearDown() override {
        for (const json &f : controller(GetParam().first)["functions"])
            if (f["address"].is_string() && f["kind"] == "vf")
                expect(0, {"release", f["address"]});
    }
};

TEST_P(LmctlEach, ProvisionCheckSaveRestore) {
    const auto &[pf, set] = GetParam();
    const json made = expect(0, {"provision", pf, "--count", "2", "--json"}).json();
    ASSERT_EQ(made.size(), 2U);
    const std::string one = made[0]["address"];
    const std::string two = made[1]["address"];
    EXPECT_EQ(made[0]["state"], "ready");
    const json shown = expect(0, {"show", "--json", "--probe", one}).json();
    EXPECT_EQ(shown["command_set"], set);
    EXPECT_EQ(shown["vfio"]["stop_copy"], true);
    EXPECT_EQ(shown["formats"].size(), 1U);
    expect(0, {"check", one, two});
    expect(0, {"save", "--force", one, file("kind.lm")});
    const json stream = expect(0, {"inspect", "--json", file("kind.lm")}).json();
    EXPECT_EQ(stream["command_set"], set);
    expect(0, {"check", file("kind.lm"), two});
    expect(0, {"restore", file("kind.lm"), two});
    write_file("elsewhere.json", of_another_kind().dump());
    const json elsewhere =
        expect(1, {"check", "--json", "--force", file("kind.lm"), file("elsewhere.json")}).json();
    for (const char *name : {"subsystem", "command_set"})
        EXPECT_EQ(point(elsewhere, name)["result"], "differs") << name;
}

INSTANTIATE_TEST_SUITE_P(Kinds, LmctlEach,
                         testing::Values(std::pair{standard, std::string{"standard"}},
                                         std::pair{ipu, std::string{"ipu"}},
                                         std::pair{paged, std::string{"control_page"}}),
                         [](const auto &info) { return info.param.second; });

} // namespace lm::test
