// lractl drive release: ends a reservation step by step. After each step the drive is asked again;
// what it says decides whether there is a next one. docs/OFFLINE.md describes the ladder.

#include <nlohmann/json.hpp>
#include <utility>

#include "agent/lrad/controller.hpp"
#include "agent/lrad/pair_part.hpp"
#include "agent/lrad/release_once.hpp"
#include "agent/lrad/release_plan.hpp"
#include "agent/runtime/clock.hpp"
#include "drive_iface/device/fence.hpp"
#include "drive_iface/device/fence_key.hpp"

namespace agent::lrad {

using nlohmann::json;
using runtime::ControlAnswer;
using runtime::ControlError;
using runtime::ControlErrorCode;
using Kind = ReleaseStep::Kind;
using Stage = core::ReleaseReported::Stage;

namespace {

// A step that waits for a host, and the whole run, have to end within lractl's patience.
constexpr core::Duration holder_patience{4'000};
constexpr auto run_patience = std::chrono::seconds(9);

core::Result<bool> release_flag(const json& params, const char* name) {
    const auto found = params.find(name);
    if (found == params.end() || found->is_null()) return false;
    if (!found->is_boolean()) return core::Error{std::string(name) + ": must be true or false"};
    return found->get<bool>();
}

// What became of one step, for whoever asked.
json step_json(Kind kind, const std::string& outcome, const std::string& afterwards) {
    return {{"name", to_text(kind)}, {"outcome", outcome}, {"afterwards", afterwards}};
}

// Before the name of who holds it now; empty: this is the reservation that is to end. A fence of
// this controller is nobody's who could be hit.
std::string why_not_meant(const core::Reservation& meant, const core::Reservation& now,
                          bool own_fence) {
    if (meant.state != core::ReservationState::reserved) {
        if (own_fence) return {};
        return "where it was asked it was not seen to be reserved; look, and ask again: it is held "
               "by ";
    }
    if (!is_another(meant, now)) return {};
    return "the reservation it was about has ended, and now it is held by ";
}

}  // namespace

// One run for one drive, from the first look to the answer.
struct Controller::ReleaseRun {
    core::DriveSerial drive;
    std::string actor;
    bool plan_only = false;
    bool allow_reset = false;
    std::string reason;
    runtime::ControlServer::Answerer answer;       // empty once it has been called
    std::optional<core::Reservation> wanted_gone;  // as seen by who asked, or when it began
    bool begun = false;
    std::optional<Kind> last;  // the step behind us
    std::string last_outcome;
    json done = json::array();
    std::unique_ptr<asio::steady_timer> deadline;

