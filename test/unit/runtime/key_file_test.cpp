#include <sys/stat.h>

#include "agent/runtime/configuration.hpp"
#include "temporary_folder.hpp"
#include "test/support/catch.hpp"

using namespace agent::runtime;

TEST_CASE("the secret of a key file is its first line") {
    const TemporaryFolder folder;
    CHECK(read_key_file(folder.write("a", "correct horse\n")).value() == "correct horse");
    CHECK(read_key_file(folder.write("b", "correct horse\r\nsecond line")).value() ==
          "correct horse");
    CHECK(read_key_file(folder.write("c", std::string(256, 'k'), 0400)).value() ==
          std::string(256, 'k'));
}

TEST_CASE("a key file that others may read is refused, with the command that helps") {
    const TemporaryFolder folder;
    for (const mode_t mode : {0640U, 0604U, 0620U, 0602U, 0610U, 0666U}) {
        const auto key = read_key_file(folder.write("k", "correct horse\n", mode));
        REQUIRE_FALSE(key.ok());
        CHECK_THAT(key.error().message, ContainsSubstring("chmod 600"));
        ::chmod(folder.file("k").c_str(), 0600);
    }
}

TEST_CASE("what is not a secret in a regular file is refused") {
    const TemporaryFolder folder;
    CHECK_FALSE(read_key_file(folder.file("missing")).ok());
    CHECK_FALSE(read_key_file(folder.write("short", "seven77\nand more")).ok());
    CHECK_FALSE(read_key_file(folder.write("empty", "")).ok());
    CHECK_FALSE(read_key_file(folder.write("long", std::string(257, 'k'))).ok());
    CHECK_FALSE(read_key_file(folder.write("nul", std::string("correct\0horse", 13))).ok());
    REQUIRE(::mkfifo(folder.file("pipe").c_str(), 0600) == 0);
    CHECK_THAT(read_key_file(folder.file("pipe")).error().message,
               ContainsSubstring("not a regular file"));
    REQUIRE(::mkdir(folder.file("dir").c_str(), 0700) == 0);
    CHECK_FALSE(read_key_file(folder.file("dir")).ok());
}
