#include "agent/runtime/control_server.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <asio/io_context.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "agent/core/errno_text.hpp"
#include "agent/runtime/control_request.hpp"
#include "agent/runtime/control_session.hpp"
#include "agent/runtime/descriptor.hpp"
#include "agent/runtime/log.hpp"

namespace agent::runtime {

using asio::local::stream_protocol;
using nlohmann::json;

std::string to_text(const Caller& caller) {
    return caller.user + " (uid " + std::to_string(caller.uid) + ", pid " +
           std::to_string(caller.pid) + ")";
}

core::Result<std::string> text_parameter(const json& params, const std::string& name) {
    const auto found = params.find(name);
    if (found == params.end() || !found->is_string() ||
        found->get_ref<const std::string&>().empty()) {
        return core::Error{name + ": is missing; it must be a text that is not empty"};
    }
    return found->get<std::string>();
}

namespace {

constexpr std::size_t name_buffer_bytes = std::size_t{16} * 1024;

std::string user_name(uid_t uid) {
    std::vector<char> buffer(name_buffer_bytes);
    passwd entry{};
    passwd* found = nullptr;
    const int code = ::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found);
    return code == 0 && found != nullptr ? entry.pw_name : "uid " + std::to_string(uid);
}

std::optional<gid_t> group_number(const std::string& name) {
    constexpr std::size_t bytes_max = std::size_t{16} * 1024 * 1024;
    std::vector<char> buffer(name_buffer_bytes);
    group entry{};
    group* found = nullptr;
    int code = ::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    while (code == ERANGE && buffer.size() < bytes_max) {  // it has many members
        buffer.resize(buffer.size() * 4);
        code = ::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    }
    if (code != 0 || found == nullptr) return std::nullopt;
    return entry.gr_gid;
}

// The groups of the process that connected, with which it could open the socket's file, and not
// what the user database says now of its user: that may have to ask a directory service first,
// knows no user of a container, and knows nothing of `newgrp`.
std::vector<gid_t> peer_groups(int descriptor) {
    std::vector<gid_t> groups(64);
    auto bytes = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    int code = ::getsockopt(descriptor, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &bytes);
    if (code != 0 && errno == ERANGE) {  // they never change, so that the second time is enough
        groups.resize(bytes / sizeof(gid_t));
        code = ::getsockopt(descriptor, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &bytes);
    }
    groups.resize(code == 0 ? bytes / sizeof(gid_t) : 0);
    return groups;
}

bool in_group(int descriptor, const Caller& caller, gid_t wanted) {
    if (caller.gid == wanted) return true;
    const auto groups = peer_groups(descriptor);
    return std::find(groups.begin(), groups.end(), wanted) != groups.end();
}

std::optional<Caller> caller_of(int descriptor) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
        return std::nullopt;
    }
    return Caller{credentials.pid, credentials.uid, credentials.gid, user_name(credentials.uid)};
}

sockaddr_un socket_address(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof address.sun_path - 1));
    return address;
}

// Does a process answer on the socket file?
bool somebody_answers(const std::string& path) {
    const Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const sockaddr_un address = socket_address(path);
    const auto* generic =
        reinterpret_cast<const sockaddr*>(&address);  // NOLINT: the socket API's own cast
    return ::connect(probe.get(), generic, sizeof address) == 0 || errno == EAGAIN;
}

// Takes a dead process's socket file out of the way; refuses anything else that stands there.
core::Outcome make_room(const std::string& path) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) {
        if (errno == ENOENT) return core::Nothing{};
        return core::Error{"control socket " + path + ": " + core::errno_text(errno)};
    }
    if (!S_ISSOCK(status.st_mode)) {
        return core::Error{"control socket " + path +
                           ": a file that is not a socket stands there; move it away or change "
                           "control.socket"};
    }
    if (somebody_answers(path)) {
        return core::Error{"control socket " + path +
                           ": another process answers on it; is the daemon running already?"};
    }
    if (::unlink(path.c_str()) != 0) {
        return core::Error{"control socket " + path +
                           ": the file of a process that ended can not "
                           "be removed: " +
                           core::errno_text(errno)};
    }
    return core::Nothing{};
}

}  // namespace

