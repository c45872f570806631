#include "drive_iface/scsi/log_page.hpp"

#include "test/unit/scsi/fixtures.hpp"

using namespace drive_iface::scsi;
using scsi_test::at_every_length;
using scsi_test::oracle;
using scsi_test::sg_dump;

TEST_CASE("the DT device status page of a real drive tells what it is doing and who used it") {
    const auto status = decode_dt_device_status(sg_dump("lto-msl3040/log-sense/drive1-p11.hex"));
    REQUIRE(status.ok());
    CHECK(status->complete);
    REQUIRE(status->very_high_frequency);
    CHECK(status->very_high_frequency->medium_present);
    CHECK(status->very_high_frequency->mounted);
    CHECK(status->very_high_frequency->auxiliary_memory_access);
    CHECK(status->very_high_frequency->compression);
    CHECK_FALSE(status->very_high_frequency->prevent_removal);
    CHECK(status->polling_delay_ms == 500);
    CHECK(status->potential_conflict_count == 1);
    REQUIRE(status->potential_conflicts.size() == 1);
    const PotentialConflict& conflict = status->potential_conflicts[0];
    CHECK(conflict.operation_code == 0x3c);
    CHECK(conflict.timestamp_ms == 0x019e306f0f39);
    CHECK(conflict.relative_target_port == 1);
    REQUIRE(conflict.port);
    CHECK(agent::core::to_text(*conflict.port) == "sas:51402ec01841abd0");
}

TEST_CASE("every log page capture decodes, round-trips and stands truncation at each length") {
    for (const char* drive : {"drive1", "drive2"}) {
        // These drives refuse 0Dh and 36h.
        for (const char* page :
             {"02", "03", "06", "0c", "11", "17", "2e", "30", "31", "34", "38", "3a", "3b", "3e"}) {
            const Bytes bytes =
                sg_dump(std::string("lto-msl3040/log-sense/") + drive + "-p" + page + ".hex");
            INFO(drive << " page " << page << ", " << bytes.size() << " bytes");
            REQUIRE(bytes.size() > 4);
            const auto decoded = decode_log_page(bytes);
            REQUIRE(decoded.ok());
            CHECK(decoded->page == std::stoul(page, nullptr, 16));
            if (decoded->complete) {
                Bytes whole = bytes;
                whole.resize(4 + (std::size_t{bytes[2]} << 8 | bytes[3]));
                CHECK(encode_log_page(*decoded) == whole);
            }
            at_every_length(bytes, [&](const Bytes& cut) {
                const auto part = decode_log_page(cut);
                CHECK(part.ok() == (cut.size() >= 4));
                static_cast<void>(decode_dt_device_status(cut));
                if (part) CHECK(part->parameters.size() <= decoded->parameters.size());
            });
        }
    }
}

TEST_CASE("our own DT device status page reads back, and each bit of the fast data in its place") {
    for (unsigned bit = 0; bit < 32; ++bit) {
        Bytes page{0x11, 0, 0, 8, 0, 0, 3, 4, 0, 0, 0, 0};
        page[8 + bit / 8] = static_cast<std::uint8_t>(1u << (bit % 8));
        const auto status = decode_dt_device_status(page);
        REQUIRE(status.ok());
        const bool reserved = bit == 8 + 6 || bit == 8 + 3 || bit == 24 + 6;
        const Bytes again = encode_dt_device_status(*status);
        INFO("byte " << bit / 8 << " bit " << bit % 8);
        CHECK((again == page) == !reserved);
    }
    DtDeviceStatus status;
    status.very_high_frequency =
        VeryHighFrequencyData{.initialized = true, .mounted = true, .activity = 5};
    status.polling_delay_ms = 250;
    status.potential_conflict_count = 1;
    status.potential_conflicts = {
        {.operation_code = 8,
         .detail = 7,
         .timestamp_ms = 1'700'000'000'000,
         .relative_target_port = 1,
         .port = agent::core::InitiatorPort{agent::core::Transport::iscsi, "iqn.x:y",
                                            "00023d000001", ""}}};
    CHECK(decode_dt_device_status(encode_dt_device_status(status)).value() == status);
}

TEST_CASE("another page, or a broken one, is an error that names the place") {
    CHECK_FALSE(decode_dt_device_status(sg_dump("lto-msl3040/log-sense/drive1-p0c.hex")).ok());
    const auto broken = decode_log_page(Bytes{0x11, 0, 0, 5, 0, 0, 3, 4, 0});
    REQUIRE_FALSE(broken.ok());
    CHECK(broken.error().message == "log page 11h: byte 4: parameter ends behind the page");
    CHECK(*decode_supported_log_pages(encode_supported_log_pages({0x00, 0x11})) ==
          Bytes{0x00, 0x11});
    CHECK_FALSE(decode_supported_log_pages(Bytes{0x11, 0, 0, 0}).ok());
    CHECK_FALSE(decode_supported_log_pages(Bytes{0, 0}).ok());
    CHECK(log_sense_cdb(0x11, 0, 0x0203) ==
          std::array<std::uint8_t, 10>{0x4d, 0, 0x51, 0, 0, 0, 0, 2, 3, 0});
}

TEST_CASE("sg_logs reads our DT device status page the same way") {
    DtDeviceStatus status;
    status.very_high_frequency = VeryHighFrequencyData{.prevent_removal = true,
                                                       .write_protected = true,
                                                       .initialized = true,
                                                       .medium_present = true,
                                                       .mounted = true};
    status.polling_delay_ms = 250;
    const std::string text = oracle("sg_logs --pdt=1 --in=", encode_dt_device_status(status));
    if (text.empty()) {
        WARN("SKIPPED: sg_logs (package sg3-utils) is not installed, no second opinion");
        return;
    }
    CHECK_THAT(text, ContainsSubstring("PAMR=1 HUI=0 MACC=0 CMPR=0"));
    CHECK_THAT(text, ContainsSubstring("WRTP=1 CRQST=0 CRQRD=0 DINIT=1"));
    CHECK_THAT(text, ContainsSubstring("INXTN=0 RAA=0 MPRSNT=1"));
    CHECK_THAT(text, ContainsSubstring("250"));
}
