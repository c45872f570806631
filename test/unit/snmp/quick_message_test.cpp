// The quick way for SNMPv3 messages, judged by the SNMP library: each must understand what the
// other wrote, and what the quick way takes the library takes as the same.

#include "snmp_mib/quick_message.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

#include "snmp_mib/engine_state.hpp"
#include "snmp_mib/notice_codec.hpp"
#include "snmp_mib/oids.hpp"
#include "snmp_mib/snmp_library.hpp"
#include "snmp_mib/snmp_message.hpp"
#include "snmp_mib/usm_users.hpp"
#include "test/support/catch.hpp"

using namespace snmp_mib;

namespace {

using Datagram = std::vector<std::uint8_t>;

const std::string other_engine("\x80\x00\x1f\x88\x05other678", 13);

UsmUserKeys user_named(const std::string& name, AuthenticationProtocol authentication,
                       PrivacyProtocol privacy) {
    const std::size_t length = authentication == AuthenticationProtocol::sha256   ? 32
                               : authentication == AuthenticationProtocol::sha384 ? 48
                                                                                  : 64;
    UsmUserKeys keys;
    keys.name = name;
    keys.authentication = authentication;
    keys.privacy = privacy;
    keys.authentication_master = std::string(length, 'a') + name;
    keys.authentication_master.resize(length, '.');
    keys.authentication_master[0] = name.back();
    keys.privacy_master = std::string(length, 'p');
    return keys;
}

struct Pairing {
    std::string user;
    AuthenticationProtocol authentication;
    PrivacyProtocol privacy;
};
const std::vector<Pairing>& pairings() {
    static const std::vector<Pairing> all{
        {"user-0", AuthenticationProtocol::sha256, PrivacyProtocol::aes128},
        {"user-1", AuthenticationProtocol::sha256, PrivacyProtocol::aes256},
        {"user-2", AuthenticationProtocol::sha384, PrivacyProtocol::aes128},
        {"user-3", AuthenticationProtocol::sha384, PrivacyProtocol::aes256},
        {"user-4", AuthenticationProtocol::sha512, PrivacyProtocol::aes128},
        {"user-5", AuthenticationProtocol::sha512, PrivacyProtocol::aes256},
    };
    return all;
}

// The library starts once per process: one engine for all test cases. Its own engine ID.
const std::string& own_engine() {
    static const std::string id = [] {
        const auto folder = std::filesystem::temp_directory_path() /
                            ("lra-quick-message-" + std::to_string(::getpid()));
        std::filesystem::create_directories(folder);
        const auto identity = next_engine_identity(folder.string(), "");
        REQUIRE(identity);
        REQUIRE(prepare_snmp_library({"lra-test", folder.string(), *identity, {}}));
        REQUIRE(start_snmp_library());
        std::filesystem::remove_all(folder);
        return identity->engine_id;
    }();
    static const bool users_added = [] {
        for (const std::string& engine : {id, other_engine}) {
            for (const Pairing& pairing : pairings()) {
                REQUIRE(add_user(user_named(pairing.user, pairing.authentication, pairing.privacy),
                                 engine));
            }
        }
        return true;
    }();
    REQUIRE(users_added);
    set_engine_clock(other_engine, 7, 1'000'000, true);
    return id;
}

Datagram bytes_of_text(const std::string& text) {
    return {text.begin(), text.end()};
}

std::optional<QuickMessage> quickly(const Datagram& datagram) {
    const Envelope envelope = envelope_of(datagram);
    const auto* v3 = std::get_if<V3Envelope>(&envelope);
    if (v3 == nullptr) return std::nullopt;
    return open_quickly(*v3, datagram);
}

std::vector<Varbind> every_kind_of_value() {
    std::vector<Varbind> varbinds{{oids::sys_up_time_0, TimeTicks{0xffffffff}},
                                  {oids::snmp_trap_oid_0, Oid{1, 3, 6, 1, 4, 1, 0xffffffff, 0}}};
    const Oid name{2, 39, 128, 16'383, 16'384, 0};
    for (const std::int32_t number : {0, 1, -1, 127, 128, -128, -129, 255, 256, 32'767, 32'768,
                                      -32'768, -32'769, 0x7fffffff, -0x7fffffff - 1})
        varbinds.push_back({name, Integer32{number}});
    for (const std::uint32_t number : {0U, 127U, 128U, 0x7fffffffU, 0x80000000U, 0xffffffffU})
        varbinds.push_back({name, Unsigned32{number}});
    for (const std::uint64_t number : {0ULL, 0x80ULL, 0x123456789aULL, ~0ULL})
        varbinds.push_back({name, Counter64{number}});
    for (const std::size_t length : {0U, 1U, 127U, 128U, 255U, 256U, 700U})
        varbinds.push_back({name, OctetString{std::string(length, '\xc3')}});
    return varbinds;
}

// As `said` by a user at an engine at any time, right or not, with any scoped PDU.
Datagram sealed(const std::string& user, const std::string& engine, EngineMoment said,
                const Datagram& scoped_pdu, std::int32_t id = 77) {
    V3Header header;
    header.message_id = id;
    header.reportable = true;
    header.engine_id = engine;
    header.engine_boots = said.boots;
    header.engine_time = said.time;
    header.user = user;
    UserAtEngine* at = find_user(user, engine);
    REQUIRE(at != nullptr);
    header.signature_length = at->seal->signature_length();
    std::array<std::uint8_t, datagram_length_max> space{};
    const auto plain = write_v3(space, header, scoped_pdu);
    REQUIRE(plain);
    REQUIRE(at->seal->close(*plain, said.boots, said.time));
    return {plain->datagram.begin(), plain->datagram.end()};
}

Datagram decrypted_inform(const std::string& engine, const std::vector<Varbind>& varbinds) {
    const auto datagram = encode_message(V3Notification{true, 77, 77, engine, "user-0"}, varbinds);
    REQUIRE(datagram);
    const auto opened = quickly(bytes_of_text(*datagram));
    REQUIRE(opened);
    return opened->scoped_pdu;
}

EngineMoment now_at(const std::string& engine) {
    const auto now = EngineClock(engine).now();
    REQUIRE(now);
    return *now;
}

// What the quick way takes, the library takes as the same.
bool agree(const Datagram& datagram) {
    const auto quick = quickly(datagram);
    const ReceivedMessage library = ReceivedMessage::decode(datagram);
    if (!quick) return true;
    // Of a Response the variables are not looked at: they are what was sent.
    const bool is_accepted = library.verdict() == ReceivedMessage::Verdict::accepted;
    if (quick->type == V3Pdu::response && !is_accepted) return true;
    const bool same_type =
        (quick->type == V3Pdu::inform && library.command() == ReceivedMessage::Command::inform) ||
        (quick->type == V3Pdu::trap && library.command() == ReceivedMessage::Command::trap) ||
        (quick->type == V3Pdu::response && library.command() == ReceivedMessage::Command::response);
    return is_accepted && same_type && library.authenticated_and_encrypted() &&
           library.user() == quick->user && library.engine_id() == quick->engine_id &&
           library.request_id() == quick->request_id &&
           (quick->type == V3Pdu::response ? library.error_status() == quick->error_status
                                           : library.varbinds() == quick->varbinds);
}

}  // namespace

