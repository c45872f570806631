#include "snmp_mib/varbind_reader.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace snmp_mib {

namespace {

bool is_control(unsigned char c) {
    return c < 0x20 || c == 0x7f;
}

// Length of the UTF-8 character that starts `text`, 0 when it is not well-formed (RFC 3629 section
// 4).
std::size_t utf8_character(std::string_view text) {
    const auto at = [&](std::size_t i) {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
    };
    const auto follows = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xbf) {
        return at(i) >= low && at(i) <= high;
    };
    const unsigned first = at(0);
    if (first < 0x80) return 1;
    if (first >= 0xc2 && first <= 0xdf) return follows(1) ? 2 : 0;
    if (first >= 0xe0 && first <= 0xef) {
        const unsigned low = first == 0xe0 ? 0xa0 : 0x80;
        const unsigned high = first == 0xed ? 0x9f : 0xbf;
        return follows(1, low, high) && follows(2) ? 3 : 0;
    }
    if (first >= 0xf0 && first <= 0xf4) {
        const unsigned low = first == 0xf0 ? 0x90 : 0x80;
        const unsigned high = first == 0xf4 ? 0x8f : 0xbf;
        return follows(1, low, high) && follows(2) && follows(3) ? 4 : 0;
    }
    return 0;
}

bool is_plain_text(std::string_view text) {
    while (!text.empty()) {
        const std::size_t length = utf8_character(text);
        if (length == 0 || is_control(static_cast<unsigned char>(text[0]))) return false;
        text.remove_prefix(length);
    }
    return true;
}

}  // namespace

std::string_view name_of(oids::NotifyObject object) {
    switch (object) {
        case oids::NotifyObject::controller:
            return "tlrNotifyController";
        case oids::NotifyObject::drive:
            return "tlrNotifyDrive";
        case oids::NotifyObject::notice:
            return "tlrNotifyNotice";
        case oids::NotifyObject::reservation:
            return "tlrNotifyReservation";
        case oids::NotifyObject::holders:
            return "tlrNotifyHolders";
        case oids::NotifyObject::domain:
            return "tlrNotifyDomain";
        case oids::NotifyObject::agent:
            return "tlrNotifyAgent";
        case oids::NotifyObject::result:
            return "tlrNotifyResult";
        case oids::NotifyObject::detail:
            return "tlrNotifyDetail";
        case oids::NotifyObject::incarnation:
            return "tlrNotifyIncarnation";
        case oids::NotifyObject::sequence:
            return "tlrNotifySequence";
        case oids::NotifyObject::alarm_kind:
            return "tlrNotifyAlarmKind";
        case oids::NotifyObject::severity:
            return "tlrNotifySeverity";
        case oids::NotifyObject::raised_at:
            return "tlrNotifyRaisedAt";
        case oids::NotifyObject::text:
            return "tlrNotifyText";
        case oids::NotifyObject::request:
            return "tlrNotifyRequest";
        case oids::NotifyObject::answer:
            return "tlrNotifyAnswer";
        case oids::NotifyObject::release:
            return "tlrNotifyRelease";
        case oids::NotifyObject::active_alarms:
            return "tlrNotifyActiveAlarms";
        case oids::NotifyObject::interval:
            return "tlrNotifyInterval";
        case oids::NotifyObject::sender:
            return "tlrNotifySender";
        case oids::NotifyObject::receiver:
            return "tlrNotifyReceiver";
        case oids::NotifyObject::pair_line:
            return "tlrNotifyPairLine";
        case oids::NotifyObject::pair_state:
            return "tlrNotifyPairState";
        case oids::NotifyObject::pair_epoch:
            return "tlrNotifyPairEpoch";
    }
    return "";
}

