// The decoders of sg3_utils judge ours, on every captured page.

#include <algorithm>
#include <cctype>
#include <sstream>

#include "drive_iface/scsi/inquiry.hpp"
#include "drive_iface/scsi/log_page.hpp"
#include "drive_iface/scsi/sense.hpp"
#include "test/unit/scsi/fixtures.hpp"

using namespace drive_iface::scsi;
using scsi_test::oracle;
using scsi_test::pr_capture;
using scsi_test::read_binary;
using scsi_test::sg_dump;

namespace {

const std::string captured_inquiry = "lto-msl3040/inquiry/";

bool sg3_utils_missing() {
    if (!oracle("sg_inq --inhex=", read_binary(captured_inquiry + "standard/drive1.bin")).empty())
        return false;
    WARN("SKIPPED: the package sg3-utils is not installed, no second opinion");
    return true;
}

std::vector<Bytes> captured_pages(const std::string& folder, const std::string& capture) {
    std::vector<Bytes> pages;
    for (const char* device : {"drive1", "drive2", "changer1"})
        pages.push_back(read_binary(captured_inquiry + folder + "/" + device + ".bin"));
    for (const char* target : {"tgt-", "tgttape-", "istgt-", "lio-"})
        pages.push_back(pr_capture(target + capture));
    return pages;
}

std::string lower_case(std::string text) {
    for (char& c : text)
        c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
}

Bytes vpd_with(std::uint8_t code, const Bytes& payload) {
    return encode_vpd_page(device_type::sequential_access, code, payload);
}

}  // namespace

TEST_CASE("sg_inq names every captured device as we do") {
    if (sg3_utils_missing()) return;
    for (const Bytes& bytes : captured_pages("standard", "inquiry-std")) {
        const auto inquiry = decode_standard_inquiry(bytes);
        REQUIRE(inquiry.ok());
        const std::string text = oracle("sg_inq --inhex=", bytes);
        CHECK_THAT(text, ContainsSubstring("Vendor identification: " + inquiry->vendor));
        CHECK_THAT(text, ContainsSubstring("Product identification: " + inquiry->product));
        CHECK_THAT(text, ContainsSubstring("Product revision level: " + inquiry->revision));
        CHECK_THAT(lower_case(text),
                   ContainsSubstring("pdt=" + std::to_string(inquiry->device_type)) ||
                       ContainsSubstring("pdt=0x" + std::to_string(inquiry->device_type)));
    }
}

TEST_CASE("sg_vpd reads every captured serial number and designator as we do") {
    if (sg3_utils_missing()) return;
    for (const Bytes& bytes : captured_pages("vpd-80", "vpd80")) {
        const auto serial = decode_unit_serial_number(bytes);
        REQUIRE(serial.ok());
        CHECK_THAT(oracle("sg_vpd --page=sn --inhex=", bytes), ContainsSubstring(*serial));
    }
    for (const Bytes& bytes : captured_pages("vpd-83", "vpd83")) {
        const auto names = decode_device_identification(bytes);
        REQUIRE(names.ok());
        const std::string text = lower_case(oracle("sg_vpd --page=di --inhex=", bytes));
        std::size_t naa = 0;
        for (const auto& name : *names) {
            if (name.type != Designator::type_naa) continue;
            ++naa;
            CHECK_THAT(text, ContainsSubstring("0x" + to_text(name)));
        }
        std::size_t there = 0;
        for (std::size_t at = text.find("designator type: naa"); at != std::string::npos;
             at = text.find("designator type: naa", at + 1))
            ++there;
        CHECK(naa == there);
    }
    for (const char* device : {"drive1", "drive2", "changer1"}) {
        const Bytes bytes = read_binary(captured_inquiry + "vpd-00/" + device + ".bin");
        const auto pages = decode_supported_vpd_pages(bytes);
        REQUIRE(pages.ok());
        // A heading, then one line a page.
        const std::string text = oracle("sg_vpd --page=sv --inhex=", bytes);
        CHECK(std::count(text.begin(), text.end(), '\n') ==
              static_cast<std::ptrdiff_t>(pages->size()) + 1);
        CHECK_THAT(text, ContainsSubstring("Unit serial number [sn]"));
    }
}

TEST_CASE("sg_vpd reads the pages of the library's view of a drive as we do") {
    if (sg3_utils_missing()) return;
    const Bytes narrow = vpd_with(vpd_page::data_transfer_device_element_address, {0x01, 0x02});
    const Bytes wide = vpd_with(vpd_page::data_transfer_device_element_address, {0, 0, 0x01, 0x02});
    CHECK(*decode_data_transfer_device_element_address(narrow) == 0x0102);
    CHECK(*decode_data_transfer_device_element_address(wide) == 0x0102);
    CHECK_THAT(oracle("sg_vpd --inhex=", narrow), ContainsSubstring("element address: 0x0102\n"));
    CHECK_THAT(oracle("sg_vpd --inhex=", wide), ContainsSubstring("element address: 0x00000102"));

    const Bytes library = vpd_with(vpd_page::automation_device_serial_number,
                                   {'D', 'E', '5', '3', '1', '0', ' ', ' '});
    CHECK(*decode_automation_device_serial_number(library) == "DE5310");
    CHECK_THAT(oracle("sg_vpd --inhex=", library), ContainsSubstring("serial number: DE5310"));
    const Bytes mechanism =
        vpd_with(vpd_page::manufacturer_serial_number, {' ', 'H', 'U', '1', '2', ' '});
    CHECK(*decode_manufacturer_serial_number(mechanism) == "HU12");
    CHECK_THAT(oracle("sg_vpd --inhex=", mechanism), ContainsSubstring("HU12"));

    const Bytes ports = vpd_with(
        vpd_page::scsi_ports,
        {0,    0, 0,    1,    0,    0,    0,    0,    0,    0, 0,    0x0c, 0x61, 0x93, 0,    8,
         0x50, 1, 0x43, 0x80, 0x31, 0xbd, 0xc7, 0xdc, 0,    0, 0,    2,    0,    0,    0,    0,
         0,    0, 0,    0x0c, 0x61, 0x93, 0,    8,    0x50, 1, 0x43, 0x80, 0x31, 0xbd, 0xc7, 0xdd});
    const auto decoded = decode_scsi_ports(ports);
    REQUIRE(decoded.ok());
    REQUIRE(decoded->size() == 2);
    const std::string text = oracle("sg_vpd --inhex=", ports);
    for (const ScsiPort& port : *decoded) {
        CHECK_THAT(text,
                   ContainsSubstring("Relative port=" + std::to_string(port.relative_identifier)));
        REQUIRE(port.target_port.size() == 1);
        CHECK_THAT(text, ContainsSubstring("0x" + to_text(port.target_port[0])));
    }
}

