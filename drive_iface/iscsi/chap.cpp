#include "drive_iface/iscsi/chap.hpp"

#include <algorithm>
#include <utility>

#include "drive_iface/iscsi/md5.hpp"
#include "drive_iface/scsi/bytes.hpp"

namespace drive_iface::iscsi {

namespace {

constexpr std::string_view algorithm_md5 = "5";  // RFC 7143 12.1.3
constexpr std::size_t challenge_size_max = 1024;

// RFC 1994 4.1.
auto chap_response(std::uint8_t identifier, const std::string& secret, ByteView challenge) {
    Bytes message{identifier};
    message.insert(message.end(), secret.begin(), secret.end());
    message.insert(message.end(), challenge.begin(), challenge.end());
    return md5(message);
}

Chap::Step refused(std::string why) {
    return {Chap::Verdict::refused, {}, std::move(why), nullptr};
}

// Takes the same time wherever the first difference is.
bool equal(ByteView a, ByteView b) {
    if (a.size() != b.size()) return false;
    unsigned difference = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        difference |= static_cast<unsigned>(a[i] ^ b[i]);
    return difference == 0;
}

}  // namespace

Chap::Step Chap::request(const TextKeys& keys) {
    if (challenged_) return judge(keys);
    const auto algorithms = find_key(keys, "CHAP_A");
    if (!algorithms) return refused("CHAP_A was expected");
    const auto offered = split_values(*algorithms);
    if (std::find(offered.begin(), offered.end(), algorithm_md5) == offered.end()) {
        return refused("the initiator offers no CHAP algorithm but " + *algorithms +
                       "; 5 (MD5) is needed");
    }
    challenged_ = true;
    return {Verdict::proceed,
            {{"CHAP_A", std::string(algorithm_md5)},
             {"CHAP_I", std::to_string(challenge_.identifier)},
             {"CHAP_C", "0x" + scsi::to_hex(challenge_.bytes)}},
            {},
            nullptr};
}

Chap::Step Chap::judge(const TextKeys& keys) const {
    const auto name = find_key(keys, "CHAP_N");
    const auto response_text = find_key(keys, "CHAP_R");
    if (!name || !response_text) return refused("CHAP_N and CHAP_R were expected");
    const auto user =
        std::find_if(rules_->users.begin(), rules_->users.end(),
                     [&](const ChapUser& one) { return one.credentials.user == *name; });
    const bool known = user != rules_->users.end();
    // Who is not known takes as long as who is.
    const auto& secret = (known ? *user : rules_->users.front()).credentials.secret;
    const auto expected = chap_response(challenge_.identifier, secret, challenge_.bytes);
    const auto response = binary_from_text(*response_text, expected.size());
    if (!response || !equal(*response, expected) || !known) {
        // A name nobody has may be a secret that was put into the wrong field: it is not logged.
        return refused(known ? "wrong CHAP secret for user " + *name
                             : "no CHAP user has the name that was given");
    }
    return answer(keys, *user);
}

// Mutual CHAP, when the initiator asks for it.
Chap::Step Chap::answer(const TextKeys& keys, const ChapUser& user) const {
    Step step{Verdict::authenticated, {}, {}, &user};
    const auto identifier_text = find_key(keys, "CHAP_I");
    const auto challenge_text = find_key(keys, "CHAP_C");
    if (!identifier_text && !challenge_text) return step;
    if (!identifier_text || !challenge_text)
        return refused("of CHAP_I and CHAP_C there is only one");
    if (!rules_->mutual)
        return refused("the initiator asks for mutual CHAP, and the target has no secret for it");
    const auto identifier = number_from_text(*identifier_text);
    const auto challenge = binary_from_text(*challenge_text, challenge_size_max);
    if (!identifier || *identifier > 0xff || !challenge || challenge->empty())
        return refused("the initiator's CHAP_I or CHAP_C is not one");
    // Who sends our own challenge back wants us to compute the answer to it (12.1.3.1).
    if (equal(*challenge, challenge_.bytes))
        return refused("the initiator sent the target's own challenge back");
    const auto response =
        chap_response(static_cast<std::uint8_t>(*identifier), rules_->mutual->secret, *challenge);
    step.answer = {{"CHAP_N", rules_->mutual->user}, {"CHAP_R", "0x" + scsi::to_hex(response)}};
    return step;
}

}  // namespace drive_iface::iscsi
