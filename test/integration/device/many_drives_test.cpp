// Real targets with real defects, and two that are no targets at all: a listener that accepts and
// never answers, and a tgtd that is stopped in the middle. Nobody else waits for them.

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <thread>

#include "drive_iface/device/drive_poller.hpp"
#include "drive_iface/device/iscsi_transport.hpp"
#include "drive_iface/scsi/persistent_reserve.hpp"
#include "drive_iface/scsi/reserve.hpp"
#include "test/support/catch.hpp"

using namespace agent::core;
using namespace drive_iface;
namespace fs = std::filesystem;

namespace {

class Listener {
  public:
    Listener() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        socklen_t size = sizeof address;
        REQUIRE(::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
        port_ = ntohs(address.sin_port);
    }
    ~Listener() { ::close(socket_); }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    // The kernel accepts, and nobody ever reads.
    void listen() const { REQUIRE(::listen(socket_, 64) == 0); }
    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] int descriptor() const { return socket_; }

  private:
    int socket_;
    std::uint16_t port_ = 0;
};

// A target that reads what it is sent and goes away, each time: in the middle of a login.
class DyingTarget {
  public:
    DyingTarget() {
        listener_.listen();
        thread_ = std::thread([this] {
            for (;;) {
                const int connection = ::accept(listener_.descriptor(), nullptr, nullptr);
                if (connection < 0 || ends_) break;
                std::array<char, 48> header{};  // of a login request (RFC 7143 11.12)
                static_cast<void>(::recv(connection, header.data(), header.size(), MSG_WAITALL));
                ::close(connection);
                ++logins_;
            }
        });
    }
    ~DyingTarget() {
        ends_ = true;
        ::shutdown(listener_.descriptor(), SHUT_RDWR);
        thread_.join();
    }
    DyingTarget(const DyingTarget&) = delete;
    DyingTarget& operator=(const DyingTarget&) = delete;

    [[nodiscard]] int logins() const { return logins_; }
    [[nodiscard]] std::unique_ptr<drive_iface::Transport> path() const {
        IscsiTransportOptions options;
        options.url =
            "iscsi://127.0.0.1:" + std::to_string(listener_.port()) + "/iqn.2026-01.none/0";
        options.initiator_name = "iqn.2026-01.org.example:library";
        auto transport = make_iscsi_transport(std::move(options));
        REQUIRE(transport.ok());
        return std::move(transport).value();
    }

  private:
    Listener listener_;
    std::atomic<bool> ends_ = false;
    std::atomic<int> logins_ = 0;
    std::thread thread_;
};

std::uint16_t unused_port() {
    return Listener().port();
}

pid_t spawn(const std::vector<std::string>& words) {
    std::vector<char*> arguments;
    for (const auto& word : words)
        arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    const pid_t child = ::fork();
    if (child != 0) return child;
    const int quiet = ::open("/dev/null", O_RDWR);
    for (int descriptor = 0; descriptor < 3; ++descriptor)
        ::dup2(quiet, descriptor);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
}

int run(const std::vector<std::string>& words) {
    int status = -1;
    ::waitpid(spawn(words), &status, 0);
    return status;
}

