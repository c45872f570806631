#pragma once

// The web page of the library (docs/WEB.md): what it is doing now, its snapshots, and the data of
// their sessions. It changes nothing, and is for this machine only.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "agent/core/result.hpp"
#include "drive_iface/web/http_server.hpp"
#include "drive_iface/web/routes.hpp"
#include "drive_iface/web/shown.hpp"
#include "drive_iface/web/web_address.hpp"

namespace drive_iface::web {

struct WebServerOptions {
    HttpServerOptions http;
    RouteLimits limits;
    std::chrono::milliseconds answer_within{5'000};  // by the event loop
};

// On the event loop's thread, all of it.
class WebServer {
  public:
    // What is shown outlives it. Errors: the address can not be used.
    [[nodiscard]] static agent::core::Result<std::unique_ptr<WebServer>> listen(
        asio::io_context& loop, WebServerOptions options, Shown shown);
    ~WebServer();  // as stop()
    WebServer(const WebServer&) = delete;
    WebServer& operator=(const WebServer&) = delete;

    // Breaks off what is being answered, closes all connections and gives back what is open; within
    // milliseconds.
    void stop();

    [[nodiscard]] WebAddress address() const;
    [[nodiscard]] std::string url() const;  // "http://127.0.0.1:8480/"
    [[nodiscard]] std::size_t connections() const;
    [[nodiscard]] const HttpServerCounters& counters() const;

  private:
    WebServer(asio::io_context& loop, const WebServerOptions& options, Shown shown);

    LoopQuestions questions_;
    Routes routes_;
    std::unique_ptr<HttpServer> http_;
};

}  // namespace drive_iface::web
