// The library in a daemon: commands of several hosts that wait for their medium, behind each other,
// past each other, and until somebody ends them.

#include "drive_iface/vtld/drive_bay.hpp"

#include <asio/io_context.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "drive_iface/scsi/persistent_reserve.hpp"
#include "drive_iface/virtual/memory_cartridge.hpp"
#include "test/support/catch.hpp"

namespace drive_bay_test {

using namespace drive_iface;
using iscsi::Bytes;
using scsi::PrOutAction;
using virtual_library::CommandReply;
using virtual_library::NexusId;
using virtual_library::Status;
using virtual_library::TaskManagement;
using vtld::DriveBay;
namespace code = scsi::additional_sense;

namespace {

constexpr const char* drive = "VT00000001";
constexpr const char* changer = "VL00000001";

const Bytes test_unit_ready{0, 0, 0, 0, 0, 0};
const Bytes rewind{0x01, 0, 0, 0, 0, 0};
const Bytes filemark{0x10, 0, 0, 0, 1, 0};
const Bytes load{0x1b, 0, 0, 0, 1, 0};

Bytes move(std::uint16_t from, std::uint16_t to) {
    const auto high = [](std::uint16_t value) { return static_cast<std::uint8_t>(value >> 8); };
    const auto low = [](std::uint16_t value) { return static_cast<std::uint8_t>(value); };
    return {0xa5, 0, 0, 0, high(from), low(from), high(to), low(to), 0, 0, 0, 0};
}

class StateFolder {
  public:
    StateFolder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "lra-bay-XXXXXX").string();
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        path = pattern;
    }
    ~StateFolder() { std::filesystem::remove_all(path); }
    StateFolder(const StateFolder&) = delete;
    StateFolder& operator=(const StateFolder&) = delete;
    std::string path;
};

// A host's commands and what it heard, in order.
struct Heard {
    iscsi::TaskId task = 0;
    CommandReply reply;
};

class Scene {
  public:
    Scene() {
        shelf.add({.barcode = "VT0001L8", .capacity = 1'000'000});
        shelf.add({.barcode = "VT0002L8", .capacity = 1'000'000});
        virtual_library::Library library({.vendor = "LRA",
                                          .product = "VIRTUAL LIBRARY",
                                          .serial = changer,
                                          .drives = {{.serial = drive,
                                                      .product = "VIRTUAL ULTRIUM",
                                                      .element_address = 256,
                                                      .cartridge = "VT0001L8"}},
                                          .slots = 4},
                                         shelf);
        auto state = vtld::StateFile::open(folder.path);
        REQUIRE(state.ok());
        bay = std::make_unique<DriveBay>(loop, std::move(library), std::move(state).value(),
                                         DriveBay::Handlers{}, changer);
    }

    NexusId log_in(const std::string& name, const std::string& device = drive) {
        const auto nexus =
            bay->nexus_established(device, {.transport = agent::core::Transport::iscsi,
                                            .name = "iqn.2026-01.org.example:" + name,
                                            .isid = "00023d000001",
                                            .address = "192.0.2.17"});
        REQUIRE(nexus.ok());
        run();
        while (attention(*nexus)) {
        }
        return *nexus;
    }
    bool attention(NexusId nexus) {
        const auto reply = now(nexus, test_unit_ready);
        const auto sense = scsi::decode_sense(reply.sense);
        return sense && sense->key == scsi::SenseKey::unit_attention;
    }

    iscsi::TaskId send(NexusId nexus, const Bytes& cdb, Bytes data_out = {}) {
        const iscsi::TaskId task = ++last_task_;
        auto reply = bay->execute(nexus, task, 0, cdb, data_out, [this, task](CommandReply later) {
            heard.push_back({task, std::move(later)});
        });
        if (reply) heard.push_back({task, std::move(*reply)});
        return task;
    }
    // One that does not wait.
    CommandReply now(NexusId nexus, const Bytes& cdb, Bytes data_out = {}) {
        const auto task = send(nexus, cdb, std::move(data_out));
        REQUIRE_FALSE(heard.empty());
        REQUIRE(heard.back().task == task);
        auto reply = std::move(heard.back().reply);
        heard.pop_back();
        return reply;
    }
    CommandReply pr_out(NexusId nexus, PrOutAction action, std::uint64_t key,
                        std::uint64_t other_key) {
        constexpr std::uint8_t exclusive_access = 3;
        const auto list = scsi::encode_pr_out_parameters(
            {.reservation_key = key, .service_action_reservation_key = other_key});
        const auto cdb = scsi::persistent_reserve_out_cdb(action, exclusive_access,
                                                          static_cast<std::uint32_t>(list->size()));
        return now(nexus, {cdb.begin(), cdb.end()}, *list);
    }

