#include "agent/lrad/request_errand.hpp"

#include <atomic>
#include <set>
#include <string_view>
#include <utility>

#include "agent/postgres/primary_session.hpp"

namespace agent::lrad {

using core::Nothing;
using core::Outcome;
using core::Result;
using postgres::BoxedAnswer;
using postgres::BoxedRequest;
using postgres::PrimarySession;

namespace {

constexpr std::size_t taken_on_max = 1'024;

class DatabaseBox final : public RequestBox {
  public:
    explicit DatabaseBox(const runtime::PairDatabaseConfiguration& database)
        : session_(database, [this] { return given_up_.load(); }) {}

    Outcome reach(bool own_only, bool ask_first) override {
        const bool there = ask_first ? session_.answers() : session_.is_connected();
        if (there && (!own_only || session_.is_own())) return Nothing{};
        return session_.connect(own_only);
    }
    Outcome put(const BoxedRequest& request) override { return put_request(session_, request); }
    Result<std::string> settle_meaning(const std::string& id, const std::string& means) override {
        return postgres::settle_meaning(session_, id, means);
    }
    Outcome put_answer(const BoxedAnswer& answer) override {
        return postgres::put_answer(session_, answer);
    }
    Outcome still_want(const std::vector<std::string>& ids) override {
        return still_want_requests(session_, ids);
    }
    Result<std::vector<BoxedAnswer>> answers(const std::vector<std::string>& ids) override {
        return read_answers(session_, ids);
    }
    Outcome drop(const std::vector<std::string>& ids) override {
        return drop_requests(session_, ids);
    }
    Result<std::vector<BoxedRequest>> requests(const std::vector<std::string>& without) override {
        return read_requests(session_, without);
    }
    Outcome clean() override { return clean_request_box(session_); }
    void give_up() noexcept override { given_up_.store(true); }

  private:
    std::atomic<bool> given_up_ = false;
    PrimarySession session_;
};

void sort_out(const std::vector<BoxedAnswer>& rows, const std::vector<std::string>& waited_for,
              BoxSeen& seen) {
    std::set<std::string_view> there;
    for (const auto& row : rows) {
        there.insert(row.id);
        if (!row.answer.empty()) seen.answers.push_back(row);
    }
    for (const auto& id : waited_for) {
        if (there.count(id) == 0) seen.gone.push_back(id);
    }
}

Outcome work_through(RequestBox& box, const BoxErrand& errand, BoxSeen& seen) {
    // What is put over a wire that is cut may have come through: for a minute nobody could say.
    if (auto reached = box.reach(errand.serves, !errand.to_put.empty()); !reached) return reached;
    seen.reached = true;
    for (const auto& request : errand.to_put) {
        seen.doubtful = request.id;
        if (auto put = box.put(request); !put) return put;
        seen.doubtful.clear();
        seen.put.push_back(request.id);
    }
    for (const auto& [id, means] : errand.to_settle) {
        auto settled = box.settle_meaning(id, means);
        if (!settled) return settled.error();
        seen.settled.push_back({id, std::move(settled).value()});
    }
    for (const auto& answer : errand.to_answer) {
        if (auto put = box.put_answer(answer); !put) return put;
        seen.answered.push_back(answer.id);
    }
    if (!errand.waited_for.empty()) {
        if (errand.say_wanted) {
            if (auto said = box.still_want(errand.waited_for); !said) return said;
            seen.said_wanted = true;
        }
        const auto rows = box.answers(errand.waited_for);
        if (!rows) return rows.error();
        sort_out(*rows, errand.waited_for, seen);
    }
    if (!errand.to_drop.empty()) {
        if (auto dropped = box.drop(errand.to_drop); !dropped) return dropped;
    }
    if (!errand.serves) return Nothing{};
    if (errand.clean) {
        if (auto cleaned = box.clean(); !cleaned) return cleaned;
        seen.cleaned = true;
    }
    if (errand.taken_on.size() >= taken_on_max) return Nothing{};
    auto requests = box.requests(errand.taken_on);
    if (!requests) return requests.error();
    seen.requests = std::move(requests).value();
    return Nothing{};
}

}  // namespace

std::unique_ptr<RequestBox> database_request_box(
    const runtime::PairDatabaseConfiguration& database) {
    return std::make_unique<DatabaseBox>(database);
}

BoxSeen run_errand(RequestBox& box, const BoxErrand& errand) {
    BoxSeen seen;
    if (const auto done = work_through(box, errand, seen); !done)
        seen.trouble = done.error().message;
    return seen;
}

}  // namespace agent::lrad
