#include "drive_iface/admin_volumes/sha256.hpp"

#include <array>

#include <openssl/sha.h>

namespace drive_iface::admin_volumes {

std::string sha256_text(std::string_view data) {
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
    SHA256(reinterpret_cast<const unsigned char*>(data.data()), data.size(), digest.data());
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const auto byte : digest) {
        text += digits[byte >> 4];
        text += digits[byte & 0x0f];
    }
    return text;
}

}  // namespace drive_iface::admin_volumes
