#include "drive_iface/sessions/session_store.hpp"

#include <algorithm>
#include <utility>

#include "drive_iface/sessions/session_store_state.hpp"

namespace drive_iface::sessions {

using agent::core::Error;
using agent::core::InitiatorPort;
using agent::core::Nothing;
using agent::core::Outcome;
using agent::core::Result;
using virtual_library::CartridgeShelf;
using virtual_library::ParallelCartridge;

std::string host_text(const InitiatorPort& host) {
    auto port = host;
    port.address.clear();
    if (port.transport != agent::core::Transport::unknown) return agent::core::to_text(port);
    return port.name;
}

Result<std::unique_ptr<SessionStore>> SessionStore::start(SessionStoreOptions options,
                                                          CartridgeShelf& volumes,
                                                          SegmentShelf& segments) {
    auto book = SessionBook::open(options.ledger_file);
    if (!book) return book.error();
    auto state =
        std::make_shared<State>(std::move(options), volumes, segments, std::move(book).value());
    state->begin();
    return std::unique_ptr<SessionStore>(new SessionStore(std::move(state)));
}

SessionStore::SessionStore(std::shared_ptr<State> state) : state_(std::move(state)) {}
SessionStore::~SessionStore() {
    state_->end();
}

CartridgeShelf& SessionStore::shelf_for_drives() {
    return *state_;
}

Outcome SessionStore::choose_volume(const std::string& drive_serial, const InitiatorPort& host,
                                    const std::string& barcode) {
    if (!state_->knows(barcode)) return Error{"there is no cartridge " + barcode};
    const auto user = State::user_of(drive_serial, host);
    state_->give_up_choice(user);
    state_->choices[user] = {barcode, nullptr};
    return Nothing{};
}

void SessionStore::forget_choice(const std::string& drive_serial, const InitiatorPort& host) {
    state_->give_up_choice(State::user_of(drive_serial, host));
}

Result<std::uint32_t> SessionStore::prepare(const std::string& drive_serial,
                                            const InitiatorPort& host, const std::string& barcode) {
    if (auto chosen = choose_volume(drive_serial, host, barcode); !chosen) return chosen.error();
    auto stream = state_->begin_session(drive_serial, host, barcode);
    if (!stream) return stream.error();
    state_->choices[State::user_of(drive_serial, host)].prepared = *stream;
    return (*stream)->identifier();
}

void SessionStore::retry_copies() {
    state_->retry();
}

std::optional<Result<std::unique_ptr<ParallelCartridge>>> SessionStore::open(
    const std::string& drive_serial, const std::string& barcode, const InitiatorPort& host) {
    return state_->open_view(drive_serial, barcode, host);
}

void SessionStore::on_progress(std::function<void()> progress) {
    state_->parallel_progress = std::move(progress);
}

std::vector<Session> SessionStore::list() const {
    return state_->live_sessions();
}

std::optional<Session> SessionStore::show(std::uint32_t identifier) const {
    const auto* row = state_->book->find(identifier);
    if (row == nullptr) return std::nullopt;
    return state_->live(row->session);
}

Result<std::vector<SessionRecord>> SessionStore::records(std::uint32_t identifier,
                                                         std::uint64_t first,
                                                         std::uint64_t count) const {
    return state_->records(identifier, first, count);
}

std::optional<Result<std::unique_ptr<Cartridge>>> SessionStore::open(std::uint32_t identifier) {
    return state_->open_session(identifier);
}

bool SessionStore::hold(std::uint32_t identifier) {
    return state_->book->hold(identifier);
}

void SessionStore::release(std::uint32_t identifier) {
    state_->book->release(identifier);
    state_->tidy();
}

void SessionStore::allow_deletion() {
    state_->deletion_allowed = true;
    state_->tidy();
}

std::uint64_t SessionStore::revision() const {
    return state_->book->revision();
}

std::shared_ptr<void> SessionStore::listen(Listener listener) {
    return state_->book->listen(std::move(listener));
}

}  // namespace drive_iface::sessions
