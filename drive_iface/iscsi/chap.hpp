#pragma once

// One-way CHAP (RFC 7143 12.1.3): the initiator proves that it knows the secret.

#include <array>
#include <optional>
#include <string>

#include "drive_iface/iscsi/text_keys.hpp"

namespace drive_iface::iscsi {

struct ChapCredentials {
    std::string user;    // CHAP_N
    std::string secret;  // 12 bytes or more (RFC 7143 12.1.3.1 asks for 96 random bits)
};

// From the operating system's random source, fresh for every login: a challenge used twice can be
// replayed.
struct ChapChallenge {
    std::uint8_t identifier = 0;
    std::array<std::uint8_t, 16> bytes{};
};

class Chap {
  public:
    enum class Verdict : std::uint8_t { proceed, authenticated, refused };
    struct Step {
        Verdict verdict = Verdict::refused;
        TextKeys answer;
        std::string why;  // refused only; never says which of name and response was wrong
    };

    Chap(const ChapCredentials& credentials, const ChapChallenge& challenge)
        : credentials_(&credentials), challenge_(challenge) {}

    // The keys of one security stage request after AuthMethod=CHAP was agreed.
    [[nodiscard]] Step request(const TextKeys& keys);

  private:
    [[nodiscard]] Step judge(const TextKeys& keys) const;

    const ChapCredentials* credentials_;  // outlives the login
    ChapChallenge challenge_;
    bool challenged_ = false;
};

}  // namespace drive_iface::iscsi
