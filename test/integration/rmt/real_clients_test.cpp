// Real clients on the rmt server, through vtl-rsh: GNU tar, cpio, mt-gnu and restore as Debian
// ships them.

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "drive_iface/rmt/rmt_server.hpp"
#include "test/support/catch.hpp"
#include "test/unit/rmt/memory_drives.hpp"

using namespace rmt_test;
namespace fs = std::filesystem;

namespace {

struct ProgramRun {
    int status = -1;
    std::string output;
};

// A server on a Unix socket in a folder of its own, which is the working folder of the clients.
class Rig {
  public:
    Rig() {
        std::string pattern = (fs::temp_directory_path() / "lra-rmt-XXXXXX").string();
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        folder_ = pattern;
        auto listening =
            RmtServer::listen(loop_, {.listen = "unix:" + folder_ + "/rmt.sock"}, drives, nullptr);
        REQUIRE(listening.ok());
        server_ = std::move(listening).value();
        thread_ = std::thread([this] { loop_.run(); });
        make_files();
    }
    ~Rig() {
        asio::post(loop_, [this] {
            server_.reset();
            work_.reset();
        });
        thread_.join();
        fs::remove_all(folder_);
    }
    Rig(const Rig&) = delete;
    Rig& operator=(const Rig&) = delete;

    // A shell command in the folder; `$RSH` is vtl-rsh.
    ProgramRun run(const std::string& command) const {
        const auto line = "cd " + folder_ + " && export VTL_RMT=unix:" + folder_ +
                          "/rmt.sock RSH=" VTL_RSH_PROGRAM
                          " RMT=rmt LC_ALL=C && timeout 60 sh -c '" +
                          command + "' 2>&1";
        FILE* pipe = ::popen(line.c_str(), "r");
        REQUIRE(pipe != nullptr);
        ProgramRun result;
        std::array<char, 4096> buffer{};
        while (const auto count = std::fread(buffer.data(), 1, buffer.size(), pipe))
            result.output.append(buffer.data(), count);
        result.status = WEXITSTATUS(::pclose(pipe));
        return result;
    }
    std::string good(const std::string& command) const {
        const auto result = run(command);
        INFO(command << "\n" << result.output);
        CHECK(result.status == 0);
        return result.output;
    }

    MemoryDrives drives;

  private:
    void make_files() const {
        fs::create_directories(folder_ + "/tree/inner");
        std::ofstream(folder_ + "/tree/large") << std::string(300'000, 'a');
        std::ofstream(folder_ + "/tree/inner/small") << "a few words\n";
        std::ofstream(folder_ + "/tree/empty");
        std::ofstream(folder_ + "/more") << "added later\n";
    }

    asio::io_context loop_;
    asio::executor_work_guard<asio::io_context::executor_type> work_ = asio::make_work_guard(loop_);
    std::string folder_;
    std::unique_ptr<RmtServer> server_;
    std::thread thread_;
};

const std::string tar = "tar --rsh-command=\"$RSH\" --rmt-command=rmt ";
const std::string mt = "mt-gnu --rsh-command=\"$RSH\" -f 127.0.0.1:";

}  // namespace

TEST_CASE("GNU tar creates, lists, extracts and compares an archive") {
    const Rig rig;
    rig.good(tar + "-cf 127.0.0.1:0/VOL001L8 tree");
    const auto list = rig.good(tar + "-tf 127.0.0.1:0/VOL001L8");
    CHECK(list.find("tree/inner/small\n") != std::string::npos);
    rig.good(tar + "-df 127.0.0.1:0/VOL001L8");
    rig.good("mkdir out && " + tar + "-xf 127.0.0.1:0/VOL001L8 -C out && diff -r tree out/tree");
    rig.good("echo changed > tree/inner/small");
    CHECK(rig.run(tar + "-df 127.0.0.1:0/VOL001L8").status == 1);
}

TEST_CASE("GNU tar appends to an archive on tape") {
    const Rig rig;
    rig.good(tar + "-cf 127.0.0.1:0/VOL001L8 tree");
    rig.good(tar + "-rf 127.0.0.1:0/VOL001L8 more");
    const auto list = rig.good(tar + "-tf 127.0.0.1:0/VOL001L8");
    CHECK(list.find("tree/large\n") != std::string::npos);
    CHECK(list.find("more\n") != std::string::npos);
    rig.good("mkdir out && " + tar + "-xf 127.0.0.1:0/VOL001L8 -C out && diff more out/more");
}

TEST_CASE("large records are written and read with the same blocking factor") {
    const Rig rig;
    rig.good(tar + "-b 512 -cf 127.0.0.1:0 tree");
    CHECK(rig.good(tar + "-b 512 -tf 127.0.0.1:0").find("tree/large") != std::string::npos);
    const auto wrong = rig.run(tar + "-tf 127.0.0.1:0");
    CHECK(wrong.status == 2);
    CHECK(wrong.output.find("Cannot allocate memory") != std::string::npos);
}

TEST_CASE("cpio writes and reads an archive") {
    const Rig rig;
    rig.good("find tree | cpio -o --rsh-command=$RSH -O 127.0.0.1:0/VOL001L8");
    const auto list = rig.good("cpio -it --rsh-command=$RSH -I 127.0.0.1:0/VOL001L8");
    CHECK(list.find("tree/inner/small") != std::string::npos);
    rig.good(
        "mkdir out && cd out && cpio -id --rsh-command=$RSH -I 127.0.0.1:0/VOL001L8 && "
        "diff -r ../tree tree");
}

TEST_CASE("mt-gnu moves between the archives on a tape") {
    const Rig rig;
    rig.good(tar + "-cf 127.0.0.1:n0 tree");
    rig.good(tar + "-cf 127.0.0.1:n0 more");
    rig.good(mt + "n0 rewind");
    rig.good(mt + "n0 fsf 1");
    CHECK(rig.good(tar + "-tf 127.0.0.1:n0") == "more\n");
    rig.good(mt + "n0 asf 1");
    CHECK(rig.good(tar + "-tf 127.0.0.1:n0") == "more\n");
    rig.good(mt + "n0 eom");
    rig.good(tar + "-cf 127.0.0.1:n0 tree/empty");
    rig.good(mt + "n0 bsfm 1");
    rig.good(mt + "n0 asf 2");
    CHECK(rig.good(tar + "-tf 127.0.0.1:n0") == "tree/empty\n");
    rig.good(mt + "0 weof 1");
}

TEST_CASE("what can not be opened is told in the client's own words") {
    const Rig rig;
    CHECK(rig.run(tar + "-cf 127.0.0.1:9 tree").output.find("No such device") != std::string::npos);
    CHECK(rig.run(tar + "-cf 127.0.0.1:0/NOTHERE tree").output.find("No such file") !=
          std::string::npos);
}

TEST_CASE("a dump that dump wrote is restored over rmt") {
    const Rig rig;
    // dump itself wants a file system of its own; restore reads what it would have sent. Its
    // catalogue of anything else than a dump is a clear error, and not a lost connection.
    rig.good(tar + "-cf 127.0.0.1:0 tree");
    const auto result = rig.run("restore -tf 127.0.0.1:0");
    INFO(result.output);
    CHECK(result.output.find("not a dump tape") != std::string::npos);
}