class ControlServer::Listener : public std::enable_shared_from_this<ControlServer::Listener> {
  public:
    Listener(asio::io_context& loop, ControlServerOptions options)
        : options_(std::move(options)), acceptor_(loop), pause_(loop) {}

    void on(const std::string& method, AsyncHandler handler) {
        handlers_[method] = std::move(handler);
    }

    core::Outcome listen() {
        if (options_.path.size() >= sizeof(sockaddr_un::sun_path)) {
            return core::Error{"control socket " + options_.path +
                               ": the path is longer than 107 bytes; choose a shorter one"};
        }
        core::Outcome room = make_room(options_.path);
        if (!room.ok()) return room;
        std::error_code error;
        acceptor_.open(stream_protocol(), error);
        // Nobody may connect between bind and the change of its mode.
        const mode_t before = ::umask(0177);
        if (!error) acceptor_.bind(stream_protocol::endpoint(options_.path), error);
        ::umask(before);
        bound_ = !error;
        if (!error) acceptor_.non_blocking(true, error);
        if (error) {
            return core::Error{"control socket " + options_.path + ": " + error.message() +
                               "; check that its folder exists and is writable for this user"};
        }
        hand_to_group();
        acceptor_.listen(64, error);
        if (error) return core::Error{"control socket " + options_.path + ": " + error.message()};
        accept();
        return core::Nothing{};
    }

    void publish(const json& event) {
        const json message = {{"jsonrpc", "2.0"}, {"method", "event"}, {"params", event}};
        const std::string line =
            message.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
        const auto sessions = sessions_;  // a client that is dropped leaves the set
        for (const auto& session : sessions) {
            if (session->follows_events) session->send(line);
        }
    }

    void close() {
        closed_ = true;
        std::error_code ignored;
        acceptor_.close(ignored);
        pause_.cancel();
        const auto sessions = sessions_;
        for (const auto& session : sessions)
            session->end();
        if (std::exchange(bound_, false)) ::unlink(options_.path.c_str());
        handlers_.clear();
    }

    [[nodiscard]] std::size_t client_count() const { return sessions_.size(); }

  private:
    using Session = std::shared_ptr<ControlSession>;

    // Mode 0660 in any case; without the group only the daemon's own group and root get in.
    void hand_to_group() {
        group_ = ::getegid();
        const std::optional<gid_t> wanted = group_number(options_.group);
        if (wanted && ::chown(options_.path.c_str(), static_cast<uid_t>(-1), *wanted) == 0) {
            group_ = *wanted;
        } else if (wanted) {
            log_warning("control socket " + options_.path + ": can not be given to group " +
                        options_.group + ": " + core::errno_text(errno) +
                        "; run the daemon as a member of it");
        }
        if (::chmod(options_.path.c_str(), 0660) != 0) {
            log_warning("control socket " + options_.path +
                        ": mode not set: " + core::errno_text(errno));
        }
    }

    void accept() {
        acceptor_.async_accept([self = shared_from_this()](const std::error_code& error,
                                                           stream_protocol::socket socket) {
            if (self->closed_) return;
            if (error) {
                self->accept_later();  // out of descriptors, most likely: asking at once would spin
                return;
            }
            self->admit(std::move(socket));
            self->accept();
        });
    }

    void accept_later() {
        pause_.expires_after(std::chrono::milliseconds(200));
        pause_.async_wait([self = shared_from_this()](const std::error_code& error) {
            if (!error && !self->closed_) self->accept();
        });
    }

