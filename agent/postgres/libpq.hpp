#pragma once

// libpq, brought in when a PostgreSQL server is first asked: it and the libraries behind it take
// 3 MiB that a controller without a pair has no use for. Who includes this calls the functions of
// <libpq-fe.h> as ever; libpq.cpp passes them on, those that somebody here calls.

#include <libpq-fe.h>

#include <span>
#include <vector>

#include "agent/core/result.hpp"

namespace agent::postgres {

// Any thread, any number of times; the first call loads the library. To be called before any
// function of libpq is. An error: it is not installed, or what it needs is not, or it is older than
// what is called here; the same each time.
[[nodiscard]] core::Outcome load_libpq();

// The names of what is passed on.
[[nodiscard]] std::span<const char* const> libpq_functions();

// What load_libpq() does, of any library: where each of `wanted` is. What is loaded stays.
[[nodiscard]] core::Result<std::vector<void*>> load_functions(const char* file,
                                                              std::span<const char* const> wanted);

}  // namespace agent::postgres
