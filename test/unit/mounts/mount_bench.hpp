#pragma once

// A mount service over a virtual library of two drives: real rules on every thread, and doors that
// a test can close: a device that does not answer, a commit nobody can vouch for.

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "agent/mounts/mount_service.hpp"
#include "agent/mounts/sqlite_session.hpp"
#include "agent/mounts/worker.hpp"
#include "agent/runtime/clock.hpp"
#include "drive_iface/device/virtual_transport.hpp"
#include "drive_iface/virtual/library.hpp"
#include "drive_iface/virtual/memory_cartridge.hpp"
#include "test/support/catch.hpp"

namespace agent::mounts {

// A path whose device may be silent, and whose commands a test sees before they are sent.
class WatchedTransport : public drive_iface::Transport {
  public:
    using Command = drive_iface::ScsiCommand;
    using Answer = std::optional<core::Result<drive_iface::ScsiReply>>;

    WatchedTransport(std::mutex& library_lock, std::unique_ptr<drive_iface::Transport> device)
        : library_lock_(library_lock), device_(std::move(device)) {}

    core::Result<drive_iface::ScsiReply> execute(const Command& command,
                                                 core::Duration timeout) override {
        const auto opcode = command.cdb.front();
        if (auto answer = before ? before(opcode) : Answer()) return *answer;
        if (silent) return core::Error{"it does not answer"};
        const std::lock_guard lock(library_lock_);
        auto reply = device_->execute(command, timeout);
        if (after) after(opcode);
        return reply;
    }

    std::atomic<bool> silent = false;
    std::function<Answer(std::uint8_t opcode)> before;  // an answer of its own: nothing is sent
    std::function<void(std::uint8_t opcode)> after;

  private:
    std::mutex& library_lock_;
    std::unique_ptr<drive_iface::Transport> device_;
};

// Commits of which nobody knows whether they are there.
class DoubtfulSession : public SqlSession {
  public:
    struct Doubts {
        std::atomic<int> commits_until_doubt = -1;  // below 0: none
        // What is in doubt waits for a standby: it is not seen, and is there when the next
        // transaction has begun.
        bool comes_late = false;
        bool waits_after_doubt = false;
        std::atomic<bool> waits = false;  // for what is in doubt: no transaction begins
        std::atomic<int> begun_in_vain = 0;
        std::function<void(std::string_view sql)> before;
    };
    DoubtfulSession(std::unique_ptr<SqlSession> session, std::shared_ptr<Doubts> doubts)
        : session_(std::move(session)), doubts_(std::move(doubts)) {}

    core::Result<std::vector<SqlAnswer>> ask(const std::vector<SqlQuestion>& questions) override {
        for (const auto& question : questions) {
            if (doubts_->before) doubts_->before(question.sql);
            done_.push_back(question);
        }
        return session_->ask(questions);
    }
    core::Outcome put(std::string_view sql, std::vector<SqlValue> values) override {
        if (doubts_->before) doubts_->before(sql);
        done_.push_back({sql, values});
        return session_->put(sql, std::move(values));
    }
    core::Outcome begin() override {
        if (auto come = let_doubt_end(); !come) return come;
        return session_->begin();
    }
    core::Outcome go_on(std::uint64_t epoch) override {
        if (auto come = let_doubt_end(); !come) return come;
        return session_->go_on(epoch);
    }
    bool can_go_on() const override { return session_->can_go_on(); }
    bool was_overtaken() const override { return session_->was_overtaken(); }
    Commit commit() override {
        const bool doubted =
            doubts_->commits_until_doubt >= 0 && doubts_->commits_until_doubt-- == 0;
        const Commit in_doubt{CommitEnd::unknown, "the connection was lost"};
        if (doubted) doubts_->waits = doubts_->waits_after_doubt;
        if (doubted && doubts_->comes_late) {
            session_->rollback();
            late_ = std::exchange(done_, {});
            return in_doubt;
        }
        auto end = session_->commit();
        return doubted ? in_doubt : end;
    }
    void rollback() override { session_->rollback(); }
    core::Outcome lock_library() override { return session_->lock_library(); }
    void unlock_library() override { session_->unlock_library(); }
    bool is_shared() const override { return session_->is_shared(); }

