#include "drive_iface/iscsi/server_connection.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include <asio/post.hpp>
#include <asio/socket_base.hpp>

namespace drive_iface::iscsi {

namespace {

// Reads in a row for one connection before the others get their turn.
constexpr int reads_in_a_row = 8;
constexpr std::size_t pieces_in_a_write = 64;

using ReadBuffers = std::array<asio::mutable_buffer, 2>;

ReadBuffers buffers_of(const FrameReader::Room& room) {
    return {asio::buffer(room.segment.data(), room.segment.size()),
            asio::buffer(room.beyond.data(), room.beyond.size())};
}

std::chrono::milliseconds ms(agent::core::Duration duration) {
    return std::chrono::milliseconds(duration.ms);
}

std::int64_t us_since(std::chrono::steady_clock::time_point began) {
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() -
                                                                 began)
        .count();
}

std::int64_t since_1970_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

// "::ffff:192.0.2.1" is 192.0.2.1 seen through a socket for both.
asio::ip::address plain(const asio::ip::address& address) {
    if (address.is_v6() && address.to_v6().is_v4_mapped()) {
        return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
    }
    return address;
}

}  // namespace

std::string endpoint_text(const asio::ip::tcp::endpoint& endpoint) {
    const auto address = plain(endpoint.address());
    const auto text = address.to_string();
    return (address.is_v6() ? "[" + text + "]" : text) + ":" + std::to_string(endpoint.port());
}

ServerConnection::ServerConnection(ConnectionOwner& owner, asio::ip::tcp::socket socket,
                                   std::uint64_t id, std::uint16_t tsih,
                                   const ChapChallenge& challenge)
    : owner_(&owner),
      socket_(std::move(socket)),
      id_(id),
      protocol_(owner.rules(), tsih, challenge, *this),
      began_(Clock::now()),
      heard_(began_),
      pinged_(began_),
      written_(began_) {
    asio::error_code error;
    const auto remote = socket_.remote_endpoint(error);
    if (!error) {
        peer_ = endpoint_text(remote);
        port_.address = plain(remote.address()).to_string();
    }
    const auto local = socket_.local_endpoint(error);
    if (!error) local_ = endpoint_text(local);
    // No buffer sizes: to set them stops the kernel from growing them as far as it may.
    socket_.set_option(asio::ip::tcp::no_delay(true), error);
    socket_.non_blocking(true, error);
}

void ServerConnection::start() {
    read();
}

void ServerConnection::read() {
    if (closed_ || reading_ || protocol_.close_reason() || protocol_.output().size() > output_max)
        return;
    reading_ = true;
    socket_.async_read_some(
        buffers_of(protocol_.room()),
        [self = shared_from_this()](const asio::error_code& error, std::size_t size) {
            self->reading_ = false;
            if (self->closed_) return;
            if (error) return self->close("closed by the initiator: " + error.message());
            self->received(size);
        });
}

// More may have arrived while this was looked at: takes it without a round through the loop.
void ServerConnection::received(std::size_t size) {
    heard_ = Clock::now();
    took(size);
    for (int i = 1; i < reads_in_a_row; ++i) {
        if (closed_ || protocol_.close_reason() || protocol_.output().size() > output_max) break;
        const auto room = protocol_.room();
        asio::error_code error;
        const auto more = socket_.read_some(buffers_of(room), error);
        if (error) break;  // nothing yet, or something that read() will meet again
        took(more);
        if (more < room.segment.size() + room.beyond.size()) break;
    }
    read();
}

void ServerConnection::took(std::size_t size) {
    protocol_.received(size);
    if (!logged_in_ && protocol_.login()) note_login();
    flush();
}

void ServerConnection::note_login() {
    logged_in_ = true;
    ++owner_->counters().logins;
}

void ServerConnection::flush() {
    while (!closed_ && !writing_ && !protocol_.output().empty()) {
        std::array<ByteView, pieces_in_a_write> pieces;
        const auto count = protocol_.output().gather(pieces);
        std::array<asio::const_buffer, pieces_in_a_write> buffers;
        for (std::size_t i = 0; i < count; ++i)
            buffers[i] = asio::buffer(pieces[i].data(), pieces[i].size());
        asio::error_code error;
        const auto size =
            socket_.write_some(std::span<const asio::const_buffer>(buffers).first(count), error);
        if (error == asio::error::would_block || error == asio::error::try_again)
            return write_later();
        if (error) return close("can not send: " + error.message());
        written_ = Clock::now();
        protocol_.sent(size);
    }
    if (!closed_ && !writing_ && protocol_.close_reason()) close(*protocol_.close_reason());
}

void ServerConnection::write_later() {
    writing_ = true;
    written_ = Clock::now();
    socket_.async_wait(asio::socket_base::wait_write,
                       [self = shared_from_this()](const asio::error_code& error) {
                           self->writing_ = false;
                           if (self->closed_) return;
                           if (error) return self->close("can not send: " + error.message());
                           self->flush();
                           self->read();
                       });
}

