// SPDX-License-Identifier: GPL-2.0-only
/// After the stop only the difference travels; states that grow and shrink.
#include "nvme/churn.hpp"
#include "precopy/fixture.hpp"

#include <thread>

namespace lm::test {

using migration::Stream;

/// Percent of the device memory that changed since the last pass.
class PreCopyDifference : public PreCopy, public testing::WithParamInterface<unsigned> {
  protected:
    static constexpr std::uint64_t memory = 3 * mib;
    static std::uint32_t blocks() {
        return static_cast<std::uint32_t>(memory / 4096 * GetParam() / 100);
    }
    static std::size_t limit() {
        return static_cast<std::size_t>(1.1 * GetParam() / 100 * memory) + overhead;
    }
};

TEST_P(PreCopyDifference, IsAllThatComesAfterTheStop) {
    Source from = source(memory);
    Saving saving = start(from);
    saving.pass();
    touch(from.end, 50, blocks());
    const std::size_t bytes = finish(from, saving);
    EXPECT_LE(bytes, limit());
    EXPECT_GE(bytes, std::size_t{blocks()} * 4096);
    Endpoint to = endpoint(1);
    go_on(from, saving, to);
}

TEST_P(PreCopyDifference, IsNothingOnceItWasRead) {
    Source from = source(memory);
    Saving saving = start(from);
    saving.pass();
    touch(from.end, 50, blocks());
    (void)settle(saving, std::uint64_t{blocks()} * 4096);
    saving.pass();
    EXPECT_LE(from.end.migration.data_size(), overhead);
    EXPECT_LE(finish(from, saving), overhead);
}

TEST_P(PreCopyDifference, IsWhatTheDataSizeSays) {
    Source from = source(memory);
    Saving saving = start(from);
    EXPECT_GE(from.end.migration.data_size(), memory) << "nothing was read yet";
    saving.pass();
    (void)settle(saving, 0);
    touch(from.end, 50, blocks());
    (void)settle(saving, std::uint64_t{blocks()} * 4096);
    const std::uint64_t promised = from.end.migration.data_size();
    EXPECT_LE(promised, limit());
    EXPECT_GE(promised, finish(from, saving));
}

INSTANTIATE_TEST_SUITE_P(Percent, PreCopyDifference, testing::Values(0, 1, 10, 50),
                         testing::PrintToStringParamName());

class PreCopyPass : public PreCopy {};

TEST_F(PreCopyPass, TheSameBlockAgainAndAgain) {
    Source from = source();
    Saving saving = start(from);
    saving.pass();
    for (unsigned round = 0; round < 5; ++round) {
        touch(from.end, 30, 1);
        (void)settle(saving, 4096);
        EXPECT_GT(saving.pass(), 4096U);
    }
    EXPECT_LE(finish(from, saving), overhead);
    Endpoint to = endpoint(1);
    go_on(from, saving, to);
}

TEST_F(PreCopyPass, ChangesInTheMidstOfTheFirstPass) {
    Source from = source();
    Saving saving = start(from);
    for (unsigned i = 0; i < 20; ++i) {
        saving.some(100 * kib);
        touch(from.end, i, 20, 30); // behind the reader and before it
    }
    Endpoint to = endpoint(1);
    finish(from, saving);
    go_on(from, saving, to);
}

TEST_F(PreCopyPass, StoppedBeforeAnythingWasRead) {
    Source from = source();
    Saving saving = start(from);
    const std::size_t bytes = finish(from, saving);
    EXPECT_LE(bytes, truth(from.end).size() + overhead + 3 * mib / 10)
        << "what was not read yet need not come twice";
    Endpoint to = endpoint(1);
    go_on(from, saving, to);
}

TEST_F(PreCopyPass, ReaderStopsInTheMiddleOfARecord) {
    for (const std::size_t part : {1UL, 31UL, 700UL, 100000UL, 1500000UL}) {
        Source from = source();
        Saving saving = start(from);
        while (saving.bytes().size() < part)
            ASSERT_GT(saving.some(part - saving.bytes().size()), 0U);
        touch(from.end, 0, 10, 70);
        finish(from, saving);
        close(from.end.machine);
    }
}

TEST_F(PreCopyPass, GuestWorksOnMeanwhile) {
    Source from = source();
    Saving saving = start(from);
    std::uint64_t seed = 0;
    for (bool all = false; !all;) {
        from.guest.write_and_verify(from.guest.queue(), Lba{128 + 8 * (seed % 20)}, seed);
        ++seed;
        all = error_of([&] { saving.some(128 * kib); }) == ENOMSG;
    }
    for (unsigned i = 0; i < 5; ++i) {
        for (unsigned k = 0; k < 10; ++k, ++seed)
            from.guest.write_and_verify(from.guest.queue(), Lba{128 + 8 * (seed % 20)}, seed);
        (void)settle(saving, 1);
        EXPECT_GT(saving.pass(), 0U) << "the queues have moved";
    }
    Endpoint to = endpoint(1);
    finish(from, saving);
    go_on(from, saving, to);
}

TEST_F(PreCopyPass, ChangesUpToTheStop) {
    // What is read before the stop and comes after it must not pass for what is
    // there after it: the stop falls anywhere into passes, scans and changes.
    for (unsigned round = 0; round < 25; ++round) {
        SCOPED_TRACE(round);
        Source from = source(512 * kib);
        Saving saving = start(from);
        {
            const std::jthread changes{[&](const std::stop_token &stop) {
                for (unsigned i = 0; !stop.stop_requested(); ++i) // refused once it stands
                    (void)pf().submit(
                        nvme::touch_memory(from.end.machine.cntlid(), i * 7 % 128, 1 + i % 4));
            }};
            const std::jthread asker{[&](const std::stop_token &stop) {
                while (!stop.stop_requested())
                    (void)error_of([&] { (void)saving.file().precopy_info(); });
            }};
            const std::jthread reader{[&](const std::stop_token &stop) {
                while (!stop.stop_requested())
                    (void)error_of([&] { saving.some(20000); });
            }};
            std::this_thread::sleep_for(std::chrono::milliseconds{20 + 17 * round});
            from.end.migration.set(State::stop_copy);
        }
        saving.rest();
        EXPECT_EQ(difference(Stream::parse(saving.bytes()).state(), truth(from.end)), "");
        close(from.end.machine);
    }
}

/// Sizes of the device memory at the start, between the passes, and at the stop.
struct Growth {
    const char *name;
    std::uint64_t first, between, last;
};

class PreCopyGrowth : public PreCopy, public testing::WithParamInterface<Growth> {};

TEST_P(PreCopyGrowth, StateThatChangesItsSize) {
    const auto [name, first, between, last] = GetParam();
    Source from = source(first);
    Saving saving = start(from);
    saving.pass();
    resize(from.end, between);
    if (between)
        touch(from.end, 0, 3);
    (void)settle(saving, between || first ? 1 : 0);
    saving.pass();
    resize(from.end, last);
    finish(from, saving);
    Endpoint to = endpoint(1);
    go_on(from, saving, to);
}

constexpr std::uint64_t MiB = 1 << 20;
INSTANTIATE_TEST_SUITE_P(Sizes, PreCopyGrowth,
                         testing::Values(Growth{"ByADword", MiB, MiB + 4, MiB + 8},
                                         Growth{"LessADword", MiB, MiB - 4, MiB - 8},
                                         Growth{"ByAGranule", MiB, MiB + 4096, MiB + 8192},
                                         Growth{"LessAGranule", MiB, MiB - 4096, MiB - 8192},
                                         Growth{"ByAPiece", MiB, MiB + 131072, MiB + 262144},
                                         Growth{"ToThreeTimes", MiB, 2 * MiB, 3 * MiB},
                                         Growth{"ToAThird", 3 * MiB, 2 * MiB, MiB},
                                         Growth{"UpAndDown", MiB, 3 * MiB + 12, MiB},
                                         Growth{"DownAndUp", MiB + 20, 4, MiB + 20},
                                         Growth{"ToNothing", MiB, MiB, 0},
                                         Growth{"FromNothing", 0, 0, MiB},
                                         Growth{"NothingBetween", MiB, 0, MiB}),
                         [](const auto &info) { return std::string{info.param.name}; });

TEST_F(PreCopyPass, SizesAroundEveryBoundary) {
    // Device memory begins at a multiple of 64 KiB of the state, so these are the
    // boundaries of a granule and of a piece.
    for (const std::uint64_t around : {4UL, 4096UL, 65536UL, 131072UL, 1048576UL})
        for (const std::uint64_t memory : {around - 4, around, around + 4}) {
            SCOPED_TRACE(memory);
            Source from = source(memory);
            Saving saving = start(from);
            saving.pass();
            if (memory) // the last block, which may be short
                touch(from.end, static_cast<std::uint32_t>((memory - 1) / 4096), 1);
            finish(from, saving);
            Endpoint to = endpoint(1);
            const Bytes state = truth(from.end);
            EXPECT_EQ(errno_name(load_error(to, saving.bytes())), errno_name(0));
            EXPECT_EQ(difference(truth(to), state), "");
            reset(to);
            // the same in one pass
            from.end.migration.set(State::stop);
            EXPECT_EQ(errno_name(load_error(to, from.end.migration.save())), errno_name(0));
            EXPECT_EQ(difference(truth(to), state), "");
            close(to.machine);
            close(from.end.machine);
        }
}

TEST_F(PreCopyPass, StateOfAFewBytes) {
    Source from = source(4);
    Saving saving = start(from);
    saving.pass();
    touch(from.end, 0, 1);
    finish(from, saving);
    Endpoint to = endpoint(1);
    go_on(from, saving, to);
}

TEST_F(PreCopyPass, ShrinksInTheFirstPass) {
    // The rest of the first pass may be gone before it is read: it is through then,
    // and changes are looked for.
    for (const std::size_t read : {std::size_t{0}, std::size_t{1000}, std::size_t{1 << 20}})
        for (const std::uint64_t left : {8 * kib, 700 * kib, 3 * mib - 8 * kib}) {
            SCOPED_TRACE(std::to_string(read) + " bytes read, " + std::to_string(left) + " left");
            Source from = source(3 * mib);
            Saving saving = start(from);
            while (saving.bytes().size() < read)
                ASSERT_GT(saving.some(read - saving.bytes().size()), 0U);
            resize(from.end, left);
            saving.pass();
            EXPECT_EQ(settle(saving, 0).initial_bytes, 0U);
            touch(from.end, 0, 1);
            EXPECT_GE(settle(saving, 4096).dirty_bytes, 4096U);
            saving.pass();
            EXPECT_LE(finish(from, saving), overhead);
            close(from.end.machine);
        }
}

TEST_F(PreCopyPass, GuestThatMakesQueuesMeanwhile) {
    Source from = source();
    Saving saving = start(from);
    saving.pass();
    from.guest.driver().delete_io_pair(QueueId{1});
    (void)settle(saving, 1);
    saving.pass();
    nvme::QueuePair &queue =
        from.guest.driver().create_io_pair(queue_pairs(1, from.end.machine).front());
    from.guest.write_and_verify(queue, Lba{8}, 4);
    finish(from, saving);
    Endpoint to = endpoint(1);
    go_on(from, saving, to);
}

TEST_F(PreCopyPass, GuestThatResetsItsControllerMeanwhile) {
    Source from = source();
    Saving saving = start(from);
    saving.pass();
    from.guest.driver().disable();
    (void)settle(saving, 1);
    saving.pass();
    finish(from, saving);
}

TEST_F(PreCopyPass, TwoFunctionsAtOnce) {
    Source one = source();
    Endpoint two = endpoint(1);
    boot(two.machine);
    Saving first = start(one);
    Saving second{two.migration.set_with_file(State::pre_copy)};
    {
        const std::jthread other{[&] { second.pass(10000); }};
        first.pass(10000);
    }
    touch(two, 0, 100);
    (void)settle(first, 0);
    EXPECT_LE(first.pass(), 2 * restless_bytes(one, first)) << "the other one's changes";
    EXPECT_LE(finish(one, first), overhead);
    two.migration.set(State::stop_copy);
    EXPECT_GE(second.rest(), 100U * 4096);
    EXPECT_EQ(difference(Stream::parse(second.bytes()).state(), truth(two)), "");
}

} // namespace lm::test
