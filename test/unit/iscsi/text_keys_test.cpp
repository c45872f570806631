#include "drive_iface/iscsi/text_keys.hpp"

#include <string>

#include "drive_iface/iscsi/negotiation.hpp"
#include "test/support/catch.hpp"

using namespace drive_iface::iscsi;

namespace {

Bytes bytes_of(const std::string& text) {
    return {text.begin(), text.end()};
}

bool is_bad(const std::string& text) {
    return std::holds_alternative<BadText>(parse_text(bytes_of(text)));
}

std::string answered(const TextKeys& keys, const std::string& name) {
    OperationalParameters parameters;
    TextKeys answers;
    negotiate(keys, parameters, answers);
    return find_key(answers, name).value_or("nothing");
}

}  // namespace

TEST_CASE("pairs come back in their order; padding and a missing last NUL do not matter") {
    using namespace std::string_literals;
    const TextKeys expected{{"A", "1"}, {"B", "x=y"}, {"C", ""}};
    CHECK(std::get<TextKeys>(parse_text(bytes_of("A=1\0B=x=y\0C=\0"s))) == expected);
    CHECK(std::get<TextKeys>(parse_text(bytes_of("A=1\0B=x=y\0C="s))) == expected);
    CHECK(std::get<TextKeys>(parse_text(bytes_of("A=1\0B=x=y\0C=\0\0\0"s))) == expected);
}

TEST_CASE("text that is no list of keys is refused") {
    using namespace std::string_literals;
    CHECK(is_bad("A"));
    CHECK(is_bad("=1"));
    CHECK(is_bad("A=1\0A=2\0"s));
    CHECK(is_bad(std::string(64, 'k') + "=1"));
    CHECK(is_bad("k y=1"));
    CHECK(is_bad("A=" + std::string(text_value_size_max + 1, 'v')));
    std::string many;
    for (std::size_t i = 0; i <= text_keys_max; ++i)
        many += "K" + std::to_string(i) + "=1" + '\0';
    CHECK(is_bad(many));
}

TEST_CASE("text in pieces has a limit") {
    TextCollector collector;
    CHECK(collector.add(Bytes(text_size_max)));
    CHECK_FALSE(collector.add(Bytes(1)));
    CHECK(collector.take().size() == text_size_max);
    CHECK(collector.add(Bytes(1)));
}

TEST_CASE("numbers and binary values are read in all their forms") {
    CHECK(number_from_text("262144") == 262144);
    CHECK(number_from_text("0xFf") == 255);
    CHECK_FALSE(number_from_text("4294967296"));
    CHECK_FALSE(number_from_text("12a"));
    CHECK_FALSE(number_from_text(""));
    CHECK_FALSE(number_from_text("0x"));
    CHECK(binary_from_text("0x0aff", 8) == Bytes{0x0a, 0xff});
    CHECK(binary_from_text("0xaff", 8) == Bytes{0x0a, 0xff});
    CHECK(binary_from_text("0bCv8=", 8) == Bytes{0x0a, 0xff});
    CHECK_FALSE(binary_from_text("0x0aff", 1));
    CHECK_FALSE(binary_from_text("0b*", 8));
    CHECK_FALSE(binary_from_text("12", 8));
}

TEST_CASE("keys are negotiated as the target can do") {
    CHECK(answered({{"HeaderDigest", "CRC32C,None"}}, "HeaderDigest") == "CRC32C");
    CHECK(answered({{"HeaderDigest", "X,None,CRC32C"}}, "HeaderDigest") == "None");
    CHECK(answered({{"DataDigest", "X"}}, "DataDigest") == "Reject");
    CHECK(answered({{"InitialR2T", "No"}}, "InitialR2T") == "No");
    CHECK(answered({{"InitialR2T", "maybe"}}, "InitialR2T") == "Reject");
    CHECK(answered({{"ImmediateData", "Yes"}}, "ImmediateData") == "Yes");
    CHECK(answered({{"MaxBurstLength", "16777215"}}, "MaxBurstLength") == "16776192");
    CHECK(answered({{"FirstBurstLength", "262144"}}, "FirstBurstLength") == "262144");
    CHECK(answered({{"MaxBurstLength", "511"}}, "MaxBurstLength") == "Reject");
    CHECK(answered({{"MaxConnections", "8"}}, "MaxConnections") == "1");
    CHECK(answered({{"MaxOutstandingR2T", "4"}}, "MaxOutstandingR2T") == "1");
    CHECK(answered({{"ErrorRecoveryLevel", "2"}}, "ErrorRecoveryLevel") == "0");
    CHECK(answered({{"DefaultTime2Wait", "2"}}, "DefaultTime2Wait") == "2");
    CHECK(answered({{"DefaultTime2Retain", "20"}}, "DefaultTime2Retain") == "0");
    CHECK(answered({{"DataPDUInOrder", "No"}}, "DataPDUInOrder") == "Yes");
    CHECK(answered({{"IFMarker", "Yes"}}, "IFMarker") == "No");
    CHECK(answered({{"X-com.example", "1"}}, "X-com.example") == "NotUnderstood");
    CHECK(answered({{"MaxRecvDataSegmentLength", "8192"}}, "MaxRecvDataSegmentLength") ==
          "nothing");
    CHECK(answered({{"InitiatorAlias", "x"}}, "InitiatorAlias") == "nothing");
}

TEST_CASE("FirstBurstLength never exceeds MaxBurstLength, in whatever order they come") {
    CHECK(answered({{"FirstBurstLength", "65536"}, {"MaxBurstLength", "8192"}},
                   "FirstBurstLength") == "8192");
    CHECK(answered({{"MaxBurstLength", "8192"}, {"FirstBurstLength", "65536"}},
                   "FirstBurstLength") == "8192");
    OperationalParameters parameters;
    TextKeys answers;
    negotiate({{"MaxBurstLength", "1024"}}, parameters, answers);
    CHECK(parameters.first_burst_length == 1024);
}
