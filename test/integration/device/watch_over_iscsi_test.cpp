// A virtual drive behind the real iSCSI server, watched through libiscsi and the drive event
// channel at the same time.

#include <unistd.h>

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <future>
#include <optional>
#include <thread>

#include "drive_iface/device/drive_watch.hpp"
#include "drive_iface/device/iscsi_transport.hpp"
#include "drive_iface/device/offline_actuator.hpp"
#include "drive_iface/events/drive_event_client.hpp"
#include "drive_iface/events/drive_event_server.hpp"
#include "drive_iface/iscsi/server.hpp"
#include "drive_iface/scsi/opcodes.hpp"
#include "drive_iface/scsi/persistent_reserve.hpp"
#include "drive_iface/scsi/reserve.hpp"
#include "drive_iface/virtual/library.hpp"
#include "drive_iface/virtual/memory_cartridge.hpp"
#include "test/support/catch.hpp"

using namespace agent::core;
using namespace drive_iface;
using events::DriveEvent;
using virtual_library::CommandReply;
using virtual_library::LibraryEvent;
using virtual_library::NexusId;

namespace {

const std::string serial = "VT00000001";

virtual_library::MemoryShelf one_cartridge() {
    virtual_library::MemoryShelf shelf;
    shelf.add({.barcode = "VT0001L8", .capacity = 1'000'000'000});
    return shelf;
}

// What vtld is made of, on a loop and thread of its own.
class VirtualSide : private iscsi::TargetDevices {
  public:
    explicit VirtualSide(const std::string& events_path)
        : thread_([this, events_path] { run(events_path); }) {
        port_ = port_promise_.get_future().get();
    }
    ~VirtualSide() override {
        asio::post(loop_, [this] { loop_.stop(); });
        thread_.join();
    }
    VirtualSide(const VirtualSide&) = delete;
    VirtualSide& operator=(const VirtualSide&) = delete;

    std::unique_ptr<drive_iface::Transport> log_in(const std::string& host) const {
        auto transport =
            make_iscsi_transport({.url = "iscsi://127.0.0.1:" + std::to_string(port_) +
                                         "/iqn.2026-01.org.example:drive-" + serial + "/0",
                                  .initiator_name = "iqn.2026-01.org.example:" + host,
                                  .isid = isid_number(host)});
        REQUIRE(transport.ok());
        return std::move(transport).value();
    }
    void drop_sessions() {
        asio::post(loop_, [this] { server_->drop_all_sessions(); });
    }

  private:
    void run(const std::string& events_path) {
        if (!events_path.empty()) connect(events_path);
        auto server = iscsi::Server::listen(
            loop_, {.host = "127.0.0.1", .target_prefix = "iqn.2026-01.org.example"}, *this, {});
        server_ = std::move(server).value();
        port_promise_.set_value(server_->port());
        loop_.run();
        server_.reset();
        events_.reset();
    }
    void connect(const std::string& path) {
        events::DriveEventClientHandlers handlers;
        handlers.command = [this](const events::DriveCommand& command,
                                  const std::function<void(Outcome)>& done) {
            const bool force = command.action == events::DriveCommand::Action::force_offline;
            done(force ? library_.force_offline(command.drive.text, command.reason)
                       : library_.lift_forced_offline(command.drive.text));
        };
        auto client = events::DriveEventClient::connect(loop_,
                                                        {.connect = "unix:" + path,
                                                         .drives = {{serial}},
                                                         .backoff_first = {5},
                                                         .backoff_max = {50}},
                                                        std::move(handlers));
        events_ = std::move(client).value();
    }
    void announce() {
        for (const auto& event : library_.take_events()) {
            if (!events_) continue;
            const auto change =
                event.change == LibraryEvent::Change::reserved   ? DriveEvent::Change::reserved
                : event.change == LibraryEvent::Change::released ? DriveEvent::Change::released
                : event.change == LibraryEvent::Change::preempted
                    ? DriveEvent::Change::preempted
                    : DriveEvent::Change::registrations;
            events_->report(
                events::make_drive_event(event.drive, change, event.reservation, event.port, ""));
        }
    }

    std::vector<iscsi::ServedTarget> targets() const override {
        return {iscsi::drive_target(serial)};
    }
    Result<NexusId> nexus_established(const std::string& drive,
                                      const InitiatorPort& port) override {
        return library_.nexus_established(drive, port);
    }
    void nexus_lost(NexusId nexus) override {
        library_.nexus_lost(nexus);
        announce();
    }
    std::size_t data_out_length(NexusId nexus, iscsi::ByteView cdb) override {
        return library_.data_out_length(nexus, cdb);
    }
    std::optional<CommandReply> execute(NexusId nexus, iscsi::TaskId, std::uint64_t lun,
                                        iscsi::ByteView cdb, iscsi::Bytes& data_out,
                                        Later) override {
        auto reply = library_.execute(nexus, lun, cdb, data_out);
        announce();
        return reply;
    }
    void abandon(NexusId, iscsi::TaskId) override {}
    bool manage(NexusId nexus, std::uint64_t lun,
                virtual_library::TaskManagement function) override {
        return library_.manage(nexus, lun, function);
    }

    asio::io_context loop_;
    virtual_library::MemoryShelf shelf_ = one_cartridge();
    virtual_library::Library library_{{.vendor = "LRA",
                                       .product = "CHANGER",
                                       .serial = "CH00000001",
                                       .drives = {{.serial = serial,
                                                   .product = "VIRTUAL-LTO",
                                                   .element_address = 256,
                                                   .cartridge = "VT0001L8"}}},
                                      shelf_};
    std::unique_ptr<events::DriveEventClient> events_;
    std::unique_ptr<iscsi::Server> server_;
    std::promise<std::uint16_t> port_promise_;
    std::uint16_t port_ = 0;
    std::thread thread_;
};

// What lrad is made of, on the test's thread.
struct ControllerSide {
    asio::io_context loop;
    std::string path =
        (std::filesystem::temp_directory_path() / ("lra-watch-" + std::to_string(::getpid())))
            .string();
    std::unique_ptr<events::DriveEventServer> server;
    std::unique_ptr<DriveWatch> watch;
    std::optional<DriveObserved> observed;
    std::optional<DriveUnreachable> unreachable;

    void listen() {
        events::DriveEventServerHandlers handlers;
        handlers.event = [this](const DriveEvent& event, std::string_view) {
            watch->event(event, [this, drive = event.drive, seq = event.seq] {
                server->acknowledge(drive, seq);
            });
            return events::EventVerdict::taken;
        };
        handlers.drive_connected = [this](const DriveSerial&, const auto&) {
            watch->event_channel(true);
        };
        handlers.drive_disconnected = [this](const DriveSerial&) { watch->event_channel(false); };
        auto result =
            events::DriveEventServer::listen(loop, {.listen = "unix:" + path}, std::move(handlers));
        REQUIRE(result.ok());
        server = std::move(result).value();
    }
    void start(std::unique_ptr<drive_iface::Transport> interface, Duration poll) {
        DriveWatchOptions options;
        options.poller.serial = {serial};
        options.poller.poll = poll;
        auto desk = LookDesk::open();
        REQUIRE(desk);
        options.poller.desk = *desk;
        watch = std::make_unique<DriveWatch>(
            loop, options, std::move(interface), [this](const ReservationAgentInput& input) {
                if (const auto* seen = std::get_if<DriveObserved>(&input)) observed = *seen;
                if (const auto* gone = std::get_if<DriveUnreachable>(&input)) unreachable = *gone;
            });
    }
    bool run_until(const std::function<bool()>& enough) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!enough()) {
            if (std::chrono::steady_clock::now() >= end) return false;
            loop.restart();
            loop.run_one_for(std::chrono::milliseconds(50));
        }
        return true;
    }
    bool run_until_held_by(const std::string& host) {
        return run_until([&] {
            return observed && observed->reservation.holders.size() == 1 &&
                   observed->reservation.holders[0].name == "iqn.2026-01.org.example:" + host;
        });
    }
    bool run_until_free() {
        return run_until(
            [&] { return observed && observed->reservation.state == ReservationState::free; });
    }
};

std::uint8_t send(drive_iface::Transport& host, std::span<const std::uint8_t> cdb,
                  std::span<const std::uint8_t> data = {}) {
    for (;;) {
        const auto reply = host.execute({cdb, data, 0}, {5'000});
        INFO((reply ? "" : reply.error().message));
        REQUIRE(reply.ok());
        const bool unit_attention =
            reply->status == scsi::status::check_condition && (reply->sense.at(2) & 0xf) == 6;
        if (!unit_attention) return reply->status;
    }
}

std::uint8_t reserve_out(drive_iface::Transport& host, scsi::PrOutAction action, std::uint8_t type,
                         std::uint64_t key, std::uint64_t service_action_key) {
    scsi::PrOutParameters parameters;
    parameters.reservation_key = key;
    parameters.service_action_reservation_key = service_action_key;
    const auto list = scsi::encode_pr_out_parameters(parameters);
    REQUIRE(list.ok());
    return send(
        host,
        scsi::persistent_reserve_out_cdb(action, type, static_cast<std::uint32_t>(list->size())),
        *list);
}

}  // namespace

TEST_CASE("RESERVE(6) over iSCSI is resolved to name, ISID and address by event and look") {
    ControllerSide controller;
    VirtualSide virtual_side(controller.path);
    // A long period: what is seen in time is seen because of the event.
    controller.start(virtual_side.log_in("controller"), {3'600'000});
    controller.listen();
    REQUIRE(controller.run_until_free());
    REQUIRE(controller.run_until([&] { return controller.server->is_connected({serial}); }));

    auto host_a = virtual_side.log_in("host-a");
    REQUIRE(send(*host_a, scsi::reserve_6_cdb()) == scsi::status::good);
    REQUIRE(controller.run_until_held_by("host-a"));
    CHECK(controller.observed->source == DriveObserved::Source::event_and_poll);
    CHECK(controller.observed->evidence == HolderEvidence::drive_event);
    CHECK(controller.observed->reservation.kind == ReservationKind::reserve6);
    const auto& holder = controller.observed->reservation.holders[0];
    CHECK(holder.transport == agent::core::Transport::iscsi);
    CHECK(holder.isid.substr(0, 2) == "80");
    CHECK(holder.isid.size() == 12);
    CHECK(holder.address == "127.0.0.1");

    REQUIRE(send(*host_a, scsi::release_6_cdb()) == scsi::status::good);
    REQUIRE(controller.run_until_free());

    SECTION("logging out ends a RESERVE") {
        REQUIRE(send(*host_a, scsi::reserve_10_cdb()) == scsi::status::good);
        REQUIRE(controller.run_until_held_by("host-a"));
        CHECK(controller.observed->reservation.kind == ReservationKind::reserve10);
        host_a.reset();
        REQUIRE(controller.run_until_free());
    }
    SECTION("the drive is forced offline and given back over the event channel") {
        const auto actuator = make_drive_actuator(*controller.server);
        std::optional<Outcome> done;
        actuator->force({serial}, "no confirmation",
                        [&](Outcome outcome) { done = std::move(outcome); });
        REQUIRE(controller.run_until([&] { return done.has_value(); }));
        REQUIRE(done->ok());
        const auto reply = host_a->execute({scsi::test_unit_ready_cdb(), {}, 0}, {5'000});
        REQUIRE(reply.ok());
        REQUIRE(reply->status == scsi::status::check_condition);
        const auto sense = scsi::decode_sense(reply->sense);
        REQUIRE(sense.ok());
        CHECK(sense->key == scsi::SenseKey::hardware_error);
        CHECK(sense->additional == scsi::additional_sense::internal_target_failure);
        done.reset();
        actuator->lift({serial}, [&](Outcome outcome) { done = std::move(outcome); });
        REQUIRE(controller.run_until([&] { return done.has_value(); }));
        CHECK(done->ok());
    }
}

TEST_CASE("a persistent reservation over iSCSI is found by polling alone") {
    ControllerSide controller;
    VirtualSide virtual_side("");
    controller.start(virtual_side.log_in("controller"), {20});
    REQUIRE(controller.run_until_free());
    auto host_a = virtual_side.log_in("host-a");
    auto host_b = virtual_side.log_in("host-b");
    REQUIRE(reserve_out(*host_a, scsi::PrOutAction::register_key, 0, 0, 7) == scsi::status::good);
    REQUIRE(reserve_out(*host_a, scsi::PrOutAction::reserve, 3, 7, 0) == scsi::status::good);
    REQUIRE(controller.run_until_held_by("host-a"));
    CHECK(controller.observed->source == DriveObserved::Source::poll);
    CHECK(controller.observed->evidence == HolderEvidence::full_status);
    CHECK(controller.observed->reservation.persistent == PersistentReservation{3, 7});
    REQUIRE(reserve_out(*host_b, scsi::PrOutAction::register_key, 0, 0, 8) == scsi::status::good);
    REQUIRE(reserve_out(*host_b, scsi::PrOutAction::preempt, 3, 8, 7) == scsi::status::good);
    REQUIRE(controller.run_until_held_by("host-b"));
    REQUIRE(reserve_out(*host_b, scsi::PrOutAction::release, 3, 8, 0) == scsi::status::good);
    REQUIRE(controller.run_until_free());

    SECTION("a RESERVE is seen, its holder is not") {
        REQUIRE(reserve_out(*host_b, scsi::PrOutAction::clear, 0, 8, 0) == scsi::status::good);
        REQUIRE(send(*host_a, scsi::reserve_6_cdb()) == scsi::status::good);
        REQUIRE(controller.run_until(
            [&] { return controller.observed->reservation.kind == ReservationKind::legacy; }));
        CHECK(controller.observed->reservation.holders.empty());
    }
    SECTION("a broken session is an error once, then the drive is reached again") {
        virtual_side.drop_sessions();
        REQUIRE(controller.run_until([&] { return controller.unreachable.has_value(); }));
        controller.observed.reset();
        REQUIRE(controller.run_until_free());
    }
}

TEST_CASE("a session that the target closes is not told in the words of an earlier command") {
    VirtualSide virtual_side("");
    const auto host = virtual_side.log_in("host-a");
    const auto look = [&host] {
        return host->execute({scsi::test_unit_ready_cdb(), {}, 0}, Duration{5'000});
    };
    const auto first = look();
    REQUIRE(first.ok());
    REQUIRE(first->status == scsi::status::check_condition);  // the unit attention of a new nexus
    virtual_side.drop_sessions();
    auto reply = look();
    for (int looks = 0; reply.ok() && looks < 1'000; ++looks)
        reply = look();
    REQUIRE_FALSE(reply.ok());
    INFO(reply.error().message);
    CHECK(reply.error().message.find("connection lost") != std::string::npos);
    CHECK(reply.error().message.find("SENSE KEY") == std::string::npos);
}
