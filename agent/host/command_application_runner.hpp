#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>

#include "agent/host/application_profile.hpp"
#include "agent/host/application_runner.hpp"
#include "agent/host/command_door.hpp"
#include "agent/host/profile_drain.hpp"
#include "agent/host/program_call.hpp"

namespace asio {
class io_context;
}

namespace agent::host {

// Operates a backup application by its own command line programs, strictly one at a time: two of
// them at once can trip over each other's locks. The steps of one action follow each other without
// another's in between; the first one that is not done ends it. One thread: the loop's.
class CommandApplicationRunner final : public ApplicationRunner {
  public:
    using Called = std::function<void(const ProgramCall&)>;

    // `on_call` hears of every call, of each step of an action too, before the answer is given,
    // whether something was run or not.
    CommandApplicationRunner(asio::io_context& loop, ApplicationProfile profile, Called on_call,
                             std::size_t waiting_max = 256);
    // Its programs are run by `commands`.
    CommandApplicationRunner(asio::io_context& loop, ApplicationProfile profile, Called on_call,
                             std::unique_ptr<CommandDoor> commands, std::size_t waiting_max = 256);
    ~CommandApplicationRunner() override;

    // More than `waiting_max` calls waiting: answered as failed at once, and said so. A query of a
    // drive that drains is answered from the last look as long as that is not older than the
    // profile's drain_poll.
    void run(const core::DriveSerial& drive, core::ApplicationAction action,
             Answered answered) override;

    // The application is asked in any case; answered with everything there is to know, of the last
    // step.
    void call(const core::DriveSerial& drive, core::ApplicationAction action, Called called);

    // The programs that are running or waiting were made from the old one and stay as they are.
    void set_profile(ApplicationProfile profile);

    [[nodiscard]] const ApplicationProfile& profile() const { return *profile_; }
    [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

  private:
    struct Job {
        ProgramCall call;
        std::shared_ptr<const ApplicationProfile> profile;
        const std::vector<ProfileStep>* steps;  // of that profile
        Called called;
        bool all_already = true;  // each step so far found what it wanted
    };
    void refuse(Job job, std::string why);
    void start_next();
    void run_step(Job job);
    void ended(Job job, CommandOutcome outcome);
    void read_state(ProgramCall& call, const ApplicationProfile& profile);
    [[nodiscard]] bool read_answer(Job& job);
    void tell(const Job& job) const;

    asio::io_context& loop_;
    std::shared_ptr<const ApplicationProfile> profile_;  // shared with the jobs made from it
    Called on_call_;
    std::size_t waiting_max_;
    std::deque<Job> waiting_;
    bool busy_ = false;
    DrainMemory drains_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);  // posted handlers hold it weakly
    std::unique_ptr<CommandDoor> commands_;
};

}  // namespace agent::host
