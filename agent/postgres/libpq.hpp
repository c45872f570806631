#pragma once

// libpq, brought in when a PostgreSQL server is first asked: it and the libraries behind it take
// 3 MiB that a controller without a pair has no use for. Who includes this calls the functions of
// <libpq-fe.h> as ever; libpq.cpp passes them on, those that somebody here calls.

#include <libpq-fe.h>

#include "agent/core/result.hpp"

namespace agent::postgres {

// Any thread, any number of times; the first call loads the library. To be called before any
// function of libpq is. An error: it is not installed, or what it needs is not; the same each time.
[[nodiscard]] core::Outcome load_libpq();

// What load_libpq() does, of any library; what is loaded stays.
[[nodiscard]] core::Result<void*> load_library(const char* file);

}  // namespace agent::postgres
