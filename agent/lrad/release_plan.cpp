#include "agent/lrad/release_plan.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "agent/core/sharing_resolver.hpp"
#include "drive_iface/device/fence_key.hpp"
#include "drive_iface/scsi/persistent_reserve.hpp"

namespace agent::lrad {

using core::reservation_key_text;
using nlohmann::json;
using Kind = ReleaseStep::Kind;

namespace {

bool is_persistent(const ReleasePlan& plan) {
    return plan.survey.reservation.persistent.has_value();
}

std::string type_text(std::uint8_t code) {
    const auto type = drive_iface::scsi::pr_type_from_code(code);
    return type ? std::string(drive_iface::scsi::name(*type)) : "type " + std::to_string(code);
}

// The drive says nobody's name under a RESERVE; the rules may know it from an event or a host.
core::Reservation best_known(const drive_iface::ReservationSurvey& survey,
                             const core::DriveView& drive) {
    core::Reservation known = survey.reservation;
    const auto& recorded = drive.record.reservation;
    const bool same = recorded.state == known.state &&
                      recorded.persistent.has_value() == known.persistent.has_value() &&
                      recorded.persistent == known.persistent;
    if (known.holders.empty() && same) known.holders = recorded.holders;
    return known;
}

std::string holder_text(const core::Reservation& known, const core::DomainName& domain) {
    if (known.state != core::ReservationState::reserved) return "nobody";
    std::string text =
        known.holders.empty() ? "a host nobody can name" : core::holders_in_words(known, domain);
    if (!known.persistent) return text + ", by RESERVE(6) or RESERVE(10)";
    return text + ", by a persistent reservation with key " +
           reservation_key_text(known.persistent->key) + " (" + type_text(known.persistent->type) +
           ")";
}

// DT DEVICE ACTIVITY of log page 11h, as ADC-3 and sg_logs name the codes.
std::string activity_text(const drive_iface::ReservationSurvey& survey) {
    if (!survey.status) return "not known: " + survey.no_status;
    constexpr const char* names[] = {"none",
                                     "cleaning",
                                     "loading",
                                     "unloading",
                                     "other medium activity",
                                     "reading",
                                     "writing",
                                     "locating",
                                     "rewinding",
                                     "erasing",
                                     "formatting",
                                     "calibrating",
                                     "other activity",
                                     "updating its firmware",
                                     "reading encrypted data",
                                     "writing encrypted data",
                                     "diagnosing itself"};
    const auto code = survey.status->activity;
    const std::string text =
        code < std::size(names) ? names[code] : "vendor specific, code " + std::to_string(code);
    return survey.status->in_transition ? text + ", in transition" : text;
}

std::string agents_text(const std::vector<core::AgentView>& agents,
                        const core::DomainName& domain) {
    std::string text;
    for (const auto& agent : agents) {
        if (!domain.empty() && agent.domain == domain) continue;
        text += (text.empty() ? "" : ", ") + agent.record.agent;
    }
    return text;
}

// The key may stand for several ports, and all of them lose their registration.
std::string registrants_text(const ReleasePlan& plan) {
    const auto& held = *plan.survey.reservation.persistent;
    const auto type = drive_iface::scsi::pr_type_from_code(held.type);
    const bool everybody = type && drive_iface::scsi::is_all_registrants(*type);
    std::size_t hit = 0;
    std::size_t spared = 0;
    for (const auto& registrant : plan.survey.registrants)
        ++(everybody || registrant.key == held.key ? hit : spared);
    return std::to_string(hit) + " registration" + (hit == 1 ? "" : "s") + " removed, " +
           std::to_string(spared) + " of other keys stay";
}

ReleaseStep ask_holder(const core::Reservation& known, const core::DomainName& domain,
                       const ReleaseSituation& situation) {
    ReleaseStep step{Kind::ask_holder,
                     "asks the agent on the holder's host to make its application give the drive "
                     "back",
                     "only the application on that host; no other host notices",
                     "",
                     {}};
    if (known.holders.empty()) {
        step.obstacle = "nobody can say who holds the drive";
        return step;
    }
    if (domain.empty()) {
        step.obstacle = "the holder's port belongs to no configured domain, so it has no agent";
        return step;
    }
    for (const auto& agent : situation.agents) {
        if (agent.domain != domain) continue;
        const bool answers = agent.record.state == core::AgentState::started ||
                             core::is_being_told(agent.record.state);
        step.agent = agent.record.agent;
        step.obstacle = answers ? ""
                                : "agent " + agent.record.agent + " of domain " + domain + " is " +
                                      std::string(core::to_text(agent.record.state));
        if (answers) return step;
    }
    if (step.agent.empty()) step.obstacle = "domain " + domain + " has no agent";
    return step;
}

ReleaseStep preempt(const ReleasePlan& plan) {
    ReleaseStep step{Kind::preempt,
                     "PREEMPT of exactly the holder's key, then RELEASE by the controller",
                     "",
                     "",
                     {}};
    if (!is_persistent(plan)) {
        step.affects = "nobody";
        step.obstacle =
            "PERSISTENT RESERVE OUT conflicts while a RESERVE(6) or RESERVE(10) is active (SPC-2 "
            "5.5.1)";
        return step;
    }
    step.affects = registrants_text(plan) +
                   "; the holder gets UNIT ATTENTION 2Ah/05h, and RESERVATION CONFLICT for what it "
                   "sends unregistered; its commands under way go on";
    return step;
}

ReleaseStep reset(const ReleasePlan& plan, const ReleaseSituation& situation) {
    ReleaseStep step{Kind::reset, "LOGICAL UNIT RESET", "", "", {}};
    const std::string agents = agents_text(situation.agents, {});
    step.affects =
        "every host that uses the drive" + (agents.empty() ? "" : " (agents " + agents + ")") +
        ": their commands are aborted, data the drive has buffered and its position are lost, each "
        "gets UNIT ATTENTION 29h";
    if (is_persistent(plan)) {
        step.obstacle = "a reset does not end a persistent reservation (SPC-4 5.13)";
    } else if (!plan.survey.status) {
        step.obstacle = "nobody can say that the drive is at rest: " + plan.survey.no_status;
    } else if (plan.survey.status->activity != 0 || plan.survey.status->in_transition) {
        step.obstacle = "the drive is at work: " + plan.activity;
    } else if (!situation.allow_reset) {
        step.obstacle = "only with --allow-reset";
    }
    return step;
}

ReleaseStep lift_own_fence() {
    return {Kind::lift_own_fence,
            "takes away this controller's own fence: RELEASE and unregister",
            "hosts can use the drive again",
            "",
            {}};
}

}  // namespace

std::string_view to_text(Kind kind) {
    switch (kind) {
        case Kind::lift_own_fence:
            return "lift_own_fence";
        case Kind::ask_holder:
            return "ask_holder";
        case Kind::preempt:
            return "preempt";
        case Kind::reset:
            return "reset";
    }
    return "unknown";
}

bool is_reserved(const ReleasePlan& plan) {
    return plan.survey.reservation.state == core::ReservationState::reserved;
}

ReleasePlan plan_release(drive_iface::ReservationSurvey survey, const ReleaseSituation& situation) {
    ReleasePlan plan;
    const auto known = best_known(survey, situation.drive);
    const auto domain = core::holder_domain_of(known, situation.domains);
    plan.holder = holder_text(known, domain);
    plan.activity = activity_text(survey);
    plan.survey = std::move(survey);
    if (!is_reserved(plan)) return plan;
    const auto& held = plan.survey.reservation.persistent;
    if (held && held->key == situation.own_key) {
        plan.holder = "this controller's own fence (key " + reservation_key_text(held->key) + ")";
        plan.steps.push_back(lift_own_fence());
        return plan;
    }
    if (held && drive_iface::is_fence_key(held->key))
        plan.holder += ": a fence of another controller";
    plan.steps.push_back(ask_holder(known, domain, situation));
    plan.steps.push_back(preempt(plan));
    plan.steps.push_back(reset(plan, situation));
    return plan;
}

json release_plan_json(const core::DriveSerial& drive, const ReleasePlan& plan) {
    json registrants = json::array();
    for (const auto& registrant : plan.survey.registrants) {
        registrants.push_back(
            {{"key", reservation_key_text(registrant.key)},
             {"port", registrant.port ? json(core::to_text(*registrant.port)) : json()},
             {"holder", registrant.holder}});
    }
    json steps = json::array();
    for (const auto& step : plan.steps) {
        steps.push_back({{"step", steps.size() + 1},
                         {"name", to_text(step.kind)},
                         {"possible", step.obstacle.empty()},
                         {"why_not", step.obstacle.empty() ? json() : json(step.obstacle)},
                         {"agent", step.agent.empty() ? json() : json(step.agent)},
                         {"does", step.does},
                         {"affects", step.affects}});
    }
    return {{"serial", drive.text},
            {"reserved", is_reserved(plan)},
            {"holder", plan.holder},
            {"activity", plan.activity},
            {"registrants", std::move(registrants)},
            {"steps", std::move(steps)}};
}

}  // namespace agent::lrad
