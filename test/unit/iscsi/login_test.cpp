#include "drive_iface/iscsi/login.hpp"

#include "drive_iface/iscsi/md5.hpp"
#include "drive_iface/scsi/bytes.hpp"
#include "test/unit/iscsi/initiator.hpp"

using namespace iscsi_test;

namespace {

LoginStatus status_of(const LoginResponse& response) {
    return static_cast<LoginStatus>(response.status_class << 8 | response.status_detail);
}

TextKeys keys_of(const Bytes& data) {
    return std::get<TextKeys>(parse_text(data));
}

const std::string other_target = "iqn.2026-01.example:changer";

LoginRules with_chap() {
    return {{target, other_target},
            ChapRules{{{{"backup", "a secret of length"}, {}},
                       {{"archive", "another of length"}, {other_target}}},
                      ChapCredentials{"library", "the library's own"}}};
}

// What an initiator answers to the challenge in `keys`.
std::string chap_response(const TextKeys& keys, const std::string& secret) {
    Bytes message{static_cast<std::uint8_t>(*number_from_text(*find_key(keys, "CHAP_I")))};
    message.insert(message.end(), secret.begin(), secret.end());
    const auto challenge = *binary_from_text(*find_key(keys, "CHAP_C"), 64);
    message.insert(message.end(), challenge.begin(), challenge.end());
    return "0x" + drive_iface::scsi::to_hex(md5(message));
}

LoginRequest security_request(const Initiator& one, bool transit) {
    auto request = one.login_request();
    request.current = LoginStage::security;
    request.next = LoginStage::operational;
    request.transit = transit;
    return request;
}

}  // namespace

TEST_CASE("one request with everything in it leads to full feature phase") {
    Initiator one;
    const auto response = one.log_in({{"HeaderDigest", "None"}, {"ImmediateData", "Yes"}});
    CHECK(status_of(response) == LoginStatus::success);
    CHECK(response.transit);
    CHECK(response.next == LoginStage::full_feature);
    CHECK(response.tsih == 7);
    CHECK(one.host.opened == 1);
    const auto keys = keys_of(one.last_data);
    CHECK(find_key(keys, "TargetPortalGroupTag") == "1");
    CHECK(find_key(keys, "MaxRecvDataSegmentLength") == "1048576");
    CHECK(find_key(keys, "HeaderDigest") == "None");
}

TEST_CASE("security stage without CHAP, then operational stage") {
    Initiator one;
    auto keys = one.identity();
    keys.push_back({"AuthMethod", "CHAP,None"});
    const auto security = one.one<LoginResponse>(security_request(one, true), text(keys));
    CHECK(security.transit);
    CHECK(security.next == LoginStage::operational);
    CHECK(find_key(keys_of(one.last_data), "AuthMethod") == "None");
    const auto last = one.one<LoginResponse>(one.login_request(), {});
    CHECK(last.tsih == 7);
    CHECK(last.sequence.stat_sn == security.sequence.stat_sn + 1);
}

TEST_CASE("a login that can not be is refused with the right status and closed") {
    Initiator one;
    auto request = one.login_request();
    TextKeys keys = one.identity();
    LoginStatus expected{};
    SECTION("no such target") {
        keys[1].value = "iqn.2026-01.example:drive-X";
        expected = LoginStatus::target_not_found;
    }
    SECTION("no initiator name") {
        keys.erase(keys.begin());
        expected = LoginStatus::missing_parameter;
    }
    SECTION("no target name") {
        keys.pop_back();
        expected = LoginStatus::missing_parameter;
    }
    SECTION("a name that is none") {
        keys[0].value = "host 1";
        expected = LoginStatus::initiator_error;
    }
    SECTION("another session type") {
        keys.push_back({"SessionType", "Magic"});
        expected = LoginStatus::session_type_not_supported;
    }
    SECTION("version") {
        request.version_min = 1;
        expected = LoginStatus::unsupported_version;
    }
    SECTION("a further connection") {
        request.tsih = 3;
        expected = LoginStatus::session_does_not_exist;
    }
    SECTION("T and C together") {
        request.continues = true;
        expected = LoginStatus::initiator_error;
    }
    SECTION("a next stage that can not follow") {
        request.next = LoginStage::operational;
        expected = LoginStatus::initiator_error;
    }
    SECTION("no nexus to be had") {
        one.host.refuses = true;
        expected = LoginStatus::service_unavailable;
    }
    const auto response = one.one<LoginResponse>(request, text(keys));
    CHECK(status_of(response) == expected);
    CHECK_FALSE(response.transit);
    CHECK(response.tsih == 0);
    REQUIRE(one.connection.close_reason());
    one.connection.closed();
    CHECK(one.host.opened == one.host.ended);
}

