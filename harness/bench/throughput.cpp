// SPDX-License-Identifier: GPL-2.0-only
/// Save and load throughput against the same transfers issued raw on the PF. Driver and raw take
/// turns, so that what disturbs the machine disturbs both; the result is the median of the ratios
/// of neighbours.
#include "raw_admin.hpp"
#include "rows.hpp"
#include "transfers.hpp"

#include "util/sysfs.hpp"

#include <fmt/format.h>
#include <fstream>

namespace lm::bench {

using migration::State;

namespace {

constexpr std::array<unsigned, 5> depths{1, 2, 4, 8, 16};
constexpr double target = 0.95;
constexpr std::uint64_t target_from = 64 << 20;
constexpr double mb = 1e6;

/// Which queue depth of raw reads is best on this controller, measured.
unsigned best_depth(Stage &stage, Vf &vf, std::size_t piece, std::uint64_t size, unsigned repeat,
                    nlohmann::json &details) {
    unsigned best = 0;
    double best_seconds = 0;
    for (unsigned depth : depths) {
        RawAdmin raw{stage.path(), piece, depth};
        std::vector<double> samples;
        for (unsigned i = 0; i < repeat; ++i)
            samples.push_back(raw.read_state(stage.pf(), vf.cntlid(), size));
        const double seconds = median(samples);
        details["depths"].push_back(
            {{"depth", depth}, {"MB/s", static_cast<double>(size) / seconds / mb}});
        if (!best || seconds < best_seconds) {
            best = depth;
            best_seconds = seconds;
        }
    }
    details["best depth"] = best;
    return best;
}

/// Raw transfer time over the driver's, taken in turns.
struct Pairs {
    std::vector<double> ratios, driver, raw;
    void add(double driver_seconds, double raw_seconds) {
        driver.push_back(driver_seconds);
        raw.push_back(raw_seconds);
        ratios.push_back(raw_seconds / driver_seconds);
    }
};

Result ratio_result(const Controller &controller, const char *direction, const Pairs &pairs,
                    std::uint64_t memory, nlohmann::json details) {
    const double seconds = median(pairs.driver);
    const auto size = static_cast<double>(memory);
    details["direction"] = direction;
    details["size"] = memory;
    details["bandwidth"] = controller.bandwidth;
    details["MB/s"] = size / seconds / mb;
    details["raw MB/s"] = size / median(pairs.raw) / mb;
    Result result{.row = "throughput",
                  .what = fmt::format("{} / raw, {}, {} ({:.0f} MB/s)", direction, human(memory),
                                      pace(controller), size / seconds / mb),
                  .value = median(pairs.ratios),
                  .unit = "x",
                  .samples = pairs.ratios,
                  .details = std::move(details)};
    if (memory >= target_from && controller.bandwidth)
        result.target = at_least(target);
    return result;
}

Pairs measure_save(Stage &stage, Vf &vf, RawAdmin &raw, std::uint64_t size, unsigned repeat) {
    const Buffer buffer;
    Pairs pairs;
    for (unsigned i = 0; i < repeat; ++i) {
        const double raw_seconds = raw.read_state(stage.pf(), vf.cntlid(), size);
        const Saved saved = save(vf.migration(), buffer);
        pairs.add(saved.seconds, raw_seconds);
    }
    return pairs;
}

double raw_load(Stage &stage, Vf &vf, RawAdmin &raw, ByteView state) {
    // the driver suspends the destination, and is then passed by
    std::optional<migration::DataFile> file = vf.migration().set_with_file(State::resuming);
    const double seconds = raw.write_state(stage.pf(), vf.cntlid(), state);
    file.reset();
    vf.reset();
    return seconds;
}

Pairs measure_load(Stage &stage, Vf &vf, RawAdmin &raw, const SplitStream &stream,
                   unsigned repeat) {
    Pairs pairs;
    for (unsigned i = 0; i < repeat; ++i) {
        const double raw_seconds = raw_load(stage, vf, raw, stream.state);
        const double seconds = load(vf.migration(), stream).seconds;
        vf.reset();
        pairs.add(seconds, raw_seconds);
    }
    return pairs;
}

/// The driver's switch for this comparison: all of the state first, one command at a time, and
/// copied out then. It counts for functions that are opened while it is on.
class WholeImage {
  public:
    WholeImage() { sysfs::write(parameter, "1"); }
    WholeImage(const WholeImage &) = delete;
    WholeImage &operator=(const WholeImage &) = delete;
    ~WholeImage() { std::ofstream{parameter} << "0"; }

  private:
    static constexpr char parameter[] = "/sys/module/nvme_vfio_pci/parameters/whole_image";
};

double whole_image_seconds(Stage &stage, std::uint64_t memory, const Buffer &buffer) {
    const WholeImage on;
    Vf vf = stage.open(0);
    stage.resize(vf, memory);
    vf.migration().set(State::stop);
    return save(vf.migration(), buffer).seconds;
}

/// The driver and its switch take turns too.
void compare_whole_image(Stage &stage, std::uint64_t memory, unsigned repeat, Report &report) {
    const Buffer buffer;
    std::vector<double> ratios;
    for (unsigned i = 0; i < repeat; ++i) {
        const double whole = whole_image_seconds(stage, memory, buffer);
        Vf vf = stage.open(0);
        stage.resize(vf, memory);
        vf.migration().set(State::stop);
        ratios.push_back(whole / save(vf.migration(), buffer).seconds);
    }
    report.add({.row = "throughput",
                .what = fmt::format("save / whole image, one command at a time, {}, {}",
                                    human(memory), pace(stage.controller())),
                .value = median(ratios),
                .unit = "x",
                .samples = ratios});
}

void measure(Stage &stage, std::uint64_t memory, unsigned repeat, Report &report) {
    const Controller &controller = stage.controller();
    Vf source = stage.open(0);
    Vf destination = stage.open(1);
    stage.resize(source, memory);
    source.migration().set(State::stop);
    const std::uint64_t size = stage.state_size(source.cntlid());

    Mapping stream_memory{source.migration().data_size() + 4096};
    const std::size_t stream_bytes = save_into(source.migration(), stream_memory.bytes());
    const SplitStream stream = split(stream_memory.bytes().first(stream_bytes));

    nlohmann::json details;
    details["piece"] = stream.piece;
    const unsigned depth = best_depth(stage, source, stream.piece,
                                      std::min<std::uint64_t>(size, target_from), 3, details);
    RawAdmin raw{stage.path(), stream.piece, depth};

    report.add(ratio_result(controller, "save", measure_save(stage, source, raw, size, repeat),
                            memory, details));

    report.add(ratio_result(controller, "load",
                            measure_load(stage, destination, raw, stream, repeat), memory,
                            details));
}

} // namespace

void throughput(const Plan &plan, Report &report) {
    for (const Controller &controller : plan.of_role("state")) {
        Stage stage{controller, 2};
        for (std::uint64_t size : plan.sizes) {
            // what has no target is for comparison
            if (!controller.bandwidth && size > plan.unlimited_most)
                continue;
            attempt(report, "throughput", human(size) + ", " + pace(controller), [&] {
                measure(stage, size, plan.repeat, report);
                if (size <= plan.whole_most)
                    compare_whole_image(stage, size, plan.repeat, report);
            });
        }
    }
}

} // namespace lm::bench