    // What was posted.
    void run() {
        loop.restart();
        loop.poll();
    }
    void work() {
        while (shelf.work())
            run();
        run();
    }
    [[nodiscard]] std::optional<Status> status_of(iscsi::TaskId task) const {
        for (const auto& entry : heard) {
            if (entry.task == task) return entry.reply.status;
        }
        return std::nullopt;
    }
    virtual_library::MemoryMedium& tape(const std::string& barcode = "VT0001L8") {
        return *shelf.find(barcode);
    }
    [[nodiscard]] std::string in(const std::string& place) {
        for (const auto& element : bay->library().elements()) {
            if (element.place == place) return element.barcode;
        }
        return "no such place";
    }

    asio::io_context loop;
    StateFolder folder;
    virtual_library::MemoryShelf shelf;
    std::unique_ptr<DriveBay> bay;
    std::vector<Heard> heard;

  private:
    iscsi::TaskId last_task_ = 0;
};

// Host a writes a filemark that is not stored yet; everything behind it waits.
struct Wedged : Scene {
    Wedged() : a(log_in("a")), b(log_in("b")) {
        tape().mood.buffers = true;
        first = send(a, filemark);
        REQUIRE_FALSE(status_of(first));
    }
    NexusId a, b;
    iscsi::TaskId first = 0;
};

}  // namespace

TEST_CASE("two identical commands of one host that wait are two commands") {
    Wedged scene;
    const auto second = scene.send(scene.a, filemark);
    CHECK(scene.tape().objects().size() == 1);
    scene.work();
    CHECK(scene.status_of(scene.first) == Status::good);
    CHECK(scene.status_of(second) == Status::good);
    CHECK(scene.tape().objects().size() == 2);
    REQUIRE(scene.heard.size() == 2);
    CHECK(scene.heard[0].task == scene.first);
}

TEST_CASE("the library tells identical commands apart by their numbers") {
    Wedged scene;
    virtual_library::Library& library = scene.bay->library();
    Bytes none;
    CHECK_FALSE(library.execute(scene.a, 0, filemark, none, {1'000'001}));
    scene.work();
    CHECK(scene.status_of(scene.first) == Status::good);
    CHECK(scene.tape().objects().size() == 1);
}

TEST_CASE("an aborted command does not take along the same one behind it") {
    Wedged scene;
    const auto second = scene.send(scene.a, filemark);
    scene.bay->abandon(scene.a, scene.first);
    scene.run();
    scene.work();
    CHECK_FALSE(scene.status_of(scene.first));
    CHECK(scene.status_of(second) == Status::good);
    CHECK(scene.tape().objects().size() == 2);  // what the first did stays done
}

TEST_CASE("aborting the one behind leaves the one in front alone") {
    Wedged scene;
    const auto second = scene.send(scene.a, filemark);
    scene.bay->abandon(scene.a, second);
    scene.run();
    scene.work();
    CHECK(scene.status_of(scene.first) == Status::good);
    CHECK_FALSE(scene.status_of(second));
    CHECK(scene.tape().objects().size() == 1);
}

TEST_CASE("a write behind an aborted one does not overtake the write between them") {
    Wedged scene;
    const auto second = scene.send(scene.a, {0x0a, 0, 0, 0, 1, 0}, {2});
    scene.bay->abandon(scene.a, scene.first);
    const auto third = scene.send(scene.a, {0x0a, 0, 0, 0, 1, 0}, {3});
    scene.work();
    CHECK(scene.status_of(second) == Status::good);
    CHECK(scene.status_of(third) == Status::good);
    REQUIRE(scene.tape().objects().size() == 3);
    CHECK(scene.tape().objects()[1].data == Bytes{2});
    CHECK(scene.tape().objects()[2].data == Bytes{3});
}

