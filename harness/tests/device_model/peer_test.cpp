// SPDX-License-Identifier: GPL-2.0-only
/// A controlled function that is not a VF: boot with the profile kinds.
#include "device_model/fixture.hpp"
#include "util/sysfs.hpp"

#include <filesystem>

namespace lm::test {

using namespace nvme::status;

class DevicePeer : public DeviceModel {
  protected:
    static std::optional<nvme::SecondaryController> listed() {
        for (const nvme::SecondaryController &controller : pf().secondary_controllers())
            if (controller.vf_number == 0)
                return controller;
        return {};
    }

    static void SetUpTestSuite() {
        const auto entry = listed();
        ASSERT_TRUE(entry) << "no secondary controller that is not a VF";
        cntlid_ = entry->cntlid;
        address_ = the_address();
        pci::bind(*address_, "vfio-pci");
    }
    static void TearDownTestSuite() {
        if (address_)
            pci::bind(*address_, "nvme");
    }

    void SetUp() override {
        ASSERT_TRUE(address_);
        // few queues are enough, and fit a VF
        peer_ = std::make_unique<Machine>(
            the_rig(), rig::Function{.address = *address_,
                                     .cntlid = cntlid_,
                                     .queues = the_rig().function(0).queues,
                                     .interrupts = the_rig().function(0).interrupts});
    }
    void TearDown() override {
        if (guest_)
            guest_->driver().unplug();
        peer_.reset();
    }

    Machine &peer() { return *peer_; }
    Guest &boot_peer() {
        guest_ = std::make_unique<Guest>(*peer_, queue_pairs(1, *peer_, 16, 16, true));
        return *guest_;
    }

  private:
    /// The controller of the PF's subsystem that has this CNTLID.
    static pci::Address the_address() {
        namespace fs = std::filesystem;
        const fs::path classes{"/sys/class/nvme"};
        const std::string nqn =
            sysfs::read(classes / fs::path{the_rig().pf().device}.filename() / "subsysnqn");
        for (const auto &entry : fs::directory_iterator{classes})
            if (sysfs::read(entry.path() / "subsysnqn") == nqn &&
                sysfs::read(entry.path() / "cntlid") == std::to_string(cntlid_.value))
                return pci::Address{fs::canonical(entry.path() / "device").filename()};
        throw std::runtime_error{"no controller of this subsystem has CNTLID " +
                                 std::to_string(cntlid_.value)};
    }

    static inline Cntlid cntlid_;
    static inline std::optional<pci::Address> address_;

    std::unique_ptr<Machine> peer_;
    std::unique_ptr<Guest> guest_;
};

TEST_F(DevicePeer, IsListed) {
    const auto entry = listed();
    ASSERT_TRUE(entry);
    EXPECT_EQ(entry->primary, Cntlid{0});
    EXPECT_TRUE(entry->online);
    EXPECT_GT(entry->queues, 1);
    EXPECT_GT(entry->interrupts, 1);
    Cntlid last{0};
    for (const nvme::SecondaryController &controller : pf().secondary_controllers()) {
        EXPECT_GT(controller.cntlid, last) << "the list is in order";
        last = controller.cntlid;
    }
}

TEST_F(DevicePeer, SuspendsAndResumes) {
    Guest &guest = boot_peer();
    suspend(peer());
    EXPECT_TRUE(nvme::ControllerState{pf().read_whole_state(peer().cntlid())}.suspended());
    resume(peer());
    EXPECT_EQ(pf().resume(peer().cntlid()).status, controller_not_suspended);
    guest.write_and_verify(guest.queue(), Lba{0}, 1);
}

TEST_F(DevicePeer, ComesBackWithItsState) {
    Guest &guest = boot_peer();
    guest.write(guest.queue(), Lba{0}, 1);
    const nvme::ControllerState state = take_state(peer());
    EXPECT_EQ(state.submission_queues().size(), 1U);
    reset(peer());
    give_state(peer(), state.bytes());
    guest.move_to(peer());
    resume(peer());
    guest.verify(guest.queue(), Lba{0}, 1);
    guest.write_and_verify(guest.queue(), Lba{8}, 2);
}

TEST_F(DevicePeer, BadStateIsRefused) {
    Guest &guest = boot_peer();
    const nvme::ControllerState state = take_state(peer());
    reset(peer());
    suspend(peer());
    Bytes bad = state.bytes();
    bad.at(bad.size() / 2) ^= std::byte{1};
    EXPECT_EQ(set_entire(peer().cntlid(), bad), invalid_field);
    EXPECT_EQ(set_entire(peer().cntlid(), state.bytes()), success);
    guest.move_to(peer());
    resume(peer());
    guest.write_and_verify(guest.queue(), Lba{0}, 3);
}

TEST_F(DevicePeer, HasNoCommandsOfItsOwn) {
    Guest &guest = boot_peer();
    const nvme::DataBuffer data = guest.buffer();
    for (Cntlid cntlid : {peer().cntlid(), Cntlid{0}, the_rig().function(0).cntlid})
        for (const nvme::Sqe &sqe : {nvme::suspend(cntlid), nvme::resume(cntlid)})
            EXPECT_EQ(guest.driver().admin_with_data(sqe, data, 4096).status(), invalid_opcode);
    EXPECT_EQ(load<std::uint16_t>(pf().identify(nvme::Cns::controller), 256) >> 11 & 1, 1);
}

TEST_F(DevicePeer, VirtualizationManagementDoesNotKnowIt) {
    nvme::Sqe offline{.opcode = static_cast<std::uint8_t>(nvme::Admin::virtualization_management)};
    offline.cdw10 = 7U | static_cast<std::uint32_t>(peer().cntlid().value) << 16;
    EXPECT_EQ(pf().submit(offline).status, invalid_controller_identifier);
}

TEST_F(DevicePeer, ResetDropsSuspension) {
    boot_peer();
    suspend(peer());
    reset(peer());
    EXPECT_EQ(pf().resume(peer().cntlid()).status, controller_not_suspended);
}

// The last one: it takes the VFs offline.
TEST_F(DevicePeer, ResetOfWhoControlsItLetsItGo) {
    Guest &guest = boot_peer();
    suspend(peer());
    sysfs::write(std::filesystem::path{"/sys/class/nvme"} /
                     std::filesystem::path{the_rig().pf().device}.filename() / "reset_controller",
                 "1");
    EXPECT_EQ(pf().resume(peer().cntlid()).status, controller_not_suspended);
    guest.write_and_verify(guest.queue(), Lba{0}, 4);
}

} // namespace lm::test
