#include "agent/postgres/server_programs.hpp"
#include "test/support/catch.hpp"

TEST_CASE("of all that a program complains the first error is what people are told") {
    CHECK(agent::postgres::complaint_in(
              "pg_basebackup: warning: something\n"
              "pg_basebackup: error: could not write to file \"x\": No space left on device\n"
              "pg_basebackup: removing contents of data directory \"y\"\n") ==
          "pg_basebackup: error: could not write to file \"x\": No space left on device");
    CHECK(agent::postgres::complaint_in("one\n\n  \ntwo\n\n") == "two");
    CHECK(agent::postgres::complaint_in("").empty());
    CHECK(agent::postgres::complaint_in(std::string(5'000, 'x')).size() == 400);
}
