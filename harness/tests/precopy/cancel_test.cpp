// SPDX-License-Identifier: GPL-2.0-only
/// A migration that is given up, at each of its points, with I/O before and after.
#include "precopy/fixture.hpp"

#include <functional>

namespace lm::test {

using migration::Stream;

/// How far a migration came.
struct Point {
    const char *name;
    std::function<void(Saving &, const std::function<void()> &change)> reach;
};

class PreCopyCancel : public PreCopy, public testing::WithParamInterface<Point> {
  protected:
    /// Come to the point, with changes where it wants some.
    static void reach(Source &from, Saving &saving) {
        GetParam().reach(saving, [&] {
            touch(from.end, 20, 30);
            (void)settle(saving, 30 * 4096);
        });
    }

    /// The guest works, and a whole migration of it succeeds.
    void expect_good(Source &from) {
        from.guest.verify(from.guest.queue(), Lba{0}, 1);
        from.guest.write_and_verify(from.guest.queue(), Lba{8}, 3);
        Saving saving = start(from);
        saving.pass();
        finish(from, saving);
        Endpoint to = endpoint(1);
        go_on(from, saving, to);
    }
};

TEST_P(PreCopyCancel, BackToRunning) {
    Source from = source();
    Saving saving = start(from);
    reach(from, saving);
    from.end.migration.set(State::running);
    Bytes some(16);
    EXPECT_NE(error_of([&] { saving.file().read_some(some); }), 0) << "its file ends";
    expect_good(from);
}

TEST_P(PreCopyCancel, BackToRunningFromP2p) {
    Source from = source();
    if (!has(from.end.migration, State::pre_copy_p2p))
        GTEST_SKIP() << "this function does not have PRE_COPY_P2P";
    Saving saving = start(from);
    reach(from, saving);
    from.end.migration.set(State::pre_copy_p2p);
    saving.pass();
    from.end.migration.set(State::pre_copy);
    from.guest.write_and_verify(from.guest.queue(), Lba{16}, 5);
    from.end.migration.set(State::pre_copy_p2p);
    from.end.migration.set(State::running);
    expect_good(from);
}

TEST_P(PreCopyCancel, BackToRunningFromStopCopy) {
    Source from = source();
    Saving saving = start(from);
    reach(from, saving);
    from.end.migration.set(State::stop_copy);
    saving.some(5000);
    from.end.migration.set(State::running);
    expect_good(from);
}

TEST_P(PreCopyCancel, ByClosingTheFile) {
    Source from = source();
    {
        Saving saving = start(from);
        reach(from, saving);
    }
    EXPECT_EQ(from.end.migration.state(), State::pre_copy);
    from.guest.write_and_verify(from.guest.queue(), Lba{16}, 5);
    from.end.migration.set(State::running);
    expect_good(from);
}

TEST_P(PreCopyCancel, ByAReset) {
    Source from = source();
    Saving saving = start(from);
    reach(from, saving);
    reset(from.end);
    Bytes some(16);
    EXPECT_NE(error_of([&] { saving.file().read_some(some); }), 0);
    EXPECT_NE(error_of([&] { (void)saving.file().precopy_info(); }), 0);
    close(from.end.machine);
    Source again = source();
    expect_good(again);
}

TEST_P(PreCopyCancel, ByClosingTheDevice) {
    Source from = source();
    Saving saving = start(from);
    reach(from, saving);
    close(from.end.machine);
    Bytes some(16);
    EXPECT_NE(error_of([&] { saving.file().read_some(some); }), 0);
    Source again = source();
    expect_good(again);
}

INSTANTIATE_TEST_SUITE_P(
    Points, PreCopyCancel,
    testing::Values(Point{"NothingRead", [](Saving &, const auto &) {}},
                    Point{"AByteRead", [](Saving &s, const auto &) { s.some(1); }},
                    Point{"InTheFirstPass", [](Saving &s, const auto &) { s.some(500000); }},
                    Point{"FirstPassDone", [](Saving &s, const auto &) { s.pass(); }},
                    Point{"ChangesWait",
                          [](Saving &s, const auto &change) {
                              s.pass();
                              change();
                          }},
                    Point{"InTheSecondPass",
                          [](Saving &s, const auto &change) {
                              s.pass();
                              change();
                              s.some(6000);
                          }},
                    Point{"SecondPassDone",
                          [](Saving &s, const auto &change) {
                              s.pass();
                              change();
                              s.pass();
                          }}),
    [](const auto &info) { return std::string{info.param.name}; });

} // namespace lm::test
