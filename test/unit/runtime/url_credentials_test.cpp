#include "agent/runtime/url_credentials.hpp"

#include "test/support/catch.hpp"

using agent::runtime::without_credentials;

TEST_CASE(
    "no part of a user and password in a URL is left, in whichever form libiscsi takes them") {
    CHECK(without_credentials("iscsi://u%p@h:3260/t/0") == "iscsi://h:3260/t/0");
    CHECK(without_credentials("iscsi://u:p@h:3260/t/0") == "iscsi://h:3260/t/0");
    CHECK(without_credentials("iscsi://u%p/q@h:3260/t/0") == "iscsi://h:3260/t/0");
    CHECK(without_credentials("iscsi://h:3260/t/0") == "iscsi://h:3260/t/0");
    CHECK(without_credentials("/dev/sg0") == "/dev/sg0");
}
