#include "drive_iface/web/http_server.hpp"

#include <array>
#include <asio/buffer.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>
#include <asio/read_until.hpp>
#include <asio/steady_timer.hpp>
#include <map>
#include <utility>
#include <variant>

#include "drive_iface/web/connection_owner.hpp"
#include "drive_iface/web/exchange.hpp"
#include "drive_iface/web/request_head.hpp"
#include "drive_iface/web/workers.hpp"

namespace drive_iface::web {

using agent::core::Error;
using agent::core::Result;
using asio::ip::tcp;

namespace {

constexpr std::string_view head_end = "\r\n\r\n";
constexpr auto accept_again_after = std::chrono::milliseconds(100);
// What a request that was not understood is answered in the place of.
constexpr std::string_view stand_in = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

// Answers before anything is asked, as far as the socket takes it, and is done with it.
void turn_away(tcp::socket& socket, std::string_view status, std::string_view why) {
    const std::string answer =
        "HTTP/1.1 " + std::string(status) +
        "\r\nContent-Type: text/plain\r\nContent-Length: " + std::to_string(why.size()) +
        "\r\nConnection: close\r\n\r\n" + std::string(why);
    asio::error_code ignored;
    socket.non_blocking(true, ignored);
    socket.write_some(asio::buffer(answer), ignored);
}

}  // namespace

class HttpServer::State : public std::enable_shared_from_this<State> {
  public:
    State(asio::io_context& loop, HttpServerOptions options, Handler handler)
        : loop_(&loop),
          options_(std::move(options)),
          handler_(std::move(handler)),
          acceptor_(loop),
          pause_(loop),
          exchange_(options_.piece_within),
          workers_(options_.workers) {}

    agent::core::Outcome listen();
    void stop();
    const WebAddress& address() const { return options_.listen; }
    std::size_t connections() const { return connections_.size(); }

    HttpServerCounters counters;

  private:
    struct Connection {
        explicit Connection(tcp::socket accepted)
            : socket(std::move(accepted)), limit(socket.get_executor()) {}
        tcp::socket socket;
        asio::steady_timer limit;
        std::string received;
        std::size_t requests = 0;
        bool with_worker = false;  // who is the only one to use the socket then
    };
    using Number = std::uint64_t;

    void accept();
    void take(tcp::socket socket);
    [[nodiscard]] bool is_stranger(const tcp::socket& socket) const;
    void wait_for_request(Number number);
    void read_head(Number number);
    void took_head(Number number, const asio::error_code& error, std::size_t size);
    void give_to_worker(Number number, std::string head, bool last, Handler handler);
    void came_back(Number number, bool open);
    void limit(Number number, std::chrono::milliseconds time, bool counts);
    void close(Number number);
    Connection* find(Number number);

