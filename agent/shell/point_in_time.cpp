#include "agent/shell/point_in_time.hpp"

#include <charconv>
#include <ctime>

#include "agent/runtime/clock.hpp"

namespace agent::shell {
namespace {

std::tm local_fields(core::WallTime at) {
    const std::time_t seconds = at.ms / 1000 - (at.ms % 1000 < 0 ? 1 : 0);
    std::tm fields{};
    ::localtime_r(&seconds, &fields);
    return fields;
}

std::string written(const std::tm& fields, const char* format) {
    char text[40];
    return {text, std::strftime(text, sizeof text, format, &fields)};
}

// The local time that `format` (strptime) reads out of all of `text`; what it does not name is
// taken from `now`.
std::optional<core::WallTime> local_time_from_text(std::string_view text, const char* format,
                                                   core::WallTime now) {
    std::tm fields = local_fields(now);
    fields.tm_sec = 0;
    const std::string whole{text};
    const char* end = ::strptime(whole.c_str(), format, &fields);
    if (end == nullptr || *end != '\0') return std::nullopt;
    fields.tm_isdst = -1;
    const std::time_t seconds = std::mktime(&fields);
    if (seconds == -1) return std::nullopt;
    return core::WallTime{static_cast<std::int64_t>(seconds) * 1000};
}

std::optional<std::int64_t> unit_ms(char unit) {
    if (unit == 's') return 1000;
    if (unit == 'm') return 60 * 1000;
    if (unit == 'h') return 3600 * 1000;
    if (unit == 'd') return 24 * 3600 * 1000;
    return std::nullopt;
}

std::optional<core::Duration> length_from_text(std::string_view text) {
    constexpr std::int64_t number_max = 1'000'000;
    if (text.size() < 2) return std::nullopt;
    const auto unit = unit_ms(text.back());
    std::int64_t number = 0;
    const char* digits_end = text.data() + text.size() - 1;
    const auto [end, error] = std::from_chars(text.data(), digits_end, number);
    if (!unit || error != std::errc{} || end != digits_end || number < 0 || number > number_max) {
        return std::nullopt;
    }
    return core::Duration{number * *unit};
}

}  // namespace

std::string local_time(core::WallTime at) {
    return written(local_fields(at), "%Y-%m-%d %H:%M:%S");
}

std::string short_local_time(core::WallTime at, core::WallTime now) {
    const std::tm fields = local_fields(at);
    const std::tm today = local_fields(now);
    const bool same_day = fields.tm_yday == today.tm_yday && fields.tm_year == today.tm_year;
    return written(fields, same_day ? "%H:%M:%S" : "%m-%d %H:%M:%S");
}

std::string length_of_time(core::Duration length) {
    const std::int64_t seconds = length.ms / 1000;
    if (seconds < 60) return std::to_string(seconds) + " s";
    if (seconds < 3600) return std::to_string(seconds / 60) + " min";
    if (seconds < 48 * 3600) return std::to_string(seconds / 3600) + " h";
    return std::to_string(seconds / (24 * 3600)) + " d";
}

std::string age(core::WallTime at, core::WallTime now) {
    if (at > now) return "in " + length_of_time({at.ms - now.ms});
    return length_of_time({now.ms - at.ms});
}

std::optional<core::WallTime> point_in_time_from_text(std::string_view text, core::WallTime now) {
    if (const auto length = length_from_text(text)) return core::WallTime{now.ms - length->ms};
    if (const auto instant = runtime::wall_time_from_text(text)) return instant;
    for (const char* format : {"%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%H:%M:%S", "%H:%M"}) {
        if (const auto at = local_time_from_text(text, format, now)) return at;
    }
    return std::nullopt;
}

}  // namespace agent::shell
