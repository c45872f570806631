#include "drive_iface/iscsi/login.hpp"

#include <algorithm>
#include <iterator>

namespace drive_iface::iscsi {

namespace {

constexpr std::size_t requests_max = 64;    // of one login, continued texts included
constexpr std::size_t name_size_max = 223;  // RFC 7143 4.2.7.1
constexpr std::uint32_t command_window_before_session = 1;

// iSCSI names compare without case; they are sent in lower case (RFC 7143 4.2.7.1).
std::string lower_case(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return text;
}

bool is_node_name(const std::string& name) {
    if (name.size() > name_size_max) return false;
    if (!std::all_of(name.begin(), name.end(), [](char c) {
            return static_cast<unsigned char>(c) > 0x20 && c != 0x7f && c != ',';
        })) {
        return false;
    }
    return name.rfind("iqn.", 0) == 0 || name.rfind("eui.", 0) == 0 || name.rfind("naa.", 0) == 0;
}

void set_status(LoginResponse& response, LoginStatus status) {
    response.status_class = static_cast<std::uint8_t>(static_cast<unsigned>(status) >> 8);
    response.status_detail = static_cast<std::uint8_t>(static_cast<unsigned>(status) & 0xffU);
}

}  // namespace

std::vector<std::string> visible_targets(const LoginRules& rules, const ChapUser* user) {
    if (user == nullptr || user->targets.empty()) return rules.target_names;
    std::vector<std::string> visible;
    std::copy_if(rules.target_names.begin(), rules.target_names.end(), std::back_inserter(visible),
                 [&](const std::string& name) {
                     return std::find(user->targets.begin(), user->targets.end(), name) !=
                            user->targets.end();
                 });
    return visible;
}

Login::Login(const LoginRules& rules, std::uint16_t tsih, const ChapChallenge& challenge)
    : rules_(&rules), tsih_(tsih), challenge_(challenge) {}

Login::Answer Login::refuse_after_all(Answer answer, LoginStatus status, const std::string& why) {
    set_status(answer.response, status);
    answer.response.transit = false;
    answer.response.next = LoginStage::security;
    answer.response.tsih = 0;
    answer.data.clear();
    answer.complete = false;
    answer.refused_because = why;
    return answer;
}

Login::Answer Login::request(const LoginRequest& request, ByteView data) {
    if (first_) {
        result_.stat_sn = request.exp_stat_sn;
        result_.isid = request.isid;
        result_.cid = request.cid;
        stage_ = request.current;
    }
    result_.cmd_sn = request.cmd_sn;  // a login request is immediate and takes no number

    Answer answer;
    answer.response = {
        .current = request.current,
        .isid = request.isid,
        .tsih = request.tsih,
        .task_tag = request.task_tag,
        .sequence = {.stat_sn = result_.stat_sn++,
                     .exp_cmd_sn = request.cmd_sn,
                     .max_cmd_sn = request.cmd_sn + command_window_before_session - 1}};
    TextKeys answers;
    if (const auto refusal = process(request, data, answers)) {
        return refuse_after_all(std::move(answer), refusal->status, refusal->why);
    }
    for (const auto& [name, value] : answers)
        append_text(answer.data, name, value);
    if (request.transit && may_transit()) {
        answer.response.transit = true;
        answer.response.next = request.next;
        stage_ = request.next;
        if (stage_ == LoginStage::full_feature) {
            answer.response.tsih = tsih_;
            answer.complete = true;
        }
    }
    return answer;
}

Login::Check Login::process(const LoginRequest& request, ByteView data, TextKeys& answers) {
    if (auto refusal = check_header(request)) return refusal;
    if (!text_.add(data))
        return Refusal{LoginStatus::initiator_error, "the login text is too long"};
    if (request.continues) return std::nullopt;  // an empty answer asks for the rest

    const auto parsed = parse_text(text_.take());
    if (const auto* bad = std::get_if<BadText>(&parsed))
        return Refusal{LoginStatus::initiator_error, bad->why};
    const auto& keys = std::get<TextKeys>(parsed);
    if (auto refusal = check_repeated(keys)) return refusal;
    if (!identified_) {
        if (auto refusal = check_identity(keys)) return refusal;
        identified_ = true;
        // RFC 7143 13.9: in the first answer of a normal session.
        if (!result_.discovery)
            answers.push_back({"TargetPortalGroupTag", std::to_string(portal_group_tag)});
    }
    if (request.current == LoginStage::security) {
        if (auto refusal = security(keys, answers)) return refusal;
    } else if (!may_transit()) {
        return Refusal{LoginStatus::authentication_failure,
                       "CHAP is required and the initiator did not authenticate"};
    }
    negotiate(keys, result_.parameters, answers);
    if (request.current == LoginStage::operational && !declared_) {
        declared_ = true;
        answers.push_back({"MaxRecvDataSegmentLength", std::to_string(target_data_segment_max)});
    }
    return std::nullopt;
}

Login::Check Login::check_header(const LoginRequest& request) {
    if (++requests_ > requests_max)
        return Refusal{LoginStatus::initiator_error, "the login takes too many requests"};
    if (first_) {
        first_ = false;
        if (request.version_min > 0) {
            return Refusal{
                LoginStatus::unsupported_version,
                "the initiator wants version " + std::to_string(request.version_min) + " at least"};
        }
        if (request.tsih != 0) {
            return Refusal{LoginStatus::session_does_not_exist,
                           "a further connection of a session (TSIH " +
                               std::to_string(request.tsih) +
                               ") was asked for; sessions here have one"};
        }
    }
    if (request.isid != result_.isid || request.cid != result_.cid) {
        return Refusal{LoginStatus::initiator_error, "ISID or CID changed during the login"};
    }
    if (request.transit && request.continues)
        return Refusal{LoginStatus::initiator_error, "T and C bits are both set"};
    if (request.current != stage_ || request.current == LoginStage::reserved ||
        request.current == LoginStage::full_feature) {
        return Refusal{LoginStatus::initiator_error,
                       "the login is not at the stage the request says"};
    }
    if (request.transit &&
        (request.next == LoginStage::reserved || request.next <= request.current)) {
        return Refusal{LoginStatus::initiator_error, "the next stage asked for can not follow"};
    }
    return std::nullopt;
}

// A key is negotiated once (RFC 7143 6.2), its answer can not be taken back.
Login::Check Login::check_repeated(const TextKeys& keys) {
    for (const auto& key : keys) {
        if (key.name == "MaxRecvDataSegmentLength") continue;
        if (!seen_.insert(key.name).second) {
            return Refusal{LoginStatus::initiator_error, key.name + " was negotiated before"};
        }
        if (seen_.size() > 4 * text_keys_max)
            return Refusal{LoginStatus::initiator_error, "too many keys"};
    }
    return std::nullopt;
}

Login::Check Login::check_identity(const TextKeys& keys) {
    const auto initiator = find_key(keys, "InitiatorName");
    if (!initiator) return Refusal{LoginStatus::missing_parameter, "InitiatorName is missing"};
    result_.initiator_name = lower_case(*initiator);
    if (!is_node_name(result_.initiator_name)) {
        return Refusal{LoginStatus::initiator_error, "InitiatorName is not an iSCSI name"};
    }
    const auto type = find_key(keys, "SessionType").value_or("Normal");
    if (type == "Discovery") {
        result_.discovery = true;
        return std::nullopt;
    }
    if (type != "Normal")
        return Refusal{LoginStatus::session_type_not_supported, "SessionType is " + type};
    const auto target = find_key(keys, "TargetName");
    if (!target) return Refusal{LoginStatus::missing_parameter, "TargetName is missing"};
    const auto wanted = lower_case(*target);
    const auto found = std::find_if(rules_->target_names.begin(), rules_->target_names.end(),
                                    [&](const auto& name) { return lower_case(name) == wanted; });
    if (found == rules_->target_names.end()) {
        return Refusal{LoginStatus::target_not_found, "there is no target " + *target};
    }
    result_.target_name = *found;
    return std::nullopt;
}

Login::Check Login::security(const TextKeys& keys, TextKeys& answers) {
    if (chap_ && !authenticated_) {
        auto step = chap_->request(keys);
        if (step.verdict == Chap::Verdict::refused)
            return Refusal{LoginStatus::authentication_failure,
                           result_.initiator_name + ": " + step.why};
        authenticated_ = step.verdict == Chap::Verdict::authenticated;
        result_.user = step.user;
        if (authenticated_ && !result_.discovery) {
            const auto visible = visible_targets(*rules_, step.user);
            if (std::find(visible.begin(), visible.end(), result_.target_name) == visible.end()) {
                return Refusal{LoginStatus::authorization_failure,
                               step.user->credentials.user + " may not use " + result_.target_name};
            }
        }
        for (auto& key : step.answer)
            answers.push_back(std::move(key));
        return std::nullopt;
    }
    const auto methods = find_key(keys, "AuthMethod");
    if (!methods) return std::nullopt;
    const auto offered = split_values(*methods);
    const std::string wanted = rules_->chap ? "CHAP" : "None";
    if (std::find(offered.begin(), offered.end(), wanted) == offered.end()) {
        return Refusal{
            LoginStatus::authentication_failure,
            "the initiator offers AuthMethod=" + *methods + ", " + wanted + " is needed"};
    }
    answers.push_back({"AuthMethod", wanted});
    if (rules_->chap) chap_.emplace(*rules_->chap, challenge_);
    return std::nullopt;
}

}  // namespace drive_iface::iscsi
