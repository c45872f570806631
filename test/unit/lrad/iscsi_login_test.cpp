// Which portals are asked, and which names and secrets each login is made with.

#include "agent/lrad/iscsi_chap.hpp"
#include "agent/lrad/mount_setup.hpp"
#include "agent/lrad/portals_to_ask.hpp"
#include "drive_iface/discovery/discovery.hpp"
#include "test/support/catch.hpp"
#include "test/unit/runtime/temporary_folder.hpp"

using namespace agent;
using namespace agent::lrad;

namespace {

const runtime::IscsiChap of_first{"first", "/keys/first", "", ""};
const runtime::IscsiChap of_portal{"portal", "/keys/portal", "", ""};
const runtime::IscsiChap of_changer{"changer", "/keys/changer", "", ""};

runtime::LradDrive drive_at(const std::string& url,
                            const std::optional<runtime::IscsiChap>& chap = {}) {
    runtime::LradDrive drive;
    drive.interface.emplace();
    drive.interface->type = runtime::DriveInterface::Type::iscsi;
    drive.interface->url = url;
    drive.interface->chap = chap;
    return drive;
}

// A drive with CHAP, one without and one whose URL has it, behind one portal.
runtime::LradConfiguration three_drives() {
    runtime::LradConfiguration configuration;
    configuration.drives = {drive_at("iscsi://192.0.2.20:3260/iqn.x:first/0", of_first),
                            drive_at("iscsi://192.0.2.20/iqn.x:open/0"),
                            drive_at("iscsi://me%secret-of-the-url@192.0.2.20/iqn.x:url/0")};
    return configuration;
}

runtime::LradConfiguration with_changer(const std::string& url) {
    auto configuration = three_drives();
    configuration.mounts.emplace();
    configuration.mounts->changer.iscsi = true;
    configuration.mounts->changer.url = url;
    return configuration;
}

}  // namespace

TEST_CASE("a target is logged in to as its drive is, though that be without CHAP") {
    auto configuration = three_drives();
    const auto of = [&](const std::string& url) { return chap_for(configuration, url); };
    CHECK(of("iscsi://192.0.2.20:3260/iqn.x:first/0") == of_first);
    CHECK_FALSE(of("iscsi://192.0.2.20:3260/iqn.x:open/0"));
    CHECK_FALSE(of("iscsi://192.0.2.20:3260/iqn.x:url/0"));
    CHECK(of("iscsi://192.0.2.20:3260/iqn.x:new/0") == of_first);
    CHECK(of("192.0.2.20") == of_first);
    CHECK_FALSE(of("192.0.2.21"));
    configuration.discovery_portals = {{"192.0.2.20", of_portal}};
    CHECK(of("iscsi://192.0.2.20:3260/iqn.x:new/0") == of_portal);
    CHECK_FALSE(of("iscsi://192.0.2.20:3260/iqn.x:open/0"));
}

TEST_CASE("a changer keeps the names it has of its own") {
    CHECK(chap_for_changer(with_changer("iscsi://192.0.2.20/iqn.x:changer/0")) == of_first);
    CHECK_FALSE(chap_for_changer(with_changer("iscsi://me%secret@192.0.2.20/iqn.x:first/1")));
    auto own = with_changer("iscsi://192.0.2.20/iqn.x:first/1");
    own.mounts->changer.chap = of_changer;
    CHECK(chap_for_changer(own) == of_changer);
    CHECK_THAT(changer_secret_is_readable(own).error().message,
               ContainsSubstring("/keys/changer: can not be opened"));
    auto node = with_changer("");
    node.mounts->changer.iscsi = false;
    CHECK_FALSE(chap_for_changer(node));
    CHECK(changer_secret_is_readable(node).ok());
}

TEST_CASE("a portal is asked once, however often and in whichever way it is named") {
    auto configuration = three_drives();
    configuration.drives.push_back(drive_at(""));  // a node
    configuration.discovery_portals = {{"192.0.2.20", {}}, {"[2001:db8::1]", {}}};
    const auto chosen = portals_to_ask(configuration, {"[2001:db8::1]:3260", "silo.example:860"});
    CHECK(chosen.portals ==
          std::vector<std::string>{"[2001:db8::1]:3260", "silo.example:860", "192.0.2.20:3260"});
    CHECK(chosen.problems.empty());
}

TEST_CASE("sg nodes are expected where a drive is watched at one") {
    runtime::LradConfiguration configuration;
    CHECK_FALSE(portals_to_ask(configuration, {"192.0.2.1"}).sg_nodes_expected);
    configuration.drives.resize(2);
    configuration.drives[1].interface.emplace();
    configuration.drives[1].interface->type = runtime::DriveInterface::Type::iscsi;
    CHECK_FALSE(portals_to_ask(configuration, {}).sg_nodes_expected);
    configuration.drives[1].interface->type = runtime::DriveInterface::Type::sg;
    CHECK(portals_to_ask(configuration, {}).sg_nodes_expected);
}

TEST_CASE("portals that are too many are named") {
    runtime::LradConfiguration configuration;
    for (int i = 0; i < 66; ++i)
        configuration.discovery_portals.push_back({"192.0.2." + std::to_string(i), {}});
    const auto chosen = portals_to_ask(configuration, {"192.0.2.200"});
    CHECK(chosen.portals.size() == drive_iface::discovery::portals_max);
    REQUIRE(chosen.problems.size() == 3);
    CHECK_THAT(chosen.problems[2], ContainsSubstring("192.0.2.65:3260: not asked; 64 at most"));
}

TEST_CASE("a secret that no login can be made with is refused at once") {
    const TemporaryFolder folder;
    for (const std::size_t size : {11U, 12U, 255U, 256U}) {
        INFO(size);
        const auto file = folder.write("key", std::string(size, 'k') + "\n");
        CHECK(credentials_door(runtime::IscsiChap{"lra", file, "", ""})().ok() ==
              (size >= 12 && size <= 255));
    }
}
