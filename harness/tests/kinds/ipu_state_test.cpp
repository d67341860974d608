// SPDX-License-Identifier: GPL-2.0-only
/// States of the vendor command set IPU: of every size, and of a device that says one
/// size and moves another. Boot with hmlm-ipu=on and hmlm-faults=on, and --no-lm.
#include "migration/fixture.hpp"
#include "nvme/fault.hpp"
#include "nvme/ipu.hpp"
#include "util/sysfs.hpp"

#include <thread>

namespace lm::test {

class IpuState : public MigrationTest {
  protected:
    static constexpr std::uint16_t few = 2;     ///< entries of a CQ that is full at once
    static constexpr std::uint16_t many = 2000; ///< commands that wait at most, per queue

    /// A guest with @waiting commands that have ended and have no room to say so: each
    /// of them makes its state larger.
    Guest &boot_with_waiting(Machine &machine, unsigned waiting) {
        const unsigned pairs = waiting / many + 1;
        Guest &guest = boot(machine, queue_pairs(pairs, machine, 2048, few));
        data_.emplace(guest.buffer());
        cids_.assign(pairs, {});
        for (unsigned i = 0; i < waiting; ++i)
            submit(guest, i % pairs);
        settle();
        return guest;
    }
    /// They complete, each once.
    void expect_all_done(Guest &guest) {
        for (std::uint16_t pair = 0; pair < cids_.size(); ++pair) {
            nvme::QueuePair &queue = guest.queue(static_cast<std::uint16_t>(pair + 1));
            for (Cid cid : cids_[pair])
                ASSERT_TRUE(guest.driver().wait(queue, cid).status().ok());
            EXPECT_EQ(queue.outstanding(), 0U);
        }
    }

    static std::size_t state_size(const Bytes &stream) {
        return migration::Stream::parse(stream).state().size();
    }
    static std::string resets() {
        return sysfs::read(the_rig().pf().address.sysfs() / "nvme_lm/resets");
    }
    /// The device says this size from the @nth query on.
    static nvme::ArmedFault says(std::uint32_t size, std::uint32_t nth = 1) {
        return {pf(),
                nvme::FaultMatch{.opcode = static_cast<nvme::Admin>(0xc4)}.from(nth).for_ever(),
                nvme::Fault::result(size)};
    }
    /// As save(), the errno of whichever call fails.
    static int save_error(Endpoint &end) {
        return error_of([&] { end.migration.save(); });
    }

  private:
    void submit(Guest &guest, std::size_t pair) {
        cids_[pair].push_back(
            guest.driver().submit_io(guest.queue(static_cast<std::uint16_t>(pair + 1)),
                                     nvme::Io::read, guest.disk(), Lba{0}, 1, *data_));
    }
    /// Until the device is through with all of them.
    static void settle() {
        std::uint64_t last = 0;
        for (unsigned quiet = 0; quiet < 2;) {
            std::this_thread::sleep_for(silence);
            const std::uint64_t now = pf().require(nvme::ipu::query_size(1)).result & 0xffffffff;
            quiet = now == last ? quiet + 1 : 0;
            last = now;
        }
    }

