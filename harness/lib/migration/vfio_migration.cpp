// SPDX-License-Identifier: GPL-2.0-only
#include "migration/vfio_migration.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>

namespace lm::migration {

namespace {
// No rig device has more state than this: a file without end must not eat memory.
constexpr std::size_t most_saved_bytes = std::size_t{1} << 30;
} // namespace

std::string_view name_of(State state) {
    switch (state) {
    case State::error:
        return "ERROR";
    case State::stop:
        return "STOP";
    case State::running:
        return "RUNNING";
    case State::stop_copy:
        return "STOP_COPY";
    case State::resuming:
        return "RESUMING";
    case State::running_p2p:
        return "RUNNING_P2P";
    case State::pre_copy:
        return "PRE_COPY";
    case State::pre_copy_p2p:
        return "PRE_COPY_P2P";
    }
    return "unknown";
}

void PrintTo(State state, std::ostream *out) {
    *out << name_of(state);
}

TransitionRefused::TransitionRefused(int error, State from, State to, State left)
    : std::system_error{error, std::generic_category(),
                        fmt::format("{} -> {} refused, left in {}", name_of(from), name_of(to),
                                    name_of(left))},
      left_{left} {}

std::size_t DataFile::read_some(ByteSpan out) {
    return static_cast<std::size_t>(
        check(::read(fd(), out.data(), out.size()), "cannot read the migration file"));
}

Bytes DataFile::read_all(std::size_t chunk) {
    Bytes data;
    for (;;) {
        const std::size_t have = data.size();
        if (have > most_saved_bytes)
            throw std::length_error{"the migration file does not end"};
        data.resize(have + chunk);
        const std::size_t n = read_some(ByteSpan{data}.subspan(have));
        data.resize(have + n);
        if (n == 0)
            return data;
    }
}

Bytes DataFile::read_pass(std::size_t chunk) {
    Bytes data;
    Bytes some(chunk);
    for (;;) {
        const ssize_t n = ::read(fd(), some.data(), some.size());
        if (n < 0 && errno == ENOMSG)
            return data;
        if (check(n, "cannot read the migration file") == 0)
            throw std::runtime_error{"the migration file ends while the function runs"};
        if (data.size() > most_saved_bytes)
            throw std::length_error{"a pass does not end"};
        data.insert(data.end(), some.begin(), some.begin() + n);
    }
}

PrecopyInfo DataFile::precopy_info() const {
    vfio_precopy_info info{};
    info.argsz = sizeof(info);
    check(::ioctl(fd(), VFIO_MIG_GET_PRECOPY_INFO, &info), "VFIO_MIG_GET_PRECOPY_INFO");
    return {
        .flags = info.flags, .initial_bytes = info.initial_bytes, .dirty_bytes = info.dirty_bytes};
}

std::size_t DataFile::write_some(ByteView in) {
    return static_cast<std::size_t>(
        check(::write(fd(), in.data(), in.size()), "cannot write the migration file"));
}

void DataFile::write_all(ByteView in, std::size_t chunk) {
    while (!in.empty()) {
        const std::size_t n = write_some(in.first(std::min(chunk, in.size())));
        if (n == 0)
            throw std::runtime_error{"the migration file takes nothing, and gives no error"};
        in = in.subspan(n);
    }
}

bool Migration::supported() const {
    return device_->has_feature(VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_MIGRATION);
}

std::uint64_t Migration::flags() const {
    vfio_device_feature_migration argument{};
    device_->feature(VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_MIGRATION,
                     std::as_writable_bytes(std::span{&argument, 1}));
    return argument.flags;
}

State Migration::state() const {
    vfio_device_feature_mig_state argument{};
    device_->feature(VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE,
                     std::as_writable_bytes(std::span{&argument, 1}));
    return State{argument.device_state};
}

std::uint64_t Migration::data_size() const {
    vfio_device_feature_mig_data_size argument{};
    device_->feature(VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_MIG_DATA_SIZE,
                     std::as_writable_bytes(std::span{&argument, 1}));
    return argument.stop_copy_length;
}

bool Migration::has_precopy_info_v2() const {
    return device_->has_feature(VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2);
}

void Migration::enable_precopy_info_v2() {
    device_->feature(VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2, {});
}

std::optional<DataFile> Migration::set(State to) {
    const State from = state();
    vfio_device_feature_mig_state argument{};
    argument.device_state = static_cast<std::uint32_t>(to);
    argument.data_fd = -1;
    try {
        device_->feature(VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE,
                         std::as_writable_bytes(std::span{&argument, 1}));
    } catch (const std::system_error &error) {
        throw TransitionRefused{error.code().value(), from, to, State{argument.device_state}};
    }
    if (argument.data_fd < 0)
        return std::nullopt;
    return DataFile{UniqueFd{argument.data_fd}};
}

DataFile Migration::set_with_file(State to) {
    std::optional<DataFile> file = set(to);
    if (!file)
        throw std::runtime_error{fmt::format("the change to {} gave no file", name_of(to))};
    return std::move(*file);
}

Bytes Migration::save() {
    DataFile file = set_with_file(State::stop_copy);
    Bytes stream = file.read_all();
    set(State::stop);
    return stream;
}

void Migration::load(ByteView stream) {
    DataFile file = set_with_file(State::resuming);
    file.write_all(stream);
    set(State::stop);
}

} // namespace lm::migration
