#include "snmp_mib/notice_codec.hpp"

#include <functional>

#include "snmp_mib/oids.hpp"
#include "snmp_mib/varbind_reader.hpp"
#include "test/support/catch.hpp"

using namespace snmp_mib;
using namespace agent::core;

namespace {

Notice usual_notice() {
    Notice notice;
    notice.id = {3, 41};
    notice.controller = "library-1";
    notice.drive.text = "VT00000001";
    notice.reservation.state = ReservationState::reserved;
    notice.reservation.kind = ReservationKind::persistent;
    notice.reservation.persistent = PersistentReservation{3, 0xabcdef01};
    notice.reservation.holders = {{Transport::iscsi,
                                   "iqn.1991-05.com.microsoft:backup01.corp.example.com",
                                   "00023d000001", "192.0.2.17"}};
    notice.evidence = HolderEvidence::full_status;
    notice.holder_domain = "backup-a";
    return notice;
}

HolderStatement usual_statement() {
    return {
        {3, 42},
        "library-1",
        "host-a",
        {"VT00000001"},
        HolderAnswer::mine,
        ReleaseResult::not_configured,
        {{Transport::fc, "2100000e1e09a1b0", "", ""}, {Transport::sas, "5000000000000001", "", ""}},
        "backup-a",
        "/dev/nst0 is open in bareos-sd (4711)"};
}

std::vector<AgentMessage> all_messages() {
    Confirmation confirmation{
        {3, 41}, "library-1", "host-a", {"VT00000001"}, ConfirmationResult::set_offline, "done"};
    return {ReservationNotice{usual_notice()},
            NoticeConfirmation{confirmation},
            AgentStartedMessage{{"library-1", "host-a", 12}},
            AgentStoppingMessage{{"library-1", "host-a", 12}},
            HolderInquiryMessage{{{3, 42}, "library-1", {"VT00000001"}, HolderRequest::release}},
            HolderStatementMessage{usual_statement()}};
}

bool same(const AgentMessage& a, const AgentMessage& b) {
    return encode(a, {0}) == encode(b, {0}) && a.index() == b.index();
}

std::string error_of(const std::vector<Varbind>& varbinds) {
    const auto decoded = decode(varbinds);
    return decoded ? "" : decoded.error().message;
}

Varbind& object(std::vector<Varbind>& varbinds, oids::NotifyObject which) {
    for (Varbind& varbind : varbinds) {
        if (varbind.name == oids::of(which)) return varbind;
    }
    throw std::logic_error("no such object");
}

}  // namespace

TEST_CASE("every message between agents reads back as it was written") {
    for (const AgentMessage& message : all_messages()) {
        const auto decoded = decode(encode(message, {4711}));
        REQUIRE(decoded);
        CHECK(same(*decoded, message));
    }
    const auto decoded = decode(encode(AgentMessage{ReservationNotice{usual_notice()}}, {0}));
    REQUIRE(decoded);
    CHECK(std::get<ReservationNotice>(*decoded).notice == usual_notice());
    const auto statement =
        decode(encode(AgentMessage{HolderStatementMessage{usual_statement()}}, {0}));
    REQUIRE(statement);
    CHECK(std::get<HolderStatementMessage>(*statement).statement == usual_statement());
}

TEST_CASE("every state, kind, evidence and operational state survives") {
    for (int state = 0; state < 3; ++state) {
        for (int kind = 0; kind < 5; ++kind) {
            for (int evidence = 0; evidence < 6; ++evidence) {
                for (int operational = 0; operational < 4; ++operational) {
                    Notice notice = usual_notice();
                    notice.reservation.state = static_cast<ReservationState>(state);
                    notice.reservation.kind = static_cast<ReservationKind>(kind);
                    notice.evidence = static_cast<HolderEvidence>(evidence);
                    notice.operational_state = static_cast<OperationalState>(operational);
                    if (kind != 4) notice.reservation.persistent.reset();
                    const auto decoded =
                        decode(encode(AgentMessage{ReservationNotice{notice}}, {0}));
                    REQUIRE(decoded);
                    CHECK(std::get<ReservationNotice>(*decoded).notice == notice);
                }
            }
        }
    }
}

