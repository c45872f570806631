#include "agent/host/device_events.hpp"

#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>

#include "agent/core/errno_text.hpp"

namespace agent::host {

namespace {

using SteadyClock = std::chrono::steady_clock;

// UEVENT_BUFFER_SIZE of the kernel (include/linux/kobject.h) and the header line.
constexpr std::size_t device_message_max = 8'192;
// Read in one go; the loop has other work.
constexpr int device_messages_at_once = 64;
constexpr unsigned kernel_group = 1;  // 2 is udev's

constexpr std::string_view heard_subsystems[] = {"scsi_tape", "scsi_generic", "fc_host",
                                                 "sas_host",  "sas_phy",      "iscsi_session"};

}  // namespace

std::optional<DeviceEvent> device_event_from(std::string_view message) {
    const auto next_text = [&message] {
        const std::size_t end = std::min(message.find('\0'), message.size());
        const std::string_view text = message.substr(0, end);
        message.remove_prefix(std::min(end + 1, message.size()));
        return text;
    };
    const std::string_view header = next_text();
    const std::size_t at = header.find('@');
    if (at == std::string_view::npos || at == 0 || at + 1 == header.size()) return std::nullopt;
    DeviceEvent event{std::string(header.substr(0, at)), std::string(header.substr(at + 1)), {}};
    while (!message.empty()) {
        const std::string_view text = next_text();
        constexpr std::string_view key = "SUBSYSTEM=";
        if (text.substr(0, key.size()) == key) event.subsystem = text.substr(key.size());
    }
    if (event.subsystem.empty()) return std::nullopt;
    return event;
}

bool concerns_drives_or_ports(const DeviceEvent& event) {
    return std::find(std::begin(heard_subsystems), std::end(heard_subsystems), event.subsystem) !=
           std::end(heard_subsystems);
}

class DeviceEvents::State : public std::enable_shared_from_this<DeviceEvents::State> {
  public:
    State(asio::io_context& loop, int socket, Pauses pauses, std::function<void()> changed)
        : socket_(loop, socket), timer_(loop), pauses_(pauses), changed_(std::move(changed)) {}

    void wait() {
        socket_.async_wait(asio::posix::stream_descriptor::wait_read,
                           [self = shared_from_this()](const std::error_code& error) {
                               if (error || !self->changed_) return;
                               if (self->read_some()) self->wait();
                           });
    }

    void stop() {
        changed_ = nullptr;
        std::error_code ignored;
        socket_.close(ignored);
        timer_.cancel();
    }

  private:
    // false: there will be no more.
    bool read_some() {
        for (int count = 0; count < device_messages_at_once; ++count) {
            std::array<char, device_message_max> bytes;
            sockaddr_nl sender{};
            socklen_t sender_size = sizeof sender;
            const ssize_t size =
                ::recvfrom(socket_.native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT,
                           reinterpret_cast<sockaddr*>(&sender), &sender_size);
            if (size < 0 && errno == ENOBUFS) {
                came();  // some were lost: any of them may have been of interest
                continue;
            }
            if (size < 0) return errno == EAGAIN || errno == EINTR;
            if (size == 0) return false;
            const bool from_netlink =
                sender_size >= sizeof sender && sender.nl_family == AF_NETLINK;
            if (from_netlink && sender.nl_pid != 0) continue;  // not the kernel
            const auto event = device_event_from({bytes.data(), static_cast<std::size_t>(size)});
            if (event && concerns_drives_or_ports(*event)) came();
        }
        return true;
    }

    void came() {
        const auto now = SteadyClock::now();
        if (!first_) first_ = now;
        const auto quiet = now + std::chrono::milliseconds(pauses_.quiet.ms);
        const auto latest = *first_ + std::chrono::milliseconds(pauses_.at_most.ms);
        timer_.expires_at(std::min(quiet, latest));
        timer_.async_wait([self = shared_from_this()](const std::error_code& error) {
            if (error || !self->changed_) return;
            self->first_.reset();
            const auto changed = self->changed_;  // it may end us
            changed();
        });
    }

    asio::posix::stream_descriptor socket_;
    asio::steady_timer timer_;
    Pauses pauses_;
    std::function<void()> changed_;
    std::optional<SteadyClock::time_point> first_;  // of those not told yet
};

core::Result<std::unique_ptr<DeviceEvents>> DeviceEvents::listen(asio::io_context& loop,
                                                                 std::function<void()> changed) {
    const auto failed = [](const char* what) {
        return core::Error{std::string(what) + ": " + core::errno_text(errno)};
    };
    const int number =
        ::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);
    if (number < 0) return failed("netlink socket");
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = kernel_group;
    if (::bind(number, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        const auto error = failed("netlink socket");
        ::close(number);
        return error;
    }
    return std::make_unique<DeviceEvents>(loop, number, Pauses{}, std::move(changed));
}

DeviceEvents::DeviceEvents(asio::io_context& loop, int socket, Pauses pauses,
                           std::function<void()> changed)
    : state_(std::make_shared<State>(loop, socket, pauses, std::move(changed))) {
    state_->wait();
}

DeviceEvents::~DeviceEvents() {
    state_->stop();
}

}  // namespace agent::host
