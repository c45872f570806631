#include "agent/shell/key_creation.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "agent/runtime/descriptor.hpp"
#include "test/support/catch.hpp"

using namespace agent::shell;
namespace fs = std::filesystem;

namespace {

struct Folder {
    fs::path path;
    Folder() {
        std::string name = fs::temp_directory_path() / "lra-key-XXXXXX";
        path = ::mkdtemp(name.data());
    }
    ~Folder() { fs::remove_all(path); }
    [[nodiscard]] std::string file() const { return path / "key"; }
};

std::string contents(const std::string& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

agent::core::Outcome create_with(const std::string& path, const std::string& typed) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const agent::runtime::Descriptor in(ends[0]);
    agent::runtime::Descriptor out(ends[1]);
    REQUIRE(::write(out.get(), typed.data(), typed.size()) == static_cast<ssize_t>(typed.size()));
    out.close();
    return create_passphrase_file(path, in.get());
}

}  // namespace

TEST_CASE("a master key file is one private line of 256 random bits") {
    const Folder folder;
    REQUIRE(create_master_key_file(folder.file()).ok());
    const std::string line = contents(folder.file());
    CHECK(line.size() == 7 + 64 + 1);
    CHECK(line.starts_with("master "));
    CHECK(line.find_first_not_of("0123456789abcdef\n", 7) == std::string::npos);
    struct stat status {};
    REQUIRE(::stat(folder.file().c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
    REQUIRE(create_master_key_file(folder.file() + "2").ok());
    CHECK(contents(folder.file() + "2") != line);
}

TEST_CASE("a key file that exists is never overwritten, nor one behind a link") {
    const Folder folder;
    std::ofstream(folder.file()) << "precious";
    CHECK_THAT(create_master_key_file(folder.file()).error().message,
               ContainsSubstring("exists already"));
    fs::create_symlink(folder.path / "elsewhere", folder.path / "link");
    CHECK_FALSE(create_master_key_file(folder.path / "link").ok());
    CHECK(contents(folder.file()) == "precious");
    CHECK_FALSE(fs::exists(folder.path / "elsewhere"));
    CHECK_THAT(create_master_key_file(folder.path / "no" / "key").error().message,
               ContainsSubstring("No such file"));
}

TEST_CASE("a passphrase is taken from the first line, if it is one") {
    const Folder folder;
    REQUIRE(create_with(folder.file(), "correct horse\nnot this\n").ok());
    CHECK(contents(folder.file()) == "passphrase correct horse\n");
    for (const std::string& bad :
         {std::string{}, std::string{"short\n"}, std::string{"with\ttabulator\n"},
          std::string(201, 'x') + "\n"}) {
        CHECK_FALSE(create_with(folder.file() + "2", bad).ok());
        CHECK_FALSE(fs::exists(folder.file() + "2"));
    }
}
