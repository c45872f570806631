#include <utility>

#include "drive_iface/device/offline_actuator.hpp"
#include "drive_iface/events/drive_event_server.hpp"

namespace drive_iface {

using namespace agent::core;
using events::DriveCommand;

namespace {

// Whether an answer is still wanted: `done` is not called once the actuator is gone.
class DriveActuator : public OfflineActuator {
  public:
    explicit DriveActuator(events::DriveEventServer& server) : server_(server) {}

    void force(const DriveSerial& drive, const std::string& reason, Done done) override {
        server_.command(drive, DriveCommand::Action::force_offline, reason,
                        while_alive(std::move(done)));
    }
    void lift(const DriveSerial& drive, Done done) override {
        server_.command(drive, DriveCommand::Action::lift_offline, "",
                        while_alive(std::move(done)));
    }

  private:
    Done while_alive(Done done) {
        return [alive = std::weak_ptr<bool>(alive_), done = std::move(done)](Outcome outcome) {
            if (!alive.expired()) done(std::move(outcome));
        };
    }
    events::DriveEventServer& server_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace

std::unique_ptr<OfflineActuator> make_drive_actuator(events::DriveEventServer& server) {
    return std::make_unique<DriveActuator>(server);
}

}  // namespace drive_iface
