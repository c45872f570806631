#include "agent/host/argv_template.hpp"

#include "test/support/catch.hpp"

using namespace agent::host;

namespace {
const DriveNames names{"LTO 1", "VT00000001", "/dev/nst0"};
using Texts = std::vector<std::string>;
}  // namespace

TEST_CASE("placeholders are filled in inside their argument, which is never split") {
    const auto argv = fill_in_argv(
        {"/bin/app", "--name={drive}", "{serial}", "{device}", "x{drive}y{drive}"}, names);
    REQUIRE(argv.ok());
    CHECK(*argv == Texts{"/bin/app", "--name=LTO 1", "VT00000001", "/dev/nst0", "xLTO 1yLTO 1"});
}

TEST_CASE("a value that looks like a placeholder is not filled in again") {
    const auto argv = fill_in_argv({"/bin/app", "{drive}"}, {"{serial}", "VT1", ""});
    REQUIRE(argv.ok());
    CHECK((*argv)[1] == "{serial}");
}

TEST_CASE("braces that are no placeholder are text") {
    for (const char* text : {"{", "}", "{}", "{\"a\":1}", "{Drive}", "{drive", "x{2}"}) {
        const auto filled = fill_in_argument(text, names);
        REQUIRE(filled.ok());
        CHECK(*filled == text);
    }
}

TEST_CASE("a name a shell would act on is an argument like any other") {
    for (const char* name : {"; rm -rf /", "$(x)", "`x`", "a|b", "a'b\"c", "*"}) {
        const auto argv = fill_in_argv({"/bin/app", "{drive}"}, {name, "VT1", ""});
        REQUIRE(argv.ok());
        CHECK(*argv == Texts{"/bin/app", name});
    }
}

TEST_CASE("a value that would be taken for an option is refused, behind other text it is fine") {
    const DriveNames dashed{"-rf", "VT1", ""};
    const auto refused = fill_in_argv({"/bin/app", "{drive}"}, dashed);
    REQUIRE_FALSE(refused.ok());
    CHECK_THAT(refused.error().message, ContainsSubstring("would be taken for an option"));
    const auto fine = fill_in_argv({"/bin/app", "--drive={drive}"}, dashed);
    REQUIRE(fine.ok());
    CHECK((*fine)[1] == "--drive=-rf");
}

TEST_CASE("mistakes in a template are named") {
    const auto message = [](const Texts& argv, const DriveNames& drive) {
        const auto filled = fill_in_argv(argv, drive);
        return filled.ok() ? std::string("accepted") : filled.error().message;
    };
    CHECK_THAT(message({}, names), ContainsSubstring("no program is named"));
    CHECK_THAT(message({""}, names), ContainsSubstring("no program is named"));
    CHECK_THAT(message({"{drive}"}, names), ContainsSubstring("can not be a placeholder"));
    CHECK_THAT(message({"bin/app"}, names), ContainsSubstring("relative path"));
    CHECK_THAT(message({"app", "{drvie}"}, names), ContainsSubstring("{drvie} is not known"));
    CHECK_THAT(message({"app", "{device}"}, {"a", "b", ""}),
               ContainsSubstring("{device} has no value"));
    CHECK_THAT(message({"app", "{drive}"}, {"a\nquit", "b", ""}),
               ContainsSubstring("control characters"));
    CHECK_THAT(message({"app", std::string("a\0b", 3)}, names), ContainsSubstring("NUL"));
}

TEST_CASE("in a pattern a name stands for itself") {
    const auto pattern = fill_in_pattern("^{drive} is (on|off){1}$", {"a.b*(c)[d]", "VT1", ""});
    REQUIRE(pattern.ok());
    CHECK(*pattern == R"(^a\.b\*\(c\)\[d\] is (on|off){1}$)");
}

TEST_CASE("settings are placeholders too, and secrets only where nobody else reads them") {
    const DriveNames filled{"LTO 1", "VT1", "", {{"storage_1", "a.b"}}, {{"password", "open"}}};
    CHECK(*fill_in_argument("-s={storage_1}", filled) == "-s=a.b");
    CHECK(*fill_in_argument("^{storage_1:regex}$", filled) == "^a\\.b$");
    CHECK(*fill_in_pattern("{storage_1}", filled) == "a\\.b");
    CHECK(*fill_in_text("login {password}", filled) == "login open");
    CHECK_THAT(fill_in_argument("-p={password}", filled).error().message,
               ContainsSubstring("is a credential"));
    CHECK_THAT(fill_in_argument("{storage}", filled).error().message,
               ContainsSubstring("{device} and {storage_1}"));
    CHECK(*fill_in_text("{drive}", DriveNames{"-x", "VT1", "", {}, {}}) == "-x");
    CHECK(placeholders_in("{a} {2} {b_1:regex} {B} {{c}") ==
          std::vector<std::string>{"a", "b_1", "c"});
}
