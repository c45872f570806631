#include "agent/dsad/host_knowledge.hpp"

#include "test/support/catch.hpp"

using namespace agent::dsad;
using agent::core::DriveSerial;
using agent::core::InitiatorPort;
using agent::core::Now;
using agent::core::Transport;
using agent::host::HostDevices;
using agent::runtime::DsadConfiguration;

namespace {

const InitiatorPort own_fc_port{Transport::fc, "2100000e1e09a1b0", "", ""};
const InitiatorPort other_fc_port{Transport::fc, "2100000e1e09a1b1", "", ""};
const DriveSerial seen_drive{"8031BDC7DB"};
const DriveSerial unseen_drive{"VT00000009"};
const Now at_start{{0}, {1'000}};
const Now later{{0}, {2'000}};

DsadConfiguration all_left_open() {
    DsadConfiguration configuration;
    configuration.discover_ports = true;
    configuration.discover_drives = true;
    return configuration;
}

DsadConfiguration all_listed() {
    DsadConfiguration configuration;
    configuration.host.ports = {own_fc_port};
    configuration.host.drives = {seen_drive};
    configuration.drives = {{seen_drive, "LTO 1", "/dev/nst0"}};
    return configuration;
}

HostDevices one_drive_at(const std::string& tape, const std::string& generic = "/dev/sg3") {
    HostDevices devices;
    devices.ports.push_back({own_fc_port, "fc_host/host3"});
    devices.drives.push_back({seen_drive, "HPE", "Ultrium 9-SCSI", {tape}, {generic}});
    return devices;
}

HostKnowledge knowledge(DsadConfiguration configuration, HostFacts facts = {},
                        HostDevices devices = one_drive_at("/dev/nst0")) {
    auto known = HostKnowledge::combine(std::move(configuration), std::move(facts),
                                        std::move(devices), at_start);
    REQUIRE(known);
    return std::move(known).value();
}

DriveFact said(const DriveSerial& serial, const std::string& name, const std::string& device) {
    return {serial, false, name, device, "root (uid 0)", later.wall};
}

HostKnowledge with_drive(const HostKnowledge& known, const DriveFact& fact) {
    auto next = known.with_drive(fact, fact.device);
    INFO((next ? std::string() : next.error().message));
    REQUIRE(next);
    return std::move(next).value();
}

std::string refusal(const agent::core::Result<HostKnowledge>& result) {
    REQUIRE_FALSE(result);
    return result.error().message;
}

}  // namespace

TEST_CASE("a drive that is not found is added by hand, with its name and node") {
    const auto known =
        with_drive(knowledge(all_left_open()), said(unseen_drive, "LTO 9", "/dev/nst9"));
    const auto& drives = known.configuration().drives;
    REQUIRE(drives.size() == 2);
    CHECK(drives[1] == agent::runtime::DsadDrive{unseen_drive, "LTO 9", "/dev/nst9"});
    CHECK(known.configuration().host.drives == std::vector{seen_drive, unseen_drive});
    const auto shown = known.drives();
    CHECK(shown[0].source == FactSource::discovered);
    CHECK(shown[0].since.ms == 1'000);
    CHECK(shown[0].device_source == FactSource::discovered);
    CHECK_FALSE(shown[0].name_source);
    CHECK(shown[1].source == FactSource::by_hand);
    CHECK(shown[1].since.ms == 2'000);
    CHECK(shown[1].actor == "root (uid 0)");
    CHECK(shown[1].name_source == FactSource::by_hand);
    CHECK(shown[1].device_source == FactSource::by_hand);
}

TEST_CASE("what was said by hand counts again after a restart") {
    const auto before =
        with_drive(knowledge(all_left_open()), said(unseen_drive, "LTO 9", "/dev/nst9"));
    const auto mapped = before.with_mapping(said(seen_drive, "LTO 1", ""), "");
    REQUIRE(mapped);
    const auto after = knowledge(all_left_open(), mapped->facts());
    CHECK(after.configuration().drives == mapped->configuration().drives);
    CHECK(after.configuration().drives[0].application_name == "LTO 1");
}

TEST_CASE("a node that is another drive's by the kernel's word is refused") {
    const auto known = knowledge(all_left_open());
    for (const std::string node : {"/dev/nst0", "/dev/st0", "/dev/nst0a"}) {
        INFO(node);
        CHECK_THAT(refusal(known.with_drive(said(unseen_drive, "", node), node)),
                   ContainsSubstring(node + " is the node of drive 8031BDC7DB already"));
    }
    CHECK_THAT(refusal(known.with_drive(said(unseen_drive, "", "/dev/sg3"), "/dev/sg3")),
               ContainsSubstring("/dev/sg3 is drive 8031BDC7DB (HPE Ultrium 9-SCSI), not "));
    // Through a link of udev.
    CHECK(known.with_mapping(said(seen_drive, "", "/dev/tape/by-id/x"), "/dev/sg3"));
    auto free_node = one_drive_at("/dev/nst0");
    free_node.drives.push_back({{"OTHER"}, "HPE", "Ultrium 9-SCSI", {"/dev/nst1"}, {}});
    DsadConfiguration listed = all_listed();
    CHECK_THAT(refusal(knowledge(listed, {}, free_node)
                           .with_drive(said(unseen_drive, "", "/dev/tape/by-id/y"), "/dev/nst1")),
               ContainsSubstring("is drive OTHER (HPE Ultrium 9-SCSI), not VT00000009"));
}

TEST_CASE("a node by hand that has become another drive's is not used, and that is told") {
    auto known = with_drive(knowledge(all_listed()), said(unseen_drive, "", "/dev/nst1"));
    CHECK(known.configuration().drives[1].device == "/dev/nst1");
    auto devices = one_drive_at("/dev/nst1");
    known.see(devices, later);
    CHECK(known.configuration().drives[1].device.empty());
    REQUIRE(known.contradictions().size() == 1);
    CHECK(known.contradictions()[0] == ContradictedNode{unseen_drive, "/dev/nst1", seen_drive});
    known.see(one_drive_at("/dev/nst0"), later);
    CHECK(known.configuration().drives[1].device == "/dev/nst1");
    CHECK(known.contradictions().empty());
}

TEST_CASE("two drives never have one name or one node") {
    const auto known =
        with_drive(knowledge(all_left_open()), said(unseen_drive, "LTO 9", "/dev/nst9"));
    CHECK_THAT(refusal(known.with_mapping(said(seen_drive, "LTO 9", ""), "")),
               ContainsSubstring("is the application's name of drive VT00000009 already"));
    CHECK_THAT(refusal(known.with_drive(said({"X"}, "", "/dev/st9"), "/dev/st9")),
               ContainsSubstring("is the node of drive VT00000009 already"));
}

TEST_CASE("what dsad.json says is changed in dsad.json") {
    const auto known = knowledge(all_listed());
    CHECK_THAT(
        refusal(known.with_mapping(said(seen_drive, "LTO 2", ""), "")),
        ContainsSubstring("dsad.json calls it \"LTO 1\" in the application; change it there"));
    CHECK_THAT(refusal(known.with_mapping(said(seen_drive, "", "/dev/nst5"), "/dev/nst5")),
               ContainsSubstring("dsad.json says that it is at /dev/nst0; change it there"));
    CHECK_THAT(refusal(known.without_drive(seen_drive)), ContainsSubstring("stands in dsad.json"));
    CHECK_THAT(refusal(known.without_port({own_fc_port, false, "x", {}})),
               ContainsSubstring("stands in dsad.json"));
    CHECK_THAT(refusal(known.with_drive(said(seen_drive, "", ""), "")),
               ContainsSubstring("is known already; `drive map`"));
    CHECK_THAT(refusal(known.with_mapping(said(unseen_drive, "x", ""), "")),
               ContainsSubstring("no drive VT00000009 on this host; `drive add`"));
    // A name by hand gives way when dsad.json gets one.
    DsadConfiguration unnamed = all_listed();
    unnamed.drives[0].application_name = seen_drive.text;
    const auto mapped = knowledge(unnamed).with_mapping(said(seen_drive, "by hand", ""), "");
    REQUIRE(mapped);
    CHECK(mapped->configuration().drives[0].application_name == "by hand");
    const auto after = knowledge(all_listed(), mapped->facts());
    CHECK(after.configuration().drives[0].application_name == "LTO 1");
    CHECK(after.drives()[0].name_source == FactSource::configuration);
}

TEST_CASE("a drive is forgotten when nothing but a person or the past speaks for it") {
    auto known = with_drive(knowledge(all_left_open()), said(unseen_drive, "", ""));
    auto without = known.without_drive(unseen_drive);
    REQUIRE(without);
    CHECK(without->configuration().drives.size() == 1);
    CHECK(without->facts() == HostFacts{});
    CHECK_THAT(refusal(without->without_drive(unseen_drive)), ContainsSubstring("no drive "));
    CHECK_THAT(refusal(without->without_drive(seen_drive)),
               ContainsSubstring("is found at /dev/nst0 and would be found again"));
    // Found once, gone, and kept until now.
    auto gone = std::move(without).value();
    HostDevices no_drive;
    no_drive.ports.push_back({own_fc_port, "fc_host/host3"});
    gone.see(no_drive, later);
    CHECK(gone.configuration().drives.size() == 1);
    const auto forgotten = gone.without_drive(seen_drive);
    REQUIRE(forgotten);
    CHECK(forgotten->configuration().drives.empty());
    CHECK(forgotten->configuration().host.drives.empty());
}

TEST_CASE("a mapping that is taken back leaves the drive as it was found") {
    const auto mapped =
        knowledge(all_left_open()).with_mapping(said(seen_drive, "LTO 1", "/dev/sg3"), "/dev/sg3");
    REQUIRE(mapped);
    CHECK(mapped->configuration().drives[0].device == "/dev/sg3");
    const auto plain = mapped->without_drive(seen_drive);
    REQUIRE(plain);
    CHECK(plain->configuration().drives[0] ==
          agent::runtime::DsadDrive{seen_drive, seen_drive.text, "/dev/nst0"});
}

TEST_CASE("a port that is not found is added, and one that is found and foreign taken away") {
    const auto known = knowledge(all_left_open());
    const auto two = known.with_port({other_fc_port, true, "root (uid 0)", later.wall});
    REQUIRE(two);
    CHECK(two->configuration().host.ports == std::vector{own_fc_port, other_fc_port});
    CHECK(two->ports()[1].source == FactSource::by_hand);
    const auto one = two->without_port({own_fc_port, false, "root (uid 0)", later.wall});
    REQUIRE(one);
    CHECK(one->configuration().host.ports == std::vector{other_fc_port});
    const auto shown = one->ports();
    REQUIRE(shown.size() == 2);
    CHECK_FALSE(shown[1].own);
    auto again = std::move(one).value();
    again.see(one_drive_at("/dev/nst0"), later);  // is still found, and still not ours
    CHECK(again.configuration().host.ports == std::vector{other_fc_port});
    const auto back = again.with_port({own_fc_port, true, "root (uid 0)", later.wall});
    REQUIRE(back);
    CHECK(back->configuration().host.ports.size() == 2);
    CHECK(back->facts().ports.size() == 1);
}

TEST_CASE("a host is never left without any port") {
    const auto known = knowledge(all_left_open());
    CHECK_THAT(refusal(known.without_port({own_fc_port, false, "x", {}})),
               ContainsSubstring("is the last one of this host"));
    CHECK_THAT(refusal(known.without_port({other_fc_port, false, "x", {}})),
               ContainsSubstring("is none of this host"));
    CHECK_THAT(refusal(known.with_port({own_fc_port, true, "x", {}})),
               ContainsSubstring("is this host's already"));
    const auto none = HostKnowledge::combine(all_left_open(), {}, {}, at_start);
    REQUIRE_FALSE(none);
    CHECK_THAT(none.error().message, ContainsSubstring("ports: \"discover\" has found no "));
    HostFacts by_hand;
    by_hand.ports.push_back({own_fc_port, true, "x", {}});
    CHECK(HostKnowledge::combine(all_left_open(), by_hand, {}, at_start));
}

TEST_CASE("a configuration that is read again forgets no time") {
    const auto before = knowledge(all_left_open());
    auto after = HostKnowledge::combine(all_left_open(), {}, one_drive_at("/dev/nst4"), later);
    REQUIRE(after);
    after.value().remember_times_of(before);
    CHECK(after->drives()[0].since.ms == 1'000);
    CHECK(after->drives()[0].device == "/dev/nst4");
}
