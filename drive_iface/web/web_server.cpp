#include "drive_iface/web/web_server.hpp"

#include <utility>

namespace drive_iface::web {

using agent::core::Result;

WebServer::WebServer(asio::io_context& loop, const WebServerOptions& options, Shown shown)
    : questions_(loop, options.answer_within),
      routes_(questions_, std::move(shown), options.limits) {}

Result<std::unique_ptr<WebServer>> WebServer::listen(asio::io_context& loop,
                                                     WebServerOptions options, Shown shown) {
    std::unique_ptr<WebServer> server(new WebServer(loop, options, std::move(shown)));
    auto http = HttpServer::listen(
        loop, std::move(options.http),
        [routes = &server->routes_](const Request& request) { return routes->answer(request); });
    if (!http) return http.error();
    server->http_ = std::move(http).value();
    return server;
}

WebServer::~WebServer() {
    stop();
}

void WebServer::stop() {
    // Workers that wait for the loop, which is here, go on first.
    questions_.stop();
    if (http_) http_->stop();
    routes_.close_all();
}

WebAddress WebServer::address() const {
    return http_->address();
}
std::string WebServer::url() const {
    return "http://" + to_text(address()) + "/";
}
std::size_t WebServer::connections() const {
    return http_->connections();
}
const HttpServerCounters& WebServer::counters() const {
    return http_->counters();
}

}  // namespace drive_iface::web