TEST_CASE("commands that need no medium pass the host's own that wait") {
    Wedged scene;
    CHECK(scene.now(scene.a, test_unit_ready).status == Status::good);
    const auto rewinding = scene.send(scene.b, rewind);
    CHECK(scene.now(scene.b, {0x12, 0, 0, 0, 96, 0}).status == Status::good);
    CHECK_FALSE(scene.status_of(rewinding));
}

TEST_CASE("PREEMPT AND ABORT ends what the preempted host has waiting, with TASK ABORTED") {
    Wedged scene;
    scene.work();
    REQUIRE(scene.pr_out(scene.a, PrOutAction::register_and_ignore_existing_key, 0, 0xa).status ==
            Status::good);
    REQUIRE(scene.pr_out(scene.b, PrOutAction::register_and_ignore_existing_key, 0, 0xb).status ==
            Status::good);
    REQUIRE(scene.pr_out(scene.a, PrOutAction::reserve, 0xa, 0).status == Status::good);
    const auto third = scene.log_in("c");
    const auto wedged = scene.send(scene.a, filemark);
    const auto behind = scene.send(scene.a, filemark);
    scene.heard.clear();
    // Holds for PREEMPT alone, too: it only ends the registration.
    REQUIRE(scene.pr_out(scene.b, PrOutAction::preempt_and_abort, 0xb, 0xa).status == Status::good);
    scene.run();
    CHECK(scene.status_of(wedged) == Status::task_aborted);
    CHECK(scene.status_of(behind) == Status::task_aborted);
    CHECK(scene.bay->waiting_commands() == 0);
    // The drive is free for its new holder, and the victim is told why it lost it.
    const auto rewinding = scene.send(scene.b, rewind);
    scene.work();
    CHECK(scene.status_of(rewinding) == Status::good);
    const auto sense = scsi::decode_sense(scene.now(scene.a, test_unit_ready).sense);
    REQUIRE(sense.ok());
    CHECK(sense->additional == code::registrations_preempted);
    CHECK(scene.now(third, {0x0a, 0, 0, 0, 1, 0}, {1}).status == Status::reservation_conflict);
}

TEST_CASE("PREEMPT leaves what the preempted host has waiting") {
    Wedged scene;
    scene.work();
    REQUIRE(scene.pr_out(scene.a, PrOutAction::register_and_ignore_existing_key, 0, 0xa).status ==
            Status::good);
    REQUIRE(scene.pr_out(scene.b, PrOutAction::register_and_ignore_existing_key, 0, 0xb).status ==
            Status::good);
    const auto wedged = scene.send(scene.a, filemark);
    REQUIRE(scene.pr_out(scene.b, PrOutAction::preempt, 0xb, 0xa).status == Status::good);
    scene.work();
    CHECK(scene.status_of(wedged) == Status::good);
}

TEST_CASE("a host whose own commands wait can preempt who stands in front of them") {
    Wedged scene;
    REQUIRE(scene.pr_out(scene.a, PrOutAction::register_and_ignore_existing_key, 0, 0xa).status ==
            Status::good);
    const auto own = scene.send(scene.b, rewind);
    REQUIRE(scene.pr_out(scene.b, PrOutAction::register_and_ignore_existing_key, 0, 0xb).status ==
            Status::good);
    REQUIRE(scene.pr_out(scene.b, PrOutAction::preempt_and_abort, 0xb, 0xa).status == Status::good);
    scene.run();
    CHECK(scene.status_of(scene.first) == Status::task_aborted);
    scene.work();
    CHECK(scene.status_of(own) == Status::good);
}