    void finish(ControlAnswer result) {
        if (deadline) deadline->cancel();
        if (auto tell = std::exchange(answer, {})) tell(std::move(result));
    }
};

void Controller::serve_release() {
    on_either_node("drive.release", [this](const json& params, const runtime::Caller& caller,
                                           runtime::ControlServer::Answerer answer) {
        const auto wrong = [&](const core::Error& error) {
            answer(ControlError{ControlErrorCode::invalid_params, error.message});
        };
        auto run = std::make_shared<ReleaseRun>();
        const auto serial = runtime::text_parameter(params, "serial");
        if (!serial) return wrong(serial.error());
        const auto plan_only = release_flag(params, "plan");
        if (!plan_only) return wrong(plan_only.error());
        const auto allow_reset = release_flag(params, "allow_reset");
        if (!allow_reset) return wrong(allow_reset.error());
        if (!*plan_only) {
            const auto reason = runtime::text_parameter(params, "reason");
            if (!reason) return wrong(reason.error());
            run->reason = *reason;
        }
        if (const auto before = release_begun_before(params)) return answer(*before);
        run->drive = {*serial};
        run->wanted_gone = reservation_seen(params);
        run->actor = runtime::to_text(caller);
        run->plan_only = *plan_only;
        run->allow_reset = *allow_reset;
        run->answer = std::move(answer);
        begin_release(run);
    });
}

std::optional<ControlError> Controller::release_begun_before(const json& params) {
    if (!pair_ || pair_->releases_once.begin(params)) return std::nullopt;
    return ControlError{ControlErrorCode::busy,
                        "BUSY: controller " + ReleaseOnce::begun_by(params) +
                            " was to do it, and does not serve any more. Whether it was done is "
                            "not known here: look with `lractl drive show " +
                            params.value("serial", "") + "`, and ask again",
                        R"({"reason": "outcome_unknown"})"};
}

void Controller::begin_release(const std::shared_ptr<ReleaseRun>& run) {
    const auto view = view_of(run->drive);
    const auto refuse = [&run](ControlErrorCode code, const std::string& why) {
        run->finish(ControlError{code, "drive " + run->drive.text + ": " + why});
    };
    if (!view || !drives_.contains(run->drive)) {
        return refuse(ControlErrorCode::failed,
                      "not in the configuration; `lractl drive list` shows those there are");
    }
    // Not so an unprotected one: the reservation may be what keeps it from being fenced.
    const bool forced = view->record.operational_state == core::OperationalState::forced_offline;
    if (forced && !run->plan_only) {
        return refuse(ControlErrorCode::failed,
                      "it is forced offline, which `lractl drive clear " + run->drive.text +
                          " --reason TEXT` ends; release a reservation after that");
    }
    if (const auto elsewhere = not_here(); elsewhere && !run->plan_only)
        return refuse(elsewhere->code, elsewhere->message);
    if (releases_.contains(run->drive))
        return refuse(ControlErrorCode::busy, "another release is under way");
    if (!run->plan_only) {
        if (const auto noted = store_.append_audit({runtime::clock_now().wall, run->actor,
                                                    "drive.release", run->drive.text, run->reason});
            !noted)
            return refuse(ControlErrorCode::failed, noted.error().message);
    }
    releases_[run->drive] = run;
    run->deadline = std::make_unique<asio::steady_timer>(loop_, run_patience);
    run->deadline->async_wait([run](const std::error_code& error) {
        if (error) return;
        run->finish(ControlError{ControlErrorCode::busy,
                                 "drive " + run->drive.text +
                                     ": the release is still under way; `lractl drive why " +
                                     run->drive.text + "` shows its steps as they end"});
    });
    survey_for_release(run);
}

void Controller::survey_for_release(const std::shared_ptr<ReleaseRun>& run) {
    const auto under_way = releases_.find(run->drive);
    const bool ended = under_way == releases_.end() || under_way->second != run;
    if (ended) return;  // while a host was asked
    const auto survey = std::make_shared<drive_iface::ReservationSurvey>();
    run_for_release(
        run,
        [survey](drive_iface::Transport& drive, core::Duration timeout) -> core::Outcome {
            auto told = drive_iface::survey_reservations(drive, timeout);
            if (!told) return told.error();
            *survey = std::move(told).value();
            return core::Nothing{};
        },
        [this, run, survey](const core::Outcome& outcome) {
            if (!outcome) return end_release(run, false, outcome.error().message);
            surveyed_for_release(run, *survey);
        });
}

void Controller::surveyed_for_release(const std::shared_ptr<ReleaseRun>& run,
                                      const drive_iface::ReservationSurvey& survey) {
    const auto view = view_of(run->drive);
    if (!view) return end_release(run, false, "it was taken out of the configuration");
    const auto plan =
        plan_release(survey, {.drive = *view,
                              .own_key = drive_iface::fence_key(configuration_.sharing.controller),
                              .allow_reset = run->allow_reset,
                              .agents = rules_.agents(),
                              .domains = configuration_.sharing.domains});
    if (run->plan_only) {
        releases_.erase(run->drive);
        return run->finish(release_plan_json(run->drive, plan));
    }
    const auto now = with_known_holders(survey.reservation, view->record.reservation);
    // An unprotected drive is fenced as soon as nothing stands in the way.
    const bool fenced_since = run->last && *run->last != Kind::lift_own_fence &&
                              is_reserved(plan) && plan.steps.front().kind == Kind::lift_own_fence;
    const bool gone = !is_reserved(plan) || fenced_since;
    if (run->last) {
        const std::string afterwards = fenced_since ? "the controller's fence stands"
                                       : gone       ? "the drive is free"
                                                    : "still reserved by " + plan.holder;
        run->done.push_back(step_json(*run->last, run->last_outcome, afterwards));
        take(core::ReleaseReported{run->drive, Stage::step_taken, run->actor,
                                   std::string(to_text(*run->last)) + ": " + run->last_outcome +
                                       "; afterwards: " + afterwards});
    } else if (is_reserved(plan)) {
        if (!run->wanted_gone) run->wanted_gone = now;
        run->begun = true;
        take(core::ReleaseReported{run->drive, Stage::asked, run->actor,
                                   run->reason + " (held by " + plan.holder + ")"});
    }
    if (gone) {
        const std::string by =
            run->last ? "by " + std::string(to_text(*run->last)) : "it was not reserved";
        return end_release(run, true, by);
    }
    const bool own_fence = plan.steps.front().kind == Kind::lift_own_fence;
    if (const auto why = why_not_meant(*run->wanted_gone, now, own_fence); !why.empty())
        return end_release(run, false, why + plan.holder);
    const bool wanted_fence =
        own_fence && view->record.operational_state != core::OperationalState::online;
    if (wanted_fence) {
        return end_release(run, false,
                           "it is fenced because it is to be offline; `lractl drive clear " +
                               run->drive.text + " --reason TEXT` ends that");
    }
    for (const auto& step : plan.steps) {
        const bool behind_us = run->last && step.kind <= *run->last;
        if (!behind_us && step.obstacle.empty()) return take_release_step(run, step, survey);
    }
    std::string left;
    for (const auto& step : plan.steps) {
        if (!step.obstacle.empty())
            left += "; " + std::string(to_text(step.kind)) + ": " + step.obstacle;
    }
    end_release(run, false, "held by " + plan.holder + left);
}

void Controller::take_release_step(const std::shared_ptr<ReleaseRun>& run, const ReleaseStep& step,
                                   const drive_iface::ReservationSurvey& survey) {
    run->last = step.kind;
    const auto taken = [this, run](const std::string& outcome) {
        run->last_outcome = outcome;
        survey_for_release(run);
    };
    const auto job_done = [taken](const core::Outcome& outcome) {
        taken(outcome ? "done" : outcome.error().message);
    };
    const auto key = drive_iface::fence_key(configuration_.sharing.controller);
    switch (step.kind) {
        case Kind::lift_own_fence:
            return run_for_release(
                run,
                [key](drive_iface::Transport& drive, core::Duration timeout) -> core::Outcome {
                    const auto lifted = drive_iface::lift_fence(drive, key, timeout);
                    return lifted ? core::Outcome(core::Nothing{}) : lifted.error();
                },
                job_done);
        case Kind::ask_holder:
            return release_requests_->ask(
                run->drive, step.agent, holder_patience,
                [taken, agent = step.agent](const core::Result<core::HolderStatement>& said) {
                    if (!said) return taken(said.error().message);
                    taken("agent " + agent + ": " + std::string(core::to_text(said->release)) +
                          (said->detail.empty() ? "" : ", " + said->detail));
                });
        case Kind::preempt:
            return run_for_release(
                run,
                [key, expected = *survey.reservation.persistent](drive_iface::Transport& drive,
                                                                 core::Duration timeout) {
                    return drive_iface::end_persistent_reservation(drive, key, expected, timeout);
                },
                job_done);
        case Kind::reset:
            return run_for_release(
                run,
                [](drive_iface::Transport& drive, core::Duration timeout) -> core::Outcome {
                    // Asked again right before: the plan may be some seconds old.
                    const auto now = drive_iface::survey_reservations(drive, timeout);
                    if (!now) return now.error();
                    const bool at_rest =
                        now->status && now->status->activity == 0 && !now->status->in_transition;
                    if (!at_rest)
                        return core::Error{"not reset: the drive has begun to work meanwhile"};
                    return drive.reset_logical_unit(timeout);
                },
                job_done);
    }
}

void Controller::run_for_release(
    const std::shared_ptr<ReleaseRun>& run,
    std::function<core::Outcome(drive_iface::Transport&, core::Duration)> work,
    std::function<void(const core::Outcome&)> done) {
    const auto found = drives_.find(run->drive);
    if (found == drives_.end())
        return end_release(run, false, "it was taken out of the configuration");
    drive_iface::DriveJob job{std::move(work), std::move(done)};
    if (!run->plan_only) job = mounts::under_right(std::move(job), acting_door());
    found->second.watch->run(std::move(job));
}

void Controller::end_release(const std::shared_ptr<ReleaseRun>& run, bool free,
                             const std::string& words) {
    releases_.erase(run->drive);
    if (const auto found = drives_.find(run->drive); found != drives_.end())
        found->second.watch->look_now();
    const bool begun = run->begun;
    if (begun) {
        take(core::ReleaseReported{run->drive, free ? Stage::succeeded : Stage::failed, run->actor,
                                   words});
    }
    if (free) {
        return run->finish(json{{"serial", run->drive.text},
                                {"result", "free"},
                                {"how", words},
                                {"controller", configuration_.sharing.controller},
                                {"steps", std::move(run->done)}});
    }
    std::string steps;
    for (const auto& step : run->done) {
        steps += "; " + step.value("name", "") + ": " + step.value("outcome", "");
    }
    run->finish(ControlError{
        begun ? ControlErrorCode::state_differs : ControlErrorCode::failed,
        "drive " + run->drive.text + (begun ? " is not free: " : ": ") + words + steps});
}

}  // namespace agent::lrad
