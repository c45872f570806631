#include "agent/runtime/clock.hpp"

#include <array>
#include <cstdio>
#include <ctime>

namespace agent::runtime {

namespace {

constexpr std::int64_t ms_per_second = 1'000;
constexpr std::int64_t ms_per_minute = 60'000;
constexpr std::int64_t ms_per_hour = 3'600'000;
constexpr std::int64_t ms_per_day = 86'400'000;

std::int64_t clock_ms(clockid_t clock) {
    timespec at{};
    ::clock_gettime(clock, &at);
    return std::int64_t{at.tv_sec} * ms_per_second + at.tv_nsec / 1'000'000;
}

struct Date {
    std::int64_t year = 0;
    std::int64_t month = 0;  // 1 to 12
    std::int64_t day = 0;    // 1 to 31
};

// Days since 1970-01-01 in the Gregorian calendar. Years are counted from March, so that a leap day
// is a year's last: the 153 days of March to July and of August to December follow the same pattern
// of month lengths.
std::int64_t days_from_date(Date date) {
    const std::int64_t year = date.month <= 2 ? date.year - 1 : date.year;
    const std::int64_t month = date.month <= 2 ? date.month + 9 : date.month - 3;
    const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
    const std::int64_t year_of_era = year - era * 400;
    const std::int64_t day_of_year = (153 * month + 2) / 5 + date.day - 1;
    const std::int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146'097 + day_of_era - 719'468;
}

Date date_from_days(std::int64_t days) {
    const std::int64_t shifted = days + 719'468;
    const std::int64_t era = (shifted >= 0 ? shifted : shifted - 146'096) / 146'097;
    const std::int64_t day_of_era = shifted - era * 146'097;
    const std::int64_t year_of_era =
        (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
    const std::int64_t day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const std::int64_t month = (5 * day_of_year + 2) / 153;
    Date date;
    date.day = day_of_year - (153 * month + 2) / 5 + 1;
    date.month = month < 10 ? month + 3 : month - 9;
    date.year = year_of_era + era * 400 + (date.month <= 2 ? 1 : 0);
    return date;
}

// Reads a text from its front.
struct Reader {
    std::string_view rest;
    bool good = true;

    std::int64_t digits(std::size_t count) {
        std::int64_t value = 0;
        for (std::size_t i = 0; i < count; ++i) {
            if (rest.empty() || rest.front() < '0' || rest.front() > '9') {
                good = false;
                return 0;
            }
            value = value * 10 + (rest.front() - '0');
            rest.remove_prefix(1);
        }
        return value;
    }

    bool take(char wanted) {
        if (rest.empty() || rest.front() != wanted) return false;
        rest.remove_prefix(1);
        return true;
    }

    void require(char wanted) { good = take(wanted) && good; }

    // Nine digits at most, as nothing counts finer; what is below a millisecond is cut off.
    std::int64_t fraction_ms() {
        std::int64_t value = 0;
        std::size_t count = 0;
        while (!rest.empty() && rest.front() >= '0' && rest.front() <= '9' && count < 10) {
            if (count < 3) value = value * 10 + (rest.front() - '0');
            rest.remove_prefix(1);
            ++count;
        }
        good = good && count >= 1 && count <= 9;
        for (; count < 3; ++count)
            value *= 10;
        return value;
    }

    std::int64_t offset_ms() {
        if (take('Z') || take('z')) return 0;
        const bool behind = take('-');
        if (!behind) require('+');
        const std::int64_t hours = digits(2);
        require(':');
        const std::int64_t minutes = digits(2);
        good = good && hours <= 23 && minutes <= 59;
        const std::int64_t offset = hours * ms_per_hour + minutes * ms_per_minute;
        return behind ? -offset : offset;
    }
};

}  // namespace

core::Now clock_now() {
    return {{clock_ms(CLOCK_MONOTONIC)}, {clock_ms(CLOCK_REALTIME)}};
}

std::string to_text(core::WallTime at) {
    std::int64_t days = at.ms / ms_per_day;
    if (at.ms % ms_per_day < 0) --days;
    const std::int64_t ms = at.ms - days * ms_per_day;
    const Date date = date_from_days(days);
    std::array<char, 96> text{};
    const int size =
        std::snprintf(text.data(), text.size(), "%04lld-%02lld-%02lldT%02lld:%02lld:%02lld.%03lldZ",
                      static_cast<long long>(date.year), static_cast<long long>(date.month),
                      static_cast<long long>(date.day), static_cast<long long>(ms / ms_per_hour),
                      static_cast<long long>(ms / ms_per_minute % 60),
                      static_cast<long long>(ms / ms_per_second % 60),
                      static_cast<long long>(ms % ms_per_second));
    return {text.data(), static_cast<std::size_t>(size)};
}

std::optional<core::WallTime> wall_time_from_text(std::string_view text) {
    Reader reader{text};
    Date date;
    date.year = reader.digits(4);
    reader.require('-');
    date.month = reader.digits(2);
    reader.require('-');
    date.day = reader.digits(2);
    if (!reader.take('T') && !reader.take('t')) reader.require(' ');
    const std::int64_t hours = reader.digits(2);
    reader.require(':');
    const std::int64_t minutes = reader.digits(2);
    reader.require(':');
    const std::int64_t seconds = reader.digits(2);
    const std::int64_t ms = reader.take('.') ? reader.fraction_ms() : 0;
    const std::int64_t offset = reader.offset_ms();
    if (!reader.good || !reader.rest.empty()) return std::nullopt;
    if (date.month < 1 || date.month > 12 || hours > 23 || minutes > 59 || seconds > 60) {
        return std::nullopt;
    }
    const std::int64_t days = days_from_date(date);
    const Date again = date_from_days(days);
    if (again.day != date.day || again.month != date.month) return std::nullopt;  // 31 April
    return core::WallTime{days * ms_per_day + hours * ms_per_hour + minutes * ms_per_minute +
                          seconds * ms_per_second + ms - offset};
}

}  // namespace agent::runtime
