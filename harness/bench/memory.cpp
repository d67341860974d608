// SPDX-License-Identifier: GPL-2.0-only
/// Peak kernel memory of a save and of a load, as the kernel's memory cgroup counts it.
#include "kernel_memory.hpp"
#include "rows.hpp"
#include "transfers.hpp"

#include <fmt/format.h>

namespace lm::bench {

using migration::State;

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
    const nlohmann::json details{{"size", size}};
    report.add({.row = "memory",
                .what = fmt::format("save, {}", human(size)),
                .value = save_peak(source, memory, step),
                .unit = "MiB",
                .target = at_most(limit_mib),
                .details = details});
    Mapping stream{source.migration().data_size() + 4096};
    const std::size_t bytes = save_into(source.migration(), stream.bytes());
    report.add({.row = "memory",
                .what = fmt::format("load, {}", human(size)),
                .value = load_peak(destination, memory, stream.bytes().first(bytes), step),
                .unit = "MiB",
                .target = at_most(limit_mib),
                .details = details});
}

} // namespace

void memory(const Plan &plan, Report &report) {
    const KernelMemory memory;
    if (!memory.counts()) {
        report.skip("memory", "this kernel has no memory cgroups (CONFIG_MEMCG)");
        return;
    }
    Stage stage{plan.of_role("state").front(), 2};
    for (std::uint64_t size : plan.sizes)
        attempt(report, "memory", human(size), [&] { measure(stage, memory, size, report); });
}

} // namespace lm::bench