TEST_CASE("CLEAR TASK SET and the resets end what waits of every host, and nothing stays behind") {
    for (const auto function :
         {TaskManagement::clear_task_set, TaskManagement::logical_unit_reset,
          TaskManagement::target_warm_reset, TaskManagement::target_cold_reset}) {
        Wedged scene;
        const auto behind = scene.send(scene.b, rewind);
        REQUIRE(scene.bay->manage(scene.b, 0, function));
        scene.run();
        CHECK(scene.status_of(scene.first) == Status::task_aborted);
        CHECK(scene.status_of(behind) == Status::task_aborted);
        CHECK(scene.bay->waiting_commands() == 0);
        while (scene.attention(scene.a)) {
        }
        // The same CDB again is a new command.
        const auto again = scene.send(scene.a, filemark);
        scene.work();
        CHECK(scene.status_of(again) == Status::good);
        CHECK(scene.tape().objects().size() == 2);
    }
}

TEST_CASE("ABORT TASK SET ends what waits of one host") {
    Wedged scene;
    const auto behind = scene.send(scene.b, rewind);
    REQUIRE(scene.bay->manage(scene.a, 0, TaskManagement::abort_task_set));
    scene.work();
    CHECK(scene.status_of(scene.first) == Status::task_aborted);
    CHECK(scene.status_of(behind) == Status::good);
}

// ---- the changer

TEST_CASE("an aborted move out of a drive leaves the cartridge there, and the next move takes it") {
    Wedged scene;
    const auto robot = scene.log_in("a", changer);
    const auto other_robot = scene.log_in("b", changer);
    const auto moving = scene.send(robot, move(256, 1001));
    const auto behind = scene.send(other_robot, move(1000, 1002));
    REQUIRE_FALSE(scene.status_of(moving));
    scene.bay->abandon(robot, moving);
    scene.work();
    CHECK_FALSE(scene.status_of(moving));
    CHECK(scene.status_of(behind) == Status::good);
    CHECK(scene.in(std::string("drive ") + drive) == "VT0001L8");
    CHECK(scene.now(robot, move(256, 1001)).status == Status::good);
    CHECK(scene.in("slot 2") == "VT0001L8");
}

TEST_CASE("an aborted move into a drive that still opens the cartridge leaves it in the drive") {
    Scene scene;
    const auto robot = scene.log_in("a", changer);
    REQUIRE(scene.now(robot, move(256, 1001)).status == Status::good);
    scene.tape("VT0002L8").mood.opens_late = true;
    const auto moving = scene.send(robot, move(1000, 256));
    REQUIRE_FALSE(scene.status_of(moving));
    REQUIRE(scene.bay->manage(robot, 0, TaskManagement::logical_unit_reset));
    scene.work();
    CHECK(scene.status_of(moving) == Status::task_aborted);
    CHECK(scene.in(std::string("drive ") + drive) == "VT0002L8");
    const auto host = scene.log_in("a");
    CHECK(scene.now(host, test_unit_ready).status == Status::good);
}

// ---- a shelf that takes its time

TEST_CASE("a move into a drive is GOOD when the shelf has found the cartridge, not before") {
    Scene scene;
    const auto robot = scene.log_in("a", changer);
    const auto host = scene.log_in("a");
    REQUIRE(scene.now(robot, move(256, 1001)).status == Status::good);
    scene.tape("VT0002L8").mood.opens_late = true;
    const auto moving = scene.send(robot, move(1000, 256));
    scene.run();
    CHECK_FALSE(scene.status_of(moving));
    const auto sense = scsi::decode_sense(scene.now(host, test_unit_ready).sense);
    REQUIRE(sense.ok());
    CHECK(sense->additional == code::becoming_ready);
    scene.work();
    CHECK(scene.status_of(moving) == Status::good);
    CHECK(scene.attention(host));  // the medium may have changed
    CHECK(scene.now(host, test_unit_ready).status == Status::good);
}

