// SPDX-License-Identifier: GPL-2.0-only
/// The dirty report of a range of 1 TiB in which few or many pages are dirty: what it costs, and
/// how that compares to raw Track Receive commands, one after the other, with nothing done with
/// what they give.
#include "rows.hpp"
#include "transfers.hpp"

#include "dirty/logging.hpp"
#include "util/mapping.hpp"

#include <bit>
#include <fmt/format.h>
#include <linux/vfio.h>

namespace lm::bench {

namespace {

constexpr Iova range_start{1ULL << 40};
constexpr std::uint64_t range_bytes = 1ULL << 40;
constexpr std::uint64_t page = 4096;
constexpr unsigned pages_a_read = 512; ///< 2 MiB, the most that one command reads
constexpr std::uint64_t window = 2 * pages_a_read * page;
constexpr double target = 0.9;
/// Of each raw Track Receive: the most that one command moves in a translated domain.
constexpr std::size_t receive_bytes = 131072;
constexpr std::size_t header_bytes = 16, run_bytes = 16;
/// A page must not cost more where more are dirty, within this, from 1024 pages up.
constexpr double proportional_within = 1.1;
constexpr unsigned proportional_from = 1024;

/// A guest that reads into every other page of windows that lie far apart.
class Dirtier {
  public:
    Dirtier(Stage &stage, Vf &vf, unsigned windows)
        : space_{stage.rig().backend().address_space()}, windows_{windows}, memory_{window},
          list_{space_, page}, driver_{space_} {
        for (unsigned i = 0; i < windows_; ++i)
            space_->map(start_of(i), memory_.data(), window);
        driver_.plug(vf.device());
        driver_.bring_up();
        driver_.create_io_pair({.id = QueueId{1}});
        disk_ = driver_.identify_namespace(Nsid{1});
    }
    Dirtier(const Dirtier &) = delete;
    Dirtier &operator=(const Dirtier &) = delete;
    ~Dirtier() {
        driver_.unplug();
        for (unsigned i = 0; i < windows_; ++i)
            space_->unmap(start_of(i), window);
    }

    /// Let the device write @pages pages, none next to another.
    void dirty(unsigned pages) {
        for (unsigned i = 0; pages; ++i) {
            const unsigned some = std::min(pages, pages_a_read);
            read_into(start_of(i), some);
            pages -= some;
        }
    }

  private:
    [[nodiscard]] Iova start_of(unsigned i) const {
        return range_start + i * std::bit_floor(range_bytes / windows_);
    }
    void read_into(Iova start, unsigned pages) {
        const auto blocks = static_cast<std::uint16_t>(pages * page / disk_.block_size);
        nvme::Sqe sqe = nvme::io(nvme::Io::read, disk_.nsid, Lba{0}, blocks);
        sqe.prp1 = start.value;
        for (unsigned i = 1; i < pages; ++i)
            list_.at<std::uint64_t>(i - 1) = (start + 2 * i * page).value;
        sqe.prp2 = pages > 2 ? list_.iova().value : (start + 2 * page).value;
        nvme::QueuePair &queue = driver_.io_queue(QueueId{1});
        if (!driver_.wait(queue, driver_.submit(queue, sqe)).status().ok())
            throw std::runtime_error{"a read of the guest failed"};
    }

    std::shared_ptr<iommu::AddressSpace> space_;
    unsigned windows_;
    Mapping memory_;
    iommu::DmaBuffer list_;
    nvme::Driver driver_;
    nvme::NamespaceInfo disk_{};
};

/// The report as a VMM asks for it: one bitmap for all of the range. Its pages are there before,
/// so that the kernel's time is that of the report.
class Reporter {
  public:
    explicit Reporter(Vf &vf) : vf_{&vf}, bitmap_{range_bytes / page / 8} {}

    /// Seconds that the kernel takes; @pages gets how many it says are dirty.
    double report(std::uint64_t &pages) {
        vfio_device_feature_dma_logging_report request{};
        request.iova = range_start.value;
        request.length = range_bytes;
        request.page_size = page;
        request.bitmap = reinterpret_cast<std::uintptr_t>(bitmap_.data());
        const Clock::time_point start = Clock::now();
        vf_->device().feature(VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT,
                              std::as_writable_bytes(std::span{&request, 1}));
        const double seconds = seconds_since(start);
        const std::span words{reinterpret_cast<std::uint64_t *>(bitmap_.data()),
                              bitmap_.size() / sizeof(std::uint64_t)};
        pages = 0;
        for (std::uint64_t &word : words)
            if (word)
                pages += static_cast<unsigned>(std::popcount(std::exchange(word, 0)));
        return seconds;
    }

