#include "drive_iface/discovery/serial_bound_transport.hpp"

#include <algorithm>
#include <utility>

#include "drive_iface/discovery/device_survey.hpp"

namespace drive_iface::discovery {

using agent::core::Duration;
using agent::core::Error;
using agent::core::Nothing;
using agent::core::Outcome;
using agent::core::Result;

namespace {

// INQUIRY needs no medium and waits for nothing a drive does.
constexpr Duration identity_timeout_max{5'000};

class SerialBoundTransport : public Transport, private OpenPath {
  public:
    SerialBoundTransport(SerialBoundOptions options, PathAsker::Open open,
                         std::shared_ptr<PathFinder> finder)
        : options_(std::move(options)),
          open_(std::move(open)),
          finder_(std::move(finder)),
          last_(options_.path.name) {}

    Result<ScsiReply> execute(const ScsiCommand& command, Duration timeout) override {
        if (auto bound = bind(timeout); !bound) return bound.error();
        auto reply = device_->execute(command, timeout);
        if (!reply) device_.reset();
        return reply;
    }
    Outcome reset_logical_unit(Duration timeout) override {
        if (auto bound = bind(timeout); !bound) return bound.error();
        auto done = device_->reset_logical_unit(timeout);
        if (!done) device_.reset();
        return done;
    }
    [[nodiscard]] std::optional<OtherDrive> other_drive() const override { return other_; }
    OpenPath* open_path() override {
        path_ = device_ == nullptr ? nullptr : device_->open_path();
        return path_ == nullptr ? nullptr : this;
    }

  private:
    // The device's own open path; after an error of it the device is looked for anew.
    Outcome send(const ScsiCommand& command) override {
        auto sent = path_->send(command);
        if (!sent) device_.reset();
        return sent;
    }
    [[nodiscard]] int descriptor() const override { return path_->descriptor(); }
    [[nodiscard]] short events() const override { return path_->events(); }
    std::optional<Result<ScsiReply>> receive(short ready) override {
        auto reply = path_->receive(ready);
        if (reply && !*reply) device_.reset();
        return reply;
    }
    Error give_up(Duration timeout) override {
        auto error = path_->give_up(timeout);
        device_.reset();
        return error;
    }

    // After it the device is open and is the drive that is meant.
    Outcome bind(Duration timeout);
    Outcome bind_to(const std::string& name, Duration timeout);

    SerialBoundOptions options_;
    PathAsker::Open open_;
    std::shared_ptr<PathFinder> finder_;
    std::string last_;  // where the drive was last, or should be; may be empty
    std::unique_ptr<Transport> device_;
    OpenPath* path_ = nullptr;  // the device's
    std::optional<OtherDrive> other_;
};

Outcome SerialBoundTransport::bind_to(const std::string& name, Duration timeout) {
    auto device = open_({options_.path.kind, name, {}});
    if (!device) return device.error();
    const auto serial = serial_of(*device.value(), {std::min(timeout.ms, identity_timeout_max.ms)});
    if (!serial) return serial.error().within("who is there?");
    if (*serial != options_.serial.text) {
        other_ = OtherDrive{name, *serial};
        return Error{name + " leads to drive " + *serial + " now"};
    }
    device_ = std::move(device).value();
    other_.reset();
    if (name != last_ && !last_.empty() && options_.moved) options_.moved(last_, name);
    last_ = name;
    return Nothing{};
}

Outcome SerialBoundTransport::bind(Duration timeout) {
    if (device_ != nullptr) return Nothing{};
    other_.reset();
    std::string why;
    // The path that was configured may be right again.
    for (const std::string& name : {last_, options_.path.name}) {
        if (name.empty() || (name == last_ && !why.empty())) continue;
        auto bound = bind_to(name, timeout);
        if (bound) return bound;
        why += (why.empty() ? "" : "; ") + bound.error().message;
    }
    if (finder_ == nullptr) return Error{why};
    // A node that can not be opened may be one of several, and the drive be behind another.
    const auto refused = other_;
    const auto found = finder_->find(options_.serial);
    if (!found) return Error{why.empty() ? found.error().message : why};
    for (const auto& node : found->nodes) {
        if (node == last_ || node == options_.path.name) continue;
        auto bound = bind_to(node, timeout);
        if (bound) return bound;
        why += (why.empty() ? "" : "; ") + bound.error().message;
    }
    // What is behind the path that was meant, not behind one that was only tried.
    other_ = refused;
    const std::string searched = "none of the " + std::to_string(found->asked) +
                                 " tape drives that this host sees has serial number " +
                                 options_.serial.text;
    return Error{why.empty() ? searched : why + "; " + searched};
}

}  // namespace

std::unique_ptr<Transport> make_serial_bound_transport(SerialBoundOptions options,
                                                       PathAsker::Open open,
                                                       std::shared_ptr<PathFinder> finder) {
    return std::make_unique<SerialBoundTransport>(std::move(options), std::move(open),
                                                  std::move(finder));
}

}  // namespace drive_iface::discovery
