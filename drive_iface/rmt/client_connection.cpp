#include "drive_iface/rmt/client_connection.hpp"

#include <algorithm>
#include <array>
#include <asio/buffer.hpp>
#include <asio/write.hpp>
#include <cerrno>
#include <chrono>
#include <utility>

#include "drive_iface/scsi/bytes.hpp"

namespace drive_iface::rmt {

namespace {

constexpr std::string_view greeting_word = "lra-rmt 1 ";
constexpr std::size_t greeting_max = 600;
constexpr std::size_t name_max = 64;

// Takes as long whatever is wrong with it.
bool same_secret(std::string_view a, std::string_view b) {
    unsigned difference = a.size() == b.size() ? 0 : 1;
    for (std::size_t at = 0; at < b.size(); ++at) {
        const char mine = at < a.size() ? a[at] : '\0';
        difference |= static_cast<unsigned char>(mine ^ b[at]);
    }
    return difference == 0;
}

// Letters, digits and the like; what else a client calls itself is left out.
std::string plain_name(std::string_view text) {
    std::string name;
    for (const char c : text.substr(0, name_max)) {
        const bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
        if (fits) name += c;
    }
    return name;
}

agent::core::InitiatorPort port_of(const ClientConnection::Peer& peer, std::uint64_t id) {
    const auto digits = scsi::ByteWriter().u48(id).take();
    return {.transport = agent::core::Transport::unknown,
            .name = "rmt:" + peer.name,
            .isid = scsi::to_hex(digits),
            .address = peer.address};
}

}  // namespace

ClientConnection::ClientConnection(Socket socket, std::uint64_t id, Peer peer,
                                   const RmtServerOptions& options, TapeDrives& drives,
                                   std::function<void(const std::string&)> told,
                                   std::function<void(const std::string&)> ended)
    : socket_(std::move(socket)),
      id_(id),
      peer_(std::move(peer)),
      options_(&options),
      drives_(&drives),
      told_(std::move(told)),
      ended_(std::move(ended)),
      silence_(socket_.get_executor()) {}

RmtConnection ClientConnection::described() const {
    return {id_, "rmt:" + peer_.name, peer_.address, tape_ && tape_->is_open() ? device_ : "",
            requests_};
}

void ClientConnection::start() {
    expect_something();
    receive();
}

void ClientConnection::expect_something() {
    const bool holds_a_tape = tape_ && tape_->is_open();
    const auto limit = holds_a_tape ? options_->idle_after : options_->open_within;
    silence_.expires_after(std::chrono::milliseconds(limit.ms));
    silence_.async_wait([self = shared_from_this()](const asio::error_code& cancelled) {
        if (!cancelled) self->hang_up("said nothing for too long");
    });
}

void ClientConnection::receive() {
    auto room = reader_.room();
    // So that a greeting and what came with it fit into the reader.
    if (!greeting_is_over_) room = room.first(std::min(room.size(), greeting_max));
    socket_.async_receive(
        asio::buffer(room.data(), room.size()),
        [self = shared_from_this(), room](const asio::error_code& error, std::size_t count) {
            if (!self->open_) return;
            if (error) return self->hang_up("closed by the client");
            if (self->greeting_is_over_) {
                self->reader_.received(count);
                return self->serve();
            }
            self->greeting_.append(room.begin(), room.begin() + static_cast<std::ptrdiff_t>(count));
            self->greet();
        });
}

// A greeting begins with a letter that no request begins with.
void ClientConnection::greet() {
    std::size_t taken = 0;
    if (greeting_.front() == greeting_word.front()) {
        const auto end = greeting_.find('\n');
        if (end == std::string::npos && greeting_.size() <= greeting_max) return receive();
        if (end == std::string::npos || !is_greeted(std::string_view(greeting_).substr(0, end)))
            return refuse_for_good(EACCES, "the token is wrong");
        taken = end + 1;
    } else if (!peer_.trusted) {
        return refuse_for_good(EACCES, "say \"lra-rmt 1 TOKEN NAME\" first, as vtl-rsh does");
    }
    greeting_is_over_ = true;
    tape_ = std::make_shared<RemoteTape>(*drives_, port_of(peer_, id_));
    const auto room = reader_.room();
    std::copy(greeting_.begin() + static_cast<std::ptrdiff_t>(taken), greeting_.end(),
              room.begin());
    reader_.received(greeting_.size() - taken);
    greeting_.clear();
    serve();
}

bool ClientConnection::is_greeted(std::string_view line) {
    if (!line.starts_with(greeting_word)) return false;
    line.remove_prefix(greeting_word.size());
    const auto blank = line.find(' ');
    const auto token = line.substr(0, blank);
    if (peer_.trusted) return true;
    if (!options_->token || !same_secret(token, *options_->token)) return false;
    const auto name = blank == std::string_view::npos ? "" : plain_name(line.substr(blank + 1));
    if (!name.empty()) peer_.name = name;
    return true;
}

void ClientConnection::serve() {
    auto request = reader_.next();
    if (!request) return receive();
    ++requests_;
    silence_.cancel();
    if (const auto* bad = std::get_if<BadRequest>(&*request); bad != nullptr && bad->fatal)
        return refuse_for_good(bad->error, bad->what);
    const auto* open = std::get_if<OpenRequest>(&*request);
    if (open != nullptr) device_ = open->device;
    const bool opens = open != nullptr;
    tape_->take(std::move(*request), [self = shared_from_this(), opens](TapeReply reply) {
        if (opens) self->tell_of_refused_open(reply);
        self->answer(std::move(reply));
    });
}

// Clients print the name of the error and nothing else: only here is it to be found why.
void ClientConnection::tell_of_refused_open(const TapeReply& reply) const {
    if (!reply.head.starts_with('E')) return;
    const auto text = reply.head.find('\n') + 1;
    told_(device_ +
          " could not be opened: " + reply.head.substr(text, reply.head.find('\n', text) - text));
}

void ClientConnection::answer(TapeReply reply) {
    if (!open_) return;
    reply_ = std::move(reply);
    const std::array<asio::const_buffer, 2> parts{asio::buffer(reply_.head),
                                                  asio::buffer(reply_.data)};
    expect_something();  // a client that does not read is silent too
    asio::async_write(socket_, parts,
                      [self = shared_from_this()](const asio::error_code& error, std::size_t) {
                          if (!self->open_) return;
                          if (error) return self->hang_up("closed by the client");
                          self->serve();
                      });
}

void ClientConnection::turn_away(int error, const std::string& why) {
    refuse_for_good(error, why);
}

void ClientConnection::refuse_for_good(int error, const std::string& why) {
    reply_ = {refused_for_good(error, why), {}};
    asio::async_write(socket_, asio::buffer(reply_.head),
                      [self = shared_from_this(), why](const asio::error_code&, std::size_t) {
                          self->hang_up(why);
                      });
}

void ClientConnection::hang_up(const std::string& why) {
    if (!std::exchange(open_, false)) return;
    silence_.cancel();
    asio::error_code ignored;
    socket_.close(ignored);
    auto ended = [self = shared_from_this(), why] { self->ended_(why); };
    if (!tape_) return ended();
    tape_->hang_up(std::move(ended));
}

}  // namespace drive_iface::rmt
