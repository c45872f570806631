#include "drive_iface/web/request_head.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace drive_iface::web {

namespace {

constexpr std::string_view line_end = "\r\n";

// RFC 9110 5.6.2.
bool is_token(std::string_view text) {
    constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
    return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               marks.find(c) != std::string_view::npos;
    });
}

bool is_printable(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return (c >= 0x20 && c <= 0x7e) || c == '\t'; });
}

std::string lower_case(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return result;
}

std::string_view without_blanks(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Three words, the target a path, the version one we speak.
std::optional<WrongHead> wrong_with_request_line(std::string_view line) {
    if (line.size() > request_line_max) return WrongHead{414, "the address is too long"};
    const auto first = line.find(' ');
    const auto second = first == std::string_view::npos ? first : line.find(' ', first + 1);
    if (second == std::string_view::npos || line.find(' ', second + 1) != std::string_view::npos)
        return WrongHead{400, "the request line is not METHOD PATH VERSION"};
    const auto target = line.substr(first + 1, second - first - 1);
    const auto version = line.substr(second + 1);
    const auto method = line.substr(0, first);
    if (!is_token(method)) return WrongHead{400, "the method is no word"};
    if (method != "GET" && method != "HEAD")
        return WrongHead{405, "the page changes nothing: GET and HEAD only; lractl changes things"};
    // An answer of unknown length could not be told from its beginning in HTTP/1.0.
    if (version != "HTTP/1.1") return WrongHead{505, "this server speaks HTTP/1.1"};
    const bool path = target.starts_with('/') && is_printable(target) &&
                      std::count(target.begin(), target.end(), '?') <= 1;
    if (!path) return WrongHead{400, "the address is not a path of this server"};
    return std::nullopt;
}

struct HeaderReading {
    RequestHead head;
    bool has_host = false;
    bool close = false;
    bool has_body = false;
};

std::optional<WrongHead> read_header(std::string_view line, HeaderReading& reading) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
        return WrongHead{400, "a header is not of the form NAME: VALUE"};
    const auto name = lower_case(line.substr(0, colon));
    const auto value = without_blanks(line.substr(colon + 1));
    const bool counts = name == "host" || name == "sec-fetch-site" || name == "connection";
    if (counts && !is_printable(value))
        return WrongHead{400, "header " + name + " is not printable"};
    if (name == "host") {
        // RFC 9112 3.2: exactly one.
        if (reading.has_host) return WrongHead{400, "there are two Host headers"};
        reading.has_host = true;
        reading.head.text += "Host: " + std::string(value) + "\r\n";
    } else if (name == "sec-fetch-site") {
        reading.head.text += "Sec-Fetch-Site: " + std::string(value) + "\r\n";
    } else if (name == "connection") {
        reading.close = reading.close || lower_case(value).find("close") != std::string::npos;
    } else if (name == "transfer-encoding" || (name == "content-length" && value != "0")) {
        reading.has_body = true;
    }
    return std::nullopt;
}

}  // namespace

std::variant<RequestHead, WrongHead> read_request_head(std::string_view text) {
    if (text.size() > request_head_max) return WrongHead{431, "the headers are too long"};
    if (!text.ends_with("\r\n\r\n")) return WrongHead{400, "the request has no end"};
    text.remove_suffix(line_end.size());
    const auto first_end = text.find(line_end);
    const auto request_line = text.substr(0, first_end);
    if (auto wrong = wrong_with_request_line(request_line)) return *wrong;
    HeaderReading reading;
    reading.head.text = std::string(request_line) + "\r\n";
    text.remove_prefix(first_end + line_end.size());
    for (std::size_t count = 0; !text.empty(); ++count) {
        if (count == request_headers_max) return WrongHead{431, "there are too many headers"};
        const auto end = text.find(line_end);
        if (auto wrong = read_header(text.substr(0, end), reading)) return *wrong;
        text.remove_prefix(end + line_end.size());
    }
    if (!reading.has_host) return WrongHead{400, "there is no Host header"};
    // What follows is not read: the next request can not be told from it.
    reading.head.keep_open = !reading.close && !reading.has_body;
    reading.head.text += line_end;
    return std::move(reading.head);
}

}  // namespace drive_iface::web