void ServerConnection::close(const std::string& why) {
    if (std::exchange(closed_, true)) return;
    const auto self = shared_from_this();
    protocol_.closed();
    asio::error_code ignored;
    socket_.shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
    socket_.close(ignored);
    owner_->connection_closed(*this, why);
}

void ServerConnection::ask_for_logout(std::uint16_t seconds) {
    protocol_.ask_for_logout(seconds);
    flush();
}

void ServerConnection::look_at_the_clock() {
    if (closed_) return;
    const auto now = Clock::now();
    const auto& limits = owner_->options();
    const auto late = [&](const std::string& why) {
        ++owner_->counters().timeouts;
        close(why);
    };
    if (writing_ && now - written_ > ms(limits.drain_within)) {
        return late("the initiator does not read its answers");
    }
    if (!protocol_.session()) {
        if (now - began_ > ms(limits.login_within)) late("no login in time");
        return;
    }
    if (now - heard_ <= ms(limits.ping_after)) return;
    if (protocol_.session()->ping_outstanding() && pinged_ > heard_) {
        if (now - pinged_ > ms(limits.answer_within)) late("no answer to a ping");
        return;
    }
    pinged_ = now;
    protocol_.ping();
    flush();
}

agent::core::Outcome ServerConnection::session_opened(const LoginResult& login) {
    port_.transport = agent::core::Transport::iscsi;
    port_.name = login.initiator_name;
    port_.isid = to_text(login.isid);
    const auto device = owner_->device_of_target(login.target_name);
    owner_->end_earlier_session(*this, port_, device);
    auto nexus = owner_->devices().nexus_established(device, port_);
    if (!nexus) return nexus.error();
    nexus_ = nexus.value();
    device_ = device;
    return agent::core::Nothing{};
}

void ServerConnection::session_ended() {
    if (!nexus_) return;
    owner_->devices().nexus_lost(*std::exchange(nexus_, std::nullopt));
}

void ServerConnection::session_logged_out() {
    if (!nexus_) return;
    owner_->devices().logged_out(*std::exchange(nexus_, std::nullopt));
}

std::size_t ServerConnection::data_out_length(ByteView cdb) {
    return nexus_ ? owner_->devices().data_out_length(*nexus_, cdb) : 0;
}

std::optional<CommandReply> ServerConnection::execute(TaskId task, std::uint64_t lun, ByteView cdb,
                                                      Bytes& data_out) {
    if (!nexus_) return CommandReply{.status = virtual_library::Status::task_aborted};
    const auto began = Clock::now();
    TracedCommand traced{.task = task,
                         .began_ms = since_1970_ms(),
                         .lun = lun,
                         .cdb = {},
                         .data_out = data_out.size(),
                         .end = {}};
    std::copy_n(cdb.begin(), std::min(cdb.size(), traced.cdb.size()), traced.cdb.begin());
    trace_.begin(traced);
    auto reply = owner_->devices().execute(*nexus_, task, lun, cdb, data_out,
                                           [weak = weak_from_this(), task, began](auto late) {
                                               if (const auto self = weak.lock())
                                                   self->answered(task, began, std::move(late));
                                           });
    if (reply) trace_.end(task, us_since(began), *reply);
    return reply;
}

void ServerConnection::answered(TaskId task, Clock::time_point began, CommandReply reply) {
    if (closed_) return;
    trace_.end(task, us_since(began), reply);
    protocol_.complete(task, std::move(reply));
    flush();
    read();
}

void ServerConnection::tasks_aborted() {
    if (closed_) return;
    protocol_.tasks_aborted();
    flush();
}

void ServerConnection::abandon(TaskId task) {
    trace_.aborted(task);
    if (nexus_) owner_->devices().abandon(*nexus_, task);
}

bool ServerConnection::manage(std::uint64_t lun, TaskManagement function) {
    if (!nexus_ || !owner_->devices().manage(*nexus_, lun, function)) return false;
    switch (function) {
        case TaskManagement::abort_task:
        case TaskManagement::abort_task_set:
        case TaskManagement::clear_aca:
            break;
        case TaskManagement::clear_task_set:
        case TaskManagement::logical_unit_reset:
        case TaskManagement::target_warm_reset:
        case TaskManagement::target_cold_reset:
            owner_->abort_tasks_of_others(*this, device_);
            break;
    }
    return true;
}

void ServerConnection::target_was_reset_cold() {
    // After this connection's own response is on its way.
    asio::post(socket_.get_executor(), [self = shared_from_this(), device = device_] {
        self->owner_->close_sessions_of(device);
    });
}

std::vector<std::string> ServerConnection::targets() {
    const auto* login = protocol_.login();
    return visible_targets(owner_->rules(), login ? login->user : nullptr);
}

std::string ServerConnection::portal() {
    return local_;
}

}  // namespace drive_iface::iscsi
