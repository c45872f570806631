#include "agent/lrad/release_plan.hpp"

#include <nlohmann/json.hpp>

#include "drive_iface/device/fence_key.hpp"
#include "test/support/catch.hpp"

using namespace agent;
using namespace agent::lrad;
using Kind = ReleaseStep::Kind;
using drive_iface::ReservationSurvey;

namespace {

const core::InitiatorPort port_of_alpha{core::Transport::fc, "2100000e1e09a1b0", {}, {}};
constexpr std::uint64_t key = 0xabcdef01;

ReservationSurvey at_rest() {
    ReservationSurvey survey;
    survey.status = drive_iface::scsi::VeryHighFrequencyData{};
    survey.reservation.state = core::ReservationState::free;
    return survey;
}
ReservationSurvey by_key(std::uint8_t type = 3) {
    auto survey = at_rest();
    survey.reservation = {core::ReservationState::reserved,
                          core::ReservationKind::persistent,
                          core::PersistentReservation{type, type >= 7 ? 0 : key},
                          {port_of_alpha}};
    survey.registrants = {{key, port_of_alpha, true}, {0xb, std::nullopt, type >= 7}};
    return survey;
}
ReservationSurvey by_reserve() {
    auto survey = at_rest();
    survey.reservation = {
        core::ReservationState::reserved, core::ReservationKind::legacy, std::nullopt, {}};
    return survey;
}

struct Scene {
    ReleaseSituation situation;

    Scene() {
        situation.own_key = drive_iface::fence_key("library-1");
        situation.domains = {{"payroll", {port_of_alpha}}};
        add_agent("alpha", "payroll", core::AgentState::started);
        add_agent("beta", "archive", core::AgentState::started);
    }
    void add_agent(const std::string& name, const std::string& domain, core::AgentState state) {
        core::AgentView view;
        view.record.agent = name;
        view.record.state = state;
        view.domain = domain;
        situation.agents.push_back(view);
    }
    // As the rules know it, from a drive's event.
    void holder_is_recorded() {
        situation.drive.record.reservation = by_reserve().reservation;
        situation.drive.record.reservation.holders = {port_of_alpha};
    }
    [[nodiscard]] std::string why_not(ReservationSurvey survey, Kind kind) const {
        for (const auto& step : plan_release(std::move(survey), situation).steps) {
            if (step.kind == kind) return step.obstacle;
        }
        return "no such step";
    }
};

}  // namespace

TEST_CASE("a free drive has nothing to release") {
    const auto plan = plan_release(at_rest(), Scene().situation);
    CHECK_FALSE(is_reserved(plan));
    CHECK(plan.steps.empty());
    CHECK(plan.holder == "nobody");
}

TEST_CASE("a persistent reservation is asked back, then preempted, and never reset") {
    Scene scene;
    scene.situation.allow_reset = true;
    const auto plan = plan_release(by_key(), scene.situation);
    REQUIRE(plan.steps.size() == 3);
    CHECK(plan.steps[0].kind == Kind::ask_holder);
    CHECK(plan.steps[0].agent == "alpha");
    CHECK(plan.steps[0].obstacle.empty());
    CHECK(plan.steps[1].kind == Kind::preempt);
    CHECK(plan.steps[1].obstacle.empty());
    CHECK_THAT(plan.steps[1].affects,
               ContainsSubstring("1 registration removed, 1 of other keys stay"));
    CHECK_THAT(plan.steps[2].obstacle, ContainsSubstring("persistent reservation"));
    CHECK_THAT(plan.holder, ContainsSubstring("00000000abcdef01") &&
                                ContainsSubstring("domain payroll") &&
                                ContainsSubstring("Exclusive Access"));
    const auto all = plan_release(by_key(8), scene.situation);
    CHECK_THAT(all.steps[1].affects, ContainsSubstring("2 registrations removed"));
}

TEST_CASE("under a RESERVE only the holder, or a reset of a drive at rest, can end it") {
    Scene scene;
    CHECK_THAT(scene.why_not(by_reserve(), Kind::ask_holder), ContainsSubstring("who holds"));
    scene.holder_is_recorded();
    CHECK(scene.why_not(by_reserve(), Kind::ask_holder).empty());
    CHECK_THAT(scene.why_not(by_reserve(), Kind::preempt), ContainsSubstring("5.5.1"));
    CHECK_THAT(scene.why_not(by_reserve(), Kind::reset), ContainsSubstring("--allow-reset"));
    scene.situation.allow_reset = true;
    CHECK(scene.why_not(by_reserve(), Kind::reset).empty());

    auto busy = by_reserve();
    busy.status->activity = 6;
    CHECK_THAT(scene.why_not(busy, Kind::reset), ContainsSubstring("at work: writing"));
    busy.status->activity = 0x90;
    CHECK_THAT(scene.why_not(busy, Kind::reset), ContainsSubstring("vendor specific"));
    auto moving = by_reserve();
    moving.status->in_transition = true;
    CHECK_THAT(scene.why_not(moving, Kind::reset), ContainsSubstring("in transition"));
    auto silent = by_reserve();
    silent.status.reset();
    silent.no_status = "LOG SENSE page 11h: RESERVATION CONFLICT";
    CHECK_THAT(scene.why_not(silent, Kind::reset),
               ContainsSubstring("nobody can say") && ContainsSubstring("RESERVATION CONFLICT"));
    const auto plan = plan_release(by_reserve(), scene.situation);
    CHECK_THAT(plan.steps[2].affects, ContainsSubstring("alpha, beta"));
}

TEST_CASE("a holder whose agent can not be asked is said to have none") {
    Scene scene;
    scene.situation.agents[0].record.state = core::AgentState::lost;
    CHECK_THAT(scene.why_not(by_key(), Kind::ask_holder),
               ContainsSubstring("alpha") && ContainsSubstring("lost"));
    scene.situation.agents.erase(scene.situation.agents.begin());
    CHECK_THAT(scene.why_not(by_key(), Kind::ask_holder), ContainsSubstring("no agent"));
    scene.situation.domains.clear();
    CHECK_THAT(scene.why_not(by_key(), Kind::ask_holder),
               ContainsSubstring("no configured domain"));
}

TEST_CASE("the controller's own fence is lifted, another controller's is named") {
    Scene scene;
    auto own = by_key();
    own.reservation.persistent->key = scene.situation.own_key;
    const auto plan = plan_release(own, scene.situation);
    REQUIRE(plan.steps.size() == 1);
    CHECK(plan.steps[0].kind == Kind::lift_own_fence);
    auto others = by_key();
    others.reservation.persistent->key = drive_iface::fence_key("library-2");
    CHECK_THAT(plan_release(others, scene.situation).holder,
               ContainsSubstring("another controller"));
}

TEST_CASE("a plan as JSON has every registrant and every step") {
    const auto plan = release_plan_json({"DRV1"}, plan_release(by_key(), Scene().situation));
    CHECK(plan.at("serial") == "DRV1");
    CHECK(plan.at("reserved") == true);
    CHECK(plan.at("registrants").size() == 2);
    CHECK(plan.at("registrants")[1].at("port").is_null());
    CHECK(plan.at("steps")[0].at("name") == "ask_holder");
    CHECK(plan.at("steps")[2].at("possible") == false);
    CHECK(plan.at("activity") == "none");
}