TEST_CASE("sg_decode_sense names what every captured sense says") {
    if (sg3_utils_missing()) return;
    for (const char* name :
         {"tgt-fullstatus-unsupported.sense", "tgt-sense-ua-power-on-29-00.sense",
          "tgt-sense-ua-reservations-preempted-2a-03.sense",
          "tgt-sense-ua-reservations-released-2a-04.sense"}) {
        const Bytes bytes = pr_capture(name);
        const auto sense = decode_sense(bytes);
        REQUIRE(sense.ok());
        const std::string text = lower_case(oracle("sg_decode_sense --verbose --file=", bytes));
        INFO(text);
        // "5h/24h/00h ILLEGAL REQUEST, INVALID FIELD IN CDB": the words stand there too.
        const std::string ours = lower_case(to_text(*sense));
        const std::string words = ours.substr(ours.rfind(", ") + 2);
        CHECK(text.find(words) != std::string::npos);
        CHECK(text.find(sense->key == SenseKey::unit_attention
                            ? "unit attention"
                            : "illegal request") != std::string::npos);
    }
}

TEST_CASE("sg_logs reads every captured page 11h as we do") {
    if (sg3_utils_missing()) return;
    for (const char* device : {"drive1", "drive2"}) {
        const Bytes bytes = sg_dump(std::string("lto-msl3040/log-sense/") + device + "-p11.hex");
        const auto status = decode_dt_device_status(bytes);
        REQUIRE(status.ok());
        const std::string text = oracle("sg_logs --pdt=1 --in=", bytes);
        INFO(text);
        const auto& drive = status->very_high_frequency;
        REQUIRE(drive.has_value());
        CHECK_THAT(text, ContainsSubstring("MPRSNT=" + std::to_string(drive->medium_present)));
        CHECK_THAT(text, ContainsSubstring("PAMR=" + std::to_string(drive->prevent_removal)));
        CHECK_THAT(text, ContainsSubstring("DINIT=" + std::to_string(drive->initialized)));
    }
}

TEST_CASE("sg_logs reads the counters of every captured page that it knows as we do") {
    if (sg3_utils_missing()) return;
    for (const char* device : {"drive1", "drive2"}) {
        for (const char* page : {"02", "03", "06", "2e"}) {
            const Bytes bytes =
                sg_dump(std::string("lto-msl3040/log-sense/") + device + "-p" + page + ".hex");
            const auto decoded = decode_log_page(bytes);
            REQUIRE(decoded.ok());
            std::istringstream text(oracle("sg_logs --pdt=1 --in=", bytes));
            INFO(device << " page " << page << "\n" << text.str());
            std::string line;
            std::getline(text, line);  // the page's name
            for (const LogParameter& parameter : decoded->parameters) {
                REQUIRE(std::getline(text, line));
                std::uint64_t ours = 0;
                for (const std::uint8_t byte : parameter.value)
                    ours = ours << 8U | byte;
                const auto behind = line.find_last_of(":= ");
                REQUIRE(behind != std::string::npos);
                CHECK(std::stoull(line.substr(behind + 1)) == ours);
            }
            CHECK_FALSE(std::getline(text, line));
        }
    }
}

TEST_CASE("the pages of the library's view stand every shorter version, and broken ones") {
    const Bytes address = vpd_with(vpd_page::data_transfer_device_element_address, {0x01, 0x02});
    scsi_test::at_every_length(address, [&](const Bytes& cut) {
        CHECK(decode_data_transfer_device_element_address(cut).ok() ==
              (cut.size() == address.size()));
    });
    const auto refused = [](const Bytes& bytes) {
        const auto address_read = decode_data_transfer_device_element_address(bytes);
        REQUIRE_FALSE(address_read.ok());
        return address_read.error().message;
    };
    CHECK_THAT(refused(vpd_with(vpd_page::data_transfer_device_element_address, {7})),
               ContainsSubstring("of 1 bytes"));
    CHECK_THAT(refused(vpd_with(vpd_page::data_transfer_device_element_address, {1, 0, 0, 0})),
               ContainsSubstring("more than an element address can be"));
    CHECK_THAT(refused(vpd_with(vpd_page::unit_serial_number, {1, 0})),
               ContainsSubstring("returned VPD page 80h"));

    const Bytes port =
        vpd_with(vpd_page::scsi_ports, {0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 4, 1, 3, 0, 0});
    REQUIRE(decode_scsi_ports(port).ok());
    scsi_test::at_every_length(
        port, [&](const Bytes& cut) { CHECK(decode_scsi_ports(cut).ok() == (cut == port)); });
    Bytes designator_too_long = port;
    designator_too_long[19] = 1;
    CHECK_FALSE(decode_scsi_ports(designator_too_long).ok());
}