  private:
    Vf *vf_;
    Mapping bitmap_;
};

/// Track Receive until nothing is left; seconds that the commands take.
double raw_receive(const nvme::Passthrough &pf, Cntlid cntlid, ByteSpan data,
                   std::uint64_t &pages) {
    nvme::Sqe sqe{.opcode = static_cast<std::uint8_t>(nvme::Admin::track_receive)};
    sqe.cdw11 = cntlid.value;
    sqe.cdw12 = static_cast<std::uint32_t>(data.size() / 4 - 1);
    double seconds = 0;
    pages = 0;
    for (bool more = true; more;) {
        const Clock::time_point start = Clock::now();
        const nvme::Completion completion = pf.submit(sqe, data);
        seconds += seconds_since(start);
        if (!completion.status.ok())
            throw std::runtime_error{"Track Receive: " + completion.status.text()};
        more = lm::load<std::uint8_t>(data, 1) & 1; // ATTRB.MTR
        const auto count = lm::load<std::uint32_t>(data, 4);
        for (std::size_t at = header_bytes; at < header_bytes + count * run_bytes; at += run_bytes)
            if (lm::load<std::uint64_t>(data, at) >= range_start.value)
                pages += lm::load<std::uint32_t>(data, at + 8);
    }
    return seconds;
}

struct Costs {
    std::vector<double> report, raw, ratios;
};

void expect_pages(std::uint64_t found, unsigned wanted) {
    if (found != wanted)
        throw std::runtime_error{
            fmt::format("{} pages were dirtied, and {} are reported", wanted, found)};
}

Costs measure(Stage &stage, Vf &vf, Dirtier &dirtier, Reporter &reporter, unsigned pages,
              unsigned repeat) {
    const Buffer buffer{receive_bytes};
    Costs costs;
    std::uint64_t found = 0;
    for (unsigned i = 0; i < repeat; ++i) {
        dirtier.dirty(pages);
        const double raw = raw_receive(stage.pf(), vf.cntlid(), buffer.bytes(), found);
        expect_pages(found, pages);
        dirtier.dirty(pages);
        const double report = reporter.report(found);
        expect_pages(found, pages);
        costs.raw.push_back(raw);
        costs.report.push_back(report);
        costs.ratios.push_back(raw / report);
    }
    return costs;
}

void report_cost(const Controller &controller, unsigned pages, const Costs &cost, Report &report) {
    Result result{.row = "dirty",
                  .what = fmt::format("raw Track Receive / report, {} dirty, {} ({:.2f} ms)", pages,
                                      pace(controller), median(cost.report) * 1e3),
                  .value = median(cost.ratios),
                  .unit = "x",
                  .samples = cost.ratios,
                  .details = {{"pages", pages},
                              {"bandwidth", controller.bandwidth},
                              {"report ms", median(cost.report) * 1e3},
                              {"raw ms", median(cost.raw) * 1e3}}};
    if (controller.bandwidth)
        result.target = at_least(target);
    report.add(std::move(result));
}

/// @costs: dirty pages, and the seconds of a report
void report_proportion(const Controller &controller,
                       const std::vector<std::pair<unsigned, double>> &costs, Report &report) {
    // seconds of a page, against those where fewer are dirty
    double most = 0, least = 0;
    for (const auto &[pages, seconds] : costs) {
        if (pages < proportional_from)
            continue;
        const double each = seconds / pages;
        if (least > 0)
            most = std::max(most, each / least);
        least = least > 0 ? std::min(least, each) : each;
    }
    Result result{
        .row = "dirty",
        .what = fmt::format("cost of a page where more are dirty / fewer, {}", pace(controller)),
        .value = most,
        .unit = "x"};
    if (controller.bandwidth)
        result.target = at_most(proportional_within);
    if (most > 0)
        report.add(std::move(result));
}

void measure_all(const Controller &controller, const Plan &plan, Report &report) {
    Stage stage{controller};
    Vf vf = stage.open(0);
    test::Logging logging{vf.device()};
    if (!logging.offered()) {
        report.skip("dirty", "this kernel has no DMA logging (CONFIG_IOMMUFD_DRIVER)");
        return;
    }
    Dirtier dirtier{stage, vf, std::bit_ceil(plan.dirty_most / pages_a_read)};
    Reporter reporter{vf};
    logging.start({{range_start, range_bytes}});
    std::vector<std::pair<unsigned, double>> costs;
    for (unsigned pages = 1; pages <= plan.dirty_most; pages *= pages < 64 ? 64 : 4) {
        const Costs cost = measure(stage, vf, dirtier, reporter, pages, plan.repeat);
        costs.emplace_back(pages, median(cost.report));
        report_cost(controller, pages, cost, report);
    }
    report_proportion(controller, costs, report);
    logging.stop();
}

} // namespace

void dirty(const Plan &plan, Report &report) {
    for (const Controller &controller : plan.of_role("tracking"))
        measure_all(controller, plan, report);
}

} // namespace lm::bench
