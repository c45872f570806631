#pragma once

// The inside of SessionStore.

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "drive_iface/sessions/session_book.hpp"
#include "drive_iface/sessions/session_cartridge.hpp"
#include "drive_iface/sessions/session_store.hpp"
#include "drive_iface/sessions/volume.hpp"
#include "drive_iface/sessions/write_stream.hpp"

namespace drive_iface::sessions {

class SessionStore::State : public std::enable_shared_from_this<SessionStore::State>,
                            public virtual_library::CartridgeShelf {
  public:
    // Whose writes: a host on a drive.
    struct User {
        std::string drive;
        std::string host;  // with its ISID
        auto operator<=>(const User&) const = default;
    };
    struct Choice {
        std::string barcode;
        std::shared_ptr<WriteStream> prepared;
    };

    State(SessionStoreOptions options, virtual_library::CartridgeShelf& shelf,
          SegmentShelf& segment_shelf, std::unique_ptr<SessionBook> all)
        : options_(std::move(options)),
          shelf_(&shelf),
          segments_(&segment_shelf),
          book(std::move(all)) {}

    void begin();
    void end();

    // virtual_library::CartridgeShelf, for drives that are not parallel
    std::vector<Entry> list() const override { return shelf_->list(); }
    std::optional<agent::core::Result<std::unique_ptr<Cartridge>>> open(
        const std::string& barcode) override;
    void on_progress(std::function<void()> progress) override {
        drives_progress = std::move(progress);
    }

    [[nodiscard]] static User user_of(const std::string& drive,
                                      const agent::core::InitiatorPort& host);
    [[nodiscard]] bool knows(const std::string& barcode) const;
    [[nodiscard]] agent::core::Result<std::shared_ptr<WriteStream>> begin_session(
        const std::string& drive, const agent::core::InitiatorPort& host,
        const std::string& barcode);
    void give_up_choice(const User& user);
    [[nodiscard]] bool is_being_completed(const std::string& barcode) const;
    std::optional<agent::core::Result<std::unique_ptr<virtual_library::ParallelCartridge>>>
    open_view(const std::string& drive, const std::string& barcode,
              const agent::core::InitiatorPort& host);
    std::optional<agent::core::Result<std::unique_ptr<Cartridge>>> open_session(
        std::uint32_t identifier);
    [[nodiscard]] Session live(const Session& session) const;
    [[nodiscard]] std::vector<Session> live_sessions() const;
    [[nodiscard]] agent::core::Result<std::vector<SessionRecord>> records(
        std::uint32_t identifier, std::uint64_t first, std::uint64_t count) const;
    void tidy();
    void retry();

    bool deletion_allowed = false;
    std::function<void()> drives_progress, parallel_progress;
    std::map<User, Choice> choices;

  private:
    std::shared_ptr<Volume> volume_of(const std::string& barcode);
    [[nodiscard]] Volume::Doors doors_of(const std::string& barcode);
    [[nodiscard]] SessionCartridge::Doors view_doors(const std::string& drive,
                                                     const agent::core::InitiatorPort& host,
                                                     const std::shared_ptr<Volume>& volume);
    [[nodiscard]] SessionCartridge::Doors::Space space_on(const Volume& volume) const;
    std::optional<agent::core::Result<std::shared_ptr<SharedCartridge>>> shared_segment(
        std::uint32_t identifier);
    [[nodiscard]] agent::core::Outcome remove(const LedgerRow& row);
    [[nodiscard]] agent::core::Outcome made(std::uint32_t identifier);
    void delete_old();
    [[nodiscard]] agent::core::Outcome ended(WriteStream& stream, WriteStream::Ending ending,
                                             const std::string& reason);
    void drop_empty();
    [[nodiscard]] bool hosts_write() const;
    void go_on_copying();
    void progress();
    void tell_progress();
    void later(std::function<void(State&)> what);

    SessionStoreOptions options_;
    virtual_library::CartridgeShelf* shelf_;
    SegmentShelf* segments_;
    std::map<std::uint32_t, std::shared_ptr<WriteStream>> streams_;
    std::map<std::string, std::shared_ptr<Volume>> volumes_;
    std::map<std::uint32_t, std::weak_ptr<SharedCartridge>> open_segments_;
    std::set<std::uint32_t> empty_;  // begun and never written to: to be forgotten
    bool tidying_ = false;

  public:
    std::unique_ptr<SessionBook> book;
};

}  // namespace drive_iface::sessions
