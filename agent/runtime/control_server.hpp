#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <sys/types.h>

#include "agent/runtime/control_protocol.hpp"

namespace asio {
class io_context;
}

namespace agent::runtime {

// Who asks, by the kernel's word (SO_PEERCRED; its groups: SO_PEERGROUPS).
struct Caller {
    pid_t pid = 0;
    uid_t uid = 0;
    gid_t gid = 0;
    std::string user;  // "root", or "uid 1234" when the user has no name
};

// For audit lines: "root (uid 0, pid 4711)".
[[nodiscard]] std::string to_text(const Caller& caller);

struct ControlServerOptions {
    std::string path;
    std::string group = "lra";     // owner group of the socket when it exists
    std::size_t clients_max = 32;  // further ones are told so and closed
    std::size_t queue_bytes_max =
        std::size_t{32} * 1024 * 1024;  // answers a client has not read; beyond it is disconnected
};

// Runs on the event loop's thread, handlers too. A handler's params are an object, empty when the
// request had none.
class ControlServer {
  public:
    using Handler =
        std::function<ControlAnswer(const nlohmann::json& params, const Caller& caller)>;
    // Call it once, from the loop's thread, at any later time; when the client has gone the answer
    // is dropped.
    using Answerer = std::function<void(ControlAnswer answer)>;
    using AsyncHandler =
        std::function<void(const nlohmann::json& params, const Caller& caller, Answerer answer)>;

    ControlServer(asio::io_context& loop, ControlServerOptions options);
    ~ControlServer();  // closes everything and removes the socket file
    ControlServer(const ControlServer&) = delete;
    ControlServer& operator=(const ControlServer&) = delete;

    // `method` is "noun.verb". Before listen().
    void on(const std::string& method, Handler handler);
    void on_async(const std::string& method, AsyncHandler handler);

    // Takes the place of a socket file that a dead process left; refuses one that somebody answers
    // on.
    [[nodiscard]] core::Outcome listen();

    // To every client that has asked for "event.follow" (answered by the server itself):
    // {"jsonrpc":"2.0","method":"event","params":EVENT}
    void publish_event(const nlohmann::json& event);

    [[nodiscard]] std::size_t client_count() const;

  private:
    class Listener;
    std::shared_ptr<Listener>
        listener_;  // shared with the handlers that are still queued in the loop
};

// Reads a parameter; the error names it and says what would be right. `text_parameter` refuses an
// empty text.
[[nodiscard]] core::Result<std::string> text_parameter(const nlohmann::json& params,
                                                       const std::string& name);

}  // namespace agent::runtime
