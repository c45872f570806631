#pragma once

// CHAP (RFC 7143 12.1.3): the initiator proves that it knows a secret and, when it asks for that,
// the target proves that it knows another one (mutual).

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "drive_iface/iscsi/text_keys.hpp"

namespace drive_iface::iscsi {

// RFC 7143 12.1.3.1 asks for 96 random bits.
inline constexpr std::size_t chap_secret_size_min = 12;

struct ChapCredentials {
    std::string user;    // CHAP_N
    std::string secret;  // chap_secret_size_min bytes or more
    bool operator==(const ChapCredentials&) const = default;
};

struct ChapUser {
    ChapCredentials credentials;
    std::vector<std::string> targets;  // names of those it may see and use; empty: all
    bool operator==(const ChapUser&) const = default;
};

struct ChapRules {
    std::vector<ChapUser> users;  // at least one; names are unique
    // How the target answers an initiator that asks for mutual CHAP. Its secret is nobody else's: a
    // response to one side must be no use to the other.
    std::optional<ChapCredentials> mutual;
    bool operator==(const ChapRules&) const = default;
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
        const ChapUser* user = nullptr;  // authenticated only
    };

    // `rules` outlive the login.
    Chap(const ChapRules& rules, const ChapChallenge& challenge)
        : rules_(&rules), challenge_(challenge) {}

    // The keys of one security stage request after AuthMethod=CHAP was agreed.
    [[nodiscard]] Step request(const TextKeys& keys);

  private:
    [[nodiscard]] Step judge(const TextKeys& keys) const;
    [[nodiscard]] Step answer(const TextKeys& keys, const ChapUser& user) const;

    const ChapRules* rules_;
    ChapChallenge challenge_;
    bool challenged_ = false;
};

}  // namespace drive_iface::iscsi
