#include "drive_iface/device/iscsi_target_proof.hpp"

#include <algorithm>
#include <string_view>

namespace drive_iface::iscsi_client {

namespace {

constexpr int level_of_login_replies = 6;

std::mutex log_text_lock;  // guards the library's one text for log lines
thread_local TargetProof* hearing = nullptr;

// Is this line of the library's log a response that can not have been compared with zeros?
// CHAP_R (RFC 7143 12.1.3) as a hexadecimal constant: the library compares no other form. Until it
// has sent its challenge it compares with zeros; zeros are no answer to a challenge.
bool shows_a_response(std::string_view line) {
    constexpr std::string_view response = "TargetLoginReply: CHAP_R=0x";
    constexpr std::size_t digits = 32;  // of MD5
    if (!line.starts_with(response)) return false;
    line.remove_prefix(response.size());
    const auto is_digit = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    };
    const std::string_view value =
        line.substr(0, static_cast<std::size_t>(
                           std::find_if_not(line.begin(), line.end(), is_digit) - line.begin()));
    // Behind it stands the name of the target, in brackets.
    const bool ends = value.size() == line.size() || line[value.size()] == ' ';
    return ends && value.size() == digits && value.find_first_not_of('0') != std::string_view::npos;
}

}  // namespace

TargetProof::TargetProof(iscsi_context* context) : context_(context) {
    iscsi_set_log_level(context_, level_of_login_replies);  // says so itself: before we listen
    iscsi_set_log_fn(context_, hear);
    hearing = this;
}

TargetProof::~TargetProof() {
    iscsi_set_log_fn(context_, nullptr);
    hearing = nullptr;
}

std::unique_lock<std::mutex> TargetProof::turn() {
    if (hearing == nullptr) return {};
    return std::unique_lock<std::mutex>(log_text_lock);
}

void TargetProof::hear(int, const char* line) noexcept {
    if (hearing != nullptr && line != nullptr && shows_a_response(line)) hearing->given_ = true;
}

}  // namespace drive_iface::iscsi_client
