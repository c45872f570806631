#include "drive_iface/iscsi/chap.hpp"

#include <algorithm>

#include "drive_iface/iscsi/md5.hpp"
#include "drive_iface/scsi/bytes.hpp"

namespace drive_iface::iscsi {

namespace {

constexpr std::string_view algorithm_md5 = "5";  // RFC 7143 12.1.3

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
    if (!algorithms) return {Verdict::refused, {}, "CHAP_A was expected"};
    const auto offered = split_values(*algorithms);
    if (std::find(offered.begin(), offered.end(), algorithm_md5) == offered.end()) {
        return {
            Verdict::refused,
            {},
            "the initiator offers no CHAP algorithm but " + *algorithms + "; 5 (MD5) is needed"};
    }
    challenged_ = true;
    return {Verdict::proceed,
            {{"CHAP_A", std::string(algorithm_md5)},
             {"CHAP_I", std::to_string(challenge_.identifier)},
             {"CHAP_C", "0x" + scsi::to_hex(challenge_.bytes)}},
            {}};
}

Chap::Step Chap::judge(const TextKeys& keys) const {
    if (find_key(keys, "CHAP_I") || find_key(keys, "CHAP_C")) {
        return {Verdict::refused, {}, "the initiator asks for mutual CHAP, which is not supported"};
    }
    const auto name = find_key(keys, "CHAP_N");
    const auto response_text = find_key(keys, "CHAP_R");
    if (!name || !response_text) return {Verdict::refused, {}, "CHAP_N and CHAP_R were expected"};

    Bytes message{challenge_.identifier};
    message.insert(message.end(), credentials_->secret.begin(), credentials_->secret.end());
    message.insert(message.end(), challenge_.bytes.begin(), challenge_.bytes.end());
    const auto expected = md5(message);
    const auto response = binary_from_text(*response_text, expected.size());
    if (*name != credentials_->user || !response || !equal(*response, expected)) {
        return {Verdict::refused, {}, "wrong CHAP name or secret"};
    }
    return {Verdict::authenticated, {}, {}};
}

}  // namespace drive_iface::iscsi
