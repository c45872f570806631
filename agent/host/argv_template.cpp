#include "agent/host/argv_template.hpp"

#include <algorithm>
#include <functional>
#include <optional>

namespace agent::host {

namespace {

using core::Error;
using core::Result;

struct Placeholder {
    std::string_view name;
    std::size_t length = 0;  // braces included
};

// A placeholder is a word of lower-case letters in braces; other braces are text: JSON arguments,
// regex counts.
std::optional<Placeholder> placeholder_at(std::string_view text, std::size_t at) {
    if (text[at] != '{') return std::nullopt;
    std::size_t end = at + 1;
    while (end < text.size() && text[end] >= 'a' && text[end] <= 'z')
        ++end;
    if (end == at + 1 || end == text.size() || text[end] != '}') return std::nullopt;
    return Placeholder{text.substr(at + 1, end - at - 1), end + 1 - at};
}

bool is_control(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
}

Result<std::string> value_of(std::string_view name, const DriveNames& names) {
    const std::string* value = nullptr;
    if (name == "drive") value = &names.drive;
    if (name == "serial") value = &names.serial;
    if (name == "device") value = &names.device;
    const std::string shown = "{" + std::string(name) + "}";
    if (value == nullptr)
        return Error{shown + " is not known; there are {drive}, {serial} and {device}"};
    if (value->empty())
        return Error{shown + " has no value for drive " + names.serial +
                     "; configure it for the drive"};
    if (std::any_of(value->begin(), value->end(), is_control)) {
        return Error{shown + " of drive " + names.serial + " contains control characters"};
    }
    return *value;
}

Result<std::string> fill(std::string_view text, const DriveNames& names, bool is_argument,
                         const std::function<std::string(const std::string&)>& form) {
    std::string filled;
    std::size_t at = 0;
    while (at < text.size()) {
        const auto placeholder = placeholder_at(text, at);
        if (!placeholder) {
            filled += text[at++];
            continue;
        }
        const auto value = value_of(placeholder->name, names);
        if (!value) return value.error();
        if (is_argument && at == 0 && value->front() == '-') {
            return Error{"\"" + *value + "\" stands for " +
                         std::string(text.substr(0, placeholder->length)) +
                         " at the begin of an argument and would be taken for an option; put it "
                         "behind other text, " +
                         "as in --drive=" + std::string(text.substr(0, placeholder->length))};
        }
        filled += form(*value);
        at += placeholder->length;
    }
    return filled;
}

std::string escaped_for_regex(const std::string& value) {
    std::string result;
    for (const char c : value) {
        if (std::string_view(R"(^$\.*+?()[]{}|/)").find(c) != std::string_view::npos)
            result += '\\';
        result += c;
    }
    return result;
}

bool has_placeholder(const std::string& element) {
    for (std::size_t at = 0; at < element.size(); ++at) {
        if (placeholder_at(element, at)) return true;
    }
    return false;
}

}  // namespace

core::Result<std::string> fill_in_argument(std::string_view element, const DriveNames& names) {
    return fill(element, names, true, [](const std::string& value) { return value; });
}

core::Result<std::vector<std::string>> fill_in_argv(const std::vector<std::string>& argv,
                                                    const DriveNames& names) {
    if (argv.empty() || argv.front().empty())
        return Error{"no program is named; the first element is the program"};
    const std::string& program = argv.front();
    if (has_placeholder(program))
        return Error{"the program itself can not be a placeholder: " + program};
    if (program.find('/') != std::string::npos && program.front() != '/') {
        return Error{
            program +
            " is a relative path; give the absolute one, or a name to be looked up in PATH"};
    }
    std::vector<std::string> filled{program};
    for (auto element = argv.begin() + 1; element != argv.end(); ++element) {
        if (element->find('\0') != std::string::npos)
            return Error{"an argument contains a NUL byte"};
        auto value = fill_in_argument(*element, names);
        if (!value) return value.error();
        filled.push_back(std::move(value).value());
    }
    return filled;
}

core::Result<std::string> fill_in_pattern(std::string_view pattern, const DriveNames& names) {
    return fill(pattern, names, false, escaped_for_regex);
}

}  // namespace agent::host
