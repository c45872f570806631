// A sender and the peers it talks to in one process: engines that change, Reports that are forged,
// destinations that are configured anew.

#include "snmp_mib/message_sender.hpp"

#include <unistd.h>

#include <filesystem>
#include <string>
#include <thread>

#include "snmp_mib/engine_state.hpp"
#include "snmp_mib/snmp_library.hpp"
#include "test/integration/snmp/datagrams.hpp"
#include "test/support/catch.hpp"

using namespace snmp_mib;
using namespace std::chrono_literals;

namespace {

const std::string old_engine("\x80\x00\x1f\x88\x05oldold78", 13);
const std::string new_engine("\x80\x00\x1f\x88\x05newnew78", 13);

// The library starts once per process.
const std::string& own_engine() {
    static const std::string id = [] {
        const auto folder = std::filesystem::temp_directory_path() /
                            ("lra-message-sender-" + std::to_string(::getpid()));
        std::filesystem::create_directories(folder);
        const auto identity = next_engine_identity(folder.string(), "");
        REQUIRE(identity);
        REQUIRE(prepare_snmp_library({"lra-test", folder.string(), *identity, {}}));
        REQUIRE(start_snmp_library());
        std::filesystem::remove_all(folder);
        for (const std::string& engine : {old_engine, new_engine})
            set_engine_clock(engine, 7, 1'000'000, true);
        return identity->engine_id;
    }();
    return id;
}

UsmUserKeys user_named(const std::string& name) {
    UsmUserKeys keys;
    keys.name = name;
    keys.authentication_master = std::string(32, 'a');
    keys.privacy_master = std::string(32, 'p');
    return keys;
}

SharedBody some_body() {
    return notification_body(
        {{oids::sys_up_time_0, TimeTicks{1}}, {oids::snmp_trap_oid_0, Oid{1, 3, 6, 1, 4, 1, 9}}});
}

std::span<const std::uint8_t> bytes_in(const std::string& datagram) {
    return {reinterpret_cast<const std::uint8_t*>(datagram.data()), datagram.size()};
}

// An unauthenticated Report that says usmStatsUnknownEngineIDs (RFC 3414 3.2).
std::string claim_of(const std::string& engine, std::int32_t message_id) {
    const auto wrap = [](char tag, const std::string& content) {
        return std::string(1, tag) + static_cast<char>(content.size()) + content;
    };
    std::string id;
    for (unsigned shift = 32; shift != 0; shift -= 8)
        id += static_cast<char>(static_cast<std::uint32_t>(message_id) >> (shift - 8) & 0xffU);
    const std::string usm = wrap(0x04, engine) + from_hex("020107 020164 0400 0400 0400");
    const std::string varbind = wrap(0x30, from_hex("060a2b060106030f01010400 410101"));
    const std::string pdu =
        wrap(static_cast<char>(0xa8), from_hex("020100 020100 020100") + wrap(0x30, varbind));
    return wrap(0x30, from_hex("020103") +
                          wrap(0x30, wrap(0x02, id) + from_hex("02022000 040100 020103")) +
                          wrap(0x04, wrap(0x30, usm)) +
                          wrap(0x30, wrap(0x04, engine) + from_hex("0400") + pdu));
}

// Whatever can be done now is, however long this process had to wait for a processor.
void settle(asio::io_context& loop) {
    loop.run_for(2ms);
    loop.poll();
}

// Of version 2c: it says the same.
std::string response_to(std::string inform) {
    const std::size_t pdu = inform.find("public") + 6;
    REQUIRE(inform.at(pdu) == static_cast<char>(0xa6));
    inform[pdu] = static_cast<char>(0xa2);
    return inform;
}

// Where a destination's datagrams end.
class Peer {
  public:
    explicit Peer(asio::io_context& loop) : loop_(loop) {}

