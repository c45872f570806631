#include "drive_iface/discovery/serial_bound_transport.hpp"

#include <map>
#include <mutex>

#include "test/support/catch.hpp"
#include "test/unit/discovery/device_with_pages.hpp"

using namespace drive_iface;
using namespace drive_iface::discovery;
using agent::core::Duration;
using agent::core::Error;
using agent::core::Result;
using discovery_test::DeviceWithPages;
using scsi::Bytes;

namespace {

constexpr Duration a_second{1'000};
const Bytes test_unit_ready(6, 0);

// A host whose nodes come and go. Shared with the transports, so that they end with their node.
struct Host {
    discovery_test::Sysfs sysfs;
    std::mutex mutex;
    std::map<std::string, std::string> serial_at;  // by node
    std::map<std::string, int> other_commands;     // than INQUIRY, by serial
    std::size_t opened = 0;

    void plug(const std::string& name, const std::string& serial) {
        unplug(name);
        sysfs.add(name, "1:0:0:" + name.substr(2), "1");
        const std::lock_guard lock(mutex);
        serial_at["/dev/" + name] = serial;
    }
    void unplug(const std::string& name) {
        sysfs.remove(name);
        const std::lock_guard lock(mutex);
        serial_at.erase("/dev/" + name);
    }
    [[nodiscard]] std::string serial_of_node(const std::string& node) {
        const std::lock_guard lock(mutex);
        const auto found = serial_at.find(node);
        return found == serial_at.end() ? "" : found->second;
    }
};

// An open node stays with the device it was opened for; when that is gone it is an error.
class NodeOfHost : public Transport {
  public:
    NodeOfHost(std::shared_ptr<Host> host, std::string node, std::string serial)
        : host_(std::move(host)),
          node_(std::move(node)),
          serial_(std::move(serial)),
          device_(discovery_test::tape_drive(serial_)) {}
    Result<ScsiReply> execute(const ScsiCommand& command, Duration timeout) override {
        if (host_->serial_of_node(node_) != serial_) return Error{node_ + ": No such device"};
        if (command.cdb[0] == scsi::opcode::inquiry) return device_.execute(command, timeout);
        const std::lock_guard lock(host_->mutex);
        ++host_->other_commands[serial_];
        return ScsiReply{};
    }

  private:
    std::shared_ptr<Host> host_;
    std::string node_;
    std::string serial_;
    DeviceWithPages device_;
};

struct Rig {
    std::shared_ptr<Host> host = std::make_shared<Host>();
    PathAsker::Open open =
        [host = host](const DevicePath& path) -> Result<std::unique_ptr<Transport>> {
        const std::string serial = host->serial_of_node(path.name);
        {
            const std::lock_guard lock(host->mutex);
            ++host->opened;
        }
        if (serial.empty()) return Error{"open " + path.name + ": No such file or directory"};
        return std::unique_ptr<Transport>(std::make_unique<NodeOfHost>(host, path.name, serial));
    };
    std::shared_ptr<PathFinder> finder = std::make_shared<PathFinder>(
        PathFinderOptions{.sysfs = host->sysfs.path(), .not_again_within = {0}, .limits = {}},
        open);
    std::vector<std::string> moves;

    std::unique_ptr<Transport> path_to(const std::string& serial, const std::string& hint) {
        return make_serial_bound_transport(
            {.serial = {serial},
             .path = {DevicePath::Kind::sg, hint, {}},
             .moved = [this](const std::string& before,
                             const std::string& now) { moves.push_back(before + ">" + now); }},
            open, finder);
    }
    int commands_to(const std::string& serial) { return host->other_commands[serial]; }
};

}  // namespace

TEST_CASE("a drive is found by its serial number alone") {
    Rig rig;
    rig.host->plug("sg1", "A");
    rig.host->plug("sg2", "B");
    const auto path = rig.path_to("B", "");
    REQUIRE(path->execute({test_unit_ready, {}, 0}, a_second).ok());
    CHECK(rig.commands_to("B") == 1);
    CHECK(rig.commands_to("A") == 0);
    CHECK(rig.moves.empty());
}

TEST_CASE("nodes that are numbered anew lead to the same drives as before") {
    Rig rig;
    rig.host->plug("sg1", "A");
    rig.host->plug("sg2", "B");
    const auto path = rig.path_to("A", "/dev/sg1");
    REQUIRE(path->execute({test_unit_ready, {}, 0}, a_second).ok());
    rig.host->plug("sg1", "B");
    rig.host->plug("sg2", "A");
    const auto lost = path->execute({test_unit_ready, {}, 0}, a_second);
    CHECK_FALSE(lost.ok());
    REQUIRE(path->execute({test_unit_ready, {}, 0}, a_second).ok());
    CHECK(rig.moves == std::vector<std::string>{"/dev/sg1>/dev/sg2"});
    CHECK(rig.commands_to("A") == 2);
    CHECK(rig.commands_to("B") == 0);
    CHECK_FALSE(path->other_drive());
}

TEST_CASE("another drive under the old node is refused and named") {
    Rig rig;
    rig.host->plug("sg1", "A");
    const auto path = rig.path_to("A", "/dev/sg1");
    REQUIRE(path->execute({test_unit_ready, {}, 0}, a_second).ok());
    rig.host->plug("sg1", "B");
    CHECK_FALSE(path->execute({test_unit_ready, {}, 0}, a_second).ok());
    CHECK_FALSE(path->other_drive());  // the open node was lost, no more
    const auto refused = path->execute({test_unit_ready, {}, 0}, a_second);
    REQUIRE_FALSE(refused.ok());
    CHECK_THAT(refused.error().message, ContainsSubstring("/dev/sg1 leads to drive B now"));
    CHECK_THAT(refused.error().message, ContainsSubstring("none of the 1 tape drives"));
    CHECK(path->other_drive() == OtherDrive{"/dev/sg1", "B"});
    CHECK(rig.commands_to("B") == 0);
    CHECK_FALSE(path->reset_logical_unit(a_second).ok());
    rig.host->plug("sg7", "A");
    REQUIRE(path->execute({test_unit_ready, {}, 0}, a_second).ok());
    CHECK_FALSE(path->other_drive());
}

TEST_CASE("a drive that is nowhere is no other drive") {
    Rig rig;
    rig.host->plug("sg1", "A");
    const auto path = rig.path_to("C", "/dev/sg9");
    const auto lost = path->execute({test_unit_ready, {}, 0}, a_second);
    REQUIRE_FALSE(lost.ok());
    CHECK_THAT(lost.error().message, ContainsSubstring("open /dev/sg9"));
    CHECK_THAT(lost.error().message, ContainsSubstring("has serial number C"));
    CHECK_FALSE(path->other_drive());
}

TEST_CASE("a path that has no others is refused by its serial number all the same") {
    Rig rig;
    rig.host->plug("sg1", "B");
    const auto path = make_serial_bound_transport(
        {.serial = {"A"}, .path = {DevicePath::Kind::iscsi, "/dev/sg1", {}}}, rig.open, nullptr);
    REQUIRE_FALSE(path->execute({test_unit_ready, {}, 0}, a_second).ok());
    CHECK(path->other_drive() == OtherDrive{"/dev/sg1", "B"});
}

TEST_CASE("many drives that are looked for at a time cost one search") {
    Rig rig;
    for (int i = 0; i < 20; ++i)
        rig.host->plug("sg" + std::to_string(i), "S" + std::to_string(i));
    PathFinder finder({.sysfs = rig.host->sysfs.path(), .not_again_within = {60'000}, .limits = {}},
                      rig.open);
    for (int i = 0; i < 20; ++i) {
        const auto found = finder.find({"S" + std::to_string(i)});
        REQUIRE(found.ok());
        CHECK(found->nodes == std::vector<std::string>{"/dev/sg" + std::to_string(i)});
    }
    CHECK(finder.find({"nobody"})->nodes.empty());
    CHECK(rig.host->opened == 20);
}