TEST_CASE("a message with its end cut off, an object twice or one too many is refused") {
    for (const AgentMessage& message : all_messages()) {
        const std::vector<Varbind> whole = encode(message, {0});
        for (std::size_t length = 0; length < whole.size(); ++length) {
            CHECK_FALSE(decode(std::span(whole).first(length)));
        }
        for (std::size_t twice = 0; twice < whole.size(); ++twice) {
            std::vector<Varbind> doubled = whole;
            doubled.insert(doubled.begin() + static_cast<std::ptrdiff_t>(twice), whole[twice]);
            CHECK_FALSE(decode(doubled));
        }
        std::vector<Varbind> longer = whole;
        longer.push_back({oids::of(oids::NotifyObject::text), OctetString{"more"}});
        CHECK(error_of(longer) == "more objects than the notification has");
    }
}

TEST_CASE("a value of another type is refused, whichever and wherever") {
    const VarbindValue wrong[] = {Integer32{1},     Unsigned32{1}, Counter64{1}, TimeTicks{1},
                                  OctetString{"x"}, Oid{1, 3},     OtherType{5}};
    for (const AgentMessage& message : all_messages()) {
        const std::vector<Varbind> whole = encode(message, {0});
        for (std::size_t at = 0; at < whole.size(); ++at) {
            for (const VarbindValue& value : wrong) {
                if (value.index() == whole[at].value.index()) continue;
                std::vector<Varbind> bent = whole;
                bent[at].value = value;
                CHECK_FALSE(decode(bent));
            }
        }
    }
}

TEST_CASE("lengths and values outside the module's limits are refused by name") {
    using oids::NotifyObject;
    std::vector<Varbind> notice = encode(all_messages()[0], {0});
    const auto refused = [&](NotifyObject which, std::string bytes) {
        std::vector<Varbind> bent = notice;
        object(bent, which).value = OctetString{std::move(bytes)};
        return error_of(bent);
    };
    CHECK(refused(NotifyObject::controller, "") ==
          "tlrNotifyController has 0 bytes instead of 1 to 64");
    CHECK(refused(NotifyObject::controller, std::string(65, 'x')) ==
          "tlrNotifyController has 65 bytes instead of 1 to 64");
    CHECK(refused(NotifyObject::controller, "a\nb") == "tlrNotifyController is not plain text");
    CHECK(refused(NotifyObject::controller, "\xc3") == "tlrNotifyController is not plain text");
    CHECK_THAT(refused(NotifyObject::notice, std::string(15, 'x')),
               ContainsSubstring("tlrNotifyNotice has 15 bytes"));
    CHECK_THAT(refused(NotifyObject::reservation, std::string(6, '\x01')),
               ContainsSubstring("a length that it never has"));
    CHECK_THAT(refused(NotifyObject::reservation, std::string("\x04\x01\x01\x01\x01", 5)),
               ContainsSubstring("a value that does not exist"));
    CHECK_THAT(refused(NotifyObject::holders, "fc:xyz"), ContainsSubstring("not a list of ports"));
    CHECK_THAT(refused(NotifyObject::holders, "fc:2100000e1e09a1b0 fc:2100000e1e09a1b1"),
               ContainsSubstring("more ports than"));
    CHECK_THAT(refused(NotifyObject::holders, "fc:2100000e1e09a1b0 "),
               ContainsSubstring("ends with a blank"));
    std::vector<Varbind> confirmation = encode(all_messages()[1], {0});
    for (const int result : {0, 11, -1}) {
        object(confirmation, NotifyObject::result).value = Integer32{result};
        CHECK(error_of(confirmation) == "tlrNotifyResult is not one of its values");
    }
}

TEST_CASE("notifications of others and of the future are refused") {
    std::vector<Varbind> varbinds = encode(all_messages()[2], {0});
    for (const Oid& other :
         {Oid{1, 3, 6, 1, 6, 3, 1, 1, 5, 1}, oids::below(oids::module_root, {0}),
          oids::below(oids::module_root, {0, 5}), oids::below(oids::module_root, {0, 999}),
          oids::below(oids::module_root, {0, 1, 1}), Oid{}}) {
        varbinds[1].value = other;
        CHECK_FALSE(decode(varbinds));
    }
}

TEST_CASE("of very many holders the first are listed and the count says how many there are") {
    Notice notice = usual_notice();
    notice.reservation.holders.clear();
    for (unsigned i = 0; i < 100; ++i) {
        notice.reservation.holders.push_back({Transport::fc,
                                              "2100000e1e09a1" +
                                                  std::string(1, "0123456789"[i / 10]) +
                                                  std::string(1, "0123456789"[i % 10]),
                                              "", ""});
    }
    const auto varbinds = encode(AgentMessage{ReservationNotice{notice}}, {0});
    const auto decoded = decode(varbinds);
    REQUIRE(decoded);
    CHECK(std::get<ReservationNotice>(*decoded).notice.reservation.holders.size() == holders_max);
    for (const Varbind& varbind : varbinds) {
        if (varbind.name == oids::of(oids::NotifyObject::reservation)) {
            CHECK(std::get<OctetString>(varbind.value).bytes[4] == 100);
        }
    }
}

