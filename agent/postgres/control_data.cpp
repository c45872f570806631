#include "agent/postgres/control_data.hpp"

#include <charconv>
#include <cstdlib>
#include <map>
#include <utility>

namespace agent::postgres {

using core::Error;
using core::Result;

namespace {

constexpr std::size_t report_bytes_max = std::size_t{64} * 1024;
constexpr std::int64_t numbers_end = 0x7fff'ffff;  // of processes

std::string_view without_blanks(std::string_view text) {
    const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
    while (!text.empty() && is_blank(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back()))
        text.remove_suffix(1);
    return text;
}

template <typename Number>
std::optional<Number> whole_number(std::string_view text, int base = 10) {
    Number value{};
    const char* end = text.data() + text.size();
    const auto [last, error] = std::from_chars(text.data(), end, value, base);
    if (error != std::errc{} || last != end) return std::nullopt;
    return value;
}

// Calls `line(text)` for each line, until one says no.
template <typename Line>
bool each_line(std::string_view text, Line line) {
    while (!text.empty()) {
        const auto end = text.find('\n');
        if (!line(text.substr(0, end))) return false;
        if (end == std::string_view::npos) break;
        text.remove_prefix(end + 1);
    }
    return true;
}

using ReportLines = std::map<std::string_view, std::string_view>;

ReportLines lines_of_report(std::string_view text) {
    ReportLines lines;
    each_line(text, [&](std::string_view line) {
        const auto colon = line.find(':');
        if (colon != std::string_view::npos)
            lines.emplace(line.substr(0, colon), without_blanks(line.substr(colon + 1)));
        return true;
    });
    return lines;
}

class ReportReader {
  public:
    explicit ReportReader(const ReportLines& lines) : lines_(lines) {}

    std::string_view text(std::string_view name) {
        const auto found = lines_.find(name);
        if (found != lines_.end() && !found->second.empty()) return found->second;
        missing(name);
        return "";
    }
    std::uint64_t number(std::string_view name) {
        const auto value = whole_number<std::uint64_t>(text(name));
        if (!value) missing(name);
        return value.value_or(0);
    }
    std::uint64_t lsn(std::string_view name) {
        const auto value = lsn_from_text(text(name));
        if (!value) missing(name);
        return value.value_or(0);
    }
    [[nodiscard]] const std::string& wrong() const { return wrong_; }

  private:
    void missing(std::string_view name) {
        if (wrong_.empty()) wrong_ = name;
    }
    const ReportLines& lines_;
    std::string wrong_;
};

}  // namespace

Result<ControlData> control_data_from_text(std::string_view text) {
    if (text.size() > report_bytes_max) return Error{"pg_controldata: its report is too long"};
    const auto lines = lines_of_report(text);
    ReportReader report(lines);
    ControlData data;
    data.system_identifier = report.number("Database system identifier");
    data.state = report.text("Database cluster state");
    data.checkpoint_lsn = report.lsn("Latest checkpoint location");
    data.redo_lsn = report.lsn("Latest checkpoint's REDO location");
    data.timeline = report.number("Latest checkpoint's TimeLineID");
    data.least_lsn = report.lsn("Minimum recovery ending location");
    data.least_timeline = report.number("Min recovery ending loc's timeline");
    data.checksums = report.number("Data page checksum version") != 0;
    if (!report.wrong().empty())
        return Error{"pg_controldata: its report has no \"" + report.wrong() + "\" to be read"};
    return data;
}

bool is_stopped_in_order(const ControlData& data) {
    if (data.state == "shut down in recovery") return true;
    return data.state == "shut down" && data.redo_lsn == data.checkpoint_lsn;
}

std::optional<std::uint64_t> lsn_from_text(std::string_view text) {
    const auto slash = text.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const auto high = whole_number<std::uint32_t>(text.substr(0, slash), 16);
    const auto low = whole_number<std::uint32_t>(text.substr(slash + 1), 16);
    if (!high || !low) return std::nullopt;
    return std::uint64_t{*high} << 32 | *low;
}

std::string lsn_text(std::uint64_t lsn) {
    const auto hex = [](std::uint64_t value) {
        char digits[17];
        const auto end = std::to_chars(digits, digits + sizeof digits, value, 16).ptr;
        std::string text(digits, end);
        for (char& c : text)
            if (c >= 'a' && c <= 'f') c = static_cast<char>(c - 'a' + 'A');
        return text;
    };
    return hex(lsn >> 32) + "/" + hex(lsn & 0xffff'ffff);
}

Result<std::vector<TimelineEnd>> timeline_ends_from_text(std::string_view text) {
    std::vector<TimelineEnd> ends;
    std::string wrong;
    each_line(text, [&](std::string_view line) {
        line = without_blanks(line.substr(0, line.find('#')));
        if (line.empty()) return true;
        const auto gap = line.find_first_of("\t ");
        const auto timeline = whole_number<std::uint32_t>(line.substr(0, gap));
        std::optional<std::uint64_t> lsn;
        if (gap != std::string_view::npos) {
            auto rest = without_blanks(line.substr(gap));
            lsn = lsn_from_text(rest.substr(0, rest.find_first_of("\t ")));
        }
        const bool ascends = timeline && (ends.empty() || *timeline > ends.back().timeline);
        if (!ascends || !lsn || ends.size() == timeline_ends_max) {
            wrong = line.substr(0, 80);
            return false;
        }
        ends.push_back({*timeline, *lsn});
        return true;
    });
    if (!wrong.empty()) return Error{"the timeline history has a line \"" + wrong + "\""};
    return ends;
}

bool has_diverged(const pair::LogPosition& own, const SourceLog& source) {
    if (own.timeline == source.end.timeline) return own.lsn > source.end.lsn;
    for (const auto& end : source.history)
        if (end.timeline == own.timeline) return own.lsn > end.lsn;
    return true;
}

std::optional<int> process_from_pid_file(std::string_view text) {
    const auto value = whole_number<std::int64_t>(without_blanks(text.substr(0, text.find('\n'))));
    // A server of one user alone has its number negative there.
    const std::int64_t process = value && *value > -numbers_end ? std::abs(*value) : 0;
    if (process == 0 || process >= numbers_end) return std::nullopt;
    return static_cast<int>(process);
}

bool is_ready_by_pid_file(std::string_view text) {
    constexpr std::size_t status_line = 7;  // counted from 0; before that one the server starts
    std::size_t number = 0;
    bool ready = false;
    each_line(text, [&](std::string_view line) {
        if (number++ == status_line) ready = without_blanks(line) == "ready";
        return true;
    });
    return ready;
}

}  // namespace agent::postgres
