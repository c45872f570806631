#include <algorithm>
#include <utility>

#include "drive_iface/device/holder_resolvers.hpp"

namespace drive_iface {

using namespace agent::core;

namespace {

unsigned key_byte(std::uint64_t key, unsigned number) {
    return static_cast<unsigned>(key >> (56U - 8U * number)) & 0xffU;
}

class KeyResolver final : public HolderResolver {
  public:
    explicit KeyResolver(std::vector<KeyOwner> owners) : owners_(std::move(owners)) {}
    [[nodiscard]] std::string_view rung() const override { return to_text(HolderEvidence::key); }
    [[nodiscard]] bool asks_drive() const override { return false; }

    [[nodiscard]] Result<HolderFinding> resolve(const HolderCase& known, Transport* /*drive*/,
                                                Duration /*timeout*/) override {
        const auto& persistent = known.reservation.persistent;
        HolderFinding finding;
        if (!persistent || persistent->key == 0) {
            finding.said = "a RESERVE has no key";
            if (persistent) finding.said = "a reservation of all registrants has no key";
            return finding;
        }
        const std::string key = reservation_key_text(persistent->key);
        const auto owner =
            std::find_if(owners_.begin(), owners_.end(),
                         [&persistent](const KeyOwner& one) { return one.key == persistent->key; });
        if (owner != owners_.end()) {
            finding.holders = owner->ports;
            finding.evidence = HolderEvidence::key;
            finding.said = "key " + key + " is in the map";
            return finding;
        }
        finding.said = "key " + key + " is not in reservation.keys";
        if (const std::string hint = key_hint(persistent->key); !hint.empty()) {
            finding.candidates.push_back(
                {HolderEvidence::key, Sureness::hint, std::nullopt, "key " + key + " " + hint});
        }
        return finding;
    }

  private:
    std::vector<KeyOwner> owners_;
};

}  // namespace

std::string key_hint(std::uint64_t key) {
    const unsigned kind = key_byte(key, 0);
    std::string text;
    if (kind == 0x40 && key_byte(key, 1) == 0 && key_byte(key, 2) == 0 && key_byte(key, 3) == 0) {
        for (unsigned i = 4; i < 8; ++i)
            text += (i > 4 ? "." : "") + std::to_string(key_byte(key, i));
        return "as LTFS makes it at IPv4 address " + text;
    }
    if (kind == 0x60) {
        return "as LTFS makes it at an IPv6 address ending in " +
               reservation_key_text(key).substr(2);
    }
    if (kind != 0x10) return {};
    for (unsigned i = 1; i < 8 && key_byte(key, i) != 0; ++i)
        text += static_cast<char>(key_byte(key, i));
    const bool name = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '.' || c == '_';
    });
    return name ? "as LTFS makes it on a host whose name begins with " + text : "";
}

std::unique_ptr<HolderResolver> make_key_resolver(std::vector<KeyOwner> owners) {
    return std::make_unique<KeyResolver>(std::move(owners));
}

}  // namespace drive_iface
