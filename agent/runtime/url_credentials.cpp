#include "agent/runtime/url_credentials.hpp"

namespace agent::runtime {

std::string without_credentials(const std::string& url) {
    const auto scheme = url.find("://");
    if (scheme == std::string::npos) return url;
    const auto at = url.find('@', scheme + 3);
    return at == std::string::npos ? url : url.substr(0, scheme + 3) + url.substr(at + 1);
}

}  // namespace agent::runtime