  private:
    core::Outcome let_doubt_end() {
        done_.clear();
        if (doubts_->waits) {
            ++doubts_->begun_in_vain;
            return core::Error{"canceling statement due to lock timeout"};
        }
        if (late_.empty()) return core::Nothing{};
        if (auto begun = session_->begin(); !begun) return begun;
        if (auto done = session_->ask(std::exchange(late_, {})); !done) return done.error();
        const auto end = session_->commit();
        if (end.end != CommitEnd::done) return core::Error{end.words};
        return core::Nothing{};
    }

    std::unique_ptr<SqlSession> session_;
    std::shared_ptr<Doubts> doubts_;
    std::vector<SqlQuestion> done_;  // since the last transaction began
    std::vector<SqlQuestion> late_;  // of the one in doubt
};

struct MountBench {
    // The nearer one to the slots: chosen first.
    static constexpr const char* drive_1 = "VT00000001";
    static constexpr const char* drive_2 = "VT00000002";

    std::string folder = [] {
        std::string name = std::filesystem::temp_directory_path() / "lra-mounts-XXXXXX";
        return std::string(::mkdtemp(name.data()));
    }();
    drive_iface::virtual_library::MemoryShelf shelf = two_cartridges();
    drive_iface::virtual_library::Library library{
        {.vendor = "LRA",
         .product = "CHANGER",
         .serial = "CH00000001",
         .drives = {{.serial = drive_1, .product = "VIRTUAL-LTO8", .element_address = 257},
                    {.serial = drive_2, .product = "VIRTUAL-LTO8", .element_address = 256}},
         .slots = 4},
        shelf};
    std::mutex library_lock;
    asio::io_context loop;
    std::map<std::string, std::unique_ptr<WatchedTransport>> drives;
    std::map<std::string, std::unique_ptr<Worker>> threads;
    WatchedTransport* changer = nullptr;
    std::shared_ptr<DoubtfulSession::Doubts> doubts = std::make_shared<DoubtfulSession::Doubts>();
    std::vector<claims::KnownDrive> known{{drive_1, claims::DriveCondition::usable},
                                          {drive_2, claims::DriveCondition::usable}};
    std::vector<std::string> preferred;
    std::vector<core::Message> notes;
    std::vector<MountAnswer> answers;  // of mounts, unmounts and cancels, as they came
    std::shared_ptr<MountService> service;
    int requests = 0;
    std::atomic<int> inventories = 0;  // READ ELEMENT STATUS that were answered
    core::Duration clock_ahead;        // the wall clock was set by so much
    std::string gone;                  // a controller that this one takes over from

