// Both ends of the drive event channel over real sockets, and a plain socket in place of either
// end.

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <asio/io_context.hpp>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>

#include "drive_iface/events/channel_address.hpp"
#include "drive_iface/events/drive_event_client.hpp"
#include "drive_iface/events/drive_event_server.hpp"
#include "test/support/catch.hpp"

using namespace agent::core;
using namespace drive_iface::events;

namespace {

const DriveSerial drive_1{"VT00000001"};
const DriveSerial drive_2{"VT00000002"};

std::string socket_path() {
    static int number = 0;
    return (std::filesystem::temp_directory_path() /
            ("lra-events-" + std::to_string(::getpid()) + "-" + std::to_string(++number)))
        .string();
}

DriveEvent event_of(const DriveSerial& drive,
                    DriveEvent::Change change = DriveEvent::Change::released) {
    Reservation after;
    after.state = ReservationState::free;
    return make_drive_event(drive, change, after, std::nullopt, "");
}

// Loop, server and what the server said.
struct Channel {
    asio::io_context loop;
    std::string path = socket_path();
    std::vector<DriveEvent> events;
    std::vector<std::string> connected;
    std::map<std::string, std::string> forced;  // as hello said
    std::vector<std::string> disconnected;
    std::vector<std::string> warnings;
    std::set<std::pair<DriveSerial, std::uint64_t>> seen;
    std::optional<EventVerdict> verdict;
    std::unique_ptr<DriveEventServer> server;

    ~Channel() {
        server.reset();
        std::filesystem::remove(path);
    }
    void listen(std::string address = "", Duration command_timeout = {5'000}) {
        DriveEventServerOptions options{.listen =
                                            address.empty() ? "unix:" + path : std::move(address)};
        options.command_timeout = command_timeout;
        options.connections_max = 4;
        DriveEventServerHandlers handlers;
        handlers.event = [this](const DriveEvent& event, std::string_view) {
            if (verdict) return *verdict;
            if (!seen.insert({event.drive, event.seq}).second) return EventVerdict::repeat;
            events.push_back(event);
            return EventVerdict::accepted;
        };
        handlers.drive_connected = [this](const DriveSerial& drive,
                                          const std::optional<std::string>& why) {
            connected.push_back(drive.text);
            if (why) forced[drive.text] = *why;
        };
        handlers.drive_disconnected = [this](const DriveSerial& drive) {
            disconnected.push_back(drive.text);
        };
        handlers.warning = [this](const std::string& text) { warnings.push_back(text); };
        auto result = DriveEventServer::listen(loop, std::move(options), std::move(handlers));
        INFO((result ? "" : result.error().message));
        REQUIRE(result.ok());
        server = std::move(result).value();
    }
    std::unique_ptr<DriveEventClient> connect(DriveEventClientHandlers handlers = {},
                                              DriveEventClientOptions options = {}) {
        if (options.connect.empty()) options.connect = "unix:" + path;
        if (options.drives.empty()) options.drives = {drive_1, drive_2};
        options.backoff_first = {1};
        options.backoff_max = {20};
        auto client = DriveEventClient::connect(loop, std::move(options), std::move(handlers));
        REQUIRE(client.ok());
        return std::move(client).value();
    }
    // Runs the loop until `enough`; the clock only bounds a broken test.
    bool run_until(const std::function<bool()>& enough) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!enough()) {
            if (std::chrono::steady_clock::now() >= end) return false;
            loop.restart();
            loop.run_one_for(std::chrono::milliseconds(5));  // a plain peer may have to send more
        }
        return true;
    }
};

// A plain socket in place of a drive.
class PlainPeer {
  public:
    explicit PlainPeer(const std::string& path)
        : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path.c_str(), path.size());
        REQUIRE(::connect(socket_, static_cast<sockaddr*>(static_cast<void*>(&address)),
                          sizeof(address)) == 0);
    }
    ~PlainPeer() { ::close(socket_); }
    PlainPeer(const PlainPeer&) = delete;
    PlainPeer& operator=(const PlainPeer&) = delete;

    // As much as the socket takes now.
    std::size_t send(std::string_view bytes) {
        const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        return sent < 0 ? 0 : static_cast<std::size_t>(sent);
    }
    // What has come so far.
    const std::string& received() {
        char buffer[4096];
        for (;;) {
            const auto size = ::recv(socket_, buffer, sizeof(buffer), 0);
            if (size == 0 || (size < 0 && errno == ECONNRESET)) closed = true;
            if (size <= 0) return received_;
            received_.append(buffer, static_cast<std::size_t>(size));
        }
    }
    bool has(const std::string& text) { return received().find(text) != std::string::npos; }
    bool is_closed() {
        received();
        return closed;
    }

  private:
    int socket_;
    bool closed = false;
    std::string received_;
};

