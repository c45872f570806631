#pragma once

// Requests that a node which stands by passes on to the one that serves, and their answers: rows in
// the database of the pair. A row is added by who asks, answered once by who serves, and taken away
// by who asks. What is done twice by mistake changes nothing.

#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/core/time.hpp"

namespace agent::postgres {

class PrimarySession;

struct BoxedRequest {
    std::string id;  // printable; never used again
    std::string node;
    std::string method;
    std::string parameters;  // JSON
    std::string asker;       // JSON: who, at that node
    core::WallTime asked_at;
    // JSON: the parameters as whoever served it first has understood them; empty: nobody has yet.
    std::string means{};
};
struct BoxedAnswer {
    std::string id;
    std::string answer;  // JSON; empty: none yet
};

// SQL that makes what is missing, and lets the other node use it.
[[nodiscard]] std::string request_box_tables();

[[nodiscard]] core::Outcome put_request(PrimarySession& session, const BoxedRequest& request);
// Of these requests, those that are in the box.
[[nodiscard]] core::Result<std::vector<BoxedAnswer>> read_answers(
    PrimarySession& session, const std::vector<std::string>& ids);
[[nodiscard]] core::Outcome drop_requests(PrimarySession& session,
                                          const std::vector<std::string>& ids);

// Who waits for them says so at least every minute or two: a request that nobody has asked for in
// five minutes, by the clock of the server, is not read any more.
[[nodiscard]] core::Outcome still_want_requests(PrimarySession& session,
                                                const std::vector<std::string>& ids);

// The oldest that have no answer yet and are wanted, besides those `without`; a bounded number.
[[nodiscard]] core::Result<std::vector<BoxedRequest>> read_requests(
    PrimarySession& session, const std::vector<std::string>& without);
// What counts from now on as the meaning of a request without an answer: this, or what was settled
// before. Empty: the request is not in the box any more, or is answered.
[[nodiscard]] core::Result<std::string> settle_meaning(PrimarySession& session,
                                                       const std::string& id,
                                                       const std::string& means);
// The first answer stays.
[[nodiscard]] core::Outcome put_answer(PrimarySession& session, const BoxedAnswer& answer);
// What nobody has fetched, or said to be wanted, between sixty calls goes: no clock is asked, since
// one that is set must not take away what somebody waits for.
[[nodiscard]] core::Outcome clean_request_box(PrimarySession& session);

}  // namespace agent::postgres
