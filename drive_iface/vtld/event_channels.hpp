#pragma once

// The library's ends of the drive event channel: one to each library reservation agent, so that
// both nodes of a pair know who has reserved a drive, whichever serves. Each is told everything;
// what either orders is carried out: which of them may order is settled between them.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/runtime/channel_tls_configuration.hpp"
#include "drive_iface/events/drive_event_client.hpp"

namespace drive_iface::vtld {

class EventChannels {
  public:
    struct Handlers {
        // As DriveEventClientHandlers::command and ::forced_offline.
        std::function<void(const events::DriveCommand& command,
                           std::function<void(agent::core::Outcome)> done)>
            command;
        std::function<std::map<agent::core::DriveSerial, std::string>()> forced_offline;
        // How every drive is now, for an agent that was restarted perhaps.
        std::function<std::vector<events::DriveEvent>()> states;
    };
    struct Channel {
        std::string connect;  // "unix:PATH" or "tcp:HOST:PORT"
        std::unique_ptr<events::DriveEventClient> client;
    };

    // Begins to connect at once, and never gives up; `tls` on every tcp channel. Errors: an address
    // or a file can not be used, in words.
    [[nodiscard]] static agent::core::Result<std::unique_ptr<EventChannels>> open(
        asio::io_context& loop, const std::vector<std::string>& connect,
        const std::optional<agent::runtime::ChannelTlsConfiguration>& tls,
        const std::vector<agent::core::DriveSerial>& drives, Handlers handlers);

    EventChannels(const EventChannels&) = delete;
    EventChannels& operator=(const EventChannels&) = delete;

    void report(const events::DriveEvent& event);
    // Whoever is connected has acknowledged everything.
    [[nodiscard]] bool is_settled() const;
    [[nodiscard]] const std::vector<Channel>& channels() const { return channels_; }

  private:
    explicit EventChannels(Handlers handlers) : handlers_(std::move(handlers)) {}
    [[nodiscard]] events::DriveEventClientHandlers handlers_of(std::size_t number);

    Handlers handlers_;
    std::vector<Channel> channels_;
    std::vector<bool> heard_;  // the agent there has answered since it was connected to
};

}  // namespace drive_iface::vtld
