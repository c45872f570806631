#pragma once

// The virtual library in a running daemon: commands go in from every front end, faults get in their
// way, what changed is saved and then announced.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/core/result.hpp"
#include "drive_iface/iscsi/target_devices.hpp"
#include "drive_iface/virtual/library.hpp"
#include "drive_iface/vtld/faults.hpp"
#include "drive_iface/vtld/state_file.hpp"

namespace asio {
class io_context;
}

namespace drive_iface::vtld {

using iscsi::TaskId;
using virtual_library::CommandReply;
using virtual_library::LibraryEvent;
using virtual_library::NexusId;
using virtual_library::TaskManagement;

class DriveBay final : public iscsi::TargetDevices {
  public:
    struct Handlers {
        std::function<void(const LibraryEvent&)> event;  // after it was saved
        std::function<void(const std::string& text)> save_failed;
    };

    // `library` with its state restored.
    DriveBay(asio::io_context& loop, virtual_library::Library library, StateFile state,
             Handlers handlers);
    ~DriveBay() override;

    // TargetDevices
    std::vector<iscsi::ServedTarget> targets() const override;
    agent::core::Result<NexusId> nexus_established(const std::string& device,
                                                   const agent::core::InitiatorPort& port) override;
    void nexus_lost(NexusId nexus) override;
    std::size_t data_out_length(NexusId nexus, iscsi::ByteView cdb) override;
    std::optional<CommandReply> execute(NexusId nexus, TaskId task, std::uint64_t lun,
                                        iscsi::ByteView cdb, iscsi::Bytes& data_out,
                                        Later later) override;
    void abandon(NexusId nexus, TaskId task) override;
    bool manage(NexusId nexus, std::uint64_t lun, TaskManagement function) override;

    [[nodiscard]] std::vector<std::string> drive_serials() const;

    // The error says when the change is in force and could not be saved.
    [[nodiscard]] agent::core::Outcome force_offline(const std::string& drive_serial,
                                                     const std::string& reason);
    [[nodiscard]] agent::core::Outcome lift_forced_offline(const std::string& drive_serial);

    // Sessions are the caller's to drop.
    void power_cycle();

    [[nodiscard]] std::vector<virtual_library::Library::DriveStatus> drives() const {
        return library_.drives();
    }
    [[nodiscard]] FaultTable& faults() { return faults_; }
    [[nodiscard]] std::size_t delayed_commands() const { return delayed_.size(); }

  private:
    struct Delayed;
    using DelayedKey = std::pair<std::uint64_t, TaskId>;

    void delay(NexusId nexus, TaskId task, const Fault& fault, Delayed command);
    void run_delayed(const DelayedKey& key);
    void drop_delayed(const std::function<bool(const DelayedKey&, const Delayed&)>& which);
    agent::core::Outcome settle();  // saves what must be saved, then announces

    asio::io_context* loop_;
    virtual_library::Library library_;
    StateFile state_;
    Handlers handlers_;
    FaultTable faults_;
    std::map<std::uint64_t, std::string> drive_of_nexus_;
    std::map<DelayedKey, std::unique_ptr<Delayed>> delayed_;
};

}  // namespace drive_iface::vtld
