// SPDX-License-Identifier: GPL-2.0-only
/// Admin commands of a save of a small state, as the stock driver's own tracepoint sees them.
#include "rows.hpp"
#include "transfers.hpp"

#include "util/sysfs.hpp"

#include <fmt/format.h>
#include <fstream>

namespace lm::bench {

using migration::State;

namespace {

constexpr double target = 4;
const std::filesystem::path tracing = "/sys/kernel/tracing";

/// Notes every command that the stock driver is given, while it lives.
class StockTrace {
  public:
    StockTrace() {
        std::ofstream{tracing / "trace", std::ios::trunc}; // empties it
        sysfs::write(event() / "enable", "1");
    }
    StockTrace(const StockTrace &) = delete;
    StockTrace &operator=(const StockTrace &) = delete;
    ~StockTrace() { std::ofstream{event() / "enable"} << "0"; }

    /// Admin commands of a controller so far, each a line of the trace.
    [[nodiscard]] std::vector<std::string> admin_commands(const std::string &device) const {
        const std::string who = device.substr(sizeof("/dev/") - 1) + ": qid=0,";
        std::ifstream file{tracing / "trace"};
        std::vector<std::string> found;
        for (std::string line; std::getline(file, line);)
            if (const std::size_t at = line.find(who); at != std::string::npos)
                found.push_back(line.substr(at));
        return found;
    }

  private:
    static std::filesystem::path event() { return tracing / "events/nvme/nvme_setup_cmd"; }
};

void measure(Stage &stage, unsigned pairs, unsigned repeat, Report &report) {
    const Buffer buffer;
    std::vector<double> samples;
    nlohmann::json details{{"queue pairs", pairs}};
    for (unsigned i = 0; i < repeat; ++i) {
        Vf vf = stage.open(0);
        nvme::Driver guest{stage.rig().backend().address_space()};
        guest.plug(vf.device());
        guest.bring_up();
        for (std::uint16_t id = 1; id <= pairs; ++id)
            guest.create_io_pair({.id = QueueId{id}});

        const StockTrace trace;
        const Saved saved = save(vf.migration(), buffer);
        const std::vector<std::string> seen = trace.admin_commands(stage.path());
        // 1 MiB moves all of it, and more than one command does under any limit that there is
        const std::uint64_t state = stage.state_size(vf.cntlid());
        Bytes stream(saved.bytes + 1); // with room to see that nothing follows
        vf.migration().set(State::running);
        save_into(vf.migration(), stream);
        const std::size_t piece = piece_of(stream);
        samples.push_back(static_cast<double>(seen.size()) -
                          static_cast<double>((state + piece - 1) / piece));
        details["commands"] = seen;
        details["state"] = state;
        guest.unplug();
        vf.reset();
    }
    report.add({.row = "commands",
                .what = fmt::format("admin commands beyond the bytes', {} queue pairs", pairs),
                .value = median(samples),
                .unit = "",
                .target = at_most(target),
                .samples = samples,
                .details = std::move(details)});
}

} // namespace

void commands(const Plan &plan, Report &report) {
    if (!std::filesystem::exists(tracing / "events/nvme")) {
        report.skip("commands", "this kernel has no tracepoints of nvme");
        return;
    }
    const Controller controller = plan.of_role("queues").front();
    Stage stage{controller, 1};
    for (unsigned pairs : {1U, controller.queues})
        measure(stage, pairs, plan.repeat, report);
}

} // namespace lm::bench
