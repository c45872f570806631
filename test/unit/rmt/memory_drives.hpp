#pragma once

// Drives with a cartridge in memory each, which know just the commands that rmt sends.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "drive_iface/rmt/tape_drives.hpp"
#include "drive_iface/virtual/memory_cartridge.hpp"
#include "drive_iface/virtual/tape.hpp"

namespace rmt_test {

using namespace drive_iface;
using namespace drive_iface::rmt;
using virtual_library::MemoryMedium;
using virtual_library::Tape;

class MemoryDrives final : public TapeDrives {
  public:
    // VT00000001 with VOL001L8 in it, and the empty VT00000002.
    explicit MemoryDrives(std::uint64_t capacity = 1ULL << 30);

    std::string library_serial() const override { return "VTL0000001"; }
    std::vector<TapeDriveFacts> drives() const override;
    void open(const WantedTape& wanted, const agent::core::InitiatorPort& port,
              Opened opened) override;
    void close(NexusId nexus) override;
    void execute(NexusId nexus, const Bytes& cdb, Bytes data_out, Executed executed) override;
    std::optional<std::uint32_t> write_session(NexusId nexus) override;

    MemoryMedium& medium() { return *medium_; }
    Tape& tape() { return tape_; }

    bool reserved_by_another = false;
    int attentions = 1;
    std::vector<std::string> opened_by;
    std::size_t open_count = 0;

  private:
    CommandReply run(const Bytes& cdb, Bytes& data_out);

    std::shared_ptr<MemoryMedium> medium_;
    Tape tape_;
    std::uint64_t last_nexus_ = 0;
};

}  // namespace rmt_test
