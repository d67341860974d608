// SPDX-License-Identifier: GPL-2.0-only
/// Every command of nvme-lmctl on a PF with live migration, in the rig. The tests
/// build on each other: what one leaves is put in order by the next one's set-up.
#include "lmctl/expect.hpp"
#include "util/sysfs.hpp"
#include "vfio/backend.hpp"

#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lm::test {

using nlohmann::json;
using testing::HasSubstr;

namespace {

/// The functions of the one controlling controller.
json functions() {
    const json all = expect(0, {"list", "--json"}).json();
    return all.at(0).at("functions");
}

/// The address of VF @n.
std::string vf(unsigned n) {
    const json f = functions().at(n - 1);
    return f["address"].is_string() ? f["address"].get<std::string>() : "none";
}

/// What release gives back: all but the namespaces, which stay attached without --detach.
json without_namespaces(json list) {
    for (json &f : list)
        f.erase("namespaces");
    return list;
}

} // namespace

/// Two functions, provisioned; released at the end.
class Lmctl : public testing::Test {
  protected:
    static void provision() { expect(0, {"provision", "nvme0", "--count", "2", "--queues", "2"}); }
    void TearDown() override {
        for (unsigned n : {2U, 1U})
            if (const std::string address = vf(n); address != "none")
                expect(0, {"release", address});
        EXPECT_EQ(sysfs::read("/sys/class/nvme/nvme0/device/sriov_numvfs"), "0");
    }
};

TEST_F(Lmctl, ListShowsWhatIsControlledBeforeThereAreVfs) {
    const json list = expect(0, {"list", "--json"}).json();
    ASSERT_EQ(list.size(), 1U);
    EXPECT_EQ(list[0]["controller"], "nvme0");
    EXPECT_EQ(list[0]["live_migration"], true);
    EXPECT_EQ(list[0]["vfs"], 0);
    ASSERT_EQ(list[0]["functions"].size(), 4U);
    for (const json &f : list[0]["functions"]) {
        EXPECT_EQ(f["kind"], "vf");
        EXPECT_EQ(f["state"], "absent");
        EXPECT_EQ(f["migratable"], false);
    }
    const Outcome shown = expect(0, {"show", "nvme0/" + list[0]["functions"][0]["cntlid"].dump()});
    EXPECT_THAT(shown.out, HasSubstr("nvme-lmctl provision nvme0 --vf 1"));
}

TEST_F(Lmctl, DoctorFindsTheRigReady) {
    const Outcome outcome = tool({"doctor", "--json"});
    std::map<std::string, std::string> grades;
    const json report = outcome.json();
    for (const json &f : report["findings"])
        grades[f["key"]] = f["grade"];
    EXPECT_EQ(outcome.exit, 0) << outcome.all();
    for (const char *key : {"kernel", "options", "iommu", "nvme", "nvme_lm", "nvme_vfio_pci",
                            "nvme0_commands", "nvme0_SR-IOV", "nvme0_namespaces", "qemu"})
        EXPECT_EQ(grades[key], "ok") << key;
    // Debian's kernel has no iommufd, and that has a price.
    EXPECT_EQ(grades["dirty_tracking"], "note");
}

TEST_F(Lmctl, ProvisionAndReleaseTwice) {
    const json before = functions();
    for (int round = 0; round < 2; ++round) {
        const Outcome made =
            expect(0, {"provision", "nvme0", "--count", "2", "--queues", "2", "--json"});
        const json list = made.json();
        ASSERT_EQ(list.size(), 2U);
        for (const json &f : list) {
            EXPECT_EQ(f["state"], "ready");
            EXPECT_EQ(f["driver"], "nvme-vfio-pci");
            EXPECT_EQ(f["queues"], 3);
            EXPECT_EQ(f["interrupts"], 3);
            EXPECT_EQ(f["namespaces"], json::array({1}));
            ASSERT_EQ(f["vfio"].size(), 1U);
            EXPECT_TRUE(std::filesystem::exists(f["vfio"][0].get<std::string>()));
            EXPECT_EQ(f["qemu"], "-device vfio-pci,host=" + f["address"].get<std::string>() +
                                     ",enable-migration=on");
        }
        // Once more: nothing is left to be done, and nothing is done.
        const Outcome again =
            expect(0, {"provision", "nvme0", "--count", "2", "--queues", "2", "--json"});
        EXPECT_EQ(again.json(), list);
        EXPECT_EQ(again.err, "");
        TearDown();
        EXPECT_EQ(without_namespaces(functions()), without_namespaces(before));
    }
}

