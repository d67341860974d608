// SPDX-License-Identifier: GPL-2.0-only
/// What a VMM may do wrong, or on purpose.
#include "soak/world.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <thread>

namespace lm::soak {

using migration::DataFile;
using migration::State;

namespace {

class BadVmm : public testing::Test {
  protected:
    World &world() { return world_; }
    /// A function that nobody sits on.
    migration::Migration idle() { return world_.seat(seat_).migration(); }
    vfio::Device &device() { return world_.seat(seat_).machine->device(); }
    void reset() { world_.reset(seat_); }

    template <typename Action> static int error_of(Action action) {
        try {
            action();
        } catch (const std::system_error &error) {
            return error.code().value();
        }
        return 0;
    }

    /// VFIO_DEVICE_FEATURE as it stands, its errno.
    int raw_feature(std::uint32_t argsz, std::uint32_t flags, ByteView argument) {
        Bytes call(std::max<std::size_t>(sizeof(vfio_device_feature) + argument.size(), argsz));
        store<std::uint32_t>(call, offsetof(vfio_device_feature, argsz), argsz);
        store<std::uint32_t>(call, offsetof(vfio_device_feature, flags), flags);
        if (!argument.empty())
            std::memcpy(call.data() + sizeof(vfio_device_feature), argument.data(),
                        argument.size());
        return ::ioctl(device().fd(), VFIO_DEVICE_FEATURE, call.data()) < 0 ? errno : 0;
    }

    void TearDown() override {
        reset();
        world_.tenant(0).work();
        world_.migrate(0, seat_);
        world_.tenant(0).check_all();
    }

  private:
    Random random_{1};
    World world_{random_};
    std::size_t seat_ = world_.free_seat();
};

} // namespace

TEST_F(BadVmm, FeatureCallsThatMakeNoSense) {
    const vfio_device_feature_mig_state stop{.device_state = VFIO_DEVICE_STATE_STOP, .data_fd = -1};
    const std::uint32_t whole = sizeof(vfio_device_feature) + sizeof(stop);
    const std::uint32_t state = VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE;
    const std::uint32_t set = VFIO_DEVICE_FEATURE_SET;
    for (std::uint32_t argsz : {0U, 4U, 7U, 8U, 12U, whole - 1})
        EXPECT_EQ(raw_feature(argsz, state | set, bytes_of(stop)), EINVAL) << argsz;
    EXPECT_EQ(raw_feature(whole, state, bytes_of(stop)), EINVAL) << "neither get nor set";
    EXPECT_EQ(raw_feature(whole, VFIO_DEVICE_FEATURE_MIG_DATA_SIZE | set, bytes_of(stop)), EINVAL)
        << "what can only be got";
    EXPECT_EQ(raw_feature(whole, VFIO_DEVICE_FEATURE_MIGRATION | set, bytes_of(stop)), EINVAL);
    EXPECT_EQ(idle().state(), State::running) << "nothing of this changes the state";
    EXPECT_EQ(raw_feature(whole, state | set | VFIO_DEVICE_FEATURE_PROBE, bytes_of(stop)), 0);
    EXPECT_EQ(idle().state(), State::running) << "a probe changes nothing";
}

TEST_F(BadVmm, TwoReadersOfOneFileGetEachByteOnce) {
    const std::size_t whole = idle().save().size();
    idle().set(State::running);
    DataFile file = idle().set_with_file(State::stop_copy);
    std::size_t first = 0;
    {
        std::jthread other{[&] { first = file.read_all(7).size(); }};
        const std::size_t second = file.read_all(5).size();
        other.join();
        EXPECT_EQ(first + second, whole);
    }
}

TEST_F(BadVmm, TwoWritersOfOneFileAreRefusedOrInOrder) {
    const Bytes stream = idle().save();
    reset();
    DataFile file = idle().set_with_file(State::resuming);
    // the same stream twice at once is one that makes no sense
    int first = 0;
    {
        std::jthread other{[&] { first = error_of([&] { file.write_all(stream, 11); }); }};
        const int second = error_of([&] { file.write_all(stream, 13); });
        other.join();
        EXPECT_NE(first + second, 0);
    }
    EXPECT_NE(error_of([&] { idle().set(State::stop); }), 0);
}

TEST_F(BadVmm, StateChangesUnderAReader) {
    for (State next : {State::stop, State::running, State::resuming}) {
        for (unsigned delay : {0U, 200U, 2000U}) {
            DataFile file = idle().set_with_file(State::stop_copy);
            std::jthread reader{[&] { error_of([&] { file.read_all(3); }); }};
            std::this_thread::sleep_for(std::chrono::microseconds{delay});
            auto given = idle().set(next);
            EXPECT_EQ(idle().state(), next);
            reader.join();
            Bytes some(8);
            EXPECT_EQ(error_of([&] { file.read_some(some); }), ENODEV) << "a file that has ended";
            reset();
        }
    }
}

TEST_F(BadVmm, StateChangesUnderAWriter) {
    const Bytes stream = idle().save();
    reset();
    for (unsigned delay : {0U, 200U, 2000U}) {
        DataFile file = idle().set_with_file(State::resuming);
        std::jthread writer{[&] { error_of([&] { file.write_all(stream, 3); }); }};
        std::this_thread::sleep_for(std::chrono::microseconds{delay});
        const int error = error_of([&] { idle().set(State::stop); });
        EXPECT_TRUE(error == 0 || error == ENODATA || error == EBUSY) << strerrorname_np(error);
        writer.join();
        reset();
    }
}

/// The buffer of a read() is a BAR of the same function: the copy faults, the fault
/// takes locks that a reset holds, and nothing may wait in a circle.
TEST_F(BadVmm, BarOfTheFunctionAsBuffer) {
    const vfio_region_info bar = device().region(VFIO_PCI_BAR0_REGION_INDEX);
    for (unsigned round = 0; round < 8; ++round) {
        // a new mapping has no pages yet, so each copy faults
        void *memory = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, device().fd(),
                              static_cast<off_t>(bar.offset));
        ASSERT_NE(memory, MAP_FAILED);
        const bool saving = round % 2 == 0;
        DataFile file = idle().set_with_file(saving ? State::stop_copy : State::resuming);
        std::jthread user{[&] {
            // CMBSZ and what follows: no register there does anything
            std::byte *at = static_cast<std::byte *>(memory) + 0x800;
            for (unsigned i = 0; i < 4; ++i)
                error_of([&] {
                    saving ? file.read_some({at, 256}) : file.write_some(ByteView{at, 256});
                });
        }};
        std::this_thread::sleep_for(std::chrono::microseconds{300 * round});
        reset();
        user.join();
        ::munmap(memory, 4096);
    }
}

TEST_F(BadVmm, BuffersThatAreNone) {
    // the compiler, too, sees that these are none
    void *const volatile nowhere = nullptr;
    DataFile file = idle().set_with_file(State::stop_copy);
    EXPECT_EQ(::read(file.fd(), nowhere, 100), -1);
    EXPECT_EQ(errno, EFAULT);
    const std::size_t left = file.read_all().size();
    EXPECT_GT(left, 1000U) << "a failed read loses nothing";
    reset();
    DataFile load = idle().set_with_file(State::resuming);
    EXPECT_EQ(::write(load.fd(), nowhere, 100), -1);
    EXPECT_EQ(errno, EFAULT);
    EXPECT_EQ(::write(load.fd(), nowhere, 0), 0);
}

} // namespace lm::soak
