#pragma once

// One socket of the server. Inside this room only.

#include <memory>
#include <string>

#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>

#include "drive_iface/iscsi/command_trace.hpp"
#include "drive_iface/iscsi/connection.hpp"
#include "drive_iface/iscsi/server.hpp"

namespace drive_iface::iscsi {

class ServerConnection;

// What a connection needs of the server. Outlives every connection.
class ConnectionOwner {
  public:
    virtual ~ConnectionOwner() = default;
    [[nodiscard]] virtual const ServerOptions& options() const = 0;
    [[nodiscard]] virtual const LoginRules& rules() const = 0;
    [[nodiscard]] virtual TargetDevices& devices() = 0;
    [[nodiscard]] virtual TaskId new_task_id() = 0;
    [[nodiscard]] virtual std::string device_of_target(const std::string& target) const = 0;
    virtual void end_earlier_session(const ServerConnection& successor,
                                     const agent::core::InitiatorPort& port,
                                     const std::string& device) = 0;
    virtual void abort_tasks_of_others(const ServerConnection& cause,
                                       const std::string& device) = 0;
    virtual void close_sessions_of(const std::string& device) = 0;
    virtual void connection_closed(ServerConnection& connection, const std::string& why) = 0;
    virtual ServerCounters& counters() = 0;
};

class ServerConnection final : public SessionHost,
                               public std::enable_shared_from_this<ServerConnection> {
  public:
    ServerConnection(ConnectionOwner& owner, asio::ip::tcp::socket socket, std::uint64_t id,
                     std::uint16_t tsih, const ChapChallenge& challenge);

    void start();
    // Ends the nexus and the socket at once. Idempotent.
    void close(const std::string& why);
    void ask_for_logout(std::uint16_t seconds);
    void tasks_aborted();
    // Once a second or so: time-outs and pings.
    void look_at_the_clock();

    [[nodiscard]] std::uint64_t id() const { return id_; }
    [[nodiscard]] const std::string& device() const { return device_; }  // empty: no normal session
    [[nodiscard]] const agent::core::InitiatorPort& port() const { return port_; }
    [[nodiscard]] const std::string& peer() const { return peer_; }
    [[nodiscard]] const Connection& protocol() const { return protocol_; }
    [[nodiscard]] const CommandTrace& trace() const { return trace_; }

    // SessionHost
    agent::core::Outcome session_opened(const LoginResult& login) override;
    void session_ended() override;
    void session_logged_out() override;
    TaskId new_task_id() override { return owner_->new_task_id(); }
    std::size_t data_out_length(ByteView cdb) override;
    std::optional<CommandReply> execute(TaskId task, std::uint64_t lun, ByteView cdb,
                                        Bytes& data_out) override;
    void abandon(TaskId task) override;
    bool manage(std::uint64_t lun, TaskManagement function) override;
    void target_was_reset_cold() override;
    std::vector<std::string> targets() override;
    std::string portal() override;

  private:
    using Clock = std::chrono::steady_clock;

    void read();
    void received(std::size_t size);
    void took(std::size_t size);
    void flush();
    void write_later();
    void note_login();
    void answered(TaskId task, Clock::time_point began, CommandReply reply);

    ConnectionOwner* owner_;
    asio::ip::tcp::socket socket_;
    std::uint64_t id_;
    std::string peer_;
    std::string local_;
    Connection protocol_;
    CommandTrace trace_;
    bool closed_ = false;
    bool logged_in_ = false;

    agent::core::InitiatorPort port_;
    std::string device_;
    std::optional<NexusId> nexus_;

    bool reading_ = false;
    bool writing_ = false;
    Clock::time_point began_;
    Clock::time_point heard_;
    Clock::time_point pinged_;
    Clock::time_point written_;  // progress of what waits to be written
};

[[nodiscard]] std::string endpoint_text(const asio::ip::tcp::endpoint& endpoint);

}  // namespace drive_iface::iscsi
