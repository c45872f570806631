#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <utility>

#include "drive_iface/device/offline_actuator.hpp"

namespace drive_iface {

using namespace agent::core;

namespace {

class AlarmActuator : public OfflineActuator {
  public:
    explicit AlarmActuator(asio::io_context& loop) : loop_(loop) {}

    void force(const DriveSerial&, const std::string&, Done done) override {
        answer(
            std::move(done),
            Error{"left to people: the drive has no way to be taken offline (actuator \"alarm\"), "
                  "keep hosts from using it by hand"});
    }
    void lift(const DriveSerial&, Done done) override { answer(std::move(done), Nothing{}); }

  private:
    void answer(Done done, Outcome outcome) {
        asio::post(loop_, [alive = std::weak_ptr<bool>(alive_), done = std::move(done),
                           outcome = std::move(outcome)] {
            if (!alive.expired()) done(outcome);
        });
    }
    asio::io_context& loop_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace

std::unique_ptr<OfflineActuator> make_alarm_actuator(asio::io_context& loop) {
    return std::make_unique<AlarmActuator>(loop);
}

}  // namespace drive_iface