    // `before`: the world as the service finds it.
    explicit MountBench(const std::function<void(MountBench&)>& before = nullptr) {
        for (const char* serial : {drive_1, drive_2}) {
            drives[serial] = std::make_unique<WatchedTransport>(library_lock, path(serial, "c"));
            threads[serial] = std::make_unique<Worker>(16);
        }
        if (before) before(*this);
        begin();
    }
    void begin() {
        auto to_changer = std::make_unique<WatchedTransport>(library_lock, path("CH00000001", "c"));
        to_changer->after = [this](std::uint8_t opcode) {
            if (opcode == 0xb8) ++inventories;
        };
        changer = to_changer.get();
        auto session = open_sqlite_session(folder + "/mounts.db");
        REQUIRE(session);
        MountServiceOptions options;
        options.table.library = "lib";
        options.table.node = "a";
        options.table.media = claims::lto_media();
        options.reserve_timeout = {1'000};
        options.asked_again = {20};
        options.line_served_again = {5};
        auto opened = MountService::open(
            loop, options, std::make_unique<DoubtfulSession>(std::move(session).value(), doubts),
            std::move(to_changer), doors());
        REQUIRE(opened);
        service = std::move(opened).value();
        if (gone.empty()) {
            service->start();
        } else {
            service->start_under(2, gone);
        }
        run_until([&] { return service->serving(); });
    }
    // The controller ends and starts again.
    void restart() {
        service->stop();
        service.reset();
        begin();
    }
    ~MountBench() {
        service->stop();
        for (auto& [serial, thread] : threads)
            thread.reset();
        service.reset();
        std::filesystem::remove_all(folder);
    }
    MountBench(const MountBench&) = delete;
    MountBench& operator=(const MountBench&) = delete;

    static drive_iface::virtual_library::MemoryShelf two_cartridges() {
        drive_iface::virtual_library::MemoryShelf shelf;
        for (const char* barcode : {"VT0001L8", "VT0002L8"})
            shelf.add({.barcode = barcode, .capacity = 1'000'000});
        return shelf;
    }
    std::unique_ptr<drive_iface::Transport> path(const std::string& serial,
                                                 const std::string& host) {
        return drive_iface::make_virtual_transport(
            library, serial,
            {core::Transport::iscsi, "iqn.2026-01.org.example:" + host, "00023d000001", ""});
    }
    MountDoors doors() {
        MountDoors doors;
        doors.on_drive = [this](const std::string& serial, drive_iface::DriveJob job) {
            const bool begun = threads.at(serial)->post([this, serial, job] {
                const auto outcome = job.work(*drives.at(serial), core::Duration{1'000});
                asio::post(loop, [job, outcome] { job.done(outcome); });
            });
            REQUIRE(begun);
        };
        doors.preferred_drives = [this](const std::string&) { return preferred; };
        doors.known_drives = [this](const std::string&) { return known; };
        doors.now = [this] {
            auto now = runtime::clock_now();
            now.wall.ms += clock_ahead.ms;
            return now;
        };
        doors.reachable_drives = [] {
            return std::vector<ReachableDrive>{{drive_1, std::nullopt, "VIRTUAL-LTO8", "LTO-8"},
                                               {drive_2, std::nullopt, "VIRTUAL-LTO8", "LTO-8"}};
        };
        doors.note = [this](core::Message message, const std::string&,
                            const std::vector<std::string>&) { notes.push_back(message); };
        return doors;
    }

    void run_until(const std::function<bool()>& condition) {
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!condition()) {
            REQUIRE(std::chrono::steady_clock::now() < until);
            loop.restart();
            loop.run_one_for(std::chrono::milliseconds(20));
        }
    }
    MountCallback told() {
        return [this](const MountAnswer& answer) { answers.push_back(answer); };
    }
    void mount(const std::string& volume, bool wait = false) {
        MountRequest request;
        request.request = "r" + std::to_string(++requests);
        request.volume = volume;
        request.wait = wait;
        request.deadline = {runtime::clock_now().wall.ms + 60'000};
        service->mount(request, told());
    }
    // The answer number `index`, when it has come.
    const MountAnswer& answer(std::size_t index = 0) {
        run_until([&] { return answers.size() > index; });
        return answers[index];
    }
    const MountFault& fault(std::size_t index = 0) {
        const auto& given = answer(index);
        if (const auto* claim = std::get_if<claims::Claim>(&given))
            FAIL("claim " << claim->id << " is " << to_text(claim->state));
        return std::get<MountFault>(given);
    }
    const claims::Claim& claim(std::size_t index = 0) {
        const auto& given = answer(index);
        if (const auto* fault = std::get_if<MountFault>(&given)) FAIL(fault->words);
        return std::get<claims::Claim>(given);
    }
    std::vector<ClaimView> open_claims() {
        std::optional<std::vector<ClaimView>> found;
        service->list_claims(false, [&](const auto& claims) {
            REQUIRE(claims);
            found = *claims;
        });
        run_until([&] { return found.has_value(); });
        return *found;
    }
    void run_until_claim(claims::ClaimState state) {
        run_until([&] {
            const auto open = open_claims();
            return !open.empty() && open.front().claim.state == state;
        });
    }
    claims::DriveRow row(const std::string& serial) {
        std::optional<claims::DriveRow> found;
        service->list_drives([&](const auto& rows) {
            REQUIRE(rows);
            for (const auto& one : *rows) {
                if (one.serial == serial) found = one;
            }
        });
        run_until([&] { return found.has_value(); });
        return *found;
    }
    bool noted(core::Message message) const {
        return std::find(notes.begin(), notes.end(), message) != notes.end();
    }
};

}  // namespace agent::mounts
