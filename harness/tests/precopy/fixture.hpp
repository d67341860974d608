// SPDX-License-Identifier: GPL-2.0-only
/// Tests of PRE_COPY: run with a PF whose functions have device memory that changes
/// by command, e.g. hmlm-mem-size=3M, hmlm-mem-max=8M, hmlm-mem-rate=0, hmlm-churn=on.
#pragma once

#include "migration/fixture.hpp"

#include <set>

namespace lm::test {

/// A piece of state as a STATE record brings it.
struct CameAs {
    std::uint64_t offset;
    std::uint64_t bytes;
};

/// A save from PRE_COPY on, with all that came of it.
class Saving {
  public:
    explicit Saving(migration::DataFile file) : file_{std::move(file)} {}

    [[nodiscard]] migration::DataFile &file() { return file_; }
    [[nodiscard]] const Bytes &bytes() const { return bytes_; }

    /// Read once, at most @most bytes; how many came. Throws std::system_error.
    std::size_t some(std::size_t most);
    /// Read to the temporary end; how many bytes came.
    std::size_t pass(std::size_t chunk = 1 << 20);
    /// Read to the end of the file; how many bytes came.
    std::size_t rest(std::size_t chunk = 1 << 20);

    /// The pieces of state that came whole since the last call.
    std::vector<CameAs> pieces();
    /// The granule that the stream tells; the first records must have come.
    [[nodiscard]] std::size_t granule() const;

  private:
    migration::DataFile file_;
    Bytes bytes_;
    std::size_t told_ = 0; ///< how many pieces were given by pieces()
};

/// Functions that have PRE_COPY.
class PreCopy : public MigrationTest {
  protected:
    static constexpr std::uint64_t kib = 1024;
    static constexpr std::uint64_t mib = 1024 * kib;
    /// What a stream has besides state, whatever the state.
    static constexpr std::uint64_t overhead = 64 * kib;

    void SetUp() override;

    /// A function with a guest and this much device memory.
    struct Source {
        Endpoint end;
        Guest &guest;
    };
    Source source(std::uint64_t memory = 3 * mib);
    static Saving start(Source &from) {
        return Saving{from.end.migration.set_with_file(State::pre_copy)};
    }

    static void touch(const Endpoint &end, std::uint32_t first, std::uint32_t count,
                      std::uint32_t stride = 1);
    static void resize(const Endpoint &end, std::uint64_t bytes);
    /// The state as the device gives it now, to the controlling controller.
    static Bytes truth(const Endpoint &end) { return pf().read_whole_state(end.machine.cntlid()); }
    /// Bytes of the stream for what changes by itself in the state of a guest that
    /// does nothing: a clock, for one, that is part of it.
    static std::uint64_t restless_bytes(const Source &from, const Saving &saving);
    /// Ask until the driver has found at least @least changed bytes, and a while
    /// longer: what it says then.
    static migration::PrecopyInfo settle(const Saving &saving, std::uint64_t least);

    /// Stop, read the rest, check the stream against the device's own word.
    /// How many bytes came after the stop.
    static std::size_t finish(Source &from, Saving &saving);
    /// The rest of a migration: the guest goes on at @to.
    void go_on(Source &from, Saving &saving, Endpoint &to);
};

/// Which granules differ between two states, those that only one has among them.
std::set<std::size_t> changed_granules(ByteView before, ByteView after, std::size_t granule);

} // namespace lm::test
