#include "agent/lrad/capability_memory.hpp"

#include <nlohmann/json.hpp>

#include "test/support/catch.hpp"

using namespace agent::lrad;
using drive_iface::Ability;
using drive_iface::DriveCapabilities;
using nlohmann::json;

namespace {

DriveCapabilities known_drive() {
    DriveCapabilities known;
    known.revision = "N9Q1";
    known.persistent_reserve_in = known.full_status = known.dt_device_status = Ability::yes;
    known.compatible_reservation_handling = Ability::no;
    known.types = {drive_iface::scsi::PrType::exclusive_access,
                   drive_iface::scsi::PrType::exclusive_access_registrants_only};
    known.polling_delay_ms = 500;
    known.dt_parameters = {0x0000, 0x0001, 0x8000};
    return known;
}

}  // namespace

TEST_CASE("what a drive can do leads through JSON and back") {
    const auto shown = capabilities_json(known_drive());
    CHECK(shown["full_status"] == "yes");
    CHECK(shown["crh"] == "no");
    CHECK(shown["ptpl_capable"] == "unknown");
    CHECK(shown["pr_types"] == json({3, 6}));
    CHECK(capabilities_from_json(json::parse(shown.dump())) == known_drive());
    CHECK(capabilities_from_json(capabilities_json({})) == DriveCapabilities{});
}

TEST_CASE("what is not whole is not believed") {
    const auto whole = capabilities_json(known_drive());
    for (const auto& [key, ignored] : whole.items()) {
        auto broken = whole;
        broken[key] = json::array({"x"});
        INFO(key);
        CHECK_FALSE(capabilities_from_json(broken));
    }
    auto strange = whole;
    strange["pr_types"] = {4};  // no such type
    CHECK_FALSE(capabilities_from_json(strange));
    strange = whole;
    strange["dt_parameters"] = {70'000};
    CHECK_FALSE(capabilities_from_json(strange));
    strange = whole;
    strange["polling_delay_ms"] = -1;
    CHECK_FALSE(capabilities_from_json(strange));
    CHECK_FALSE(capabilities_from_json(json()));
    CHECK_FALSE(capabilities_from_json(json("yes")));
    CHECK_FALSE(capabilities_from_json(json::parse("{", nullptr, false)));
}
