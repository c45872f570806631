#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "drive_iface/device/iscsi_discovery.hpp"
#include "test/integration/iscsi/raw_initiator.hpp"
#include "test/integration/iscsi/running_server.hpp"
#include "test/integration/iscsi/tape_host.hpp"
#include "test/support/catch.hpp"

using namespace iscsi_server_test;

namespace {

Bytes noise(std::size_t size) {
    Bytes bytes(size);
    std::uint32_t state = 7;
    for (auto& byte : bytes)
        byte = static_cast<std::uint8_t>((state = state * 1'664'525 + 1'013'904'223) >> 24);
    return bytes;
}

const std::string drive = RunningServer::target("drive-VT1");
const std::string other_drive = RunningServer::target("drive-VT2");
const std::string changer = RunningServer::target("changer");

constexpr std::uint8_t check_condition = 2;

}  // namespace

TEST_CASE("discovery names drives and changer at the address the host came to") {
    RunningServer running;
    TapeHost host;
    const auto found = host.discover(running.portal());
    REQUIRE(found.size() == 3);
    for (const auto& one : found)
        CHECK(one.portals == std::vector{running.portal() + ",1"});
    CHECK(std::any_of(found.begin(), found.end(),
                      [](const auto& one) { return one.target == changer; }));
}

TEST_CASE("blocks come back as they were written, however the data travels") {
    RunningServer running;
    const bool header_digest = GENERATE(false, true);
    const bool only_solicited = GENERATE(false, true);
    TapeHost host({.header_digest = header_digest, .only_solicited = only_solicited});
    REQUIRE(host.log_in(running.portal(), drive));
    for (const std::size_t size : {1U, 10'240U, 262'144U, 262'145U, 3'000'001U, 8'388'608U}) {
        const auto block = noise(size);
        REQUIRE(host.write(block));
        CHECK(host.read(size) == block);
    }
    host.log_out();
    CHECK(running.becomes_true([&] { return running.tapes.nexuses.empty(); }));
}

TEST_CASE("data digests protect data both ways") {
    RunningServer running;
    RawInitiator raw(running.port());
    raw.log_in(drive,
               {{"HeaderDigest", "CRC32C"},
                {"DataDigest", "CRC32C"},
                {"InitialR2T", "No"},
                {"ImmediateData", "Yes"},
                {"MaxRecvDataSegmentLength", "16384"}},
               {true, true});
    const auto block = noise(50'001);
    raw.send(raw.command(0x0a, 50'001, true), block);
    CHECK(std::get<ScsiResponse>(raw.receive()->pdu).status == 0);
    raw.send(raw.command(0x08, 50'001, false));
    Bytes back;
    for (bool done = false; !done;) {
        const auto answer = raw.receive();
        back.insert(back.end(), answer->data.begin(), answer->data.end());
        done = std::get<DataIn>(answer->pdu).has_status;
    }
    CHECK(back == block);

    // Damaged Data-Out fails its command and nothing else.
    auto command = raw.command(0x0a, 50'000, true);
    command.final = false;
    raw.send(command, Bytes(1'000, 1));
    raw.send_damaged(DataOut{.final = true, .task_tag = command.task_tag, .offset = 1'000},
                     Bytes(49'000, 1));
    CHECK(std::get<Reject>(raw.receive()->pdu).reason == RejectReason::data_digest_error);
    CHECK(std::get<ScsiResponse>(raw.receive()->pdu).status == check_condition);
    raw.send(raw.command(0x00, 0, false));
    CHECK(std::get<ScsiResponse>(raw.receive()->pdu).status == 0);
}

TEST_CASE("mutual CHAP works with somebody else's initiator") {
    const ChapRules rules{{{{"backup", "twelve bytes and more"}, {}},
                           {{"archive", "sixteen bytes and more"}, {other_drive}}},
                          ChapCredentials{"library", "the library's own"}};
    RunningServer running(rules);
    HostOptions options;
    options.user = "backup";
    options.secret = "twelve bytes and more";
    options.target_user = "library";
    SECTION("both know their secrets") {
        options.target_secret = "the library's own";
        TapeHost host(options);
        REQUIRE(host.log_in(running.portal(), drive));
        CHECK(host.test_unit_ready());
    }
    SECTION("the initiator does not believe a library with another secret") {
        options.target_secret = "somebody else's";
        TapeHost host(options);
        CHECK_FALSE(host.log_in(running.portal(), drive));
    }
    SECTION("lrad believes it, on many threads at once, and nobody with another secret") {
        std::atomic<int> believed{0};
        std::atomic<int> refused{0};
        std::vector<std::thread> threads;
        for (int thread = 0; thread < 6; ++thread) {
            threads.emplace_back([&running, &believed, &refused, thread] {
                drive_iface::IscsiDiscoveryOptions asked;
                asked.portal = running.portal();
                asked.initiator_name = "iqn.2026-01.example:lra";
                asked.isid = static_cast<std::uint32_t>(thread);
                asked.timeout = agent::core::Duration{20'000};
                for (int login = 0; login < 10; ++login) {
                    const bool knows = (login + thread) % 2 == 0;
                    asked.credentials =
                        [knows]() -> agent::core::Result<drive_iface::IscsiCredentials> {
                        return drive_iface::IscsiCredentials{
                            "backup", "twelve bytes and more", "library",
                            knows ? "the library's own" : "somebody else's"};
                    };
                    const bool good = drive_iface::discover_iscsi_targets(asked).ok();
                    if (good == knows) ++(knows ? believed : refused);
                }
            });
        }
        for (auto& thread : threads)
            thread.join();
        CHECK(believed == 30);
        CHECK(refused == 30);
    }
    SECTION("a user sees and uses what it may") {
        options = {.user = "archive", .secret = "sixteen bytes and more"};
        TapeHost curious(options);
        CHECK_FALSE(curious.log_in(running.portal(), drive));
        TapeHost host(options);
        CHECK(host.log_in(running.portal(), other_drive));
        TapeHost discovering(options);
        const auto found = discovering.discover(running.portal());
        REQUIRE(found.size() == 1);
        CHECK(found[0].target == other_drive);
    }
}

TEST_CASE("a command that waits holds up neither pings nor anybody else") {
    RunningServer running;
    RawInitiator raw(running.port());
    raw.log_in(drive, {}, {});
    raw.send(raw.command(0xff, 0, false));
    REQUIRE(running.becomes_true([&] { return running.tapes.waiting.size() == 1; }));
    raw.send(raw.command(0x00, 0, false));  // behind it
    raw.send(NopOut{.immediate = true, .task_tag = 7, .cmd_sn = raw.cmd_sn}, Bytes{1, 2, 3});
    CHECK(std::get<NopIn>(raw.receive()->pdu).task_tag == 7);
    TapeHost same_drive({.name = "iqn.2026-01.example:second"});
    REQUIRE(same_drive.log_in(running.portal(), drive));
    CHECK(same_drive.test_unit_ready());
    TapeHost mover({.name = "iqn.2026-01.example:mover"});
    REQUIRE(mover.log_in(running.portal(), changer));
    CHECK(mover.test_unit_ready());
    running.on_loop([&] {
        const auto later = running.tapes.waiting.begin()->second;
        running.tapes.waiting.clear();
        later({});
    });
    CHECK(std::get<ScsiResponse>(raw.receive()->pdu).task_tag == raw.task_tag - 1);
    CHECK(std::get<ScsiResponse>(raw.receive()->pdu).task_tag == raw.task_tag);
}

TEST_CASE("what a host waits for is given up when it goes") {
    RunningServer running;
    {
        RawInitiator raw(running.port());
        raw.log_in(drive, {}, {});
        raw.send(raw.command(0xff, 0, false));
        REQUIRE(running.becomes_true([&] { return running.tapes.waiting.size() == 1; }));
    }
    CHECK(running.becomes_true([&] { return running.tapes.waiting.empty(); }));
    CHECK(running.becomes_true([&] { return running.tapes.nexuses.empty(); }));
}

TEST_CASE("a host that logs in again ends its earlier session") {
    RunningServer running;
    TapeHost first({.isid = 0x1234});
    REQUIRE(first.log_in(running.portal(), drive));
    TapeHost elsewhere({.isid = 0x1234});
    REQUIRE(elsewhere.log_in(running.portal(), other_drive));
    TapeHost second({.isid = 0x1234});
    REQUIRE(second.log_in(running.portal(), drive));
    CHECK(second.test_unit_ready());
    CHECK_FALSE(first.test_unit_ready());
    CHECK(elsewhere.test_unit_ready());
    CHECK(running.on_loop([&] { return running.tapes.lost; }) == 1);
}

TEST_CASE("a host that asks and does not read costs a few blocks and nobody else's time") {
    RunningServer running;
    TapeHost writer;
    REQUIRE(writer.log_in(running.portal(), drive));
    REQUIRE(writer.write(noise(8'000'000)));
    RawInitiator raw(running.port());
    raw.log_in(drive, {{"MaxRecvDataSegmentLength", "262144"}}, {});
    const auto before = running.on_loop([&] { return running.tapes.executed; });
    for (int i = 0; i < 60; ++i)
        raw.send(raw.command(0x08, 8'000'000, false));
    CHECK(writer.test_unit_ready());
    CHECK(writer.read(8'000'000).size() == 8'000'000);
    CHECK(running.on_loop([&] { return running.tapes.executed; }) < before + 10);
    std::size_t got = 0;
    for (int done = 0; done < 60;) {
        const auto answer = raw.receive();
        REQUIRE(answer);
        got += answer->data.size();
        if (std::get<DataIn>(answer->pdu).has_status) ++done;
    }
    CHECK(got == 60U * 8'000'000U);
}

TEST_CASE("several hosts stream to several targets at once") {
    RunningServer running;
    std::vector<std::thread> hosts;
    std::atomic<int> right = 0;
    for (int i = 0; i < 6; ++i) {
        hosts.emplace_back([&running, &right, i] {
            TapeHost host({.name = "iqn.2026-01.example:host" + std::to_string(i)});
            const auto target = i % 2 == 0 ? drive : other_drive;
            if (!host.log_in(running.portal(), target)) return;
            const auto block = noise(200'000);
            for (int n = 0; n < 50; ++n) {
                if (!host.write(block) || host.read(block.size()) != block) return;
            }
            ++right;
        });
    }
    for (auto& host : hosts)
        host.join();
    CHECK(right == 6);
}

TEST_CASE("before a planned stop every host is asked to log out") {
    RunningServer running;
    RawInitiator raw(running.port());
    raw.log_in(drive, {}, {});
    std::promise<void> stopped;
    running.on_loop([&] { running.server->stop({5'000}, [&] { stopped.set_value(); }); });
    const auto asked = raw.receive();
    REQUIRE(asked);
    CHECK(std::get<AsyncMessage>(asked->pdu).event == 1);
    raw.send(LogoutRequest{.immediate = true, .reason = 0, .cmd_sn = raw.cmd_sn});
    CHECK(std::get<LogoutResponse>(raw.receive()->pdu).response == 0);
    CHECK_FALSE(raw.receive());
    CHECK(stopped.get_future().wait_for(std::chrono::seconds(4)) == std::future_status::ready);
}

TEST_CASE("the last commands of a session can be looked at") {
    RunningServer running;
    RawInitiator raw(running.port());
    raw.log_in(drive, {}, {});
    for (std::size_t i = 0; i < CommandTrace::commands_max; ++i) {
        raw.send(raw.command(0x00, 0, false));
        REQUIRE(raw.receive());
    }
    raw.send(raw.command(0x0a, 3, true), {1, 2, 3});
    REQUIRE(raw.receive());
    raw.send(raw.command(0xff, 0, false));
    REQUIRE(running.becomes_true([&] { return running.tapes.waiting.size() == 1; }));
    const auto trace = running.on_loop([&] {
        const auto id = running.server->sessions().front().id;
        CHECK_FALSE(running.server->trace(id + 1));
        return *running.server->trace(id);
    });
    REQUIRE(trace.size() == CommandTrace::commands_max);
    const auto& write = trace[trace.size() - 2];
    CHECK(write.cdb[0] == 0x0a);
    CHECK(write.data_out == 3);
    CHECK(write.end->status == 0);
    CHECK(trace.back().cdb[0] == 0xff);
    CHECK_FALSE(trace.back().end);
}
