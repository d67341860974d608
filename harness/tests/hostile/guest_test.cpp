// SPDX-License-Identifier: GPL-2.0-only
/// A guest that does to its function what it can: it learns nothing of others, touches
/// nothing of theirs, holds nobody up, and writes no memory once it is suspended.
#include "hostile/fixture.hpp"
#include "util/deadline.hpp"

#include <atomic>
#include <fmt/format.h>
#include <functional>
#include <random>

namespace lm::test {

using namespace nvme::status;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

namespace {

/// Longest that another guest may wait for one of its commands: it takes some
/// milliseconds when nobody disturbs, on a machine that emulates all of this.
constexpr milliseconds neighbour_limit{3000};

/// Does one thing again and again, in a thread of its own. It must not fail.
class Storm {
  public:
    explicit Storm(std::function<void()> action)
        : thread_{[this, action = std::move(action)] {
              try {
                  while (!done_)
                      action();
              } catch (const std::exception &error) {
                  ADD_FAILURE() << error.what();
              }
          }} {}
    ~Storm() { stop(); }
    Storm(const Storm &) = delete;
    Storm &operator=(const Storm &) = delete;
    void stop() {
        done_ = true;
        if (thread_.joinable())
            thread_.join();
    }

  private:
    std::atomic<bool> done_ = false;
    std::thread thread_;
};

/// A guest on a function of its own that works all the time, and looks at the clock.
class Neighbour {
  public:
    explicit Neighbour(Guest &guest)
        : guest_{&guest}, data_{guest.buffer()}, storm_{[this] { work(); }} {}
    Neighbour(const Neighbour &) = delete;
    Neighbour &operator=(const Neighbour &) = delete;

    /// End the work; none of it must have taken long.
    void stop() {
        storm_.stop();
        EXPECT_GT(rounds_, 0U);
        EXPECT_LT(worst_, neighbour_limit) << "another guest was held up";
    }

  private:
    void work() {
        const auto start = Clock::now();
        data_.fill(++rounds_, size);
        run(nvme::Io::write);
        data_.fill(0, size);
        run(nvme::Io::read);
        EXPECT_EQ(data_.mismatch(rounds_, size), std::nullopt);
        worst_ = std::max(worst_, std::chrono::duration_cast<milliseconds>(Clock::now() - start));
    }
    void run(nvme::Io opcode) {
        EXPECT_TRUE(guest_->driver()
                        .io(guest_->queue(), opcode, guest_->disk(), Lba{4096}, blocks, data_)
                        .status()
                        .ok());
    }

    static constexpr std::uint16_t blocks = 8;
    static constexpr std::size_t size = 4096;

    Guest *guest_;
    nvme::DataBuffer data_;
    std::uint64_t rounds_ = 0;
    milliseconds worst_{0};
    Storm storm_; ///< last: it uses all of the above
};

constexpr std::size_t registers = 0x2000;

vfio::Bar map_registers(Machine &machine) {
    return machine.device().map_bar(VFIO_PCI_BAR0_REGION_INDEX, registers);
}

} // namespace

class HostileGuest : public Hostile {
  protected:
    static constexpr std::size_t neighbour = 2;

