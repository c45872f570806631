#include "drive_iface/virtual/drive.hpp"
#include "drive_iface/scsi/inquiry.hpp"
#include "drive_iface/scsi/log_page.hpp"
#include "drive_iface/scsi/mode.hpp"
#include "drive_iface/scsi/report_luns.hpp"
#include "test/unit/virtual/library_builder.hpp"

using namespace virtual_library_test;
namespace scsi = drive_iface::scsi;
namespace sense_code = drive_iface::scsi::additional_sense;
using scsi::SenseKey;

TEST_CASE("a drive says who it is") {
    TwoDrives library;
    Host host(library, iscsi_port("a"));
    const auto standard = scsi::decode_standard_inquiry(host.send(scsi::inquiry_cdb(96)).data_in);
    REQUIRE(standard.ok());
    CHECK(standard->device_type == scsi::device_type::sequential_access);
    CHECK(standard->removable);
    CHECK(standard->vendor == "LRA");
    CHECK(standard->product == "VIRTUAL ULTRIUM");
    CHECK(standard->version_descriptors.size() == 4);

    const auto pages =
        scsi::decode_supported_vpd_pages(host.send(scsi::inquiry_vpd_cdb(0x00, 255)).data_in);
    REQUIRE(pages.ok());
    for (const std::uint8_t page : *pages) {
        const auto reply = host.send(scsi::inquiry_vpd_cdb(page, 255));
        CHECK(good(reply));
        const auto decoded = scsi::decode_vpd_page(reply.data_in);
        REQUIRE(decoded.ok());
        CHECK(decoded->page_code == page);
    }
    CHECK(*scsi::decode_unit_serial_number(host.send(scsi::inquiry_vpd_cdb(0x80, 255)).data_in) ==
          serial);
    const auto names =
        scsi::decode_device_identification(host.send(scsi::inquiry_vpd_cdb(0x83, 255)).data_in);
    REQUIRE(names.ok());
    CHECK(scsi::to_text(names->front()) == "LRA     VIRTUAL ULTRIUM VT00000001");

    CHECK(fails_with(host.send(scsi::inquiry_vpd_cdb(0xb5, 255)), SenseKey::illegal_request,
                     sense_code::invalid_field_in_cdb));
    CHECK(fails_with(host.send({0x12, 0, 0x80, 0, 96, 0}), SenseKey::illegal_request,
                     sense_code::invalid_field_in_cdb));  // a page code without EVPD
}

TEST_CASE("every reply with data is cut at the allocation length") {
    TwoDrives library;
    Host host(library, iscsi_port("a"));
    const auto whole = host.send(scsi::inquiry_cdb(0xffff)).data_in;
    const auto all = static_cast<std::uint16_t>(whole.size());
    for (std::uint16_t length = 0; length <= all; ++length) {
        const auto cut = host.send(scsi::inquiry_cdb(length)).data_in;
        REQUIRE(cut == Bytes(whole.begin(), whole.begin() + length));
    }
    CHECK(host.pr_in(PrInAction::read_keys, 5).data_in.size() == 5);
}

TEST_CASE("a logical unit that is not there is answered as SPC-4 says") {
    TwoDrives library;
    Host host(library, iscsi_port("a"));
    constexpr std::uint64_t lun_1 = 0x0001000000000000;
    const auto inquiry = host.send(scsi::inquiry_cdb(96), {}, lun_1);
    CHECK(good(inquiry));
    CHECK(inquiry.data_in[0] == 0x7f);
    const auto sense =
        scsi::decode_sense(host.send(scsi::request_sense_cdb(18), {}, lun_1).data_in);
    CHECK(sense->additional == sense_code::logical_unit_not_supported);
    for (const auto& row : virtual_library::drive_commands()) {
        if (row.opcode == scsi::opcode::inquiry || row.opcode == scsi::opcode::request_sense)
            continue;
        Bytes cdb(16, 0);
        cdb[0] = row.opcode;
        CHECK(fails_with(host.send(cdb, {}, lun_1), SenseKey::illegal_request,
                         sense_code::logical_unit_not_supported));
    }
    CHECK_FALSE(library.manage(host.nexus(), lun_1, TaskManagement::logical_unit_reset));
    CHECK(*scsi::decode_report_luns(host.send(scsi::report_luns_cdb(64)).data_in) ==
          std::vector<std::uint64_t>{0});
}

