#pragma once

// The virtual library in a running daemon: commands go in from every front end, faults get in their
// way, those that wait for their medium are called again when it made progress, what changed is
// saved and then announced.

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
#include "drive_iface/vtld/waiting_commands.hpp"

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

    // `library` with its state restored. Without `changer_serial` there is no target for the
    // changer.
    DriveBay(asio::io_context& loop, virtual_library::Library library, StateFile state,
             Handlers handlers, std::string changer_serial = {});
    ~DriveBay() override;

    // TargetDevices
    std::vector<iscsi::ServedTarget> targets() const override;
    agent::core::Result<NexusId> nexus_established(const std::string& device,
                                                   const agent::core::InitiatorPort& port) override;
    void nexus_lost(NexusId nexus) override;
    void logged_out(NexusId nexus) override;
    std::size_t data_out_length(NexusId nexus, iscsi::ByteView cdb) override;
    std::optional<CommandReply> execute(NexusId nexus, TaskId task, std::uint64_t lun,
                                        iscsi::ByteView cdb, iscsi::Bytes& data_out,
                                        Later later) override;
    void abandon(NexusId nexus, TaskId task) override;
    bool manage(NexusId nexus, std::uint64_t lun, TaskManagement function) override;

    [[nodiscard]] std::vector<std::string> drive_serials() const;

    // The error says when the change is in force and could not be saved; asked for again, it is
    // saved again.
    [[nodiscard]] agent::core::Outcome force_offline(const std::string& drive_serial,
                                                     const std::string& reason);
    [[nodiscard]] agent::core::Outcome lift_forced_offline(const std::string& drive_serial);

    // Sessions are the caller's to drop.
    void power_cycle(virtual_library::Cache cache = virtual_library::Cache::lost);

    // Whoever does something to the library from outside: what changed is saved and announced, and
    // what waits is called again.
    [[nodiscard]] virtual_library::Library& library() { return library_; }
    agent::core::Outcome changed();

    [[nodiscard]] std::vector<virtual_library::Library::DriveStatus> drives() const {
        return library_.drives();
    }
    [[nodiscard]] FaultTable& faults() { return faults_; }
    [[nodiscard]] std::size_t delayed_commands() const { return delayed_.size(); }
    [[nodiscard]] std::size_t waiting_commands() const { return waiting_.size(); }

  private:
    using Command = WaitingCommands::Command;
    struct Delayed;
    using DelayedKey = std::pair<std::uint64_t, TaskId>;

    // Nothing: it is kept, or it waits.
    std::optional<CommandReply> meet_fault(const Fault& fault, Command& command);
    std::optional<CommandReply> begin(Command& command);
    std::optional<CommandReply> ask(Command& command);
    std::optional<CommandReply> keep_waiting(Command& command);
    void delay(const Fault& fault, Command& command);
    void run_delayed(const DelayedKey& key);

    void progressed();
    void progress_soon();
    void drop(const std::function<bool(const Command&)>& which);
    agent::core::Outcome settle();  // saves what must be saved, then announces
    // The same, and `answer` promises nothing that could not be saved.
    void settle_before(NexusId nexus, iscsi::ByteView cdb, std::optional<CommandReply>& answer);
    agent::core::Outcome changed_for_good();
    agent::core::Outcome save();

    asio::io_context* loop_;
    virtual_library::Library library_;
    StateFile state_;
    Handlers handlers_;
    std::string changer_serial_;
    FaultTable faults_;
    std::map<std::uint64_t, std::string> device_of_nexus_;
    std::map<DelayedKey, std::unique_ptr<Delayed>> delayed_;
    WaitingCommands waiting_;
    std::uint64_t last_command_ = 0;
    bool progress_posted_ = false;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for what is posted
};

}  // namespace drive_iface::vtld
