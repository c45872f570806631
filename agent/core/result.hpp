#pragma once

#include <string>
#include <utility>
#include <variant>

#include "agent/core/assert.hpp"

namespace agent::core {

// Why something outside this program did not work, in words an operator can act on: what was tried,
// on what, and what came back.
struct Error {
    std::string message;

    // The same error seen from one level up: "CONTEXT: MESSAGE".
    [[nodiscard]] Error within(const std::string& context) const {
        return {context + ": " + message};
    }
    bool operator==(const Error&) const = default;
};

// A value, or why there is none. Trouble with devices, networks and input is normal and travels in
// here; exceptions are not used for it.
template <typename T>
class [[nodiscard]] Result {
  public:
    Result(T value) : content_(std::move(value)) {}
    Result(Error error) : content_(std::move(error)) {}

    [[nodiscard]] bool ok() const { return content_.index() == 0; }
    explicit operator bool() const { return ok(); }

    // Only when ok().
    [[nodiscard]] const T& value() const& { return checked_value(); }
    [[nodiscard]] T& value() & {
        AGENT_ASSERT(ok());
        return std::get<0>(content_);
    }
    [[nodiscard]] T&& value() && {
        AGENT_ASSERT(ok());
        return std::get<0>(std::move(content_));
    }
    const T& operator*() const { return checked_value(); }
    const T* operator->() const { return &checked_value(); }

    // Only when not ok().
    [[nodiscard]] const Error& error() const {
        AGENT_ASSERT(!ok());
        return std::get<1>(content_);
    }

  private:
    const T& checked_value() const {
        AGENT_ASSERT(ok());
        return std::get<0>(content_);
    }
    std::variant<T, Error> content_;
};

struct Nothing {
    bool operator==(const Nothing&) const = default;
};

// For what can fail but returns nothing.
using Outcome = Result<Nothing>;

}  // namespace agent::core
