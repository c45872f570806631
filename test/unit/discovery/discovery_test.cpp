#include "drive_iface/discovery/discovery.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/support/catch.hpp"

using namespace drive_iface;
using namespace drive_iface::discovery;

namespace {

// Of a kernel without sg nodes.
std::vector<std::string> problems_with(DiscoveryOptions options) {
    options.sysfs = "/nowhere/sys";
    PathAsker asker(path_opener(options));
    return discover(options, asker).problems;
}

}  // namespace

TEST_CASE(
    "a kernel without sg nodes is a problem where nothing else is asked, or one is expected") {
    // Nobody listens on it, and nobody else can.
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(socket, generic, size) == 0);
    REQUIRE(::getsockname(socket, generic, &size) == 0);
    const std::string portal = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));

    const auto of_nothing = problems_with({});
    REQUIRE(of_nothing.size() == 1);
    CHECK_THAT(of_nothing[0], ContainsSubstring("modprobe sg"));

    DiscoveryOptions options;
    options.portals = {portal};
    const auto of_portal = problems_with(options);
    REQUIRE(of_portal.size() == 1);
    CHECK_THAT(of_portal[0], ContainsSubstring(portal));

    options.sg_nodes_expected = true;
    const auto of_both = problems_with(options);
    REQUIRE(of_both.size() == 2);
    CHECK_THAT(of_both[0], ContainsSubstring("modprobe sg"));
    ::close(socket);
}