const std::string event_line =
    R"({"v":1,"seq":1,"drive":"VT00000001","event":"reservation","change":"released"})"
    "\n";

}  // namespace

TEST_CASE("events reach the agent in order, are acknowledged, and the drive counts as connected") {
    Channel channel;
    channel.listen();
    struct stat status {};
    REQUIRE(::stat(channel.path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0660);
    auto client = channel.connect({}, {.first_seq = 100});
    client->report(event_of(drive_1));
    client->report(event_of(drive_2));
    client->report(event_of(drive_1));
    REQUIRE(channel.run_until([&] { return client->counters().acknowledged == 3; }));
    REQUIRE(channel.events.size() == 3);
    CHECK(channel.events[0].seq == 100);
    CHECK(channel.events[2].seq == 102);
    CHECK(client->unacknowledged() == 0);
    CHECK(channel.connected == std::vector<std::string>{"VT00000001", "VT00000002"});
    CHECK(channel.server->is_connected(drive_1));
    client.reset();
    REQUIRE(channel.run_until([&] { return channel.disconnected.size() == 2; }));
    CHECK_FALSE(channel.server->is_connected(drive_1));
}

TEST_CASE("a drive says at hello that it is forced offline, and why") {
    Channel channel;
    channel.listen();
    DriveEventClientHandlers handlers;
    handlers.forced_offline = [] {
        return std::map<DriveSerial, std::string>{{drive_2, "agent \"h3\" did not confirm"},
                                                  {{"NOT-OURS"}, "of another library"}};
    };
    auto client = channel.connect(std::move(handlers));
    REQUIRE(channel.run_until([&] { return channel.connected.size() == 2; }));
    CHECK(channel.forced ==
          std::map<std::string, std::string>{{"VT00000002", "agent \"h3\" did not confirm"}});
}

TEST_CASE("the same over tcp on the loopback interface") {
    Channel channel;
    channel.listen("tcp:127.0.0.1:0");
    auto client =
        channel.connect({}, {.connect = "tcp:127.0.0.1:" + std::to_string(channel.server->port())});
    client->report(event_of(drive_1));
    REQUIRE(channel.run_until([&] { return client->counters().acknowledged == 1; }));
}

TEST_CASE("events made while the agent is away arrive when it is back, and repeats are dropped") {
    Channel channel;
    int connections = 0;
    DriveEventClientHandlers handlers;
    handlers.connected = [&] { ++connections; };
    auto client = channel.connect(handlers);
    client->report(event_of(drive_1));
    channel.loop.run_for(std::chrono::milliseconds(5));
    CHECK(client->unacknowledged() == 1);
    channel.listen();
    REQUIRE(channel.run_until([&] { return client->counters().acknowledged == 1; }));

    // The agent dies after it dealt with an event and before the drive has the acknowledgement.
    channel.verdict = EventVerdict::try_again;
    client->report(event_of(drive_1));
    REQUIRE(channel.run_until([&] { return connections >= 3; }));
    CHECK(client->unacknowledged() == 1);
    CHECK(channel.events.size() == 1);
    channel.verdict.reset();
    channel.seen.insert({drive_1, 2});
    REQUIRE(channel.run_until([&] { return client->unacknowledged() == 0; }));
    CHECK(channel.events.size() == 1);
    CHECK(channel.server->counters().repeats == 1);
}

TEST_CASE("the agent restarts: the drive connects again by itself") {
    Channel channel;
    channel.listen();
    auto client = channel.connect();
    REQUIRE(channel.run_until([&] { return channel.connected.size() == 2; }));
    channel.server.reset();
    REQUIRE(channel.run_until([&] { return !client->is_connected(); }));
    channel.listen();
    client->report(event_of(drive_2));
    REQUIRE(channel.run_until([&] { return client->counters().acknowledged == 1; }));
    CHECK(channel.connected.size() == 4);
}

TEST_CASE("when too many events wait the old news are dropped and the newest of each drive stays") {
    Channel channel;
    auto client = channel.connect({}, {.unacknowledged_max = 3});
    client->report(event_of(drive_2));
    for (int i = 0; i < 100; ++i)
        client->report(event_of(drive_1));
    CHECK(client->unacknowledged() == 3);
    CHECK(client->counters().superseded == 98);
    channel.listen();
    REQUIRE(channel.run_until([&] { return client->unacknowledged() == 0; }));
    CHECK(channel.events.front().drive == drive_2);
    CHECK(channel.events.back().seq == 101);
}

TEST_CASE("a thousand events in a row arrive whole and in order") {
    Channel channel;
    channel.listen();
    auto client = channel.connect();
    for (int i = 0; i < 1000; ++i)
        client->report(event_of(drive_1));
    REQUIRE(channel.run_until([&] { return client->unacknowledged() == 0; }));
    REQUIRE(channel.events.size() == 1000);
    for (std::size_t i = 0; i < 1000; ++i)
        CHECK(channel.events[i].seq == i + 1);
}

TEST_CASE("commands reach the drive and its answer comes back") {
    Channel channel;
    channel.listen();
    std::vector<DriveCommand> commands;
    DriveEventClientHandlers handlers;
    handlers.command = [&](const DriveCommand& command, std::function<void(Outcome)> done) {
        commands.push_back(command);
        done(command.action == DriveCommand::Action::force_offline ? Outcome(Nothing{})
                                                                   : Outcome(Error{"stuck tape"}));
    };
    auto client = channel.connect(handlers);
    REQUIRE(channel.run_until([&] { return channel.server->is_connected(drive_2); }));
    std::optional<Outcome> forced;
    std::optional<Outcome> lifted;
    channel.server->command(drive_2, DriveCommand::Action::force_offline,
                            "agent h3 did not confirm",
                            [&](Outcome outcome) { forced = std::move(outcome); });
    channel.server->command(drive_2, DriveCommand::Action::lift_offline, "",
                            [&](Outcome outcome) { lifted = std::move(outcome); });
    CHECK_FALSE(forced);
    REQUIRE(channel.run_until([&] { return forced && lifted; }));
    CHECK(forced->ok());
    CHECK_THAT(lifted->error().message, ContainsSubstring("stuck tape"));
    REQUIRE(commands.size() == 2);
    CHECK(commands[0].drive == drive_2);
    CHECK(commands[0].reason == "agent h3 did not confirm");
}

TEST_CASE("a command that can not be answered fails in words") {
    Channel channel;
    channel.listen("", {50});
    std::optional<Outcome> outcome;
    const auto command = [&] {
        outcome.reset();
        channel.server->command(drive_1, DriveCommand::Action::force_offline, "",
                                [&](Outcome result) { outcome = std::move(result); });
    };
    SECTION("nobody speaks for the drive") {
        command();
        CHECK_FALSE(outcome);
        REQUIRE(channel.run_until([&] { return outcome.has_value(); }));
        CHECK_THAT(outcome->error().message, ContainsSubstring("not connected"));
    }
    SECTION("the drive does not answer, or somebody else does") {
        PlainPeer drive(channel.path);
        PlainPeer other(channel.path);
        drive.send("{\"v\":1,\"hello\":[\"VT00000001\"]}\n");
        REQUIRE(channel.run_until([&] { return channel.server->is_connected(drive_1); }));
        command();
        other.send("{\"v\":1,\"done\":1,\"drive\":\"VT00000001\",\"ok\":true}\n");
        REQUIRE(channel.run_until([&] { return outcome.has_value(); }));
        CHECK_THAT(outcome->error().message, ContainsSubstring("did not answer within 50 ms"));
        CHECK(drive.has("\"command\":\"force_offline\""));
    }
    SECTION("the connection is lost") {
        auto drive = std::make_unique<PlainPeer>(channel.path);
        drive->send("{\"v\":1,\"hello\":[\"VT00000001\"]}\n");
        REQUIRE(channel.run_until([&] { return channel.server->is_connected(drive_1); }));
        command();
        drive.reset();
        REQUIRE(channel.run_until([&] { return outcome.has_value(); }));
        CHECK_FALSE(outcome->ok());
    }
    SECTION("the drive's side has no commands") {
        auto client = channel.connect();
        REQUIRE(channel.run_until([&] { return channel.server->is_connected(drive_1); }));
        command();
        REQUIRE(channel.run_until([&] { return outcome.has_value(); }));
        CHECK_THAT(outcome->error().message, ContainsSubstring("not supported"));
    }
    CHECK(channel.server->counters().commands_failed == 1);
}

TEST_CASE("garbage is answered, counted and said once, and the connection stays") {
    Channel channel;
    channel.listen();
    PlainPeer drive(channel.path);
    drive.send("hello?\n\xff\xfe\n[1]\n{\"v\":1,\"seq\":9}\n\n" + event_line);
    REQUIRE(channel.run_until([&] { return channel.events.size() == 1; }));
    REQUIRE(channel.run_until([&] { return drive.has("{\"ack\":1}"); }));
    CHECK(drive.has("{\"error\":\"not JSON\"}"));
    CHECK(drive.has("\"seq\":9"));
    CHECK(channel.server->counters().bad_lines == 4);
    CHECK(channel.warnings.size() == 1);
    CHECK_FALSE(drive.is_closed());
}

TEST_CASE("a line may come byte by byte, and end with CR LF") {
    Channel channel;
    channel.listen();
    PlainPeer drive(channel.path);
    auto line = event_line;
    line.insert(line.size() - 1, "\r");
    for (const char byte : line) {
        drive.send({&byte, 1});
        channel.loop.poll();
    }
    REQUIRE(channel.run_until([&] { return channel.events.size() == 1; }));
}

TEST_CASE("a line longer than 64 KiB closes the connection and no other") {
    Channel channel;
    channel.listen();
    auto client = channel.connect();
    PlainPeer drive(channel.path);
    const std::string flood(8'192, 'x');
    REQUIRE(channel.run_until([&] {
        drive.send(flood);
        channel.loop.poll();
        return drive.is_closed();
    }));
    CHECK(channel.server->counters().oversized_lines == 1);
    client->report(event_of(drive_1));
    REQUIRE(channel.run_until([&] { return client->counters().acknowledged == 1; }));
}

TEST_CASE("a drive that does not read its answers is cut off before they fill the memory") {
    Channel channel;
    channel.listen();
    PlainPeer drive(channel.path);
    std::string garbage;
    for (int i = 0; i < 4096; ++i)
        garbage += "x\n";
    REQUIRE(channel.run_until([&] {
        drive.send(garbage);
        channel.loop.poll();
        return channel.server->counters().slow_readers == 1;
    }));
    PlainPeer other(channel.path);
    other.send(event_line);
    REQUIRE(channel.run_until([&] { return other.has("{\"ack\":1}"); }));
}

TEST_CASE("an event of a drive that is not configured is refused and not sent again") {
    Channel channel;
    channel.listen();
    channel.verdict = EventVerdict::unknown_drive;
    auto client = channel.connect();
    client->report(event_of(drive_1));
    REQUIRE(channel.run_until([&] { return client->counters().refused == 1; }));
    CHECK(client->unacknowledged() == 0);
    CHECK(channel.server->counters().unknown_drives == 1);
}

TEST_CASE("more connections than allowed are refused, the others stay") {
    Channel channel;
    channel.listen();
    std::vector<std::unique_ptr<PlainPeer>> peers;
    for (int i = 0; i < 5; ++i)
        peers.push_back(std::make_unique<PlainPeer>(channel.path));
    REQUIRE(channel.run_until([&] {
        channel.loop.poll();
        return channel.server->counters().connections_refused == 1;
    }));
    CHECK(peers.back()->is_closed());
    CHECK_FALSE(peers.front()->is_closed());
}

TEST_CASE("the newest connection speaks for a drive, an older one may be dead") {
    Channel channel;
    channel.listen();
    auto old = std::make_unique<PlainPeer>(channel.path);
    old->send("{\"v\":1,\"hello\":[\"VT00000001\"]}\n");
    REQUIRE(channel.run_until([&] { return channel.connected.size() == 1; }));
    PlainPeer next(channel.path);
    next.send("{\"v\":1,\"hello\":[\"VT00000001\"]}\n");
    REQUIRE(channel.run_until([&] { return channel.connected.size() == 2; }));
    old.reset();
    channel.loop.run_for(std::chrono::milliseconds(5));
    CHECK(channel.server->is_connected(drive_1));
    CHECK(channel.disconnected.empty());
}

TEST_CASE("when the newest connection ends, the one before it speaks for the drive again") {
    const std::string hello = "{\"v\":1,\"hello\":[\"VT00000001\"]}\n";
    Channel channel;
    channel.listen();
    PlainPeer drive(channel.path);
    drive.send(hello);
    REQUIRE(channel.run_until([&] { return channel.connected.size() == 1; }));
    auto second = std::make_unique<PlainPeer>(channel.path);
    second->send(hello);
    REQUIRE(channel.run_until([&] { return channel.connected.size() == 2; }));

    SECTION("an event is acknowledged where it came from") {
        channel.verdict = EventVerdict::taken;
        drive.send(event_line);
        REQUIRE(channel.run_until([&] {
            channel.server->acknowledge(drive_1, 1);
            return drive.has("\"ack\":1");
        }));
        CHECK(second->received().empty());
    }
    SECTION("and is to be told again what it is") {
        second.reset();
        REQUIRE(channel.run_until([&] { return channel.connected.size() == 3; }));
        CHECK(channel.disconnected.empty());
        channel.server->command(drive_1, DriveCommand::Action::force_offline, "test",
                                [](const Outcome&) {});
        REQUIRE(channel.run_until([&] { return drive.has("force_offline"); }));
    }
}

TEST_CASE("what ends with a connection can be commanded again at once") {
    Channel channel;
    channel.listen();
    auto drive = std::make_unique<PlainPeer>(channel.path);
    drive->send("{\"v\":1,\"hello\":[\"VT00000001\"]}\n");
    REQUIRE(channel.run_until([&] { return channel.connected.size() == 1; }));
    std::string said;
    channel.server->command(
        drive_1, DriveCommand::Action::lift_offline, "", [&](const Outcome& lost) {
            CHECK_FALSE(lost);
            channel.server->command(drive_1, DriveCommand::Action::force_offline, "test",
                                    [&](const Outcome& next) { said = next.error().message; });
        });
    drive.reset();
    REQUIRE(channel.run_until([&] { return !said.empty(); }));
    CHECK_THAT(said, ContainsSubstring("not connected"));
}

TEST_CASE("a socket file left behind is replaced, one that is in use is not") {
    Channel channel;
    channel.listen();
    asio::io_context loop;
    const auto second = DriveEventServer::listen(
        loop, {.listen = "unix:" + channel.path},
        {.event = [](const DriveEvent&, std::string_view) { return EventVerdict::accepted; }});
    REQUIRE_FALSE(second.ok());
    CHECK_THAT(second.error().message,
               ContainsSubstring("events.listen") && ContainsSubstring("listens there already"));

    const auto stale = socket_path();
    const auto address = channel_address("unix:" + stale);
    const auto left_behind = listening_socket(*address);
    REQUIRE(left_behind.ok());
    ::close(*left_behind);
    const auto replaced = listening_socket(*address);
    REQUIRE(replaced.ok());
    ::close(*replaced);
    std::filesystem::remove(stale);
}

TEST_CASE("an agent that does not acknowledge is given up and connected to anew") {
    Channel channel;
    const auto address = channel_address("unix:" + channel.path);
    const auto listening = listening_socket(*address);
    REQUIRE(listening.ok());
    auto client = channel.connect({}, {.acknowledge_within = {20}});
    client->report(event_of(drive_1));
    REQUIRE(channel.run_until([&] { return client->counters().connects >= 3; }));
    CHECK(client->unacknowledged() == 1);
    CHECK(client->counters().sent >= 3);
    ::close(*listening);
}
