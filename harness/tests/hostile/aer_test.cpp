// SPDX-License-Identifier: GPL-2.0-only
/// Errors of the PCIe link above the PF while a migration runs. They are injected from
/// outside, by rig/lib/inject-errors; without it the tests are skipped.
#include "hostile/fixture.hpp"
#include "util/deadline.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace lm::test {

namespace {

namespace fs = std::filesystem;

/// The folder through which the injector is asked; empty if there is none.
fs::path mailbox() {
    const char *folder = std::getenv("INJECT_FOLDER");
    return folder ? folder : "";
}

/// Have the root port report an error by the name that QEMU has for it.
void inject(const std::string &error) {
    const fs::path answer = mailbox() / "injected";
    fs::remove(answer);
    std::ofstream{mailbox() / "inject.new"} << error << '\n';
    fs::rename(mailbox() / "inject.new", mailbox() / "inject");
    wait_until([&] { return fs::exists(answer); }, "the injector to answer");
    std::string text;
    std::getline(std::ifstream{answer} >> std::ws, text);
    if (!text.starts_with("OK"))
        throw std::runtime_error{"the emulator does not inject " + error + ": " + text};
}

} // namespace

class HostileLink : public Hostile {
  protected:
    void SetUp() override {
        Hostile::SetUp();
        if (mailbox().empty())
            GTEST_SKIP() << "needs rig/lib/inject-errors beside the emulator";
    }
};

/// Errors that lose nothing.
class HostileLinkMinor : public HostileLink, public testing::WithParamInterface<const char *> {};

TEST_P(HostileLinkMinor, AreNotNoticed) {
    Source from = source();
    Endpoint to = endpoint(1);
    migration::DataFile file = from.end.migration.set_with_file(State::pre_copy);
    const Bytes stream = file.read_pass();
    inject(GetParam());
    std::this_thread::sleep_for(2 * silence);
    finish_move(from, file, stream, to);
    from.guest.write_and_verify(from.guest.queue(), Lba{8}, 1);
    expect_no_pf_reset();
}

INSTANTIATE_TEST_SUITE_P(Errors, HostileLinkMinor, testing::Values("BAD_TLP", "COMP_TIME"),
                         [](const auto &info) { return std::string{info.param}; });

/// Errors after which the kernel resets all that is behind the root port.
class HostileLinkFatal : public HostileLink,
                         public testing::WithParamInterface<migration::State> {};

TEST_P(HostileLinkFatal, EndTheMigrationAndLeaveTheFunctionRunning) {
    const unsigned before = pf_resets();
    {
        Source from = source();
        auto file = from.end.migration.set(GetParam());
        inject("DLP");
        wait_until(
            [&] {
                error_of([&] { (void)from.end.migration.data_size(); });
                return pf_resets() > before;
            },
            "the PF to be reset");
        wait_until([&] { return from.end.migration.state() == State::running; },
                   "the state after a reset");
        Bytes some(16);
        if (file) {
            EXPECT_NE(error_of([&] { file->read_some(some); }), 0);
            EXPECT_NE(error_of([&] { file->write_some(some); }), 0);
        }
    }
    leave();
    the_rig().start_over();
    Source from = source();
    Endpoint to = endpoint(1);
    expect_moves(from, to);
}

INSTANTIATE_TEST_SUITE_P(States, HostileLinkFatal,
                         testing::Values(migration::State::running, migration::State::stop,
                                         migration::State::stop_copy, migration::State::pre_copy,
                                         migration::State::resuming),
                         [](const auto &info) { return std::string{name_of(info.param)}; });

} // namespace lm::test
