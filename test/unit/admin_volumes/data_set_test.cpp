#include "drive_iface/admin_volumes/data_set.hpp"

#include <nlohmann/json.hpp>

#include "drive_iface/admin_volumes/data_set_text.hpp"
#include "drive_iface/admin_volumes/sha256.hpp"
#include "test/support/catch.hpp"

using namespace drive_iface::admin_volumes;
using nlohmann::json;

namespace {

DataSet one_record(Record record) {
    return {DataSetType::drives, {std::move(record)}};
}

}  // namespace

TEST_CASE("each type is found by its barcode, whatever the media identifier") {
    CHECK(data_set_types().size() == 8);
    for (const auto type : data_set_types()) {
        const auto name = std::string(name_of(type));
        CHECK(data_set_type_of(name) == type);
        CHECK(data_set_type_of(name + "L8") == type);
        CHECK(is_reserved_barcode(name));
    }
    CHECK_FALSE(data_set_type_of("ADMXYZL8"));
    CHECK_FALSE(data_set_type_of("ADM"));
    CHECK_FALSE(data_set_type_of(""));
    CHECK(is_reserved_barcode("ADMXYZ"));
    CHECK_FALSE(is_reserved_barcode("A00001L8"));
}

TEST_CASE("SHA-256 is the one of the standard") {
    // FIPS 180-4's own example.
    CHECK(sha256_text("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(sha256_text("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_CASE("a record is one line of JSON with its fields in their order") {
    const auto lines = json_lines(one_record({{"serial", "VT1"},
                                              {"holder", std::monostate{}},
                                              {"blocks", number(7)},
                                              {"offline", false},
                                              {"hosts", std::vector<std::string>{"a", "b"}}}));
    REQUIRE(lines.size() == 1);
    CHECK(lines[0] ==
          "{\"serial\":\"VT1\",\"holder\":null,\"blocks\":7,\"offline\":false,\"hosts\":[\"a\","
          "\"b\"]}\n");
}

TEST_CASE("numbers beyond a signed one stay the largest there is") {
    CHECK(number(UINT64_MAX) == Value{INT64_MAX});
}

TEST_CASE("text that is no UTF-8 does not spoil its line") {
    const auto lines = json_lines(one_record({{"port", "a\xff\n\"z"}}));
    CHECK(json::parse(lines.at(0))["port"] == "a\xEF\xBF\xBD\n\"z");
}

TEST_CASE("a record too long for a block is cut and says so") {
    const std::vector<std::string> many(3'000, "host.example.com");
    const auto data =
        one_record({{"serial", "VT1"}, {"text", std::string(100'000, '\x01')}, {"hosts", many}});
    const auto line = json_lines(data).at(0);
    CHECK(line.size() <= block_max);
    const auto record = json::parse(line);
    CHECK(record["cut"] == true);
    CHECK(record["serial"] == "VT1");
    for (const auto& csv : csv_lines(data))
        CHECK(csv.size() <= block_max);
}

TEST_CASE("CSV has a column for every field that any record has") {
    const DataSet data{DataSetType::drives,
                       {{{"serial", "VT1"}, {"blocks", number(7)}},
                        {{"serial", "VT2"}, {"note", "a \"b\", c"}, {"offline", true}},
                        {{"hosts", std::vector<std::string>{"x", "y"}}}}};
    CHECK(csv_lines(data) ==
          std::vector<std::string>{"serial,blocks,note,offline,hosts\r\n", "VT1,7,,,\r\n",
                                   "VT2,,\"a \"\"b\"\", c\",true,\r\n", ",,,,x; y\r\n"});
}

TEST_CASE("without records there is nothing in CSV") {
    CHECK(csv_lines({DataSetType::drives, {}}).empty());
}
