#include "drive_iface/scsi/sense.hpp"

#include "test/unit/scsi/fixtures.hpp"

using namespace drive_iface::scsi;
using scsi_test::at_every_length;
using scsi_test::bytes_of_hex_words;
using scsi_test::oracle;
using scsi_test::pr_capture;

TEST_CASE("sense data of real targets decodes") {
    const auto reset = decode_sense(pr_capture("tgt-sense-ua-power-on-29-00.sense"));
    REQUIRE(reset.ok());
    CHECK(reset->key == SenseKey::unit_attention);
    CHECK(reset->additional == additional_sense::power_on_or_reset);
    CHECK(to_text(*reset) ==
          "6h/29h/00h UNIT ATTENTION, POWER ON, RESET, OR BUS DEVICE RESET OCCURRED");
    CHECK(decode_sense(pr_capture("tgt-sense-ua-reservations-preempted-2a-03.sense"))->additional ==
          additional_sense::reservations_preempted);
    CHECK(decode_sense(pr_capture("tgt-sense-ua-reservations-released-2a-04.sense"))->additional ==
          additional_sense::reservations_released);
    CHECK(decode_sense(pr_capture("tgt-fullstatus-unsupported.sense"))->additional ==
          additional_sense::invalid_field_in_cdb);
}

TEST_CASE("fixed sense data survives a round trip and truncation") {
    const SenseData samples[] = {
        {.key = SenseKey::illegal_request,
         .additional = additional_sense::invalid_field_in_cdb,
         .field = FieldPointer{true, 2, std::uint8_t{3}}},
        {.key = SenseKey::illegal_request,
         .additional = additional_sense::invalid_field_in_parameter_list,
         .field = FieldPointer{false, 0x1234, {}}},
        {.key = SenseKey::blank_check,
         .additional = additional_sense::end_of_data_detected,
         .deferred = true,
         .information = 0xfffffff0,
         .filemark = true,
         .end_of_medium = true,
         .incorrect_length = true},
        {},
    };
    for (const SenseData& sample : samples) {
        const Bytes bytes = encode_fixed_sense(sample);
        CHECK(bytes.size() == 18);
        CHECK(decode_sense(bytes).value() == sample);
        at_every_length(bytes, [&](const Bytes& cut) {
            const auto part = decode_sense(cut);
            CHECK(part.ok() == (cut.size() >= 8));
            if (part) CHECK(part->key == sample.key);
        });
    }
}

TEST_CASE("descriptor sense data carries the same facts") {
    const Bytes bytes = bytes_of_hex_words(
        "72 05 24 00 00 00 00 20 00 0a 80 00 00 00 00 01 00 00 00 07 02 06 00 00 ca 00 05 00 04 02 "
        "00 e0 09 04 00 00 00 00 00 00");
    const auto sense = decode_sense(bytes);
    REQUIRE(sense.ok());
    CHECK(sense->descriptor_format);
    CHECK(sense->key == SenseKey::illegal_request);
    CHECK(sense->additional == additional_sense::invalid_field_in_cdb);
    CHECK(sense->information == 0x100000007);
    CHECK(sense->field == FieldPointer{true, 5, std::uint8_t{2}});
    CHECK(sense->filemark);
    CHECK(sense->end_of_medium);
    CHECK(sense->incorrect_length);
    at_every_length(bytes,
                    [](const Bytes& cut) { CHECK(decode_sense(cut).ok() == (cut.size() >= 4)); });
    CHECK(decode_sense(bytes_of_hex_words("73 04 44 00"))->deferred);
}

TEST_CASE("what is no sense data is an error") {
    CHECK_FALSE(decode_sense({}).ok());
    CHECK_FALSE(decode_sense(Bytes(18, 0)).ok());
    CHECK_FALSE(decode_sense(Bytes(18, 0x7f)).ok());
    const auto outcome = decode_sense(Bytes{0x60, 0, 0, 0});
    REQUIRE_FALSE(outcome.ok());
    CHECK(outcome.error().message == "sense data: byte 0: unknown response code 60h");
}

TEST_CASE("an operator can read it") {
    CHECK(to_text(SenseData{.key = SenseKey::illegal_request,
                            .additional = additional_sense::invalid_field_in_cdb,
                            .field = FieldPointer{true, 2, std::uint8_t{3}}}) ==
          "5h/24h/00h ILLEGAL REQUEST, INVALID FIELD IN CDB (CDB byte 2 bit 3)");
    CHECK(to_text(SenseData{.key = SenseKey::hardware_error, .additional = {0x99, 0x12}}) ==
          "4h/99h/12h HARDWARE ERROR");
}

TEST_CASE("sg_decode_sense has the same names for the codes we use") {
    const AdditionalSense codes[] = {additional_sense::end_of_data_detected,
                                     additional_sense::logical_unit_offline,
                                     additional_sense::parameter_list_length_error,
                                     additional_sense::invalid_command_operation_code,
                                     additional_sense::invalid_field_in_cdb,
                                     additional_sense::logical_unit_not_supported,
                                     additional_sense::invalid_field_in_parameter_list,
                                     additional_sense::invalid_release_of_persistent_reservation,
                                     additional_sense::write_protected,
                                     additional_sense::medium_may_have_changed,
                                     additional_sense::power_on_or_reset,
                                     additional_sense::power_on,
                                     additional_sense::scsi_bus_reset,
                                     additional_sense::bus_device_reset,
                                     additional_sense::nexus_loss,
                                     additional_sense::mode_parameters_changed,
                                     additional_sense::reservations_preempted,
                                     additional_sense::reservations_released,
                                     additional_sense::registrations_preempted,
                                     additional_sense::saving_parameters_not_supported,
                                     additional_sense::medium_not_present,
                                     additional_sense::internal_target_failure,
                                     additional_sense::medium_removal_prevented,
                                     additional_sense::insufficient_registration_resources};
    for (const AdditionalSense code : codes) {
        std::string text =
            oracle("sg_decode_sense --file=", encode_fixed_sense({.additional = code}));
        if (text.empty()) {
            WARN(
                "SKIPPED: sg_decode_sense (package sg3-utils) is not installed, no second opinion");
            return;
        }
        for (char& c : text)
            c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        CHECK_THAT(text, ContainsSubstring(std::string(additional_sense_name(code))));
    }
    const auto pointed = encode_fixed_sense({.key = SenseKey::illegal_request,
                                             .additional = additional_sense::invalid_field_in_cdb,
                                             .field = FieldPointer{true, 2, std::uint8_t{3}}});
    CHECK_THAT(oracle("sg_decode_sense --file=", pointed), ContainsSubstring("byte 2 bit 3"));
}
