#include "test/unit/core/host.hpp"

using namespace core_test;
using enum ConfirmationResult;
using Actions = std::vector<ApplicationAction>;

TEST_CASE("reserved by somebody else: intent, command, read back, ledger, confirmation") {
    Host host;
    const auto notice = host.notice(drive_1, reserved_by(port_a), "payroll");
    auto effects = host(notice);
    CHECK(all<RunApplication>(effects).front().action == ApplicationAction::query);
    effects = host(ApplicationAnswered{drive_1, ApplicationAction::query, true,
                                       ApplicationDriveState::online, ""});
    CHECK(all<RunApplication>(effects).front().action == ApplicationAction::set_offline);
    REQUIRE(all<RecordLedgerEntry>(effects).size() == 1);
    CHECK_FALSE(host.ledger.at(drive_1).done);
    CHECK(host.ledger.at(drive_1).reason == "reserved by fc:2100000e1e09a1b0 (domain payroll)");
    effects = host(ApplicationAnswered{drive_1, ApplicationAction::set_offline, true,
                                       ApplicationDriveState::unknown, ""});
    CHECK(all<SendConfirmation>(effects).empty());
    CHECK(all<RunApplication>(effects).front().action == ApplicationAction::query);
    effects = host(ApplicationAnswered{drive_1, ApplicationAction::query, true,
                                       ApplicationDriveState::offline, ""});
    REQUIRE(all<SendConfirmation>(effects).size() == 1);
    CHECK(all<SendConfirmation>(effects)[0].confirmation.result == set_offline);
    CHECK(all<RecordNoticeMark>(effects).size() == 1);
    CHECK(host.ledger.at(drive_1).done);
}

TEST_CASE("free again: what the agent took offline it brings back, and strikes the ledger") {
    Host host;
    host.result_of(host.notice(drive_1, reserved_by(port_a)));
    CHECK(host.result_of(host.notice(drive_1, free_drive())) == set_online);
    CHECK(host.application == ApplicationDriveState::online);
    CHECK(host.ledger.empty());
}

TEST_CASE("what somebody else took offline is left to the operator") {
    Host host;
    host.application = ApplicationDriveState::offline;
    CHECK(host.result_of(host.notice(drive_1, reserved_by(port_a))) == already_offline);
    CHECK(host.ledger.empty());
    CHECK(host.result_of(host.notice(drive_1, free_drive())) == left_to_operator);
    CHECK(host.application == ApplicationDriveState::offline);
    CHECK(host.ran == Actions{ApplicationAction::query});
}

TEST_CASE("held by this host: nothing to do, and brought back when this agent had taken it off") {
    Host host;
    CHECK(host.result_of(host.notice(drive_1, reserved_by(port_b))) == holder_is_mine);
    CHECK(host.ran.empty());
    host.result_of(host.notice(drive_1, reserved_by(port_a)));
    CHECK(host.application == ApplicationDriveState::offline);
    CHECK(host.result_of(host.notice(drive_1, reserved_by(port_b))) == holder_is_mine);
    CHECK(host.application == ApplicationDriveState::online);
    CHECK(host.ledger.empty());
}

TEST_CASE("free and online: nothing to do") {
    Host host;
    CHECK(host.result_of(host.notice(drive_1, free_drive())) == already_online);
}

TEST_CASE("a drive that this host does not have is not connected") {
    Host host;
    CHECK(host.result_of(host.notice({"OTHER"}, reserved_by(port_a))) == not_connected);
    CHECK(host.marks.empty());
}

TEST_CASE("an agent that only watches runs no command") {
    auto configuration = host_beta();
    configuration.observe_only = true;
    Host host(configuration);
    CHECK(host.result_of(host.notice(drive_1, reserved_by(port_a))) == observed_only);
    CHECK(host.ran.empty());
}

