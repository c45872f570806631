#include "agent/core/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace agent::core {

void invariant_broken(const char* expression, const char* file, int line) noexcept {
    std::fprintf(stderr, "invariant broken: %s (%s:%d)\n", expression, file, line);
    std::abort();
}

}  // namespace agent::core
