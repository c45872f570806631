#include "drive_iface/device/mount_key.hpp"

#include "drive_iface/device/name_hash.hpp"

namespace drive_iface {

namespace {

constexpr unsigned family_shift = 24;
constexpr unsigned node_shift = 20;
constexpr std::uint64_t mount_prefix = 0x4c524d;
constexpr std::uint64_t epochs = (std::uint64_t{1} << node_shift) - 1;

}  // namespace

std::uint64_t mount_key_family(std::string_view library) {
    const std::uint64_t hash = name_hash(library);
    return mount_prefix << 16 | ((hash ^ hash >> 16 ^ hash >> 32 ^ hash >> 48) & 0xffff);
}

std::uint64_t mount_key(std::uint64_t family, std::uint32_t node_number, std::uint64_t epoch) {
    return family << family_shift | (std::uint64_t{node_number} & 0xf) << node_shift |
           (epoch & epochs);
}

bool is_newer_mount_key(std::uint64_t key, std::uint64_t than) {
    const std::uint64_t later = (key - than) & epochs;
    return later != 0 && later <= epochs / 2;
}

bool is_mount_key(std::uint64_t family, std::uint64_t key) {
    return family != 0 && key >> family_shift == family;
}

}  // namespace drive_iface