VarbindReader::VarbindReader(std::span<const Varbind> varbinds) : rest_(varbinds) {
    if (rest_.size() < 2 || rest_[0].name != oids::sys_up_time_0 ||
        !std::holds_alternative<TimeTicks>(rest_[0].value)) {
        refuse("sysUpTime.0 is not first");
        return;
    }
    const auto* trap_oid = std::get_if<Oid>(&rest_[1].value);
    if (rest_[1].name != oids::snmp_trap_oid_0 || trap_oid == nullptr) {
        refuse("snmpTrapOID.0 with an object identifier is not second");
        return;
    }
    rest_ = rest_.subspan(2);
    const Oid parent = oids::below(oids::module_root, {0});
    if (trap_oid->size() != parent.size() + 1 ||
        !std::equal(parent.begin(), parent.end(), trap_oid->begin())) {
        refuse("not a notification of TAPE-LIBRARY-RESERVATION-MIB");
        return;
    }
    notification_ = static_cast<oids::Notification>(trap_oid->back());
}

void VarbindReader::refuse(std::string why) {
    if (!error_) error_ = agent::core::Error{std::move(why)};
}

const VarbindValue* VarbindReader::next(oids::NotifyObject object) {
    if (error_) return nullptr;
    const std::string name(name_of(object));
    if (rest_.empty()) {
        refuse(name + " is missing");
        return nullptr;
    }
    if (rest_[0].name != oids::of(object)) {
        refuse("another object stands where " + name + " should be");
        return nullptr;
    }
    const VarbindValue* value = &rest_[0].value;
    rest_ = rest_.subspan(1);
    return value;
}

std::string VarbindReader::octets(oids::NotifyObject object, std::size_t least, std::size_t most) {
    const VarbindValue* value = next(object);
    if (value == nullptr) return {};
    const auto* octets = std::get_if<OctetString>(value);
    const std::string name(name_of(object));
    if (octets == nullptr) {
        refuse(name + " is not an octet string");
        return {};
    }
    if (octets->bytes.size() < least || octets->bytes.size() > most) {
        refuse(name + " has " + std::to_string(octets->bytes.size()) + " bytes instead of " +
               std::to_string(least) + " to " + std::to_string(most));
        return {};
    }
    return octets->bytes;
}

std::string VarbindReader::text(oids::NotifyObject object, std::size_t least, std::size_t most) {
    std::string bytes = octets(object, least, most);
    if (!is_plain_text(bytes)) {
        refuse(std::string(name_of(object)) + " is not plain text");
        return {};
    }
    return bytes;
}

std::int32_t VarbindReader::enumeration(oids::NotifyObject object, std::int32_t least,
                                        std::int32_t most) {
    const VarbindValue* value = next(object);
    if (value == nullptr) return least;
    const auto* integer = std::get_if<Integer32>(value);
    if (integer == nullptr || integer->value < least || integer->value > most) {
        refuse(std::string(name_of(object)) + " is not one of its values");
        return least;
    }
    return integer->value;
}

std::uint32_t VarbindReader::unsigned32(oids::NotifyObject object) {
    const VarbindValue* value = next(object);
    if (value == nullptr) return 0;
    const auto* number = std::get_if<Unsigned32>(value);
    if (number == nullptr) {
        refuse(std::string(name_of(object)) + " is not an Unsigned32");
        return 0;
    }
    return number->value;
}

std::uint64_t VarbindReader::counter64(oids::NotifyObject object) {
    const VarbindValue* value = next(object);
    if (value == nullptr) return 0;
    const auto* number = std::get_if<Counter64>(value);
    if (number == nullptr) {
        refuse(std::string(name_of(object)) + " is not a Counter64");
        return 0;
    }
    return number->value;
}

agent::core::WallTime VarbindReader::time(oids::NotifyObject object) {
    const std::optional<agent::core::WallTime> at = utc_from_text(octets(object, 24, 24));
    if (!at) refuse(std::string(name_of(object)) + " is not a time");
    return at.value_or(agent::core::WallTime{});
}

agent::core::Outcome VarbindReader::finish() {
    if (!rest_.empty()) refuse("more objects than the notification has");
    if (error_) return *error_;
    return agent::core::Nothing{};
}

