#include "agent/dsad/host_discovery.hpp"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>

#include "drive_iface/device/drive.hpp"
#include "drive_iface/device/sg_transport.hpp"

namespace agent::dsad {

namespace {

constexpr core::Duration inquiry_timeout{5'000};

core::Result<core::DriveSerial> ask_serial(const std::string& generic_node) {
    auto drive = drive_iface::make_sg_transport(generic_node);
    if (!drive) return drive.error();
    auto identity = drive_iface::identify(**drive, inquiry_timeout);
    if (!identity) return identity.error();
    return identity->serial;
}

void add_ports(runtime::DsadConfiguration& configuration, const host::HostDevices& found,
               std::vector<std::string>& added) {
    auto& ports = configuration.host.ports;
    for (const auto& one : found.ports) {
        const bool known = std::any_of(ports.begin(), ports.end(), [&](const auto& port) {
            return core::same_host_port(port, one.port);
        });
        if (known) continue;
        ports.push_back(one.port);
        added.push_back("port " + core::to_text(one.port) + " (" + one.where + ")");
    }
}

void add_drives(runtime::DsadConfiguration& configuration, const host::HostDevices& found,
                std::vector<std::string>& added) {
    for (const auto& one : found.drives) {
        const std::string& node = one.tape_nodes.front();
        const auto known =
            std::find_if(configuration.drives.begin(), configuration.drives.end(),
                         [&](const auto& drive) { return drive.serial == one.serial; });
        if (known != configuration.drives.end()) {
            // Nodes are numbered anew when a drive comes back.
            const auto& nodes = one.tape_nodes;
            if (std::find(nodes.begin(), nodes.end(), known->device) != nodes.end()) continue;
            known->device = node;
            added.push_back("drive " + one.serial.text + " is at " + node + " now");
            continue;
        }
        const auto name = configuration.application_names.find(one.serial.text);
        configuration.host.drives.push_back(one.serial);
        configuration.drives.push_back(
            {one.serial,
             name == configuration.application_names.end() ? one.serial.text : name->second, node});
        added.push_back("drive " + one.serial.text + " (" + node + ", " + one.vendor + " " +
                        one.product + ")");
    }
}

}  // namespace

host::HostDevices look_at_this_host(bool discover_drives) {
    return host::look_at_host({}, discover_drives ? host::AskSerial(ask_serial) : nullptr);
}

host::HostDevices glance_at_this_host(const host::HostDevices& before) {
    const auto ask = [&before](const std::string& generic_node) -> core::Result<core::DriveSerial> {
        for (const auto& drive : before.drives) {
            const auto& nodes = drive.generic_nodes;
            if (std::find(nodes.begin(), nodes.end(), generic_node) != nodes.end())
                return drive.serial;
        }
        return core::Error{"its serial number is not known yet"};
    };
    return host::look_at_host({}, ask);
}

std::vector<std::string> complete(runtime::DsadConfiguration& configuration,
                                  const host::HostDevices& found) {
    std::vector<std::string> added;
    if (configuration.discover_ports) add_ports(configuration, found, added);
    if (configuration.discover_drives) add_drives(configuration, found, added);
    return added;
}

// `mutex_` guards `loop_gone_`; `discover_drives_` never changes; the rest belongs to the loop's
// thread.
class HostDiscovery::State : public std::enable_shared_from_this<HostDiscovery::State> {
  public:
    State(asio::io_context& loop, core::Duration interval, bool discover_drives, Found found)
        : loop_(loop),
          interval_(interval.ms),
          discover_drives_(discover_drives),
          found_(std::move(found)),
          timer_(loop) {}

    // The next look waits for this one, however long a drive keeps it.
    void look() {
        if (std::exchange(looking_, true)) {
            once_more_ = true;
            return;
        }
        timer_->cancel();
        std::thread([self = shared_from_this()] {
            auto devices = look_at_this_host(self->discover_drives_);
            const std::lock_guard lock(self->mutex_);
            if (self->loop_gone_) return;
            asio::post(self->loop_, [self, devices = std::move(devices)] { self->seen(devices); });
        }).detach();
    }

    void stop() {
        found_ = nullptr;
        timer_.reset();
        const std::lock_guard lock(mutex_);
        loop_gone_ = true;
    }

  private:
    void wait() {
        timer_->expires_after(interval_);
        timer_->async_wait([self = shared_from_this()](const std::error_code& error) {
            if (!error && self->timer_) self->look();
        });
    }

    void seen(const host::HostDevices& devices) {
        const auto found = found_;  // it may end us
        if (!found) return;
        looking_ = false;
        found(devices);
        if (!timer_) return;
        std::exchange(once_more_, false) ? look() : wait();
    }

    asio::io_context& loop_;
    std::chrono::milliseconds interval_;
    const bool discover_drives_;
    Found found_;
    std::optional<asio::steady_timer> timer_;  // gone after stop(): the loop may be, too
    bool looking_ = false;
    bool once_more_ = false;
    std::mutex mutex_;
    bool loop_gone_ = false;
};

HostDiscovery::HostDiscovery(asio::io_context& loop, core::Duration interval, bool discover_drives,
                             Found found)
    : state_(std::make_shared<State>(loop, interval, discover_drives, std::move(found))) {
    state_->look();
}

void HostDiscovery::look_now() {
    state_->look();
}

HostDiscovery::~HostDiscovery() {
    state_->stop();
}

}  // namespace agent::dsad