    [[nodiscard]] DestinationConfiguration configuration(const std::string& engine) const {
        DestinationConfiguration destination;
        destination.address = "udp:127.0.0.1:" + std::to_string(socket_.port());
        destination.known_engine_id = engine;
        destination.user = user_named("nodes");
        return destination;
    }
    // The next one's front; nothing: none came.
    std::optional<V3Envelope> hear(std::chrono::milliseconds patience = 2s) {
        const auto until = std::chrono::steady_clock::now() + patience;
        do {
            loop_.run_for(2ms);
            if (take()) {
                const Envelope envelope = envelope_of(bytes_in(last_));
                const auto* v3 = std::get_if<V3Envelope>(&envelope);
                return v3 != nullptr ? *v3 : V3Envelope{};
            }
        } while (std::chrono::steady_clock::now() < until);
        return std::nullopt;
    }
    // While the sender's loop stands still.
    bool take() {
        const auto datagram = socket_.receive(0ms, &from_);
        if (datagram) last_ = *datagram;
        return datagram.has_value();
    }
    // Of what was heard last.
    [[nodiscard]] std::string acknowledgement() const {
        const Envelope envelope = envelope_of(bytes_in(last_));
        REQUIRE(std::holds_alternative<V3Envelope>(envelope));
        auto message = ReceivedMessage::decode(std::get<V3Envelope>(envelope), bytes_in(last_));
        REQUIRE(message.verdict() == ReceivedMessage::Verdict::accepted);
        const auto response = message.response();
        REQUIRE(response);
        return *response;
    }
    void acknowledge() { say(acknowledgement()); }
    void put(const std::string& datagram) const { socket_.send(datagram, from_); }
    void say(const std::string& datagram) {
        put(datagram);
        settle(loop_);
    }
    void claim(const std::string& engine, std::int32_t message_id) {
        say(claim_of(engine, message_id));
    }
    [[nodiscard]] const std::string& last() const { return last_; }
    [[nodiscard]] std::uint16_t from() const { return from_; }

  private:
    asio::io_context& loop_;
    UdpSocket socket_;
    std::uint16_t from_ = 0;
    std::string last_;
};

struct Bench {
    asio::io_context loop;
    SnmpCounters counters;
    std::vector<SenderEvent> events;
    std::vector<MessageEnd> ends;
    MessageSender sender{loop,
                         {.first_resend_ms = 300, .own_engine_id = own_engine()},
                         counters,
                         [this](const SenderEvent& event) { events.push_back(event); }};
    Peer peer{loop};
    Peer second{loop};

    void inform(const std::string& destination, std::uint32_t attempts_max = 0) {
        sender.submit(
            destination, "", some_body(), Delivery::inform,
            [this](MessageEnd end) { ends.push_back(end); }, attempts_max);
    }
    [[nodiscard]] static bool has_user(const std::string& engine) {
        return find_user("nodes", engine) != nullptr;
    }
    // The peer comes back as another engine, and is believed.
    void change_engine(const std::string& destination, Peer& where) {
        inform(destination);
        auto heard = where.hear();
        REQUIRE(heard);
        REQUIRE(heard->authoritative_engine_id == old_engine);
        where.claim(new_engine, heard->message_id);
        heard = where.hear();
        REQUIRE(heard);
        REQUIRE(heard->authoritative_engine_id == new_engine);
        where.acknowledge();
        REQUIRE(sender.status(destination).engine_id == new_engine);
    }
};

}  // namespace

TEST_CASE("a user that another address of the peer still needs stays when its engine changes") {
    Bench bench;
    REQUIRE(bench.sender.set_destination("b", bench.peer.configuration(old_engine)));
    REQUIRE(bench.sender.set_destination("b/2", bench.second.configuration(old_engine)));
    bench.change_engine("b", bench.peer);
    CHECK(bench.has_user(old_engine));
    bench.change_engine("b/2", bench.second);
    CHECK_FALSE(bench.has_user(old_engine));
    CHECK(bench.has_user(new_engine));
    bench.sender.remove_destination("b");
    CHECK(bench.has_user(new_engine));
    bench.sender.remove_destination("b/2");
    CHECK_FALSE(bench.has_user(new_engine));
}

TEST_CASE("a user that is missing at an engine is added when a message needs it") {
    Bench bench;
    REQUIRE(bench.sender.set_destination("b", bench.peer.configuration(old_engine)));
    remove_user("nodes", old_engine);
    bench.inform("b");
    REQUIRE(bench.peer.hear());
    bench.peer.acknowledge();
    CHECK(bench.ends == std::vector{MessageEnd::acknowledged});
    bench.sender.remove_destination("b");
    CHECK_FALSE(bench.has_user(old_engine));
}

