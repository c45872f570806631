#pragma once

// The login phase of one connection (RFC 7143 section 6 and 11.12, 11.13).
//
//   security --(authenticated or not needed, T)--> operational --(T)--> full feature
//       \-------------------(T, NSG=3)---------------------------------^
//   any request that can not be accepted: refused, and the connection is closed after the answer.

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "drive_iface/iscsi/chap.hpp"
#include "drive_iface/iscsi/negotiation.hpp"
#include "drive_iface/iscsi/pdu.hpp"
#include "drive_iface/iscsi/text_keys.hpp"

namespace drive_iface::iscsi {

inline constexpr std::uint16_t portal_group_tag = 1;

// Status-Class in the high byte, Status-Detail in the low one (RFC 7143 11.13.5).
enum class LoginStatus : std::uint16_t {
    success = 0x0000,
    initiator_error = 0x0200,
    authentication_failure = 0x0201,
    authorization_failure = 0x0202,
    target_not_found = 0x0203,
    unsupported_version = 0x0205,
    missing_parameter = 0x0207,
    session_type_not_supported = 0x0209,
    session_does_not_exist = 0x020a,
    invalid_request_during_login = 0x020b,
    service_unavailable = 0x0301,
    out_of_resources = 0x0302,
};

// What every login of this target node is judged by.
struct LoginRules {
    std::vector<std::string> target_names;
    std::optional<ChapRules> chap;  // required when set, discovery sessions included
};

// Targets that somebody who logged in as `user` may see and use; `user` is null without CHAP.
[[nodiscard]] std::vector<std::string> visible_targets(const LoginRules& rules,
                                                       const ChapUser* user);

struct LoginResult {
    bool discovery = false;
    const ChapUser* user = nullptr;  // of the rules; null without CHAP
    std::string initiator_name;      // lower case
    std::string target_name;         // empty with discovery
    Isid isid{};
    std::uint16_t cid = 0;
    std::uint32_t cmd_sn = 0;   // the next one expected
    std::uint32_t stat_sn = 0;  // the next one to send
    OperationalParameters parameters;
};

class Login {
  public:
    // `rules` outlive the login. `tsih` is not 0 and not in use.
    Login(const LoginRules& rules, std::uint16_t tsih, const ChapChallenge& challenge);

    struct Answer {
        LoginResponse response;  // sequence numbers included
        Bytes data;
        bool complete = false;        // full feature phase begins after this answer
        std::string refused_because;  // not empty: close after this answer
    };
    [[nodiscard]] Answer request(const LoginRequest& request, ByteView data);

    // Once `complete`: turns the last answer into a refusal, when the session could not be opened
    // after all.
    [[nodiscard]] static Answer refuse_after_all(Answer answer, LoginStatus status,
                                                 const std::string& why);

    // Meaningful once `complete`.
    [[nodiscard]] const LoginResult& result() const { return result_; }

  private:
    struct Refusal {
        LoginStatus status;
        std::string why;
    };
    using Check = std::optional<Refusal>;

    [[nodiscard]] Check check_header(const LoginRequest& request);
    [[nodiscard]] Check check_identity(const TextKeys& keys);
    [[nodiscard]] Check check_repeated(const TextKeys& keys);
    [[nodiscard]] Check security(const TextKeys& keys, TextKeys& answers);
    [[nodiscard]] Check process(const LoginRequest& request, ByteView data, TextKeys& answers);
    [[nodiscard]] bool may_transit() const { return authenticated_ || !rules_->chap; }

    const LoginRules* rules_;
    std::uint16_t tsih_;
    ChapChallenge challenge_;
    bool first_ = true;
    bool identified_ = false;
    bool authenticated_ = false;
    bool declared_ = false;  // our MaxRecvDataSegmentLength
    LoginStage stage_ = LoginStage::security;
    std::size_t requests_ = 0;
    std::set<std::string> seen_;
    std::optional<Chap> chap_;
    TextCollector text_;
    LoginResult result_;
};

}  // namespace drive_iface::iscsi