    void admit(stream_protocol::socket socket) {
        const std::optional<Caller> caller = caller_of(socket.native_handle());
        if (!caller) return;
        const bool allowed = caller->uid == 0 || caller->uid == ::geteuid() ||
                             in_group(socket.native_handle(), *caller, group_);
        auto session =
            std::make_shared<ControlSession>(std::move(socket), *caller, options_.queue_bytes_max);
        if (!allowed) {
            refuse(session, ControlErrorCode::failed,
                   caller->user + " is not a member of group " + options_.group);
        } else if (sessions_.size() >= options_.clients_max) {
            refuse(session, ControlErrorCode::busy,
                   "all " + std::to_string(options_.clients_max) +
                       " connections of the control socket are in use; end one of them");
        } else {
            sessions_.insert(session);
            session->begin(
                [self = weak_from_this()](const Session& from, const std::string& line) {
                    if (const auto listener = self.lock()) listener->take(from, line);
                },
                [self = weak_from_this()](const Session& from) {
                    if (const auto listener = self.lock()) listener->sessions_.erase(from);
                });
        }
    }

    static void refuse(const Session& session, ControlErrorCode code, const std::string& why) {
        session->send(control_answer_line(nullptr, ControlError{code, why}));
        session->end_after_sending();
    }

    void take(const Session& session, const std::string& line) {
        auto parsed = parse_control_request(line);
        if (const auto* refused = std::get_if<RefusedRequest>(&parsed)) {
            session->send(control_answer_line(refused->id, refused->error));
            return;
        }
        const auto& request = std::get<ControlRequest>(parsed);
        if (!request.notification) session->expect_answer();
        Answerer answer = answerer(session, request);
        if (request.method == "event.follow") {
            session->follows_events = true;
            answer(json{{"following", true}});
            return;
        }
        const auto handler = handlers_.find(request.method);
        if (handler == handlers_.end()) {
            answer(ControlError{ControlErrorCode::method_not_found,
                                "this daemon has no method \"" + request.method + "\""});
            return;
        }
        // Params are checked by the handlers; whatever JSON access still throws is the request's
        // fault or a bug, and neither may end the daemon.
        try {
            handler->second(request.params, session->caller(), answer);
        } catch (const json::exception& error) {
            answer(ControlError{ControlErrorCode::invalid_params, error.what()});
        }
    }

    // Answers once, and nobody when the client has gone or asked by a notification.
    Answerer answerer(const Session& session, const ControlRequest& request) {
        return [id = request.id, silent = request.notification,
                done = std::make_shared<bool>(false),
                to = std::weak_ptr<ControlSession>(session)](const ControlAnswer& answer) {
            const auto target = to.lock();
            if (std::exchange(*done, true) || silent || !target) return;
            std::string line = control_answer_line(id, answer);
            if (line.size() > control_answer_max) {
                line = control_answer_line(
                    id, ControlError{ControlErrorCode::failed,
                                     "the answer has more than 16 MiB; ask for less at a time"});
            }
            target->answered(std::move(line));
        };
    }

    ControlServerOptions options_;
    stream_protocol::acceptor acceptor_;
    asio::steady_timer pause_;
    std::map<std::string, AsyncHandler> handlers_;
    std::set<Session> sessions_;
    gid_t group_ = 0;
    bool bound_ = false;
    bool closed_ = false;
};

ControlServer::ControlServer(asio::io_context& loop, ControlServerOptions options)
    : listener_(std::make_shared<Listener>(loop, std::move(options))) {}

ControlServer::~ControlServer() {
    listener_->close();
}

void ControlServer::on(const std::string& method, Handler handler) {
    listener_->on(method, [handler = std::move(handler)](const json& params, const Caller& caller,
                                                         const Answerer& answer) {
        answer(handler(params, caller));
    });
}

void ControlServer::on_async(const std::string& method, AsyncHandler handler) {
    listener_->on(method, std::move(handler));
}

core::Outcome ControlServer::listen() {
    return listener_->listen();
}

void ControlServer::publish_event(const json& event) {
    listener_->publish(event);
}

std::size_t ControlServer::client_count() const {
    return listener_->client_count();
}

}  // namespace agent::runtime
