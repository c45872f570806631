#include "drive_iface/vtld/event_channels.hpp"

#include <algorithm>
#include <utility>

#include "agent/runtime/clock.hpp"
#include "agent/runtime/log.hpp"

namespace drive_iface::vtld {

using agent::core::Result;
using events::DriveEventClient;

Result<std::unique_ptr<EventChannels>> EventChannels::open(
    asio::io_context& loop, const std::vector<std::string>& connect,
    const std::optional<agent::runtime::ChannelTlsConfiguration>& tls,
    const std::vector<agent::core::DriveSerial>& drives, Handlers handlers) {
    auto opened = std::unique_ptr<EventChannels>(new EventChannels(std::move(handlers)));
    opened->channels_.resize(connect.size());
    opened->heard_.resize(connect.size());
    for (std::size_t number = 0; number < connect.size(); ++number) {
        Channel& channel = opened->channels_[number];
        channel.connect = connect[number];
        events::DriveEventClientOptions options;
        options.connect = channel.connect;
        if (tls && channel.connect.starts_with("tcp:")) {
            options.tls = {tls->certificate_file, tls->certificate_key_file, tls->authority_file,
                           tls->peers};
        }
        options.drives = drives;
        options.first_seq = static_cast<std::uint64_t>(agent::runtime::clock_now().wall.ms);
        auto client =
            DriveEventClient::connect(loop, std::move(options), opened->handlers_of(number));
        if (!client) return client.error().within("events.connect");
        channel.client = std::move(client).value();
    }
    return opened;
}

events::DriveEventClientHandlers EventChannels::handlers_of(std::size_t number) {
    events::DriveEventClientHandlers handlers;
    handlers.command = handlers_.command;
    handlers.forced_offline = handlers_.forced_offline;
    handlers.connected = [this, number] {
        const Channel& channel = channels_[number];
        for (auto& state : handlers_.states())
            channel.client->report(std::move(state));
    };
    handlers.heard = [this, number] {
        heard_[number] = true;
        agent::runtime::log_info("connected to the library reservation agent at " +
                                 channels_[number].connect);
    };
    handlers.disconnected = [this, number] {
        if (!heard_[number]) return;
        heard_[number] = false;
        agent::runtime::log_warning("lost the library reservation agent at " +
                                    channels_[number].connect +
                                    "; events are kept until it is back");
    };
    handlers.warning = [](const std::string& text) { agent::runtime::log_warning(text); };
    return handlers;
}

void EventChannels::report(const events::DriveEvent& event) {
    for (const auto& channel : channels_)
        channel.client->report(event);
}

bool EventChannels::is_settled() const {
    return std::all_of(channels_.begin(), channels_.end(), [](const Channel& channel) {
        return !channel.client->is_connected() || channel.client->unacknowledged() == 0;
    });
}

}  // namespace drive_iface::vtld
