// The objects of an authenticated notification, as a peer with a valid key but a broken program
// could send them.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include "snmp_mib/notice_codec.hpp"
#include "snmp_mib/oids.hpp"
#include "snmp_mib/pair_line.hpp"

namespace {

using namespace snmp_mib;

class Input {
  public:
    Input(const std::uint8_t* data, std::size_t size) : rest_(data, size) {}
    [[nodiscard]] bool empty() const { return rest_.empty(); }
    std::uint8_t octet() {
        if (rest_.empty()) return 0;
        const std::uint8_t value = rest_[0];
        rest_ = rest_.subspan(1);
        return value;
    }
    std::string octets() {
        const std::size_t length = std::min<std::size_t>(octet(), rest_.size());
        std::string value(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(length));
        rest_ = rest_.subspan(length);
        return value;
    }
    std::uint32_t number() {
        std::uint32_t value = 0;
        for (int i = 0; i < 4; ++i)
            value = value << 8U | octet();
        return value;
    }

  private:
    std::span<const std::uint8_t> rest_;
};

VarbindValue value_from(Input& input) {
    switch (input.octet() % 7) {
        case 0:
            return Integer32{static_cast<std::int32_t>(input.number())};
        case 1:
            return Unsigned32{input.number()};
        case 2:
            return Counter64{input.number()};
        case 3:
            return TimeTicks{input.number()};
        case 4:
            return OctetString{input.octets()};
        case 5:
            return oids::of(static_cast<oids::Notification>(input.octet()));
        default:
            return OtherType{input.octet()};
    }
}

// What is accepted must be written in the one way there is, and read back as the same.
void check(const AgentMessage& message) {
    const std::vector<Varbind> written = encode(message, {0});
    const auto again = decode(written);
    if (!again || encode(*again, {0}) != written) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input input(data, size);
    std::vector<Varbind> varbinds{
        {oids::sys_up_time_0, TimeTicks{0}},
        {oids::snmp_trap_oid_0, oids::of(static_cast<oids::Notification>(input.octet()))}};
    while (!input.empty() && varbinds.size() < 20) {
        const Oid name = oids::of(static_cast<oids::NotifyObject>(input.octet() % 26));
        varbinds.push_back({name, value_from(input)});
    }
    if (const auto message = decode(varbinds)) check(*message);
    if (const auto alarm = decode_alarm(varbinds)) {
        if (*decode_alarm(encode(*alarm, {0})) != *alarm) std::abort();
    }
    if (const auto test = decode_test(varbinds)) {
        if (*decode_test(encode(*test, {0})) != *test) std::abort();
    }
    if (const auto role = decode_role(varbinds)) {
        if (*decode_role(encode(*role, {0})) != *role) std::abort();
    }
    if (const auto said = decode_pair_line(varbinds)) {
        if (!is_pair_line(varbinds)) std::abort();
        if (*decode_pair_line(encode(*said, {0})) != *said) std::abort();
    }
    return 0;
}