TEST_CASE("every alarm has a raise and a clear with the same key, severity and sequence") {
    std::vector<Oid> seen;
    for (int kind : {1, 2, 3, 4, 5, 6, 20, 21, 22, 23, 24, 25, 40}) {
        for (const bool active : {true, false}) {
            AlarmNotification notification{"library-1", 17, active, {}};
            notification.alarm.key = {static_cast<AlarmKind>(kind), {"VT00000001"}, "host-a"};
            notification.alarm.severity = Severity::critical;
            notification.alarm.raised_at = {1'769'860'800'123};
            notification.alarm.text = "what happened";
            const auto varbinds = encode(notification, {5});
            const Oid name = std::get<Oid>(varbinds[1].value);
            // The concerns about a drive have one notification and tell by their kind.
            if (kind <= 20 || kind == 40)
                CHECK(std::find(seen.begin(), seen.end(), name) == seen.end());
            seen.push_back(name);
            const auto decoded = decode_alarm(varbinds);
            REQUIRE(decoded);
            CHECK(*decoded == notification);
            CHECK_FALSE(decode(varbinds));
            for (std::size_t length = 0; length < varbinds.size(); ++length) {
                CHECK_FALSE(decode_alarm(std::span(varbinds).first(length)));
            }
        }
    }
    const TestNotification test{"library-1", 18, "hello"};
    CHECK(*decode_test(encode(test, {5})) == test);
    CHECK_FALSE(decode_alarm(encode(test, {5})));
}

TEST_CASE(
    "a heartbeat says which notification it is, how many alarms there are, and when to expect the "
    "next") {
    const HeartbeatNotification heartbeat{"library-1", 19, 2, 300, "alive, 2 alarms are active"};
    const auto varbinds = encode(heartbeat, {5});
    CHECK(*decode_heartbeat(varbinds) == heartbeat);
    CHECK_FALSE(decode_alarm(varbinds));
    CHECK_FALSE(decode_test(varbinds));
    for (std::size_t length = 0; length < varbinds.size(); ++length)
        CHECK_FALSE(decode_heartbeat(std::span(varbinds).first(length)));
}

TEST_CASE("a change of role says what the controller is from now on, and under which epoch") {
    const RoleNotification role{"lra-b", 20, 7, 3, "node lra-b of the pair is primary_alone now"};
    const auto varbinds = encode(role, {5});
    CHECK(*decode_role(varbinds) == role);
    CHECK_FALSE(decode_alarm(varbinds));
    for (std::size_t length = 0; length < varbinds.size(); ++length)
        CHECK_FALSE(decode_role(std::span(varbinds).first(length)));
    CHECK_FALSE(decode_role(encode(RoleNotification{"lra-b", 20, 13, 3, "no such state"}, {5})));
}

TEST_CASE("prose is cut at a character and cleaned, never refused") {
    Confirmation confirmation{{1, 1}, "c", "a", {"d"}, ConfirmationResult::failed, ""};
    for (int i = 0; i < 150; ++i)
        confirmation.detail += "\xc3\xa4";
    confirmation.detail += "\n\x01\xff";
    const auto decoded = decode(encode(AgentMessage{NoticeConfirmation{confirmation}}, {0}));
    REQUIRE(decoded);
    CHECK(std::get<NoticeConfirmation>(*decoded).confirmation.detail.size() == 200);
    CHECK(bounded_text("a\tb\x80"
                       "c",
                       10) == "a b c");
    CHECK(bounded_text("\xc3\xa4", 1).empty());
}

TEST_CASE("times read back to the millisecond, and dates that do not exist do not") {
    for (const std::int64_t ms :
         {std::int64_t{0}, std::int64_t{951'782'400'000}, std::int64_t{1'769'860'800'123},
          std::int64_t{253'402'300'799'999}}) {
        CHECK(utc_from_text(utc_text({ms}))->ms == ms);
    }
    CHECK(utc_text({1'769'860'800'123}) == "2026-01-31T12:00:00.123Z");
    for (const char* bad :
         {"", "2026-02-30T12:00:00.000Z", "2026-13-01T12:00:00.000Z", "2026-01-31T24:00:00.000Z",
          "2026-01-31 12:00:00.000Z", "1969-12-31T23:59:59.999Z", "2026-01-31T12:00:60.000Z"}) {
        CHECK_FALSE(utc_from_text(bad));
    }
}
