#pragma once

// The box that two nodes pass requests to each other by, and one round at it: what is to be put,
// asked and answered there, and what came of it. On one thread, which may block.

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/postgres/request_box.hpp"
#include "agent/runtime/pair_database_configuration.hpp"

namespace agent::lrad {

// Each call is one statement of its own. After an error nobody can say whether it was carried out,
// and the box is to be reached anew.
class RequestBox {
  public:
    virtual ~RequestBox() = default;

    // The box of whichever node takes writes, of this node alone with `own_only`. `ask_first`: what
    // looks well is asked for a sign of life before it counts as reached.
    [[nodiscard]] virtual core::Outcome reach(bool own_only, bool ask_first) = 0;
    [[nodiscard]] virtual core::Outcome put(const postgres::BoxedRequest& request) = 0;
    [[nodiscard]] virtual core::Result<std::string> settle_meaning(const std::string& id,
                                                                   const std::string& means) = 0;
    [[nodiscard]] virtual core::Outcome put_answer(const postgres::BoxedAnswer& answer) = 0;
    [[nodiscard]] virtual core::Outcome still_want(const std::vector<std::string>& ids) = 0;
    [[nodiscard]] virtual core::Result<std::vector<postgres::BoxedAnswer>> answers(
        const std::vector<std::string>& ids) = 0;
    [[nodiscard]] virtual core::Outcome drop(const std::vector<std::string>& ids) = 0;
    [[nodiscard]] virtual core::Result<std::vector<postgres::BoxedRequest>> requests(
        const std::vector<std::string>& without) = 0;
    [[nodiscard]] virtual core::Outcome clean() = 0;
    // From any thread: what is under way ends, and nothing more begins.
    virtual void give_up() noexcept = 0;
};

// In the database of the pair.
[[nodiscard]] std::unique_ptr<RequestBox> database_request_box(
    const runtime::PairDatabaseConfiguration& database);

struct RequestMeaning {
    std::string id;
    std::string means;  // settled: empty when the request is gone
};

// What one round is to do.
struct BoxErrand {
    std::vector<postgres::BoxedRequest> to_put;
    std::vector<std::string> waited_for;
    bool say_wanted = false;
    bool clean = false;
    std::vector<std::string> taken_on;  // and are not answered yet
    std::vector<std::string> to_drop;
    std::vector<RequestMeaning> to_settle;
    std::vector<postgres::BoxedAnswer> to_answer;
    bool serves = false;
};

// What it has brought.
struct BoxSeen {
    bool reached = false;
    bool said_wanted = false;
    bool cleaned = false;
    std::string trouble;
    std::string doubtful;          // a request that may be in the box
    std::vector<std::string> put;  // requests that are in the box
    std::vector<postgres::BoxedAnswer> answers;
    std::vector<std::string> gone;  // requests that are waited for and not in the box
    std::vector<RequestMeaning> settled;
    std::vector<std::string> answered;  // answers that are in the box
    std::vector<postgres::BoxedRequest> requests;
};

// Ends with the first thing that fails, in `trouble`; the rest says what was done by then.
[[nodiscard]] BoxSeen run_errand(RequestBox& box, const BoxErrand& errand);

}  // namespace agent::lrad
