#include "agent/host/argv_template.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "agent/runtime/program_names.hpp"

namespace agent::host {

namespace {

using core::Error;
using core::Result;

struct Placeholder {
    std::string_view name;
    bool as_regex = false;
    std::size_t length = 0;  // braces included
};

bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}

std::optional<Placeholder> placeholder_at(std::string_view text, std::size_t at) {
    if (text[at] != '{') return std::nullopt;
    const auto may_follow = [](char c) {
        return is_lower(c) || (c >= '0' && c <= '9') || c == '_';
    };
    std::size_t end = at + 1;
    if (end < text.size() && is_lower(text[end])) {
        while (end < text.size() && may_follow(text[end]))
            ++end;
    }
    const std::string_view name = text.substr(at + 1, end - at - 1);
    constexpr std::string_view form = ":regex";
    const bool as_regex = text.substr(end, form.size()) == form;
    if (as_regex) end += form.size();
    if (name.empty() || end >= text.size() || text[end] != '}') return std::nullopt;
    return Placeholder{name, as_regex, end + 1 - at};
}

bool is_control(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
}

// What there is to fill in, for somebody who has misspelt it.
std::string known_names(const DriveNames& names) {
    std::vector<std::string> known{"{drive}", "{serial}", "{device}"};
    for (const auto& [name, value] : names.settings)
        known.push_back("{" + name + "}");
    std::string text;
    for (std::size_t i = 0; i < known.size(); ++i) {
        if (i > 0) text += i + 1 == known.size() ? " and " : ", ";
        text += known[i];
    }
    return text;
}

enum class Secrets : std::uint8_t { hidden, shown };

Result<std::string> value_of(std::string_view name, const DriveNames& names, Secrets secrets) {
    const std::string key(name);
    const std::string shown = "{" + key + "}";
    const auto setting = names.settings.find(key);
    const auto secret = names.secrets.find(key);
    const std::string* value = nullptr;
    if (name == "drive") value = &names.drive;
    if (name == "serial") value = &names.serial;
    if (name == "device") value = &names.device;
    if (setting != names.settings.end()) value = &setting->second;
    if (secret != names.secrets.end()) {
        if (secrets == Secrets::hidden) {
            return Error{shown +
                         " is a credential, and every user of a host can read the arguments of "
                         "its programs"};
        }
        value = &secret->second;
    }
    if (value == nullptr) return Error{shown + " is not known; there are " + known_names(names)};
    if (value->empty()) {
        return Error{shown + " has no value for drive " + names.serial +
                     "; configure it for the drive"};
    }
    if (std::any_of(value->begin(), value->end(), is_control)) {
        return Error{shown + " of drive " + names.serial + " contains control characters"};
    }
    return *value;
}

// How a value is written where it is filled in.
enum class Form : std::uint8_t { argument, text, pattern };

std::string escaped(const std::string& value, std::string_view special) {
    std::string result;
    for (const char c : value) {
        if (special.find(c) != std::string_view::npos) result += '\\';
        result += c;
    }
    return result;
}

Result<std::string> fill(std::string_view text, const DriveNames& names, Form form) {
    const Secrets secrets = form == Form::text ? Secrets::shown : Secrets::hidden;
    std::string filled;
    std::size_t at = 0;
    while (at < text.size()) {
        const auto placeholder = placeholder_at(text, at);
        if (!placeholder) {
            filled += text[at++];
            continue;
        }
        const auto value = value_of(placeholder->name, names, secrets);
        if (!value) return value.error();
        if (form == Form::argument && at == 0 && value->front() == '-') {
            return Error{"\"" + *value + "\" stands for " +
                         std::string(text.substr(0, placeholder->length)) +
                         " at the begin of an argument and would be taken for an option; put it "
                         "behind other text, " +
                         "as in --drive=" + std::string(text.substr(0, placeholder->length))};
        }
        if (form == Form::pattern) {
            filled += escaped(*value, R"(^$\.*+?()[]{}|/)");
        } else {
            // '/' is nothing special outside of ECMAScript, and "\/" is undefined in POSIX.
            filled += placeholder->as_regex ? escaped(*value, R"(^$\.*+?()[]{}|)") : *value;
        }
        at += placeholder->length;
    }
    return filled;
}

}  // namespace

std::vector<std::string> placeholders_in(std::string_view text) {
    std::vector<std::string> found;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (const auto placeholder = placeholder_at(text, at))
            found.emplace_back(placeholder->name);
    }
    return found;
}

core::Result<std::string> fill_in_argument(std::string_view element, const DriveNames& names) {
    return fill(element, names, Form::argument);
}

core::Result<std::string> fill_in_text(std::string_view text, const DriveNames& names) {
    return fill(text, names, Form::text);
}

core::Result<std::vector<std::string>> fill_in_argv(const std::vector<std::string>& argv,
                                                    const DriveNames& names) {
    if (argv.empty() || argv.front().empty())
        return Error{"no program is named; the first element is the program"};
    const std::string& program = argv.front();
    if (!placeholders_in(program).empty())
        return Error{"the program itself can not be a placeholder: " + program};
    if (program.find('/') != std::string::npos && program.front() != '/' &&
        !runtime::is_drive_letter_path(program)) {
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
    return fill(pattern, names, Form::pattern);
}

}  // namespace agent::host
