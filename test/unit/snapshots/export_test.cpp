#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/thread_pool.hpp>
#include <csignal>
#include <fstream>
#include <iterator>

#include "drive_iface/cartridge/tap_format.hpp"
#include "drive_iface/snapshots/snapshot_export.hpp"
#include "test/unit/sessions/session_rig.hpp"

using namespace sessions_test;
using namespace drive_iface::snapshots;
namespace fs = std::filesystem;

namespace {

std::string whole(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}
std::size_t entries(const std::string& folder) {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), {}));
}

class ExportRig {
  public:
    using Exported = agent::core::Result<std::vector<ExportedFile>>;

    ExportRig() : out(rig.folder + "/out") {
        fs::create_directory(out);
        auto started =
            SnapshotStore::start({.file = rig.folder + "/snapshots.db",
                                  .on_completion = false,
                                  .now_ms = [] { return std::int64_t{1'700'000'000'000}; },
                                  .log = [](const std::string&) {}},
                                 *rig.store);
        REQUIRE(started.ok());
        snapshots = std::move(started).value();
    }
    ~ExportRig() { bench.join(); }
    ExportRig(const ExportRig&) = delete;
    ExportRig& operator=(const ExportRig&) = delete;

    std::shared_ptr<SnapshotExport> begin(Mount what, ExportFormat format = ExportFormat::tap) {
        done.reset();
        const auto made = std::make_shared<SnapshotExport>(
            SnapshotExport::Wanted{
                what, out, format,
                [](const auto& files) { return std::to_string(files.size()) + " files\n"; }},
            SnapshotExport::Doors{
                snapshots.get(), [this](auto f) { asio::post(rig.loop, std::move(f)); },
                [this](auto f) { asio::post(bench, std::move(f)); },
                [this](auto f) {
                    auto timer = std::make_shared<asio::steady_timer>(rig.loop,
                                                                      std::chrono::milliseconds(2));
                    timer->async_wait([timer, f = std::move(f)](const asio::error_code&) { f(); });
                }},
            [this](Exported files) { done = std::move(files); });
        made->start();
        return made;
    }
    Exported finish(const Mount& what, ExportFormat format = ExportFormat::tap) {
        const auto running = begin(what, format);
        REQUIRE(rig.becomes([&] { return done.has_value(); }));
        return *done;
    }
    std::uint32_t write_session(std::size_t blocks, std::size_t size) {
        Host host(rig, 1, "VOL001L8");
        for (std::size_t i = 0; i < blocks; ++i)
            host.write(static_cast<char>('a' + i % 26), size);
        const auto identifier = host.complete();
        REQUIRE(rig.has_state(identifier, SessionState::merged));
        return identifier;
    }

    Rig rig;
    std::string out;
    asio::thread_pool bench{1};
    std::unique_ptr<SnapshotStore> snapshots;
    std::optional<Exported> done;
};

}  // namespace

