#include "agent/runtime/control_client.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <nlohmann/json.hpp>
#include <utility>

#include "agent/core/errno_text.hpp"
#include "agent/runtime/clock.hpp"
#include "agent/runtime/descriptor.hpp"

namespace agent::runtime {

using nlohmann::json;

namespace {

ControlError no_connection(std::string message) {
    return {ControlErrorCode::no_connection, std::move(message)};
}

std::string advice(int error) {
    switch (error) {
        case ENOENT:
            return "there is no such socket; is the daemon running, and is this its "
                   "control.socket? (--socket PATH names another)";
        case ECONNREFUSED:
            return "nobody answers; the daemon has ended without tidying up, start it again";
        case EACCES:
        case EPERM:
            return "no permission; it is for root and members of the group lra";
        case EAGAIN:
            return "too many connections are waiting already; try again";
        default:
            return core::errno_text(error);
    }
}

// Waits until the descriptor is ready for `events` or the instant has come. true: ready.
bool wait_for(int descriptor, short events, core::Instant until) {
    while (true) {
        const std::int64_t left = std::max<std::int64_t>((until - clock_now().monotonic).ms, 0);
        pollfd wanted{descriptor, events, 0};
        const int count =
            ::poll(&wanted, 1, static_cast<int>(std::min<std::int64_t>(left, 60'000)));
        if (count > 0) return true;
        if (count < 0 && errno != EINTR) return false;
        if (left == 0) return false;
    }
}

}  // namespace

class ControlClient::Connection {
  public:
    Connection(std::string path, Descriptor socket)
        : path_(std::move(path)), socket_(std::move(socket)) {}

    [[nodiscard]] int descriptor() const { return socket_.get(); }

    std::optional<ControlError> send(const std::string& line, core::Instant until) {
        std::size_t sent = 0;
        while (sent < line.size()) {
            if (!wait_for(socket_.get(), POLLOUT, until))
                return too_slow("did not take the request");
            const ssize_t count =
                ::send(socket_.get(), line.data() + sent, line.size() - sent, MSG_NOSIGNAL);
            if (count < 0 && errno != EAGAIN && errno != EINTR) {
                // The daemon may have said why before it hung up: the answer is read next.
                return std::nullopt;
            }
            if (count > 0) sent += static_cast<std::size_t>(count);
        }
        return std::nullopt;
    }

    // The next message of the daemon, whatever it is.
    ControlAnswer receive(core::Instant until) {
        while (true) {
            const std::size_t end = received_.find('\n', searched_);
            if (end != std::string::npos) return message(end);
            searched_ = received_.size();
            if (received_.size() > control_answer_max) {
                return no_connection(path_ + ": the daemon sent a line of more than 16 MiB");
            }
            if (!wait_for(socket_.get(), POLLIN, until)) return too_slow("did not answer");
            std::array<char, 65'536> chunk{};
            const ssize_t count = ::recv(socket_.get(), chunk.data(), chunk.size(), 0);
            if (count == 0) return no_connection(path_ + ": the daemon closed the connection");
            if (count < 0 && errno != EAGAIN && errno != EINTR) {
                return no_connection(path_ + ": " + core::errno_text(errno));
            }
            if (count > 0) received_.append(chunk.data(), static_cast<std::size_t>(count));
        }
    }

    std::deque<json> events;
    std::uint64_t next_id = 1;

  private:
    [[nodiscard]] ControlError too_slow(const std::string& what) const {
        return {ControlErrorCode::busy, path_ + ": the daemon " + what + " in time"};
    }

    ControlAnswer message(std::size_t end) {
        json object =
            json::parse(received_.begin(), received_.begin() + static_cast<std::ptrdiff_t>(end),
                        nullptr, false);
        received_.erase(0, end + 1);
        searched_ = 0;
        if (!object.is_object()) {
            return no_connection(path_ + ": the daemon sent something that is not JSON-RPC");
        }
        return object;
    }

    std::string path_;
    Descriptor socket_;
    std::string received_;
    std::size_t searched_ = 0;
};

ControlClient::ControlClient(std::unique_ptr<Connection> connection)
    : connection_(std::move(connection)) {}
ControlClient::~ControlClient() = default;
ControlClient::ControlClient(ControlClient&&) noexcept = default;
ControlClient& ControlClient::operator=(ControlClient&&) noexcept = default;

core::Result<ControlClient> ControlClient::connect(const std::string& path,
                                                   core::Duration timeout) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path) {
        return core::Error{"\"" + path + "\": a socket path has 1 to 107 bytes"};
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    const core::Instant until = clock_now().monotonic + timeout;
    Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket) return core::Error{path + ": " + core::errno_text(errno)};
    // A full queue of a busy daemon makes connect() wait; SO_SNDTIMEO bounds that (unix(7)).
    const std::int64_t ms = std::max<std::int64_t>((until - clock_now().monotonic).ms, 1);
    const timeval limit{ms / 1'000, (ms % 1'000) * 1'000};
    ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    const auto* generic =
        reinterpret_cast<const sockaddr*>(&address);  // NOLINT: the socket API's own cast
    if (::connect(socket.get(), generic, sizeof address) != 0) {
        return core::Error{path + ": " + advice(errno)};
    }
    const int flags = ::fcntl(socket.get(), F_GETFL);
    ::fcntl(socket.get(), F_SETFL, flags | O_NONBLOCK);
    return ControlClient(std::make_unique<Connection>(path, std::move(socket)));
}

namespace {

ControlAnswer answer_in(json& message) {
    const auto error = message.find("error");
    if (error == message.end()) {
        const auto result = message.find("result");
        return result == message.end() ? json() : std::move(*result);
    }
    ControlError failure{ControlErrorCode::failed, error->dump()};
    if (error->is_object() && error->contains("code") && (*error)["code"].is_number_integer()) {
        failure.code = static_cast<ControlErrorCode>((*error)["code"].get<int>());
    }
    if (error->is_object() && error->contains("message") && (*error)["message"].is_string()) {
        failure.message = (*error)["message"].get<std::string>();
    }
    if (error->is_object() && error->contains("data")) failure.data = (*error)["data"].dump();
    return failure;
}

bool is_event(const json& message) {
    const auto method = message.find("method");
    return method != message.end() && *method == "event";
}

}  // namespace

ControlAnswer ControlClient::call(const std::string& method, const json& params,
                                  core::Duration timeout) {
    constexpr std::size_t events_max = 10'000;
    const core::Instant until = clock_now().monotonic + timeout;
    const std::uint64_t id = connection_->next_id++;
    const json request = {{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", params}};
    const std::string line = request.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
    if (auto failure = connection_->send(line, until)) return *failure;
    while (true) {
        ControlAnswer received = connection_->receive(until);
        if (std::holds_alternative<ControlError>(received)) return received;
        json& message = std::get<json>(received);
        if (is_event(message)) {
            if (connection_->events.size() < events_max) {
                connection_->events.push_back(std::move(message["params"]));
            }
            continue;
        }
        // An answer to an earlier call that was given up is passed over; a refusal without an id is
        // for us.
        const auto answered = message.find("id");
        if (answered == message.end() || answered->is_null() || *answered == id) {
            return answer_in(message);
        }
    }
}

ControlAnswer ControlClient::next_event(core::Duration timeout) {
    const core::Instant until = clock_now().monotonic + timeout;
    while (connection_->events.empty()) {
        ControlAnswer received = connection_->receive(until);
        if (std::holds_alternative<ControlError>(received)) return received;
        json& message = std::get<json>(received);
        if (is_event(message)) connection_->events.push_back(std::move(message["params"]));
    }
    json event = std::move(connection_->events.front());
    connection_->events.pop_front();
    return event;
}

int ControlClient::descriptor() const {
    return connection_->descriptor();
}

}  // namespace agent::runtime
