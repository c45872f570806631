// The daemon's part in a reconciliation on request: a new life for the controllers without a new
// process, and who waits for what comes of it.

#include <chrono>
#include <utility>

#include "agent/dsad/daemon.hpp"
#include "agent/runtime/clock.hpp"

namespace agent::dsad {

namespace {

// Within lractl's own patience; an application that takes longer is shown as not settled yet.
constexpr std::chrono::seconds reconcile_patience{8};

}  // namespace

struct Daemon::Reconciling {
    std::uint64_t number = 0;
    Reconciliation seen;
    Reconciled done;
    asio::steady_timer deadline;
};

void Daemon::ReconcilingDeleter::operator()(Reconciling* reconciling) const {
    delete reconciling;
}

core::Outcome Daemon::reconcile(const std::string& actor, Reconciled done) {
    if (reconciling_) return core::Error{"a reconciliation is under way; wait for its end"};
    if (broken_) return core::Error{"dsad is ending"};
    auto noted = store_.append_audit({runtime::clock_now().wall, actor, "application.reconcile",
                                      configuration().host.agent, ""});
    if (!noted) return noted;
    const auto incarnation = store_.raise_incarnation();
    if (!incarnation) return incarnation.error();
    const std::uint64_t number = ++reconciliations_;
    reconciling_.reset(new Reconciling{number, Reconciliation(rules_.drives()), std::move(done),
                                       asio::steady_timer(loop_, reconcile_patience)});
    // A handler that is queued already runs after its timer is gone: it may end its own run only.
    reconciling_->deadline.async_wait([this, number](const asio::error_code& error) {
        if (!error && reconciling_ && reconciling_->number == number) end_reconciling();
    });
    for (auto& [controller, known] : acknowledged_)
        known = false;
    record(core::Message::reconcile_asked, {}, {actor});
    take(core::ReconcileRequested{*incarnation});
    return core::Nothing{};
}

void Daemon::watch_reconciling(const core::DriveSharingAgentInput& input) {
    if (!reconciling_) return;
    if (const auto* answer = std::get_if<core::ApplicationAnswered>(&input))
        reconciling_->seen.answered(*answer);
    if (reconciling_->seen.is_complete(rules_.drives())) end_reconciling();
}

void Daemon::watch_reconciling(const core::RunApplication& command) {
    if (reconciling_) reconciling_->seen.ran(command);
}

void Daemon::end_reconciling() {
    const auto ended = std::move(reconciling_);
    const auto drives = ended->seen.outcome(rules_.drives());
    for (const auto& drive : drives) {
        if (drive.done.empty()) continue;
        record(core::Message::reconcile_settled, drive.drive,
               {drive.drive.text, found_in_words(drive), done_in_words(drive)});
    }
    ended->done(drives);
}

}  // namespace agent::dsad