/// What fails at some step, and how far it had come.
struct Failing {
    std::vector<std::string> arguments;
    std::string said, undone;
};

TEST_F(Lmctl, WhatFailsIsUndone) {
    const json before = functions();
    const std::string autoprobe =
        sysfs::read("/sys/class/nvme/nvme0/device/sriov_drivers_autoprobe");
    const std::vector<Failing> all{
        {{"--count", "5"}, "at most 4 VFs", ""},
        {{"--vf", "9"}, "at most 4 VFs", ""},
        {{"--queues", "60000"}, "at most", "1 VF made"},
        {{"--interrupts", "60000"}, "at most", "1 VF made"},
        {{"--namespace", "77"}, "no namespace with NSID 77", "1 VF made"},
        {{"--driver", "no-such-driver"}, "no PCI driver no-such-driver", "1 VF made"},
        {{"--vf", "2", "--driver", "virtio-pci"}, "did not bind to virtio-pci", "VF 2 is online"},
    };
    for (const Failing &failing : all) {
        std::vector<std::string> line{"provision", "nvme0"};
        line.insert(line.end(), failing.arguments.begin(), failing.arguments.end());
        const Outcome outcome = expect(3, line);
        EXPECT_THAT(outcome.err, HasSubstr(failing.said));
        EXPECT_THAT(outcome.err, HasSubstr(failing.undone));
        EXPECT_EQ(functions(), before);
        EXPECT_EQ(sysfs::read("/sys/class/nvme/nvme0/device/sriov_drivers_autoprobe"), autoprobe);
    }
}

TEST_F(Lmctl, AFailureLeavesOtherFunctionsAlone) {
    provision();
    const json before = functions();
    expect(3, {"provision", "nvme0", "--vf", "2", "--queues", "1", "--driver", "virtio-pci"});
    EXPECT_EQ(functions(), before);
    EXPECT_THAT(expect(3, {"provision", "nvme0", "--count", "3"}).err,
                HasSubstr("more can be made only"));
    EXPECT_EQ(functions(), before);
}

TEST_F(Lmctl, ShowTellsWhatAFunctionCan) {
    provision();
    const json shown = expect(0, {"show", "--json", "--probe", vf(1)}).json();
    EXPECT_EQ(shown["function"]["migratable"], true);
    EXPECT_EQ(shown["vfio"]["stop_copy"], true);
    EXPECT_EQ(shown["vfio"]["dma_logging"], false);
    EXPECT_EQ(shown["capabilities"]["dirty_tracking"]["has"], false);
    EXPECT_THAT(shown["capabilities"]["dirty_tracking"]["why"].get<std::string>(),
                HasSubstr("CONFIG_IOMMUFD_DRIVER"));
    EXPECT_EQ(shown["identity"]["queues"], 3);
    ASSERT_EQ(shown["media"].size(), 1U);
    EXPECT_EQ(shown["media"][0]["uuid"], "8d3c5e1a-6f0b-4c55-9a53-7c1f3e0a1001");
    EXPECT_EQ(shown["formats"].size(), 1U);
}

TEST_F(Lmctl, CheckComparesTwoFunctionsAndTwoHosts) {
    provision();
    const json good = expect(0, {"check", "--json", vf(1), vf(2)}).json();
    EXPECT_EQ(good["migratable"], true);
    EXPECT_EQ(point(expect(1, {"check", "--json", vf(1), vf(1)}).json(), "functions")["result"],
              "differs");

    json other = expect(0, {"show", "--json", vf(2)}).json();
    write_file("other.json", other.dump());
    expect(0, {"check", vf(1), file("other.json")});
    other["identity"]["firmware"] = "other";
    other["media"][0]["nguid"] = "00112233445566778899aabbccddeeff";
    other["identity"]["interrupts"] = 1;
    write_file("other.json", other.dump());
    const json bad = expect(1, {"check", "--json", vf(1), file("other.json")}).json();
    for (const char *name : {"firmware", "namespace_1", "interrupts"})
        EXPECT_EQ(point(bad, name)["result"], "differs") << name;
    EXPECT_EQ(point(bad, "model")["result"], "ok");

    expect(0, {"provision", "nvme0", "--vf", "2", "--queues", "1"});
    EXPECT_EQ(point(expect(1, {"check", "--json", vf(1), vf(2)}).json(), "queues")["result"],
              "differs");
    expect(0, {"check", vf(2), vf(1)});
}

