#include "agent/runtime/metrics_configuration.hpp"

#include <arpa/inet.h>

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace agent::runtime {

namespace {

constexpr std::string_view off = "off";

std::optional<std::string> wrong_with_metrics_address(std::string_view text) {
    if (text == off) return std::nullopt;
    const auto address = address_from_text(text);
    in6_addr ignored{};
    const bool usable = address && address->kind == AddressText::Kind::tcp &&
                        (::inet_pton(AF_INET, address->host.c_str(), &ignored) == 1 ||
                         ::inet_pton(AF_INET6, address->host.c_str(), &ignored) == 1);
    if (usable) return std::nullopt;
    return "must be tcp:ADDRESS:PORT with an IP address of this machine, like tcp:127.0.0.1:9469, "
           "or "
           "\"off\"";
}

std::string address_at(std::uint16_t port) {
    return "tcp:127.0.0.1:" + std::to_string(port);
}

}  // namespace

ConfigurationKey metrics_key(std::uint16_t default_port) {
    return default_key(
        "metrics",
        object_shape({default_key(
            "listen", text_shape("tcp:ADDRESS:PORT or off", wrong_with_metrics_address),
            "\"" + address_at(default_port) + "\"",
            "Where GET /metrics (Prometheus text) and GET /healthz are answered. Whoever reaches "
            "it "
            "may read it: leave it on a loopback address, or on one that only the monitoring "
            "reaches.")}),
        "{}", "What monitoring can ask.");
}

MetricsConfiguration metrics_configuration(const nlohmann::json& metrics,
                                           std::uint16_t default_port) {
    MetricsConfiguration result;
    const auto listen = metrics["listen"].get<std::string>();
    if (listen != off) result.listen = address_from_text(listen);
    result.by_default = listen == address_at(default_port);
    return result;
}

}  // namespace agent::runtime
