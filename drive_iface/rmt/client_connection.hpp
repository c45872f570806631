#pragma once

// One client of the rmt server, from its first byte to its last.

#include <asio/generic/stream_protocol.hpp>
#include <asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>

#include "drive_iface/rmt/remote_tape.hpp"
#include "drive_iface/rmt/rmt_server.hpp"

namespace drive_iface::rmt {

class ClientConnection : public std::enable_shared_from_this<ClientConnection> {
  public:
    using Socket = asio::generic::stream_protocol::socket;
    struct Peer {
        std::string name;  // of the user
        std::string address;
        bool trusted = false;  // needs to say no token
    };
    // `options` and `drives` outlive it. `told` hears what an operator may want to know of;
    // `ended` is called once, when its tape is closed.
    ClientConnection(Socket socket, std::uint64_t id, Peer peer, const RmtServerOptions& options,
                     TapeDrives& drives, std::function<void(const std::string& what)> told,
                     std::function<void(const std::string& why)> ended);

    void start();
    // Answers nothing but this.
    void turn_away(int error, const std::string& why);
    void hang_up(const std::string& why);
    [[nodiscard]] RmtConnection described() const;

  private:
    void receive();
    void greet();
    [[nodiscard]] bool is_greeted(std::string_view line);
    void serve();
    void tell_of_refused_open(const TapeReply& reply) const;
    void answer(TapeReply reply);
    void refuse_for_good(int error, const std::string& why);
    void expect_something();

    Socket socket_;
    std::uint64_t id_;
    Peer peer_;
    const RmtServerOptions* options_;
    TapeDrives* drives_;
    std::function<void(const std::string&)> told_;
    std::function<void(const std::string&)> ended_;
    asio::steady_timer silence_;

    RequestReader reader_;
    std::string greeting_;  // what came before it is known whether a greeting is coming
    bool greeting_is_over_ = false;
    std::shared_ptr<RemoteTape> tape_;
    std::string device_;
    std::uint64_t requests_ = 0;
    TapeReply reply_;  // being sent
    bool open_ = true;
};

}  // namespace drive_iface::rmt