TEST_CASE("of two controllers what the one that spoke before has said is not taken up again") {
    auto configuration = host_beta();
    configuration.controllers.push_back("library-2");
    Host host(configuration);
    CHECK(host.result_of(host.notice(drive_1, reserved_by(port_a))) == set_offline);
    // The first one is gone; the second has taken its place and tells how the drive is now.
    auto now_free = host.notice(drive_1, free_drive());
    now_free.notice.controller = "library-2";
    CHECK(host.result_of(now_free) == set_online);
    configuration.domain = "another";
    host.ran.clear();
    host.play(host.reconfigure(configuration));
    CHECK(host.application == ApplicationDriveState::online);
    CHECK(host.ran == Actions{ApplicationAction::query});
}

TEST_CASE("an application that refuses is failed, and nothing is in the ledger") {
    Host host;
    host.stubborn = true;
    const auto notice = host.notice(drive_1, reserved_by(port_a));
    CHECK(host.result_of(notice) == failed);
    CHECK(host.ledger.empty());
    SECTION("the same notice again is worked on again") {
        host.stubborn = false;
        CHECK(host.result_of(notice) == set_offline);
    }
    SECTION("the agent tries again by itself, asked or not") {
        host.stubborn = false;
        const auto sent = all<SendConfirmation>(host.play(host.pass(10'000)));
        REQUIRE(sent.size() == 1);
        CHECK(sent[0].confirmation.result == set_offline);
        CHECK(all<RunApplication>(host.pass(60'000)).empty());
    }
}

TEST_CASE("an application whose state nobody understands is failed with the reason") {
    Host host;
    host.query_works = false;
    const auto effects = host.play(host(host.notice(drive_1, reserved_by(port_a))));
    const auto sent = all<SendConfirmation>(effects);
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].confirmation.result == failed);
    CHECK_THAT(sent[0].confirmation.detail, ContainsSubstring("no answer"));
}

TEST_CASE("an intent stays in the ledger while nobody can say whether it happened") {
    Host host;
    host(host.notice(drive_1, reserved_by(port_a)));
    host(ApplicationAnswered{drive_1, ApplicationAction::query, true, ApplicationDriveState::online,
                             ""});
    host(ApplicationAnswered{drive_1, ApplicationAction::set_offline, false,
                             ApplicationDriveState::unknown, "timed out"});
    const auto effects = host(ApplicationAnswered{drive_1, ApplicationAction::query, false,
                                                  ApplicationDriveState::unknown, "timed out"});
    CHECK(all<SendConfirmation>(effects)[0].confirmation.result == failed);
    CHECK(host.ledger.contains(drive_1));
}

TEST_CASE("draining is said at once, asked again, and confirmed when it is done") {
    Host host;
    host.after_set_offline = ApplicationDriveState::draining;
    const auto notice = host.notice(drive_1, reserved_by(port_a));
    CHECK(host.result_of(notice) == draining);
    auto later = host.play(host.pass(2'000));
    CHECK(all<SendConfirmation>(later).empty());
    host.application = ApplicationDriveState::offline;
    later = host.play(host.pass(2'000));
    REQUIRE(all<SendConfirmation>(later).size() == 1);
    CHECK(all<SendConfirmation>(later)[0].confirmation.result == set_offline);
    CHECK(all<SendConfirmation>(later)[0].confirmation.id == notice.notice.id);
    CHECK(all<RunApplication>(host.pass(10'000)).empty());
}

TEST_CASE("a newer notice takes over while the application drains") {
    Host host;
    host.after_set_offline = ApplicationDriveState::draining;
    host.result_of(host.notice(drive_1, reserved_by(port_a)));
    CHECK(host.result_of(host.notice(drive_1, free_drive())) == set_online);
    CHECK(all<RunApplication>(host.pass(10'000)).empty());
}

TEST_CASE("a repeat is answered from memory and not acted on") {
    Host host;
    const auto notice = host.notice(drive_1, reserved_by(port_a));
    host.result_of(notice);
    CHECK(host.result_of(notice) == set_offline);
    CHECK(host.ran.empty());
}

TEST_CASE("an older notice is answered with the newest answer: a lost confirmation heals") {
    Host host;
    const auto older = host.notice(drive_1, free_drive());
    const auto newer = host.notice(drive_1, reserved_by(port_a));
    host.result_of(newer);
    const auto sent = all<SendConfirmation>(host(older));
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].confirmation.id == newer.notice.id);
    CHECK(host.application == ApplicationDriveState::offline);
}

TEST_CASE("a notice of an earlier epoch is ignored") {
    Host host;
    host.epoch = 1;
    const auto old = host.notice(drive_1, free_drive());
    host.epoch = 2;
    host.result_of(host.notice(drive_1, reserved_by(port_a)));
    CHECK(all<SendConfirmation>(host(old)).empty());
    CHECK(host(old).empty());
    CHECK(host.application == ApplicationDriveState::offline);
}

TEST_CASE("while a command runs only the newest notice waits") {
    Host host;
    auto effects = host(host.notice(drive_1, reserved_by(port_a)));
    CHECK(host(host.notice(drive_1, free_drive())).empty());
    const auto newest = host.notice(drive_1, reserved_by(port_c));
    CHECK(host(newest).empty());
    const auto sent = all<SendConfirmation>(host.play(effects));
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].confirmation.id == newest.notice.id);
}

TEST_CASE("a newer notice that arrives while set_offline runs finds its intent in the ledger") {
    Host host;
    host(host.notice(drive_1, reserved_by(port_a)));
    auto effects = host(ApplicationAnswered{drive_1, ApplicationAction::query, true,
                                            ApplicationDriveState::online, ""});
    const auto newest = host.notice(drive_1, free_drive());
    CHECK(host(newest).empty());
    const auto sent = all<SendConfirmation>(host.play(effects));
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].confirmation.id == newest.notice.id);
    CHECK(sent[0].confirmation.result == set_online);
    CHECK(host.application == ApplicationDriveState::online);
    CHECK(host.ledger.empty());
}

TEST_CASE(
    "after a restart the newest notice is worked on again: the application may have restarted "
    "too") {
    Host host;
    const auto notice = host.notice(drive_1, reserved_by(port_a));
    host.result_of(notice);
    host.restart();
    host.application = ApplicationDriveState::online;
    CHECK(host.result_of(notice) == set_offline);
    CHECK(host.application == ApplicationDriveState::offline);
}

TEST_CASE("after a restart an older notice is not answered by what an earlier life did") {
    Host host;
    const auto older = host.notice(drive_1, free_drive());
    host.result_of(host.notice(drive_1, reserved_by(port_a)));
    host.restart();
    CHECK(host(older).empty());
}

TEST_CASE("an intent left by a crash is settled by a query at the next notice") {
    Host host;
    host(host.notice(drive_1, reserved_by(port_a)));
    host(ApplicationAnswered{drive_1, ApplicationAction::query, true, ApplicationDriveState::online,
                             ""});
    REQUIRE(host.ledger.contains(drive_1));
    host.restart();
    SECTION("the command had worked: it is ours, and comes back when free") {
        host.application = ApplicationDriveState::offline;
        CHECK(host.result_of(host.notice(drive_1, reserved_by(port_a))) == set_offline);
        CHECK(host.ledger.at(drive_1).done);
    }
    SECTION("the command had not worked: struck when free") {
        CHECK(host.result_of(host.notice(drive_1, free_drive())) == already_online);
        CHECK(host.ledger.empty());
    }
}

TEST_CASE("offline is not confirmed while a set_online of an earlier life may take effect") {
    Host host;
    host.result_of(host.notice(drive_1, reserved_by(port_a)));
    SECTION("begun for a notice") {
        const auto looks = host(host.notice(drive_1, free_drive()));
        CHECK(host.online_may_come.empty());
        const auto runs = host(ApplicationAnswered{drive_1, ApplicationAction::query, true,
                                                   ApplicationDriveState::offline, ""});
        REQUIRE(all<RunApplication>(runs).front().action == ApplicationAction::set_online);
    }
    SECTION("begun for an operator") {
        host(OperatorSetDrive{drive_1, false, "root"});
    }
    REQUIRE(host.online_may_come.contains(drive_1));
    CHECK(all<RecordAgentEvent>(host.restart()).back().record.message == "DSA5230");
    CHECK(host.result_of(host.notice(drive_1, reserved_by(port_a))) == failed);
    CHECK(host.online_may_come.contains(drive_1));
    host.application = ApplicationDriveState::online;  // now it does
    host.play(host.pass(20'000));
    CHECK(host.application == ApplicationDriveState::offline);
    CHECK(host.result_of(host.notice(drive_1, reserved_by(port_c))) == set_offline);
    CHECK(host.online_may_come.empty());
}

TEST_CASE("a set_online whose end was seen is not spoken of after a restart") {
    Host host;
    host.result_of(host.notice(drive_1, reserved_by(port_a)));
    SECTION("of a notice") {
        CHECK(host.result_of(host.notice(drive_1, free_drive())) == set_online);
    }
    SECTION("of an operator") {
        host.play(host(OperatorSetDrive{drive_1, false, "root"}));
    }
    CHECK(host.online_may_come.empty());
    host.restart();
    host.application = ApplicationDriveState::offline;
    CHECK(host.result_of(host.notice(drive_1, reserved_by(port_a))) == already_offline);
}

TEST_CASE("what is begun on a drive that leaves the configuration may still take effect") {
    Host host;
    host.result_of(host.notice(drive_1, reserved_by(port_a)));
    host(host.notice(drive_1, free_drive()));
    host(ApplicationAnswered{drive_1, ApplicationAction::query, true,
                             ApplicationDriveState::offline, ""});
    REQUIRE(host.online_may_come.contains(drive_1));  // set_online runs
    ApplicationAnswered cut_off{drive_1, ApplicationAction::set_online, false,
                                ApplicationDriveState::unknown, "no answer"};
    cut_off.may_run_for = {20'000};
    auto without = host_beta();
    without.drives = {drive_2};
    SECTION("its end is not seen before the drive leaves") {
        host.play(host(cut_off));
        host.reconfigure(without);
        host.reconfigure(host_beta());
    }
    SECTION("while it is away") {
        host.reconfigure(without);
        host(cut_off);
        host.reconfigure(host_beta());
    }
    SECTION("after it has come back") {
        host.reconfigure(without);
        host.reconfigure(host_beta());
        host(host.notice(drive_1, reserved_by(port_a)));  // waits for the command
        CHECK(host.online_may_come.contains(drive_1));
        host.play(host(cut_off));
    }
    host.application = ApplicationDriveState::offline;
    CHECK(host.result_of(host.notice(drive_1, reserved_by(port_a))) == failed);
    CHECK(host.online_may_come.contains(drive_1));
    const auto later = host.play(host.pass(20'000));
    REQUIRE_FALSE(all<SendConfirmation>(later).empty());
    CHECK(all<SendConfirmation>(later).back().confirmation.result == set_offline);
    CHECK(host.online_may_come.empty());
}

TEST_CASE("the operator's wish runs, and the drive is no longer the agent's to bring back") {
    Host host;
    host.result_of(host.notice(drive_1, reserved_by(port_a)));
    REQUIRE(host.ledger.contains(drive_1));
    host.play(host(OperatorSetDrive{drive_1, true, "root"}));
    CHECK(host.ledger.empty());
    CHECK(host.result_of(host.notice(drive_1, free_drive())) == left_to_operator);
    host.play(host(OperatorSetDrive{drive_1, false, "root"}));
    CHECK(host.application == ApplicationDriveState::online);
}

TEST_CASE("the operator's wish waits for the running command and overrides until the next notice") {
    Host host;
    auto effects = host(host.notice(drive_1, reserved_by(port_a)));
    CHECK(all<RunApplication>(host(OperatorSetDrive{drive_1, false, "root"})).empty());
    host.play(effects);
    CHECK(host.application == ApplicationDriveState::online);
    CHECK(host.ledger.empty());
    CHECK(host.result_of(host.notice(drive_1, reserved_by(port_c))) == set_offline);
}

TEST_CASE("an operator's wish that comes while the one before is carried out is carried out too") {
    Host host;
    const auto running = host(OperatorSetDrive{drive_1, false, "root"});
    REQUIRE(all<RunApplication>(running).size() == 1);
    CHECK(all<RunApplication>(host(OperatorSetDrive{drive_1, true, "somebody else"})).empty());
    host.play(running);
    CHECK(host.application == ApplicationDriveState::offline);
    CHECK_FALSE(host.rules().drives().front().busy);
}

TEST_CASE("a command that nobody asked for changes nothing") {
    Host host;
    CHECK(host(ApplicationAnswered{drive_1, ApplicationAction::set_online, true,
                                   ApplicationDriveState::online, ""})
              .empty());
    CHECK(host(ApplicationAnswered{
                   {"OTHER"}, ApplicationAction::query, true, ApplicationDriveState::online, ""})
              .empty());
}

TEST_CASE("notices of a controller that is not configured are not listened to") {
    Host host;
    auto notice = host.notice(drive_1, reserved_by(port_a));
    notice.notice.controller = "somebody-else";
    CHECK(all<RecordAgentEvent>(host(notice)).size() == 1);
    CHECK(host(notice).empty());
}

TEST_CASE("when the host's own ports change, what was told is decided again") {
    Host host;
    host.result_of(host.notice(drive_1, reserved_by(port_a)));
    CHECK(host.application == ApplicationDriveState::offline);
    auto configuration = host_beta();
    configuration.ports.push_back(port_a);
    host.play(host.reconfigure(configuration));
    CHECK(host.application == ApplicationDriveState::online);
}

TEST_CASE("what is shown about a drive is what was read back") {
    Host host;
    host.result_of(host.notice(drive_1, reserved_by(port_a)));
    const auto view = host.rules().drives().front();
    CHECK(view.drive == drive_1);
    CHECK(view.application_state == ApplicationDriveState::offline);
    CHECK(view.result == set_offline);
    CHECK(view.ledger.has_value());
    CHECK_FALSE(view.busy);
}

TEST_CASE("a command that a newer notice has overtaken can be left out, and all is asked afresh") {
    Host host;
    host.result_of(host.notice(drive_1, reserved_by(port_a)));
    host(host.notice(drive_1, free_drive()));
    auto effects = host(ApplicationAnswered{drive_1, ApplicationAction::query, true,
                                            ApplicationDriveState::offline, ""});
    REQUIRE(all<RunApplication>(effects).front().action == ApplicationAction::set_online);
    CHECK_FALSE(host.rules().drives().front().overtaken);
    CHECK(all<RunApplication>(host(host.notice(drive_1, reserved_by(port_a)))).empty());
    CHECK(host.rules().drives().front().overtaken);
    effects = host(ApplicationAnswered{drive_1, ApplicationAction::set_online, false,
                                       ApplicationDriveState::unknown, "it was not run"});
    REQUIRE(all<RunApplication>(effects).size() == 1);
    CHECK(all<RunApplication>(effects).front().action == ApplicationAction::query);
    effects = host(ApplicationAnswered{drive_1, ApplicationAction::query, true,
                                       ApplicationDriveState::offline, ""});
    REQUIRE(all<SendConfirmation>(effects).size() == 1);
    CHECK(all<SendConfirmation>(effects)[0].confirmation.result == set_offline);
    CHECK(host.ledger.contains(drive_1));
}

TEST_CASE("told to observe only while a command runs, it does not go on to act") {
    Host host;
    host(host.notice(drive_1, reserved_by(port_a)));  // the query runs
    auto configuration = host_beta();
    configuration.observe_only = true;
    host.reconfigure(configuration);
    const auto effects = host(ApplicationAnswered{drive_1, ApplicationAction::query, true,
                                                  ApplicationDriveState::online, ""});
    CHECK(all<RunApplication>(effects).empty());
    REQUIRE(all<SendConfirmation>(effects).size() == 1);
    CHECK(all<SendConfirmation>(effects)[0].confirmation.result == observed_only);
}
