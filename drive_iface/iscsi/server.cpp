#include "drive_iface/iscsi/server.hpp"

#include <sys/random.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <map>
#include <utility>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>

#include "agent/core/assert.hpp"
#include "drive_iface/iscsi/server_connection.hpp"

namespace drive_iface::iscsi {

namespace {

using asio::ip::tcp;

constexpr auto clock_interval = std::chrono::milliseconds(250);
constexpr auto pause_without_descriptors = std::chrono::milliseconds(200);

ChapChallenge fresh_challenge() {
    std::array<std::uint8_t, 17> bytes{};
    AGENT_ASSERT(::getrandom(bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
    ChapChallenge challenge{.identifier = bytes[16], .bytes = {}};
    std::copy_n(bytes.begin(), challenge.bytes.size(), challenge.bytes.begin());
    return challenge;
}

}  // namespace

class Server::State final : public ConnectionOwner,
                            public std::enable_shared_from_this<Server::State> {
  public:
    State(asio::io_context& loop, ServerOptions options, TargetDevices& devices, Log log)
        : options_(std::move(options)),
          devices_(&devices),
          log_(std::move(log)),
          acceptor_(loop),
          clock_(loop),
          pause_(loop),
          stop_timer_(loop) {
        for (const auto& target : devices.targets()) {
            rules_.target_names.push_back(options_.target_prefix + ":" + target.name_suffix);
            device_of_target_[rules_.target_names.back()] = target.device;
        }
        rules_.chap = options_.chap;
    }

    agent::core::Outcome open();
    void accept();
    void tick();
    void shut();
    void stop(agent::core::Duration within, std::function<void()> done);
    std::size_t drop(const std::function<bool(const ServerConnection&)>& which,
                     const std::string& why);
    std::vector<SessionDescription> sessions() const;
    std::optional<std::vector<TracedCommand>> trace(std::uint64_t id) const;

    std::string target_name(const std::string& device) const {
        const auto found =
            std::find_if(device_of_target_.begin(), device_of_target_.end(),
                         [&](const auto& target) { return target.second == device; });
        return found == device_of_target_.end() ? std::string{} : found->first;
    }
    const tcp::endpoint& local() const { return local_; }
    void log(const std::string& line) const {
        if (log_) log_(line);
    }

    // ConnectionOwner
    const ServerOptions& options() const override { return options_; }
    const LoginRules& rules() const override { return rules_; }
    TargetDevices& devices() override { return *devices_; }
    TaskId new_task_id() override { return ++last_task_; }
    std::string device_of_target(const std::string& target) const override;
    void end_earlier_session(const ServerConnection& successor,
                             const agent::core::InitiatorPort& port,
                             const std::string& device) override;
    void abort_tasks_of_others(const ServerConnection& cause, const std::string& device) override;
    void close_sessions_of(const std::string& device) override;
    void connection_closed(ServerConnection& connection, const std::string& why) override;
    ServerCounters& counters() override { return counters_; }

  private:
    void accepted(tcp::socket socket);
    void finish_stop();
    [[nodiscard]] std::uint16_t new_tsih();

    ServerOptions options_;
    TargetDevices* devices_;
    Log log_;
    LoginRules rules_;
    std::map<std::string, std::string> device_of_target_;
    tcp::acceptor acceptor_;
    tcp::endpoint local_;
    asio::steady_timer clock_;
    asio::steady_timer pause_;
    asio::steady_timer stop_timer_;
    std::map<std::uint64_t, std::shared_ptr<ServerConnection>> connections_;
    std::uint64_t last_connection_ = 0;
    std::uint16_t last_tsih_ = 0;
    TaskId last_task_ = 0;
    bool open_ = false;
    std::function<void()> stopped_;
    ServerCounters counters_;
};

agent::core::Outcome Server::State::open() {
    const auto failed = [&](const asio::error_code& error) {
        return agent::core::Error{"can not listen on " + options_.host + " port " +
                                  std::to_string(options_.port) + " for iSCSI: " + error.message()};
    };
    asio::error_code error;
    tcp::resolver resolver(acceptor_.get_executor());
    const auto found = resolver.resolve(options_.host, std::to_string(options_.port),
                                        tcp::resolver::passive, error);
    if (error || found.empty()) return failed(error);
    const auto endpoint = found.begin()->endpoint();
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) return failed(error);
    local_ = acceptor_.local_endpoint(error);
    open_ = true;
    accept();
    tick();
    return agent::core::Nothing{};
}

void Server::State::accept() {
    acceptor_.async_accept(
        [self = shared_from_this()](const asio::error_code& error, tcp::socket socket) {
            if (!self->open_) return;
            if (!error) {
                self->accepted(std::move(socket));
                return self->accept();
            }
            // Out of descriptors, most likely: try again when some may have been closed.
            self->log("can not accept an iSCSI connection: " + error.message());
            self->pause_.expires_after(pause_without_descriptors);
            self->pause_.async_wait([self](const asio::error_code& cancelled) {
                if (!cancelled && self->open_) self->accept();
            });
        });
}

void Server::State::accepted(tcp::socket socket) {
    ++counters_.connections;
    if (connections_.size() >= options_.connections_max) {
        ++counters_.connections_refused;
        log("refused an iSCSI connection: " + std::to_string(connections_.size()) +
            " are open already");
        return;
    }
    const auto id = ++last_connection_;
    const auto connection = std::make_shared<ServerConnection>(*this, std::move(socket), id,
                                                               new_tsih(), fresh_challenge());
    connections_[id] = connection;
    connection->start();
}

std::uint16_t Server::State::new_tsih() {
    // Unique among 65535; there are far fewer connections than that at a time, and no TSIH is ever
    // presented again.
    last_tsih_ =
        last_tsih_ == 0xffff ? std::uint16_t{1} : static_cast<std::uint16_t>(last_tsih_ + 1);
    return last_tsih_;
}

void Server::State::tick() {
    clock_.expires_after(clock_interval);
    clock_.async_wait([self = shared_from_this()](const asio::error_code& cancelled) {
        if (cancelled) return;
        const auto connections = self->connections_;
        for (const auto& [id, connection] : connections)
            connection->look_at_the_clock();
        self->tick();
    });
}

std::string Server::State::device_of_target(const std::string& target) const {
    const auto found = device_of_target_.find(target);
    return found == device_of_target_.end() ? std::string{} : found->second;
}

std::size_t Server::State::drop(const std::function<bool(const ServerConnection&)>& which,
                                const std::string& why) {
    std::size_t dropped = 0;
    const auto connections = connections_;
    for (const auto& [id, connection] : connections) {
        if (!which(*connection)) continue;
        connection->close(why);
        ++dropped;
    }
    return dropped;
}

void Server::State::end_earlier_session(const ServerConnection& successor,
                                        const agent::core::InitiatorPort& port,
                                        const std::string& device) {
    drop(
        [&](const ServerConnection& other) {
            return &other != &successor && other.device() == device &&
                   other.port().name == port.name && other.port().isid == port.isid;
        },
        "the same initiator port logged in again");
}

void Server::State::abort_tasks_of_others(const ServerConnection& cause,
                                          const std::string& device) {
    const auto connections = connections_;  // one that can not be told is closed
    for (const auto& [id, connection] : connections) {
        if (connection.get() != &cause && connection->device() == device)
            connection->tasks_aborted();
    }
}

void Server::State::close_sessions_of(const std::string& device) {
    drop(
        [&](const ServerConnection& one) {
            return one.device() == device && !one.protocol().close_reason();
        },
        "target cold reset");
}

void Server::State::connection_closed(ServerConnection& connection, const std::string& why) {
    const bool had_session = connection.protocol().session() != nullptr;
    const auto& reason = connection.protocol().close_reason();
    if (!had_session && reason && reason->rfind("login refused", 0) == 0)
        ++counters_.logins_refused;
    const bool by_choice = why == "logout" || why.rfind("closed by the initiator", 0) == 0;
    if (!by_choice && reason && why == *reason && reason->rfind("login refused", 0) != 0)
        ++counters_.garbage;
    const auto who = connection.port().name.empty()
                         ? connection.peer()
                         : connection.port().name + " at " + connection.peer();
    const bool discovery = had_session && connection.device().empty();
    if (!(by_choice && (discovery || !had_session))) {
        log("iSCSI connection of " + who +
            (connection.device().empty() ? "" : " to " + connection.device()) + " ended: " + why);
    }
    connections_.erase(connection.id());
    if (stopped_ && connections_.empty()) finish_stop();
}

void Server::State::stop(agent::core::Duration within, std::function<void()> done) {
    open_ = false;
    asio::error_code ignored;
    acceptor_.close(ignored);
    stopped_ = std::move(done);
    drop([](const ServerConnection& one) { return one.device().empty(); },
         "the library is stopping");
    const auto seconds =
        static_cast<std::uint16_t>(std::clamp<std::int64_t>((within.ms + 999) / 1000, 1, 3600));
    const auto connections = connections_;
    for (const auto& [id, connection] : connections)
        connection->ask_for_logout(seconds);
    stop_timer_.expires_after(std::chrono::milliseconds(connections_.empty() ? 0 : within.ms));
    stop_timer_.async_wait([self = shared_from_this()](const asio::error_code& cancelled) {
        if (cancelled) return;
        self->drop([](const ServerConnection&) { return true; }, "the library is stopping");
        self->finish_stop();
    });
}

void Server::State::finish_stop() {
    stop_timer_.cancel();
    if (auto done = std::exchange(stopped_, nullptr))
        asio::post(acceptor_.get_executor(), std::move(done));
}

void Server::State::shut() {
    open_ = false;
    stopped_ = nullptr;
    asio::error_code ignored;
    acceptor_.close(ignored);
    clock_.cancel();
    pause_.cancel();
    stop_timer_.cancel();
    drop([](const ServerConnection&) { return true; }, "the library is stopping");
}

std::vector<SessionDescription> Server::State::sessions() const {
    std::vector<SessionDescription> described;
    for (const auto& [id, connection] : connections_) {
        const auto* login = connection->protocol().login();
        if (!login) continue;
        SessionDescription one{.id = id,
                               .discovery = login->discovery,
                               .port = connection->port(),
                               .target = login->target_name,
                               .device = connection->device(),
                               .parameters = login->parameters,
                               .commands = connection->protocol().session()->counters().commands,
                               .commands_waiting = connection->protocol().session()->tasks()};
        one.port.transport = agent::core::Transport::iscsi;
        one.port.name = login->initiator_name;
        one.port.isid = to_text(login->isid);
        described.push_back(std::move(one));
    }
    return described;
}

std::optional<std::vector<TracedCommand>> Server::State::trace(std::uint64_t id) const {
    const auto found = connections_.find(id);
    if (found == connections_.end() || found->second->protocol().login() == nullptr)
        return std::nullopt;
    const auto& commands = found->second->trace().commands();
    return std::vector<TracedCommand>(commands.begin(), commands.end());
}

agent::core::Result<std::unique_ptr<Server>> Server::listen(asio::io_context& loop,
                                                            ServerOptions options,
                                                            TargetDevices& devices, Log log) {
    auto state = std::make_shared<State>(loop, std::move(options), devices, std::move(log));
    if (const auto opened = state->open(); !opened) return opened.error();
    return std::unique_ptr<Server>(new Server(std::move(state)));
}

Server::Server(std::shared_ptr<State> state) : state_(std::move(state)) {}

Server::~Server() {
    state_->shut();
}

std::uint16_t Server::port() const {
    return state_->local().port();
}

std::string Server::address() const {
    return endpoint_text(state_->local());
}

std::string Server::target_name(const std::string& device) const {
    return state_->target_name(device);
}

std::vector<SessionDescription> Server::sessions() const {
    return state_->sessions();
}

std::optional<std::vector<TracedCommand>> Server::trace(std::uint64_t id) const {
    return state_->trace(id);
}

std::size_t Server::drop_session(std::uint64_t id) {
    return state_->drop([&](const ServerConnection& one) { return one.id() == id; },
                        "dropped on request");
}

std::size_t Server::drop_sessions_of(const std::string& device) {
    return state_->drop([&](const ServerConnection& one) { return one.device() == device; },
                        "dropped on request");
}

std::size_t Server::drop_all_sessions() {
    return state_->drop(
        [](const ServerConnection& one) { return one.protocol().login() != nullptr; },
        "dropped on request");
}

void Server::stop(agent::core::Duration within, std::function<void()> done) {
    state_->stop(within, std::move(done));
}

const ServerCounters& Server::counters() const {
    return state_->counters();
}

}  // namespace drive_iface::iscsi
