#pragma once

// One request and its answer, whatever carries them. Plain values.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/result.hpp"

namespace drive_iface::web {

struct Request {
    std::string method;
    std::string path;  // percent-decoded
    std::multimap<std::string, std::string> parameters;
    std::string host;        // the header; empty: there was none
    std::string fetch_site;  // Sec-Fetch-Site; empty: not a browser, or an old one
};

// The body of an answer that is too long for memory.
class Body {
  public:
    virtual ~Body() = default;
    // The next piece; empty: the end. May block for a few seconds. After an error the answer is
    // broken off, so that nobody takes what came for the whole.
    [[nodiscard]] virtual agent::core::Result<std::vector<std::uint8_t>> next() = 0;
};

struct Answer {
    int status = 200;
    std::string type = "application/json";
    std::string text;
    std::string file_name;  // to be saved under; empty: to be shown
    std::unique_ptr<Body> body{};
    std::optional<std::uint64_t> length{};  // of `body`, when it is known
};

// {"error": "WORDS"}
[[nodiscard]] Answer refusal(int status, std::string_view words);

}  // namespace drive_iface::web
