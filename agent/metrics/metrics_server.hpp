#pragma once

// GET /metrics and GET /healthz of a daemon. There is no login: what is told are states, counts,
// and names of drives and agents.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/core/result.hpp"
#include "agent/runtime/metrics_configuration.hpp"
#include "drive_iface/web/http_server.hpp"
#include "drive_iface/web/loop_questions.hpp"

namespace agent::metrics {

class MetricsServer {
  public:
    // Both are called on `loop`, when somebody asks.
    struct Source {
        std::function<std::string()> metrics;
        std::function<std::optional<std::string>()> trouble;  // why it is not well
    };

    // Null: it is not wanted, or its port by default is another daemon's, which is logged. Errors:
    // the address can not be used.
    [[nodiscard]] static core::Result<std::unique_ptr<MetricsServer>> open(
        asio::io_context& loop, const runtime::MetricsConfiguration& configuration, Source source);
    ~MetricsServer();
    MetricsServer(const MetricsServer&) = delete;
    MetricsServer& operator=(const MetricsServer&) = delete;

    [[nodiscard]] std::uint16_t port() const { return http_->address().port; }

  private:
    MetricsServer(asio::io_context& loop, Source source);
    [[nodiscard]] drive_iface::web::Answer answer(const drive_iface::web::Request& request);

    Source source_;
    drive_iface::web::LoopQuestions questions_;
    std::unique_ptr<drive_iface::web::HttpServer> http_;
};

}  // namespace agent::metrics
