#include "drive_iface/iscsi/negotiation.hpp"

#include <algorithm>
#include <array>

namespace drive_iface::iscsi {

namespace {

constexpr std::uint32_t length_min = 512;
constexpr std::uint32_t length_max = 16'777'215;  // 2^24 - 1

std::optional<std::uint32_t> number_between(const std::string& value, std::uint32_t low,
                                            std::uint32_t high) {
    const auto number = number_from_text(value);
    if (!number || *number < low || *number > high) return std::nullopt;
    return number;
}

std::optional<bool> yes_or_no(const std::string& value) {
    if (value == "Yes") return true;
    if (value == "No") return false;
    return std::nullopt;
}

std::string yes_or_no(bool value) {
    return value ? "Yes" : "No";
}

// 13.1: the first of the initiator's list that we can do.
std::string digest(const std::string& offered, bool& used) {
    for (const auto& value : split_values(offered)) {
        if (value != "None" && value != "CRC32C") continue;
        used = value == "CRC32C";
        return value;
    }
    return "Reject";
}

std::string lesser(const std::string& value, std::uint32_t low, std::uint32_t high,
                   std::uint32_t ours) {
    const auto theirs = number_between(value, low, high);
    return theirs ? std::to_string(std::min(*theirs, ours)) : "Reject";
}

std::string length(const std::string& value, std::uint32_t ours, std::uint32_t& agreed) {
    const auto theirs = number_between(value, length_min, length_max);
    if (!theirs) return "Reject";
    agreed = std::min(*theirs, ours);
    return std::to_string(agreed);
}

// 13.10, 13.11: InitialR2T is Yes when one of both wants it (we do not), ImmediateData when both do
// (we do).
std::string follow(const std::string& value, bool& agreed) {
    const auto theirs = yes_or_no(value);
    if (!theirs) return "Reject";
    agreed = *theirs;
    return yes_or_no(agreed);
}

// Whatever a well-formed offer is, the outcome is fixed.
std::string always(const std::string& value, bool outcome) {
    return yes_or_no(value) ? yes_or_no(outcome) : "Reject";
}

// Nothing: the key declares something and is not answered.
std::optional<std::string> answer_to(const TextKey& key, OperationalParameters& parameters) {
    const auto& [name, value] = key;
    if (name == "HeaderDigest") return digest(value, parameters.digests.header);
    if (name == "DataDigest") return digest(value, parameters.digests.data);
    if (name == "InitialR2T") return follow(value, parameters.initial_r2t);
    if (name == "ImmediateData") return follow(value, parameters.immediate_data);
    if (name == "MaxBurstLength")
        return length(value, max_burst_length_max, parameters.max_burst_length);
    if (name == "FirstBurstLength") {
        return length(value, std::min(first_burst_length_max, parameters.max_burst_length),
                      parameters.first_burst_length);
    }
    if (name == "MaxRecvDataSegmentLength") {
        const auto theirs = number_between(value, length_min, length_max);
        if (!theirs) return "Reject";
        parameters.initiator_data_segment_max = *theirs;
        return std::nullopt;
    }
    if (name == "MaxConnections") return lesser(value, 1, 65'535, 1);
    if (name == "MaxOutstandingR2T") return lesser(value, 1, 65'535, 1);
    if (name == "ErrorRecoveryLevel") return lesser(value, 0, 2, 0);
    if (name == "DefaultTime2Wait")
        return lesser(value, 0, 3600, 3600);  // the greater one wins, ours is 0
    if (name == "DefaultTime2Retain") return lesser(value, 0, 3600, 0);  // ERL 0 keeps nothing
    if (name == "DataPDUInOrder" || name == "DataSequenceInOrder") return always(value, true);
    if (name == "IFMarker" || name == "OFMarker") return always(value, false);
    if (name == "IFMarkInt" || name == "OFMarkInt") return "Irrelevant";
    if (name == "TaskReporting") {
        const auto offered = split_values(value);
        return std::find(offered.begin(), offered.end(), "RFC3720") != offered.end() ? "RFC3720"
                                                                                     : "Reject";
    }
    if (name == "iSCSIProtocolLevel") return lesser(value, 0, 31, 1);
    return "NotUnderstood";
}

}  // namespace

bool is_login_key(const std::string& name) {
    constexpr std::array<std::string_view, 11> names{
        "InitiatorName", "InitiatorAlias", "TargetName", "SessionType", "AuthMethod",   "CHAP_A",
        "CHAP_I",        "CHAP_C",         "CHAP_N",     "CHAP_R",      "TargetAddress"};
    return std::find(names.begin(), names.end(), name) != names.end();
}

void negotiate(const TextKeys& keys, OperationalParameters& parameters, TextKeys& answers) {
    // FirstBurstLength must not exceed MaxBurstLength (13.14), in whatever order they come.
    if (const auto burst = find_key(keys, "MaxBurstLength")) {
        static_cast<void>(length(*burst, max_burst_length_max, parameters.max_burst_length));
    }
    for (const auto& key : keys) {
        if (is_login_key(key.name)) continue;
        if (auto answer = answer_to(key, parameters))
            answers.push_back({key.name, std::move(*answer)});
    }
    parameters.first_burst_length =
        std::min(parameters.first_burst_length, parameters.max_burst_length);
}

}  // namespace drive_iface::iscsi
