#include "drive_iface/discovery/sg_nodes.hpp"

#include "test/support/catch.hpp"
#include "test/unit/discovery/device_with_pages.hpp"

using namespace drive_iface::discovery;

TEST_CASE("tape drives and changers are found in sysfs, in the order of their numbers") {
    discovery_test::Sysfs sysfs;
    sysfs.add("sg10", "3:0:0:1", "1");
    sysfs.add("sg2", "3:0:0:0", "8");
    sysfs.add("sg0", "0:0:0:0", "0");  // a disk
    sysfs.add("sg1", "1:0:0:0", "5");  // a DVD drive
    sysfs.add("sgx", "9:0:0:0", "1");  // no sg node
    sysfs.add("sg7", "7:0:0:0", "tape");
    const auto nodes = tape_library_nodes(sysfs.path());
    REQUIRE(nodes.ok());
    CHECK(*nodes == std::vector<SgNode>{{"/dev/sg2", "3:0:0:0", 8}, {"/dev/sg10", "3:0:0:1", 1}});
}

TEST_CASE("a kernel without sg says what loads it") {
    const auto nodes = tape_library_nodes("/nowhere/sys");
    REQUIRE_FALSE(nodes.ok());
    CHECK_THAT(nodes.error().message, ContainsSubstring("modprobe sg"));
}
