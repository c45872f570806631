#include "agent/postgres/libpq.hpp"

#include <array>
#include <fstream>
#include <string>

#include "agent/postgres/connection.hpp"
#include "test/support/catch.hpp"

using namespace agent;
using namespace agent::postgres;

namespace {

bool is_mapped(const std::string& library) {
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        if (line.find(library) != std::string::npos) return true;
    }
    return false;
}

}  // namespace

TEST_CASE("libpq is loaded with the first connection and not before") {
    REQUIRE(!is_mapped("libpq.so"));
    const auto begun = begin_connection("host=/nowhere user=nobody");
    REQUIRE(begun);
    CHECK(is_mapped("libpq.so"));
    CHECK(PQstatus(begun->get()) == CONNECTION_BAD);
    CHECK(one_line(PQerrorMessage(begun->get())).find("/nowhere") != std::string::npos);
    CHECK(load_libpq());
}

TEST_CASE("a library that is not installed is named in the error, with the package that has it") {
    const auto loaded = load_functions("libnowhere.so.5", {});
    REQUIRE(!loaded);
    CHECK(loaded.error().message.find("libnowhere.so.5") != std::string::npos);
    CHECK(loaded.error().message.find("libpq5") != std::string::npos);
}

TEST_CASE("every function of libpq that is called is there") {
    const auto found = load_functions("libpq.so.5", libpq_functions());
    INFO((found ? "" : found.error().message));
    REQUIRE(found);
    CHECK(found->size() == libpq_functions().size());
    CHECK(found->size() > 20);
}

TEST_CASE("a libpq that lacks a function is refused before anything is called") {
    const std::array wanted = {"PQstatus", "PQofNextYear"};
    const auto found = load_functions("libpq.so.5", wanted);
    REQUIRE(!found);
    CHECK(found.error().message.find("libpq is too old: no PQofNextYear") != std::string::npos);
}
