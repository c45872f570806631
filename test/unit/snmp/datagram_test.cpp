#include "snmp_mib/datagram.hpp"

#include <fstream>
#include <iterator>

#include "test/support/catch.hpp"

using namespace snmp_mib;

namespace {

using Bytes = std::vector<std::uint8_t>;

// Captured on loopback between a controller and an agent; test/fixtures/snmp/README.md.
Bytes captured(const std::string& name) {
    std::ifstream file(LRA_FIXTURES "/snmp/" + name, std::ios::binary);
    REQUIRE(file.good());
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("the envelope of captured messages") {
    const Envelope inform = envelope_of(captured("confirmation-inform.bin"));
    REQUIRE(std::holds_alternative<V3Envelope>(inform));
    const auto& v3 = std::get<V3Envelope>(inform);
    CHECK(v3.authenticated);
    CHECK(v3.encrypted);
    CHECK(v3.reportable);
    CHECK(v3.user == "host-a");
    CHECK(v3.authoritative_engine_id.size() == 13);
    // usmHMAC192SHA256AuthProtocol: 24 octets (RFC 7860 4.2).
    CHECK(v3.authentication_length == 24);
    const Bytes bytes = captured("confirmation-inform.bin");
    CHECK(bytes.at(v3.authentication_at - 2) == 0x04);
    CHECK(bytes.at(v3.authentication_at - 1) == 24);
    CHECK(v3.privacy_at == v3.authentication_at + 26);
    CHECK(v3.privacy_length == 8);
    CHECK(v3.data_at + v3.data_length == bytes.size());

    const Envelope discovery = envelope_of(captured("discovery.bin"));
    REQUIRE(std::holds_alternative<V3Envelope>(discovery));
    CHECK(std::get<V3Envelope>(discovery).authoritative_engine_id.empty());
    CHECK_FALSE(std::get<V3Envelope>(discovery).authenticated);

    const Envelope report = envelope_of(captured("discovery-report.bin"));
    REQUIRE(std::holds_alternative<V3Envelope>(report));
    CHECK(std::get<V3Envelope>(report).authoritative_engine_id == v3.authoritative_engine_id);
    CHECK_FALSE(std::get<V3Envelope>(report).reportable);
    CHECK(std::holds_alternative<V3Envelope>(envelope_of(captured("response.bin"))));

    const Envelope v2c = envelope_of(captured("v2c-inform.bin"));
    REQUIRE(std::holds_alternative<V2cEnvelope>(v2c));
    CHECK(std::get<V2cEnvelope>(v2c).community == "public");
    CHECK(std::get<V2cEnvelope>(v2c).pdu_type == 0xa6);
}

TEST_CASE("a captured message cut at any length, or with a byte behind it, is malformed") {
    for (const char* name : {"confirmation-inform.bin", "discovery.bin", "discovery-report.bin",
                             "response.bin", "v2c-inform.bin"}) {
        Bytes whole = captured(name);
        for (std::size_t length = 0; length < whole.size(); ++length) {
            CHECK(envelope_of(std::span(whole).first(length)) == Envelope{NoEnvelope::malformed});
        }
        whole.push_back(0);
        CHECK(envelope_of(whole) == Envelope{NoEnvelope::malformed});
    }
}

TEST_CASE("other versions, other security models and giants are told apart") {
    CHECK(envelope_of(Bytes(datagram_length_max + 1, 0x30)) == Envelope{NoEnvelope::oversize});
    CHECK(envelope_of(Bytes{0x30, 0x03, 0x02, 0x01, 0x00}) == Envelope{NoEnvelope::other_version});
    CHECK(envelope_of(Bytes{0x30, 0x80, 0x02, 0x01, 0x03, 0x00, 0x00}) ==
          Envelope{NoEnvelope::malformed});
    CHECK(envelope_of(Bytes{0x30, 0x84, 0xff, 0xff, 0xff, 0xff}) ==
          Envelope{NoEnvelope::malformed});
    Bytes other_model = captured("discovery.bin");
    // msgSecurityModel is the last octet of msgGlobalData (RFC 3412 6).
    for (std::size_t i = 0; i + 4 < other_model.size(); ++i) {
        if (other_model[i] == 0x02 && other_model[i + 1] == 0x01 && other_model[i + 2] == 0x03 &&
            other_model[i + 3] == 0x04) {
            other_model[i + 2] = 0x04;
            break;
        }
    }
    CHECK(envelope_of(other_model) == Envelope{NoEnvelope::other_security_model});
}
