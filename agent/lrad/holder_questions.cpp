#include "agent/lrad/holder_questions.hpp"

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <chrono>
#include <utility>

namespace agent::lrad {
namespace {

// Numbers of release requests lie above all that the rules give out in one epoch, so that nobody
// mistakes the answer to one for the answer to the other.
constexpr std::uint64_t release_numbers_begin = std::uint64_t{1} << 63U;

std::string question_key(const core::DriveSerial& drive) {
    return "holder:" + drive.text;
}
std::string release_key(const core::DriveSerial& drive) {
    return "release:" + drive.text;
}

}  // namespace

void ask_holder(snmp_mib::NoticeChannel& channel, const core::AskHolder& effect) {
    channel.send(effect.agent, question_key(effect.inquiry.drive),
                 snmp_mib::HolderInquiryMessage{effect.inquiry}, [] {});
}

void stop_asking(snmp_mib::NoticeChannel& channel, const core::StopAsking& effect) {
    channel.stop_sending(effect.agent, question_key(effect.drive));
}

ReleaseRequests::ReleaseRequests(asio::io_context& loop, snmp_mib::NoticeChannel& channel,
                                 core::ControllerName controller, std::uint64_t epoch)
    : loop_(loop),
      channel_(channel),
      controller_(std::move(controller)),
      newest_{epoch, release_numbers_begin} {}

void ReleaseRequests::ask(const core::DriveSerial& drive, const core::AgentName& agent,
                          core::Duration timeout, Answered answered) {
    if (requests_.contains(drive)) {
        asio::post(loop_, [answered = std::move(answered), drive] {
            answered(core::Error{"drive " + drive.text +
                                 ": a request to release it is on its way already"});
        });
        return;
    }
    ++newest_.sequence;
    auto deadline = std::make_unique<asio::steady_timer>(loop_);
    deadline->expires_after(std::chrono::milliseconds(timeout.ms));
    deadline->async_wait([this, alive = std::weak_ptr<int>(alive_), drive, agent,
                          timeout](const std::error_code& error) {
        if (error || alive.expired()) return;
        finish(drive,
               core::Error{"agent " + agent + " has not answered within " +
                           std::to_string(timeout.ms) + " ms: see whether dsad runs on its host"});
    });
    requests_.emplace(drive, Request{newest_, agent, std::move(answered), std::move(deadline)});
    const core::HolderInquiry inquiry{newest_, controller_, drive, core::HolderRequest::release};
    channel_.send(agent, release_key(drive), snmp_mib::HolderInquiryMessage{inquiry}, [] {});
}

bool ReleaseRequests::take(const core::HolderStatement& statement) {
    if (statement.id.sequence < release_numbers_begin) return false;
    const auto found = requests_.find(statement.drive);
    const bool wanted = found != requests_.end() && found->second.id == statement.id &&
                        found->second.agent == statement.agent;
    if (wanted) finish(statement.drive, statement);
    return true;
}

void ReleaseRequests::finish(const core::DriveSerial& drive,
                             const core::Result<core::HolderStatement>& answer) {
    auto request = requests_.extract(drive);
    if (request.empty()) return;
    channel_.stop_sending(request.mapped().agent, release_key(drive));
    request.mapped().answered(answer);
}

}  // namespace agent::lrad