    std::optional<nvme::DataBuffer> data_;
    std::vector<std::vector<Cid>> cids_;
};

TEST_F(IpuState, StatesOfEverySizeMove) {
    Endpoint a = endpoint(0);
    Endpoint b = endpoint(1);
    std::vector<std::size_t> sizes;
    // in one page, in two, in a list of them, in more than the PF moves at a time
    for (unsigned waiting : {0U, 240U, 1000U, 9000U}) {
        Guest &guest = boot_with_waiting(a.machine, waiting);
        const Bytes stream = a.migration.save();
        sizes.push_back(state_size(stream));
        b.migration.load(stream);
        guest.move_to(b.machine);
        b.migration.set(State::running);
        expect_all_done(guest);
        guest.write_and_verify(guest.queue(), Lba{8}, waiting);
        reset(a);
        reset(b);
    }
    EXPECT_LE(sizes[0], 4096U);
    EXPECT_TRUE(sizes[1] > 4096 && sizes[1] <= 8192) << sizes[1];
    EXPECT_TRUE(sizes[2] > 8192 && sizes[2] < 128 * 1024) << sizes[2];
    EXPECT_TRUE(sizes[3] > 128 * 1024 && sizes[3] <= nvme::ipu::largest_state) << sizes[3];
}

TEST_F(IpuState, SaveCancelledTheGuestGoesOnWithItsOwn) {
    Endpoint a = endpoint(0);
    Guest &guest = boot_with_waiting(a.machine, 300);
    EXPECT_GT(a.migration.save().size(), 4096U);
    a.migration.set(State::running);
    expect_all_done(guest);
    guest.write_and_verify(guest.queue(), Lba{8}, 1);
}

/// Commands that wait at the source, and the size that the device says.
class IpuLie : public IpuState,
               public testing::WithParamInterface<std::pair<unsigned, std::uint32_t>> {};

TEST_P(IpuLie, MoreThanWasSaidGoesNowhere) {
    const auto [waiting, said] = GetParam();
    const std::string before = resets();
    Endpoint a = endpoint(0);
    boot_with_waiting(a.machine, waiting);
    {
        const nvme::ArmedFault lie = says(said);
        EXPECT_EQ(errno_name(save_error(a)), "EREMOTEIO");
        EXPECT_GE(lie.fired(), 2U);
    }
    // it was disabled by the save, and nobody has its state: that is not glossed over
    EXPECT_EQ(errno_name(error_of([&] { a.migration.set(State::running); })), "EREMOTEIO");
    EXPECT_EQ(errno_name(save_error(a)), "EREMOTEIO");
    EXPECT_EQ(resets(), before) << "the PF serves others too";
    reset(a);
    Guest &again = boot(a.machine);
    again.write_and_verify(again.queue(), Lba{0}, 1);
    EXPECT_GT(a.migration.save().size(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Sizes, IpuLie,
                         testing::Values(std::pair{0U, 4U}, std::pair{240U, 4U},
                                         std::pair{240U, 4096U}, std::pair{1000U, 4U},
                                         std::pair{1000U, 4096U}, std::pair{1000U, 4100U},
                                         std::pair{1000U, 8192U}, std::pair{1000U, 8196U},
                                         std::pair{1000U, 12288U}, std::pair{9000U, 131072U}),
                         [](const auto &info) {
                             return std::to_string(info.param.second) + "_of_" +
                                    std::to_string(info.param.first) + "_waiting";
                         });

TEST_F(IpuState, SizesThatNoStateCanHaveAreRefused) {
    Endpoint a = endpoint(0);
    Guest &guest = boot(a.machine);
    for (std::uint32_t said : {0U, 2U, 262148U, 0xfffffffcU, 0xffffffffU}) {
        const nvme::ArmedFault lie = says(said);
        EXPECT_EQ(errno_name(error_of([&] { a.migration.set(State::stop_copy); })), "EREMOTEIO")
            << said;
        a.migration.set(State::running);
        guest.write_and_verify(guest.queue(), Lba{0}, said);
    }
}

TEST_F(IpuState, SizeThatChangesWhileSuspendedIsRefused) {
    Endpoint a = endpoint(0);
    boot(a.machine);
    const std::uint64_t size = pf().require(nvme::ipu::query_size(1)).result & 0xffffffff;
    for (std::uint32_t said : {size - 4, size + 4, std::uint64_t{262144}}) {
        const nvme::ArmedFault lie = says(said, 2);
        EXPECT_EQ(errno_name(save_error(a)), "EREMOTEIO") << said;
        a.migration.set(State::running);
    }
    EXPECT_GT(a.migration.save().size(), 0U);
}

} // namespace lm::test
