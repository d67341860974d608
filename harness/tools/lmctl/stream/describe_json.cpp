// SPDX-License-Identifier: GPL-2.0-only
#include "stream/describe.hpp"

#include "text/style.hpp"

#include <fmt/format.h>

namespace lm::ctl {

namespace {

template <std::size_t N> std::string text_of(const std::uint8_t (&bytes)[N]) {
    return printable(padded_text(std::as_bytes(std::span{bytes})));
}

/// Hexadecimal digits, null where there is nothing.
template <std::size_t N> Json identifier(const std::uint8_t (&bytes)[N], bool uuid = false) {
    const ByteView view = std::as_bytes(std::span{bytes});
    if (all_zero(view))
        return nullptr;
    return uuid ? uuid_text(view) : hex(view);
}

Json queues_to_json(const std::vector<nvme::SqState> &sqs) {
    Json list = Json::array();
    for (const nvme::SqState &q : sqs)
        list.push_back({{"sqid", q.id.value},
                        {"entries", q.size + 1U},
                        {"head", q.head},
                        {"tail", q.tail},
                        {"prp1", q.prp1.value},
                        {"contiguous", q.contiguous},
                        {"cqid", q.cq.value},
                        {"priority", q.priority}});
    return list;
}

Json queues_to_json(const std::vector<nvme::CqState> &cqs) {
    Json list = Json::array();
    for (const nvme::CqState &q : cqs)
        list.push_back({{"cqid", q.id.value},
                        {"entries", q.size + 1U},
                        {"head", q.head},
                        {"tail", q.tail},
                        {"prp1", q.prp1.value},
                        {"contiguous", q.contiguous},
                        {"slot0_phase", q.slot0_phase ? 1 : 0},
                        {"interrupts", q.interrupts},
                        {"vector", q.vector.value}});
    return list;
}

Json state_to_json(const Inspection &s) {
    const StateTransfer &t = s.transfer;
    Json state{{"bytes", s.digest ? s.digest->state_size : t.size},
               {"pieces", t.pieces},
               {"bytes_in_pieces", t.bytes},
               {"largest_piece", t.largest_piece}};
    if (s.precopy)
        state["precopy"] = {{"granule", s.precopy->granule},
                            {"first_pass_bytes", t.first_pass},
                            {"later_passes", t.later_passes}};
    if (!s.state)
        return state;
    const ControllerStateView &v = *s.state;
    state["version"] = v.version;
    state["suspended"] = v.suspended;
    state["nvmecs_version"] = v.nvmecs_version;
    state["nvmecs_bytes"] = v.nvmecs_bytes;
    state["vendor_bytes"] = v.vendor_bytes;
    if (v.queues_read) {
        state["submission_queues"] = queues_to_json(v.sqs);
        state["completion_queues"] = queues_to_json(v.cqs);
    }
    return state;
}

Json records_to_json(const Inspection &s) {
    Json list = Json::array();
    for (const RecordRun &r : s.runs)
        list.push_back({{"kind", name_of_record(r.type)},
                        {"type", r.type},
                        {"mandatory", (r.flags & NVME_LM_REC_F_MANDATORY) != 0},
                        {"first", r.first},
                        {"count", r.count},
                        {"at", r.at},
                        {"payload_bytes", r.payload_bytes}});
    return list;
}

Json checks_to_json(const Inspection &s) {
    static constexpr const char *words[] = {"not reached", "not applicable", "ok", "bad"};
    Json checks = Json::object();
    for (std::size_t i = 0; i < s.outcomes.size(); ++i) {
        const Outcome &o = s.outcomes[i];
        Json one{{"result", words[static_cast<std::size_t>(o.verdict)]}};
        if (!o.detail.empty())
            one["detail"] = o.detail;
        if (o.verdict == Verdict::bad) {
            one["at"] = o.at;
            one["failures"] = o.failures;
        }
        checks[std::string{key_of(static_cast<Check>(i))}] = std::move(one);
    }
    return checks;
}

} // namespace

Json identity_to_json(const nvme_lm_identity &id) {
    return {{"cntlid", id.cntlid},
            {"pci",
             {{"vendor", id.vid},
              {"device", id.did},
              {"subsystem_vendor", id.ssvid},
              {"subsystem_device", id.ssid},
              {"class", id.class_code}}},
            {"queues", id.nvq},
            {"interrupts", id.nvi},
            {"serial", text_of(id.sn)},
            {"model", text_of(id.mn)},
            {"firmware", text_of(id.fr)},
            {"subsystem", text_of(id.subnqn)}};
}

Json medium_to_json(const nvme_lm_medium &m) {
    return {{"nsid", m.nsid},
            {"blocks", m.nsze},
            {"lbads", m.lbads},
            {"metadata_bytes", m.ms},
            {"flbas", m.flbas},
            {"dps", m.dps},
            {"csi", m.csi},
            {"shared", (m.flags & NVME_LM_MEDIUM_F_SHARED) != 0},
            {"eui64", identifier(m.eui64)},
            {"nguid", identifier(m.nguid)},
            {"uuid", identifier(m.uuid, true)}};
}

Json stream_to_json(const Inspection &s, std::string_view name) {
    Json json{{"file", printable(name)},
              {"valid", s.valid()},
              {"bytes", s.bytes},
              {"record_count", s.records}};
    if (s.header) {
        json["version"] = s.header->version;
        json["command_set"] = name_of_command_set(s.header->command_set);
    }
    if (s.identity)
        json["identity"] = identity_to_json(*s.identity);
    if (s.format)
        json["format"] = {{"version", s.format->version},
                          {"uuid", identifier(s.format->uuid, true)}};
    json["media"] = Json::array();
    for (const nvme_lm_medium &m : s.media)
        json["media"].push_back(medium_to_json(m));
    json["state"] = state_to_json(s);
    json["records"] = records_to_json(s);
    json["records_left_out"] = s.runs_left_out;
    json["checks"] = checks_to_json(s);
    return json;
}

} // namespace lm::ctl
