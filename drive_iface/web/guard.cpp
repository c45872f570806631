#include "drive_iface/web/guard.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace drive_iface::web {

namespace {

bool all_digits(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// 127.0.0.0/8 in the form browsers send it.
bool is_loopback_literal(std::string_view host) {
    constexpr std::string_view net = "127.";
    if (!host.starts_with(net) || host.size() > 15) return false;
    int parts = 1;
    std::string_view rest = host.substr(net.size());
    for (;; ++parts) {
        const auto end = rest.find('.');
        const auto part = rest.substr(0, end);
        if (part.empty() || part.size() > 3 || !all_digits(part)) return false;
        if (end == std::string_view::npos) break;
        rest.remove_prefix(end + 1);
    }
    return parts == 3;
}

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

Answer refusal(int status, std::string_view words) {
    const nlohmann::json error{{"error", words}};
    return {.status = status,
            .text = error.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace),
            .file_name = {}};
}

bool is_loopback_name(std::string_view host_header) {
    // The colon in front of the port is the one behind the bracket, if there is one.
    const auto bracket = host_header.rfind(']');
    const auto colon = host_header.find(':', bracket == std::string_view::npos ? 0 : bracket);
    const auto host = host_header.substr(0, colon);
    if (colon != std::string_view::npos) {
        const auto port = host_header.substr(colon + 1);
        if (port.empty() || port.size() > 5 || !all_digits(port)) return false;
    }
    constexpr std::string_view name = "localhost";
    const bool named = host.size() == name.size() &&
                       std::equal(host.begin(), host.end(), name.begin(),
                                  [](char one, char other) { return lower(one) == other; });
    return named || host == "[::1]" || is_loopback_literal(host);
}

std::optional<Answer> refused(const Request& request) {
    if (!is_loopback_name(request.host)) {
        return refusal(403,
                       "this page is for this machine only: use http://127.0.0.1:PORT/ or "
                       "http://localhost:PORT/, from another machine through ssh -L");
    }
    const bool own = request.fetch_site.empty() || request.fetch_site == "same-origin" ||
                     request.fetch_site == "none";
    if (!own && request.path != "/")
        return refusal(403, "another site's page may not read this one");
    return std::nullopt;
}

}  // namespace drive_iface::web
