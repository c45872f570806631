// Text requests in full feature phase (RFC 7143 11.10, 11.11, appendix C).

#include <algorithm>
#include <utility>

#include "drive_iface/iscsi/session.hpp"

namespace drive_iface::iscsi {

void Session::on(const TextRequest& pdu, Frame& frame) {
    if (!admit(pdu.immediate, pdu.cmd_sn)) return;
    if (pdu.task_tag == no_tag || (pdu.final && pdu.continues)) {
        return reject(RejectReason::invalid_pdu_field, frame);
    }
    if (pdu.transfer_tag == no_tag) {
        static_cast<void>(text_request_.take());  // a new exchange: what an older one left is void
        text_answer_.clear();
        text_tag_.reset();
    } else if (text_tag_ != pdu.transfer_tag) {
        return reject(RejectReason::protocol_error, frame);
    }
    if (!text_answer_.empty()) return send_text_answer(pdu);
    if (!text_request_.add(frame.data)) return reject(RejectReason::protocol_error, frame);
    if (pdu.continues || !pdu.final) {
        text_tag_ = new_transfer_tag();
        return send(
            TextResponse{.final = false, .task_tag = pdu.task_tag, .transfer_tag = *text_tag_});
    }
    const auto keys = parse_text(text_request_.take());
    if (std::holds_alternative<BadText>(keys)) return reject(RejectReason::protocol_error, frame);
    text_answer_ = answer_text(std::get<TextKeys>(keys));
    send_text_answer(pdu);
}

void Session::send_text_answer(const TextRequest& pdu) {
    const auto size =
        std::min<std::size_t>(text_answer_.size(), parameters_.initiator_data_segment_max);
    const auto end = text_answer_.begin() + static_cast<std::ptrdiff_t>(size);
    Bytes piece(text_answer_.begin(), end);
    text_answer_.erase(text_answer_.begin(), end);
    if (text_answer_.empty()) {
        text_tag_.reset();
        return send(TextResponse{.task_tag = pdu.task_tag}, std::move(piece));
    }
    text_tag_ = new_transfer_tag();
    send(TextResponse{.final = false,
                      .continues = true,
                      .task_tag = pdu.task_tag,
                      .transfer_tag = *text_tag_},
         std::move(piece));
}

Bytes Session::answer_text(const TextKeys& keys) {
    Bytes answer;
    const auto describe = [&](const std::string& target) {
        append_text(answer, "TargetName", target);
        append_text(answer, "TargetAddress",
                    host_->portal() + "," + std::to_string(portal_group_tag));
    };
    for (const auto& [name, value] : keys) {
        if (name == "SendTargets") {
            // Appendix C: "All" is for discovery sessions; nothing means the target of this
            // session.
            for (const auto& target : host_->targets()) {
                const bool wanted =
                    discovery_ ? value == "All" || value == target
                               : target == target_name_ && (value.empty() || value == target);
                if (wanted) describe(target);
            }
        } else if (name == "MaxRecvDataSegmentLength") {
            TextKeys none;
            negotiate({{name, value}}, parameters_, none);
            for (const auto& key : none)
                append_text(answer, key.name, key.value);
        } else if (name != "InitiatorAlias") {
            append_text(answer, name, "NotUnderstood");
        }
    }
    return answer;
}

}  // namespace drive_iface::iscsi
