#include "drive_iface/iscsi/connection.hpp"

#include <utility>

namespace drive_iface::iscsi {

Connection::Connection(const LoginRules& rules, std::uint16_t tsih, const ChapChallenge& challenge,
                       SessionHost& host)
    : host_(&host), reader_(target_data_segment_max), login_(rules, tsih, challenge) {
    reader_.set_lender([this](const BasicHeader& header, std::size_t size) {
        return session_ ? session_->lend(header, size) : Bytes{};
    });
}

void Connection::receive(ByteView bytes) {
    if (close_reason_) return;
    reader_.append(bytes);
    follow();
}

void Connection::received(std::size_t size) {
    if (close_reason_) return;
    reader_.received(size);
    follow();
}

void Connection::follow() {
    while (!close_reason_) {
        auto next = reader_.next();
        if (std::holds_alternative<std::monostate>(next)) return;
        if (const auto* broken = std::get_if<StreamBroken>(&next)) {
            close_reason_ = broken->reason;
            return;
        }
        take(std::get<Frame>(next));
    }
}

void Connection::take(Frame& frame) {
    if (!session_) return log_in(frame);
    const auto pdu = decode_initiator_pdu(frame.header);
    if (const auto* known = std::get_if<InitiatorPdu>(&pdu)) {
        session_->receive(*known, frame);
    } else {
        session_->receive_unknown(frame);
    }
    collect();
}

void Connection::log_in(const Frame& frame) {
    const auto pdu = decode_initiator_pdu(frame.header);
    const auto* known = std::get_if<InitiatorPdu>(&pdu);
    const auto* request = known ? std::get_if<LoginRequest>(known) : nullptr;
    if (!request) {
        // 6.3: nothing but Login requests before full feature phase; close without an answer.
        close_reason_ = "not an iSCSI login";
        return;
    }
    auto answer = login_.request(*request, frame.data);
    if (answer.complete && !login_.result().discovery) {
        if (const auto opened = host_->session_opened(login_.result()); !opened) {
            answer = Login::refuse_after_all(std::move(answer), LoginStatus::service_unavailable,
                                             opened.error().message);
        }
    }
    output_.push(encode(TargetPdu{answer.response}), std::move(answer.data), {});
    if (!answer.refused_because.empty()) close_reason_ = "login refused: " + answer.refused_because;
    if (!answer.complete) return;
    session_.emplace(login_.result(), *host_);
    digests_ = login_.result().parameters.digests;
    reader_.set_digests(digests_);
}

void Connection::collect() {
    for (auto& [pdu, data] : session_->take_output())
        output_.push(encode(pdu), std::move(data), digests_);
    session_->waiting_to_be_sent(output_.size());
    if (!close_reason_) close_reason_ = session_->close_reason();
}

void Connection::complete(TaskId task, CommandReply reply) {
    if (!session_ || close_reason_) return;
    session_->complete(task, std::move(reply));
    collect();
}

void Connection::tasks_aborted() {
    if (!session_ || close_reason_) return;
    session_->tasks_aborted();
    collect();
}

void Connection::ping() {
    if (!session_ || close_reason_) return;
    session_->ping();
    collect();
}

void Connection::ask_for_logout(std::uint16_t seconds) {
    if (!session_ || close_reason_) return;
    session_->ask_for_logout(seconds);
    collect();
}

void Connection::sent(std::size_t size) {
    output_.consume(size);
    if (!session_) return;
    session_->waiting_to_be_sent(output_.size());
    if (!close_reason_) collect();
}

Bytes Connection::take_output() {
    auto all = output_.take();
    sent(0);
    return all;
}

void Connection::closed() {
    if (!close_reason_) close_reason_ = "closed";
    if (session_) session_->end(Session::End::lost);
}

}  // namespace drive_iface::iscsi
