// SPDX-License-Identifier: GPL-2.0-only
/// Each allocation of the driver fails once: the call that needs it gives ENOMEM or does
/// without, a source can run again, and the next try succeeds.
#include "soak/world.hpp"
#include "util/fd.hpp"
#include "util/sysfs.hpp"

#include <fmt/format.h>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

namespace lm::soak {

using migration::State;

namespace {

namespace fs = std::filesystem;

const fs::path debugfs{"/sys/kernel/debug"};

/// Where the code of a module is, as /proc/modules has it.
struct Range {
    std::string first;
    std::string end;
};

Range code_of(const std::string &module) {
    std::ifstream modules{"/proc/modules"};
    for (std::string line; std::getline(modules, line);) {
        std::istringstream words{line};
        std::string name, uses, by, state, address;
        std::uint64_t size = 0;
        words >> name >> size >> uses >> by >> state >> address;
        if (name == module)
            return {address, fmt::format("{:#x}", std::stoull(address, nullptr, 16) + size)};
    }
    throw std::runtime_error{module + " is not loaded"};
}

/// Lets an allocation of this thread fail that is made for the driver.
class Fault {
  public:
    Fault() {
        const Range code = code_of("nvme_vfio_pci");
        for (const char *kind : {"failslab", "fail_page_alloc"}) {
            sysfs::write(debugfs / kind / "ignore-gfp-wait", "N");
            sysfs::write(debugfs / kind / "verbose", "0");
            sysfs::write(debugfs / kind / "stacktrace-depth", "32");
            sysfs::write(debugfs / kind / "require-start", code.first);
            sysfs::write(debugfs / kind / "require-end", code.end);
        }
        sysfs::write(debugfs / "fail_page_alloc" / "min-order", "0");
    }
    ~Fault() {
        sysfs::write(nth_, "0");
        for (const char *kind : {"failslab", "fail_page_alloc"}) {
            sysfs::write(debugfs / kind / "require-start", "0");
            sysfs::write(debugfs / kind / "require-end", "0xffffffffffffffff");
        }
    }
    Fault(const Fault &) = delete;
    Fault &operator=(const Fault &) = delete;

    static bool possible() { return fs::exists(debugfs / "failslab" / "require-start"); }

    /// The @nth allocation from now on fails.
    void arm(unsigned nth) { sysfs::write(nth_, std::to_string(nth)); }
    /// None fails any more. Whether one did.
    bool disarm() {
        const bool fired = sysfs::read(nth_) == "0";
        sysfs::write(nth_, "0");
        return fired;
    }

  private:
    fs::path nth_{"/proc/thread-self/fail-nth"};
};

class AllocationFaults : public testing::Test {
  protected:
    void SetUp() override {
        if (!Fault::possible())
            GTEST_SKIP() << "needs a kernel with fault injection: the debug kernel";
        world_.emplace(random_);
        world_->tenant(0).work();
    }

    World &world() { return *world_; }
    migration::Migration source() { return world().seat(world().place(0)).migration(); }

    /// Do @action again and again, with another allocation failing each time, and
    /// @repair after each, until there are no more.
    template <typename Action, typename Repair> void each(Action action, Repair repair) {
        Fault fault;
        unsigned refused = 0;
        unsigned nth = 0;
        bool fired = true;
        while (fired && !HasFailure()) {
            ASSERT_LT(++nth, 2000U) << "no end of allocations";
            SCOPED_TRACE(fmt::format("allocation {}", nth));
            int error = 0;
            fault.arm(nth);
            try {
                action();
            } catch (const std::system_error &caught) {
                error = caught.code().value();
            }
            fired = fault.disarm();
            // ENOSPC is the kernel's word for no memory for interrupts
            EXPECT_TRUE(error == 0 || (fired && (error == ENOMEM || error == ENOSPC)))
                << strerrorname_np(error);
            refused += error != 0;
            repair();
        }
        fmt::print("{} allocations failed, {} calls gave an error\n", nth - 1, refused);
        EXPECT_GT(nth, 3U) << "nothing was made to fail";
    }

  private:
    Random random_{1};
    std::optional<World> world_;
};

} // namespace

TEST_F(AllocationFaults, Saving) {
    each([&] { source().save(); },
         [&] {
             source().set(State::running);
             world().tenant(0).work();
         });
}

TEST_F(AllocationFaults, SavingWhileItRuns) {
    if (!has_state(source(), State::pre_copy))
        GTEST_SKIP() << "the function has no PRE_COPY";
    each(
        [&] {
            migration::DataFile file = source().set_with_file(State::pre_copy);
            file.read_pass();
            source().set(State::stop_copy);
            file.read_all();
        },
        [&] {
            source().set(State::running);
            world().tenant(0).work();
        });
}

TEST_F(AllocationFaults, Loading) {
    const Bytes stream = source().save();
    source().set(State::running);
    const std::size_t to = world().free_seat();
    each(
        [&] {
            world().seat(to).migration().load(stream);
            world().seat(to).migration().set(State::running);
        },
        [&] { world().reset(to); });
    world().migrate(0, to);
    world().tenant(0).work();
}

TEST_F(AllocationFaults, Opening) {
    const std::size_t seat = world().free_seat();
    // without memory to find its controlling side it is opened as by plain vfio-pci
    each(
        [&] {
            world().close(seat);
            world().open(seat);
        },
        [&] {
            world().close(seat);
            world().open(seat);
            EXPECT_TRUE(world().seat(seat).migration().supported());
        });
}

} // namespace lm::soak