TEST_CASE("a cartridge that comes late to a LOAD, and a host that is gone by then") {
    Scene scene;
    const auto host = scene.log_in("a");
    const auto other = scene.log_in("b");
    scene.tape().mood.opens_late = true;
    REQUIRE(scene.now(host, {0x1b, 0, 0, 0, 0, 0}).status == Status::good);
    const auto loading = scene.send(host, load);
    const auto reading = scene.send(other, {0x08, 0, 0, 0, 1, 0});
    REQUIRE_FALSE(scene.status_of(loading));
    scene.bay->nexus_lost(host);
    scene.work();
    CHECK(scene.status_of(loading) == Status::task_aborted);
    CHECK(scene.status_of(reading) == Status::check_condition);
    while (scene.attention(other)) {
    }
    CHECK(scene.now(other, test_unit_ready).status == Status::good);
    CHECK(scene.bay->waiting_commands() == 0);
}

TEST_CASE("a shelf that does not find the cartridge at last is told to who waits") {
    Scene scene;
    const auto robot = scene.log_in("a", changer);
    const auto host = scene.log_in("a");
    scene.tape().mood.opens_late = true;
    REQUIRE(scene.now(host, {0x1b, 0, 0, 0, 0, 0}).status == Status::good);
    const auto loading = scene.send(host, load);
    REQUIRE_FALSE(scene.status_of(loading));
    // Another drive, outside of this library, has it in the meantime.
    scene.tape().mood.opens_late = false;
    auto elsewhere = scene.shelf.open("VT0001L8");
    REQUIRE(elsewhere);
    scene.work();
    REQUIRE(scene.bay->changed().ok());
    scene.run();
    CHECK(scene.status_of(loading) == Status::check_condition);
    CHECK(scene.now(robot, move(256, 1001)).status == Status::good);
}

TEST_CASE("what could not be saved is not reported as done when it is asked for again") {
    Scene scene;
    const auto saved_as_offline = [&] {
        std::ifstream in(scene.folder.path + "/state.json");
        const std::string text{std::istreambuf_iterator<char>(in), {}};
        return text.find("missing") != std::string::npos;
    };
    const std::string in_the_way = scene.folder.path + "/state.json.new";
    REQUIRE(std::filesystem::create_directory(in_the_way));
    CHECK_FALSE(scene.bay->force_offline(drive, "agent missing"));
    CHECK_FALSE(scene.bay->force_offline(drive, "agent missing"));
    CHECK_FALSE(saved_as_offline());
    REQUIRE(std::filesystem::remove(in_the_way));
    CHECK(scene.bay->force_offline(drive, "agent missing"));
    CHECK(saved_as_offline());

    REQUIRE(std::filesystem::create_directory(in_the_way));
    CHECK_FALSE(scene.bay->lift_forced_offline(drive));
    CHECK_FALSE(scene.bay->lift_forced_offline(drive));
    REQUIRE(std::filesystem::remove(in_the_way));
    CHECK(scene.bay->lift_forced_offline(drive));
    CHECK_FALSE(saved_as_offline());
}

TEST_CASE("registrations that survive power loss are GOOD when they are saved, not before") {
    Scene scene;
    const auto host = scene.log_in("a");
    const auto saved = [&] {
        std::ifstream in(scene.folder.path + "/state.json");
        const std::string text{std::istreambuf_iterator<char>(in), {}};
        return text.find("00000000000000aa") != std::string::npos;
    };
    const auto register_key = [&](bool survives) {
        const auto list = scsi::encode_pr_out_parameters(
            {.service_action_reservation_key = 0xaa, .persist = survives});
        const auto cdb =
            scsi::persistent_reserve_out_cdb(PrOutAction::register_and_ignore_existing_key, 0,
                                             static_cast<std::uint32_t>(list->size()));
        return scene.now(host, {cdb.begin(), cdb.end()}, *list);
    };
    const std::string in_the_way = scene.folder.path + "/state.json.new";
    REQUIRE(std::filesystem::create_directory(in_the_way));
    CHECK(register_key(false).status == Status::good);
    for (int attempt = 0; attempt < 2; ++attempt) {
        const auto refused = register_key(true);
        REQUIRE(refused.status == Status::check_condition);
        CHECK(scsi::decode_sense(refused.sense)->key == scsi::SenseKey::hardware_error);
    }
    CHECK_FALSE(saved());
    REQUIRE(std::filesystem::remove(in_the_way));
    CHECK(register_key(true).status == Status::good);
    CHECK(saved());
}

}  // namespace drive_bay_test
