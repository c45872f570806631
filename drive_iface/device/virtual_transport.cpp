#include "drive_iface/device/virtual_transport.hpp"

#include <optional>
#include <utility>

#include "drive_iface/virtual/library.hpp"

namespace drive_iface {

using namespace agent::core;

namespace {

class VirtualTransport : public drive_iface::Transport {
  public:
    VirtualTransport(virtual_library::Library& library, std::string serial, InitiatorPort port)
        : library_(library), serial_(std::move(serial)), port_(std::move(port)) {}
    ~VirtualTransport() override {
        if (nexus_) library_.nexus_lost(*nexus_);
    }
    VirtualTransport(const VirtualTransport&) = delete;
    VirtualTransport& operator=(const VirtualTransport&) = delete;

    Result<ScsiReply> execute(const ScsiCommand& command, Duration) override {
        if (auto logged_in = log_in(); !logged_in) return logged_in.error();
        virtual_library::Bytes data_out(command.data_out.begin(), command.data_out.end());
        auto answer = library_.execute(*nexus_, 0, command.cdb, data_out);
        if (!answer) {
            library_.abandon(*nexus_);
            return Error{"drive " + serial_ + ": the command waits for its medium"};
        }
        auto& reply = *answer;
        if (reply.data_in.size() > command.data_in_max) reply.data_in.resize(command.data_in_max);
        return ScsiReply{static_cast<std::uint8_t>(reply.status), std::move(reply.data_in),
                         std::move(reply.sense)};
    }

    Outcome reset_logical_unit(Duration) override {
        if (auto logged_in = log_in(); !logged_in) return logged_in;
        const auto function = virtual_library::TaskManagement::logical_unit_reset;
        if (library_.manage(*nexus_, 0, function)) return Nothing{};
        return Error{"drive " + serial_ + ": LOGICAL UNIT RESET is not supported"};
    }

  private:
    Outcome log_in() {
        if (nexus_) return Nothing{};
        const auto nexus = library_.nexus_established(serial_, port_);
        if (!nexus) return nexus.error();
        nexus_ = *nexus;
        return Nothing{};
    }

    virtual_library::Library& library_;
    std::string serial_;
    InitiatorPort port_;
    std::optional<virtual_library::NexusId> nexus_;
};

}  // namespace

std::unique_ptr<Transport> make_virtual_transport(virtual_library::Library& library,
                                                  std::string drive_serial, InitiatorPort port) {
    return std::make_unique<VirtualTransport>(library, std::move(drive_serial), std::move(port));
}

}  // namespace drive_iface
