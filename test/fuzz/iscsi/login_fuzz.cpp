// Any sequence of Login requests: nobody comes in without a name, an existing target and, where it
// is asked for, the secret.

#include <algorithm>

#include "agent/core/assert.hpp"
#include "drive_iface/iscsi/login.hpp"

using namespace drive_iface::iscsi;

namespace {

const LoginRules& rules(bool chap) {
    static const LoginRules open{{"iqn.2026-01.example:drive-VT1"}, std::nullopt};
    static const LoginRules locked{{"iqn.2026-01.example:drive-VT1"},
                                   ChapRules{{{{"backup", "fuzzing has no secrets"}, {}}},
                                             ChapCredentials{"library", "nor is this one"}}};
    return chap ? locked : open;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const bool chap = (data[0] & 1U) != 0;
    ByteView rest(data + 1, size - 1);
    Login login(rules(chap), 1, {});
    // Per request: flags and stages, text length, text.
    while (rest.size() >= 2) {
        BasicHeader header{};
        header[0] = 0x43;
        header[1] = rest[0];
        const auto length = std::min<std::size_t>(rest[1], rest.size() - 2);
        const auto request =
            std::get<LoginRequest>(std::get<InitiatorPdu>(decode_initiator_pdu(header)));
        const auto answer = login.request(request, rest.subspan(2, length));
        rest = rest.subspan(2 + length);
        AGENT_ASSERT(answer.data.size() <= 8192);
        AGENT_ASSERT(answer.refused_because.empty() == (answer.response.status_class == 0));
        if (answer.complete) {
            AGENT_ASSERT(!chap);
            AGENT_ASSERT(!login.result().initiator_name.empty());
            AGENT_ASSERT(login.result().discovery || !login.result().target_name.empty());
        }
        if (answer.complete || !answer.refused_because.empty()) return 0;
    }
    return 0;
}
