// A real process that writes and is killed: nothing it had synchronised is missing.

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <string>

#include "drive_iface/cartridge/recording.hpp"
#include "test/support/catch.hpp"
#include "test/unit/cartridge/endless_writing.hpp"
#include "test/unit/cartridge/shelf_stand.hpp"

using namespace drive_iface::cartridge;
using namespace drive_iface::virtual_library;

namespace {

class Writer {
  public:
    explicit Writer(const std::vector<std::string>& folders) {
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
        std::string program = CARTRIDGE_WRITER;
        auto one = folders[0];
        auto two = folders[1];
        char* arguments[] = {program.data(), one.data(), two.data(), nullptr};
        REQUIRE(::posix_spawn(&process_, program.c_str(), &actions, nullptr, arguments, environ) ==
                0);
        posix_spawn_file_actions_destroy(&actions);
        ::close(ends[1]);
        output_ = ends[0];
    }
    ~Writer() {
        kill();
        ::close(output_);
    }
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    // Reads lines until there are that many; the last one.
    std::uint32_t synchronised_after(int lines) {
        while (lines > 0) {
            const auto line = next_line();
            REQUIRE_FALSE(line.empty());
            last_ = static_cast<std::uint32_t>(std::stoul(line));
            --lines;
        }
        return last_;
    }
    void kill() {
        if (process_ == 0) return;
        ::kill(process_, SIGKILL);
        int status = 0;
        ::waitpid(process_, &status, 0);
        process_ = 0;
    }
    // What it said up to its death.
    std::uint32_t last_words() {
        kill();
        for (auto line = next_line(); !line.empty(); line = next_line()) {
            last_ = static_cast<std::uint32_t>(std::stoul(line));
        }
        return last_;
    }

  private:
    std::string next_line() {
        std::string line;
        char character = 0;
        while (::read(output_, &character, 1) == 1) {
            if (character == '\n') return line;
            line += character;
        }
        return {};
    }

    pid_t process_ = 0;
    int output_ = -1;
    std::uint32_t last_ = 0;
};

// Is `found` what can be there when everything up to step `safe` was synchronised?
bool is_possible(const std::vector<Blocks>& found, std::uint32_t safe) {
    std::vector<Blocks> written;
    std::size_t at_least = 0;
    for (std::uint32_t step = 0; step < safe + 5000; ++step) {
        auto action = endless_action(step, written.size());
        written.resize(action.at);
        at_least = std::min(at_least, written.size());
        written.push_back(std::move(action.data));
        if (step == safe) at_least = written.size();
        if (step < safe) continue;
        const bool fits = found.size() >= at_least && found.size() <= written.size() &&
                          std::equal(found.begin(), found.end(), written.begin());
        if (fits) return true;
    }
    return false;
}

}  // namespace

TEST_CASE("a killed process loses nothing it had synchronised and leaves nothing it never wrote") {
    for (int round = 0; round < 6; ++round) {
        INFO("round " << round);
        ShelfStand stand(round % 2 == 0 ? Placement::single : Placement::mirror);
        stand.create(endless_barcode);
        Writer writer(stand.folders);
        static_cast<void>(writer.synchronised_after(5 + 23 * round));
        const auto safe = writer.last_words();
        stand.restart();
        auto cartridge = stand.open(endless_barcode);
        const auto found = recorded(stand, *cartridge);
        INFO("synchronised up to step " << safe << ", found " << found.size() << " objects");
        CHECK(is_possible(found, safe));
        stand.close(std::move(cartridge));
        const auto report = stand.check(endless_barcode, false);
        REQUIRE(report.ok());
        CHECK(report->sound);
    }
}

TEST_CASE("a cartridge that another process has open is not opened") {
    ShelfStand stand;
    stand.create(endless_barcode);
    Writer writer(stand.folders);
    static_cast<void>(writer.synchronised_after(1));
    CHECK_THAT(stand.open_error(endless_barcode), ContainsSubstring("is in use"));
    const auto report = stand.check(endless_barcode, true);
    REQUIRE_FALSE(report.ok());
    CHECK_THAT(report.error().message, ContainsSubstring("is in use"));
}

// What fork() gives a child before it begins its own program.
TEST_CASE("a lock that was just given back and that a child still has is waited for") {
    ShelfStand stand;
    stand.create(endless_barcode);
    const auto place = copy_paths(stand.folders[0], endless_barcode);
    pid_t child = 0;
    {
        const auto held = lock_copies({place}, endless_barcode);
        REQUIRE(held.ok());
        child = ::fork();
        if (child == 0) {
            ::usleep(100'000);
            ::_exit(0);
        }
        REQUIRE(child > 0);
    }
    CHECK(lock_copies({place}, endless_barcode).ok());
    ::waitpid(child, nullptr, 0);
}