// Days since 1970-01-01 and back, by counting 400-year cycles from March.
namespace {
struct CivilDate {
    std::int64_t year;
    unsigned month, day;
};

CivilDate civil_from_days(std::int64_t days) {
    days += 719'468;  // 0000-03-01
    const std::int64_t era = days / 146'097;
    const auto day_of_era = static_cast<unsigned>(days - era * 146'097);
    const unsigned year_of_era =
        (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
    const unsigned day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const unsigned shifted_month = (5 * day_of_year + 2) / 153;
    const unsigned month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
    return {era * 400 + year_of_era + (month <= 2 ? 1 : 0), month,
            day_of_year - (153 * shifted_month + 2) / 5 + 1};
}

std::int64_t days_from_civil(CivilDate date) {
    const std::int64_t year = date.month <= 2 ? date.year - 1 : date.year;
    const std::int64_t era = year / 400;
    const auto year_of_era = static_cast<unsigned>(year - era * 400);
    const unsigned shifted_month = date.month > 2 ? date.month - 3 : date.month + 9;
    const unsigned day_of_year = (153 * shifted_month + 2) / 5 + date.day - 1;
    const unsigned day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146'097 + static_cast<std::int64_t>(day_of_era) - 719'468;
}

constexpr std::int64_t ms_per_day = 86'400'000;
constexpr std::int64_t last_ms = 253'402'300'799'999;  // 9999-12-31T23:59:59.999Z
}  // namespace

std::string utc_text(agent::core::WallTime at) {
    const std::int64_t ms = std::clamp<std::int64_t>(at.ms, 0, last_ms);
    const CivilDate date = civil_from_days(ms / ms_per_day);
    const auto of_day = static_cast<unsigned>(ms % ms_per_day);
    std::array<char, 40> text{};
    std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02u:%02u:%02u.%03uZ",
                  static_cast<int>(date.year), date.month, date.day, of_day / 3'600'000,
                  of_day / 60'000 % 60, of_day / 1'000 % 60, of_day % 1'000);
    return text.data();
}

std::optional<agent::core::WallTime> utc_from_text(std::string_view text) {
    constexpr std::string_view shape = "dddd-dd-ddTdd:dd:dd.dddZ";
    if (text.size() != shape.size()) return std::nullopt;
    for (std::size_t i = 0; i < shape.size(); ++i) {
        const bool digit = text[i] >= '0' && text[i] <= '9';
        if (shape[i] == 'd' ? !digit : text[i] != shape[i]) return std::nullopt;
    }
    const auto number = [&](std::size_t at, std::size_t length) {
        std::int64_t value = 0;
        for (const char c : text.substr(at, length))
            value = value * 10 + (c - '0');
        return value;
    };
    const CivilDate date{number(0, 4), static_cast<unsigned>(number(5, 2)),
                         static_cast<unsigned>(number(8, 2))};
    if (date.month < 1 || date.month > 12 || date.day < 1) return std::nullopt;
    const std::int64_t ms = days_from_civil(date) * ms_per_day + number(11, 2) * 3'600'000 +
                            number(14, 2) * 60'000 + number(17, 2) * 1'000 + number(20, 3);
    // A time that does not print as itself does not exist: 31 April, 25 o'clock, a year before
    // 1970.
    if (ms < 0 || utc_text({ms}) != text) return std::nullopt;
    return agent::core::WallTime{ms};
}

std::string bounded_text(std::string_view text, std::size_t most) {
    std::string result;
    while (!text.empty()) {
        std::size_t length = utf8_character(text);
        const bool printable = length != 0 && !is_control(static_cast<unsigned char>(text[0]));
        length = std::max<std::size_t>(length, 1);
        const std::string_view character = printable ? text.substr(0, length) : " ";
        if (result.size() + character.size() > most) break;
        result += character;
        text.remove_prefix(length);
    }
    return result;
}

}  // namespace snmp_mib