    /// A neighbour on the rig's last function.
    Guest &neighbours_guest() { return boot(open(neighbour)); }
};

/// Commands that are not for a guest.
class HostileCommand : public HostileGuest, public testing::WithParamInterface<std::uint8_t> {};

TEST_P(HostileCommand, IsRefusedAndTouchesNobody) {
    Source bad = source();
    Source good = source(1);
    Endpoint stopped = endpoint(neighbour);
    boot(stopped.machine);
    stopped.migration.set(State::stop);
    const Bytes before = pf().read_whole_state(stopped.machine.cntlid());
    const nvme::DataBuffer data = bad.guest.buffer(4096);
    for (Cntlid target : {good.end.machine.cntlid(), stopped.machine.cntlid(),
                          bad.end.machine.cntlid(), Cntlid{0}}) {
        for (std::uint32_t select : {0U, 1U, 2U, 7U, 8U, 9U}) {
            nvme::Sqe sqe{.opcode = GetParam()};
            // where the different commands have their CNTLID, all of it at once
            sqe.cdw10 = select | static_cast<std::uint32_t>(target.value) << 16;
            sqe.cdw11 = target.value | 1U << 16;
            sqe.cdw15 = 16;
            EXPECT_FALSE(bad.guest.driver().admin_with_data(sqe, data, 4096).status().ok())
                << "select " << select << ", CNTLID " << target.value;
        }
    }
    EXPECT_TRUE(all_zero(data.bytes())) << "it learns nothing";
    expect_goes_on(good);
    expect_goes_on(bad);
    EXPECT_EQ(stopped.migration.state(), State::stop);
    EXPECT_EQ(difference(pf().read_whole_state(stopped.machine.cntlid()), before), "");
    EXPECT_EQ(outcome([&] { stopped.migration.set(State::running); }), errno_name(0));
}

INSTANTIATE_TEST_SUITE_P(Opcodes, HostileCommand,
                         testing::Values(0x1c, 0x3d, 0x3e, 0x41, 0x42, 0x45, 0xc4, 0xc8, 0xcc, 0xd2,
                                         0xd5, 0xe0, 0xe4, 0xe8, 0xec, 0xf0),
                         [](const auto &info) { return fmt::format("{:02X}h", info.param); });

TEST_F(HostileGuest, LearnsNothingOfOthersByIdentify) {
    Source bad = source();
    for (nvme::Cns cns : {nvme::Cns::secondary_controllers, nvme::Cns::controller_state_formats}) {
        const nvme::DataBuffer data = bad.guest.buffer(4096);
        (void)bad.guest.driver().admin_with_data(nvme::identify(cns), data, 4096);
        EXPECT_TRUE(all_zero(data.bytes())) << "CNS " << static_cast<unsigned>(cns);
    }
}

TEST_F(HostileGuest, DoorbellsInStormsWhileItIsSuspended) {
    Source bad = source();
    Neighbour other{neighbours_guest()};
    vfio::Bar bar = map_registers(bad.end.machine);
    std::mt19937 random{1};
    Storm storm{[&] {
        const std::size_t doorbell = nvme::reg::doorbells + 4 * (random() % 8);
        // what is behind the end of a queue, too
        bar.write<std::uint32_t>(doorbell, random() % 80);
    }};
    for (unsigned round = 0; round < 15; ++round) {
        const bool live = round % 2;
        EXPECT_EQ(outcome([&] { save(bad.end, live); }), errno_name(0));
        EXPECT_EQ(outcome([&] { bad.end.migration.set(State::running); }), errno_name(0));
    }
    storm.stop();
    other.stop();
    expect_no_pf_reset();
    expect_resettable(bad.end);
}

TEST_F(HostileGuest, WritesNoMemoryOnceItIsSuspended) {
    Source bad = source();
    nvme::QueuePair &queue = bad.guest.queue();
    const nvme::DataBuffer data = bad.guest.buffer(1 << 20);
    vfio::Bar bar = map_registers(bad.end.machine);
    std::uint64_t seed = 77;
    for (State state : {State::stop, State::running_p2p, State::stop_copy, State::pre_copy_p2p}) {
        std::vector<Cid> cids;
        // as many as there is room for, under way when it is stopped
        for (unsigned i = 0; i < 40; ++i)
            cids.push_back(bad.guest.driver().submit_io(queue, nvme::Io::read, bad.guest.disk(),
                                                        Lba{0}, 1024, data));
        const auto file = bad.end.migration.set(state);
        data.fill(seed, data.bytes().size());
        const Bytes ring{queue.cq_memory().begin(), queue.cq_memory().end()};
        const std::uint16_t tail = queue.sq_tail();
        // what is there already is announced again and again
        Storm storm{[&] { bar.write<std::uint32_t>(nvme::reg::doorbells + 8, tail); }};
        std::this_thread::sleep_for(2 * silence);
        storm.stop();
        EXPECT_EQ(data.mismatch(seed, data.bytes().size()), std::nullopt) << "data";
        EXPECT_EQ(difference(queue.cq_memory(), ring), "") << "completions";
        bad.end.migration.set(State::running);
        for (Cid cid : cids)
            EXPECT_TRUE(bad.guest.driver().wait(queue, cid).status().ok());
        ++seed;
    }
    expect_goes_on(bad);
}

TEST_F(HostileGuest, DeletesAndCreatesQueuesWhileItsStateIsRead) {
    Source from = source();
    Endpoint to = endpoint(1);
    Neighbour other{neighbours_guest()};
    nvme::Driver &driver = from.guest.driver();
    migration::DataFile file = from.end.migration.set_with_file(State::pre_copy);
    Bytes stream;
    {
        std::uint16_t entries = 4;
        Storm storm{[&] {
            driver.delete_io_pair(QueueId{1});
            nvme::QueueOptions options = queue_pairs(1, from.end.machine).front();
            options.sq_entries = options.cq_entries = entries;
            entries = entries == 128 ? 4 : 2 * entries;
            driver.create_io_pair(options);
        }};
        for (unsigned round = 0; round < 40; ++round) {
            const Bytes more = file.read_pass(1000 + round * 997);
            stream.insert(stream.end(), more.begin(), more.end());
            EXPECT_EQ(outcome([&] { (void)file.precopy_info(); }), errno_name(0));
            std::this_thread::sleep_for(milliseconds{10});
        }
    }
    // one more is under way when the function stops
    const Cid cid =
        driver.submit(driver.admin_queue(), nvme::get_feature(nvme::Feature::arbitration));
    ASSERT_NO_FATAL_FAILURE(finish_move(from, file, stream, to));
    EXPECT_TRUE(driver.wait(driver.admin_queue(), cid).status().ok());
    from.guest.write_and_verify(from.guest.queue(), Lba{8}, 1);
    other.stop();
}

TEST_F(HostileGuest, ResetsItsControllerAtAnyMoment) {
    Source bad = source();
    Neighbour other{neighbours_guest()};
    vfio::Bar bar = map_registers(bad.end.machine);
    std::mt19937 moments{7};
    Storm storm{[&] {
        bar.write<std::uint32_t>(nvme::reg::cc, 0);
        std::this_thread::sleep_for(std::chrono::microseconds{moments() % 3000});
        bar.write<std::uint32_t>(nvme::reg::cc, nvme::cc_defaults | nvme::cc_enable);
        std::this_thread::sleep_for(std::chrono::microseconds{moments() % 6000});
    }};
    std::mt19937 random{3};
    unsigned saved = 0;
    for (unsigned round = 0; round < 40; ++round) {
        saved += bounded([&] { save(bad.end, random() % 2); }) == 0;
        bounded([&] { bad.end.migration.set(State::running); });
        // its state may have been lost under it, which only a reset mends
        if (bad.end.migration.state() == State::error)
            reset(bad.end);
        EXPECT_EQ(bad.end.migration.state(), State::running);
    }
    storm.stop();
    other.stop();
    EXPECT_GT(saved, 0U);
    expect_no_pf_reset();
    expect_resettable(bad.end);
}

TEST_F(HostileGuest, FunctionLevelResetsAtAnyMoment) {
    Source bad = source();
    Neighbour other{neighbours_guest()};
    std::mt19937 moments{7};
    Storm storm{[&] {
        bad.end.machine.device().function_level_reset();
        std::this_thread::sleep_for(milliseconds{moments() % 30});
    }};
    for (unsigned round = 0; round < 30; ++round) {
        bounded([&] { save(bad.end, round % 2); });
        bounded([&] { bad.end.migration.set(State::running); });
    }
    storm.stop();
    other.stop();
    EXPECT_EQ(bad.end.migration.state(), State::running) << "as after any reset";
    expect_no_pf_reset();
    expect_resettable(bad.end);
}

/// Shadow doorbells that are nowhere, or say nonsense.
class HostileShadow : public HostileGuest, public testing::WithParamInterface<bool> {};

TEST_P(HostileShadow, HoldsNobodyUp) {
    const bool mapped = GetParam();
    Endpoint end = endpoint(0);
    Endpoint to = endpoint(1);
    Neighbour other{neighbours_guest()};
    Guest &guest = boot(end.machine, {});
    std::optional<iommu::DmaBuffer> shadow;
    nvme::Sqe sqe{.opcode = static_cast<std::uint8_t>(nvme::Admin::doorbell_buffer_config)};
    sqe.prp1 = 0x7'0000'0000;
    sqe.prp2 = 0x7'0000'1000;
    if (mapped) {
        shadow.emplace(guest.driver().address_space(), 2 * 4096);
        sqe.prp1 = shadow->iova().value;
        sqe.prp2 = (shadow->iova() + 4096).value;
    }
    (void)guest.driver().admin(sqe);
    bool made = true;
    try {
        guest.driver().create_io_pair(queue_pairs(1, end.machine).front());
    } catch (const std::exception &) {
        made = false; // its own doorbells mislead the controller
    }
    vfio::Bar bar = map_registers(end.machine);
    std::mt19937 random{5};
    Storm storm{[&] {
        if (shadow)
            shadow->at<std::uint32_t>(random() % 64) = random();
        bar.write<std::uint32_t>(nvme::reg::doorbells + 4 * (random() % 4), random() % 8);
    }};
    for (unsigned round = 0; round < 6; ++round) {
        Bytes stream;
        EXPECT_EQ(outcome([&] { stream = save(end, round % 2); }), errno_name(0));
        // where its queues make no sense the state is refused, and that is all
        bounded([&] { (void)load_error(to, stream); });
        reset(to);
        EXPECT_EQ(outcome([&] { end.migration.set(State::running); }), errno_name(0));
    }
    storm.stop();
    other.stop();
    expect_no_pf_reset();
    EXPECT_TRUE(made || !mapped);
    guest.driver().unplug();
    expect_resettable(end);
}

INSTANTIATE_TEST_SUITE_P(Pages, HostileShadow, testing::Bool(),
                         [](const auto &info) { return info.param ? "OfNonsense" : "NotThere"; });

} // namespace lm::test
