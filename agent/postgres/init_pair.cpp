#include "agent/postgres/init_pair.hpp"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/postgres/node_server.hpp"

namespace agent::postgres {

using core::Error;
using core::Nothing;
using core::Outcome;

namespace {

using Say = std::function<void(const std::string&)>;

std::string words_of_copy(const pair::DataSeen& data) {
    if (data.epoch == 0) return "what it holds can not be read";
    return "it holds epoch " + std::to_string(data.epoch) + ", up to " +
           lsn_text(data.position.lsn) + " of timeline " + std::to_string(data.position.timeline);
}

Outcome tell_what_is_there(NodeServer& server, const Say& say) {
    say("this node's copy is there already: " + server.folder().paths().data);
    const auto stopped = server.stop(StopHow::in_order, {});
    if (!stopped.down) return Error{"its server does not end"};
    const auto data = server.inspect({});
    say(words_of_copy(data));
    if (data.epoch == 0)
        return Error{"the copy can not be used; lrad --init-pair-anew makes another one"};
    say("nothing to do");
    return Nothing{};
}

Outcome make_first(NodeServer& server, const InitPair& asked, const Say& say) {
    say("making a cluster in " + server.folder().paths().data +
        " (initdb, checksums on; roles, tables)");
    if (auto made = server.make_cluster(asked.cluster); !made) return made;
    say("done. Start lrad here; then run lrad --init-pair on the second node");
    return Nothing{};
}

Outcome make_second(NodeServer& server, const InitPair& asked, const Say& say) {
    say("copying the server of the first node, " + asked.database.peer_address + " port " +
        std::to_string(asked.database.peer_port) + " (pg_basebackup)");
    auto copied = server.copy_from_peer(asked.anew, {});
    if (!copied) {
        return Error{copied.error().message +
                     ". lrad has to run on the first node, after lrad --init-pair there"};
    }
    say("done: " + words_of_copy(server.inspect({})) + ". Start lrad here");
    return Nothing{};
}

// lrad's service runs as a user of its own, and could not use what root has made.
Outcome right_user(const InitPair& asked, const ServerOwner& owner) {
    const auto above = asked.database.folder.substr(0, asked.database.folder.rfind('/'));
    struct stat status {};
    if (::geteuid() != 0 || ::stat(above.c_str(), &status) != 0) return Nothing{};
    if (status.st_uid == 0 || status.st_uid == owner.uid) return Nothing{};
    // NOLINTNEXTLINE(concurrency-mt-unsafe): only lrad --init-pair asks, once
    const passwd* user = ::getpwuid(status.st_uid);
    const std::string name = user == nullptr ? std::to_string(status.st_uid) : user->pw_name;
    return Error{above + " belongs to " + name +
                 ", whom lrad runs as; run this as that user: "
                 "runuser -u " +
                 name + " -- lrad --init-pair"};
}

}  // namespace

Outcome init_pair(const InitPair& asked, const Say& say) {
    using Mode = runtime::PairDatabaseConfiguration::Mode;
    if (asked.database.mode == Mode::external) {
        return Error{
            "pair.database.mode is external: the site's own server is used, and lrad makes "
            "none"};
    }
    const auto owner = server_owner(asked.database.user);
    if (!owner) return owner.error();
    if (auto right = right_user(asked, *owner); !right) return right;
    ServerEars ears;
    ears.tell = [&say](core::Message message, const std::vector<std::string>& arguments) {
        std::string text = core::identifier_of(message) + ":";
        for (const auto& argument : arguments)
            text += " " + argument;
        say(text);
    };
    ears.seen = [](const pair::DataSeen&) {};
    ears.up = [](ServerRole, const std::shared_ptr<ProcessEnd>&) {};
    ears.down = [] {};
    NodeServer server(asked.database, asked.node, *owner, std::move(ears));
    say("folders and settings below " + asked.database.folder + ", for the user " +
        owner->users.server);
    if (auto prepared = server.prepare(); !prepared) return prepared;
    if (server.is_made() && !asked.anew) return tell_what_is_there(server, say);
    const auto there = server.folder().look_at_data();
    const bool something = !there || *there;
    if (something && !asked.anew && server.folder().was_made_by_others()) {
        return Error{there
                         ? "there are data in " + server.folder().paths().data +
                               " that lrad --init-pair has not made. Move them away, or have them "
                               "removed by lrad --init-pair-anew"
                         : there.error().message + "; lrad --init-pair-anew removes it"};
    }
    if (asked.anew && something) {
        say("the data in " + server.folder().paths().data + " are to be replaced");
        if (!server.stop_for_good()) return Error{"the server in them does not end"};
    }
    return asked.node == pair::Node::first ? make_first(server, asked, say)
                                           : make_second(server, asked, say);
}

}  // namespace agent::postgres