// A disk of Debian's tgt: no READ FULL STATUS, and PERSISTENT RESERVE IN tells nothing of a
// RESERVE.
class Tgtd {
  public:
    Tgtd()
        : folder_(fs::temp_directory_path() / ("lra-many-" + std::to_string(::getpid()))),
          control_(std::to_string(20'000 + ::getpid() % 10'000)),
          port_(unused_port()) {
        fs::create_directories(folder_);
        std::ofstream(folder_ / "disk").close();
        fs::resize_file(folder_ / "disk", 8 << 20);
        process_ = spawn({"/usr/sbin/tgtd", "-f", "-C", control_, "--iscsi",
                          "portal=127.0.0.1:" + std::to_string(port_)});
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!admin({"--mode", "target", "--op", "new", "--tid", "1", "-T", target}) &&
               std::chrono::steady_clock::now() < end)
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        REQUIRE(admin({"--mode", "logicalunit", "--op", "new", "--tid", "1", "--lun", "1", "-b",
                       (folder_ / "disk").string()}));
        REQUIRE(admin({"--mode", "logicalunit", "--op", "update", "--tid", "1", "--lun", "1",
                       "--params", "scsi_sn=TGT00000001"}));
        REQUIRE(admin({"--mode", "target", "--op", "bind", "--tid", "1", "-I", "ALL"}));
    }
    ~Tgtd() {
        let_run();
        ::kill(process_, SIGKILL);
        ::waitpid(process_, nullptr, 0);
        fs::remove_all(folder_);
    }
    Tgtd(const Tgtd&) = delete;
    Tgtd& operator=(const Tgtd&) = delete;

    void stop() const { ::kill(process_, SIGSTOP); }
    void let_run() const { ::kill(process_, SIGCONT); }

    [[nodiscard]] std::unique_ptr<drive_iface::Transport> path(const std::string& host) const {
        IscsiTransportOptions options;
        options.url = "iscsi://127.0.0.1:" + std::to_string(port_) + "/" + target + "/1";
        options.initiator_name = "iqn.2026-01.org.example:" + host;
        options.isid = isid_number(host);
        auto transport = make_iscsi_transport(std::move(options));
        REQUIRE(transport.ok());
        return std::move(transport).value();
    }

    inline static const std::string target = "iqn.2026-01.org.example:tgt";

  private:
    bool admin(std::vector<std::string> words) const {
        words.insert(words.begin(), {"/usr/sbin/tgtadm", "-C", control_, "--lld", "iscsi"});
        return run(words) == 0;
    }
    fs::path folder_;
    std::string control_;
    std::uint16_t port_;
    pid_t process_ = -1;
};

struct Watched {
    std::optional<DriveLook> last;
    std::unique_ptr<DrivePoller> poller;
};

// Pollers with threads of their own, or at one desk, as lrad has them.
struct Room {
    asio::io_context loop;
    asio::steady_timer tick{loop};
    std::shared_ptr<LookDesk> desk;

    explicit Room(bool at_desk) {
        if (!at_desk) return;
        auto opened = LookDesk::open();
        REQUIRE(opened);
        desk = *opened;
    }

    std::unique_ptr<Watched> watch(std::unique_ptr<drive_iface::Transport> path,
                                   const std::string& serial) {
        auto watched = std::make_unique<Watched>();
        DrivePollerOptions options;
        options.serial = {serial};
        options.poll = {50};
        options.unresponsive_after = {300};
        options.desk = desk;
        watched->poller = std::make_unique<DrivePoller>(
            loop, options, std::move(path),
            [where = watched.get()](const DriveLook& look) { where->last = look; });
        return watched;
    }
    bool until(const std::function<bool()>& enough) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(40);
        while (!enough()) {
            if (std::chrono::steady_clock::now() > end) return false;
            loop.restart();
            tick.expires_after(std::chrono::milliseconds(5));
            tick.async_wait([](const std::error_code&) {});
            loop.run_one();
        }
        return true;
    }
};

bool shows(const Watched& watched, ReservationState state, ReservationKind kind) {
    return watched.last && watched.last->reading &&
           watched.last->reading->reservation.state == state &&
           watched.last->reading->reservation.kind == kind;
}

