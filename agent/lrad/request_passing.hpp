#pragma once

// Requests made at the node of a pair that stands by: entered into the database of the node that
// serves, which answers there. On the event loop's thread; the database is asked on a thread of its
// own.
//
// A request is entered once under an id of its own, and a mount has a request name by then, so that
// whoever serves it, before or after a take-over, does the same thing once.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "agent/core/message_catalogue.hpp"
#include "agent/core/result.hpp"
#include "agent/core/time.hpp"
#include "agent/lrad/request_errand.hpp"
#include "agent/runtime/clock.hpp"
#include "agent/runtime/control_server.hpp"

namespace asio {
class io_context;
}

namespace agent::lrad {

struct RequestPassingDoors {
    // A request of the other node, or of this one from before it served; false: no such method.
    std::function<bool(const std::string& method, const nlohmann::json& params,
                       const runtime::Caller& caller, runtime::ControlServer::Answerer answer)>
        serve;
    // What a request of this kind means now: told to whoever serves it again, before it is served
    // here. false: the same at all times, and `then` is not called.
    std::function<bool(const std::string& method, const nlohmann::json& params,
                       std::function<void(const core::Result<nlohmann::json>&)> then)>
        settle_meaning = [](const auto&, const auto&, const auto&) { return false; };
    // Does this node do, or answer, requests at this moment?
    std::function<bool()> serves;
    // What can not be done yet stays in the box for a later look.
    std::function<bool(const std::string& method)> is_ready = [](const auto&) { return true; };
    std::function<void(core::Message message, const std::vector<std::string>& words)> note;
    std::function<core::Now()> now = runtime::clock_now;
    std::chrono::milliseconds look_every{150};
    std::chrono::milliseconds look_seldom{1'000};  // while nothing is to be done
};

class RequestPassing {
  public:
    RequestPassing(asio::io_context& loop, std::unique_ptr<RequestBox> box, std::string node,
                   std::string other, RequestPassingDoors doors);
    ~RequestPassing();

    void start();
    // Nothing more is asked; who waits is not answered.
    void stop();

    // `answer` once, from the loop. When the node that serves can not be reached the answer is that
    // the request has to be made there.
    void pass(const std::string& method, nlohmann::json params, const runtime::Caller& caller,
              runtime::ControlServer::Answerer answer);

    // The service that did what was taken on here is given up: what it says from now on answers no
    // request, and the next one begins with them anew.
    void forget();

    struct Counts {
        std::uint64_t passed = 0;
        std::uint64_t not_passed = 0;
        std::uint64_t served = 0;
        std::uint64_t to_take_back = 0;  // from the box; nobody waits for them
    };
    [[nodiscard]] Counts counts() const;

  private:
    class Work;
    std::shared_ptr<Work> work_;
};

// An answer as text, and back; what makes no sense is an error. `node`: who gives it, which an
// answer with fields then has as "answered_by".
[[nodiscard]] std::string answer_text(const runtime::ControlAnswer& answer,
                                      const std::string& node = {});
[[nodiscard]] runtime::ControlAnswer answer_from_text(const std::string& text);

}  // namespace agent::lrad
