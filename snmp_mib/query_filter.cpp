#include "snmp_mib/query_filter.hpp"

#include <algorithm>

#include "snmp_mib/datagram.hpp"

namespace snmp_mib {

namespace {

QueryVerdict verdict_on(NoEnvelope none) {
    switch (none) {
        case NoEnvelope::oversize:
            return QueryVerdict::oversize;
        case NoEnvelope::malformed:
            return QueryVerdict::malformed;
        case NoEnvelope::other_version:
            return QueryVerdict::version;
        case NoEnvelope::other_security_model:
            return QueryVerdict::security_model;
    }
    return QueryVerdict::malformed;
}

}  // namespace

QueryVerdict QueryFilter::judge(std::span<const std::uint8_t> datagram, const std::string& source,
                                std::int64_t now_ms) {
    const Envelope envelope = envelope_of(datagram);
    if (const auto* none = std::get_if<NoEnvelope>(&envelope)) return verdict_on(*none);
    const auto* v3 = std::get_if<V3Envelope>(&envelope);
    if (v3 == nullptr) return QueryVerdict::version;
    const bool for_us = v3->authoritative_engine_id == own_engine_id_;
    if (!for_us && !v3->reportable) return QueryVerdict::engine;
    // Flags and name are what it claims; whether that is true the library finds out.
    const bool of_a_user = v3->authenticated && v3->encrypted && users_.contains(v3->user);
    if (for_us && of_a_user) return QueryVerdict::pass;
    return may_answer(source, now_ms) ? QueryVerdict::pass : QueryVerdict::rate;
}

bool QueryFilter::may_answer(const std::string& source, std::int64_t now_ms) {
    constexpr std::int64_t full = answers_at_once * 1'000;
    constexpr std::int64_t per_ms = answers_per_second;  // thousandths of an answer
    const auto has_all = [&](const Allowance& allowance) {
        return allowance.thousandths + (now_ms - allowance.at_ms) * per_ms >= full;
    };
    auto known = sources_.find(source);
    if (known == sources_.end()) {
        // One that has all of its allowance again is like one that never asked.
        if (sources_.size() >= sources_max)
            std::erase_if(sources_, [&](const auto& one) { return has_all(one.second); });
        if (sources_.size() >= sources_max) return false;
        known = sources_.emplace(source, Allowance{full, now_ms}).first;
    }
    Allowance& allowance = known->second;
    allowance.thousandths =
        std::min(full, allowance.thousandths + (now_ms - allowance.at_ms) * per_ms);
    allowance.at_ms = now_ms;
    if (allowance.thousandths < 1'000) return false;
    allowance.thousandths -= 1'000;
    return true;
}

}  // namespace snmp_mib