TEST_CASE("a session is exported as a tape image, block for block") {
    ExportRig site;
    const auto session = site.write_session(100, 60'001);  // odd: padded; more than one batch
    const auto number = site.snapshots->take("root", "")->number;
    const auto exported = site.finish({number, session});
    INFO((exported ? "" : exported.error().message));
    REQUIRE(exported.ok());
    REQUIRE(exported->size() == 1);
    CHECK(exported->front().objects == 101);
    CHECK(exported->front().bytes == 6'000'100);
    const auto tape = whole(exported->front().path);
    const auto read_at = [&tape](std::uint64_t offset, std::span<std::uint8_t> into) {
        if (offset + into.size() > tape.size()) return false;
        std::copy_n(tape.begin() + static_cast<std::ptrdiff_t>(offset), into.size(), into.begin());
        return true;
    };
    drive_iface::cartridge::TapScanner scanner(read_at, 0, tape.size());
    using Item = drive_iface::cartridge::TapItem::Kind;
    for (std::size_t i = 0; i < 100; ++i) {
        const auto item = scanner.next();
        REQUIRE(item.kind == Item::block);
        CHECK(item.length == 60'001);
        CHECK(tape[item.offset + 4] == static_cast<char>('a' + i % 26));
    }
    CHECK(scanner.next().kind == Item::filemark);
    CHECK(scanner.next().kind == Item::end_of_medium);
    CHECK(whole(site.out + "/snapshot-1-session-1.json") == "1 files\n");
}

TEST_CASE("all sessions are exported, each to a file of its own, and nothing is overwritten") {
    ExportRig site;
    site.write_session(3, 1'000);
    site.write_session(2, 10);
    const auto number = site.snapshots->take("root", "")->number;
    const auto exported = site.finish({number, std::nullopt}, ExportFormat::blocks);
    REQUIRE(exported.ok());
    CHECK(whole(site.out + "/snapshot-1-session-1.data") ==
          std::string(1'000, 'a') + std::string(1'000, 'b') + std::string(1'000, 'c'));
    CHECK(whole(site.out + "/snapshot-1-session-2.data") ==
          std::string(10, 'a') + std::string(10, 'b'));
    CHECK(entries(site.out) == 3);
    fs::remove(site.out + "/snapshot-1.json");
    fs::remove(site.out + "/snapshot-1-session-1.data");
    // The second one is in the way: the first, which was written by then, goes again.
    const auto again = site.finish({number, std::nullopt}, ExportFormat::blocks);
    REQUIRE_FALSE(again.ok());
    CHECK(again.error().message.find("snapshot-1-session-2.data") != std::string::npos);
    CHECK(entries(site.out) == 1);
}

TEST_CASE("a cancelled or abandoned export leaves nothing behind") {
    ExportRig site;
    const auto session = site.write_session(400, 60'000);
    const auto number = site.snapshots->take("root", "")->number;
    const auto running = site.begin({number, session});
    running->cancel();
    REQUIRE(site.rig.becomes([&] { return site.done.has_value(); }));
    CHECK_FALSE(site.done->ok());
    CHECK(entries(site.out) == 0);
    const auto left = site.begin({number, session});
    REQUIRE(site.rig.becomes([&] { return left->progress().bytes_done > 0; }));
    CHECK_FALSE(site.snapshots->remove(number, "root", "x").ok());  // it is being read
    CHECK(left->abandon().empty());
    site.rig.loop.restart();
    site.rig.loop.run_for(std::chrono::milliseconds(50));
    CHECK(entries(site.out) == 0);
    CHECK_FALSE(site.done);
    CHECK(site.snapshots->remove(number, "root", "x").ok());
}

TEST_CASE("what can not be exported is refused in words") {
    ExportRig site;
    const auto session = site.write_session(1, 10);
    const auto number = site.snapshots->take("root", "")->number;
    CHECK_FALSE(site.finish({number, 77}).ok());
    CHECK_FALSE(site.finish({99, std::nullopt}).ok());
    fs::remove(site.out);
    const auto nowhere = site.finish({number, session});
    REQUIRE_FALSE(nowhere.ok());
    CHECK(nowhere.error().message.find("the folder must be there") != std::string::npos);
}

// A limit on the size of files stands for a full folder: both fail in write().
TEST_CASE("a file that does not fit is not there") {
    ExportRig site;
    const pid_t process = ::fork();
    REQUIRE(process >= 0);
    if (process == 0) {
        ::signal(SIGXFSZ, SIG_IGN);
        const ::rlimit limit{4'096, 4'096};
        ::setrlimit(RLIMIT_FSIZE, &limit);
        auto file = ExportFile::create(site.out, "too-long");
        const std::vector<std::uint8_t> bytes(10'000, 1);
        const bool refused = file.ok() && !file.value().append(bytes).ok();
        file = agent::core::Error{"gone"};
        ::_exit(refused ? 0 : 1);
    }
    int status = -1;
    REQUIRE(::waitpid(process, &status, 0) == process);
    CHECK(WEXITSTATUS(status) == 0);
    CHECK(entries(site.out) == 0);
}
