#include "snmp_mib/engine_clock.hpp"

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include <algorithm>
#include <array>
#include <cstddef>

namespace snmp_mib {

namespace {

constexpr std::int64_t window_s = 150;             // RFC 3414 2.2.3
constexpr std::uint32_t counter_end = 0x7fffffff;  // boots that have come here stay here (2.2.2)

const u_char* id_bytes(const std::string& engine_id) {
    return reinterpret_cast<const u_char*>(engine_id.data());
}

}  // namespace

bool EngineClock::is_ours() {
    if (whose_ == Whose::unknown) {
        std::array<u_char, 64> own{};
        const std::size_t length = snmpv3_get_engineID(own.data(), own.size());
        const bool same = engine_id_.size() == length &&
                          std::equal(own.data(), own.data() + length, id_bytes(engine_id_));
        whose_ = same ? Whose::ours : Whose::other;
    }
    return whose_ == Whose::ours;
}

enginetime_struct* EngineClock::record() {
    if (record_ == nullptr) {
        record_ =
            search_enginetime_list(id_bytes(engine_id_), static_cast<u_int>(engine_id_.size()));
    }
    return record_;
}

std::optional<EngineMoment> EngineClock::now() {
    const auto local_time = snmpv3_local_snmpEngineTime();
    if (is_ours()) {
        return EngineMoment{static_cast<std::uint32_t>(snmpv3_local_snmpEngineBoots()),
                            static_cast<std::uint32_t>(local_time)};
    }
    const enginetime_struct* known = record();
    if (known == nullptr) return std::nullopt;
    const std::int64_t time =
        std::int64_t{known->engineTime} +
        (static_cast<std::int64_t>(local_time) - known->lastReceivedEngineTime);
    if (time < 0 || time > counter_end) return std::nullopt;
    return EngineMoment{known->engineBoot, static_cast<std::uint32_t>(time)};
}

bool EngineClock::is_timely(EngineMoment said) {
    const std::optional<EngineMoment> here = now();
    if (!here || said.boots != here->boots || said.boots == counter_end) return false;
    const std::int64_t behind = std::int64_t{here->time} - said.time;
    if (is_ours()) return behind <= window_s && behind >= -window_s;
    enginetime_struct* known = record();
    if (known->authenticatedFlag == 0 || behind > window_s) return false;
    // As set_enginetime() does, which hashes the engine ID first.
    if (said.time > known->engineTime) {
        known->engineTime = said.time;
        known->lastReceivedEngineTime = static_cast<time_t>(snmpv3_local_snmpEngineTime());
    }
    return true;
}

}  // namespace snmp_mib
