#include "drive_iface/events/drive_event_client.hpp"

#include <algorithm>
#include <asio/error.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <deque>
#include <system_error>
#include <utility>

#include "drive_iface/events/channel_address.hpp"
#include "drive_iface/events/line_connection.hpp"

namespace drive_iface::events {

using namespace agent::core;

namespace {

constexpr std::size_t in_flight_max = 64;
constexpr std::size_t drives_a_hello_max = 64;  // as many as may be forced offline in a line

}  // namespace

class DriveEventClient::State : public std::enable_shared_from_this<DriveEventClient::State> {
  public:
    State(asio::io_context& loop, DriveEventClientOptions options,
          DriveEventClientHandlers handlers, ChannelAddress address)
        : loop_(loop),
          options_(std::move(options)),
          handlers_(std::move(handlers)),
          address_(std::move(address)),
          connecting_(loop),
          deadline_(loop),
          retry_(loop),
          acknowledgement_(loop),
          backoff_(options_.backoff_first),
          next_seq_(options_.first_seq) {
        if (options_.tls) identity_.emplace(*options_.tls);
        options_.unacknowledged_max =
            std::max(options_.unacknowledged_max, options_.drives.size() + 1);
    }

    void connect();
    void stop();
    void report(DriveEvent event);
    bool is_connected() const { return lines_ != nullptr; }
    std::size_t unacknowledged() const { return events_.size(); }
    const DriveEventClientCounters& counters() const { return counters_; }

  private:
    struct Entry {
        DriveEvent event;
        bool sent = false;  // on this connection
    };

    void connected(const std::error_code& error);
    void adopt(std::unique_ptr<ChannelStream> stream);
    void say_hello();
    void send_events();
    void take(std::string_view line);
    void take(const EventAcknowledged& acknowledged);
    void take(const LineRefused& refused);
    void take(const DriveCommand& command);
    void forget(std::uint64_t seq);
    void drop_old_news();
    void expect_acknowledgement();
    void lost(const std::string& why);
    void retry();
    bool speaks_for(const DriveSerial& drive) const {
        return std::find(options_.drives.begin(), options_.drives.end(), drive) !=
               options_.drives.end();
    }
    // Once in a row: a peer that is away for a day is one line.
    void warn(const std::string& text) {
        if (handlers_.warning && text != std::exchange(last_warning_, text)) {
            handlers_.warning("drive event channel " + options_.connect + ": " + text);
        }
    }

