#include "snmp_mib/engine_state.hpp"

#include <chrono>
#include <limits>
#include <random>
#include <sstream>

#include "snmp_mib/durable_file.hpp"

namespace snmp_mib {

namespace {

constexpr std::uint32_t boots_max = 2'147'483'646;  // 2^31-1 means "worn out" (RFC 3414 2.2.2)
constexpr std::size_t state_file_max = 1U << 20U;

// RFC 3411 5, SnmpEngineID: enterprise number with the first bit set, format 5 (octets), then eight
// random octets. Enterprise 8072 is Net-SNMP, whose playpen the MIB module lives in.
std::string random_engine_id() {
    std::random_device random;
    std::string id("\x80\x00\x1f\x88\x05", 5);
    for (int i = 0; i < 8; ++i)
        id += static_cast<char>(random() & 0xffU);
    return id;
}

std::uint32_t first_boots() {
    constexpr std::int64_t minutes_until_2020 = 1'577'836'800 / 60;
    const std::int64_t minutes = std::chrono::duration_cast<std::chrono::minutes>(
                                     std::chrono::system_clock::now().time_since_epoch())
                                     .count();
    const std::int64_t boots = minutes - minutes_until_2020;
    return boots < 1 ? 1 : static_cast<std::uint32_t>(boots % boots_max);
}

}  // namespace

std::string to_hexadecimal(std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const char c : bytes) {
        text += digits[static_cast<unsigned char>(c) >> 4U];
        text += digits[static_cast<unsigned char>(c) & 0xfU];
    }
    return text;
}

std::optional<std::string> from_hexadecimal(std::string_view text) {
    if (text.starts_with("0x") || text.starts_with("0X")) text.remove_prefix(2);
    if (text.size() % 2 != 0) return std::nullopt;
    const auto digit = [](char c) -> int {
        if (c >= '0' && c <= '9') return c - '0';
        if (c >= 'a' && c <= 'f') return c - 'a' + 10;
        if (c >= 'A' && c <= 'F') return c - 'A' + 10;
        return -1;
    };
    std::string bytes;
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = digit(text[i]);
        const int low = digit(text[i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        bytes += static_cast<char>(high * 16 + low);
    }
    return bytes;
}

agent::core::Result<EngineIdentity> next_engine_identity(const std::string& state_dir,
                                                         const std::string& configured_id) {
    const std::string path = state_dir + "/snmp-engine";
    const agent::core::Result<std::string> content = read_if_there(path, state_file_max);
    if (!content) return content.error();

    EngineIdentity identity{configured_id, 0};
    std::istringstream stream(*content);
    std::string id_text;
    std::uint64_t boots = 0;
    if (stream >> id_text >> boots) {
        const std::optional<std::string> id = from_hexadecimal(id_text);
        if (!id || id->size() < 5 || id->size() > 32 || boots > boots_max) {
            return agent::core::Error{path +
                                      " is damaged; remove it to start with a new engine ID"};
        }
        if (identity.engine_id.empty()) identity.engine_id = *id;
        // Another engine ID starts its own count, which must not be lower than an earlier life's of
        // that ID.
        identity.boots =
            identity.engine_id == *id ? static_cast<std::uint32_t>(boots) + 1 : first_boots();
    } else if (content->empty()) {
        if (identity.engine_id.empty()) identity.engine_id = random_engine_id();
        identity.boots = first_boots();
    } else {
        return agent::core::Error{path + " is damaged; remove it to start with a new engine ID"};
    }
    if (identity.boots > boots_max) {
        return agent::core::Error{
            path + ": the boots counter is worn out; give this engine a new engine ID"};
    }
    const agent::core::Outcome written = write_durably(
        path, to_hexadecimal(identity.engine_id) + " " + std::to_string(identity.boots) + "\n");
    if (!written) return written.error();
    return identity;
}

agent::core::Result<LearntEngines> LearntEngines::load(const std::string& state_dir) {
    LearntEngines learnt;
    learnt.path_ = state_dir + "/snmp-peers";
    const agent::core::Result<std::string> content = read_if_there(learnt.path_, state_file_max);
    if (!content) return content.error();
    std::istringstream stream(*content);
    std::string line;
    while (std::getline(stream, line)) {
        const std::size_t blank = line.find(' ');
        const std::optional<std::string> id = from_hexadecimal(line.substr(0, blank));
        if (blank == std::string::npos || !id || id->size() < 5 || id->size() > 32) {
            return agent::core::Error{learnt.path_ + ": \"" + line +
                                      "\" is no engine ID and name; remove the line"};
        }
        learnt.engines_[line.substr(blank + 1)] = *id;
    }
    return learnt;
}

std::optional<std::string> LearntEngines::find(const std::string& peer) const {
    const auto found = engines_.find(peer);
    if (found == engines_.end()) return std::nullopt;
    return found->second;
}

void LearntEngines::remember(const std::string& peer, const std::string& engine_id) {
    engines_[peer] = engine_id;
    changed_ = true;
}

agent::core::Outcome LearntEngines::keep() {
    if (!changed_) return agent::core::Nothing{};
    std::string content;
    for (const auto& [name, id] : engines_)
        content += to_hexadecimal(id) + " " + name + "\n";
    agent::core::Outcome written = write_durably(path_, content);
    changed_ = !written;
    return written;
}

}  // namespace snmp_mib