bool good_answer(drive_iface::Transport& host, std::span<const std::uint8_t> cdb,
                 const scsi::Bytes& data = {}) {
    for (int attempt = 0; attempt < 5; ++attempt) {  // past the unit attention of the login
        const auto reply = host.execute({cdb, data, 0}, {5'000});
        if (reply && reply->status == 0) return true;
    }
    return false;
}

}  // namespace

TEST_CASE("a target that goes away in the middle of a login is tried again, less and less often") {
    Room room(GENERATE(false, true));
    const DyingTarget dying;
    const auto drive = room.watch(dying.path(), "NONE");
    REQUIRE(room.until([&] { return drive->poller->counters().failures >= 4; }));
    CHECK(dying.logins() >= 4);
    CHECK(dying.logins() <= static_cast<int>(drive->poller->counters().failures) + 1);
    REQUIRE(drive->last);
    CHECK_FALSE(drive->last->reading.ok());
    CHECK(drive->poller->counters().unresponsive == 0);
}

TEST_CASE("tgt, its defects known: what hosts reserve is seen, and a hung one delays nobody") {
    if (!fs::exists("/usr/sbin/tgtd")) {
        WARN("tgt is not installed: nothing was tried");
        return;
    }
    const Tgtd lively;
    Room room(GENERATE(false, true));
    const Listener silent;
    silent.listen();
    IscsiTransportOptions nowhere;
    nowhere.url = "iscsi://127.0.0.1:" + std::to_string(silent.port()) + "/iqn.2026-01.none/0";
    nowhere.initiator_name = "iqn.2026-01.org.example:library";
    auto hung_path = make_iscsi_transport(std::move(nowhere));
    REQUIRE(hung_path.ok());
    const auto hung = room.watch(std::move(hung_path).value(), "NONE");

    std::vector<std::unique_ptr<Watched>> drives;
    for (int i = 0; i < 24; ++i)
        drives.push_back(room.watch(lively.path("library-" + std::to_string(i)), "TGT00000001"));
    const auto all_show = [&](ReservationState state, ReservationKind kind) {
        return std::all_of(drives.begin(), drives.end(),
                           [&](const auto& drive) { return shows(*drive, state, kind); });
    };
    REQUIRE(room.until([&] { return all_show(ReservationState::free, ReservationKind::none); }));

    const auto host = lively.path("host-a");
    SECTION("a persistent reservation, whose holder tgt does not name") {
        using scsi::PrOutAction;
        const scsi::PrOutParameters own{.service_action_reservation_key = 0xaa};
        const scsi::PrOutParameters held{.reservation_key = 0xaa};
        REQUIRE(good_answer(
            *host,
            scsi::persistent_reserve_out_cdb(PrOutAction::register_and_ignore_existing_key, 0, 24),
            *scsi::encode_pr_out_parameters(own)));
        REQUIRE(good_answer(*host, scsi::persistent_reserve_out_cdb(PrOutAction::reserve, 3, 24),
                            *scsi::encode_pr_out_parameters(held)));
        REQUIRE(room.until(
            [&] { return all_show(ReservationState::reserved, ReservationKind::persistent); }));
        const auto& reading = *drives[0]->last->reading;
        CHECK(reading.reservation.persistent == PersistentReservation{3, 0xaa});
        CHECK(reading.reservation.holders.empty());
        REQUIRE(reading.registrations.has_value());
        CHECK(reading.registrations->size() == 1);
    }
    SECTION("a RESERVE(6), which only TEST UNIT READY shows") {
        REQUIRE(good_answer(*host, scsi::reserve_6_cdb()));
        REQUIRE(room.until(
            [&] { return all_show(ReservationState::reserved, ReservationKind::legacy); }));
    }
    // All of this while one poller was in its first look, and told so.
    REQUIRE(room.until([&] { return hung->poller->counters().unresponsive == 1; }));
    CHECK(hung->poller->counters().looks == 0);
    for (const auto& drive : drives)
        CHECK(drive->poller->counters().failures == 0);
}

TEST_CASE("a target that is stopped in the middle is reported, and heard again afterwards") {
    if (!fs::exists("/usr/sbin/tgtd")) {
        WARN("tgt is not installed: nothing was tried");
        return;
    }
    const Tgtd stopping;
    Room room(GENERATE(false, true));
    const auto drive = room.watch(stopping.path("library"), "TGT00000001");
    REQUIRE(room.until([&] { return drive->last && drive->last->reading; }));
    stopping.stop();
    REQUIRE(room.until([&] { return drive->poller->counters().unresponsive >= 1; }));
    REQUIRE(room.until([&] { return drive->last && !drive->last->reading; }));
    CHECK_THAT(drive->last->reading.error().message, ContainsSubstring("no answer for"));
    stopping.let_run();
    REQUIRE(room.until([&] { return drive->last && drive->last->reading; }));
}
