#pragma once

// A library with a parallel and an ordinary drive over real files, rmt on a Unix socket, and hosts
// that send commands as the iSCSI front end does.

#include <array>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include "drive_iface/cartridge/file_shelf.hpp"
#include "drive_iface/rmt/rmt_server.hpp"
#include "drive_iface/sessions/file_segments.hpp"
#include "drive_iface/sessions/session_store.hpp"
#include "drive_iface/vtld/rmt_drives.hpp"
#include "test/support/catch.hpp"

namespace parallel_test {

using namespace drive_iface;
namespace fs = std::filesystem;
using agent::core::InitiatorPort;
using sessions::Session;
using sessions::SessionState;
using virtual_library::CommandReply;

inline constexpr const char* parallel_drive = "VT00000001";
inline constexpr const char* other_parallel_drive = "VT00000002";
inline constexpr const char* ordinary_drive = "VT00000003";

struct ProgramRun {
    int status = -1;
    std::string output;
};

class Site {
  public:
    explicit Site(cartridge::Placement placement_of_sessions = cartridge::Placement::mirror,
                  std::uint64_t capacity_of_volumes = 256 << 20)
        : placement_(placement_of_sessions), capacity_(capacity_of_volumes) {
        std::string pattern = (fs::temp_directory_path() / "lra-parallel-XXXXXX").string();
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        folder = pattern;
        start();
    }
    ~Site() {
        stop();
        fs::remove_all(folder);
    }
    Site(const Site&) = delete;
    Site& operator=(const Site&) = delete;

    void start();
    void stop();

    // On the loop's thread.
    template <typename F>
    auto call(F f) -> decltype(f()) {
        std::promise<decltype(f())> result;
        asio::post(*loop, [&] { result.set_value(f()); });
        return result.get_future().get();
    }
    std::vector<Session> list() {
        return call([this] { return store->list(); });
    }
    Session show(std::uint32_t identifier) {
        return call([this, identifier] { return store->show(identifier).value_or(Session{}); });
    }
    bool becomes(const std::function<bool()>& condition) const;
    bool has_state(std::uint32_t identifier, SessionState state) {
        return becomes([&] { return show(identifier).state == state; });
    }

    // A shell command in the folder; `$RSH` is vtl-rsh.
    ProgramRun run(const std::string& command) const;
    std::string good(const std::string& command) const {
        const auto result = run(command);
        INFO(command << "\n" << result.output);
        CHECK(result.status == 0);
        return result.output;
    }

    std::string folder;
    std::string log;  // on the loop's thread
    std::unique_ptr<asio::io_context> loop;
    std::unique_ptr<cartridge::FileShelf> shelf;
    std::unique_ptr<sessions::SegmentShelf> segments;
    std::unique_ptr<sessions::SessionStore> store;
    std::unique_ptr<vtld::DriveBay> bay;
    std::unique_ptr<vtld::RmtDrives> rmt_drives;
    std::unique_ptr<rmt::RmtServer> server;

  private:
    cartridge::Placement placement_;
    std::uint64_t capacity_;
    std::unique_ptr<asio::executor_work_guard<asio::io_context::executor_type>> work_;
    std::thread thread_;
};

// An initiator on a drive.
class Host {
  public:
    Host(Site& site, int number, const std::string& drive = parallel_drive);
    ~Host() { leave(); }
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;

    CommandReply command(std::vector<std::uint8_t> cdb, virtual_library::Bytes data_out = {});
    // Past unit attentions, and it has to be good.
    virtual_library::Bytes insist(const std::vector<std::uint8_t>& cdb,
                                  const virtual_library::Bytes& data_out = {});
    void write(char letter, std::uint32_t size = 1000);
    void filemark() { insist({0x10, 0, 0, 0, 1, 0}); }
    void rewind() { insist({0x01, 0, 0, 0, 0, 0}); }
    // Everything from the beginning: "a" a block that begins with a, "|" a filemark.
    std::string read_all();
    // LOG SENSE, page 3Ah: what the drive tells this nexus of its session; 0: nothing.
    std::uint32_t session();
    void leave();  // without a word: nexus loss
    void log_out();
    void forget() { logged_in_ = false; }

  private:
    Site* site_;
    virtual_library::NexusId nexus_;
    bool logged_in_ = true;
};

inline const std::string tar = "tar --rsh-command=\"$RSH\" --rmt-command=rmt ";

}  // namespace parallel_test
