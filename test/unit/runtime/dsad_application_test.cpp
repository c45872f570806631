// The application part of dsad.json, when a profile file operates the application.

#include "agent/runtime/dsad_configuration.hpp"
#include "sample_configurations.hpp"
#include "test/support/catch.hpp"

using namespace agent::runtime;
using nlohmann::json;

namespace {

json with_profile(const json& application) {
    json content = sample_dsad();
    content["application"] = application;
    content["application"]["observe_only"] = false;
    return content;
}

struct ProfilePlace {
    TemporaryFolder folder;
    ProfilePlace() { folder.write("key", "correct horse\n"); }

    Configured<DsadConfiguration> read(const json& application) const {
        return read_dsad_configuration(
            folder.write("dsad.json", with_profile(application).dump(1)));
    }
    std::string error(const json& application) const {
        const auto result = read(application);
        REQUIRE(result.errors.size() == 1);
        return result.errors[0].substr(result.errors[0].find(": ") + 2);
    }
};

}  // namespace

TEST_CASE("what a profile is filled in with arrives, and nothing else is needed") {
    const ProfilePlace place;
    const auto result = place.read({{"profile", "ibm-sp"},
                                    {"profile_dirs", {"profiles", "/usr/share/lra/profiles"}},
                                    {"parameters", {{"library", "LIB1"}}},
                                    {"drive_parameters", {{"VT00000001", {{"index", "1"}}}}},
                                    {"programs", {{"dsmadmc", "/opt/dsmadmc"}}},
                                    {"credentials", {{"password", {{"file", "sp.password"}}}}},
                                    {"credentials_in_argv", true},
                                    {"drain_poll_ms", 5000},
                                    {"drain_limit_ms", 3600000}});
    REQUIRE(result.errors == ConfigurationErrors{});
    const ApplicationConfiguration& application = result.value->application;
    CHECK(application.profile == "ibm-sp");
    CHECK(application.profile_dirs ==
          std::vector<std::string>{place.folder.file("profiles"), "/usr/share/lra/profiles"});
    CHECK(application.parameters.at("library") == "LIB1");
    CHECK(application.drive_parameters.at("VT00000001").at("index") == "1");
    CHECK(application.programs.at("dsmadmc") == "/opt/dsmadmc");
    CHECK(application.credential_files.at("password") == place.folder.file("sp.password"));
    CHECK(application.credentials_in_argv);
    CHECK_FALSE(application.timeout_given);
    CHECK(application.drain_poll == agent::core::Duration{5'000});
    CHECK(application.drain_limit == agent::core::Duration{3'600'000});
}

TEST_CASE("a profile given as a path counts from the configuration's folder") {
    const ProfilePlace place;
    const auto result = place.read({{"profile", "./own.json"}});
    REQUIRE(result.ok());
    CHECK(result.value->application.profile == place.folder.file("./own.json"));
}

TEST_CASE("what the profile says is not said in dsad.json as well") {
    const ProfilePlace place;
    for (const auto& [key, value] : {std::pair<std::string, json>{"offline", {"/bin/true"}},
                                     std::pair<std::string, json>{"query", {"/bin/true"}},
                                     std::pair<std::string, json>{"states", {{"online", {"x"}}}},
                                     std::pair<std::string, json>{"exit_codes", {{"offline", {3}}}},
                                     std::pair<std::string, json>{"accepted_exit_codes", {0}}}) {
        const std::string error = place.error({{"profile", "cta"}, {key, value}});
        INFO(error);
        CHECK(error.find("application." + key + ": the profile \"cta\" says this") == 0);
    }
}

TEST_CASE("parameters of a drive that there is not are a mistake") {
    const ProfilePlace place;
    CHECK(place.error({{"profile", "cta"}, {"drive_parameters", {{"VT9", {{"index", "1"}}}}}})
              .find("application.drive_parameters.VT9: no drive in drives[] has this serial") == 0);
}

TEST_CASE("without a profile file there is nothing to fill in") {
    const ProfilePlace place;
    json application = sample_dsad()["application"];
    application["parameters"] = {{"library", "LIB1"}};
    CHECK(place.error(application).find("application.parameters: is for a profile file") == 0);
}
