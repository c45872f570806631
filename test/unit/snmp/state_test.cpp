#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "snmp_mib/engine_state.hpp"
#include "snmp_mib/key_file.hpp"
#include "snmp_mib/mib_rows_json.hpp"
#include "snmp_mib/notice_codec.hpp"
#include "snmp_mib/snmp_library.hpp"
#include "snmp_mib/snmp_message.hpp"
#include "snmp_mib/udp_address.hpp"
#include "snmp_mib/usm_users.hpp"
#include "test/support/catch.hpp"

using namespace snmp_mib;

namespace {

struct Folder {
    Folder() {
        std::string pattern = "/tmp/lra-state-XXXXXX";
        path = ::mkdtemp(pattern.data());
    }
    ~Folder() { std::filesystem::remove_all(path); }
    std::string write(const std::string& name, const std::string& content,
                      mode_t mode = 0600) const {
        const std::string file = path + "/" + name;
        std::ofstream(file) << content;
        ::chmod(file.c_str(), mode);
        return file;
    }
    std::string path;
};

}  // namespace

TEST_CASE("boots rise by one with each start and the engine ID stays") {
    const Folder folder;
    const auto first = next_engine_identity(folder.path, "");
    REQUIRE(first);
    CHECK(first->engine_id.size() == 13);
    const auto second = next_engine_identity(folder.path, "");
    REQUIRE(second);
    CHECK(second->engine_id == first->engine_id);
    CHECK(second->boots == first->boots + 1);
    // A configured ID that is new does not start below an earlier life's count of it.
    const auto other =
        next_engine_identity(folder.path, std::string("\x80\x00\x00\x00\x01\x02", 6));
    REQUIRE(other);
    CHECK(other->boots >= 3'000'000);
}

TEST_CASE("an engine that lost its state still counts upwards") {
    const Folder folder;
    const Folder wiped;
    CHECK(next_engine_identity(wiped.path, "abcdef")->boots >=
          next_engine_identity(folder.path, "abcdef")->boots);
}

TEST_CASE("a damaged state file is an error, not a new engine") {
    const Folder folder;
    for (const char* content : {"x", "8000 5", "800000000102 99999999999", "800000000102"}) {
        folder.write("snmp-engine", content);
        const auto identity = next_engine_identity(folder.path, "");
        REQUIRE_FALSE(identity);
        CHECK_THAT(identity.error().message, ContainsSubstring("damaged"));
    }
    CHECK_FALSE(next_engine_identity(folder.path + "/nowhere", ""));
}

TEST_CASE("learnt engines are there after a restart") {
    const Folder folder;
    auto learnt = LearntEngines::load(folder.path);
    REQUIRE(learnt);
    learnt.value().remember("host-a", "abcde");
    learnt.value().remember("host-b", "fghij");
    CHECK_FALSE(LearntEngines::load(folder.path)->find("host-a"));
    REQUIRE(learnt.value().keep());
    const auto again = LearntEngines::load(folder.path);
    REQUIRE(again);
    CHECK(again->find("host-a") == "abcde");
    CHECK_FALSE(again->find("host-c"));
    folder.write("snmp-peers", "zz host\n");
    REQUIRE(learnt.value().keep());  // nothing new: nothing is written
    CHECK_FALSE(LearntEngines::load(folder.path));
}

TEST_CASE("learnt engines that could not be written are written the next time") {
    const Folder folder;
    const std::string state = folder.path + "/state";
    std::filesystem::create_directory(state);
    auto learnt = LearntEngines::load(state);
    REQUIRE(learnt);
    learnt.value().remember("host-a", "abcde");
    std::filesystem::remove(state);
    REQUIRE_FALSE(learnt.value().keep());
    std::filesystem::create_directory(state);
    REQUIRE(learnt.value().keep());
    CHECK(LearntEngines::load(state)->find("host-a") == "abcde");
}

TEST_CASE("a key file must be private and say one key") {
    const Folder folder;
    CHECK(std::get<Passphrase>(*read_key_file(folder.write("a", "passphrase eight888\n"))).text ==
          "eight888");
    CHECK(std::get<MasterKey>(*read_key_file(folder.write("b", "master 0x" + std::string(64, 'a'))))
              .bytes.size() == 32);
    const auto error_of = [&](const std::string& content, mode_t mode = 0600) {
        const auto content_read = read_key_file(folder.write("c", content, mode));
        return content_read ? std::string() : content_read.error().message;
    };
    for (const mode_t mode : {0640U, 0604U, 0644U, 0660U}) {
        CHECK_THAT(error_of("passphrase eight888", mode), ContainsSubstring("chmod 600"));
    }
    CHECK_THAT(error_of("passphrase short"), ContainsSubstring("shorter than 8"));
    CHECK_THAT(error_of("master 00"), ContainsSubstring("32 to 64 bytes"));
    CHECK_THAT(error_of("secretword"), ContainsSubstring("expected one line"));
    CHECK(error_of("secretword").find("secretword") == std::string::npos);
    CHECK_THAT(error_of("passphrase eight888\npassphrase more9999\n"),
               ContainsSubstring("more than one line"));
    CHECK_FALSE(read_key_file(folder.path));
    CHECK_FALSE(read_key_file(folder.path + "/none"));
}

