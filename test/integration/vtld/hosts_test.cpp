// Hosts and their ways: real libiscsi initiators, and connections that are none, against a real
// vtld.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "test/integration/vtld/libiscsi_host.hpp"
#include "test/integration/vtld/vtld_process.hpp"
#include "test/support/catch.hpp"

using namespace vtld_test;

namespace {

const std::vector<std::uint8_t> reserve_6{0x16, 0, 0, 0, 0, 0};
const std::vector<std::uint8_t> test_unit_ready{0, 0, 0, 0, 0, 0};
constexpr int good = 0;
constexpr int reservation_conflict = 0x18;

class RawConnection {
  public:
    explicit RawConnection(int port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(port));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
                0);
    }
    ~RawConnection() { ::close(socket_); }
    RawConnection(const RawConnection&) = delete;
    RawConnection& operator=(const RawConnection&) = delete;

    void send(const std::string& bytes) const {
        static_cast<void>(::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
    }
    bool is_closed_by_peer() const {
        char buffer[4096];
        pollfd waiting{socket_, POLLIN, 0};
        while (::poll(&waiting, 1, 10'000) > 0) {
            if (::recv(socket_, buffer, sizeof buffer, 0) <= 0) return true;
        }
        return false;
    }

  private:
    int socket_;
};

}  // namespace

TEST_CASE("hosts discover the drives and inquire them with the tools they have") {
    VtldProcess vtld;
    const auto listed = run_program("iscsi-ls iscsi://" + vtld.portal() + "/");
    INFO(listed.output);
    CHECK(listed.status == 0);
    CHECK_THAT(listed.output,
               ContainsSubstring("Target:iqn.2026-01.example.test:drive-VT00000001 Portal:" +
                                 vtld.portal() + ",1"));
    CHECK_THAT(listed.output, ContainsSubstring("drive-VT00000002"));
    // libiscsi's login wants the drive to be ready, or empty: the cartridge may still be opened.
    const json ready = {{"serial", first_drive}, {"port", "host1"}, {"cdb", "000000000000"}};
    for (int look = 0; look < 1000 && vtld.call("port.command", ready)["status"] != 0; ++look)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    const auto inquired =
        run_program("iscsi-inq iscsi://" + vtld.portal() + "/" + vtld.target(first_drive) + "/0");
    INFO(inquired.output);
    CHECK(inquired.status == 0);
    CHECK_THAT(inquired.output, ContainsSubstring("SEQUENTIAL_ACCESS"));
}

TEST_CASE("a drive reserved by one host is refused to another until the first one lets go") {
    VtldProcess vtld;
    LibiscsiHost first("iqn.2026-01.example:host1");
    LibiscsiHost second("iqn.2026-01.example:host2");
    REQUIRE(first.log_in(vtld.portal(), vtld.target(first_drive)));
    REQUIRE(second.log_in(vtld.portal(), vtld.target(first_drive)));
    first.settle();
    second.settle();
    REQUIRE(first.run(reserve_6).status == good);
    CHECK(second.run(test_unit_ready).status == reservation_conflict);
    const auto holder =
        vtld.call("drive.show", {{"serial", first_drive}})["reservation"]["holders"][0];
    CHECK(holder["transport"] == "iscsi");
    CHECK(holder["name"] == "iqn.2026-01.example:host1");
    CHECK(holder["isid"].get<std::string>().size() == 12);
    CHECK(holder["address"] == "127.0.0.1");
    CHECK(vtld.call("session.list").size() == 2);

    SECTION("by logout: released before the answer") {
        first.log_out();
        CHECK(vtld.reservation_state(first_drive) == "free");
    }
    SECTION("by a broken connection") {
        first.break_connection();
        CHECK(vtld.becomes(first_drive, "free"));
    }
    SECTION("by an operator who drops the session") {
        vtld.call("fault.inject", {{"serial", first_drive}, {"fault", "drop_session"}});
        CHECK(vtld.reservation_state(first_drive) == "free");
    }
    SECTION("by power loss") {
        vtld.call("fault.inject", {{"serial", first_drive}, {"fault", "power_cycle"}});
        CHECK(vtld.reservation_state(first_drive) == "free");
        CHECK(vtld.call("session.list").empty());
    }
}

