#pragma once

namespace agent::core {

// Prints the broken invariant and ends the process; a supervisor restarts it from recorded state.
[[noreturn]] void invariant_broken(const char* expression, const char* file, int line) noexcept;

}  // namespace agent::core

// A broken invariant is a bug in this program and stops it, in release builds too. Never for bytes
// from outside: those are errors to report.
#define AGENT_ASSERT(expression)                                              \
    do {                                                                      \
        if (!(expression)) {                                                  \
            ::agent::core::invariant_broken(#expression, __FILE__, __LINE__); \
        }                                                                     \
    } while (false)