TEST_CASE("nobody becomes our own engine, or that of another peer that answers") {
    Bench bench;
    auto one = bench.peer.configuration(old_engine);
    auto other = bench.second.configuration(new_engine);
    one.peer = "one";
    other.peer = GENERATE(as<std::string>{}, "other", "one");
    REQUIRE(bench.sender.set_destination("one", one));
    REQUIRE(bench.sender.set_destination("other", other));
    bench.inform("other");
    REQUIRE(bench.second.hear());
    bench.second.acknowledge();

    bench.inform("one");
    const auto heard = bench.peer.hear();
    REQUIRE(heard);
    bench.events.clear();
    bench.peer.claim(own_engine(), heard->message_id);
    REQUIRE(bench.events.size() == 1);
    CHECK(bench.events.front().kind == SenderEvent::Kind::engine_refused);
    CHECK_THAT(bench.sender.status("one").trouble, ContainsSubstring("our own"));
    bench.peer.claim(new_engine, heard->message_id);
    const bool refused = other.peer != one.peer;
    CHECK(bench.events.size() == (refused ? 2 : 1));
    const auto again = bench.peer.hear();
    REQUIRE(again);
    CHECK(again->authoritative_engine_id == (refused ? old_engine : new_engine));
    bench.sender.remove_destination("one");
    bench.sender.remove_destination("other");
}

TEST_CASE("a destination whose user goes leaves none behind, and is removed without one") {
    Bench bench;
    const auto with_user = bench.peer.configuration(old_engine);
    REQUIRE(bench.sender.set_destination("nms", with_user));
    REQUIRE(bench.has_user(old_engine));
    auto without = with_user;
    without.user.reset();
    without.community = "public";
    REQUIRE(bench.sender.set_destination("nms", without));
    CHECK_FALSE(bench.has_user(old_engine));

    SECTION("removed") {}
    SECTION("back again") {
        REQUIRE(bench.sender.set_destination("nms", with_user));
        CHECK(bench.has_user(old_engine));
    }
    SECTION("another user") {
        REQUIRE(bench.sender.set_destination("nms", with_user));
        auto other = with_user;
        other.user = user_named("another");
        REQUIRE(bench.sender.set_destination("nms", other));
        CHECK_FALSE(bench.has_user(old_engine));
        CHECK(find_user("another", old_engine) != nullptr);
    }
    SECTION("another address") {
        REQUIRE(bench.sender.set_destination("nms", with_user));
        REQUIRE(bench.sender.set_destination("nms", bench.second.configuration(new_engine)));
        CHECK_FALSE(bench.has_user(old_engine));
        CHECK(bench.has_user(new_engine));
    }
    bench.sender.remove_destination("nms");
    CHECK_FALSE(bench.has_user(old_engine));
    CHECK_FALSE(bench.has_user(new_engine));
    CHECK(find_user("another", old_engine) == nullptr);
}

TEST_CASE("answers that wait in the socket count before anything is sent again or given up") {
    Bench bench;
    constexpr std::size_t informs = 50;
    auto destination = bench.peer.configuration("");
    destination.user.reset();
    destination.community = "public";
    destination.unanswered_max = informs;
    destination.attempts_max = 1;
    REQUIRE(bench.sender.set_destination("nms", destination));
    const bool by_submit = GENERATE(false, true);
    bench.inform("nms");  // who was heard of lately may have many at once
    REQUIRE(bench.peer.hear());
    bench.peer.put(response_to(bench.peer.last()));
    settle(bench.loop);
    REQUIRE(bench.ends.size() == 1);
    for (std::size_t i = 0; i < informs; ++i)
        bench.inform("nms", i % 2 == 0 ? 1 : 2);
    REQUIRE(bench.peer.hear());
    bench.peer.put(response_to(bench.peer.last()));
    for (std::size_t i = 1; i < informs; ++i) {
        REQUIRE(bench.peer.take());
        bench.peer.put(response_to(bench.peer.last()));
    }
    std::this_thread::sleep_for(450ms);  // all are due again, or spent
    if (by_submit) bench.inform("nms");
    settle(bench.loop);
    CHECK(bench.ends == std::vector(1 + informs, MessageEnd::acknowledged));
    CHECK(bench.counters.of(SnmpCount::messages_resent) == 0);
    CHECK(bench.counters.of(SnmpCount::messages_given_up) == 0);
}