TEST_CASE("header digests work with somebody else's initiator") {
    VtldProcess vtld;
    LibiscsiHost host("iqn.2026-01.example:host1", {.digests = true, .user = {}, .secret = {}});
    REQUIRE(host.log_in(vtld.portal(), vtld.target(first_drive)));
    CHECK(vtld.call("session.list")[0]["header_digest"] == "CRC32C");
    const auto inquiry = host.run({0x12, 0, 0, 0, 96, 0}, 96);
    CHECK(inquiry.status == good);
    CHECK(inquiry.data.size() >= 36);
    host.settle();
    CHECK(host.run(reserve_6).status == good);
}

TEST_CASE("with CHAP the secret decides who comes in") {
    const auto key =
        std::filesystem::temp_directory_path() / ("chap-" + std::to_string(::getpid()));
    std::ofstream(key) << "twelve bytes and more\n";
    std::filesystem::permissions(
        key, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    VtldProcess vtld(json::object({{"chap", {{"user", "backup"}, {"secret_file", key.string()}}}}));
    const auto target = vtld.target(first_drive);
    LibiscsiHost right("iqn.2026-01.example:host1",
                       {.digests = false, .user = "backup", .secret = "twelve bytes and more"});
    INFO(right.error());
    CHECK(right.log_in(vtld.portal(), target));
    LibiscsiHost wrong("iqn.2026-01.example:host2",
                       {.digests = false, .user = "backup", .secret = "twelve bytes or more"});
    CHECK_FALSE(wrong.log_in(vtld.portal(), target));
    LibiscsiHost without("iqn.2026-01.example:host3");
    CHECK_FALSE(without.log_in(vtld.portal(), target));
    CHECK(vtld.call("session.list").size() == 1);
    std::filesystem::remove(key);
}

TEST_CASE("garbage closes its own connection and no other") {
    VtldProcess vtld;
    LibiscsiHost host("iqn.2026-01.example:host1");
    REQUIRE(host.log_in(vtld.portal(), vtld.target(first_drive)));
    host.settle();
    REQUIRE(host.run(reserve_6).status == good);
    for (const auto& bytes :
         {std::string("GET / HTTP/1.1\r\nHost: library\r\nUser-Agent: somebody\r\n\r\n"),
          std::string(100'000, '\xff'), std::string(4096, '\0')}) {
        const RawConnection raw(vtld.port());
        raw.send(bytes);
        CHECK(raw.is_closed_by_peer());
    }
    CHECK(host.run(test_unit_ready).status != reservation_conflict);
    CHECK(vtld.reservation_state(first_drive) == "reserved");
}

TEST_CASE("a host that no longer answers loses its session and its reservation") {
    VtldProcess vtld(json::object({{"ping_after_ms", 100}}));
    LibiscsiHost host("iqn.2026-01.example:host1");
    REQUIRE(host.log_in(vtld.portal(), vtld.target(first_drive)));
    host.settle();
    REQUIRE(host.run(reserve_6).status == good);
    // libiscsi answers pings only while somebody runs its loop, and nobody does: to the drive this
    // host is dead.
    CHECK(vtld.reservation_state(first_drive) == "reserved");
    const auto began = std::chrono::steady_clock::now();
    bool is_free = false;
    while (!is_free && std::chrono::steady_clock::now() - began < std::chrono::seconds(30)) {
        is_free = vtld.becomes(first_drive, "free");
    }
    CHECK(is_free);
    CHECK(vtld.call("library.status")["iscsi"]["timeouts"] == 1);
}
