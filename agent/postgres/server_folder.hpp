#pragma once

// The files of a node's server: made, marked, swapped and removed so that an end at any moment
// leaves something that can be told. Belongs to one thread at a time.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "agent/core/result.hpp"
#include "agent/pair/controller_node_io.hpp"
#include "agent/postgres/server_files.hpp"

namespace agent::postgres {

// Whom the server runs as.
struct ServerOwner {
    uid_t uid = 0;
    gid_t gid = 0;
    LocalUsers users;
    bool another = false;  // not who this process is
};
[[nodiscard]] core::Result<ServerOwner> server_owner(const std::string& configured_user);

// What a copy was found to hold when its server was stopped last, and how it was left: good as long
// as pg_controldata still says the same.
struct RememberedCopy {
    std::string control;  // its report
    pair::DataSeen data;
    bool operator==(const RememberedCopy&) const = default;
};
[[nodiscard]] std::string to_text(const RememberedCopy& copy);
[[nodiscard]] std::optional<RememberedCopy> remembered_from_text(std::string_view text);

class ServerFolder {
  public:
    ServerFolder(const std::string& folder, ServerOwner owner)
        : paths_(folder), owner_(std::move(owner)) {}

    [[nodiscard]] const ServerPaths& paths() const { return paths_; }
    [[nodiscard]] const ServerOwner& owner() const { return owner_; }

    // The folders around the data, with the rights they need. Safe to repeat. When the server runs
    // as another user it owns its data and its socket's folder, and passes through the others: what
    // this process does in those it can not lead elsewhere by a link.
    [[nodiscard]] core::Outcome make();
    // Nobody else works here as long as this lives, or until the process ends.
    [[nodiscard]] core::Outcome lock();
    ~ServerFolder();
    ServerFolder(const ServerFolder&) = delete;
    ServerFolder& operator=(const ServerFolder&) = delete;

    // Durable, readable by the server's user and nobody else; a file that says the same is left.
    [[nodiscard]] core::Outcome write(const std::string& path, std::string_view text) const;
    [[nodiscard]] static std::optional<std::string> read(const std::string& path);
    static void remove(const std::string& path);

    // Major version of the data; nothing: there are none. An error: there is something, and nobody
    // can tell what, so that nobody may remove it unasked.
    [[nodiscard]] core::Result<std::optional<std::string>> look_at_data() const;
    // The same; nothing also when nobody can tell.
    [[nodiscard]] std::optional<std::string> data_version() const;
    // Which cluster they were made as, which outlasts them; 0: the note can not be read.
    [[nodiscard]] std::optional<std::uint64_t> identity() const;
    [[nodiscard]] core::Outcome note_identity(std::uint64_t system_identifier) const;
    // A making that was interrupted leaves a mark of its own; these have none.
    [[nodiscard]] bool was_made_by_others() const;
    [[nodiscard]] core::Outcome note_making(bool under_way) const;

    // Before the server is started: the part that it is to play, and no setting of another place.
    [[nodiscard]] core::Outcome set_standby(bool standby) const;

    // "primary" once the copy here has a log of its own; its absence makes no harm but a promotion.
    [[nodiscard]] bool was_primary() const;
    [[nodiscard]] core::Outcome note_primary(bool primary) const;
    // A rewind has begun: until it is proven good nobody knows what is here.
    [[nodiscard]] bool is_scrap() const;
    [[nodiscard]] core::Outcome note_scrap(bool scrap) const;
    [[nodiscard]] std::optional<RememberedCopy> remembered() const;
    [[nodiscard]] core::Outcome remember(const RememberedCopy& copy) const;

    // An empty folder for a new copy, after what is left of an earlier one is finished or removed.
    // put_new_in_place: it is complete, and takes the place of the data that were there, which are
    // removed then.
    [[nodiscard]] core::Outcome begin_new() const;
    [[nodiscard]] core::Outcome put_new_in_place() const;
    // After an end in the middle of that.
    [[nodiscard]] core::Outcome tidy() const;

  private:
    enum class Use : std::uint8_t { of_server, passed_by_server, of_this_process };
    [[nodiscard]] core::Outcome make_one(const std::string& path, Use use) const;
    [[nodiscard]] core::Outcome remove_mark(const std::string& name) const;
    ServerPaths paths_;
    ServerOwner owner_;
    int lock_ = -1;
};

}  // namespace agent::postgres