    asio::io_context& loop_;
    DriveEventClientOptions options_;
    DriveEventClientHandlers handlers_;
    ChannelAddress address_;
    std::optional<TlsIdentity> identity_;
    ChannelStream::Socket connecting_;
    asio::steady_timer deadline_;  // of an attempt to connect
    asio::steady_timer retry_;
    asio::steady_timer acknowledgement_;
    bool stopped_ = false;
    Duration backoff_;
    std::uint64_t next_seq_;
    std::uint64_t connection_ =
        0;  // number of the connection, so that a late command result goes nowhere else
    std::shared_ptr<LineConnection> lines_;
    bool heard_ = false;        // on this connection
    std::deque<Entry> events_;  // unacknowledged, oldest first
    std::size_t in_flight_ = 0;
    std::string last_warning_;
    DriveEventClientCounters counters_;
};

// ---- connection
// -----------------------------------------------------------------------------------------------------

void DriveEventClient::State::connect() {
    connecting_ = ChannelStream::Socket(loop_);
    const asio::generic::stream_protocol::endpoint endpoint(&address_.address, address_.size);
    // A machine that answers nothing at all would keep the kernel trying for two minutes.
    deadline_.expires_after(std::chrono::milliseconds(options_.handshake_within.ms));
    deadline_.async_wait([self = shared_from_this()](const std::error_code& error) {
        std::error_code ignored;
        if (!error) self->connecting_.close(ignored);
    });
    connecting_.async_connect(endpoint, [self = shared_from_this()](const std::error_code& error) {
        self->deadline_.cancel();
        if (!self->stopped_) self->connected(error);
    });
}

void DriveEventClient::State::connected(const std::error_code& error) {
    if (error) {
        const bool silent = error == asio::error::operation_aborted;
        warn("can not connect: " +
             (silent ? "no answer within " + std::to_string(options_.handshake_within.ms) + " ms"
                     : error.message()));
        return retry();
    }
    if (address_.is_unix()) {
        if (const auto allowed = peer_may_take_part(connecting_.native_handle()); !allowed) {
            warn("not the library reservation agent: " + allowed.error().message);
            return retry();
        }
    }
    tune_connection(connecting_.native_handle(), address_);
    if (!identity_) return adopt(plain_stream(std::move(connecting_)));
    identity_->secure(std::move(connecting_), ChannelEnd::connects, host_of(address_),
                      options_.handshake_within,
                      [weak = weak_from_this()](Result<std::unique_ptr<ChannelStream>> stream) {
                          const auto self = weak.lock();
                          if (!self || self->stopped_) return;
                          if (stream) return self->adopt(std::move(stream).value());
                          self->warn("can not connect: " + stream.error().message);
                          self->retry();
                      });
}

void DriveEventClient::State::adopt(std::unique_ptr<ChannelStream> stream) {
    ++counters_.connects;
    ++connection_;
    heard_ = false;
    const std::weak_ptr<State> weak = weak_from_this();
    lines_ = std::make_shared<LineConnection>(
        std::move(stream), LineConnection::Handlers{[weak](std::string_view line) {
                                                        if (const auto self = weak.lock())
                                                            self->take(line);
                                                    },
                                                    [weak](LineConnection::End) {
                                                        if (const auto self = weak.lock())
                                                            self->lost("connection lost");
                                                    }});
    lines_->start();
    say_hello();
    send_events();
    if (handlers_.connected) handlers_.connected();
}

void DriveEventClient::State::say_hello() {
    std::map<DriveSerial, std::string> forced;
    if (handlers_.forced_offline) forced = handlers_.forced_offline();
    DriveHello hello;
    for (const auto& drive : options_.drives) {
        hello.drives.push_back(drive);
        if (auto known = forced.extract(drive)) hello.forced_offline.insert(std::move(known));
        if (hello.drives.size() == drives_a_hello_max) {
            lines_->send(encode_line(LineFromDrive{std::exchange(hello, {})}));
        }
    }
    if (!hello.drives.empty()) lines_->send(encode_line(LineFromDrive{hello}));
}

void DriveEventClient::State::lost(const std::string& why) {
    if (!lines_) return;
    lines_->close();
    lines_.reset();
    in_flight_ = 0;
    for (auto& entry : events_)
        entry.sent = false;
    acknowledgement_.cancel();
    warn(why);
    if (handlers_.disconnected) handlers_.disconnected();
    if (!stopped_) retry();
}

void DriveEventClient::State::retry() {
    retry_.expires_after(std::chrono::milliseconds(backoff_.ms));
    backoff_ = std::min(backoff_ * 2, options_.backoff_max);
    retry_.async_wait([self = shared_from_this()](const std::error_code& error) {
        if (!error && !self->stopped_) self->connect();
    });
}

void DriveEventClient::State::stop() {
    stopped_ = true;
    handlers_ = {};
    if (lines_) lines_->close();
    lines_.reset();
    std::error_code ignored;
    connecting_.close(ignored);
    deadline_.cancel();
    retry_.cancel();
    acknowledgement_.cancel();
}

// ---- events
// ---------------------------------------------------------------------------------------------------------

void DriveEventClient::State::report(DriveEvent event) {
    if (!speaks_for(event.drive))
        return warn("event of drive " + event.drive.text + ", which is not one of ours, dropped");
    event.seq = next_seq_++;
    events_.push_back({std::move(event), false});
    if (events_.size() > options_.unacknowledged_max) drop_old_news();
    send_events();
}

// There are more events than drives, so that one of them has a successor.
void DriveEventClient::State::drop_old_news() {
    for (auto entry = events_.begin(); entry != events_.end(); ++entry) {
        const bool has_successor = std::any_of(
            std::next(entry), events_.end(),
            [&](const Entry& later) { return later.event.drive == entry->event.drive; });
        if (!has_successor) continue;
        ++counters_.superseded;
        return forget(entry->event.seq);
    }
}

void DriveEventClient::State::send_events() {
    if (!lines_) return;
    for (auto& entry : events_) {
        if (in_flight_ >= in_flight_max) break;
        if (entry.sent) continue;
        entry.sent = true;
        ++in_flight_;
        ++counters_.sent;
        lines_->send(encode_line(LineFromDrive{entry.event}));
        if (in_flight_ == 1) expect_acknowledgement();
    }
}

void DriveEventClient::State::expect_acknowledgement() {
    acknowledgement_.expires_after(std::chrono::milliseconds(options_.acknowledge_within.ms));
    acknowledgement_.async_wait([self = shared_from_this()](const std::error_code& error) {
        if (!error && !self->stopped_ && self->in_flight_ > 0)
            self->lost("no acknowledgement in time");
    });
}

void DriveEventClient::State::forget(std::uint64_t seq) {
    const auto found = std::find_if(events_.begin(), events_.end(),
                                    [&](const Entry& entry) { return entry.event.seq == seq; });
    if (found == events_.end()) return;
    if (found->sent) --in_flight_;
    events_.erase(found);
    if (in_flight_ == 0) {
        acknowledgement_.cancel();
    } else {
        expect_acknowledgement();
    }
    send_events();
}

// ---- what the agent says
// --------------------------------------------------------------------------------------------

void DriveEventClient::State::take(std::string_view line) {
    if (!std::exchange(heard_, true) && handlers_.heard) handlers_.heard();
    const auto decoded = decode_line_from_agent(line);
    if (const auto* bad = std::get_if<BadLine>(&decoded))
        return warn("a line was not understood: " + bad->error);
    std::visit([this](const auto& content) { take(content); }, std::get<LineFromAgent>(decoded));
}

void DriveEventClient::State::take(const EventAcknowledged& acknowledged) {
    ++counters_.acknowledged;
    backoff_ = options_.backoff_first;
    forget(acknowledged.seq);
}

void DriveEventClient::State::take(const LineRefused& refused) {
    ++counters_.refused;
    warn("the agent refused a line: " + refused.error);
    if (refused.seq) forget(*refused.seq);
}

void DriveEventClient::State::take(const DriveCommand& command) {
    ++counters_.commands;
    const std::weak_ptr<State> weak = weak_from_this();
    const auto answer = [weak, connection = connection_, id = command.id,
                         drive = command.drive](const Outcome& outcome) {
        const auto self = weak.lock();
        if (!self || !self->lines_ || self->connection_ != connection) return;
        DriveCommandResult result{id, drive, std::nullopt};
        if (!outcome) result.failure = outcome.error().message;
        self->lines_->send(encode_line(LineFromDrive{result}));
    };
    if (!speaks_for(command.drive))
        return answer(Error{"this connection does not speak for drive " + command.drive.text});
    if (!handlers_.command) return answer(Error{"commands are not supported here"});
    handlers_.command(command, answer);
}

// ---- the class as others see it
// -------------------------------------------------------------------------------------

Result<std::unique_ptr<DriveEventClient>> DriveEventClient::connect(
    asio::io_context& loop, DriveEventClientOptions options, DriveEventClientHandlers handlers) {
    auto address =
        channel_address(options.connect, options.tls ? Reach::any_machine : Reach::this_machine);
    if (!address) return address.error().within("events.connect");
    if (options.tls) {
        if (const auto usable = tls_is_usable(*options.tls); !usable)
            return usable.error().within("events.tls");
    }
    auto state = std::make_shared<State>(loop, std::move(options), std::move(handlers), *address);
    state->connect();
    return std::unique_ptr<DriveEventClient>(new DriveEventClient(std::move(state)));
}

DriveEventClient::DriveEventClient(std::shared_ptr<State> state) : state_(std::move(state)) {}
DriveEventClient::~DriveEventClient() {
    state_->stop();
}

void DriveEventClient::report(DriveEvent event) {
    state_->report(std::move(event));
}
bool DriveEventClient::is_connected() const {
    return state_->is_connected();
}
std::size_t DriveEventClient::unacknowledged() const {
    return state_->unacknowledged();
}
const DriveEventClientCounters& DriveEventClient::counters() const {
    return state_->counters();
}

}  // namespace drive_iface::events
