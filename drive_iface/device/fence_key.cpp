#include "drive_iface/device/fence_key.hpp"

namespace drive_iface {

namespace {

constexpr unsigned prefix_shift = 40;
constexpr std::uint64_t prefix = 0x4c5241;

}  // namespace

std::uint64_t fence_key(std::string_view controller) {
    std::uint64_t hash = 14'695'981'039'346'656'037ULL;  // FNV-1a
    for (const char c : controller)
        hash = (hash ^ static_cast<std::uint8_t>(c)) * 1'099'511'628'211ULL;
    constexpr std::uint64_t below = (std::uint64_t{1} << prefix_shift) - 1;
    return prefix << prefix_shift | ((hash ^ hash >> prefix_shift) & below);
}

bool is_fence_key(std::uint64_t key) {
    return key >> prefix_shift == prefix;
}

std::string key_text(std::uint64_t key) {
    constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (int shift = 60; shift >= 0; shift -= 4)
        text += digits[key >> shift & 0xf];
    return text;
}

}  // namespace drive_iface
