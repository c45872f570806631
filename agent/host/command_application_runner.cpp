#include "agent/host/command_application_runner.hpp"

#include <algorithm>
#include <utility>

#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include "agent/host/command_runner.hpp"

namespace agent::host {

namespace {

// What the confirmation's detail can carry, with room for the rest of the sentence.
constexpr std::size_t words_bytes_max = 100;

std::string why_not(const ProgramCall& call) {
    const std::string& loudest =
        call.outcome.error_output.empty() ? call.outcome.output : call.outcome.error_output;
    const std::string words = first_line(loudest, words_bytes_max);
    std::string why = call.argv.front() + ": " + describe(call.outcome);
    if (!words.empty()) why += ": " + words;
    return why;
}

}  // namespace

CommandApplicationRunner::CommandApplicationRunner(asio::io_context& loop,
                                                   ApplicationProfile profile, Called on_call,
                                                   std::size_t waiting_max)
    : CommandApplicationRunner(loop, std::move(profile), std::move(on_call),
                               std::make_unique<CommandRunner>(loop), waiting_max) {}

CommandApplicationRunner::CommandApplicationRunner(asio::io_context& loop,
                                                   ApplicationProfile profile, Called on_call,
                                                   std::unique_ptr<CommandDoor> commands,
                                                   std::size_t waiting_max)
    : loop_(loop),
      profile_(std::make_shared<const ApplicationProfile>(std::move(profile))),
      on_call_(std::move(on_call)),
      waiting_max_(waiting_max),
      commands_(std::move(commands)) {}

CommandApplicationRunner::~CommandApplicationRunner() = default;

void CommandApplicationRunner::run(const core::DriveSerial& drive, core::ApplicationAction action,
                                   Answered answered) {
    call(drive, action,
         [answered = std::move(answered)](const ProgramCall& ended) { answered(answer(ended)); });
}

void CommandApplicationRunner::call(const core::DriveSerial& drive, core::ApplicationAction action,
                                    Called called) {
    Job job{{drive, action, {}, {}, false, {}, {}}, {}, profile_, std::move(called)};
    const Command* command = profile_->command(drive, action);
    if (command == nullptr) {
        refuse(std::move(job), "no program is configured on this host for " +
                                   std::string(core::to_text(action)) + " of this drive");
        return;
    }
    if (waiting_.size() >= waiting_max_) {
        refuse(std::move(job),
               std::to_string(waiting_.size()) +
                   " program calls are waiting already; the application answers too slowly");
        return;
    }
    job.command = *command;
    job.call.argv = command->argv;
    waiting_.push_back(std::move(job));
    asio::post(loop_, [this, alive = std::weak_ptr<int>(alive_)] {
        if (!alive.expired()) start_next();
    });
}

void CommandApplicationRunner::set_profile(ApplicationProfile profile) {
    profile_ = std::make_shared<const ApplicationProfile>(std::move(profile));
}

void CommandApplicationRunner::refuse(Job job, std::string why) {
    job.call.detail = why;
    job.call.read.how = std::move(why);
    asio::post(loop_, [this, alive = std::weak_ptr<int>(alive_), job = std::move(job)] {
        if (!alive.expired()) tell(job);
    });
}

void CommandApplicationRunner::start_next() {
    if (busy_ || waiting_.empty()) return;
    busy_ = true;
    Job job = std::move(waiting_.front());
    waiting_.pop_front();
    Command command = job.command;
    // commands_ calls nobody back once it is gone, so `this` is there.
    commands_->run(std::move(command),
                   [this, job = std::move(job)](CommandOutcome outcome) mutable {
                       ended(std::move(job), std::move(outcome));
                   });
}

void CommandApplicationRunner::ended(Job job, CommandOutcome outcome) {
    ProgramCall& call = job.call;
    call.outcome = std::move(outcome);
    const bool exited = call.outcome.end == CommandOutcome::End::exited;
    if (call.action == core::ApplicationAction::query) {
        call.read = job.profile->reader(call.drive)->read(call.outcome);
        call.succeeded = exited && call.read.state != core::ApplicationDriveState::unknown;
        if (!call.succeeded) call.detail = exited ? call.read.how : why_not(call);
    } else {
        call.succeeded = exited && job.profile->accepts(call.outcome.exit_status);
        if (!call.succeeded) call.detail = why_not(call);
    }
    busy_ = false;
    start_next();
    tell(job);
}

void CommandApplicationRunner::tell(const Job& job) const {
    on_call_(job.call);
    job.called(job.call);
}

}  // namespace agent::host
