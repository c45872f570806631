#include "drive_iface/events/drive_event_server.hpp"

#include <netinet/in.h>
#include <unistd.h>

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <cerrno>
#include <map>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include "drive_iface/events/channel_address.hpp"
#include "drive_iface/events/line_connection.hpp"

namespace drive_iface::events {

using namespace agent::core;

namespace {

constexpr std::size_t commands_max = 1024;
constexpr std::size_t accepted_a_turn = 16;
constexpr std::size_t refusals_said_max = 16;

std::string end_in_words(LineConnection::End end) {
    switch (end) {
        case LineConnection::End::by_peer:
            return "closed by the drive's side";
        case LineConnection::End::line_too_long:
            return "closed: a line longer than 64 KiB";
        case LineConnection::End::reads_too_slow:
            return "closed: it does not read what is sent to it";
        case LineConnection::End::failed:
            return "connection failed";
    }
    return "";
}

}  // namespace

class DriveEventServer::State : public std::enable_shared_from_this<DriveEventServer::State> {
  public:
    State(asio::io_context& loop, DriveEventServerOptions options,
          DriveEventServerHandlers handlers, ChannelAddress address, int listening)
        : loop_(loop),
          options_(std::move(options)),
          handlers_(std::move(handlers)),
          address_(std::move(address)),
          listener_(loop, listening),
          accept_pause_(loop) {
        if (options_.tls) identity_.emplace(*options_.tls);
    }

    void accept();
    void stop();
    void command(const DriveSerial& drive, DriveCommand::Action action, const std::string& reason,
                 std::function<void(Outcome)> done);
    void acknowledge(const DriveSerial& drive, std::uint64_t seq);
    bool is_connected(const DriveSerial& drive) const { return speakers_.contains(drive); }
    std::uint16_t port();
    const DriveEventServerCounters& counters() const { return counters_; }

  private:
    using ConnectionId = std::uint64_t;
    struct Connection {
        std::shared_ptr<LineConnection> lines;
        std::set<DriveSerial> drives;
        bool bad_line_said = false;
        bool unknown_drive_said = false;
    };
    struct Command {
        ConnectionId connection = 0;
        DriveSerial drive;
        std::function<void(Outcome)> done;
        std::unique_ptr<asio::steady_timer> deadline;
    };

    void accept_all();
    void welcome(int number);
    void shake_hands(ChannelStream::Socket socket);
    void turn_away(const Error& why);
    void adopt(std::unique_ptr<ChannelStream> stream);
    void take(ConnectionId id, std::string_view line);
    void take(ConnectionId id, const DriveHello& hello);
    void take(ConnectionId id, const DriveEvent& event, std::string_view line);
    void take(ConnectionId id, const DriveCommandResult& result);
    void refuse(ConnectionId id, const BadLine& bad);
    bool speaks_for(ConnectionId id, const DriveSerial& drive,
                    const std::optional<std::string>& forced = std::nullopt);
    void ended(ConnectionId id, const std::string& why);
    void finish(std::uint64_t command_id, Outcome outcome);
    void warn(const std::string& text) {
        if (handlers_.warning) handlers_.warning("drive event channel: " + text);
    }
    Connection* connection(ConnectionId id) {
        const auto found = connections_.find(id);
        return found == connections_.end() ? nullptr : &found->second;
    }