TEST_CASE("key text in pieces is put together") {
    Initiator one;
    const auto whole = text(one.identity());
    const Bytes first(whole.begin(), whole.begin() + 20);
    const Bytes rest(whole.begin() + 20, whole.end());
    auto request = one.login_request();
    request.transit = false;
    request.continues = true;
    const auto empty = one.one<LoginResponse>(request, first);
    CHECK(status_of(empty) == LoginStatus::success);
    CHECK_FALSE(empty.transit);
    CHECK(one.last_data.empty());
    CHECK(one.one<LoginResponse>(one.login_request(), rest).tsih == 7);
}

TEST_CASE("a key can not be negotiated twice") {
    Initiator one;
    auto request = one.login_request();
    request.transit = false;
    auto keys = one.identity();
    keys.push_back({"InitialR2T", "No"});
    CHECK(status_of(one.one<LoginResponse>(request, text(keys))) == LoginStatus::success);
    CHECK(status_of(one.one<LoginResponse>(request, text({{"InitialR2T", "Yes"}}))) ==
          LoginStatus::initiator_error);
}

TEST_CASE("initiator names are kept in lower case") {
    Initiator one;
    const TextKeys keys{{"InitiatorName", "iqn.2026-01.Example:HOST1"}, {"TargetName", target}};
    static_cast<void>(one.one<LoginResponse>(one.login_request(), text(keys)));
    REQUIRE(one.connection.login());
    CHECK(one.connection.login()->initiator_name == "iqn.2026-01.example:host1");
}

TEST_CASE("CHAP lets in who knows the secret, and nobody else") {
    Initiator one(with_chap());
    auto keys = one.identity();
    keys.push_back({"AuthMethod", "CHAP,None"});
    const auto agreed = one.one<LoginResponse>(security_request(one, true), text(keys));
    CHECK_FALSE(agreed.transit);
    CHECK(find_key(keys_of(one.last_data), "AuthMethod") == "CHAP");
    static_cast<void>(
        one.one<LoginResponse>(security_request(one, false), text({{"CHAP_A", "7,5"}})));
    const auto challenge = keys_of(one.last_data);
    CHECK(find_key(challenge, "CHAP_A") == "5");

    SECTION("right secret") {
        const auto done = one.one<LoginResponse>(
            security_request(one, true),
            text({{"CHAP_N", "backup"},
                  {"CHAP_R", chap_response(challenge, "a secret of length")}}));
        CHECK(status_of(done) == LoginStatus::success);
        CHECK(done.transit);
        CHECK(one.one<LoginResponse>(one.login_request()).tsih == 7);
    }
    SECTION("wrong secret") {
        const auto done = one.one<LoginResponse>(
            security_request(one, true),
            text({{"CHAP_N", "backup"}, {"CHAP_R", chap_response(challenge, "guess")}}));
        CHECK(status_of(done) == LoginStatus::authentication_failure);
        CHECK_THAT(
            one.connection.close_reason().value_or(""),
            ContainsSubstring("iqn.") && ContainsSubstring("wrong CHAP secret for user backup"));
    }
    SECTION("wrong name") {
        const auto done = one.one<LoginResponse>(
            security_request(one, true),
            text({{"CHAP_N", "root"}, {"CHAP_R", chap_response(challenge, "a secret of length")}}));
        CHECK(status_of(done) == LoginStatus::authentication_failure);
        CHECK_THAT(one.connection.close_reason().value_or(""),
                   ContainsSubstring("no CHAP user") && !ContainsSubstring("root"));
    }
    SECTION("on to the next stage without an answer") {
        const auto done = one.one<LoginResponse>(one.login_request());
        CHECK(done.status_class == 2);
    }
    if (!one.connection.login()) CHECK(one.host.opened == 0);
}

