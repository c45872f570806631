#include "drive_iface/web/request_values.hpp"

#include <algorithm>
#include <charconv>

namespace drive_iface::web {

using agent::core::Error;

namespace {

constexpr std::size_t path_parts_max = 8;

std::string quoted_name(const std::string& name) {
    constexpr std::size_t shown_max = 40;
    std::string shown;
    for (const char c : name.substr(0, shown_max))
        shown += c >= 0x20 && c <= 0x7e && c != '"' ? c : '?';
    return "\"" + shown + "\"";
}

std::string known_names(std::initializer_list<ParameterRule> rules) {
    if (rules.size() == 0) return "there are none here";
    std::string names = "known: ";
    for (const auto& rule : rules)
        names += (&rule == rules.begin() ? "" : ", ") + std::string(rule.name);
    return names;
}

}  // namespace

std::optional<std::vector<std::string>> path_parts(std::string_view path) {
    std::vector<std::string> parts;
    if (!path.starts_with('/')) return std::nullopt;
    path.remove_prefix(1);
    while (!path.empty()) {
        const auto end = path.find('/');
        const auto part = path.substr(0, end);
        if (part.empty() || part == "." || part == ".." || parts.size() == path_parts_max)
            return std::nullopt;
        parts.emplace_back(part);
        if (end == std::string_view::npos) return parts;
        path.remove_prefix(end + 1);
        if (path.empty()) return std::nullopt;
    }
    return parts;
}

std::optional<std::uint64_t> decimal_number(std::string_view text, std::uint64_t least,
                                            std::uint64_t most) {
    if (text.empty() || (text.size() > 1 && text.front() == '0')) return std::nullopt;
    std::uint64_t value = 0;
    const auto* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, value);
    if (read.ec != std::errc() || read.ptr != end || value < least || value > most)
        return std::nullopt;
    return value;
}

agent::core::Result<std::vector<std::uint64_t>> parameter_values(
    const Parameters& parameters, std::initializer_list<ParameterRule> rules) {
    for (const auto& given : parameters) {
        const std::string& name = given.first;
        const bool known = std::any_of(rules.begin(), rules.end(),
                                       [&](const auto& rule) { return rule.name == name; });
        if (!known) return Error{quoted_name(name) + " means nothing here; " + known_names(rules)};
        if (parameters.count(name) > 1) return Error{quoted_name(name) + " stands twice"};
    }
    std::vector<std::uint64_t> values;
    for (const auto& rule : rules) {
        const auto given = parameters.find(std::string(rule.name));
        if (given == parameters.end()) {
            values.push_back(rule.otherwise);
            continue;
        }
        const auto value = decimal_number(given->second, rule.least, rule.most);
        if (!value) {
            return Error{std::string(rule.name) + " is not a number from " +
                         std::to_string(rule.least) + " to " + std::to_string(rule.most)};
        }
        values.push_back(*value);
    }
    return values;
}

}  // namespace drive_iface::web
