#pragma once

// The head of an HTTP/1 request as it came, before the HTTP library sees it: its parser takes lines
// of any length and matches some headers with regular expressions that recurse for each character.
// What is left of a head here is short, and has only headers that mean something to the page. Pure.

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>

namespace drive_iface::web {

constexpr std::size_t request_head_max = 8192;
constexpr std::size_t request_line_max = 2048;
constexpr std::size_t request_headers_max = 100;

struct RequestHead {
    std::string text;  // the request line and the headers that count, with the empty line
    // Nothing follows that is not the next request, and the other side wants to send one.
    bool keep_open = true;
};

struct WrongHead {
    int status = 400;
    std::string words;
};

// `text` ends with the empty line (CR LF CR LF).
[[nodiscard]] std::variant<RequestHead, WrongHead> read_request_head(std::string_view text);

}  // namespace drive_iface::web
