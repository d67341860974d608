// SPDX-License-Identifier: GPL-2.0-only
/// The file of PRE_COPY: reads of any size, its two ends, poll, O_NONBLOCK, signals.
#include "precopy/fixture.hpp"

#include "util/deadline.hpp"

#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <thread>

namespace lm::test {

using migration::Stream;

class PreCopyRead : public PreCopy {
  protected:
    static short poll_for(const Saving &saving, std::chrono::milliseconds limit) {
        pollfd waiting{
            .fd = const_cast<Saving &>(saving).file().fd(), .events = POLLIN, .revents = 0};
        const int n = ::poll(&waiting, 1, static_cast<int>(limit.count()));
        return n == 1 ? waiting.revents : short{0};
    }
    /// Read on until nobody looks for changes any more, and none that is known waits.
    static void drain(Saving &saving) {
        for (unsigned i = 0; i < 2; ++i) {
            std::this_thread::sleep_for(std::chrono::milliseconds{300}); // a scan ends
            saving.pass();
        }
    }
    static void make_nonblocking(Saving &saving) {
        ASSERT_EQ(::fcntl(saving.file().fd(), F_SETFL, O_NONBLOCK), 0);
    }
};

TEST_F(PreCopyRead, TemporaryEndIsNoEnd) {
    Source from = source(256 * kib);
    Saving saving = start(from);
    saving.pass();
    Bytes some(100);
    for (unsigned i = 0; i < 3; ++i)
        EXPECT_EQ(errno_name(error_of([&] { saving.file().read_some(some); })), "ENOMSG");
    touch(from.end, 3, 1);
    (void)settle(saving, 4096);
    EXPECT_GT(saving.pass(), 4096U);
    finish(from, saving);
    EXPECT_EQ(saving.file().read_some(some), 0U);
    EXPECT_EQ(saving.file().read_some(some), 0U) << "the end stays the end";
}

/// Bytes in one read().
class PreCopyReadSize : public PreCopyRead, public testing::WithParamInterface<std::size_t> {};

TEST_P(PreCopyReadSize, AnySizeGivesTheSame) {
    Source from = source(GetParam() < 100 ? 64 : 700 * kib);
    Saving saving = start(from);
    saving.pass(GetParam());
    touch(from.end, 0, 9, 20);
    (void)settle(saving, 4096);
    saving.pass(GetParam());
    touch(from.end, 0, 1);
    from.end.migration.set(State::stop_copy);
    saving.rest(GetParam());
    EXPECT_EQ(difference(Stream::parse(saving.bytes()).state(), truth(from.end)), "");
}

INSTANTIATE_TEST_SUITE_P(Sizes, PreCopyReadSize,
                         testing::Values(1, 3, 33, 4095, 4097, 65536, 200001, 8 << 20),
                         testing::PrintToStringParamName());

TEST_F(PreCopyRead, NonblockingReaderWithPollGetsAll) {
    Source from = source();
    Saving saving = start(from);
    make_nonblocking(saving);
    unsigned again = 0;
    for (int error = 0; error != ENOMSG;) {
        error = error_of([&] { saving.some(50000); });
        ASSERT_TRUE(error == 0 || error == EAGAIN || error == ENOMSG) << errno_name(error);
        if (error != EAGAIN)
            continue;
        ++again;
        ASSERT_TRUE(poll_for(saving, patience) & POLLIN) << "poll must not wait for ever";
    }
    touch(from.end, 0, 50);
    from.end.migration.set(State::stop_copy);
    for (bool end = false; !end;) {
        ASSERT_TRUE(poll_for(saving, patience) & POLLIN);
        std::size_t n = 1;
        const int error = error_of([&] { n = saving.some(50000); });
        ASSERT_TRUE(error == 0 || error == EAGAIN) << errno_name(error);
        end = error == 0 && n == 0;
    }
    EXPECT_TRUE(poll_for(saving, silence) & POLLIN) << "at the end it stays readable";
    EXPECT_EQ(difference(Stream::parse(saving.bytes()).state(), truth(from.end)), "");
}

TEST_F(PreCopyRead, PollWaitsAtTheTemporaryEndUntilSomethingChanged) {
    Source from = source();
    Saving saving = start(from);
    saving.pass();
    drain(saving);
    EXPECT_EQ(poll_for(saving, silence), 0);
    touch(from.end, 8, 2);
    (void)settle(saving, 8192);
    EXPECT_TRUE(poll_for(saving, patience) & POLLIN);
    drain(saving);
    EXPECT_EQ(poll_for(saving, silence), 0);
}

TEST_F(PreCopyRead, StopWakesWhoPolls) {
    Source from = source();
    Saving saving = start(from);
    saving.pass();
    drain(saving);
    short events = 0;
    {
        const std::jthread waiter{[&] { events = poll_for(saving, patience); }};
        std::this_thread::sleep_for(silence);
        from.end.migration.set(State::stop_copy);
    }
    EXPECT_TRUE(events & POLLIN);
    saving.rest();
    EXPECT_EQ(difference(Stream::parse(saving.bytes()).state(), truth(from.end)), "");
}

TEST_F(PreCopyRead, CancelAndResetWakeWhoPolls) {
    for (const bool by_reset : {false, true}) {
        Source from = source();
        Saving saving = start(from);
        saving.pass();
        drain(saving);
        short events = 0;
        const auto begin = std::chrono::steady_clock::now();
        {
            const std::jthread waiter{[&] { events = poll_for(saving, patience); }};
            std::this_thread::sleep_for(silence);
            if (by_reset)
                from.end.machine.device().reset();
            else
                from.end.migration.set(State::running);
        }
        EXPECT_LT(std::chrono::steady_clock::now() - begin, patience / 2)
            << (by_reset ? "reset" : "cancel");
        EXPECT_NE(events, 0) << (by_reset ? "reset" : "cancel");
        close(from.end.machine);
    }
}

TEST_F(PreCopyRead, FileCannotBeWrittenNorSeeked) {
    Source from = source(64);
    Saving saving = start(from);
    Bytes some(16);
    EXPECT_NE(error_of([&] { saving.file().write_some(some); }), 0);
    EXPECT_EQ(::lseek(saving.file().fd(), 0, SEEK_SET), -1);
    EXPECT_EQ(::pread(saving.file().fd(), some.data(), some.size(), 4), -1);
}

TEST_F(PreCopyRead, BadBufferLosesNothing) {
    Source from = source(64 * kib);
    Saving saving = start(from);
    saving.some(1000);
    void *nowhere = ::mmap(nullptr, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(nowhere, MAP_FAILED);
    const ssize_t n = ::read(saving.file().fd(), nowhere, 5000);
    const int error = errno;
    ::munmap(nowhere, 8192);
    EXPECT_EQ(n, -1);
    EXPECT_EQ(errno_name(error), "EFAULT");
    saving.pass();
    finish(from, saving);
}

/// A timer that interrupts every system call.
class Interruptions {
  public:
    explicit Interruptions(std::chrono::microseconds period) {
        struct sigaction action{};
        action.sa_handler = [](int) {};
        ::sigaction(SIGALRM, &action, &before_); // no SA_RESTART
        set(period);
    }
    ~Interruptions() {
        set(std::chrono::microseconds{0});
        ::sigaction(SIGALRM, &before_, nullptr);
    }

  private:
    static void set(std::chrono::microseconds period) {
        itimerval timer{};
        timer.it_interval.tv_usec = timer.it_value.tv_usec = period.count();
        ::setitimer(ITIMER_REAL, &timer, nullptr);
    }
    struct sigaction before_{};
};

TEST_F(PreCopyRead, SignalsLoseNothing) {
    Source from = source();
    Saving saving = start(from);
    Endpoint to = endpoint(1);
    {
        const Interruptions signals{std::chrono::microseconds{700}};
        const auto read_on = [&](auto is_end) {
            for (;;) {
                std::size_t n = 1;
                const int error = error_of([&] { n = saving.some(300000); });
                if (is_end(error, n))
                    return;
                ASSERT_TRUE(error == 0 || error == EINTR) << errno_name(error);
            }
        };
        read_on([](int error, std::size_t) { return error == ENOMSG; });
        touch(from.end, 0, 100);
        while (error_of([&] { from.end.migration.set(State::stop_copy); }) == EINTR)
            ;
        read_on([](int error, std::size_t n) { return error == 0 && n == 0; });
        EXPECT_EQ(difference(Stream::parse(saving.bytes()).state(), truth(from.end)), "");

        migration::DataFile loading = to.migration.set_with_file(State::resuming);
        for (ByteView left = saving.bytes(); !left.empty();) {
            std::size_t n = 0;
            const int error = error_of([&] { n = loading.write_some(left); });
            ASSERT_TRUE(error == 0 || error == EINTR) << errno_name(error);
            left = left.subspan(n);
        }
    }
    to.migration.set(State::stop);
    EXPECT_EQ(difference(truth(to), Stream::parse(saving.bytes()).state()), "");
}

} // namespace lm::test