TEST_CASE("unknown operation codes and service actions are refused with a field pointer") {
    TwoDrives library;
    Host host(library, iscsi_port("a"));
    for (unsigned opcode = 0; opcode < 256; ++opcode) {
        if (virtual_library::has_opcode(virtual_library::drive_commands(),
                                        static_cast<std::uint8_t>(opcode)))
            continue;
        Bytes cdb(16, 0);
        cdb[0] = static_cast<std::uint8_t>(opcode);
        const auto reply = host.send(cdb);
        CHECK(fails_with(reply, SenseKey::illegal_request,
                         sense_code::invalid_command_operation_code));
        CHECK(Host::sense(reply).field == scsi::FieldPointer{true, 0, {}});
    }
    for (std::uint8_t action = 4; action < 32; ++action) {
        const auto reply = host.send({0x5e, action, 0, 0, 0, 0, 0, 0, 64, 0});
        CHECK(fails_with(reply, SenseKey::illegal_request, sense_code::invalid_field_in_cdb));
        CHECK(Host::sense(reply).field == scsi::FieldPointer{true, 1, std::uint8_t{4}});
    }
    CHECK(fails_with(host.send(Bytes{}), SenseKey::illegal_request,
                     sense_code::invalid_command_operation_code));
    CHECK(fails_with(host.send({0x5e, 0}), SenseKey::illegal_request,
                     sense_code::invalid_field_in_cdb));
    CHECK(fails_with(host.send({0x00, 0, 0, 0, 0, 0x04}), SenseKey::illegal_request,
                     sense_code::invalid_field_in_cdb));  // NACA
}

TEST_CASE("mode pages come one by one and all together, with 6 and with 10 bytes") {
    TwoDrives library;
    Host host(library, iscsi_port("a"));
    const auto all = scsi::decode_mode_parameters_6(
        host.send(scsi::mode_sense_6_cdb(0x3f, 0xff, false, 255)).data_in);
    REQUIRE(all.ok());
    CHECK(all->complete);
    REQUIRE(all->block_descriptor);
    CHECK(all->pages.size() >= 6);
    const auto ten = scsi::decode_mode_parameters_10(
        host.send(scsi::mode_sense_10_cdb(0x3f, 0xff, false, 1024)).data_in);
    REQUIRE(ten.ok());
    CHECK(ten->pages == all->pages);
    for (const auto& page : all->pages) {
        const auto one = scsi::decode_mode_parameters_6(
            host.send(scsi::mode_sense_6_cdb(page.page, page.subpage, true, 255)).data_in);
        REQUIRE(one.ok());
        CHECK(one->pages == std::vector{page});
        CHECK_FALSE(one->block_descriptor);
    }
    // Linux st at each open.
    const auto header = host.send(scsi::mode_sense_6_cdb(0, 0, false, 12));
    CHECK(good(header));
    CHECK(header.data_in.size() == 12);
    CHECK(fails_with(host.send(scsi::mode_sense_6_cdb(0x3e, 0, false, 255)),
                     SenseKey::illegal_request, sense_code::invalid_field_in_cdb));
    CHECK(fails_with(host.send({0x1a, 0, 0xff, 0, 255, 0}), SenseKey::illegal_request,
                     sense_code::saving_parameters_not_supported));
}

