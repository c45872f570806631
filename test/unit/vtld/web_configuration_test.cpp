#include "drive_iface/vtld/web_configuration.hpp"

#include <unistd.h>

#include "test/support/catch.hpp"

using drive_iface::vtld::web_users;

TEST_CASE("the web page is for root, for who runs the library and for the users named") {
    const auto without_names = web_users({});
    REQUIRE(without_names);
    CHECK(*without_names == std::vector<uid_t>{0, ::geteuid()});

    drive_iface::vtld::WebConfiguration configuration;
    configuration.users = {"daemon"};
    const auto with_one = web_users(configuration);
    REQUIRE(with_one);
    CHECK(*with_one == std::vector<uid_t>{0, ::geteuid(), 1});
}

TEST_CASE("a star among the users of the web page leaves it open to all of the machine") {
    drive_iface::vtld::WebConfiguration configuration;
    configuration.users = {"daemon", "*"};
    const auto everybody = web_users(configuration);
    REQUIRE(everybody);
    CHECK(everybody->empty());
}

TEST_CASE("a user of the web page whom the machine does not know is named in the error") {
    drive_iface::vtld::WebConfiguration configuration;
    configuration.users = {"daemon", "nobody-of-that-name"};
    const auto refused = web_users(configuration);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message ==
          "web.users: this machine knows no user nobody-of-that-name; getent passwd lists them");
}
