#include "agent/runtime/manual_page.hpp"

#include "agent/runtime/lrad_configuration.hpp"
#include "test/support/catch.hpp"

using namespace agent::runtime;

TEST_CASE("what roff would take for a request stands as it is") {
    ManualPage page("x", 1, "tries");
    page.paragraph(".so /etc/passwd\n'quoted\\n and `--bold-option`");
    CHECK_THAT(page.text(), ContainsSubstring(".PP\n\\&.so /etc/passwd\n\\&'quoted\\en and "
                                              "\\fB\\-\\-bold\\-option\\fR\n"));
}

TEST_CASE("a configuration's page names every key, and the program's every status") {
    const ProgramDescription program{.name = "lrad",
                                     .purpose = "Watches.",
                                     .default_configuration = "/etc/lra/lrad.json",
                                     .schema = &lrad_configuration_schema()};
    const std::string keys = configuration_manual(program);
    for (const KeyDescription& key : described_keys(lrad_configuration_schema()))
        CHECK_THAT(keys, ContainsSubstring("\n\\fB" + key.key + "\\fR\n"));
    CHECK_THAT(keys, ContainsSubstring(".TH \"LRAD.JSON\" 5"));
    const std::string page = program_manual(program);
    CHECK_THAT(page, ContainsSubstring(".TP\n42\n"));
    CHECK_THAT(page, ContainsSubstring("\\fBlrad.json\\fR(5)"));
}

TEST_CASE("a program of which several run on a host says how each is named") {
    ProgramDescription program{.name = "dsad",
                               .purpose = "Shares.",
                               .default_configuration = "/etc/lra/dsad.json",
                               .schema = &lrad_configuration_schema()};
    CHECK(program_manual(program).find("instance") == std::string::npos);
    program.instance_configuration_begins = "/etc/lra/dsad-";
    program.instance_configuration_ends = ".json";
    const std::string page = program_manual(program);
    CHECK_THAT(page, ContainsSubstring("\n\\fB\\-\\-instance\\fR NAME\n"));
    CHECK_THAT(page, ContainsSubstring("/etc/lra/dsad\\-NAME.json"));
    CHECK_THAT(page, ContainsSubstring("| \\fB\\-\\-instance\\fR NAME]"));
}
