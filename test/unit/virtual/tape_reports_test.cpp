// What a drive tells about itself, its tape and what happened to it: densities, attributes, mode
// parameters and logs.

#include "drive_iface/scsi/inquiry.hpp"
#include "drive_iface/scsi/log_page.hpp"
#include "drive_iface/scsi/mode.hpp"
#include "drive_iface/virtual/loading.hpp"
#include "drive_iface/virtual/medium_attributes.hpp"
#include "test/unit/virtual/tape_builder.hpp"

using namespace tape_test;
namespace code = drive_iface::scsi::additional_sense;
using scsi::SenseKey;

namespace {

std::uint64_t number(const Bytes& bytes) {
    std::uint64_t value = 0;
    for (const std::uint8_t byte : bytes)
        value = value << 8 | byte;
    return value;
}

scsi::LogPage log_page(TapeRig& rig, std::uint8_t page, NexusId nexus = TapeRig::host) {
    const auto decoded =
        scsi::decode_log_page(rig.send_as(nexus, {0x4d, 0, static_cast<std::uint8_t>(0x40 | page),
                                                  0, 0, 0, 0, 0xff, 0xff, 0})
                                  .data_in);
    REQUIRE(decoded.ok());
    CHECK(decoded->complete);
    return *decoded;
}

std::uint64_t parameter(const scsi::LogPage& page, std::uint16_t wanted) {
    for (const auto& entry : page.parameters) {
        if (entry.code == wanted) return number(entry.value);
    }
    FAIL("page " << int{page.page} << " has no parameter " << wanted);
    return 0;
}

std::vector<AttributeEntry> attributes(TapeRig& rig) {
    const auto reply = rig.send({0x8c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0});
    REQUIRE(good(reply));
    const auto decoded = decode_attributes(reply.data_in);
    REQUIRE_FALSE(decoded.wrong_at);
    return decoded.entries;
}

const AttributeEntry* find(const std::vector<AttributeEntry>& entries, std::uint16_t identifier) {
    for (const AttributeEntry& entry : entries) {
        if (entry.identifier == identifier) return &entry;
    }
    return nullptr;
}

Bytes attribute_list(const std::vector<AttributeEntry>& entries) {
    const Bytes list = encode_attributes(entries);
    scsi::ByteWriter out;
    out.u32(static_cast<std::uint32_t>(list.size())).bytes(list);
    return out.take();
}

CommandReply write_attributes(TapeRig& rig, const Bytes& list) {
    return rig.send(
        {0x8d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(list.size() >> 8),
         static_cast<std::uint8_t>(list.size()), 0, 0},
        list);
}

AttributeEntry barcode(const std::string& text) {
    std::string padded = text;
    padded.resize(32, ' ');
    return {.identifier = 0x0806,
            .read_only = false,
            .attribute = {.format = 1, .value = Bytes(padded.begin(), padded.end())}};
}

}  // namespace

