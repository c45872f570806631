#pragma once

// What can be done with the server of this node, each as one call that ends. Belongs to one thread;
// the others only learn that the server is up (ServerEars).

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/message_catalogue.hpp"
#include "agent/pair/controller_node_io.hpp"
#include "agent/postgres/epoch_record.hpp"
#include "agent/postgres/follow_plan.hpp"
#include "agent/postgres/server_folder.hpp"
#include "agent/postgres/server_process.hpp"
#include "agent/postgres/server_programs.hpp"
#include "agent/runtime/pair_database_configuration.hpp"

namespace agent::postgres {

// Called from the thread of the server; set before anything is done.
struct ServerEars {
    std::function<void(core::Message, std::vector<std::string>)> tell;
    std::function<void(const pair::DataSeen&)> seen;  // of a copy whose server is stopped
    // From now on it is to be watched; from down() on it is no surprise that it ends.
    std::function<void(ServerRole, std::shared_ptr<ProcessEnd>)> up;
    std::function<void()> down;
    // Asked while a server stops in order: it is to stop at once after all. May be empty.
    std::function<bool()> hurried{};
};

struct ServerStopped {
    bool down = false;
    bool clean = false;  // the last record is that of an orderly stop
    bool told = false;   // what the copy holds
    pair::LogPosition position{};
};

class NodeServer {
  public:
    NodeServer(runtime::PairDatabaseConfiguration configuration, pair::Node node, ServerOwner owner,
               ServerEars ears);

    // Folders, the lock on them, the files that never change. Nothing else may be called before it
    // went well.
    [[nodiscard]] core::Outcome prepare();

    // Verified: nothing runs in the data any more. In order: the copy is read besides, unless
    // somebody interrupts that.
    [[nodiscard]] ServerStopped stop(StopHow how, const Interrupted& interrupted);
    // What the copy here holds, its server stopped; epoch 0 when nobody can say.
    [[nodiscard]] pair::DataSeen inspect(const Interrupted& interrupted);

    // The end of each is a server that plays the part, or an error; a server that runs already
    // changes its part.
    [[nodiscard]] core::Outcome serve(bool synchronous, const Interrupted& interrupted);
    [[nodiscard]] core::Outcome follow(const Interrupted& interrupted);
    // In a server that is a primary. On: from the answer on no commit is acknowledged without the
    // other node. Off: those that wait are let go.
    [[nodiscard]] core::Outcome set_synchronous(bool on, const Interrupted& interrupted);
    [[nodiscard]] core::Outcome checkpoint(const Interrupted& interrupted);

    // ---- for making a pair (lrad --init-pair)
    // The data here were made by one of the next two, to the end.
    [[nodiscard]] bool is_made() const;
    [[nodiscard]] core::Outcome make_cluster(const std::string& cluster);
    // `anew`: whatever pair the data here were of.
    [[nodiscard]] core::Outcome copy_from_peer(bool anew, const Interrupted& interrupted);
    [[nodiscard]] core::Outcome leave();  // stopped in order, for whoever starts it next
    [[nodiscard]] bool stop_for_good();   // at once; true: nothing runs in the data any more

    void trim_log() const { process_.trim_log(); }
    [[nodiscard]] std::optional<ServerRole> role() const { return role_; }
    [[nodiscard]] const ServerFolder& folder() const { return folder_; }
    [[nodiscard]] std::string peer_name() const;

  private:
    // The other node's server, as seen by who wants to follow it.
    struct Source {
        std::unique_ptr<ServerSession> session;
        SourceLog log;
        bool slot_lost = false;  // what this copy lacks is not kept there any more
    };

    [[nodiscard]] core::Result<std::unique_ptr<ServerSession>> own_session(
        const Interrupted& interrupted, core::Duration within,
        std::string_view database = database_name) const;
    [[nodiscard]] core::Outcome write_settings(ServerRole role, bool synchronous) const;
    [[nodiscard]] core::Result<std::unique_ptr<ServerSession>> start_as(
        ServerRole role, bool standby_signal, bool synchronous, const Interrupted& interrupted);
    [[nodiscard]] core::Result<std::unique_ptr<ServerSession>> until_ready(
        const Interrupted& interrupted, std::string_view database = database_name);
    [[nodiscard]] core::Outcome promote(ServerSession& session, bool synchronous,
                                        const Interrupted& interrupted);
    [[nodiscard]] core::Outcome keep_log_for_peer(ServerSession& session) const;
    [[nodiscard]] core::Outcome usable() const;
    [[nodiscard]] core::Error not_whole() const;
    [[nodiscard]] core::Outcome belongs_here(std::uint64_t system_identifier) const;
    [[nodiscard]] core::Outcome making_ends(std::uint64_t system_identifier) const;
    [[nodiscard]] core::Result<pair::DataSeen> read_copy(const Interrupted& interrupted);
    // What its server shows once it has replayed all the log that is here.
    [[nodiscard]] core::Result<ServerSeen> look_when_replayed(ServerSession& session,
                                                              const Interrupted& interrupted) const;
    void up(ServerRole role);
    [[nodiscard]] bool bring_down(StopHow how, bool* killed);
    // A server that has ended, or answers nothing, plays no part: it is brought down.
    [[nodiscard]] core::Outcome settle(const Interrupted& interrupted);

    [[nodiscard]] core::Result<Source> ask_source(const Interrupted& interrupted) const;
    [[nodiscard]] core::Outcome ask_log(SourceLog& log, const Interrupted& interrupted) const;
    [[nodiscard]] core::Outcome keep_slot(Source& source) const;
    [[nodiscard]] core::Result<CopySeen> copy_seen() const;
    [[nodiscard]] core::Outcome follow_source(Source& source, const Interrupted& interrupted);
    [[nodiscard]] core::Outcome go_way(FollowWay way, const Source& source,
                                       const Interrupted& interrupted);
    [[nodiscard]] core::Outcome rewind(const Interrupted& interrupted);
    [[nodiscard]] core::Outcome copy(std::uint64_t system_identifier,
                                     const Interrupted& interrupted);
    [[nodiscard]] core::Outcome start_standby(const Interrupted& interrupted);
    [[nodiscard]] core::Outcome until_it_streams(Source& source,
                                                 const Interrupted& interrupted) const;
    [[nodiscard]] bool goes_on(Source& source, const Interrupted& interrupted) const;
    [[nodiscard]] core::Outcome make_roles(ServerSession& session, const std::string& secret) const;
    [[nodiscard]] core::Outcome make_tables(const std::string& cluster,
                                            const Interrupted& interrupted) const;

    runtime::PairDatabaseConfiguration configuration_;
    pair::Node node_;
    ServerEars ears_;
    ServerFolder folder_;
    ServerPrograms programs_;
    ServerProcess process_;
    std::optional<ServerRole> role_;  // of the server that runs
    pair::DataSeen data_;             // of the copy when its server was stopped last
    bool inspected_ = false;          // data_ is about the copy as it is now
};

}  // namespace agent::postgres
