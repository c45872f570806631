#pragma once

// Questions about the holder of a drive, on their way to the agents of the hosts.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include <asio/steady_timer.hpp>

#include "agent/core/holder_question.hpp"
#include "agent/core/reservation_agent_io.hpp"
#include "agent/core/result.hpp"
#include "snmp_mib/notice_channel.hpp"

namespace asio {
class io_context;
}

namespace agent::lrad {

// What the rules ask for.
void ask_holder(snmp_mib::NoticeChannel& channel, const core::AskHolder& effect);
void stop_asking(snmp_mib::NoticeChannel& channel, const core::StopAsking& effect);

// "Give the drive back": an administrator's request to the agent of the host that holds a drive.
// Apart from the rules: it decides nothing, and whether the drive is free is for the drive to say.
// One at a time for a drive. The loop's thread only.
class ReleaseRequests {
  public:
    // The agent's answer, whatever it says; an error when there is none in time.
    using Answered = std::function<void(const core::Result<core::HolderStatement>&)>;

    // `epoch` as in notices. All outlive this object but its pending answers, which are dropped.
    ReleaseRequests(asio::io_context& loop, snmp_mib::NoticeChannel& channel,
                    core::ControllerName controller, std::uint64_t epoch);

    // `answered` is called once, from the loop, never before this returns. A second request for the
    // same drive before the first is answered is an error at once (through the loop).
    void ask(const core::DriveSerial& drive, const core::AgentName& agent, core::Duration timeout,
             Answered answered);

    // True: it answers a request of this kind, so it is none of the rules'.
    bool take(const core::HolderStatement& statement);

  private:
    struct Request {
        core::NoticeId id;
        core::AgentName agent;
        Answered answered;
        std::unique_ptr<asio::steady_timer> deadline;
    };
    void finish(const core::DriveSerial& drive, const core::Result<core::HolderStatement>& answer);

    asio::io_context& loop_;
    snmp_mib::NoticeChannel& channel_;
    core::ControllerName controller_;
    core::NoticeId newest_;
    std::map<core::DriveSerial, Request> requests_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);  // handlers of the loop hold it weakly
};

}  // namespace agent::lrad