TEST_CASE("the library reads what was written quickly, in every pair of protocols") {
    for (const std::string& engine : {own_engine(), other_engine}) {
        for (const Pairing& pairing : pairings()) {
            INFO(pairing.user);
            const auto body = notification_body(every_kind_of_value());
            for (const bool inform : {true, false}) {
                const auto datagram = encode_quickly(
                    V3Notification{inform, 0x7ffffffe, 4'711, engine, pairing.user}, *body);
                REQUIRE(datagram);
                ReceivedMessage read = ReceivedMessage::decode(bytes_of_text(*datagram));
                REQUIRE(read.verdict() == ReceivedMessage::Verdict::accepted);
                CHECK(read.authenticated_and_encrypted());
                CHECK(read.command() ==
                      (inform ? ReceivedMessage::Command::inform : ReceivedMessage::Command::trap));
                CHECK(read.request_id() == 4'711);
                CHECK(read.user() == pairing.user);
                CHECK(read.engine_id() == engine);
                CHECK(read.varbinds() == body->varbinds);
                if (!inform) continue;
                const auto response = read.response();
                REQUIRE(response);
                const auto answer = quickly(bytes_of_text(*response));
                REQUIRE(answer);
                CHECK(answer->type == V3Pdu::response);
                CHECK(answer->message_id == 0x7ffffffe);
                CHECK(answer->request_id == 4'711);
                CHECK(answer->error_status == 0);
            }
        }
    }
}

TEST_CASE("what the library wrote is read quickly, in every pair of protocols") {
    for (const std::string& engine : {own_engine(), other_engine}) {
        for (const Pairing& pairing : pairings()) {
            INFO(pairing.user);
            const auto varbinds = every_kind_of_value();
            for (const bool inform : {true, false}) {
                const auto datagram = encode_message(
                    V3Notification{inform, 1, 2'000'000'000, engine, pairing.user}, varbinds);
                REQUIRE(datagram);
                const auto read = quickly(bytes_of_text(*datagram));
                REQUIRE(read);
                CHECK(read->type == (inform ? V3Pdu::inform : V3Pdu::trap));
                CHECK(read->message_id == 1);
                CHECK(read->request_id == 2'000'000'000);
                CHECK(read->user == pairing.user);
                CHECK(read->engine_id == engine);
                CHECK(read->varbinds == varbinds);
                if (!inform) continue;
                const auto response = answer_quickly(*read);
                REQUIRE(response);
                const ReceivedMessage answer = ReceivedMessage::decode(bytes_of_text(*response));
                REQUIRE(answer.verdict() == ReceivedMessage::Verdict::accepted);
                CHECK(answer.command() == ReceivedMessage::Command::response);
                CHECK(answer.authenticated_and_encrypted());
                CHECK(answer.request_id() == 2'000'000'000);
                CHECK(answer.error_status() == 0);
                CHECK(answer.varbinds() == varbinds);
            }
        }
    }
}

// Captured when both ends had nothing but the library.
TEST_CASE("a captured inform and its Response are read as the library reads them") {
    own_engine();
    const auto captured = [](const std::string& name) {
        std::ifstream file(LRA_FIXTURES "/snmp/" + name, std::ios::binary);
        REQUIRE(file.good());
        return Datagram{std::istreambuf_iterator<char>(file), {}};
    };
    const Datagram inform = captured("confirmation-inform.bin");
    const Envelope envelope = envelope_of(inform);
    const auto& v3 = std::get<V3Envelope>(envelope);
    const auto key = std::filesystem::temp_directory_path() /
                     ("lra-quick-message-key-" + std::to_string(::getpid()));
    std::ofstream(key) << "passphrase correct horse battery\n";
    std::filesystem::permissions(key, std::filesystem::perms::owner_read);
    const auto user = load_user({.name = "host-a",
                                 .authentication_key_file = key.string(),
                                 .privacy_key_file = key.string()});
    std::filesystem::remove(key);
    REQUIRE(user);
    REQUIRE(add_user(*user, v3.authoritative_engine_id));
    set_engine_clock(v3.authoritative_engine_id, v3.engine_boots, v3.engine_time, true);
    const auto read = quickly(inform);
    REQUIRE(read);
    CHECK(read->type == V3Pdu::inform);
    CHECK(read->varbinds == ReceivedMessage::decode(inform).varbinds());
    const auto message = decode(read->varbinds);
    REQUIRE(message);
    CHECK(std::holds_alternative<NoticeConfirmation>(*message));
    const auto answer = quickly(captured("response.bin"));
    REQUIRE(answer);
    CHECK(answer->type == V3Pdu::response);
    CHECK(answer->message_id == read->message_id);
    CHECK(answer->request_id == read->request_id);
}

TEST_CASE("no two messages are encrypted alike") {
    const auto body = notification_body(every_kind_of_value());
    const V3Notification header{true, 5, 5, own_engine(), "user-0"};
    CHECK(*encode_quickly(header, *body) != *encode_quickly(header, *body));
}

TEST_CASE("a message with any bit changed, cut or with a wrong key is not taken") {
    const auto body = notification_body({{oids::sys_up_time_0, TimeTicks{1}}});
    const Datagram whole =
        bytes_of_text(*encode_quickly(V3Notification{true, 5, 5, own_engine(), "user-1"}, *body));
    REQUIRE(quickly(whole));
    for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
        Datagram changed = whole;
        changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ 1U << bit % 8);
        CHECK_FALSE(quickly(changed));
    }
    for (std::size_t length = 0; length < whole.size(); ++length)
        CHECK_FALSE(quickly({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)}));
    // The same user with another key: nobody who has the old one is believed any more.
    auto keys = user_named("user-1", pairings()[1].authentication, pairings()[1].privacy);
    const auto old = keys;
    keys.authentication_master.back() = '!';
    REQUIRE(add_user(keys, own_engine()));
    CHECK_FALSE(quickly(whole));
    REQUIRE(add_user(old, own_engine()));
    CHECK(quickly(whole));
    // And with another privacy key: what comes out of the decryption is no PDU.
    keys = old;
    keys.privacy_master.back() = '!';
    REQUIRE(add_user(keys, own_engine()));
    CHECK_FALSE(quickly(whole));
    remove_user("user-1", own_engine());
    CHECK_FALSE(quickly(whole));
    CHECK_FALSE(encode_quickly(V3Notification{true, 5, 5, own_engine(), "user-1"}, *body));
    REQUIRE(add_user(old, own_engine()));
}

TEST_CASE("the time window of our own engine is the library's") {
    const Datagram pdu = decrypted_inform(own_engine(), {{oids::sys_up_time_0, TimeTicks{1}}});
    const EngineMoment now = now_at(own_engine());
    struct Case {
        EngineMoment said;
        bool is_taken;
    };
    // The library compares with the second that it is: one of room for the test to cross it.
    for (const Case& one :
         {Case{now, true}, Case{{now.boots, now.time + 149}, true},
          Case{{now.boots, now.time + 153}, false}, Case{{now.boots - 1, now.time}, false},
          Case{{now.boots + 1, now.time}, false}, Case{{0x7fffffff, now.time}, false}}) {
        INFO(one.said.boots << " " << one.said.time);
        const Datagram message = sealed("user-0", own_engine(), one.said, pdu);
        CHECK(quickly(message).has_value() == one.is_taken);
        CHECK((ReceivedMessage::decode(message).verdict() ==
               (one.is_taken ? ReceivedMessage::Verdict::accepted
                             : ReceivedMessage::Verdict::not_in_time_window)));
    }
}

TEST_CASE("another engine's clock goes forward only, and its restart is left to the library") {
    const Datagram pdu = decrypted_inform(own_engine(), {{oids::sys_up_time_0, TimeTicks{1}}});
    const std::string engine(
        "\x80\x00\x1f\x88\x05"
        "clock678",
        13);
    REQUIRE(add_user(user_named("user-0", pairings()[0].authentication, pairings()[0].privacy),
                     engine));
    const auto message = [&](EngineMoment said) { return sealed("user-0", engine, said, pdu); };
    // Not heard of, and what somebody claimed without a key: the library has to learn it first.
    CHECK_FALSE(quickly(message({7, 1'000})));
    set_engine_clock(engine, 7, 1'000, false);
    CHECK_FALSE(quickly(message({7, 1'000})));
    set_engine_clock(engine, 7, 1'000, true);
    CHECK(quickly(message({7, 1'000})));
    CHECK(quickly(message({7, 852})));
    CHECK_FALSE(quickly(message({7, 847})));
    // Newer by any time: the clock follows, and what was in time is not any more.
    CHECK(quickly(message({7, 5'000})));
    CHECK(now_at(engine).time >= 5'000);
    CHECK_FALSE(quickly(message({7, 1'000})));
    CHECK(ReceivedMessage::decode(message({7, 1'000})).verdict() ==
          ReceivedMessage::Verdict::not_in_time_window);
    CHECK_FALSE(quickly(message({6, 5'000})));
    CHECK_FALSE(quickly(message({8, 3})));
    CHECK(ReceivedMessage::decode(message({8, 3})).verdict() == ReceivedMessage::Verdict::accepted);
    CHECK(quickly(message({8, 3})));
    CHECK_FALSE(quickly(message({7, 5'000})));
}

TEST_CASE("signed by who has the key, and still no message of ours: left to the library") {
    const EngineMoment now = now_at(own_engine());
    const Datagram pdu = decrypted_inform(own_engine(), every_kind_of_value());
    CHECK(agree(sealed("user-0", own_engine(), now, pdu)));
    std::mt19937 random(17);
    std::size_t taken = 0;
    for (int round = 0; round < 4'000; ++round) {
        Datagram changed = decrypted_inform(own_engine(), {{oids::sys_up_time_0, TimeTicks{1}},
                                                           {oids::snmp_trap_oid_0, Oid{1, 3, 6}},
                                                           {Oid{1, 3, 9}, Integer32{-77'777}},
                                                           {Oid{1, 3, 9}, Counter64{77'777}},
                                                           {Oid{1, 3, 9}, OctetString{"text"}}});
        const std::size_t changes = 1 + random() % 3;
        for (std::size_t i = 0; i < changes; ++i) {
            const std::size_t at = random() % changed.size();
            const std::uint32_t how = random() % 4;
            if (how == 0) changed[at] = static_cast<std::uint8_t>(random());
            if (how == 1) changed[at] = static_cast<std::uint8_t>(changed[at] + 1);
            if (how == 2) changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(at));
            if (how == 3) changed.push_back(static_cast<std::uint8_t>(random()));
        }
        const Datagram message = sealed("user-0", own_engine(), now, changed);
        taken += quickly(message) ? 1U : 0U;
        INFO("round " << round);
        CHECK(agree(message));
    }
    CHECK(taken > 100);
}

TEST_CASE("a list of variables that is too long, or of other types, is left to the library") {
    own_engine();
    CHECK(notification_body({{Oid{1, 3}, OctetString{std::string(9'000, 'x')}}})->encoded.empty());
    CHECK(notification_body({{Oid{1, 3}, OtherType{0x41}}})->encoded.empty());
    CHECK(notification_body({{Oid{1}, Integer32{1}}})->encoded.empty());
    CHECK(notification_body({{Oid(129, 1), Integer32{1}}})->encoded.empty());
    const auto full = notification_body({{Oid{1, 3}, OctetString{std::string(8'150, 'x')}}});
    CHECK_FALSE(full->encoded.empty());
    CHECK_FALSE(encode_quickly(V3Notification{true, 1, 1, own_engine(), "user-0"}, *full));
    CHECK(encode_message(V3Notification{true, 1, 1, own_engine(), "user-0"}, *full));
}
