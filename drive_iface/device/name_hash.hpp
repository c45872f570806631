#pragma once

#include <cstdint>
#include <string_view>

namespace drive_iface {

// FNV-1a of 64 bits: the same in every build and on every machine, for keys that are made of names.
[[nodiscard]] constexpr std::uint64_t name_hash(std::string_view name) {
    std::uint64_t hash = 14'695'981'039'346'656'037ULL;
    for (const char c : name)
        hash = (hash ^ static_cast<std::uint8_t>(c)) * 1'099'511'628'211ULL;
    return hash;
}

}  // namespace drive_iface
