#pragma once

// The library as rmt clients use it: the same drives, reservations and faults as for iSCSI hosts,
// and volumes that are mounted by being named.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "drive_iface/rmt/tape_drives.hpp"
#include "drive_iface/vtld/drive_bay.hpp"

namespace drive_iface::sessions {
class SessionStore;
}

namespace drive_iface::vtld {

class RmtDrives final : public rmt::TapeDrives {
  public:
    // `sessions` null: there are no parallel drives. All of them outlive it.
    RmtDrives(asio::io_context& loop, DriveBay& bay, sessions::SessionStore* sessions,
              std::string library_serial);
    ~RmtDrives() override;

    std::string library_serial() const override { return library_serial_; }
    std::vector<rmt::TapeDriveFacts> drives() const override;
    void open(const rmt::WantedTape& wanted, const agent::core::InitiatorPort& port,
              Opened opened) override;
    void close(NexusId nexus) override;
    void execute(NexusId nexus, const rmt::Bytes& cdb, rmt::Bytes data_out,
                 Executed executed) override;
    std::optional<std::uint32_t> write_session(NexusId nexus) override;

  private:
    using Status = virtual_library::Library::DriveStatus;
    struct Opening;
    struct User {
        std::string drive;
        agent::core::InitiatorPort port;
        std::optional<std::uint32_t> session;
        std::string to_unmount{};  // an administrative volume: it goes when the client does
    };

    [[nodiscard]] std::optional<Status> status_of(const std::string& drive) const;
    // Why it can not be opened; nothing: it is there.
    [[nodiscard]] std::optional<rmt::Refusal> unusable(const std::string& barcode) const;
    [[nodiscard]] bool is_free(const Status& drive) const;
    void go_on(const std::shared_ptr<Opening>& opening);
    // True: the volume is in the drive, or the opening has ended.
    [[nodiscard]] bool mount(Opening& opening, const Status& drive);
    void log_in(Opening& opening, const Status& drive);
    void look_again(const std::shared_ptr<Opening>& opening);
    // An administrative volume is asked for by its name alone, and read in any drive that is free.
    [[nodiscard]] std::string administrative_volume(const std::string& name) const;
    // False: it has to wait, or was refused.
    [[nodiscard]] bool find_drive(const std::shared_ptr<Opening>& opening);
    void unmount(const std::string& drive, const std::string& barcode);

    asio::io_context* loop_;
    DriveBay* bay_;
    sessions::SessionStore* sessions_;
    std::string library_serial_;
    std::map<std::uint64_t, User> users_;
    // Drive: the volume that is on its way; empty: one is leaving.
    std::map<std::string, std::string> mounting_;
    TaskId last_task_ = 0;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for what is posted
};

}  // namespace drive_iface::vtld
