#pragma once

// Write sessions over real files, and hosts that use them as a parallel drive would.

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "drive_iface/cartridge/file_shelf.hpp"
#include "drive_iface/sessions/file_segments.hpp"
#include "drive_iface/sessions/session_store.hpp"
#include "test/support/catch.hpp"

namespace sessions_test {

using namespace drive_iface;
using namespace drive_iface::sessions;
using agent::core::InitiatorPort;
using virtual_library::Bytes;
using virtual_library::ParallelCartridge;

inline InitiatorPort host(int number) {
    return {.transport = agent::core::Transport::iscsi,
            .name = "iqn.2026-01.example:host" + std::to_string(number),
            .isid = "00023d00000" + std::to_string(number),
            .address = "192.0.2." + std::to_string(number)};
}

class Rig {
  public:
    Rig() {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "lra-sessions-XXXXXX").string();
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        folder = pattern;
        start();
        for (const auto* barcode : {"VOL001L8", "VOL002L8"}) {
            REQUIRE(shelf
                        ->create({.barcode = barcode,
                                  .capacity = 64 << 20,
                                  .placement = cartridge::Placement::single})
                        .ok());
        }
    }
    ~Rig() {
        stop();
        std::filesystem::remove_all(folder);
    }
    Rig(const Rig&) = delete;
    Rig& operator=(const Rig&) = delete;

    void start() {
        const auto run_on_loop = [this](std::function<void()> f) {
            asio::post(loop, std::move(f));
        };
        auto made =
            cartridge::FileShelf::start({.folders = {folder + "/a", folder + "/b"}}, run_on_loop);
        REQUIRE(made.ok());
        shelf = std::move(made).value();
        auto kept = file_segments({.folders = {folder + "/a/sessions", folder + "/b/sessions"},
                                   .run_on_loop = run_on_loop,
                                   .log = [this](const std::string& line) { log += line + "\n"; }});
        REQUIRE(kept.ok());
        segments = std::move(kept).value();
        options.ledger_file = folder + "/sessions.db";
        options.run_on_loop = run_on_loop;
        options.now_ms = [this] { return ++clock; };
        options.log = [this](const std::string& line) { log += line + "\n"; };
        auto started = SessionStore::start(options, *shelf, *segments);
        REQUIRE(started.ok());
        store = std::move(started).value();
    }
    // As a killed process would leave it, as far as a process can: nothing is completed.
    void stop() {
        store.reset();
        segments.reset();
        shelf.reset();
        loop.restart();
        loop.poll();
    }
    void restart() {
        stop();
        start();
    }

    // Runs the loop until it is so, at most 10 s.
    bool becomes(const std::function<bool()>& condition) {
        const auto latest = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (!condition()) {
            if (std::chrono::steady_clock::now() > latest) return false;
            loop.restart();
            loop.run_for(std::chrono::milliseconds(1));
        }
        return true;
    }
    bool has_state(std::uint32_t identifier, SessionState state) {
        return becomes([&] {
            const auto session = store->show(identifier);
            return session && session->state == state;
        });
    }

    // All of a cartridge: "a" a block that begins with a, "|" a filemark.
    std::string content(virtual_library::Cartridge& cartridge) {
        std::string text;
        for (std::uint64_t number = 0; number < cartridge.end_of_data(); ++number) {
            REQUIRE(becomes([&] { return cartridge.at_hand(number, 1); }));
            if (cartridge.object(number).kind == virtual_library::LogicalObject::Kind::filemark) {
                text += "|";
                continue;
            }
            Bytes data;
            REQUIRE(cartridge.read(number, data).ok());
            text += static_cast<char>(data.at(0));
        }
        return text;
    }
    // As a drive that is not parallel sees it.
    std::string volume_content(const std::string& barcode) {
        std::optional<agent::core::Result<std::unique_ptr<virtual_library::Cartridge>>> opened;
        REQUIRE(becomes([&] {
            opened = store->shelf_for_drives().open(barcode);
            return opened.has_value();
        }));
        REQUIRE(opened->ok());
        return content(*opened->value());
    }

    std::string folder;
    asio::io_context loop;
    std::string log;
    std::int64_t clock = 1'700'000'000'000;
    SessionStoreOptions options;
    std::unique_ptr<cartridge::FileShelf> shelf;
    std::unique_ptr<SegmentShelf> segments;
    std::unique_ptr<SessionStore> store;
};

// A host on a parallel drive.
class Host {
  public:
    Host(Rig& rig, int number, const std::string& barcode, std::string drive = "VT00000001")
        : rig_(&rig), port_(host(number)), drive_(std::move(drive)), barcode_(barcode) {
        open();
    }

    void open() {
        REQUIRE(rig_->becomes([&] {
            auto opened = rig_->store->open(drive_, barcode_, port_);
            if (!opened) return false;
            INFO((opened->ok() ? "" : opened->error().message));
            REQUIRE(opened->ok());
            view = std::move(*opened).value();
            return true;
        }));
    }
    // At the end of what it sees, or at `at`.
    void write(char letter, std::size_t size = 1000, std::optional<std::uint64_t> at = {}) {
        REQUIRE(rig_->becomes(
            [&] { return view->room_for(size) == virtual_library::Cartridge::Room::now; }));
        view->append_blocks(at.value_or(view->end_of_data()),
                            Bytes(size, static_cast<std::uint8_t>(letter)),
                            static_cast<std::uint32_t>(size));
    }
    void filemark() {
        REQUIRE(rig_->becomes(
            [&] { return view->room_for(64) == virtual_library::Cartridge::Room::now; }));
        view->append_filemarks(view->end_of_data(), 1);
    }
    void synchronise() {
        view->synchronise();
        REQUIRE(rig_->becomes([&] { return view->synchronised(); }));
    }
    std::uint32_t complete() {
        view->complete();
        REQUIRE(rig_->becomes([&] { return view->synchronised(); }));
        const auto fault = view->take_fault();
        INFO((fault ? fault->message : ""));
        REQUIRE_FALSE(fault);
        return view->session()->identifier;
    }
    std::uint32_t identifier() const { return view->session()->identifier; }
    std::string content() { return rig_->content(*view); }
    void leave() { view.reset(); }

    std::unique_ptr<ParallelCartridge> view;

  private:
    Rig* rig_;
    InitiatorPort port_;
    std::string drive_;
    std::string barcode_;
};

}  // namespace sessions_test
