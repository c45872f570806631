#include "drive_iface/device/fence_key.hpp"

#include "drive_iface/device/name_hash.hpp"

namespace drive_iface {

namespace {

constexpr unsigned prefix_shift = 40;
constexpr std::uint64_t prefix = 0x4c5241;

}  // namespace

std::uint64_t fence_key(std::string_view controller) {
    const std::uint64_t hash = name_hash(controller);
    constexpr std::uint64_t below = (std::uint64_t{1} << prefix_shift) - 1;
    return prefix << prefix_shift | ((hash ^ hash >> prefix_shift) & below);
}

bool is_fence_key(std::uint64_t key) {
    return key >> prefix_shift == prefix;
}

}  // namespace drive_iface
