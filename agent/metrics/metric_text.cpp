#include "agent/metrics/metric_text.hpp"

#include <cstdio>

namespace agent::metrics {

namespace {

// Label values may hold anything; three characters are written with a backslash.
void append_escaped(std::string& text, std::string_view value) {
    for (const char c : value) {
        if (c == '\n') {
            text += "\\n";
            continue;
        }
        if (c == '\\' || c == '"') text += '\\';
        text += c;
    }
}

}  // namespace

void MetricText::gauge(std::string_view name, std::string_view help) {
    family(name, help, "gauge");
}

void MetricText::counter(std::string_view name, std::string_view help) {
    family(name, help, "counter");
}

void MetricText::family(std::string_view name, std::string_view help, std::string_view type) {
    name_ = name;
    text_ += "# HELP " + name_ + " " + std::string(help) + "\n# TYPE " + name_ + " " +
             std::string(type) + "\n";
}

void MetricText::line(std::string_view value, Labels labels) {
    text_ += name_;
    char before = '{';
    for (const auto& [label, content] : labels) {
        text_ += before;
        text_ += std::string(label) + "=\"";
        append_escaped(text_, content);
        text_ += '"';
        before = ',';
    }
    if (before == ',') text_ += '}';
    text_ += " " + std::string(value) + "\n";
}

void MetricText::sample(std::uint64_t value, Labels labels) {
    line(std::to_string(value), labels);
}

void MetricText::seconds(std::int64_t milliseconds, Labels labels) {
    const std::int64_t whole = milliseconds / 1'000;
    const auto rest = static_cast<int>(milliseconds % 1'000);
    char text[32];
    std::snprintf(text, sizeof text, "%lld.%03d", static_cast<long long>(whole),
                  rest < 0 ? -rest : rest);
    line(text, labels);
}

}  // namespace agent::metrics
