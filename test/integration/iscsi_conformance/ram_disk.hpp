#pragma once

// A disk in memory behind the same iSCSI server as the tapes, in tests only: some tests of
// iscsi-test-cu judge the transport, and do it with READ(10) and WRITE(10). SBC-3 as far as they
// ask.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "drive_iface/iscsi/target_devices.hpp"

namespace iscsi_conformance {

using namespace drive_iface::iscsi;

class RamDisk final : public TargetDevices {
  public:
    static constexpr std::size_t block_length = 512;

    explicit RamDisk(std::uint64_t blocks) : data_(blocks * block_length) {}

    std::vector<ServedTarget> targets() const override { return {{"RAM0000001", "disk"}}; }
    agent::core::Result<NexusId> nexus_established(const std::string& device,
                                                   const agent::core::InitiatorPort& port) override;
    void nexus_lost(NexusId) override {}
    std::size_t data_out_length(NexusId nexus, ByteView cdb) override;
    std::optional<CommandReply> execute(NexusId nexus, TaskId task, std::uint64_t lun, ByteView cdb,
                                        Bytes& data_out, Later later) override;
    void abandon(NexusId, TaskId) override {}
    bool manage(NexusId, std::uint64_t, TaskManagement) override { return true; }

  private:
    [[nodiscard]] std::uint64_t blocks() const { return data_.size() / block_length; }
    [[nodiscard]] CommandReply run(ByteView cdb, const Bytes& data_out);
    [[nodiscard]] CommandReply inquiry(ByteView cdb) const;
    [[nodiscard]] CommandReply capacity(ByteView cdb) const;

    Bytes data_;
    std::uint64_t last_nexus_ = 0;
};

}  // namespace iscsi_conformance
