// SPDX-License-Identifier: GPL-2.0-only
/// Tests of the variant driver on a device that lies, under a guest that means harm, and
/// while something is taken away. Boot with hmlm-faults=on and a state of several
/// commands: hmlm-mem-size=1M, hmlm-mem-rate=0.
#pragma once

#include "migration/fixture.hpp"
#include "nvme/fault.hpp"

#include <chrono>
#include <thread>

namespace lm::test {

using nvme::ArmedFault;
using nvme::Fault;
using nvme::FaultMatch;
namespace on = nvme::on;

/// A fault of one command, by its name in the results.
struct NamedFault {
    const char *name;
    FaultMatch match;
    Fault fault;
};

/// Whatever happens to one function ends within a limit, with an error that has a
/// name, and all goes on afterwards.
class Hostile : public MigrationTest {
  protected:
    /// A call that takes longer hangs, whatever becomes of it. Far above what any of
    /// them takes on a loaded machine, and below the minute of the stock driver.
    static constexpr std::chrono::seconds bound{15};

    /// A function with a guest that has written something.
    struct Source {
        Endpoint end;
        Guest &guest;
    };

    void SetUp() override { resets_ = pf_resets(); }
    void TearDown() override;

    Source source(std::size_t n = 0);
    /// The guest was there all along: nothing that it wrote is lost, and it can go on.
    static void expect_goes_on(Source &from);
    /// Back into RUNNING, and the guest goes on.
    static void expect_runs_again(Source &from);
    /// The guest moves to @to and goes on there; @from is reset.
    static void expect_moves(Source &from, Endpoint &to);
    /// The rest of a migration that began in PRE_COPY with @file, of which @stream was
    /// read: the guest goes on at @to.
    static void finish_move(Source &from, migration::DataFile &file, Bytes stream, Endpoint &to);
    /// A function whose state is lost: reset it, and it is as good as new.
    void expect_resettable(Endpoint &end);

    /// The errno of @action, which must not take longer than the limit.
    template <typename Action> static int bounded(Action action) {
        const auto start = std::chrono::steady_clock::now();
        const int error = error_of(action);
        EXPECT_LT(std::chrono::steady_clock::now() - start, bound) << "it hangs";
        return error;
    }
    /// The same by name.
    template <typename Action> static std::string outcome(Action action) {
        return errno_name(bounded(action));
    }

    /// The state from RUNNING on, by PRE_COPY if @live.
    static Bytes save(const Endpoint &end, bool live);

    /// How often nvme-lm.ko has noticed that the PF was reset.
    static unsigned pf_resets();
    /// The PF's controller serves again, and nvme-lm.ko can command it.
    static void wait_live();
    /// As an administrator does.
    static void reset_pf();
    /// The PF must not be reset by what this test does.
    void expect_no_pf_reset() const { EXPECT_EQ(pf_resets(), resets_); }

  private:
    static constexpr std::uint64_t seed = 4711;
    unsigned resets_ = 0;
};

} // namespace lm::test
