#include "agent/runtime/metrics_configuration.hpp"

#include <arpa/inet.h>

#include <string>

#include <nlohmann/json.hpp>

namespace agent::runtime {

namespace {

std::optional<std::string> wrong_with_metrics_address(std::string_view text) {
    const auto address = address_from_text(text);
    in6_addr ignored{};
    const bool usable = address && address->kind == AddressText::Kind::tcp &&
                        (::inet_pton(AF_INET, address->host.c_str(), &ignored) == 1 ||
                         ::inet_pton(AF_INET6, address->host.c_str(), &ignored) == 1);
    if (usable) return std::nullopt;
    return "must be tcp:ADDRESS:PORT with an IP address of this machine, like tcp:127.0.0.1:9469";
}

}  // namespace

ConfigurationKey metrics_key() {
    return default_key(
        "metrics",
        object_shape({optional_key(
            "listen", text_shape("tcp:ADDRESS:PORT", wrong_with_metrics_address),
            "Where GET /metrics (Prometheus text) and GET /healthz are answered; nowhere when not "
            "given. Whoever reaches it may read it: leave it on a loopback address, or on one that "
            "only the monitoring reaches.",
            "\"tcp:127.0.0.1:9469\"")}),
        "{}", "What monitoring can ask.");
}

MetricsConfiguration metrics_configuration(const nlohmann::json& metrics) {
    MetricsConfiguration result;
    if (metrics.contains("listen"))
        result.listen = address_from_text(metrics["listen"].get<std::string>());
    return result;
}

}  // namespace agent::runtime