namespace {

// As far as the target's challenge.
TextKeys challenged(Initiator& one, const std::string& wanted = target) {
    const TextKeys keys{
        {"InitiatorName", initiator}, {"TargetName", wanted}, {"AuthMethod", "CHAP"}};
    static_cast<void>(one.one<LoginResponse>(security_request(one, true), text(keys)));
    static_cast<void>(
        one.one<LoginResponse>(security_request(one, false), text({{"CHAP_A", "5"}})));
    return keys_of(one.last_data);
}

}  // namespace

TEST_CASE("with mutual CHAP the target proves itself with a secret of its own") {
    Initiator one(with_chap());
    const auto challenge = challenged(one);
    TextKeys answer{{"CHAP_N", "backup"},
                    {"CHAP_R", chap_response(challenge, "a secret of length")}};
    SECTION("and is believed when it knows it") {
        const TextKeys ours{{"CHAP_I", "200"}, {"CHAP_C", "0x" + std::string(64, '7')}};
        answer.insert(answer.end(), ours.begin(), ours.end());
        const auto done = one.one<LoginResponse>(security_request(one, true), text(answer));
        CHECK(done.transit);
        const auto proof = keys_of(one.last_data);
        CHECK(find_key(proof, "CHAP_N") == "library");
        CHECK(find_key(proof, "CHAP_R") == chap_response(ours, "the library's own"));
    }
    SECTION("its own challenge sent back is refused") {
        answer.push_back({"CHAP_I", *find_key(challenge, "CHAP_I")});
        answer.push_back({"CHAP_C", *find_key(challenge, "CHAP_C")});
        CHECK(status_of(one.one<LoginResponse>(security_request(one, true), text(answer))) ==
              LoginStatus::authentication_failure);
        CHECK(one.last_data.empty());
    }
    SECTION("a challenge that is none is refused") {
        const auto bad =
            GENERATE(TextKeys{{"CHAP_I", "1"}}, TextKeys{{"CHAP_C", "0x01"}},
                     TextKeys{{"CHAP_I", "256"}, {"CHAP_C", "0x01"}},
                     TextKeys{{"CHAP_I", "1"}, {"CHAP_C", "0x"}},
                     TextKeys{{"CHAP_I", "1"}, {"CHAP_C", "0x" + std::string(2050, '1')}});
        answer.insert(answer.end(), bad.begin(), bad.end());
        CHECK(status_of(one.one<LoginResponse>(security_request(one, true), text(answer))) ==
              LoginStatus::authentication_failure);
    }
}

TEST_CASE("without a secret of its own the target refuses mutual CHAP") {
    auto rules = with_chap();
    rules.chap->mutual.reset();
    Initiator one(rules);
    const auto challenge = challenged(one);
    CHECK(status_of(one.one<LoginResponse>(
              security_request(one, true),
              text({{"CHAP_N", "backup"},
                    {"CHAP_R", chap_response(challenge, "a secret of length")},
                    {"CHAP_I", "1"},
                    {"CHAP_C", "0x01"}}))) == LoginStatus::authentication_failure);
}

TEST_CASE("each user has a secret of its own and sees what it may") {
    Initiator one(with_chap());
    SECTION("the other user's secret") {
        const auto challenge = challenged(one, other_target);
        CHECK(status_of(one.one<LoginResponse>(
                  security_request(one, true),
                  text({{"CHAP_N", "archive"},
                        {"CHAP_R", chap_response(challenge, "a secret of length")}}))) ==
              LoginStatus::authentication_failure);
    }
    SECTION("a target it may not use") {
        const auto challenge = challenged(one);
        CHECK(status_of(one.one<LoginResponse>(
                  security_request(one, true),
                  text({{"CHAP_N", "archive"},
                        {"CHAP_R", chap_response(challenge, "another of length")}}))) ==
              LoginStatus::authorization_failure);
    }
    SECTION("one that it may") {
        const auto challenge = challenged(one, other_target);
        CHECK(one.one<LoginResponse>(
                     security_request(one, true),
                     text({{"CHAP_N", "archive"},
                           {"CHAP_R", chap_response(challenge, "another of length")}}))
                  .transit);
    }
    const auto rules = with_chap();
    CHECK(visible_targets(rules, &rules.chap->users[0]).size() == 2);
    CHECK(visible_targets(rules, &rules.chap->users[1]) == std::vector{other_target});
    CHECK(visible_targets(rules, nullptr).size() == 2);
}