    asio::io_context& loop_;
    DriveEventServerOptions options_;
    DriveEventServerHandlers handlers_;
    ChannelAddress address_;
    asio::posix::stream_descriptor listener_;
    asio::steady_timer accept_pause_;
    bool stopped_ = false;
    std::set<std::string> refusals_said_;
    std::optional<TlsIdentity> identity_;
    std::uint64_t last_handshake_ = 0;
    std::map<std::uint64_t, TlsIdentity::GiveUp> handshakes_;  // under way, oldest first
    ConnectionId last_connection_ = 0;
    std::uint64_t last_command_ = 0;
    std::map<ConnectionId, Connection> connections_;
    // Who names a drive, none of them empty. The last one said so last and speaks for it.
    std::map<DriveSerial, std::vector<ConnectionId>> speakers_;
    std::map<std::pair<DriveSerial, std::uint64_t>, ConnectionId> events_being_taken_;
    std::map<std::uint64_t, Command> commands_;
    DriveEventServerCounters counters_;
};

// ---- connections
// ----------------------------------------------------------------------------------------------------

void DriveEventServer::State::accept() {
    listener_.async_wait(asio::posix::stream_descriptor::wait_read,
                         [self = shared_from_this()](const std::error_code& error) {
                             if (error || self->stopped_) return;
                             self->accept_all();
                         });
}

void DriveEventServer::State::accept_all() {
    for (std::size_t accepted = 0;; ++accepted) {
        // Whoever connects faster than this does not keep the loop from everything else.
        if (accepted == accepted_a_turn) return accept();
        const int socket =
            ::accept4(listener_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (socket >= 0) {
            welcome(socket);
            if (stopped_) return;
            continue;
        }
        if (errno == EINTR || errno == ECONNABORTED) continue;
        if (errno == EAGAIN) return accept();
        break;
    }
    // No descriptor or memory left: it stays readable, so that waiting for it would spin.
    accept_pause_.expires_after(std::chrono::milliseconds(200));
    accept_pause_.async_wait([self = shared_from_this()](const std::error_code& error) {
        if (!error && !self->stopped_) self->accept();
    });
}

void DriveEventServer::State::welcome(int number) {
    ChannelStream::Socket socket(
        loop_, asio::generic::stream_protocol(address_.address.ss_family, 0), number);
    if (address_.is_unix()) {
        if (const auto allowed = peer_may_take_part(number); !allowed)
            return turn_away(allowed.error());
    }
    if (connections_.size() >= options_.connections_max)
        return turn_away({"there are as many connections as there may be"});
    tune_connection(number, address_);
    if (!identity_) return adopt(plain_stream(std::move(socket)));
    shake_hands(std::move(socket));
}

void DriveEventServer::State::shake_hands(ChannelStream::Socket socket) {
    if (handshakes_.size() >= options_.handshakes_max)
        handshakes_.extract(handshakes_.begin()).mapped()();
    const auto number = ++last_handshake_;
    handshakes_[number] = identity_->secure(
        std::move(socket), ChannelEnd::listens, "", options_.handshake_within,
        [weak = weak_from_this(), number](Result<std::unique_ptr<ChannelStream>> stream) {
            const auto self = weak.lock();
            if (!self || self->stopped_) return;
            self->handshakes_.erase(number);
            if (!stream) return self->turn_away(stream.error());
            if (self->connections_.size() >= self->options_.connections_max)
                return self->turn_away({"there are as many connections as there may be"});
            self->adopt(std::move(stream).value());
        });
}

// Each reason once: a stranger's attempt must not hide why a drive is refused later.
void DriveEventServer::State::turn_away(const Error& why) {
    ++counters_.connections_refused;
    if (refusals_said_.size() >= refusals_said_max) return;
    if (refusals_said_.insert(why.message).second) warn("connection refused: " + why.message);
}

void DriveEventServer::State::adopt(std::unique_ptr<ChannelStream> stream) {
    ++counters_.connections;
    const ConnectionId id = ++last_connection_;
    const std::weak_ptr<State> weak = weak_from_this();
    auto lines = std::make_shared<LineConnection>(
        std::move(stream),
        LineConnection::Handlers{[weak, id](std::string_view line) {
                                     if (const auto self = weak.lock()) self->take(id, line);
                                 },
                                 [weak, id](LineConnection::End end) {
                                     const auto self = weak.lock();
                                     if (!self) return;
                                     if (end == LineConnection::End::line_too_long)
                                         ++self->counters_.oversized_lines;
                                     if (end == LineConnection::End::reads_too_slow)
                                         ++self->counters_.slow_readers;
                                     self->ended(id, end_in_words(end));
                                 }});
    connections_.emplace(id, Connection{lines, {}, false, false});
    lines->start();
}

void DriveEventServer::State::ended(ConnectionId id, const std::string& why) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    const Connection gone = std::move(found->second);
    connections_.erase(found);
    gone.lines->close();
    std::erase_if(events_being_taken_, [id](const auto& taken) { return taken.second == id; });
    // First of all: whoever hears of the end may have a command for any of these drives.
    std::vector<DriveSerial> lost_speaker;
    for (const auto& drive : gone.drives) {
        auto& speakers = speakers_.at(drive);
        if (speakers.back() == id) lost_speaker.push_back(drive);
        std::erase(speakers, id);
        if (speakers.empty()) speakers_.erase(drive);
    }
    std::vector<std::uint64_t> unanswered;
    for (const auto& [command_id, command] : commands_) {
        if (command.connection == id) unanswered.push_back(command_id);
    }
    for (const auto command_id : unanswered)
        finish(command_id, Error{"lost before the drive answered: " + why});
    for (const auto& drive : lost_speaker) {
        if (stopped_) return;
        if (is_connected(drive)) {  // an older one is left
            if (handlers_.drive_connected) handlers_.drive_connected(drive, std::nullopt);
        } else if (handlers_.drive_disconnected) {
            handlers_.drive_disconnected(drive);
        }
    }
}

void DriveEventServer::State::stop() {
    stopped_ = true;
    std::error_code ignored;
    listener_.close(ignored);
    accept_pause_.cancel();
    if (address_.is_unix()) ::unlink(address_.path.c_str());
    const auto open = connections_;
    for (const auto& [id, connection] : open)
        ended(id, "the agent stops");
    handlers_ = {};
}

std::uint16_t DriveEventServer::State::port() {
    sockaddr_storage name{};
    socklen_t size = sizeof(name);
    auto* address = static_cast<sockaddr*>(static_cast<void*>(&name));
    if (address_.is_unix() || ::getsockname(listener_.native_handle(), address, &size) != 0)
        return 0;
    if (name.ss_family == AF_INET6) {
        return ntohs(static_cast<const sockaddr_in6*>(static_cast<const void*>(&name))->sin6_port);
    }
    return ntohs(static_cast<const sockaddr_in*>(static_cast<const void*>(&name))->sin_port);
}

// ---- lines
// ----------------------------------------------------------------------------------------------------------

void DriveEventServer::State::take(ConnectionId id, std::string_view line) {
    const auto decoded = decode_line_from_drive(line);
    if (const auto* bad = std::get_if<BadLine>(&decoded)) return refuse(id, *bad);
    const auto& content = std::get<LineFromDrive>(decoded);
    if (const auto* hello = std::get_if<DriveHello>(&content)) return take(id, *hello);
    if (const auto* event = std::get_if<DriveEvent>(&content)) return take(id, *event, line);
    if (const auto* result = std::get_if<DriveCommandResult>(&content)) return take(id, *result);
}

void DriveEventServer::State::refuse(ConnectionId id, const BadLine& bad) {
    Connection* from = connection(id);
    if (from == nullptr) return;
    ++counters_.bad_lines;
    from->lines->send(encode_line(LineFromAgent{LineRefused{bad.error, bad.seq}}));
    if (!std::exchange(from->bad_line_said, true)) {
        warn("connection " + std::to_string(id) + ": a line was refused: " + bad.error +
             " (further ones of this connection are only counted)");
    }
}

// From now on this connection speaks for the drive. False when it speaks for too many.
bool DriveEventServer::State::speaks_for(ConnectionId id, const DriveSerial& drive,
                                         const std::optional<std::string>& forced) {
    Connection* from = connection(id);
    if (from == nullptr) return false;
    if (from->drives.count(drive) == 0) {
        if (from->drives.size() >= options_.drives_per_connection_max) {
            refuse(id, BadLine{"this connection speaks for too many drives", std::nullopt});
            return false;
        }
        from->drives.insert(drive);
        // The newest counts: an older connection may be one that died without a word.
        speakers_[drive].push_back(id);
        if (handlers_.drive_connected) handlers_.drive_connected(drive, forced);
    }
    return true;
}

void DriveEventServer::State::take(ConnectionId id, const DriveHello& hello) {
    for (const auto& drive : hello.drives) {
        const auto forced = hello.forced_offline.find(drive);
        const bool is_forced = forced != hello.forced_offline.end();
        if (!speaks_for(id, drive, is_forced ? std::optional(forced->second) : std::nullopt))
            return;
    }
}

void DriveEventServer::State::take(ConnectionId id, const DriveEvent& event,
                                   std::string_view line) {
    const auto acknowledge = [&] {
        if (Connection* to = connection(id)) {
            to->lines->send(encode_line(LineFromAgent{EventAcknowledged{event.seq}}));
        }
    };
    // Before anything else: it may be acknowledged at once.
    events_being_taken_.insert_or_assign({event.drive, event.seq}, id);
    const auto verdict = handlers_.event(event, line);
    if (verdict != EventVerdict::taken) events_being_taken_.erase({event.drive, event.seq});
    switch (verdict) {
        case EventVerdict::accepted:
            ++counters_.events;
            static_cast<void>(speaks_for(id, event.drive));
            return acknowledge();
        case EventVerdict::taken:
            ++counters_.events;
            static_cast<void>(speaks_for(id, event.drive));
            return;
        case EventVerdict::repeat:
            ++counters_.repeats;
            static_cast<void>(speaks_for(id, event.drive));
            return acknowledge();
        case EventVerdict::unknown_drive: {
            ++counters_.unknown_drives;
            Connection* from = connection(id);
            if (from == nullptr) return;
            const std::string words = "drive " + event.drive.text + " is not configured here";
            from->lines->send(encode_line(LineFromAgent{LineRefused{words, event.seq}}));
            if (!std::exchange(from->unknown_drive_said, true)) warn("event refused: " + words);
            return;
        }
        case EventVerdict::try_again:
            return ended(id, "closed: the agent could not record an event");
    }
}

void DriveEventServer::State::acknowledge(const DriveSerial& drive, std::uint64_t seq) {
    const auto taken = events_being_taken_.extract({drive, seq});
    if (!taken) return;  // it sends the event again when it is back
    if (Connection* to = connection(taken.mapped()))
        to->lines->send(encode_line(LineFromAgent{EventAcknowledged{seq}}));
}

// ---- commands
// -------------------------------------------------------------------------------------------------------

void DriveEventServer::State::command(const DriveSerial& drive, DriveCommand::Action action,
                                      const std::string& reason,
                                      std::function<void(Outcome)> done) {
    ++counters_.commands;
    const auto id = ++last_command_;
    const auto speakers = speakers_.find(drive);
    const ConnectionId speaker = speakers == speakers_.end() ? 0 : speakers->second.back();
    Command entry{speaker, drive, std::move(done), nullptr};
    std::optional<Error> refused;
    if (speaker == 0) refused = Error{"the drive is not connected to the drive event channel"};
    if (commands_.size() >= commands_max)
        refused = Error{"too many commands wait for their drives"};
    if (refused) {
        ++counters_.commands_failed;
        asio::post(loop_,
                   [self = shared_from_this(), done = std::move(entry.done), error = *refused] {
                       if (!self->stopped_) done(error);
                   });
        return;
    }
    entry.deadline = std::make_unique<asio::steady_timer>(
        loop_, std::chrono::milliseconds(options_.command_timeout.ms));
    entry.deadline->async_wait([self = shared_from_this(), id](const std::error_code& error) {
        if (!error) {
            self->finish(id, Error{"the drive did not answer within " +
                                   std::to_string(self->options_.command_timeout.ms) + " ms"});
        }
    });
    commands_.emplace(id, std::move(entry));
    connection(speaker)->lines->send(
        encode_line(LineFromAgent{DriveCommand{id, drive, action, reason}}));
}

void DriveEventServer::State::take(ConnectionId id, const DriveCommandResult& result) {
    const auto found = commands_.find(result.id);
    // Late answers and answers of others are not answers.
    if (found == commands_.end() || found->second.connection != id ||
        found->second.drive != result.drive)
        return;
    finish(result.id, result.failure ? Outcome(Error{"the drive answered: " + *result.failure})
                                     : Outcome(Nothing{}));
}

void DriveEventServer::State::finish(std::uint64_t command_id, Outcome outcome) {
    const auto found = commands_.find(command_id);
    if (found == commands_.end()) return;
    const auto done = std::move(found->second.done);
    commands_.erase(found);
    if (!outcome) ++counters_.commands_failed;
    done(std::move(outcome));
}

// ---- the class as others see it
// -------------------------------------------------------------------------------------

Result<std::unique_ptr<DriveEventServer>> DriveEventServer::listen(
    asio::io_context& loop, DriveEventServerOptions options, DriveEventServerHandlers handlers) {
    auto address =
        channel_address(options.listen, options.tls ? Reach::any_machine : Reach::this_machine);
    if (!address) return address.error().within("events.listen");
    if (options.tls) {
        if (const auto usable = tls_is_usable(*options.tls); !usable)
            return usable.error().within("events.tls");
    }
    const auto listening = listening_socket(*address);
    if (!listening) return listening.error().within("events.listen");
    auto state = std::make_shared<State>(loop, std::move(options), std::move(handlers), *address,
                                         *listening);
    state->accept();
    return std::unique_ptr<DriveEventServer>(new DriveEventServer(std::move(state)));
}

DriveEventServer::DriveEventServer(std::shared_ptr<State> state) : state_(std::move(state)) {}
DriveEventServer::~DriveEventServer() {
    state_->stop();
}

void DriveEventServer::command(const DriveSerial& drive, DriveCommand::Action action,
                               const std::string& reason, std::function<void(Outcome)> done) {
    state_->command(drive, action, reason, std::move(done));
}
void DriveEventServer::acknowledge(const DriveSerial& drive, std::uint64_t seq) {
    state_->acknowledge(drive, seq);
}
bool DriveEventServer::is_connected(const DriveSerial& drive) const {
    return state_->is_connected(drive);
}
std::uint16_t DriveEventServer::port() const {
    return state_->port();
}
const DriveEventServerCounters& DriveEventServer::counters() const {
    return state_->counters();
}

}  // namespace drive_iface::events
