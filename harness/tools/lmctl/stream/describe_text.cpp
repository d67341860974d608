// SPDX-License-Identifier: GPL-2.0-only
#include "stream/describe.hpp"

#include "text/style.hpp"
#include "text/table.hpp"

#include <fmt/format.h>

namespace lm::ctl {

namespace {

/// Most queues that are listed without --all.
constexpr std::size_t few_queues = 8;

template <std::size_t N> std::string text_of(const std::uint8_t (&bytes)[N]) {
    return printable(padded_text(std::as_bytes(std::span{bytes})));
}

std::string or_none(std::string text) {
    return text.empty() ? "(none)" : text;
}

std::string heading(std::string_view name) {
    return '\n' + bold(name) + '\n';
}

std::string summary(const Inspection &s, std::string_view name) {
    std::string text = fmt::format("{}: ", printable(name));
    if (!s.header)
        return text + bad("no stream that can be read") + '\n';
    text += fmt::format("migration stream version {}, command set {}\n", s.header->version,
                        name_of_command_set(s.header->command_set));
    text += fmt::format("  {} bytes, {}, {}\n", with_commas(s.bytes), counted(s.records, "record"),
                        s.valid() ? good("complete and intact") : bad("NOT to be loaded"));
    return text;
}

std::string identity(const nvme_lm_identity &id) {
    std::string text = heading("Source");
    text +=
        field("function", fmt::format("CNTLID {}, PCI {:04x}:{:04x}, subsystem {:04x}:{:04x}, "
                                      "class {:06x}",
                                      id.cntlid, id.vid, id.did, id.ssvid, id.ssid, id.class_code));
    text += field("resources",
                  fmt::format("{} (admin queue included), {}", counted(id.nvq, "queue pair"),
                              counted(id.nvi, "interrupt vector")));
    text += field("model",
                  fmt::format("{}, firmware {}", or_none(text_of(id.mn)), or_none(text_of(id.fr))));
    text += field("serial", or_none(text_of(id.sn)));
    text += field("subsystem", or_none(text_of(id.subnqn)));
    return text;
}

std::string block_size(const nvme_lm_medium &m) {
    std::string text =
        m.lbads < 32 ? fmt::format("{}", 1ULL << m.lbads) : fmt::format("2^{}", m.lbads);
    if (m.ms != 0)
        text += fmt::format("+{}", m.ms);
    return text;
}

std::string medium_size(const nvme_lm_medium &m) {
    if (m.lbads > 32 || m.nsze > (UINT64_MAX >> m.lbads))
        return fmt::format("{} blocks", m.nsze);
    return human_size(m.nsze << m.lbads);
}

std::string media(const std::vector<nvme_lm_medium> &list) {
    std::string text = heading("Namespaces");
    if (list.empty())
        return text + "  none attached\n";
    Table table{{">NSID", ">size", ">block", "shared", "identifier"}};
    for (const nvme_lm_medium &m : list)
        table.add({fmt::format("{}", m.nsid), medium_size(m), block_size(m),
                   m.flags & NVME_LM_MEDIUM_F_SHARED ? "yes" : bad("no"), identifier_of(m)});
    return text + table.text();
}

std::string transfer(const Inspection &s) {
    const StateTransfer &t = s.transfer;
    const std::uint64_t size = s.digest ? s.digest->state_size : t.size;
    std::string text =
        field("size", fmt::format("{} in {} of at most {}", human_size(size),
                                  counted(t.pieces, "piece"), human_size(t.largest_piece)));
    if (s.format) {
        const ByteView uuid = std::as_bytes(std::span{s.format->uuid});
        text += field("format", fmt::format("version {}, vendor part {}", s.format->version,
                                            all_zero(uuid) ? "without a UUID" : uuid_text(uuid)));
    }
    if (s.precopy)
        text += field("pre-copy",
                      fmt::format("{} in the first pass, {} in {}; granules of {}",
                                  human_size(t.first_pass), human_size(t.bytes - t.first_pass),
                                  t.later_passes == 1
                                      ? std::string{"1 later pass"}
                                      : fmt::format("{} later passes", with_commas(t.later_passes)),
                                  human_size(s.precopy->granule)));
    return text;
}

std::string state(const Inspection &s) {
    std::string text = heading("State") + transfer(s);
    if (!s.state)
        return text;
    const ControllerStateView &v = *s.state;
    text +=
        field("taken", v.suspended ? "of a suspended controller" : bad("of a running controller"));
    text += field("parts", fmt::format("header 48 bytes, NVMECS (version {}) {}, vendor part {}",
                                       v.nvmecs_version, human_size(v.nvmecs_bytes),
                                       human_size(v.vendor_bytes)));
    return text;
}

std::string ring(std::uint16_t size, std::uint16_t head, std::uint16_t tail) {
    const unsigned entries = size + 1U;
    return fmt::format("{}", (tail + entries - head % entries) % entries);
}

std::string queues(const ControllerStateView &v, bool all) {
    if (!v.queues_read)
        return {};
    std::string text = heading(fmt::format("I/O queues: {}, {}", counted(v.sqs.size(), "SQ"),
                                           counted(v.cqs.size(), "CQ")));
    const std::size_t shown = all ? SIZE_MAX : few_queues;
    Table sqs{{">SQ", ">entries", ">head", ">tail", ">waiting", "memory", ">CQ", ">prio"}};
    for (std::size_t i = 0; i < std::min(v.sqs.size(), shown); ++i) {
        const nvme::SqState &q = v.sqs[i];
        sqs.add({fmt::format("{}", q.id.value), fmt::format("{}", q.size + 1U),
                 fmt::format("{}", q.head), fmt::format("{}", q.tail), ring(q.size, q.head, q.tail),
                 fmt::format("{:#x}{}", q.prp1.value, q.contiguous ? "" : " list"),
                 fmt::format("{}", q.cq.value), fmt::format("{}", q.priority)});
    }
    Table cqs{{">CQ", ">entries", ">head", ">tail", ">waiting", "memory", "phase", "interrupt"}};
    for (std::size_t i = 0; i < std::min(v.cqs.size(), shown); ++i) {
        const nvme::CqState &q = v.cqs[i];
        cqs.add({fmt::format("{}", q.id.value), fmt::format("{}", q.size + 1U),
                 fmt::format("{}", q.head), fmt::format("{}", q.tail), ring(q.size, q.head, q.tail),
                 fmt::format("{:#x}{}", q.prp1.value, q.contiguous ? "" : " list"),
                 fmt::format("{}", q.slot0_phase ? 1 : 0),
                 q.interrupts ? fmt::format("vector {}", q.vector.value) : "off"});
    }
    if (!sqs.empty())
        text += sqs.text();
    if (!cqs.empty())
        text += '\n' + cqs.text();
    if (std::max(v.sqs.size(), v.cqs.size()) > shown)
        text += dim(fmt::format("  the first {} of each; --all-queues shows all\n", shown));
    return text;
}

std::string records(const Inspection &s) {
    std::string text = heading("Records");
    Table table{{">byte", ">record", "kind", ">payload"}};
    constexpr std::size_t most = 24;
    for (std::size_t i = 0; i < std::min(s.runs.size(), most); ++i) {
        const RecordRun &r = s.runs[i];
        const std::string place = r.count == 1
                                      ? fmt::format("{}", r.first)
                                      : fmt::format("{}-{}", r.first, r.first + r.count - 1);
        table.add({with_commas(r.at), place,
                   name_of_record(r.type) +
                       (r.count == 1 ? "" : fmt::format(" x {}", with_commas(r.count))),
                   human_size(r.payload_bytes)});
    }
    text += table.text();
    if (s.runs.size() > most || s.runs_left_out != 0)
        text += dim("  and more\n");
    return text;
}

std::string checks(const Inspection &s) {
    std::string text = heading("Checks");
    for (std::size_t i = 0; i < s.outcomes.size(); ++i) {
        const Outcome &o = s.outcomes[i];
        const auto check = static_cast<Check>(i);
        if (o.verdict == Verdict::not_applicable && o.detail.empty())
            continue;
        std::string word = good("ok  ");
        if (o.verdict == Verdict::bad)
            word = bad("BAD ");
        else if (o.verdict != Verdict::ok)
            word = dim("-   ");
        text += fmt::format("  {}  {}\n", word, title_of(check));
        if (o.detail.empty())
            continue;
        std::string detail = o.detail;
        if (o.verdict == Verdict::bad)
            detail = fmt::format("byte {}: {}", with_commas(o.at), detail);
        if (o.failures > 1)
            detail += fmt::format(" (and {} more)", with_commas(o.failures - 1));
        text += "        " + wrap(detail, terminal_width(), 8) + '\n';
    }
    return text;
}

} // namespace

std::string identifier_of(const nvme_lm_medium &m) {
    const ByteView nguid = std::as_bytes(std::span{m.nguid});
    const ByteView eui64 = std::as_bytes(std::span{m.eui64});
    const ByteView uuid = std::as_bytes(std::span{m.uuid});
    if (!all_zero(uuid))
        return "uuid " + uuid_text(uuid);
    if (!all_zero(nguid))
        return "nguid " + hex(nguid);
    if (!all_zero(eui64))
        return "eui64 " + hex(eui64);
    return "none";
}

std::string describe_stream(const Inspection &s, std::string_view name, bool all_queues) {
    std::string text = summary(s, name);
    if (s.identity)
        text += identity(*s.identity);
    if (s.header)
        text += media(s.media);
    if (s.transfer.pieces != 0)
        text += state(s);
    if (s.state)
        text += queues(*s.state, all_queues);
    if (!s.runs.empty())
        text += records(s);
    return text + checks(s);
}

} // namespace lm::ctl