TEST_CASE("addresses as people write them") {
    CHECK(udp_address_from_text("udp:127.0.0.1:10162")->port == 10162);
    CHECK(udp_address_from_text("host.example:162")->host == "host.example");
    CHECK(udp_address_from_text("udp6:[::1]:162")->host == "::1");
    CHECK(udp_address_from_text("udp:*:162")->host.empty());
    for (const char* bad : {"", "udp:", "127.0.0.1", "udp:127.0.0.1:", "udp:127.0.0.1:70000",
                            "udp:::1:162", "udp:[::1]", "tcp:h:1", "udp:h:1x"}) {
        CHECK_FALSE(udp_address_from_text(bad));
    }
}

TEST_CASE("rows cross the pipe to the helper unchanged, and a bent line is an error") {
    MibRows rows;
    rows.scalars = {OctetString{"ctl"}, Counter64{~std::uint64_t{0}}, Unsigned32{4'000'000'000U},
                    Integer32{-1}};
    rows.tables[1].push_back(
        {{1, 65}, std::vector<VarbindValue>(6, OctetString{std::string("\x00\xff", 2)})});
    const std::string line = to_json_line(rows);
    CHECK(line.find('\n') == std::string::npos);
    const auto read = rows_from_json_line(line);
    REQUIRE(read);
    CHECK(*read == rows);
    for (const char* bad : {"", "{}", "[]", "null", R"({"scalars":[]})"})
        CHECK_FALSE(rows_from_json_line(bad));
    std::string narrow = line;
    narrow.replace(narrow.find("\"columns\":["), 11, "\"columns\":[1,");
    CHECK_FALSE(rows_from_json_line(narrow));
}

// One test case, since the library starts once per process.
TEST_CASE("a notice with a long iSCSI name fits the 484 bytes that every engine accepts") {
    const Folder folder;
    const auto identity = next_engine_identity(folder.path, "");
    REQUIRE(identity);
    REQUIRE(prepare_snmp_library({"lra-test", folder.path, *identity, {}}));
    CHECK_FALSE(prepare_snmp_library({"lra-test", folder.path, *identity, {}}));
    REQUIRE(start_snmp_library());

    const std::string key = folder.write("key", "passphrase eight888\n");
    const std::string master = folder.write("master", "master " + std::string(64, 'a'));
    const auto user = load_user(
        {.name = "host-backup1", .authentication_key_file = key, .privacy_key_file = key});
    REQUIRE(user);
    const auto strong = load_user({.name = "strong",
                                   .authentication = AuthenticationProtocol::sha512,
                                   .authentication_key_file = key,
                                   .privacy = PrivacyProtocol::aes256,
                                   .privacy_key_file = key});
    REQUIRE(strong);
    CHECK(load_user({.name = "m", .authentication_key_file = master, .privacy_key_file = master}));
    CHECK_FALSE(load_user({.name = "m",
                           .authentication = AuthenticationProtocol::sha512,
                           .authentication_key_file = master,
                           .privacy_key_file = master}));
    CHECK_FALSE(load_user({.name = "", .authentication_key_file = key, .privacy_key_file = key}));
    const std::string peer_engine(
        "\x80\x00\x1f\x88\x05"
        "12345678",
        13);
    REQUIRE(add_user(*user, peer_engine));
    REQUIRE(add_user(*strong, peer_engine));
    set_engine_clock(peer_engine, 3'600'000, 1'000'000, true);

    agent::core::Notice notice;
    notice.id = {3, 41};
    notice.controller = "library-1";
    notice.drive.text = "VT00000001";
    notice.reservation = {
        agent::core::ReservationState::reserved,
        agent::core::ReservationKind::persistent,
        agent::core::PersistentReservation{3, 0xabcdef01},
        {{agent::core::Transport::iscsi, "iqn.1991-05.com.microsoft:backup01.corp.example.com",
          "00023d000001", "192.0.2.17"}}};
    notice.holder_domain = "backup-a";
    const auto varbinds = encode(AgentMessage{ReservationNotice{notice}}, {8'640'000});
    const auto datagram = encode_message(
        V3Notification{true, 0x7ffffffe, 0x7ffffffe, peer_engine, "host-backup1"}, varbinds);
    REQUIRE(datagram);
    INFO("bytes: " << datagram->size());
    CHECK(datagram->size() <= 484);
    CHECK(encode_message(V3Notification{true, 1, 1, peer_engine, "strong"}, varbinds));
    CHECK_FALSE(encode_message(V3Notification{true, 1, 1, peer_engine, "nobody"}, varbinds));
    remove_user("host-backup1", peer_engine);
    CHECK_FALSE(encode_message(V3Notification{true, 1, 1, peer_engine, "host-backup1"}, varbinds));
}