TEST_F(Lmctl, CheckWithForceOverlooksOnlyWhatIsSafe) {
    provision();
    json other = expect(0, {"show", "--json", vf(2)}).json();
    // a description of another version of the tool, that says less
    json silent = other;
    silent["formats"] = nullptr;
    silent["identity"].erase("firmware");
    write_file("other.json", silent.dump());
    const json unknown = expect(1, {"check", "--json", vf(1), file("other.json")}).json();
    for (const char *name : {"format", "firmware"}) {
        EXPECT_EQ(point(unknown, name)["result"], "not known") << name;
        EXPECT_EQ(point(unknown, name)["may_be_forced"], true) << name;
    }
    EXPECT_EQ(
        expect(0, {"check", "--json", "--force", vf(1), file("other.json")}).json()["migratable"],
        true);
    // smaller transfers: no driver compares them, the guest would notice
    other["limits"]["mdts"] = 1;
    write_file("other.json", other.dump());
    const json smaller =
        expect(1, {"check", "--json", "--force", vf(1), file("other.json")}).json();
    EXPECT_EQ(point(smaller, "mdts")["result"], "differs");
    EXPECT_EQ(point(smaller, "mdts")["may_be_forced"], false);
    EXPECT_THAT(point(smaller, "mdts")["text"].get<std::string>(), HasSubstr("would fail"));
    expect(0, {"check", file("other.json"), vf(1)});
    // no limit is more than any
    other["limits"]["mdts"] = 0;
    write_file("other.json", other.dump());
    expect(0, {"check", vf(1), file("other.json")});
    expect(1, {"check", "--force", file("other.json"), vf(1)});
}

TEST_F(Lmctl, CheckWithForceOverlooksTheVmmThatWaits) {
    provision();
    const std::string one = vf(1);
    const std::string two = vf(2);
    const auto backend = vfio::make_backend(vfio::BackendKind::automatic);
    const auto device = backend->open(pci::Address{two});
    const json waiting = expect(1, {"check", "--json", one, two}).json();
    EXPECT_EQ(point(waiting, "destination_in_use")["may_be_forced"], true);
    expect(0, {"check", "--force", one, two});
    EXPECT_EQ(expect(1, {"check", "--json", "--force", two, two}).json()["migratable"], false);
}

TEST_F(Lmctl, SaveInspectRestore) {
    provision();
    const std::string saved = file("one.lm");
    std::filesystem::remove(saved);
    expect(0, {"save", vf(1), saved});
    const json inspected = expect(0, {"inspect", "--json", saved}).json();
    EXPECT_EQ(inspected["identity"]["queues"], 3);
    EXPECT_EQ(inspected["media"][0]["uuid"], "8d3c5e1a-6f0b-4c55-9a53-7c1f3e0a1001");
    EXPECT_EQ(inspected["state"]["suspended"], true);

    // The name is taken; nothing temporary is left.
    EXPECT_THAT(expect(3, {"save", vf(1), saved}).err, HasSubstr("--force"));
    expect(0, {"save", "--force", vf(1), saved});
    for (const auto &entry :
         std::filesystem::directory_iterator{std::filesystem::path{saved}.parent_path()})
        EXPECT_FALSE(entry.path().string().starts_with(saved + ".")) << entry.path();

    expect(0, {"check", saved, vf(2)});
    EXPECT_THAT(expect(0, {"restore", saved, vf(2)}).err, HasSubstr("took the state"));
    expect(0, {"restore", saved, vf(1)});

    const Outcome piped = expect(0, {"save", vf(1), "-"});
    EXPECT_EQ(tool({"inspect", "-"}, piped.out).exit, 0);
    EXPECT_EQ(tool({"restore", "-", vf(2)}, piped.out).exit, 0);
    std::string damaged = piped.out;
    damaged[damaged.size() / 2] ^= 1;
    const Outcome refused = tool({"restore", "-", vf(2)}, damaged);
    EXPECT_EQ(refused.exit, 1) << refused.all();
    EXPECT_THAT(refused.err, HasSubstr("EBADMSG"));
    write_file("damaged.lm", damaged);
    EXPECT_THAT(expect(1, {"restore", file("damaged.lm"), vf(2)}).err,
                HasSubstr("no stream that could"));
}

