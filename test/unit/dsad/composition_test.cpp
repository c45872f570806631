#include "agent/dsad/composition.hpp"

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include "test/support/catch.hpp"

using namespace agent;
using dsad::HostKnowledge;

namespace {

runtime::DsadConfiguration with_device_in_argv() {
    runtime::DsadConfiguration configuration;
    configuration.host.agent = "host1";
    configuration.discover_drives = true;
    configuration.discover_ports = true;
    auto& application = configuration.application;
    application.offline = {"/opt/app", "offline", "{drive}", "--node={device}"};
    application.online = {"/opt/app", "online", "{drive}"};
    application.query = {"/opt/app", "status", "{drive}"};
    application.states.online = {"up"};
    application.states.offline = {"down"};
    return configuration;
}

// A drive in order, and one whose serial number the application's argument can not be.
host::HostDevices two_found() {
    host::HostDevices devices;
    const auto port = core::initiator_port_from_text("fc:2100000e1e09a1b0");
    REQUIRE(port);
    devices.ports.push_back({*port, "host0"});
    host::FoundTapeDrive good;
    good.serial = {"VT1"};
    good.tape_nodes = {"/dev/nst0"};
    host::FoundTapeDrive odd = good;
    odd.serial = {"-VT2"};
    odd.tape_nodes = {"/dev/nst1"};
    devices.drives = {good, odd};
    return devices;
}

}  // namespace

TEST_CASE("a found drive that the profile does not fit leaves the others and the ports alone") {
    const auto configuration = with_device_in_argv();
    auto known = HostKnowledge::combine(configuration, {}, two_found(), {});
    REQUIRE(known.ok());
    const auto profile = dsad::usable_profile(known.value(), {});
    REQUIRE(profile.ok());
    CHECK(known->configuration().host.ports.size() == 1);
    REQUIRE(known->configuration().drives.size() == 1);
    CHECK(known->configuration().host.drives == std::vector<core::DriveSerial>{{"VT1"}});
    REQUIRE(known->unused().size() == 1);
    CHECK(known->unused()[0].drive.text == "-VT2");
    CHECK_THAT(known->unused()[0].why, ContainsSubstring("application."));
    // Once it has a name it is used.
    auto named = known->with_drive({.serial = {"-VT2"}, .application_name = "LTO 2"}, "");
    REQUIRE(named.ok());
    REQUIRE(dsad::usable_profile(named.value(), {}).ok());
    CHECK(named->unused().empty());
    CHECK(named->configuration().drives.size() == 2);
}

TEST_CASE("what an earlier life left running is waited for, of drives not found yet too") {
    auto configuration = with_device_in_argv();
    configuration.application.timeout = core::Duration{7'000};
    auto known = HostKnowledge::combine(configuration, {}, two_found(), {});
    REQUIRE(known.ok());
    const auto profile = dsad::usable_profile(known.value(), {});
    REQUIRE(profile.ok());
    core::DriveSharingAgentState state;
    state.unseen = {{{"VT1"}, core::ApplicationAction::set_online, {}},
                    {{"VT9"}, core::ApplicationAction::set_offline, {}}};
    dsad::limit_unseen(known->configuration(), profile.value(), state);
    CHECK(state.unseen[0].may_run_for == core::Duration{14'000});
    CHECK(state.unseen[1].may_run_for == core::Duration{14'000});
}

TEST_CASE("a listed drive that the profile does not fit is a mistake of the configuration") {
    auto configuration = with_device_in_argv();
    configuration.discover_drives = false;
    configuration.drives = {{{"VT1"}, "one", ""}};
    configuration.host.drives = {{"VT1"}};
    auto known = HostKnowledge::combine(configuration, {}, two_found(), {});
    REQUIRE(known.ok());
    CHECK_FALSE(dsad::usable_profile(known.value(), {}).ok());
    CHECK(known->unused().empty());
}

TEST_CASE("files are the same when nothing would be done otherwise") {
    char folder[] = "/tmp/composition_test.XXXXXX";
    REQUIRE(::mkdtemp(folder) != nullptr);
    const std::string file = std::string(folder) + "/mine.json";
    const auto write = [&](const std::string& word) {
        std::ofstream(file) << R"({"description": "x", "drive": {"description": "name"},
          "programs": {"app": {"description": "a", "places": ["/opt/app"]}},
          "offline": [{"argv": ["app", ")"
                            << word << R"("]}], "online": [{"argv": ["app"]}],
          "query": {"argv": ["app"], "states": [{"state": "offline", "all": ["off"]},
                                                {"state": "online"}]}})";
    };
    runtime::ApplicationConfiguration application;
    application.profile = file;
    write("a");
    const auto first = dsad::read_application_files(application);
    REQUIRE(first.ok());
    CHECK(first->same_as(*dsad::read_application_files(application)));
    write("b");
    const auto second = dsad::read_application_files(application);
    REQUIRE(second.ok());
    CHECK_FALSE(first->same_as(*second));
    auto with_secret = *second;
    with_secret.secrets["password"] = "another";
    CHECK_FALSE(second->same_as(with_secret));
    CHECK_FALSE(first->same_as({}));
    std::filesystem::remove_all(folder);
}
