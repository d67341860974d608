// SPDX-License-Identifier: GPL-2.0-only
#include "host/namespaces.hpp"

#include "nvme/command.hpp"
#include "problem.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace lm::ctl {

namespace {

/// CNS values that only this file needs.
constexpr nvme::Cns allocated_nsids{0x10};
constexpr nvme::Cns allocated_namespace{0x11};
constexpr nvme::Cns namespace_controllers{0x12};

/// Identify Namespace, by the reference: NSZE, FLBAS, NMIC, DPS, NGUID, EUI64, LBAF.
nvme_lm_medium read_layout(ByteView data, std::uint32_t nsid) {
    nvme_lm_medium m{};
    m.nsid = nsid;
    m.nsze = load<std::uint64_t>(data, 0);
    m.flbas = load<std::uint8_t>(data, 26);
    m.dps = load<std::uint8_t>(data, 29);
    if (load<std::uint8_t>(data, 30) & 1)
        m.flags |= NVME_LM_MEDIUM_F_SHARED;
    std::memcpy(m.nguid, slice(data, 104, 16).data(), 16);
    std::memcpy(m.eui64, slice(data, 120, 8).data(), 8);
    // FLBAS: bits 3:0, and 6:5 above them, are the index of the LBA format.
    const std::size_t format = (m.flbas & 0x0fU) | (m.flbas >> 1 & 0x30U);
    m.ms = load<std::uint16_t>(data, 128 + 4 * format);
    m.lbads = load<std::uint8_t>(data, 128 + 4 * format + 2);
    return m;
}

/// Namespace Identification Descriptors: NIDT u8@0, NIDL u8@1, NID@4.
void read_descriptors(ByteView data, nvme_lm_medium &m) {
    std::size_t at = 0;
    while (at + 4 <= data.size()) {
        const auto type = load<std::uint8_t>(data, at);
        const std::size_t length = load<std::uint8_t>(data, at + 1);
        if (length == 0 || at + 4 + length > data.size())
            return;
        const ByteView value = slice(data, at + 4, length);
        if (type == 1 && length == 8)
            std::memcpy(m.eui64, value.data(), 8);
        else if (type == 2 && length == 16)
            std::memcpy(m.nguid, value.data(), 16);
        else if (type == 3 && length == 16)
            std::memcpy(m.uuid, value.data(), 16);
        else if (type == 4 && length == 1)
            m.csi = load<std::uint8_t>(value, 0);
        at += 4 + length;
    }
}

std::vector<std::uint16_t> read_attached(const nvme::Passthrough &admin, std::uint32_t nsid) {
    const Bytes list = admin.identify(namespace_controllers, Nsid{nsid});
    const std::size_t count = std::min<std::size_t>(load<std::uint16_t>(list, 0), 2047);
    std::vector<std::uint16_t> ids;
    for (std::size_t i = 0; i < count; ++i)
        ids.push_back(load<std::uint16_t>(list, 2 + 2 * i));
    return ids;
}

Namespace read_namespace(const nvme::Passthrough &admin, std::uint32_t nsid) {
    Namespace ns{.medium = read_layout(admin.identify(allocated_namespace, Nsid{nsid}), nsid),
                 .attached = read_attached(admin, nsid)};
    Bytes descriptors(4096);
    // A controller may answer this for its own namespaces only.
    if (admin.submit(nvme::identify(nvme::Cns::namespace_descriptors, Nsid{nsid}), descriptors)
            .status.ok())
        read_descriptors(descriptors, ns.medium);
    return ns;
}

void change_attachment(const nvme::Passthrough &admin, std::uint32_t nsid, std::uint16_t cntlid,
                       std::uint32_t action) {
    Bytes list(4096);
    store<std::uint16_t>(list, 0, 1);
    store<std::uint16_t>(list, 2, cntlid);
    nvme::Sqe sqe{.opcode = static_cast<std::uint8_t>(nvme::Admin::namespace_attachment)};
    sqe.nsid = nsid;
    sqe.cdw10 = action;
    // Command specific: Namespace Already Attached, Namespace Not Attached.
    constexpr nvme::Status already{1, 0x18};
    constexpr nvme::Status not_attached{1, 0x1a};
    const nvme::Status status = admin.submit(sqe, list).status;
    if (!status.ok() && status != (action == 0 ? already : not_attached))
        throw nvme::NvmeError{sqe, status};
}

} // namespace

bool Namespace::attached_to(std::uint16_t cntlid) const {
    return std::ranges::find(attached, cntlid) != attached.end();
}

std::vector<Namespace> read_namespaces(const nvme::Passthrough &admin) {
    std::vector<Namespace> all;
    std::uint32_t last = 0;
    for (;;) {
        const Bytes list = admin.identify(allocated_nsids, Nsid{last});
        for (std::size_t i = 0; i < 1024; ++i) {
            const auto nsid = load<std::uint32_t>(list, 4 * i);
            if (nsid == 0 || all.size() == NVME_LM_STREAM_MAX_MEDIA)
                return all;
            // In ascending order: else the walk might never end.
            if (nsid <= last)
                throw Problem{
                    fmt::format("the list of namespaces goes from NSID {} to {}", last, nsid),
                    "update the controller's firmware"};
            all.push_back(read_namespace(admin, nsid));
            last = nsid;
        }
    }
}

std::vector<nvme_lm_medium> media_of(const std::vector<Namespace> &all, std::uint16_t cntlid) {
    std::vector<nvme_lm_medium> media;
    for (const Namespace &ns : all)
        if (ns.attached_to(cntlid))
            media.push_back(ns.medium);
    return media;
}

void attach_namespace(const nvme::Passthrough &admin, std::uint32_t nsid, std::uint16_t cntlid) {
    change_attachment(admin, nsid, cntlid, 0);
}

void detach_namespace(const nvme::Passthrough &admin, std::uint32_t nsid, std::uint16_t cntlid) {
    change_attachment(admin, nsid, cntlid, 1);
}

} // namespace lm::ctl
