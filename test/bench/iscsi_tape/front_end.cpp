#include "test/bench/iscsi_tape/front_end.hpp"

#include <asio/io_context.hpp>
#include <iostream>

#include "drive_iface/iscsi/server.hpp"

namespace iscsi_tape {

namespace {

using namespace drive_iface::iscsi;

// Keeps the newest block and reads it again and again.
class Forgetful final : public TargetDevices {
  public:
    std::vector<ServedTarget> targets() const override { return {drive_target("FORGETFUL")}; }
    agent::core::Result<NexusId> nexus_established(const std::string&,
                                                   const agent::core::InitiatorPort&) override {
        return NexusId{++last_nexus_};
    }
    void nexus_lost(NexusId) override {}
    std::size_t data_out_length(NexusId, ByteView cdb) override {
        return cdb[0] == write_6 ? length_of(cdb) : 0;
    }
    std::optional<CommandReply> execute(NexusId, TaskId, std::uint64_t, ByteView cdb,
                                        Bytes& data_out, Later) override {
        CommandReply reply;
        if (cdb[0] == write_6) block_ = std::move(data_out);
        if (cdb[0] == read_6) reply.data_in = block_;
        return reply;
    }
    void abandon(NexusId, TaskId) override {}
    bool manage(NexusId, std::uint64_t, TaskManagement) override { return true; }

  private:
    static constexpr std::uint8_t read_6 = 0x08;
    static constexpr std::uint8_t write_6 = 0x0a;
    static std::size_t length_of(ByteView cdb) {
        return std::size_t{cdb[2]} << 16 | std::size_t{cdb[3]} << 8 | cdb[4];
    }

    std::uint64_t last_nexus_ = 0;
    Bytes block_;
};

}  // namespace

int serve_front_end() {
    asio::io_context loop;
    Forgetful devices;
    auto server = Server::listen(loop, {.host = "127.0.0.1", .target_prefix = "iqn.2026-01.bench"},
                                 devices, {});
    if (!server) {
        std::cerr << server.error().message << "\n";
        return 1;
    }
    std::cout << server.value()->port() << std::endl;
    loop.run();
    return 0;
}

}  // namespace iscsi_tape
