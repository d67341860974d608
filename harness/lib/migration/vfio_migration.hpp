// SPDX-License-Identifier: GPL-2.0-only
/// The VFIO migration interface of a device, as a VMM uses it.
#pragma once

#include "util/bytes.hpp"
#include "util/fd.hpp"
#include "vfio/device.hpp"

#include <optional>
#include <ostream>

namespace lm::migration {

/// Device states of the VFIO migration protocol.
enum class State : std::uint32_t {
    error = VFIO_DEVICE_STATE_ERROR,
    stop = VFIO_DEVICE_STATE_STOP,
    running = VFIO_DEVICE_STATE_RUNNING,
    stop_copy = VFIO_DEVICE_STATE_STOP_COPY,
    resuming = VFIO_DEVICE_STATE_RESUMING,
    running_p2p = VFIO_DEVICE_STATE_RUNNING_P2P,
    pre_copy = VFIO_DEVICE_STATE_PRE_COPY,
    pre_copy_p2p = VFIO_DEVICE_STATE_PRE_COPY_P2P,
};

/// The state's name as in the uAPI.
std::string_view name_of(State state);
void PrintTo(State state, std::ostream *out);

/// What VFIO_MIG_GET_PRECOPY_INFO says.
struct PrecopyInfo {
    std::uint32_t flags = 0;
    std::uint64_t initial_bytes = 0;
    std::uint64_t dirty_bytes = 0;

    [[nodiscard]] bool reinit() const { return flags & VFIO_PRECOPY_INFO_REINIT; }
    [[nodiscard]] std::uint64_t bytes() const { return initial_bytes + dirty_bytes; }
};

/// The file that a change of state hands out: read it to save, write it to load.
class DataFile {
  public:
    explicit DataFile(UniqueFd fd) : fd_{std::move(fd)} {}

    [[nodiscard]] int fd() const { return fd_.get(); }
    /// One read(); throws std::system_error, 0 bytes at the end.
    std::size_t read_some(ByteSpan out);
    /// Read to the end, at most @chunk bytes a call.
    Bytes read_all(std::size_t chunk = 1 << 20);
    /// Read until the temporary end of PRE_COPY, ENOMSG; throws where the file ends
    /// for good.
    Bytes read_pass(std::size_t chunk = 1 << 20);
    /// VFIO_MIG_GET_PRECOPY_INFO; throws std::system_error.
    [[nodiscard]] PrecopyInfo precopy_info() const;
    /// One write(); throws std::system_error.
    std::size_t write_some(ByteView in);
    /// Write everything, at most @chunk bytes a call.
    void write_all(ByteView in, std::size_t chunk = 1 << 20);

  private:
    UniqueFd fd_;
};

/// A refused change of state, with the state that the device was left in.
class TransitionRefused : public std::system_error {
  public:
    TransitionRefused(int error, State from, State to, State left);
    /// The device_state that the ioctl wrote back.
    [[nodiscard]] State left() const { return left_; }

  private:
    State left_;
};

/// Changes states and moves data of one open device.
class Migration {
  public:
    explicit Migration(vfio::Device &device) : device_{&device} {}

    /// Whether the device can be migrated at all.
    [[nodiscard]] bool supported() const;
    /// VFIO_MIGRATION_* flags; throws where migration is not supported.
    [[nodiscard]] std::uint64_t flags() const;
    [[nodiscard]] State state() const;
    /// VFIO_DEVICE_FEATURE_MIG_DATA_SIZE.
    [[nodiscard]] std::uint64_t data_size() const;
    /// Whether the kernel has VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2.
    [[nodiscard]] bool has_precopy_info_v2() const;
    void enable_precopy_info_v2();
    /// Change the state; the file, if the change hands one out.
    std::optional<DataFile> set(State state);
    /// The same, for a change that must hand out a file.
    DataFile set_with_file(State state);

    /// RUNNING to STOP_COPY, everything read, back to STOP.
    Bytes save();
    /// To RESUMING, everything written, to STOP.
    void load(ByteView stream);

  private:
    vfio::Device *device_;
};

} // namespace lm::migration