TEST_CASE("key lists in pieces are put together, whatever stands in them") {
    Initiator one;
    auto keys = one.identity();
    for (int i = 0; i < 40; ++i)
        keys.push_back({"X-" + std::to_string(i), std::string(200, 'v')});
    keys.push_back({"MaxBurstLength", "65536"});
    const auto all = text(keys);
    auto request = one.login_request();
    request.transit = false;
    request.continues = true;
    for (std::size_t at = 0; at + 3000 < all.size(); at += 3000) {
        const auto from = all.begin() + static_cast<std::ptrdiff_t>(at);
        const auto answer = one.one<LoginResponse>(request, Bytes(from, from + 3000));
        CHECK_FALSE(answer.transit);
        CHECK(one.last_data.empty());
    }
    const auto rest = all.size() % 3000 == 0 ? 3000 : all.size() % 3000;
    const auto done = one.one<LoginResponse>(
        one.login_request(), Bytes(all.end() - static_cast<std::ptrdiff_t>(rest), all.end()));
    CHECK(done.transit);
    const auto answers = keys_of(one.last_data);
    CHECK(find_key(answers, "X-39") == "NotUnderstood");
    CHECK(find_key(answers, "MaxBurstLength") == "65536");
}

TEST_CASE("where CHAP is required nobody gets round it") {
    Initiator one(with_chap());
    SECTION("straight to the operational stage") {
        CHECK(status_of(one.one<LoginResponse>(one.login_request(), text(one.identity()))) ==
              LoginStatus::authentication_failure);
    }
    SECTION("only AuthMethod=None") {
        auto keys = one.identity();
        keys.push_back({"AuthMethod", "None"});
        CHECK(status_of(one.one<LoginResponse>(security_request(one, true), text(keys))) ==
              LoginStatus::authentication_failure);
    }
    SECTION("no AuthMethod at all") {
        const auto stays =
            one.one<LoginResponse>(security_request(one, true), text(one.identity()));
        CHECK_FALSE(stays.transit);
    }
    CHECK(one.host.opened == 0);
}

TEST_CASE("who does not begin with a login is closed without an answer") {
    Initiator one;
    CHECK(one.send(NopOut{.immediate = true, .task_tag = 1}).empty());
    CHECK(one.connection.close_reason());
    Initiator other;
    const std::string http = "GET / HTTP/1.1\r\nHost: tape\r\nAccept: everything there is\r\n\r\n";
    other.connection.receive(Bytes(http.begin(), http.end()));
    CHECK(other.connection.close_reason());
}

TEST_CASE("a discovery session tells every target at the address the initiator came to") {
    Initiator one;
    const auto login = one.one<LoginResponse>(
        one.login_request(), text({{"InitiatorName", initiator}, {"SessionType", "Discovery"}}));
    CHECK(login.tsih == 7);
    CHECK(one.host.opened == 0);
    const auto answer = one.one<TextResponse>(TextRequest{.task_tag = 9, .cmd_sn = one.cmd_sn},
                                              text({{"SendTargets", "All"}}));
    CHECK(answer.final);
    const std::string said(one.last_data.begin(), one.last_data.end());
    CHECK_THAT(said, ContainsSubstring("TargetName=" + target));
    CHECK_THAT(said, ContainsSubstring("TargetAddress=192.0.2.7:3260,1"));
    const auto refused = one.one<Reject>(ScsiCommand{.task_tag = 10, .cmd_sn = one.cmd_sn + 1});
    CHECK(refused.reason == RejectReason::protocol_error);
    one.connection.closed();
    CHECK(one.host.ended == 0);
}
