#include "agent/runtime/control_request.hpp"

#include <utility>

namespace agent::runtime {

using nlohmann::json;

namespace {

constexpr int request_depth_max = 32;

RefusedRequest refused(json id, ControlErrorCode code, std::string message) {
    return {std::move(id), {code, std::move(message)}};
}

bool well_formed_id(const json& id) {
    if (id.is_string()) return id.get_ref<const std::string&>().size() <= 256;
    return id.is_number_integer() || id.is_null();
}

// "noun.verb", lower-case letters, digits, '-' and '_'.
bool well_formed_method(const std::string& method) {
    if (method.empty() || method.size() > 64) return false;
    std::size_t dots = 0;
    for (const char c : method) {
        if (c == '.') ++dots;
        const bool plain =
            (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
        if (!plain) return false;
    }
    return dots == 1 && method.front() != '.' && method.back() != '.';
}

// Known before anything is parsed, so that nothing can recurse deeply. Brackets inside texts do not
// count.
bool too_deep(std::string_view line) {
    int depth = 0;
    bool inside_text = false;
    bool escaped = false;
    for (const char c : line) {
        if (inside_text) {
            inside_text = escaped || c != '"';
            escaped = !escaped && c == '\\';
        } else if (c == '"') {
            inside_text = true;
        } else if (c == '{' || c == '[') {
            if (++depth > request_depth_max) return true;
        } else if (c == '}' || c == ']') {
            --depth;
        }
    }
    return false;
}

}  // namespace

std::variant<ControlRequest, RefusedRequest> parse_control_request(std::string_view line) {
    using enum ControlErrorCode;
    if (line.size() > control_line_max) {
        return refused(nullptr, invalid_request, "the line is longer than 64 KiB");
    }
    if (too_deep(line)) return refused(nullptr, parse_error, "nested deeper than 32 levels");
    json object = json::parse(line, nullptr, false);
    if (object.is_discarded()) return refused(nullptr, parse_error, "the line is not JSON");
    if (object.is_array()) return refused(nullptr, invalid_request, "batches are not served");
    if (!object.is_object()) {
        return refused(nullptr, invalid_request, "a request must be an object");
    }
    ControlRequest request;
    request.notification = !object.contains("id");
    if (!request.notification) request.id = std::move(object["id"]);
    if (!well_formed_id(request.id)) {
        return refused(nullptr, invalid_request, "id must be a text, a whole number or null");
    }
    const auto version = object.find("jsonrpc");
    if (version == object.end() || *version != "2.0") {
        return refused(request.id, invalid_request, "\"jsonrpc\" must be \"2.0\"");
    }
    const auto method = object.find("method");
    if (method == object.end() || !method->is_string() ||
        !well_formed_method(method->get_ref<const std::string&>())) {
        return refused(request.id, invalid_request, "\"method\" must be a text \"noun.verb\"");
    }
    request.method = method->get<std::string>();
    const auto params = object.find("params");
    request.params = params == object.end() ? json::object() : std::move(*params);
    if (!request.params.is_object()) {
        return refused(request.id, invalid_params, "\"params\" must be an object");
    }
    return request;
}

std::string control_answer_line(const json& id, const ControlAnswer& answer) {
    json line = {{"jsonrpc", "2.0"}, {"id", id}};
    if (const auto* error = std::get_if<ControlError>(&answer)) {
        line["error"] = {{"code", static_cast<int>(error->code)}, {"message", error->message}};
        if (!error->data.empty()) line["error"]["data"] = json::parse(error->data, nullptr, false);
    } else {
        line["result"] = std::get<json>(answer);
    }
    return line.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

ExitCode exit_code(ControlErrorCode code) {
    switch (code) {
        case ControlErrorCode::parse_error:
        case ControlErrorCode::invalid_request:
        case ControlErrorCode::method_not_found:
        case ControlErrorCode::invalid_params:
            return ExitCode::usage;
        case ControlErrorCode::internal_error:
        case ControlErrorCode::no_connection:
        case ControlErrorCode::failed:
            return ExitCode::failure;
        case ControlErrorCode::state_differs:
            return ExitCode::state_differs;
        case ControlErrorCode::partly_done:
            return ExitCode::partly_done;
        case ControlErrorCode::busy:
            return ExitCode::busy;
        case ControlErrorCode::volume_not_mountable:
            return ExitCode::volume_not_mountable;
        case ControlErrorCode::no_drive_available:
            return ExitCode::no_drive_available;
        case ControlErrorCode::drive_failed:
            return ExitCode::drive_failed;
        case ControlErrorCode::withdrawn:
            return ExitCode::withdrawn;
    }
    return ExitCode::failure;
}

}  // namespace agent::runtime
