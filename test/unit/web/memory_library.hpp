#pragma once

// A library, write sessions and snapshots in memory, and an event loop on a thread of its own.

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <future>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "drive_iface/virtual/memory_cartridge.hpp"
#include "drive_iface/web/shown.hpp"

namespace web_test {

using namespace drive_iface;
using agent::core::Error;
using agent::core::Outcome;
using agent::core::Result;
using sessions::Session;
using sessions::SessionRecord;
using sessions::SessionState;
using virtual_library::Bytes;
using virtual_library::Cartridge;
using virtual_library::MemoryMedium;

inline Bytes bytes_of(const std::string& text) {
    return {text.begin(), text.end()};
}

struct MemorySession {
    Session session;
    std::shared_ptr<MemoryMedium> medium;
};

class MemoryTracking final : public sessions::Tracking {
  public:
    // With its blocks; "" is a filemark.
    Session& add(std::uint32_t identifier, SessionState state,
                 const std::vector<std::string>& objects);

    std::vector<Session> list() const override;
    std::optional<Session> show(std::uint32_t identifier) const override;
    Result<std::vector<SessionRecord>> records(std::uint32_t identifier, std::uint64_t first,
                                               std::uint64_t count) const override;
    std::optional<Result<std::unique_ptr<Cartridge>>> open(std::uint32_t identifier) override;
    bool hold(std::uint32_t) override { return true; }
    void release(std::uint32_t) override {}
    void allow_deletion() override {}
    std::uint64_t revision() const override { return 1; }
    std::shared_ptr<void> listen(Listener) override { return nullptr; }

    std::map<std::uint32_t, MemorySession> all;
    std::size_t open_late = 0;  // how often open() says "ask again"
};

class MemorySnapshots final : public snapshots::Snapshots {
  public:
    explicit MemorySnapshots(MemoryTracking& tracking) : tracking_(&tracking) {}
    // Of the sessions as they are.
    snapshots::Snapshot& add(snapshots::Cause cause);

    std::vector<snapshots::Snapshot> list() const override;
    std::optional<snapshots::Snapshot> show(std::uint32_t number) const override;
    Result<std::vector<Session>> sessions(std::uint32_t number) const override;
    Result<std::vector<SessionRecord>> records(std::uint32_t number, std::uint32_t session,
                                               std::uint64_t first,
                                               std::uint64_t count) const override;
    Result<snapshots::SnapshotDifference> diff(std::uint32_t a, std::uint32_t b) const override;
    Result<snapshots::Snapshot> take(const std::string&, const std::string&) override {
        return Error{"not here"};
    }
    Result<snapshots::Snapshot> keep(std::uint32_t, const std::string&,
                                     const std::string&) override {
        return Error{"not here"};
    }
    Result<snapshots::Snapshot> unkeep(std::uint32_t, const std::string&) override {
        return Error{"not here"};
    }
    Outcome remove(std::uint32_t, const std::string&, const std::string&) override {
        return Error{"not here"};
    }
    std::optional<Result<std::unique_ptr<Cartridge>>> open(
        std::uint32_t number, std::optional<std::uint32_t> session) override;
    std::shared_ptr<void> listen(Listener) override { return nullptr; }

  private:
    struct Kept {
        snapshots::Snapshot snapshot;
        std::vector<Session> sessions;
    };
    MemoryTracking* tracking_;
    std::map<std::uint32_t, Kept> all_;
};

class MemoryLibrary {
  public:
    MemoryLibrary();
    ~MemoryLibrary();  // what was given it to be called on the loop has ended

    // On the loop's thread.
    template <typename F>
    auto call(F f) -> decltype(f()) {
        std::promise<decltype(f())> result;
        asio::post(loop, [&] { result.set_value(f()); });
        return result.get_future().get();
    }
    [[nodiscard]] web::Shown shown();

    asio::io_context loop;
    virtual_library::MemoryShelf shelf;
    MemoryTracking tracking;
    MemorySnapshots snapshots{tracking};
    std::unique_ptr<virtual_library::Library> library;

  private:
    asio::executor_work_guard<asio::io_context::executor_type> work_;
    std::thread thread_;
};

}  // namespace web_test
