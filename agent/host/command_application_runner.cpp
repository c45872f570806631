#include "agent/host/command_application_runner.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include "agent/host/command_runner.hpp"

namespace agent::host {

namespace {

// What the confirmation's detail can carry, with room for the rest of the sentence.
constexpr std::size_t words_bytes_max = 100;

core::Instant runner_now() {
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    return {std::chrono::duration_cast<std::chrono::milliseconds>(since).count()};
}

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
    if (action == core::ApplicationAction::query) {
        const auto seen = drains_.seen_lately(drive, runner_now(), profile_->drain_poll());
        if (seen) {
            // Not to be told again on the word of an old look.
            const core::ApplicationAnswered same{drive, action, true, seen->state, seen->how};
            asio::post(loop_,
                       [alive = std::weak_ptr<int>(alive_), same, answered = std::move(answered)] {
                           if (!alive.expired()) answered(same);
                       });
            return;
        }
    }
    call(drive, action,
         [answered = std::move(answered)](const ProgramCall& ended) { answered(answer(ended)); });
}

void CommandApplicationRunner::call(const core::DriveSerial& drive, core::ApplicationAction action,
                                    Called called) {
    Job job{{}, profile_, &profile_->steps(drive, action), std::move(called)};
    job.call.drive = drive;
    job.call.action = action;
    if (job.steps->empty()) {
        refuse(std::move(job), "no program is configured on this host for " +
                                   std::string(core::to_text(action)) + " of this drive");
        return;
    }
    job.call.steps = job.steps->size();
    if (waiting_.size() >= waiting_max_) {
        refuse(std::move(job),
               std::to_string(waiting_.size()) +
                   " program calls are waiting already; the application answers too slowly");
        return;
    }
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
    run_step(std::move(job));
}

void CommandApplicationRunner::run_step(Job job) {
    Command command = (*job.steps)[job.call.step].command;
    job.call.argv.clear();
    for (const std::string& argument : command.argv)
        job.call.argv.push_back(without_secrets(argument, command.secrets));
    job.call.input = without_secrets(command.input, command.secrets);
    // commands_ calls nobody back once it is gone, so `this` is there.
    commands_->run(std::move(command),
                   [this, job = std::move(job)](CommandOutcome outcome) mutable {
                       ended(std::move(job), std::move(outcome));
                   });
}

void CommandApplicationRunner::ended(Job job, CommandOutcome outcome) {
    ProgramCall& call = job.call;
    const auto& secrets = (*job.steps)[call.step].command.secrets;
    const core::Duration limit = (*job.steps)[call.step].command.timeout;
    outcome.output = without_secrets(std::move(outcome.output), secrets);
    outcome.error_output = without_secrets(std::move(outcome.error_output), secrets);
    outcome.why = without_secrets(std::move(outcome.why), secrets);
    // The program is dead; what it has asked the application's server for may still be done there.
    const bool killed = outcome.end == CommandOutcome::End::timed_out ||
                        outcome.end == CommandOutcome::End::not_ending;
    if (killed) outcome.may_run_for = std::max(outcome.may_run_for, limit);
    call.outcome = std::move(outcome);
    bool go_on = false;
    if (call.action == core::ApplicationAction::query) {
        read_state(call, *job.profile);
    } else {
        go_on = read_answer(job);
    }
    if (go_on) {
        on_call_(call);
        ++call.step;
        run_step(std::move(job));
        return;
    }
    busy_ = false;
    start_next();
    tell(job);
}

void CommandApplicationRunner::read_state(ProgramCall& call, const ApplicationProfile& profile) {
    const bool exited = call.outcome.end == CommandOutcome::End::exited;
    call.read = drains_.seen(call.drive, profile.read(call.drive, call.outcome), runner_now(),
                             profile.drain_poll(), profile.drain_limit());
    call.succeeded = exited && call.read.state != core::ApplicationDriveState::unknown;
    call.by_somebody_else = call.read.by_somebody_else;
    if (!call.succeeded) call.detail = exited ? call.read.how : why_not(call);
    if (call.read.say_again) call.detail = call.read.how;
}

// Answers whether the next step is to be taken.
bool CommandApplicationRunner::read_answer(Job& job) {
    using enum AnswerKind;
    ProgramCall& call = job.call;
    call.said = (*job.steps)[call.step].answers.read(call.outcome);
    call.succeeded = call.said->kind == done || call.said->kind == already;
    job.all_already = job.all_already && call.said->kind == already;
    if (call.succeeded && call.step + 1 < job.steps->size()) return true;
    const bool ended_by_itself = call.outcome.end == CommandOutcome::End::exited;
    switch (call.said->kind) {
        case failed:
            call.detail =
                ended_by_itself ? call.argv.front() + ": " + call.said->how : why_not(call);
            break;
        case not_ours:
            call.detail = "the application leaves it to somebody else: " + call.said->how;
            break;
        case busy:
            call.detail = "busy: " + call.said->how;
            break;
        case already:
        case done:
            break;
    }
    call.by_somebody_else = call.succeeded && job.all_already;
    drains_.acted(call.drive, call.action, *call.said, runner_now());
    return false;
}

void CommandApplicationRunner::tell(const Job& job) const {
    on_call_(job.call);
    job.called(job.call);
}

}  // namespace agent::host
