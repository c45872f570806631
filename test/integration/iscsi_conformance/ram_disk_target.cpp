// Serves a disk in memory over iSCSI on a free port of 127.0.0.1 until it is terminated; prints the
// URL of its logical unit.

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <iostream>

#include "drive_iface/iscsi/server.hpp"
#include "test/integration/iscsi_conformance/ram_disk.hpp"

int main() {
    constexpr std::uint64_t blocks = std::uint64_t{256} * 2048;  // 256 MiB
    asio::io_context loop;
    iscsi_conformance::RamDisk disk(blocks);
    const drive_iface::iscsi::ServerOptions options{
        .host = "127.0.0.1", .target_prefix = "iqn.2026-01.example.conformance"};
    auto server = drive_iface::iscsi::Server::listen(loop, options, disk, nullptr);
    if (!server) {
        std::cerr << server.error().message << '\n';
        return 1;
    }
    std::cout << "iscsi://" << (*server)->address() << '/' << (*server)->target_name("RAM0000001")
              << "/0" << std::endl;
    asio::signal_set ending(loop, SIGTERM, SIGINT);
    ending.async_wait([&loop](const asio::error_code&, int) { loop.stop(); });
    loop.run();
    return 0;
}
