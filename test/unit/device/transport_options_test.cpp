#include "drive_iface/device/iscsi_transport.hpp"
#include "drive_iface/device/sg_transport.hpp"
#include "test/support/catch.hpp"

using namespace drive_iface;

TEST_CASE("an iSCSI URL names host, target and logical unit") {
    const auto make = [](const std::string& url,
                         const std::string& name = "iqn.2026-01.org.example:controller") {
        return make_iscsi_transport({.url = url, .initiator_name = name});
    };
    CHECK(make("iscsi://127.0.0.1:3260/iqn.2026-01.org.example:drive-1/0").ok());
    CHECK(make("iscsi://[::1]:3260/iqn.2026-01.org.example:drive-1/0").ok());
    for (const auto* bad : {"", "127.0.0.1", "http://127.0.0.1/x/0", "iscsi://127.0.0.1/iqn.x",
                            "iscsi://127.0.0.1"}) {
        INFO(bad);
        const auto transport = make(bad);
        REQUIRE_FALSE(transport.ok());
        CHECK_THAT(transport.error().message,
                   ContainsSubstring("iscsi://HOST:PORT/TARGET-NAME/LUN"));
    }
    CHECK_FALSE(make("iscsi://127.0.0.1:3260/iqn.x:y/0", "").ok());
}

TEST_CASE("a portal where nobody listens is an error, not a hang, each time it is tried") {
    auto transport =
        make_iscsi_transport({.url = "iscsi://127.0.0.1:1/iqn.2026-01.org.example:drive-1/0",
                              .initiator_name = "iqn.2026-01.org.example:controller"});
    REQUIRE(transport.ok());
    const std::uint8_t test_unit_ready[6] = {};
    for (int attempt = 0; attempt < 2; ++attempt) {
        const auto reply = (*transport)->execute({test_unit_ready, {}, 0}, {1'000});
        REQUIRE_FALSE(reply.ok());
        CHECK_THAT(reply.error().message, ContainsSubstring("can not connect"));
    }
}

TEST_CASE("ISIDs of controllers are stable, differ, and fit 24 bits") {
    CHECK(isid_number("controller-a") == isid_number("controller-a"));
    CHECK(isid_number("controller-a") != isid_number("controller-b"));
    CHECK(isid_number("") <= 0xffffff);
}

TEST_CASE("a tape node is refused, since opening it sends commands") {
    for (const auto* node : {"/dev/st0", "/dev/nst0", "/dev/nst0a"}) {
        const auto transport = make_sg_transport(node);
        REQUIRE_FALSE(transport.ok());
        CHECK_THAT(transport.error().message, ContainsSubstring("sg node"));
    }
    CHECK_FALSE(make_sg_transport("").ok());
    CHECK_FALSE(make_sg_transport("sg3").ok());
}

TEST_CASE("a node that is not there, or no SCSI device, is an error when it is used") {
    const std::uint8_t test_unit_ready[6] = {};
    for (const auto* node : {"/dev/sg-that-is-not-there", "/dev/null"}) {
        auto transport = make_sg_transport(node);
        REQUIRE(transport.ok());
        const auto reply = (*transport)->execute({test_unit_ready, {}, 0}, {1'000});
        REQUIRE_FALSE(reply.ok());
        CHECK_THAT(reply.error().message, ContainsSubstring(node));
    }
}