TEST_CASE("MODE SELECT sets the block length, tells the others and refuses the rest") {
    TwoDrives library;
    Host a(library, iscsi_port("a"));
    Host b(library, iscsi_port("b"));
    const Bytes set_512{0, 0, 0x10, 8, 0, 0, 0, 0, 0, 0, 2, 0};
    CHECK(good(a.send({0x15, 0x10, 0, 0, 12, 0}, set_512)));
    CHECK(b.attention() == sense_code::mode_parameters_changed);
    CHECK(a.attention() == sense_code::none);
    const auto now =
        scsi::decode_mode_parameters_6(a.send(scsi::mode_sense_6_cdb(0, 0, false, 12)).data_in);
    CHECK(now->block_descriptor->block_length == 512);
    // What was read may be sent back; what differs is refused.
    auto parameters = *scsi::decode_mode_parameters_6(
        a.send(scsi::mode_sense_6_cdb(0x0a, 0, false, 255)).data_in);
    auto list = scsi::encode_mode_parameters_6(parameters);
    CHECK(good(a.send({0x15, 0x10, 0, 0, static_cast<std::uint8_t>(list.size()), 0}, list)));
    list.back() ^= 1;
    CHECK(fails_with(a.send({0x15, 0x10, 0, 0, static_cast<std::uint8_t>(list.size()), 0}, list),
                     SenseKey::illegal_request, sense_code::invalid_field_in_parameter_list));
    CHECK(fails_with(a.send({0x15, 0x10, 0, 0, 12, 0}, Bytes(4, 0)), SenseKey::illegal_request,
                     sense_code::parameter_list_length_error));
    CHECK(fails_with(a.send({0x15, 0x11, 0, 0, 12, 0}, set_512), SenseKey::illegal_request,
                     sense_code::invalid_field_in_cdb));
    // Half a block descriptor, and two.
    CHECK(fails_with(a.send({0x15, 0x10, 0, 0, 8, 0}, {0, 0, 0x10, 4, 0, 0, 0, 0}),
                     SenseKey::illegal_request, sense_code::invalid_field_in_parameter_list));
    Bytes two(24, 0);
    two[7] = 16;
    CHECK(fails_with(a.send({0x55, 0x10, 0, 0, 0, 0, 0, 0, 24, 0}, two), SenseKey::illegal_request,
                     sense_code::invalid_field_in_parameter_list));
}

TEST_CASE("UNLOAD and LOAD change what the drive is ready for") {
    TwoDrives library;
    Host a(library, iscsi_port("a"));
    Host b(library, iscsi_port("b"));
    CHECK(good(a.send({0x1b, 0, 0, 0, 0, 0})));
    CHECK(fails_with(a.test_unit_ready(), SenseKey::not_ready, sense_code::medium_not_present));
    CHECK(fails_with(b.read(), SenseKey::not_ready, sense_code::medium_not_present));
    const auto sense = scsi::decode_sense(a.send(scsi::request_sense_cdb(18)).data_in);
    CHECK(sense->additional == sense_code::medium_not_present);
    CHECK(good(a.send({0x1b, 0, 0, 0, 1, 0})));
    CHECK(a.attention() == sense_code::none);
    CHECK(b.attention() == sense_code::medium_may_have_changed);
    CHECK(good(b.test_unit_ready()));
}

TEST_CASE("a blank tape says that it is blank") {
    TwoDrives library;
    Host host(library, iscsi_port("a"));
    const auto read = host.send({0x08, 0, 0, 1, 0, 0});
    CHECK(fails_with(read, SenseKey::blank_check, sense_code::end_of_data_detected));
    CHECK(Host::sense(read).information == 256);
    CHECK(fails_with(host.send({0x11, 1, 0, 0, 1, 0}), SenseKey::blank_check,
                     sense_code::end_of_data_detected));
    const auto back = host.send({0x11, 0, 0xff, 0xff, 0xfe, 0});
    CHECK(fails_with(back, SenseKey::no_sense, sense_code::beginning_of_partition_detected));
    CHECK(Host::sense(back).end_of_medium);
    CHECK(Host::sense(back).information == 2);
    CHECK(good(host.send({0x11, 3, 0, 0, 0, 0})));
    CHECK(good(host.send({0x01, 0, 0, 0, 0, 0})));
    CHECK(good(host.write()));
}