TEST_CASE("who answers is written to from another socket than who does not") {
    Bench bench;
    for (Peer* peer : {&bench.peer, &bench.second}) {
        auto destination = peer->configuration("");
        destination.user.reset();
        destination.community = "public";
        REQUIRE(bench.sender.set_destination(peer == &bench.peer ? "alive" : "dead", destination));
    }
    bench.inform("alive");  // nobody knows yet
    REQUIRE(bench.peer.hear());
    const auto unproven = bench.peer.from();
    bench.peer.say(response_to(bench.peer.last()));
    bench.inform("dead");
    REQUIRE(bench.second.hear());
    CHECK(bench.second.from() == unproven);
    bench.inform("alive");
    REQUIRE(bench.peer.hear());
    const auto proven = bench.peer.from();
    CHECK(proven != unproven);
    REQUIRE(bench.second.hear());  // again, and not from the socket of the living
    CHECK(bench.second.from() == unproven);

    // Who falls silent leaves it, and comes back with his answer, whichever socket was asked.
    REQUIRE(bench.peer.hear());
    CHECK(bench.peer.from() == unproven);
    bench.peer.say(response_to(bench.peer.last()));
    bench.inform("alive");
    REQUIRE(bench.peer.hear());
    CHECK(bench.peer.from() == proven);
}

TEST_CASE("of the engine IDs that are claimed for a message two are tried, at no attempt's cost") {
    Bench bench;
    REQUIRE(bench.sender.set_destination("b", bench.peer.configuration(old_engine)));
    bench.inform("b", 1);
    const auto first = bench.peer.hear();
    REQUIRE(first);
    const std::string answer = bench.peer.acknowledgement();
    const auto forged = [](char which) {
        return std::string("\x80\x00\x1f\x88\x05", 5) + "forged" + which;
    };
    for (char which = 'a'; which < 'k'; ++which)
        bench.peer.claim(forged(which), first->message_id);
    CHECK(bench.counters.of(SnmpCount::reports_received) == 2);
    CHECK(bench.has_user(forged('b')));
    for (char which = 'c'; which < 'k'; ++which)
        CHECK_FALSE(bench.has_user(forged(which)));
    // What is claimed again while it is tried is nothing new.
    CHECK(bench.counters.of(SnmpCount::messages_resent) == 2);
    REQUIRE(bench.peer.hear());
    REQUIRE(bench.peer.hear());
    CHECK(bench.counters.of(SnmpCount::messages_resent) == 2);
    CHECK(bench.ends.empty());
    // Its only attempt was the first one, whose answer counts.
    bench.peer.say(answer);
    CHECK(bench.ends == std::vector{MessageEnd::acknowledged});
    bench.sender.remove_destination("b");
    CHECK_FALSE(bench.has_user(forged('b')));
}

TEST_CASE("a claim that is repeated while its engine is tried prompts nothing") {
    Bench bench;
    REQUIRE(bench.sender.set_destination("b", bench.peer.configuration("")));
    bench.inform("b");
    const auto question = bench.peer.hear();
    REQUIRE(question);
    REQUIRE(question->authoritative_engine_id.empty());
    for (int i = 0; i < 10; ++i)
        bench.peer.claim(new_engine, question->message_id);
    REQUIRE(bench.peer.hear());
    CHECK(bench.counters.of(SnmpCount::messages_sent) == 1);
    CHECK(bench.counters.of(SnmpCount::messages_resent) == 0);
    CHECK(bench.counters.of(SnmpCount::reports_received) == 1);
    bench.peer.acknowledge();
    CHECK(bench.sender.status("b").engine_id == new_engine);
    bench.sender.remove_destination("b");
}
