// The host statement: docs/HOLDER.md.

#include <algorithm>

#include "test/unit/core/controller.hpp"

using namespace core_test;

namespace {

SharingConfiguration asking(
    SharingConfiguration::UnknownHolder policy = SharingConfiguration::UnknownHolder::notify) {
    SharingConfiguration configuration = two_drives_three_agents();
    configuration.holder_inquiry = {2'000};
    configuration.holder_inquiry_repeat = {30'000};
    configuration.unknown_holder = policy;
    return configuration;
}

// All agents up, both drives free, and then one reserved by nobody knows whom.
struct UnknownHolderWorld {
    explicit UnknownHolderWorld(SharingConfiguration configuration = asking())
        : controller(std::move(configuration)) {
        controller.bring_up_all();
        controller.confirm_all(controller.see(drive_1, free_drive()));
        controller.confirm_all(controller.see(drive_2, free_drive()));
    }
    ReservationAgentEffects reserve(const DriveSerial& drive = drive_1) {
        auto effects = controller.see(drive, reserved_by_nobody_knows_whom(), HolderEvidence::none,
                                      DriveObserved::Source::poll);
        note(effects);
        return effects;
    }
    void note(const ReservationAgentEffects& effects) {
        for (const auto& ask : all<AskHolder>(effects))
            asked[ask.agent] = ask.inquiry;
    }
    ReservationAgentEffects pass(std::int64_t ms) {
        auto effects = controller.pass(ms);
        note(effects);
        return effects;
    }
    ReservationAgentEffects state(const AgentName& agent, HolderAnswer answer,
                                  std::vector<InitiatorPort> ports = {}, DomainName domain = {}) {
        const HolderInquiry& inquiry = asked.at(agent);
        auto effects = controller(HolderStated{{inquiry.id, inquiry.controller, agent,
                                                inquiry.drive, answer, ReleaseResult::not_asked,
                                                std::move(ports), std::move(domain), "detail"}});
        note(effects);
        return effects;
    }
    ReservationAgentEffects mine_alpha() { return state("alpha", HolderAnswer::mine, {port_a}); }
    ReservationAgentEffects mine_beta() { return state("beta", HolderAnswer::mine, {port_b}); }
    [[nodiscard]] DriveView drive() const { return controller.drive(drive_1); }

    Controller controller;
    std::map<AgentName, HolderInquiry> asked;
};

}  // namespace

TEST_CASE("every started agent is asked about a holder that the drive does not name") {
    UnknownHolderWorld world;
    const auto effects = world.reserve();
    CHECK(world.asked.size() == 3);
    CHECK(all<SendNotice>(effects).empty());  // the policy waits for the answers
    CHECK_FALSE(world.controller.alarm(AlarmKind::holder_unknown));
    CHECK(world.controller.has_event("LRA1040"));
    CHECK(world.asked.at("alpha").id == world.asked.at("gamma").id);
}

TEST_CASE("nobody is asked when the configuration says so, and the policy is carried out at once") {
    auto configuration = asking();
    configuration.holder_inquiry = {0};
    UnknownHolderWorld world(configuration);
    const auto effects = world.reserve();
    CHECK(world.asked.empty());
    CHECK(all<SendNotice>(effects).size() == 3);
    CHECK(world.controller.alarm(AlarmKind::holder_unknown));
}

TEST_CASE("with no agent up the policy is carried out at once") {
    Controller controller(asking());
    controller.see(drive_1, reserved_by_nobody_knows_whom(), HolderEvidence::none,
                   DriveObserved::Source::poll);
    CHECK(controller.alarm(AlarmKind::holder_unknown));
}

TEST_CASE("a host's word names the holder when all have answered") {
    UnknownHolderWorld world;
    world.reserve();
    CHECK(all<SendNotice>(world.mine_alpha()).empty());  // the others may contradict
    world.state("beta", HolderAnswer::not_mine);
    const auto effects = world.state("gamma", HolderAnswer::can_not_tell);
    const auto sent = all<SendNotice>(effects);
    REQUIRE(sent.size() == 3);
    CHECK(sent[0].notice.holder_domain == "payroll");
    CHECK(sent[0].notice.evidence == HolderEvidence::host_asserted);
    CHECK(sent[0].notice.reservation.holders == std::vector<InitiatorPort>{port_a});
    CHECK_FALSE(world.controller.alarm(AlarmKind::holder_unknown));
    CHECK(world.drive().holder_domain == "payroll");
}

TEST_CASE("a silent agent is waited for, not longer than the configured time") {
    UnknownHolderWorld world;
    world.reserve();
    world.mine_alpha();
    CHECK(all<SendNotice>(world.pass(1'999)).empty());
    const auto effects = world.pass(1);
    CHECK(all<SendNotice>(effects).size() == 3);
    CHECK(all<StopAsking>(effects).size() == 2);
    CHECK(world.drive().record.evidence == HolderEvidence::host_asserted);
}

TEST_CASE("when nobody says that it is his the configured policy follows") {
    UnknownHolderWorld world;
    world.reserve();
    world.state("alpha", HolderAnswer::not_mine);
    world.state("beta", HolderAnswer::not_mine);
    const auto effects = world.state("gamma", HolderAnswer::not_mine);
    CHECK(all<SendNotice>(effects).size() == 3);  // notify: everyone keeps off
    CHECK(world.controller.alarm(AlarmKind::holder_unknown));
    CHECK(world.drive().record.evidence == HolderEvidence::none);
    CHECK(world.drive().search.rungs.size() == 3);
}

TEST_CASE("hosts of different domains that both say mine leave the holder unknown") {
    UnknownHolderWorld world;
    world.reserve();
    world.mine_alpha();
    world.mine_beta();
    world.state("gamma", HolderAnswer::not_mine);
    CHECK(world.controller.has_event("LRA1043"));
    REQUIRE(world.controller.alarm(AlarmKind::holder_unknown));
    CHECK(world.controller.rules().active_alarms().front().text.find("2 agents") !=
          std::string::npos);
    CHECK(world.drive().record.reservation.holders.empty());
}

TEST_CASE("two hosts of one domain that both say mine do not contradict each other") {
    auto configuration = asking();
    configuration.agents = {{"alpha", "payroll"}, {"beta", "payroll"}, {"gamma", ""}};
    configuration.domains = {{"payroll", {port_a, port_b}}};
    UnknownHolderWorld world(configuration);
    world.reserve();
    world.mine_alpha();
    world.mine_beta();
    world.state("gamma", HolderAnswer::not_mine);
    CHECK(world.drive().holder_domain == "payroll");
    CHECK(world.drive().record.reservation.holders.size() == 2);
}

TEST_CASE("a statement about an older question counts for nothing") {
    UnknownHolderWorld world;
    world.reserve();
    const auto old = world.asked;
    world.controller.confirm_all(world.controller.see(drive_1, free_drive()));
    world.reserve();
    CHECK(world.asked.at("alpha").id > old.at("alpha").id);
    const auto current = std::exchange(world.asked, old);
    world.mine_alpha();
    world.asked = current;
    world.state("alpha", HolderAnswer::not_mine);
    world.state("beta", HolderAnswer::not_mine);
    world.state("gamma", HolderAnswer::not_mine);
    CHECK(world.drive().record.reservation.holders.empty());
}

TEST_CASE("a statement about a question of an earlier process counts for nothing") {
    UnknownHolderWorld world;
    world.reserve();
    const auto old = world.asked;
    world.note(world.controller.restart());
    CHECK(world.asked.at("alpha").id > old.at("alpha").id);
    world.asked = old;
    world.mine_alpha();
    world.mine_beta();
    world.state("gamma", HolderAnswer::not_mine);
    CHECK(world.drive().record.reservation.holders.empty());
}

TEST_CASE("an answer to a question that was never asked is reported") {
    UnknownHolderWorld world;
    world.reserve();
    world.asked.at("alpha").id.sequence += 1'000;
    world.mine_alpha();
    CHECK(world.controller.has_event("LRA1044"));
    CHECK(world.drive().record.reservation.holders.empty());
}

TEST_CASE("a host that names a port of another domain is not believed") {
    UnknownHolderWorld world;
    world.reserve();
    world.state("beta", HolderAnswer::mine, {port_a});
    world.state("alpha", HolderAnswer::not_mine);
    world.state("gamma", HolderAnswer::not_mine);
    CHECK(world.controller.has_event("LRA1045"));
    CHECK(world.drive().record.reservation.holders.empty());

    world.pass(30'000);
    world.state("alpha", HolderAnswer::mine, {port_a}, "archive");
    world.pass(2'000);
    CHECK(world.drive().record.reservation.holders.empty());
}

TEST_CASE("the first answer of an agent counts, repeats do not") {
    UnknownHolderWorld world;
    world.reserve();
    world.state("alpha", HolderAnswer::not_mine);
    world.mine_alpha();
    world.pass(2'000);
    CHECK(world.drive().record.reservation.holders.empty());
}

TEST_CASE("a late answer names the holder of a question that nobody else has answered with mine") {
    UnknownHolderWorld world;
    world.reserve();
    world.pass(2'000);
    CHECK(world.controller.alarm(AlarmKind::holder_unknown));
    world.mine_alpha();
    CHECK_FALSE(world.controller.alarm(AlarmKind::holder_unknown));
    CHECK(world.drive().holder_domain == "payroll");
}

TEST_CASE("a late contradiction takes the holder back, asks again, and the policy follows") {
    UnknownHolderWorld world;
    world.reserve();
    world.mine_alpha();
    world.pass(2'000);
    CHECK(world.drive().holder_domain == "payroll");
    const auto first = world.asked.at("beta").id;
    world.mine_beta();
    CHECK(world.drive().record.reservation.holders.empty());
    CHECK(world.controller.has_event("LRA1046"));
    CHECK(world.asked.at("beta").id > first);
    world.mine_alpha();
    world.mine_beta();
    world.pass(2'000);
    CHECK(world.controller.alarm(AlarmKind::holder_unknown));
}

TEST_CASE("a host's word is asked again, and what it denies is forgotten") {
    UnknownHolderWorld world;
    world.reserve();
    world.mine_alpha();
    world.controller.confirm_all(world.pass(2'000));
    const auto first = world.asked.at("alpha").id;
    CHECK(all<SendNotice>(world.pass(30'000)).empty());
    CHECK(world.asked.at("alpha").id > first);
    SECTION("silence takes nothing back") {
        world.pass(2'000);
        CHECK(world.drive().holder_domain == "payroll");
    }
    SECTION("the same word again changes nothing") {
        world.mine_alpha();
        CHECK(all<SendNotice>(world.pass(2'000)).empty());
        CHECK(world.drive().holder_domain == "payroll");
    }
    SECTION("another host's word does") {
        world.mine_beta();
        world.pass(2'000);
        CHECK(world.drive().holder_domain == "archive");
    }
    SECTION("its own denial does") {
        world.state("alpha", HolderAnswer::not_mine, {port_a});
        world.pass(2'000);
        CHECK(world.drive().record.reservation.holders.empty());
        world.pass(2'000);
        CHECK(world.controller.alarm(AlarmKind::holder_unknown));
    }
}

TEST_CASE("what the drive says overrides a host's word, and ends the question") {
    UnknownHolderWorld world;
    world.reserve();
    world.mine_alpha();
    world.pass(2'000);
    world.controller.see(drive_1, reserved_by(port_b));
    CHECK(world.drive().holder_domain == "archive");
    CHECK(world.drive().record.evidence == HolderEvidence::drive_event);
    world.mine_alpha();
    CHECK(world.drive().holder_domain == "archive");
    const auto effects = world.pass(100'000);
    CHECK(all<AskHolder>(effects).empty());
}

TEST_CASE("a drive event while the answers are waited for needs none of them") {
    UnknownHolderWorld world;
    world.reserve();
    const auto effects = world.controller.see(drive_1, reserved_by(port_b));
    CHECK(all<SendNotice>(effects).size() == 3);
    CHECK(all<StopAsking>(effects).size() == 3);
    world.mine_alpha();
    CHECK(world.drive().holder_domain == "archive");
}

TEST_CASE("a release while the answers are waited for ends the question") {
    UnknownHolderWorld world;
    world.reserve();
    world.mine_alpha();
    world.controller.see(drive_1, free_drive());
    world.mine_beta();
    world.pass(10'000);
    CHECK(world.drive().record.reservation.state == ReservationState::free);
    CHECK_FALSE(world.controller.alarm(AlarmKind::holder_unknown));
}

TEST_CASE("polling on keeps the holder that a host has named") {
    UnknownHolderWorld world;
    world.reserve();
    world.mine_alpha();
    world.pass(2'000);
    CHECK(all<SendNotice>(world.reserve()).empty());
    CHECK(world.drive().holder_domain == "payroll");
}

TEST_CASE("a host's word does not undo a release that is being held down") {
    auto configuration = asking();
    configuration.release_hold_down = {1'000};
    UnknownHolderWorld world(configuration);
    world.pass(1'000);
    world.reserve();
    world.controller.see(drive_1, free_drive());
    world.mine_alpha();
    world.state("beta", HolderAnswer::not_mine);
    world.state("gamma", HolderAnswer::not_mine);
    world.pass(1'000);
    CHECK(world.drive().record.reservation.state == ReservationState::free);
}

TEST_CASE("an agent that comes up is asked at once about holders that are not known") {
    Controller controller(asking());
    controller.bring_up("beta");
    controller.see(drive_1, reserved_by_nobody_knows_whom(), HolderEvidence::none,
                   DriveObserved::Source::poll);
    controller.pass(2'000);
    CHECK(controller.alarm(AlarmKind::holder_unknown));
    controller.bring_up("alpha");
    const auto asked = all<AskHolder>(controller.pass(1));
    CHECK(std::any_of(asked.begin(), asked.end(),
                      [](const AskHolder& ask) { return ask.agent == "alpha"; }));
}

TEST_CASE("a policy that a crash has cut short is carried out after the restart") {
    UnknownHolderWorld world(asking(SharingConfiguration::UnknownHolder::force_offline));
    world.reserve();
    CHECK(world.drive().operational_state() == OperationalState::online);
    world.note(world.controller.restart());
    const auto effects = world.pass(2'000);
    CHECK(all<ForceDriveOffline>(effects).size() == 1);
}

TEST_CASE("a drive that is not shared is nobody's question") {
    auto configuration = asking();
    configuration.drives[0].shared = false;
    UnknownHolderWorld world(configuration);
    world.reserve();
    CHECK(world.asked.empty());
}

TEST_CASE("switching the questions off carries out the policy that waited") {
    UnknownHolderWorld world;
    world.reserve();
    auto configuration = asking();
    configuration.holder_inquiry = {0};
    world.controller.reconfigure(configuration);
    CHECK(world.controller.alarm(AlarmKind::holder_unknown));
    world.mine_alpha();
    CHECK(world.drive().record.reservation.holders.empty());
}

TEST_CASE("an agent that starts while answers are waited for is told when they are in") {
    auto configuration = asking();
    UnknownHolderWorld world(configuration);
    world.controller(AgentStopping{{"library-1", "gamma", 1}});
    world.reserve();
    world.controller.bring_up("gamma", 2);
    const auto effects = world.pass(2'000);
    const auto sent = all<SendNotice>(effects);
    CHECK(std::any_of(sent.begin(), sent.end(), [](const SendNotice& one) {
        return one.agent == "gamma" && one.notice.drive == drive_1;
    }));
}

TEST_CASE("what points at somebody is shown and named in the alarm, and decides nothing") {
    UnknownHolderWorld world;
    DriveObserved observed{drive_1, reserved_by_nobody_knows_whom(), HolderEvidence::none,
                           DriveObserved::Source::poll};
    observed.search.candidates = {
        {HolderEvidence::conflict_list, Sureness::probable, port_a, "READ(6)"}};
    world.note(world.controller(observed));
    world.pass(2'000);
    CHECK(world.drive().record.reservation.holders.empty());
    CHECK(world.drive().holder_domain.empty());
    REQUIRE(world.controller.alarm(AlarmKind::holder_unknown));
    CHECK(world.controller.rules().active_alarms().front().text.find(
              "fc:2100000e1e09a1b0 (probable, conflict_list: READ(6))") != std::string::npos);
}