    asio::io_context* loop_;
    HttpServerOptions options_;
    Handler handler_;
    tcp::acceptor acceptor_;
    asio::steady_timer pause_;
    // Shared with the operations under way, which use its buffer to their end.
    std::map<Number, std::shared_ptr<Connection>> connections_;
    Number last_ = 0;
    bool stopped_ = false;
    Exchange exchange_;
    Workers workers_;
};

agent::core::Outcome HttpServer::State::listen() {
    const auto where = to_text(options_.listen);
    asio::error_code error;
    const auto host = asio::ip::make_address(options_.listen.host, error);
    if (error || (!host.is_loopback() && !options_.beyond_loopback))
        return Error{where + " is not a loopback address"};
    const tcp::endpoint endpoint(host, options_.listen.port);
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(static_cast<int>(options_.connections_max), error);
    if (error) return Error{"can not listen on " + where + ": " + error.message()};
    options_.listen.port = acceptor_.local_endpoint(error).port();
    accept();
    return agent::core::Nothing{};
}

void HttpServer::State::accept() {
    acceptor_.async_accept(
        [self = shared_from_this()](const asio::error_code& error, tcp::socket socket) {
            if (self->stopped_) return;
            if (!error) {
                self->take(std::move(socket));
                return self->accept();
            }
            // Too many open files, say: later.
            self->pause_.expires_after(accept_again_after);
            self->pause_.async_wait([self](const asio::error_code& cancelled) {
                if (!cancelled && !self->stopped_) self->accept();
            });
        });
}

bool HttpServer::State::is_stranger(const tcp::socket& socket) const {
    if (options_.users.empty()) return false;
    asio::error_code gone;
    const auto there = socket.remote_endpoint(gone);
    const auto here = gone ? tcp::endpoint() : socket.local_endpoint(gone);
    return gone || !may_see(options_.users, connection_owner(there, here));
}

void HttpServer::State::take(tcp::socket socket) {
    asio::error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    if (is_stranger(socket)) {
        ++counters.strangers_refused;
        return turn_away(socket, "403 Forbidden",
                         "this page is for users that web.users in vtld.json lists\n");
    }
    if (connections_.size() >= options_.connections_max) {
        ++counters.connections_refused;
        return turn_away(socket, "503 Service Unavailable\r\nRetry-After: 2",
                         "as many connections as may be are open now\n");
    }
    ++counters.connections;
    connections_.emplace(++last_, std::make_shared<Connection>(std::move(socket)));
    wait_for_request(last_);
}

HttpServer::State::Connection* HttpServer::State::find(Number number) {
    const auto found = connections_.find(number);
    return found == connections_.end() ? nullptr : found->second.get();
}

void HttpServer::State::close(Number number) {
    auto* connection = find(number);
    if (connection == nullptr || connection->with_worker) return;
    asio::error_code ignored;
    connection->socket.close(ignored);
    connection->limit.cancel();
    connections_.erase(number);
}

void HttpServer::State::limit(Number number, std::chrono::milliseconds time, bool counts) {
    auto& timer = find(number)->limit;
    timer.expires_after(time);
    timer.async_wait([weak = weak_from_this(), number, counts](const asio::error_code& cancelled) {
        const auto self = weak.lock();
        if (!self || cancelled || self->find(number) == nullptr) return;
        if (counts) ++self->counters.timeouts;
        self->close(number);
    });
}

// Nothing is spent on an idle connection but its place.
void HttpServer::State::wait_for_request(Number number) {
    auto* connection = find(number);
    if (!connection->received.empty()) return read_head(number);
    limit(number, options_.idle_after, false);
    connection->socket.async_wait(tcp::socket::wait_read,
                                  [weak = weak_from_this(), number](const asio::error_code& error) {
                                      const auto self = weak.lock();
                                      if (!self || self->find(number) == nullptr) return;
                                      return error ? self->close(number) : self->read_head(number);
                                  });
}

void HttpServer::State::read_head(Number number) {
    const auto connection = connections_.at(number);
    limit(number, options_.head_within, true);
    asio::async_read_until(connection->socket,
                           asio::dynamic_buffer(connection->received, request_head_max), head_end,
                           [weak = weak_from_this(), number, connection](
                               const asio::error_code& error, std::size_t size) {
                               const auto self = weak.lock();
                               if (self && self->find(number) != nullptr)
                                   self->took_head(number, error, size);
                           });
}

void HttpServer::State::took_head(Number number, const asio::error_code& error, std::size_t size) {
    auto* connection = find(number);
    const bool too_long = error == asio::error::not_found;
    if (error && !too_long) return close(number);
    ++counters.requests;
    ++connection->requests;
    auto read = too_long ? WrongHead{431, "the request's head is longer than " +
                                              std::to_string(request_head_max) + " bytes"}
                         : read_request_head(connection->received.substr(0, size));
    connection->received.erase(0, size);
    if (auto* wrong = std::get_if<WrongHead>(&read)) {
        ++counters.requests_wrong;
        return give_to_worker(number, std::string(stand_in), true,
                              [wrong = std::move(*wrong)](const Request&) {
                                  return refusal(wrong.status, wrong.words);
                              });
    }
    auto& head = std::get<RequestHead>(read);
    const bool last = !head.keep_open || connection->requests >= options_.requests_max;
    give_to_worker(number, std::move(head.text), last, handler_);
}

void HttpServer::State::give_to_worker(Number number, std::string head, bool last,
                                       Handler handler) {
    auto* connection = find(number);
    connection->limit.cancel();
    connection->with_worker = true;
    const int socket = connection->socket.native_handle();
    // The connection stays in its place until came_back(); this outlives the workers.
    workers_.take(
        [this, number, socket, last, head = std::move(head), handler = std::move(handler)] {
            const bool open = exchange_.answer(socket, head, last, handler);
            asio::post(*loop_, [weak = weak_from_this(), number, open] {
                if (const auto self = weak.lock()) self->came_back(number, open);
            });
        });
}

void HttpServer::State::came_back(Number number, bool open) {
    auto* connection = find(number);
    if (connection == nullptr) return;
    connection->with_worker = false;
    if (open && !stopped_) return wait_for_request(number);
    // What was sent and is not read would make the kernel reset the connection, and the answer
    // would be lost with it.
    asio::error_code ignored;
    connection->socket.shutdown(tcp::socket::shutdown_send, ignored);
    connection->socket.non_blocking(true, ignored);
    std::array<char, 16 * 1024> rest;
    for (int i = 0; i < 16 && !ignored; ++i)
        connection->socket.read_some(asio::buffer(rest), ignored);
    close(number);
}

void HttpServer::State::stop() {
    if (std::exchange(stopped_, true)) return;
    asio::error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
    exchange_.stop();
    for (auto& [number, connection] : connections_)
        connection->socket.shutdown(tcp::socket::shutdown_both, ignored);
    workers_.stop();
    for (auto& [number, connection] : connections_)
        connection->socket.close(ignored);
    connections_.clear();
}

Result<std::unique_ptr<HttpServer>> HttpServer::listen(asio::io_context& loop,
                                                       HttpServerOptions options, Handler handler) {
    auto state = std::make_shared<State>(loop, std::move(options), std::move(handler));
    if (auto listening = state->listen(); !listening) return listening.error();
    return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

HttpServer::HttpServer(std::shared_ptr<State> state) : state_(std::move(state)) {}
HttpServer::~HttpServer() {
    stop();
}
void HttpServer::stop() {
    state_->stop();
}
WebAddress HttpServer::address() const {
    return state_->address();
}
std::size_t HttpServer::connections() const {
    return state_->connections();
}
const HttpServerCounters& HttpServer::counters() const {
    return state_->counters;
}

}  // namespace drive_iface::web
