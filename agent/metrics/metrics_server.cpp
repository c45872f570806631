#include "agent/metrics/metrics_server.hpp"

#include <utility>

#include "agent/runtime/log.hpp"

namespace agent::metrics {

using drive_iface::web::Answer;
using drive_iface::web::HttpServer;
using drive_iface::web::HttpServerOptions;
using drive_iface::web::Request;

namespace {

// A daemon whose event loop does not answer for so long is not well.
constexpr std::chrono::milliseconds loop_patience{2'000};

Answer text_answer(int status, std::string text) {
    Answer answer;
    answer.status = status;
    answer.type = "text/plain; version=0.0.4; charset=utf-8";
    answer.text = std::move(text);
    return answer;
}

}  // namespace

MetricsServer::MetricsServer(asio::io_context& loop, Source source)
    : source_(std::move(source)), questions_(loop, loop_patience) {}

core::Result<std::unique_ptr<MetricsServer>> MetricsServer::open(
    asio::io_context& loop, const runtime::MetricsConfiguration& configuration, Source source) {
    if (!configuration.listen) return std::unique_ptr<MetricsServer>();
    std::unique_ptr<MetricsServer> server(new MetricsServer(loop, std::move(source)));
    HttpServerOptions options;
    options.listen = {configuration.listen->host, configuration.listen->port};
    options.beyond_loopback =
        true;  // a monitoring server is another machine; metrics_configuration.cpp
    options.workers = 2;
    options.connections_max = 16;
    auto http = HttpServer::listen(
        loop, std::move(options),
        [one = server.get()](const Request& request) { return one->answer(request); });
    if (!http && configuration.by_default) {
        runtime::log_info("metrics are not served, since " + http.error().message +
                          ": give this daemon a metrics.listen of its own, or \"off\"");
        return std::unique_ptr<MetricsServer>();
    }
    if (!http) return http.error().within("metrics.listen");
    server->http_ = std::move(http).value();
    return server;
}

MetricsServer::~MetricsServer() {
    questions_.stop();  // workers that wait for the loop, which is here, go on first
    if (http_) http_->stop();
}

// On a worker's thread.
Answer MetricsServer::answer(const Request& request) {
    if (request.path == "/metrics") {
        const auto text = questions_.ask<std::string>(
            [this]() -> std::optional<std::string> { return source_.metrics(); });
        return text ? text_answer(200, *text) : text_answer(503, "the daemon is busy\n");
    }
    if (request.path == "/healthz") {
        const auto trouble = questions_.ask<std::string>(
            [this]() -> std::optional<std::string> { return source_.trouble().value_or(""); });
        if (!trouble) return text_answer(503, "the event loop does not answer\n");
        return trouble->empty() ? text_answer(200, "ok\n") : text_answer(503, *trouble + "\n");
    }
    return text_answer(404, "there is /metrics and /healthz\n");
}

}  // namespace agent::metrics
