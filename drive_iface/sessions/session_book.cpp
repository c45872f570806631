#include "drive_iface/sessions/session_book.hpp"

#include <algorithm>
#include <utility>

namespace drive_iface::sessions {

using agent::core::Nothing;
using agent::core::Outcome;
using agent::core::Result;

Result<std::unique_ptr<SessionBook>> SessionBook::open(const std::string& file) {
    auto ledger = SessionLedger::open(file);
    if (!ledger) return ledger.error();
    std::unique_ptr<SessionBook> book(new SessionBook(std::move(ledger).value()));
    auto rows = book->ledger_->load();
    if (!rows) return rows.error();
    for (auto& row : rows.value()) {
        book->last_completion_ =
            std::max(book->last_completion_, row.session.completion.value_or(0));
        book->rows_.emplace(row.session.identifier, std::move(row));
    }
    return book;
}

const LedgerRow* SessionBook::find(std::uint32_t identifier) const {
    const auto found = rows_.find(identifier);
    return found == rows_.end() ? nullptr : &found->second;
}

Result<std::uint32_t> SessionBook::begin(Session session) {
    auto identifier = ledger_->begin(session);
    if (!identifier) return identifier;
    session.identifier = *identifier;
    rows_[*identifier] = {session, std::nullopt, false};
    tell(session);
    return identifier;
}

Outcome SessionBook::change(LedgerRow row) {
    if (auto saved = ledger_->save(row); !saved) return saved;
    const auto session = row.session;
    rows_[session.identifier] = std::move(row);
    tell(session);
    return Nothing{};
}

void SessionBook::note(const Session& session) {
    rows_[session.identifier].session = session;
    tell(session);
}

Outcome SessionBook::forget(std::uint32_t identifier) {
    if (auto forgotten = ledger_->forget(identifier); !forgotten) return forgotten;
    rows_.erase(identifier);
    ++revision_;
    return Nothing{};
}

bool SessionBook::hold(std::uint32_t identifier) {
    const auto* row = find(identifier);
    if (row == nullptr || !row->session.kept) return false;
    ++holds_[identifier];
    return true;
}

void SessionBook::release(std::uint32_t identifier) {
    const auto found = holds_.find(identifier);
    if (found != holds_.end() && --found->second == 0) holds_.erase(found);
}

bool SessionBook::is_held(std::uint32_t identifier) const {
    return holds_.contains(identifier);
}

std::shared_ptr<void> SessionBook::listen(Tracking::Listener listener) {
    auto token = std::make_shared<Tracking::Listener>(std::move(listener));
    std::erase_if(listeners_, [](const auto& old) { return old.expired(); });
    listeners_.push_back(token);
    return token;
}

void SessionBook::tell(const Session& session) {
    ++revision_;
    for (const auto& listener : std::vector(listeners_)) {
        if (const auto call = listener.lock()) (*call)(session);
    }
}

std::vector<std::uint32_t> deletable(const SessionBook& book, std::size_t merged_kept,
                                     std::size_t incomplete_kept) {
    std::vector<std::uint32_t> found;
    std::size_t merged = 0, incomplete = 0;
    for (auto at = book.rows().rbegin(); at != book.rows().rend(); ++at) {
        const Session& session = at->second.session;
        const bool is_merged = session.state == SessionState::merged;
        if (!session.kept || (!is_merged && session.state != SessionState::incomplete)) continue;
        // One that lost all it wrote takes no place of one that holds data.
        const bool has_data = is_merged || session.objects > 0;
        const bool is_new =
            has_data && (is_merged ? ++merged <= merged_kept : ++incomplete <= incomplete_kept);
        if (!is_new && !book.is_held(session.identifier)) found.push_back(session.identifier);
    }
    return found;
}

std::vector<std::uint32_t> forgettable(const SessionBook& book, std::size_t remembered_max) {
    std::vector<std::uint32_t> found;
    std::size_t remembered = 0;
    for (auto at = book.rows().rbegin(); at != book.rows().rend(); ++at) {
        if (++remembered > remembered_max && !at->second.session.kept) found.push_back(at->first);
    }
    return found;
}

}  // namespace drive_iface::sessions