TEST_F(Lmctl, ProvisionLikeASavedState) {
    provision();
    const std::string saved = file("like.lm");
    expect(0, {"save", "--force", vf(1), saved});
    expect(0, {"provision", "nvme0", "--vf", "2", "--queues", "1"});
    expect(1, {"check", saved, vf(2)});
    EXPECT_THAT(expect(1, {"restore", saved, vf(2)}).err, HasSubstr("queue pairs"));
    expect(0, {"provision", "nvme0", "--vf", "2", "--like", saved});
    expect(0, {"restore", saved, vf(2)});
}

TEST_F(Lmctl, ProvisionLikeAnotherHostsDescription) {
    provision();
    json description = expect(0, {"show", "--json", vf(1)}).json();
    write_file("like.json", description.dump());
    expect(0, {"provision", "nvme0", "--vf", "2", "--queues", "1"});
    expect(0, {"provision", "nvme0", "--vf", "2", "--like", file("like.json")});
    expect(0, {"check", vf(1), vf(2)});

    // What cannot be made so is said before anything is changed, or undone.
    const json before = functions();
    json other = description;
    other["identity"]["firmware"] = "9.9";
    write_file("like.json", other.dump());
    const Outcome early =
        expect(1, {"provision", "nvme0", "--vf", "2", "--like", file("like.json")});
    EXPECT_THAT(unwrapped(early.err), HasSubstr("firmware 9.9 there"));
    EXPECT_EQ(functions(), before);
    other = description;
    other["identity"]["queues"] = 2;
    other["media"][0]["nguid"] = "00112233445566778899aabbccddeeff";
    write_file("like.json", other.dump());
    const Outcome medium =
        expect(1, {"provision", "nvme0", "--vf", "2", "--like", file("like.json")});
    EXPECT_THAT(medium.err, HasSubstr("nguid"));
    EXPECT_THAT(medium.err, HasSubstr("undone"));
    EXPECT_EQ(functions(), before);
}

TEST_F(Lmctl, WhatIsInUseIsLeftAlone) {
    provision();
    const std::string one = vf(1);
    {
        const auto backend = vfio::make_backend(vfio::BackendKind::automatic);
        const auto device = backend->open(pci::Address{one});
        EXPECT_EQ(functions()[0]["state"], "in use");
        EXPECT_THAT(functions()[0]["used_by"].get<std::string>(), HasSubstr("pid"));
        for (const std::vector<std::string> &line : std::vector<std::vector<std::string>>{
                 {"release", one},
                 {"save", one, file("no.lm")},
                 {"show", "--probe", one},
                 {"provision", "nvme0", "--vf", "1", "--queues", "1"}})
            EXPECT_THAT(expect(3, line).err, HasSubstr("in use"));
        EXPECT_EQ(functions()[0]["driver"], "nvme-vfio-pci");
        // What is as wanted already needs nothing, and so is no error.
        expect(0, {"provision", "nvme0", "--vf", "1"});
    }
    EXPECT_EQ(functions()[0]["state"], "ready");
}

TEST_F(Lmctl, ReleaseOfTheLastOneTakesTheVfsAway) {
    provision();
    EXPECT_THAT(expect(0, {"release", vf(1)}).err, Not(HasSubstr("taken away")));
    EXPECT_EQ(functions()[0]["state"], "offline");
    EXPECT_EQ(functions()[1]["state"], "ready");
    expect(0, {"release", vf(1)});
    EXPECT_THAT(expect(0, {"release", vf(2)}).err, HasSubstr("all VFs are taken away"));
}

} // namespace lm::test
