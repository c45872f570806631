#include "drive_iface/scsi/transport_id.hpp"

#include "test/unit/scsi/fixtures.hpp"

using namespace drive_iface::scsi;
using agent::core::InitiatorPort;
using agent::core::Transport;
using scsi_test::at_every_length;
using scsi_test::bytes_of_hex_words;

namespace {

Bytes with_text(Bytes header, const std::string& text) {
    header.insert(header.end(), text.begin(), text.end());
    return header;
}

const std::string name = "iqn.1994-05.com.redhat:a1b2c3d4";

}  // namespace

TEST_CASE("TransportIDs of each transport decode to the port and encode to the same bytes") {
    struct Sample {
        Bytes bytes;
        InitiatorPort port;
    };
    const Sample samples[] = {
        {bytes_of_hex_words(
             "00 00 00 00 00 00 00 00 10 00 00 90 fa 12 34 56 00 00 00 00 00 00 00 00"),
         {Transport::fc, "10000090fa123456", "", ""}},
        {bytes_of_hex_words(
             "06 00 00 00 51 40 2e c0 18 41 ab d0 00 00 00 00 00 00 00 00 00 00 00 00"),
         {Transport::sas, "51402ec01841abd0", "", ""}},
        {bytes_of_hex_words(
             "04 00 00 00 00 00 00 00 fe 80 00 00 00 00 00 00 00 02 c9 03 00 aa bb cc"),
         {Transport::srp, "fe800000000000000002c90300aabbcc", "", ""}},
        {bytes_of_hex_words(
             "01 00 00 07 00 00 00 01 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"),
         {Transport::unknown, "010000070000000100000000000000000000000000000000", "", ""}},
        {with_text({0x05, 0, 0, 0x20}, name + std::string(1, '\0')),
         {Transport::iscsi, name, "", ""}},
        {with_text({0x45, 0, 0, 0x34}, name + ",i,0x00023d000001" + std::string(4, '\0')),
         {Transport::iscsi, name, "00023d000001", ""}},
    };
    for (const Sample& sample : samples) {
        INFO(to_hex(sample.bytes));
        CHECK(transport_id_length(sample.bytes) == sample.bytes.size());
        const auto port = decode_transport_id(sample.bytes);
        REQUIRE(port.ok());
        CHECK(*port == sample.port);
        const auto again = encode_transport_id(sample.port);
        REQUIRE(again.ok());
        CHECK(*again == sample.bytes);
        at_every_length(sample.bytes, [](const Bytes& cut) {
            if (const auto decoded = decode_transport_id(cut); !decoded)
                CHECK_FALSE(decoded.error().message.empty());
        });
    }
}

TEST_CASE("the malformed TransportIDs of real targets still name the port") {
    const std::string nul(1, '\0');
    SECTION("LIO: NUL before the separator and half an ISID") {
        const auto port =
            decode_transport_id(with_text({0x45, 0, 0, 0x2c}, name + nul + ",i,0x00023d" + nul));
        REQUIRE(port.ok());
        CHECK(*port == InitiatorPort{Transport::iscsi, name, "", ""});
    }
    SECTION("tgt: NUL before the separator and a binary ISID") {
        const std::string isid{'\0', '\x02', '\x3d', '\0', '\0', '\x01'};
        const auto port =
            decode_transport_id(with_text({0x45, 0, 0, 0x2b}, name + nul + ",i,0x" + isid));
        REQUIRE(port.ok());
        CHECK(*port == InitiatorPort{Transport::iscsi, name, "00023d000001", ""});
    }
    SECTION("istgt: bare text") {
        const auto port = decode_transport_id(with_text({}, name + ",i,0x800a0a0a0001"));
        REQUIRE(port.ok());
        CHECK(*port == InitiatorPort{Transport::iscsi, name, "800a0a0a0001", ""});
    }
    SECTION("a separator behind ADDITIONAL LENGTH does not count") {
        const auto port =
            decode_transport_id(with_text({0x45, 0, 0, 0x20}, name + nul + ",i,0x00023d000001"));
        REQUIRE(port.ok());
        CHECK(port->isid.empty());
    }
    SECTION("upper case is the same name") {
        const auto port =
            decode_transport_id(with_text({0x45, 0, 0, 0x16}, "IQN.X,i,0x00023D000001"));
        REQUIRE(port.ok());
        CHECK(*port == InitiatorPort{Transport::iscsi, "iqn.x", "00023d000001", ""});
    }
}

TEST_CASE("bytes that name no port are an error") {
    for (const Bytes& bytes :
         {Bytes{}, Bytes(24, 0x02), Bytes(24, 0x07), Bytes(24, 0x0f), Bytes(23, 0x00), Bytes{0x05},
          Bytes{0x05, 0, 0xff, 0xff}, Bytes{0x05, 0, 0, 0},
          with_text({0x05, 0, 0, 4}, "a\nb" + std::string(1, '\0')),
          with_text({0x05, 0, 1, 0}, std::string(256, 'x'))}) {
        INFO(to_hex(bytes));
        CHECK_FALSE(decode_transport_id(bytes).ok());
    }
    CHECK_FALSE(encode_transport_id({Transport::fc, "21", "", ""}).ok());
    CHECK_FALSE(encode_transport_id({Transport::fc, "zz00000e1e09a1b0", "", ""}).ok());
    CHECK_FALSE(encode_transport_id({Transport::iscsi, "", "", ""}).ok());
    CHECK_FALSE(encode_transport_id({Transport::iscsi, "iqn.x", "12", ""}).ok());
    CHECK_FALSE(encode_transport_id({}).ok());
}

TEST_CASE("a short iSCSI name is padded to the shortest TransportID there is") {
    const auto bytes = encode_transport_id({Transport::iscsi, "iqn.x", "", ""});
    REQUIRE(bytes.ok());
    CHECK(bytes->size() == 24);
    CHECK((*bytes)[3] == 20);
    CHECK(decode_transport_id(*bytes)->name == "iqn.x");
}
