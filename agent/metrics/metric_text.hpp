#pragma once

// Metrics in the text format that Prometheus and its like read (version 0.0.4). Pure.

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace agent::metrics {

using Label = std::pair<std::string_view, std::string_view>;
using Labels = std::initializer_list<Label>;

class MetricText {
  public:
    // A family; its samples follow. A counter's name ends with _total; each name begins once only.
    void gauge(std::string_view name, std::string_view help);
    void counter(std::string_view name, std::string_view help);

    void sample(std::uint64_t value, Labels labels = {});
    // With milliseconds: times since 1970 and durations are seconds by convention.
    void seconds(std::int64_t milliseconds, Labels labels = {});

    [[nodiscard]] const std::string& text() const { return text_; }

  private:
    void family(std::string_view name, std::string_view help, std::string_view type);
    void line(std::string_view value, Labels labels);

    std::string name_;
    std::string text_;
};

}  // namespace agent::metrics