TEST_CASE("every report can be cut anywhere, and its beginning stays the same") {
    TapeRig rig;
    REQUIRE(good(rig.write({1, 2, 3})));
    struct Report {
        std::string name;
        Bytes cdb;
        std::vector<std::size_t>
            length_at;  // bytes of the allocation length, most significant first
    };
    std::vector<Report> reports{
        {"REPORT DENSITY SUPPORT", {0x44, 0, 0, 0, 0, 0, 0, 0, 0, 0}, {7, 8}},
        {"... of the medium", {0x44, 1, 0, 0, 0, 0, 0, 0, 0, 0}, {7, 8}},
        {"... medium types", {0x44, 2, 0, 0, 0, 0, 0, 0, 0, 0}, {7, 8}},
        {"... of the medium, medium types", {0x44, 3, 0, 0, 0, 0, 0, 0, 0, 0}, {7, 8}},
        {"READ ATTRIBUTE", {0x8c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, {12, 13}},
        {"... list", {0x8c, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, {12, 13}},
        {"... volumes", {0x8c, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, {12, 13}},
        {"... partitions", {0x8c, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, {12, 13}},
        {"... supported", {0x8c, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, {12, 13}},
        {"RECEIVE DIAGNOSTIC RESULTS", {0x1c, 1, 0, 0, 0, 0}, {3, 4}},
        {"READ MEDIA SERIAL NUMBER", {0xab, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, {8, 9}},
        {"MODE SENSE(6)", {0x1a, 0, 0x3f, 0xff, 0, 0}, {4}},
        {"MODE SENSE(10)", {0x5a, 0, 0x3f, 0xff, 0, 0, 0, 0, 0, 0}, {7, 8}},
        {"RSOC", {0xa3, 0x0c, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0}, {8, 9}},
    };
    for (const std::uint8_t page : rig.send({0x4d, 0, 0x40, 0, 0, 0, 0, 0, 255, 0}).data_in) {
        // The header's bytes are pages as well, as far as this goes: 00h is there in any case.
        if (page == 0x2e) continue;  // told once
        if (!good(rig.send({0x4d, 0, page, 0, 0, 0, 0, 0, 4, 0}))) continue;
        reports.push_back(
            {"log page " + std::to_string(page), {0x4d, 0, page, 0, 0, 0, 0, 0, 0, 0}, {7, 8}});
    }
    const auto vpd = rig.send({0x12, 1, 0, 0, 255, 0}).data_in;
    for (std::size_t i = 4; i < vpd.size(); ++i) {
        reports.push_back(
            {"VPD page " + std::to_string(vpd[i]), {0x12, 1, vpd[i], 0, 0, 0}, {3, 4}});
    }

    for (Report& report : reports) {
        INFO(report.name);
        const auto send = [&](std::size_t length) {
            for (std::size_t i = 0; i < report.length_at.size(); ++i) {
                const std::size_t shift = 8 * (report.length_at.size() - 1 - i);
                report.cdb[report.length_at[i]] = static_cast<std::uint8_t>(length >> shift);
            }
            return rig.send(report.cdb);
        };
        const std::size_t length_max = report.length_at.size() == 1 ? 0xff : 0xffff;
        const auto whole = send(length_max);
        REQUIRE(good(whole));
        CHECK(whole.data_in.size() >= 4);
        const std::size_t until = std::min(whole.data_in.size() + 2, length_max);
        for (std::size_t length = 0; length <= until; ++length) {
            const auto cut = send(length);
            REQUIRE(good(cut));
            REQUIRE(cut.data_in.size() == std::min(length, whole.data_in.size()));
            REQUIRE(std::equal(cut.data_in.begin(), cut.data_in.end(), whole.data_in.begin()));
        }
    }
}

TEST_CASE("the density report tells the generation and, with MEDIA, the cartridge") {
    auto facts = blank_tape(6'000'000'000);
    facts.write_protected = true;
    TapeRig rig(facts);
    const auto drive = rig.send({0x44, 0, 0, 0, 0, 0, 0, 0, 255, 0}).data_in;
    REQUIRE(drive.size() == 56);
    CHECK(drive[4] == 0x5e);
    CHECK((drive[6] & 0xa0) == 0xa0);                                       // writable, default
    CHECK(number({drive.begin() + 16, drive.begin() + 20}) == 12'000'000);  // MB
    const auto medium = rig.send({0x44, 1, 0, 0, 0, 0, 0, 0, 255, 0}).data_in;
    CHECK((medium[6] & 0x80) == 0);
    CHECK(number({medium.begin() + 16, medium.begin() + 20}) == 6000);
    REQUIRE(good(rig.send({0x1b, 0, 0, 0, 0, 0})));
    CHECK(fails_with(rig.send({0x44, 1, 0, 0, 0, 0, 0, 0, 255, 0}), SenseKey::not_ready,
                     code::medium_not_present));
    CHECK(good(rig.send({0x44, 0, 0, 0, 0, 0, 0, 0, 255, 0})));
}

TEST_CASE("a drive shows itself as the generation in its product name") {
    CHECK(personality_of_product("ULT3580-TD6").name == "lto-6");
    CHECK(personality_of_product("ULTRIUM-HH7").name == "lto-7");
    CHECK(personality_of_product("Ultrium 9-SCSI").name == "lto-9");
    CHECK(personality_of_product("VIRTUAL ULTRIUM").name == "lto-8");
    CHECK(personality_of_product("ULT3580-TD1").name == "lto-8");
    CHECK(personality_of_product("").name == "lto-8");
    CHECK(find_personality("lto-5")->density_code == 0x58);
    CHECK(find_personality("lto-4") == nullptr);
    CHECK(personalities().size() == 5);
}

TEST_CASE("the memory of a cartridge keeps what hosts write, and what the drive notes") {
    TapeRig rig;
    CHECK(find(attributes(rig), 0x0806) == nullptr);
    REQUIRE(good(write_attributes(rig, attribute_list({barcode("TAPE01L8")}))));
    REQUIRE(good(rig.send({0x1b, 0, 0, 0, 0, 0})));
    REQUIRE(good(rig.send({0x1b, 0, 0, 0, 1, 0})));
    const auto all = attributes(rig);
    REQUIRE(find(all, 0x0806) != nullptr);
    CHECK(*find(all, 0x0806) == barcode("TAPE01L8"));
    CHECK(std::is_sorted(all.begin(), all.end(),
                         [](const auto& a, const auto& b) { return a.identifier < b.identifier; }));
    CHECK(number(find(all, 0x0003)->attribute.value) == 2);  // loads
    CHECK(find(all, 0x0003)->read_only);
    const auto device = find(all, 0x020a)->attribute.value;
    CHECK(std::string(device.begin(), device.end()).substr(0, 18) == "LRA     VT00000001");
    CHECK(find(all, 0x020b) != nullptr);
    CHECK(find(all, 0x0001) != nullptr);
    // From an identifier on.
    const auto from =
        decode_attributes(rig.send({0x8c, 0, 0, 0, 0, 0, 0, 0, 0x08, 0, 0, 0, 1, 0, 0, 0}).data_in);
    REQUIRE(from.entries.size() == 1);
    CHECK(from.entries[0].identifier == 0x0806);
    CHECK(fails_with(rig.send({0x8c, 0, 0, 0, 0, 0, 0, 0, 0x09, 0, 0, 0, 1, 0, 0, 0}),
                     SenseKey::illegal_request, code::invalid_field_in_cdb));
    // An empty one is taken away.
    AttributeEntry none = barcode("");
    none.attribute.value.clear();
    REQUIRE(good(write_attributes(rig, attribute_list({none}))));
    CHECK(find(attributes(rig), 0x0806) == nullptr);
}

TEST_CASE("attributes that can not be written leave everything as it was") {
    TapeRig rig;
    const auto refused = [&rig](const Bytes& list) {
        CHECK(fails_with(write_attributes(rig, list), SenseKey::illegal_request,
                         code::invalid_field_in_parameter_list));
        CHECK(find(attributes(rig), 0x0806) == nullptr);
    };
    AttributeEntry wrong = barcode("X");
    wrong.identifier = 0x0003;  // the drive's own
    refused(attribute_list({barcode("A"), wrong}));
    wrong = barcode("X");
    wrong.attribute.value.pop_back();
    refused(attribute_list({barcode("A"), wrong}));
    wrong = barcode("X");
    wrong.attribute.format = 0;
    refused(attribute_list({barcode("A"), wrong}));
    // Not in ascending order (SPC-4 6.46), and twice the same.
    AttributeEntry owner = barcode("");
    owner.identifier = 0x0807;
    owner.attribute = {.format = 2, .value = {'m', 'e'}};
    refused(attribute_list({owner, barcode("A")}));
    refused(attribute_list({barcode("A"), barcode("B")}));
    CHECK(find(attributes(rig), 0x0807) == nullptr);
    const Bytes whole = attribute_list({barcode("A"), owner});
    for (std::size_t length = 0; length < whole.size(); ++length) {
        INFO("cut to " << length);
        const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
        const auto reply = write_attributes(rig, cut);
        // Nothing, or whole attributes, or an error: never a part of one.
        if (good(reply) && length > 4) CHECK(length == 4 + 37);
        if (!good(reply)) {
            CHECK(fails_with(reply, SenseKey::illegal_request, code::parameter_list_length_error));
        }
    }
    REQUIRE(good(write_attributes(rig, whole)));
    CHECK(find(attributes(rig), 0x0807) != nullptr);
    CHECK(fails_with(rig.send({0x8d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 40, 0, 0}, Bytes(20, 0)),
                     SenseKey::illegal_request, code::parameter_list_length_error));
}

TEST_CASE("mode parameters tell the tape, and block length and buffering can be changed") {
    TapeRig rig;
    const auto sense = [&rig](std::uint8_t page, std::uint8_t subpage) {
        const auto decoded =
            scsi::decode_mode_parameters_6(rig.send({0x1a, 0, page, subpage, 255, 0}).data_in);
        REQUIRE(decoded.ok());
        return *decoded;
    };
    auto header = sense(0, 0);
    CHECK(header.medium_type == 0x88);
    CHECK(header.device_specific == 0x10);
    CHECK(header.block_descriptor->density_code == 0x5e);
    std::vector<int> all;
    for (const auto& page : sense(0x3f, 0xff).pages)
        all.push_back(page.page << 8 | page.subpage);
    CHECK(all == std::vector{0x0100, 0x0200, 0x0a00, 0x0a01, 0x0f00, 0x1000, 0x1001, 0x1100, 0x1a00,
                             0x1c00, 0x1d00});
    CHECK(sense(0x3f, 0).pages.size() == 9);
    CHECK(sense(0x10, 0xff).pages.size() == 2);
    CHECK(sense(0x10, 1).pages.size() == 1);
    CHECK(fails_with(rig.send({0x1a, 0, 0x01, 1, 255, 0}), SenseKey::illegal_request,
                     code::invalid_field_in_cdb));

    const auto select = [&rig](const scsi::ModeParameters& parameters) {
        const Bytes list = scsi::encode_mode_parameters_6(parameters);
        return rig.send({0x15, 0x10, 0, 0, static_cast<std::uint8_t>(list.size()), 0}, list);
    };
    header.device_specific = 0;
    header.block_descriptor->block_length = 10240;
    REQUIRE(good(select(header)));
    CHECK(rig.take_attentions(TapeRig::other_host) == std::vector{code::mode_parameters_changed});
    CHECK(rig.take_attentions(TapeRig::host).empty());
    CHECK(sense(0, 0).device_specific == 0);
    CHECK(sense(0, 0).block_descriptor->block_length == 10240);
    REQUIRE(good(select(header)));  // nothing changes
    CHECK(rig.take_attentions(TapeRig::other_host).empty());

    const auto refused = [&](scsi::ModeParameters parameters) {
        CHECK(fails_with(select(parameters), SenseKey::illegal_request,
                         code::invalid_field_in_parameter_list));
    };
    auto wrong = header;
    wrong.device_specific = 0x20;
    refused(wrong);
    wrong = header;
    wrong.block_descriptor->density_code = 0x46;
    refused(wrong);
    wrong = header;
    wrong.block_descriptor->block_length = 0x800001;
    refused(wrong);
    wrong = sense(0x0f, 0);
    wrong.pages[0].value[0] = 0x80;  // compression
    refused(wrong);
    CHECK(sense(0, 0).block_descriptor->block_length == 10240);
    // Besides the block descriptor only page 10h, subpage 01h has values that can be changed.
    const auto changeable = sense(0x40 | 0x3f, 0xff);
    CHECK(changeable.block_descriptor->block_length == 0xffffff);
    for (const auto& page : changeable.pages) {
        const bool fixed =
            std::all_of(page.value.begin(), page.value.end(), [](auto byte) { return byte == 0; });
        CHECK(fixed == !(page.page == 0x10 && page.subpage == 0x01));
    }
}

TEST_CASE("a WORM tape is told by its medium type and the medium configuration page") {
    auto facts = blank_tape();
    facts.worm = true;
    TapeRig rig(facts);
    const auto decoded =
        scsi::decode_mode_parameters_6(rig.send({0x1a, 0, 0x1d, 0, 255, 0}).data_in);
    REQUIRE(decoded.ok());
    CHECK(decoded->medium_type == 0x8c);
    REQUIRE(decoded->pages.size() == 1);
    CHECK(decoded->pages[0].value[0] == 1);
    CHECK((rig.send({0x12, 1, 0xb0, 0, 255, 0}).data_in[4] & 1) == 1);
}

TEST_CASE("the logs count what happened") {
    TapeRig rig(blank_tape(50'000'000));
    REQUIRE(good(rig.write(Bytes(3'000'000, 1))));
    REQUIRE(good(rig.write(Bytes(2'000'000, 1))));
    REQUIRE(good(rig.write_filemarks(1)));
    rig.medium().damaged = {1};
    REQUIRE(good(rig.rewind()));
    REQUIRE(good(rig.read(3'000'000)));
    CHECK_FALSE(good(rig.read(2'000'000)));

    CHECK(parameter(log_page(rig, 0x02), 5) == 5'000'000);
    CHECK(parameter(log_page(rig, 0x02), 6) == 0);
    CHECK(parameter(log_page(rig, 0x03), 5) == 3'000'000);
    CHECK(parameter(log_page(rig, 0x03), 6) == 1);
    CHECK(parameter(log_page(rig, 0x0c), 0) == 5'000'000);
    CHECK(parameter(log_page(rig, 0x0c), 3) == 3'000'000);
    CHECK(parameter(log_page(rig, 0x0c), 4) == 5);
    CHECK(parameter(log_page(rig, 0x17), 0x0e) == 5);
    CHECK(parameter(log_page(rig, 0x17), 0x09) == 1);
    CHECK(parameter(log_page(rig, 0x1b), 8) == 5);
    CHECK(parameter(log_page(rig, 0x31), 1) == 45'000'000 / 1048576);
    CHECK(parameter(log_page(rig, 0x31), 3) == 50'000'000 / 1048576);
    // From a parameter on.
    const auto from =
        scsi::decode_log_page(rig.send({0x4d, 0, 0x42, 0, 0, 0, 6, 0xff, 0xff, 0}).data_in);
    REQUIRE(from.ok());
    CHECK(from->parameters.size() == 1);
    CHECK(fails_with(rig.send({0x4d, 0, 0x42, 0, 0, 0, 7, 0xff, 0xff, 0}),
                     SenseKey::illegal_request, code::invalid_field_in_cdb));
    // Reset.
    REQUIRE(good(rig.send({0x4c, 2, 0, 0, 0, 0, 0, 0, 0, 0})));
    CHECK(parameter(log_page(rig, 0x02), 5) == 0);
}

TEST_CASE("TapeAlert tells each host once what happened to the tape") {
    TapeRig rig;
    REQUIRE(good(rig.write({1})));
    rig.medium().damaged = {0};
    const auto flags = [&rig](NexusId nexus) {
        std::vector<int> raised;
        for (const auto& entry : log_page(rig, 0x2e, nexus).parameters) {
            if (number(entry.value) != 0) raised.push_back(entry.code);
        }
        return raised;
    };
    CHECK(flags(TapeRig::host).empty());
    REQUIRE(good(rig.rewind()));
    CHECK_FALSE(good(rig.read(1)));
    // Who asks how long the page is, or for a part of it, has not seen the rest.
    for (const std::uint8_t length : Bytes{0, 4, 18})
        static_cast<void>(rig.send({0x4d, 0, 0x6e, 0, 0, 0, 0, 0, length, 0}));
    CHECK(flags(TapeRig::host) == std::vector{3, 4, 5});
    CHECK(flags(TapeRig::host).empty());
    CHECK(flags(TapeRig::other_host) == std::vector{3, 4, 5});
    REQUIRE(good(rig.send({0x1e, 0, 0, 0, 1, 0})));
    CHECK_FALSE(good(rig.send({0x1b, 0, 0, 0, 0, 0})));
    CHECK(flags(TapeRig::host) == std::vector{10});
    REQUIRE(good(rig.send({0x1e, 0, 0, 0, 0, 0})));
    // The next cartridge begins without.
    REQUIRE(good(rig.send({0x1b, 0, 0, 0, 0, 0})));
    REQUIRE(good(rig.send({0x1b, 0, 0, 0, 1, 0})));
    static_cast<void>(rig.take_attentions(TapeRig::other_host));
    CHECK(flags(TapeRig::other_host).empty());
    CHECK(log_page(rig, 0x2e).parameters.size() == 64);
    // VPD page B2h lists them.
    const auto supported = rig.send({0x12, 1, 0xb2, 0, 255, 0}).data_in;
    REQUIRE(supported.size() == 12);
    CHECK(supported[4] == 0x3c);
}

TEST_CASE("the DT device status page follows the cartridge") {
    TapeRig rig;
    const auto status = [&rig] {
        return *scsi::decode_dt_device_status(
                    rig.send({0x4d, 0, 0x51, 0, 0, 0, 0, 0xff, 0xff, 0}).data_in)
                    ->very_high_frequency;
    };
    CHECK(status().mounted);
    CHECK_FALSE(status().robot_access_allowed);
    CHECK_FALSE(status().write_protected);
    REQUIRE(good(rig.send({0x1b, 0, 0, 0, 0, 0})));
    CHECK_FALSE(status().mounted);
    CHECK(status().medium_present);
    CHECK(status().host_unload);
    CHECK(status().robot_access_allowed);
    static_cast<void>(take_cartridge(rig.drive().state().tape));
    CHECK_FALSE(status().medium_present);
}

TEST_CASE("the media serial number is the barcode") {
    TapeRig rig;
    const auto reply = rig.send({0xab, 1, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0}).data_in;
    CHECK(std::string(reply.begin() + 4, reply.end()) == "TAPE01L8");
    CHECK(number({reply.begin(), reply.begin() + 4}) == 8);
}

TEST_CASE("the echo buffer gives each host back what it wrote") {
    TapeRig rig;
    const Bytes read_echo{0x3c, 0x0a, 0, 0, 0, 0, 0, 0x10, 0, 0};
    CHECK(rig.send({0x3c, 0x0b, 0, 0, 0, 0, 0, 0, 4, 0}).data_in == Bytes{0, 0, 0x10, 0});
    CHECK(rig.send({0x3c, 0x03, 0, 0, 0, 0, 0, 0, 4, 0}).data_in == Bytes(4, 0));
    CHECK(fails_with(rig.send(read_echo), SenseKey::illegal_request, code::command_sequence_error));
    REQUIRE(good(rig.send({0x3b, 0x0a, 0, 0, 0, 0, 0, 0, 3, 0}, {1, 2, 3})));
    REQUIRE(good(rig.send_as(TapeRig::other_host, {0x3b, 0x0a, 0, 0, 0, 0, 0, 0, 1, 0}, {9})));
    CHECK(rig.send(read_echo).data_in == Bytes{1, 2, 3});
    CHECK(fails_with(rig.send({0x3b, 0x0a, 0, 0, 0, 0, 0, 0x10, 1, 0}, Bytes(4097, 0)),
                     SenseKey::illegal_request, code::invalid_field_in_cdb));
    CHECK(fails_with(rig.send({0x3b, 0x05, 0, 0, 0, 0, 0, 0, 1, 0}, {1}), SenseKey::illegal_request,
                     code::invalid_field_in_cdb));  // microcode
    CHECK(rig.send({0x1c, 1, 0, 0, 255, 0}).data_in == Bytes{0, 0, 0, 1, 0});
}

TEST_CASE(
    "what the auxiliary memory does not keep fails the command that writes it, and no other") {
    TapeRig rig;
    rig.medium().memory_broken = true;
    REQUIRE(good(rig.write({1, 2, 3})));
    CHECK(fails_with(write_attributes(rig, attribute_list({barcode("A")})),
                     scsi::SenseKey::medium_error, {0x0c, 0x0b}));
    CHECK(rig.tape().alerts.raised().test(15));
    REQUIRE(good(rig.write({4, 5, 6})));
    REQUIRE(good(rig.write_filemarks(1)));
    REQUIRE(good(rig.rewind()));
    CHECK(rig.read(3).data_in == Bytes{1, 2, 3});

    rig.medium().memory_broken = false;
    CHECK(good(write_attributes(rig, attribute_list({barcode("A")}))));
}
