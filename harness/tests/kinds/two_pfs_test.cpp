// SPDX-License-Identifier: GPL-2.0-only
/// Two controlling controllers of one subsystem, and one of another: boot with the
/// profile subsystems.
#include "kinds/elsewhere.hpp"

#include <gmock/gmock.h>
#include <sys/klog.h>

namespace lm::test {

using migration::Stream;

class TwoPfs : public Elsewhere {
  protected:
    static void SetUpTestSuite() {
        sibling_ = one_function("0000:02:00.0", true);
        stranger_ = one_function("0000:03:00.0", true);
    }
    /// A VF of the other PF of the subsystem.
    static const rig::Function &sibling() { return *sibling_; }
    /// A VF of a PF of another subsystem, with a namespace that looks the same.
    static const rig::Function &stranger() { return *stranger_; }

    /// What the kernel has said lately.
    static std::string kernel_log() {
        std::string text(1 << 20, '\0');
        constexpr int read_all = 3;
        text.resize(static_cast<std::size_t>(
            check(::klogctl(read_all, text.data(), static_cast<int>(text.size())), "klogctl")));
        return text.substr(text.size() > 4096 ? text.size() - 4096 : 0);
    }

  private:
    static inline std::optional<rig::Function> sibling_;
    static inline std::optional<rig::Function> stranger_;
};

TEST_F(TwoPfs, AreControlledByTheirOwn) {
    EXPECT_NE(sibling().cntlid, the_rig().function(0).cntlid);
    for (const nvme::SecondaryController &controller : pf().secondary_controllers())
        EXPECT_NE(controller.cntlid, sibling().cntlid);
}

TEST_F(TwoPfs, AGuestMovesFromOneToTheOtherAndBack) {
    Endpoint one = endpoint(0);
    Endpoint other = endpoint_of(sibling());
    Endpoint *from = &one;
    Endpoint *to = &other;
    Guest &guest = boot(from->machine, queue_pairs(1, from->machine, 64, 64, true));
    for (unsigned round = 0; round < 3; ++round) {
        const nvme::DataBuffer data = guest.buffer();
        guest.write(guest.queue(), Lba{8}, round);
        std::vector<Cid> cids;
        for (unsigned i = 0; i < 16; ++i)
            cids.push_back(guest.driver().submit_io(guest.queue(), nvme::Io::read, guest.disk(),
                                                    Lba{i}, 1, data));
        to->migration.load(from->migration.save());
        guest.move_to(to->machine);
        to->migration.set(State::running);
        for (Cid cid : cids)
            EXPECT_TRUE(guest.driver().wait(guest.queue(), cid).status().ok());
        EXPECT_EQ(guest.queue().outstanding(), 0U);
        guest.verify(guest.queue(), Lba{8}, round);
        guest.write_and_verify(guest.queue(), Lba{16}, round + 100);
        reset(*from);
        std::swap(from, to);
    }
}

TEST_F(TwoPfs, OfTwoSubsystemsIsRefusedWithTheReason) {
    Endpoint here = endpoint(0);
    Guest &guest = boot(here.machine);
    const Bytes stream = here.migration.save();
    Endpoint there = endpoint_of(stranger());
    EXPECT_EQ(errno_name(load_error(there, stream)), "EXDEV");
    EXPECT_THAT(kernel_log(), testing::HasSubstr("subsystem NQN"));
    reset(there);
    here.migration.set(State::running);
    guest.write_and_verify(guest.queue(), Lba{0}, 1);
}

} // namespace lm::test