TEST_CASE("the DT device status page names the user that was in the way") {
    TwoDrives library;
    Host a(library, iscsi_port("a"));
    Host b(library, iscsi_port("b"));
    const auto page = [&b] {
        return *scsi::decode_dt_device_status(b.send(scsi::log_sense_cdb(0x11, 0, 4096)).data_in);
    };
    CHECK(page().very_high_frequency->mounted);
    CHECK_FALSE(page().very_high_frequency->prevent_removal);
    CHECK(page().potential_conflict_count == 0);
    REQUIRE(good(a.send({0x1e, 0, 0, 0, 1, 0})));
    CHECK(page().very_high_frequency->prevent_removal);
    REQUIRE(good(a.reserve()));
    static_cast<void>(a.read());
    REQUIRE(conflict(b.test_unit_ready()));
    auto status = page();
    REQUIRE(status.potential_conflicts.size() == 1);
    CHECK(status.potential_conflicts[0].operation_code == scsi::opcode::read_6);
    CHECK(agent::core::same_host_port(*status.potential_conflicts[0].port, a.port()));
    REQUIRE(good(a.release()));
    CHECK(page().potential_conflict_count == 0);
    CHECK(fails_with(b.send(scsi::log_sense_cdb(0x13, 0, 255)), SenseKey::illegal_request,
                     sense_code::invalid_field_in_cdb));
    CHECK(*scsi::decode_supported_log_pages(b.send(scsi::log_sense_cdb(0, 0, 255)).data_in) ==
          Bytes{0x00, 0x02, 0x03, 0x0c, 0x0d, 0x11, 0x12, 0x17, 0x1b, 0x2e, 0x30, 0x31, 0x32});
}

TEST_CASE("REPORT SUPPORTED OPERATION CODES tells what the table holds") {
    TwoDrives library;
    Host host(library, iscsi_port("a"));
    for (const bool timeouts : {false, true}) {
        const std::uint8_t all = timeouts ? 0x80 : 0x00;
        const auto data = host.send({0xa3, 0x0c, all, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0}).data_in;
        const std::size_t descriptor = timeouts ? 20 : 8;
        CHECK(data.size() == 4 + virtual_library::drive_commands().size() * descriptor);
        CHECK(scsi::ByteReader(data).u32() == data.size() - 4);
    }
    for (const auto& row : virtual_library::drive_commands()) {
        const std::uint8_t right = row.service_action ? 2 : 1;
        const std::uint8_t wrong = row.service_action ? 1 : 2;
        const std::uint8_t action = row.service_action.value_or(0);
        const auto one = host.send({0xa3, 0x0c, right, row.opcode, 0, action, 0, 0, 0, 0xff, 0, 0});
        REQUIRE(good(one));
        CHECK(one.data_in[1] == 3);
        CHECK(one.data_in[4] == row.opcode);
        const auto refused =
            host.send({0xa3, 0x0c, wrong, row.opcode, 0, action, 0, 0, 0, 0xff, 0, 0});
        CHECK(fails_with(refused, SenseKey::illegal_request, sense_code::invalid_field_in_cdb));
        CHECK(Host::sense(refused).field == scsi::FieldPointer{true, 2, std::uint8_t{2}});
    }
    CHECK(host.send({0xa3, 0x0c, 1, 0xc0, 0, 0, 0, 0, 0, 0xff, 0, 0}).data_in[1] == 1);
    CHECK(host.send({0xa3, 0x0c, 2, 0x5f, 0, 8, 0, 0, 0, 0xff, 0, 0}).data_in[1] == 1);
    CHECK(host.send({0xa3, 0x0c, 3, 0x5f, 0, 7, 0, 0, 0, 0xff, 0, 0}).data_in[1] == 3);
}

TEST_CASE("a front end learns how much data-out a CDB announces") {
    TwoDrives library;
    Host host(library, iscsi_port("a"));
    const auto announced = [&](const Bytes& cdb) {
        return library.data_out_length(host.nexus(), cdb);
    };
    CHECK(announced({0x00, 0, 0, 0, 0, 0}) == 0);
    CHECK(announced({0x15, 0x10, 0, 0, 12, 0}) == 12);
    CHECK(announced({0x5f, 0, 0, 0, 0, 0, 0, 0, 24, 0}) == 24);
    CHECK(announced({0x0a, 0, 0, 2, 0, 0}) == 512);
    REQUIRE(good(host.send({0x15, 0x10, 0, 0, 12, 0}, {0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 2, 0})));
    CHECK(announced({0x0a, 1, 0, 0, 3, 0}) == 1536);
    CHECK(announced({0xc0}) == 0);
    CHECK(announced({}) == 0);
}
