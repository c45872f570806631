#pragma once

// Fibre channel host ports that exist only here: no fabric, but the same library, the same
// reservations and the same events as with a real one.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "agent/core/reservation.hpp"
#include "agent/core/result.hpp"
#include "drive_iface/vtld/drive_bay.hpp"

namespace drive_iface::vtld {

class VirtualPorts {
  public:
    static constexpr std::size_t logins_max = 1024;

    // `bay` outlives this object.
    explicit VirtualPorts(DriveBay& bay) : bay_(&bay) {}

    using Done = std::function<void(agent::core::Result<CommandReply>)>;

    // One command; logs the port in when it is not. `done` is called once, at once or later.
    // Errors: unknown drive, too many logins.
    void command(const agent::core::InitiatorPort& port, const std::string& drive,
                 const iscsi::Bytes& cdb, const iscsi::Bytes& data_out, const Done& done);
    // The same, and once more after each unit attention (at most 4 in a row).
    void command_past_attentions(const agent::core::InitiatorPort& port, const std::string& drive,
                                 const iscsi::Bytes& cdb, const iscsi::Bytes& data_out,
                                 const Done& done);

    // False: it was not logged in.
    bool log_out(const agent::core::InitiatorPort& port, const std::string& drive);
    // Nexuses are gone (power cycle).
    void forget_all();

    struct Login {
        agent::core::InitiatorPort port;
        std::string drive;
    };
    [[nodiscard]] std::vector<Login> logins() const;

  private:
    using Key = std::pair<agent::core::InitiatorPort, std::string>;

    void attempt(const Key& key, const iscsi::Bytes& cdb, const iscsi::Bytes& data_out,
                 int attempts_left, const Done& done);

    DriveBay* bay_;
    std::map<Key, NexusId> nexuses_;
    TaskId last_task_ = 0;
};

}  // namespace drive_iface::vtld
