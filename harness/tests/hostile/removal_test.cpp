// SPDX-License-Identifier: GPL-2.0-only
/// Something is taken away while a migration runs: a function, its driver, the PF, the
/// slot it is in, the VMM. What has to wait for the user says so.
#include "hostile/fixture.hpp"
#include "rig/modules.hpp"
#include "util/sysfs.hpp"

#include <atomic>
#include <csignal>
#include <fmt/format.h>
#include <functional>
#include <future>
#include <sys/klog.h>
#include <sys/wait.h>

namespace lm::test {

namespace {

using migration::DataFile;

/// What is taken away, whether that has to wait until the user lets go, and what brings
/// it back.
struct Removal {
    const char *name;
    bool waits;
    void (*away)();
    void (*back)();
};

const pci::Address &pf_address() {
    return the_rig().pf().address;
}
const pci::Address &first_function() {
    return the_rig().function(0).address;
}
std::filesystem::path nvme_driver() {
    return "/sys/bus/pci/drivers/nvme";
}

void start_over() {
    the_rig().start_over();
}

const std::vector<Removal> removals{
    {"UnbindingTheFunction", true, [] { pci::unbind(first_function()); },
     [] {
         pci::bind(first_function(), rig::variant_driver);
         the_rig().reconnect();
     }},
    {"TakingAllFunctions", true, [] { sysfs::write(pf_address().sysfs() / "sriov_numvfs", "0"); },
     start_over},
    {"UnbindingThePf", false, [] { sysfs::write(nvme_driver() / "unbind", pf_address().text()); },
     [] {
         sysfs::write(nvme_driver() / "bind", pf_address().text());
         start_over();
     }},
    {"TakingTheSlot", true, [] { pci::remove(pf_address().bridge()); },
     [] {
         pci::rescan();
         start_over();
     }},
    {"ResettingThePf", false, [] { sysfs::write(pf_address().sysfs() / "reset", "1"); },
     start_over},
    {"ResettingItsController", false,
     [] {
         const auto name = std::filesystem::path{the_rig().pf().device}.filename();
         sysfs::write("/sys/class/nvme" / name / "reset_controller", "1");
     },
     start_over},
};

/// What is under way then.
enum class Phase { precopy, stop_copy, resuming };

constexpr std::array phases{Phase::precopy, Phase::stop_copy, Phase::resuming};
const char *name_of(Phase phase) {
    return std::array{"PreCopy", "StopCopy", "Resuming"}.at(static_cast<std::size_t>(phase));
}

/// The kernel's log.
std::string kernel_log() {
    constexpr int read_all = 3;
    std::string text(1 << 20, '\0');
    const int n = check(::klogctl(read_all, text.data(), static_cast<int>(text.size())), "klogctl");
    text.resize(static_cast<std::size_t>(n));
    return text;
}
void clear_kernel_log() {
    constexpr int clear = 5;
    check(::klogctl(clear, nullptr, 0), "klogctl");
}

} // namespace

class HostileRemoval : public Hostile,
                       public testing::WithParamInterface<std::tuple<Removal, Phase>> {
  protected:
    ~HostileRemoval() override { done_ = true; }

    /// Bring a migration under way, and go on with it in a thread until its file gives
    /// an error.
    void begin(Phase phase) {
        Source from = source();
        Endpoint to = endpoint(1);
        if (phase == Phase::resuming) {
            stream_ = from.end.migration.save();
            file_.emplace(to.migration.set_with_file(State::resuming));
        } else {
            file_.emplace(from.end.migration.set_with_file(
                phase == Phase::precopy ? State::pre_copy : State::stop_copy));
        }
        user_ = std::async(std::launch::async, [this, phase] { return use(phase); });
        ends_ = {from.end.migration, to.migration};
    }

    /// Whoever calls the functions gets an answer, whatever it is.
    void ask() {
        for (migration::Migration &end : ends_) {
            bounded([&] { (void)end.state(); });
            bounded([&] { (void)end.data_size(); });
            bounded([&] { end.set(State::stop); });
            bounded([&] { end.set(State::running); });
        }
    }

    /// The file ends by now, with the one word for it.
    void expect_file_ended() {
        done_ = true;
        ASSERT_EQ(user_.wait_for(bound), std::future_status::ready) << "who used the file hangs";
        const int error = user_.get();
        EXPECT_TRUE(error == 0 || error == ENODEV || error == ESTALE) << errno_name(error);
        Bytes some(16);
        EXPECT_NE(error_of([&] { file_->read_some(some); }), 0);
        EXPECT_NE(error_of([&] { file_->write_some(some); }), 0);
    }
    void close_file() { file_.reset(); }

  private:
    /// One byte after the other, so that it takes long.
    int use(Phase phase) {
        Bytes some(1);
        std::size_t at = 0;
        while (!done_) {
            const int error = error_of([&] {
                if (phase != Phase::resuming)
                    file_->read_some(some);
                else if (at < stream_.size() / 2)
                    file_->write_some(ByteView{stream_}.subspan(at++, 1));
                else
                    std::this_thread::sleep_for(std::chrono::milliseconds{1});
            });
            if (error == ENOMSG)
                (void)error_of([&] { (void)file_->precopy_info(); });
            else if (error)
                return error;
        }
        return 0;
    }

    Bytes stream_;
    std::optional<DataFile> file_;
    std::atomic<bool> done_ = false;
    std::future<int> user_;
    std::vector<migration::Migration> ends_;
};

TEST_P(HostileRemoval, EndsTheMigrationAndNothingElse) {
    const auto &[removal, phase] = GetParam();
    begin(phase);
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
    clear_kernel_log();
    auto away = std::async(std::launch::async, [&] { return error_of(removal.away); });
    if (removal.waits) {
        EXPECT_EQ(away.wait_for(3 * silence), std::future_status::timeout)
            << "it has to wait for the user";
        EXPECT_NE(kernel_log().find("blocked until released by user"), std::string::npos);
    } else {
        EXPECT_EQ(away.wait_for(bound), std::future_status::ready) << "it waits for the user";
    }
    ask();
    expect_file_ended();
    leave();
    ASSERT_EQ(away.wait_for(bound), std::future_status::ready) << "it hangs";
    EXPECT_EQ(errno_name(away.get()), errno_name(0));
    close_file();

    removal.back();
    Source from = source();
    Endpoint to = endpoint(1);
    expect_moves(from, to);
}

INSTANTIATE_TEST_SUITE_P(Any, HostileRemoval,
                         testing::Combine(testing::ValuesIn(removals), testing::ValuesIn(phases)),
                         [](const auto &info) {
                             return std::string{std::get<0>(info.param).name} + "In" +
                                    name_of(std::get<1>(info.param));
                         });

using HostileModules = Hostile;

TEST_F(HostileModules, CannotBeUnloadedWhileAFunctionIsOpen) {
    Source from = source();
    Endpoint to = endpoint(1);
    DataFile file = from.end.migration.set_with_file(State::pre_copy);
    for (const char *module : {"nvme_vfio_pci", "nvme_lm", "nvme"})
        EXPECT_ANY_THROW(run_program({"rmmod", module})) << module;
    file.read_pass();
    expect_runs_again(from);
    expect_moves(from, to);
}

/// The VMM is killed in the middle of everything.
class HostileVmmKilled : public Hostile, public testing::WithParamInterface<Phase> {
  protected:
    /// The life of a VMM, which ends when it is killed. One byte into @ready says that
    /// it is in the middle of things.
    [[noreturn]] void live(int ready) {
        try {
            // groups and containers of its own, which nobody holds when it is gone
            the_rig().reconnect();
            Source from = source();
            Endpoint to = endpoint(1);
            const bool resuming = GetParam() == Phase::resuming;
            const Bytes stream = resuming ? from.end.migration.save() : Bytes{};
            DataFile file = resuming ? to.migration.set_with_file(State::resuming)
                                     : from.end.migration.set_with_file(GetParam() == Phase::precopy
                                                                            ? State::pre_copy
                                                                            : State::stop_copy);
            const nvme::DataBuffer data = from.guest.buffer(1 << 20);
            if (GetParam() == Phase::precopy)
                for (unsigned i = 0; i < 30; ++i)
                    from.guest.driver().submit_io(from.guest.queue(), nvme::Io::read,
                                                  from.guest.disk(), Lba{0}, 1024, data);
            check(::write(ready, "r", 1), "write");
            Bytes some(resuming ? 100 : 1);
            for (std::size_t at = 0;; at += some.size())
                (void)error_of([&] {
                    if (!resuming)
                        file.read_some(some);
                    else if (at + some.size() < stream.size() / 2)
                        file.write_some(ByteView{stream}.subspan(at, some.size()));
                });
        } catch (const std::exception &error) {
            fmt::print(stderr, "the VMM: {}\n", error.what());
        }
        ::_exit(1);
    }
};

TEST_P(HostileVmmKilled, TheFunctionsAreAsGoodAsNew) {
    for (unsigned delay : {0U, 5U, 50U}) {
        int ends[2];
        check(::pipe(ends), "pipe");
        const pid_t pid = check(::fork(), "fork");
        if (pid == 0)
            live(ends[1]);
        ::close(ends[1]);
        char byte = 0;
        EXPECT_EQ(::read(ends[0], &byte, 1), 1) << "the VMM did not come that far";
        ::close(ends[0]);
        std::this_thread::sleep_for(std::chrono::milliseconds{delay});
        ::kill(pid, SIGKILL);
        int status = 0;
        const auto killed = std::chrono::steady_clock::now();
        EXPECT_EQ(::waitpid(pid, &status, 0), pid);
        EXPECT_LT(std::chrono::steady_clock::now() - killed, bound) << "it does not die";
        EXPECT_TRUE(WIFSIGNALED(status));
    }
    expect_no_pf_reset();
    Source from = source();
    Endpoint to = endpoint(1);
    expect_moves(from, to);
}

INSTANTIATE_TEST_SUITE_P(In, HostileVmmKilled, testing::ValuesIn(phases),
                         [](const auto &info) { return name_of(info.param); });

} // namespace lm::test
