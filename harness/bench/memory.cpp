// SPDX-License-Identifier: GPL-2.0-only
/// Peak kernel memory of a save and of a load, as the kernel's memory cgroup counts it.
#include "precopy.hpp"
#include "rows.hpp"

#include "rig/kernel_memory.hpp"

#include <fmt/format.h>

namespace lm::bench {

using migration::State;
using rig::KernelMemory;

namespace {

constexpr double limit_mib = 10;
constexpr double mib = 1 << 20;

/// The most that is there beyond what was there at first.
class Peak {
  public:
    explicit Peak(const KernelMemory &memory) : memory_{&memory}, first_{memory.now()} {}
    void sample() { most_ = std::max(most_, memory_->now()); }
    [[nodiscard]] double in_mib() const {
        return most_ > first_ ? static_cast<double>(most_ - first_) / mib : 0;
    }

  private:
    const KernelMemory *memory_;
    std::uint64_t first_;
    std::uint64_t most_ = 0;
};

double save_peak(Vf &vf, const KernelMemory &memory, std::uint64_t step) {
    const Buffer buffer;
    Peak peak{memory};
    std::uint64_t next = 0;
    save(vf.migration(), buffer, [&](std::uint64_t bytes) {
        if (bytes < next)
            return;
        peak.sample();
        next = bytes + step;
    });
    return peak.in_mib();
}

double precopy_peak(Vf &vf, const KernelMemory &memory, std::uint64_t step) {
    const Buffer buffer;
    Peak peak{memory};
    std::uint64_t bytes = 0, next = 0;
    const Sink sink = [&](ByteView part) {
        bytes += part.size();
        if (bytes < next)
            return;
        peak.sample();
        next = bytes + step;
    };
    migration::DataFile file = vf.migration().set_with_file(State::pre_copy);
    read_until_quiet(file, buffer, sink);
    vf.migration().set(State::stop_copy);
    peak.sample();
    read_to_end(file, buffer, sink);
    vf.migration().set(State::running);
    return peak.in_mib();
}

double load_peak(Vf &vf, const KernelMemory &memory, ByteView stream, std::uint64_t step) {
    Peak peak{memory};
    migration::DataFile file = vf.migration().set_with_file(State::resuming);
    while (!stream.empty()) {
        const ByteView part = stream.first(std::min<std::size_t>(stream.size(), step));
        file.write_all(part);
        stream = stream.subspan(part.size());
        peak.sample();
    }
    vf.migration().set(State::stop);
    return peak.in_mib();
}

void measure(Stage &stage, const KernelMemory &memory, std::uint64_t size, Report &report) {
    Vf source = stage.open(0);
    Vf destination = stage.open(1);
    stage.resize(source, size);
    // read or written between two looks at the account: a look costs time
    const std::uint64_t step = std::max<std::uint64_t>(size / 64, 1 << 18);
    const auto add = [&](const std::string &what, double peak, double own, bool counts) {
        Result result{.row = "memory",
                      .what = fmt::format("{}, {}", what, human(size)),
                      .value = peak,
                      .unit = "MiB",
                      .details = {{"size", size}, {"driver's own account, MiB", own / mib}}};
        if (counts)
            result.target = at_most(limit_mib);
        report.add(std::move(result));
    };
    const auto own = [](const Vf &vf, const char *name) {
        return static_cast<double>(statistic(vf, name));
    };
    if (has_precopy(source.migration())) {
        const double peak = precopy_peak(source, memory, step);
        add("save with PRE_COPY", peak, own(source, "save_memory_bytes"), true);
    }
    const double saving = save_peak(source, memory, step);
    add("save", saving, own(source, "save_memory_bytes"), true);
    Mapping stream{source.migration().data_size() + 4096};
    const std::size_t bytes = save_into(source.migration(), stream.bytes());
    const double loading = load_peak(destination, memory, stream.bytes().first(bytes), step);
    const bool streamed = own(destination, "load_streamed") > 0;
    add(streamed ? "load, streamed" : "load, assembled in memory", loading,
        own(destination, "load_memory_bytes"), streamed);
}

} // namespace

void memory(const Plan &plan, Report &report) {
    const KernelMemory memory;
    if (!memory.counts()) {
        report.skip("memory", "this kernel has no memory cgroups (CONFIG_MEMCG)");
        return;
    }
    Stage stage{plan.unlimited("state"), 2};
    for (std::uint64_t size : plan.sizes)
        attempt(report, "memory", human(size), [&] { measure(stage, memory, size, report); });
}

} // namespace lm::bench
