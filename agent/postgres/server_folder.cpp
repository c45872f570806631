#include "agent/postgres/server_folder.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "agent/core/errno_text.hpp"

namespace agent::postgres {

using core::Error;
using core::Nothing;
using core::Outcome;
using core::Result;

namespace {

namespace fs = std::filesystem;
constexpr std::size_t file_bytes_max = std::size_t{256} * 1024;
// The mark of a new copy that only has to take its place.
constexpr const char* new_is_complete = "new_is_complete";

Error errno_error(const std::string& what, const std::string& path) {
    return Error{what + " " + path + ": " + core::errno_text(errno)};
}

struct OpenFile {
    explicit OpenFile(int opened) : number(opened) {}
    ~OpenFile() {
        if (number >= 0) ::close(number);
    }
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;
    int number;
};

bool write_whole(int file, std::string_view text) {
    while (!text.empty()) {
        const ssize_t count = ::write(file, text.data(), text.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

Outcome sync_folder(const std::string& path) {
    const OpenFile folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder.number < 0 || ::fsync(folder.number) != 0) return errno_error("can not sync", path);
    return Nothing{};
}

Outcome rename_durably(const std::string& from, const std::string& to) {
    if (::rename(from.c_str(), to.c_str()) != 0) return errno_error("can not move to " + to, from);
    return sync_folder(fs::path(to).parent_path());
}

Outcome remove_tree(const std::string& path) {
    std::error_code error;
    fs::remove_all(path, error);
    if (error) return Error{"can not remove " + path + ": " + error.message()};
    return Nothing{};
}

std::optional<std::uint64_t> number_word(std::string_view text) {
    std::uint64_t value = 0;
    const auto [last, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || last != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace

Result<ServerOwner> server_owner(const std::string& configured_user) {
    const auto look_up = [](const passwd* found) -> std::optional<ServerOwner> {
        if (found == nullptr) return std::nullopt;
        return ServerOwner{found->pw_uid, found->pw_gid, {found->pw_name, found->pw_name}, false};
    };
    std::array<char, 4096> room{};
    passwd entry{};
    passwd* found = nullptr;
    ::getpwuid_r(::geteuid(), &entry, room.data(), room.size(), &found);
    const auto own = look_up(found);
    if (!own) {
        return Error{"user " + std::to_string(::geteuid()) +
                     " has no name in the operating system; PostgreSQL asks for one"};
    }
    if (own->uid != 0) return *own;
    found = nullptr;
    ::getpwnam_r(configured_user.c_str(), &entry, room.data(), room.size(), &found);
    auto other = look_up(found);
    if (!other) {
        return Error{"pair.database.user: there is no user " + configured_user +
                     " in the operating system; Debian's package postgresql-15 makes \"postgres\""};
    }
    if (other->uid == 0)
        return Error{"pair.database.user: PostgreSQL refuses to run as root; name another user"};
    other->users.own = own->users.own;
    other->another = true;
    return *other;
}

std::string to_text(const RememberedCopy& copy) {
    const auto& data = copy.data;
    return std::to_string(data.epoch) + " " + std::string(pair::to_text(data.relation)) + " " +
           std::string(pair::to_text(data.primary)) + " " + std::to_string(data.position.timeline) +
           " " + std::to_string(data.position.lsn) + "\n" + copy.control;
}

std::optional<RememberedCopy> remembered_from_text(std::string_view text) {
    const auto line = text.find('\n');
    if (line == std::string_view::npos) return std::nullopt;
    std::vector<std::string_view> words;
    for (std::string_view rest = text.substr(0, line); !rest.empty();) {
        const auto gap = rest.find(' ');
        words.push_back(rest.substr(0, gap));
        rest = gap == std::string_view::npos ? "" : rest.substr(gap + 1);
    }
    if (words.size() != 5) return std::nullopt;
    const auto epoch = number_word(words[0]);
    const auto primary = pair::node_from_text(words[2]);
    const auto timeline = number_word(words[3]);
    const auto lsn = number_word(words[4]);
    const bool alone = words[1] == pair::to_text(pair::Relation::alone);
    const bool known = alone || words[1] == pair::to_text(pair::Relation::pair);
    if (!epoch || !primary || !timeline || !lsn || !known) return std::nullopt;
    RememberedCopy copy;
    copy.control = text.substr(line + 1);
    copy.data.epoch = *epoch;
    copy.data.relation = alone ? pair::Relation::alone : pair::Relation::pair;
    copy.data.primary = *primary;
    copy.data.position = {*timeline, *lsn};
    return copy;
}

ServerFolder::~ServerFolder() {
    if (lock_ >= 0) ::close(lock_);
}

Outcome ServerFolder::make_one(const std::string& path, Use use) const {
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
        return errno_error("can not make the folder", path);
    if (!owner_.another) return Nothing{};
    // The one on top may be a link that an operator has made, in a folder that is not the server's.
    const int no_link = path == paths_.folder ? 0 : O_NOFOLLOW;
    const OpenFile folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | no_link));
    if (folder.number < 0) return errno_error("can not open the folder", path);
    const bool of_server = use == Use::of_server;
    if (::fchown(folder.number, of_server ? owner_.uid : ::geteuid(),
                 of_server ? owner_.gid : ::getegid()) != 0) {
        return errno_error("can not give to " +
                               (of_server ? owner_.users.server : owner_.users.own) + " the folder",
                           path);
    }
    if (::fchmod(folder.number, use == Use::passed_by_server ? 0711 : 0700) != 0)
        return errno_error("can not set the rights of the folder", path);
    return Nothing{};
}

Outcome ServerFolder::make() {
    std::error_code error;
    fs::create_directories(fs::path(paths_.folder).parent_path(), error);
    if (error) {
        return Error{"can not make the folder above " + paths_.folder + ": " + error.message() +
                     "; make it as root, for the user whom lrad runs as"};
    }
    for (const auto& path : {paths_.folder, paths_.settings, paths_.log_folder}) {
        if (auto made = make_one(path, Use::passed_by_server); !made) return made;
    }
    if (auto made = make_one(paths_.socket, Use::of_server); !made) return made;
    return make_one(paths_.state, Use::of_this_process);
}

Outcome ServerFolder::lock() {
    if (lock_ >= 0) return Nothing{};
    const int file = ::open(paths_.lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) return errno_error("can not open", paths_.lock);
    if (::flock(file, LOCK_EX | LOCK_NB) != 0) {
        ::close(file);
        return Error{"another lrad looks after the server in " + paths_.folder + "; stop that one"};
    }
    lock_ = file;
    return Nothing{};
}

Outcome ServerFolder::write(const std::string& path, std::string_view text) const {
    if (const auto there = read(path); there && *there == text) return Nothing{};
    const std::string beside = path + ".new";
    const OpenFile file(
        ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (file.number < 0) return errno_error("can not write", beside);
    if (owner_.another && ::fchown(file.number, owner_.uid, owner_.gid) != 0)
        return errno_error("can not give to " + owner_.users.server, beside);
    if (!write_whole(file.number, text) || ::fsync(file.number) != 0)
        return errno_error("can not write", beside);
    return rename_durably(beside, path);
}

std::optional<std::string> ServerFolder::read(const std::string& path) {
    const OpenFile file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (file.number < 0) return std::nullopt;
    std::string text;
    std::array<char, 4096> room{};
    for (;;) {
        const ssize_t count = ::read(file.number, room.data(), room.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return std::nullopt;
        if (count == 0) return text;
        text.append(room.data(), static_cast<std::size_t>(count));
        if (text.size() > file_bytes_max) return std::nullopt;
    }
}

void ServerFolder::remove(const std::string& path) {
    ::unlink(path.c_str());
}

Result<std::optional<std::string>> ServerFolder::look_at_data() const {
    const std::string name = paths_.data + "/PG_VERSION";
    if (auto version = read(name)) {
        while (!version->empty() && version->back() == '\n')
            version->pop_back();
        return version;
    }
    std::error_code error;
    const fs::directory_iterator first(paths_.data, error);
    if (error == std::errc::no_such_file_or_directory) return std::optional<std::string>();
    if (!error && first == fs::directory_iterator()) return std::optional<std::string>();
    return Error{"nobody can tell what is in " + paths_.data + ": " +
                 (error ? error.message() : name + " can not be read") +
                 ". It is left alone: look at its disk, or move it away"};
}

std::optional<std::string> ServerFolder::data_version() const {
    const auto there = look_at_data();
    return there ? *there : std::nullopt;
}

std::optional<std::uint64_t> ServerFolder::identity() const {
    const std::string name = paths_.state + "/identity";
    const auto text = read(name);
    if (!text && ::access(name.c_str(), F_OK) != 0 && errno == ENOENT) return std::nullopt;
    if (!text) return 0;
    return number_word(std::string_view(*text).substr(0, text->find('\n'))).value_or(0);
}
Outcome ServerFolder::note_identity(std::uint64_t system_identifier) const {
    return write(paths_.state + "/identity", std::to_string(system_identifier) + "\n");
}

bool ServerFolder::was_made_by_others() const {
    return ::access((paths_.state + "/making").c_str(), F_OK) != 0;
}
Outcome ServerFolder::note_making(bool under_way) const {
    return under_way ? write(paths_.state + "/making", "") : remove_mark("making");
}

Outcome ServerFolder::set_standby(bool standby) const {
    // ALTER SYSTEM's file is read last and would win over the settings; copying brings the other
    // node's.
    if (auto written = write(paths_.data + "/postgresql.auto.conf",
                             "# Emptied by lrad: settings/postgresql.conf is what counts.\n");
        !written)
        return written;
    remove(paths_.data + "/recovery.signal");
    const std::string signal = paths_.data + "/standby.signal";
    if (standby) return write(signal, "");
    if (::unlink(signal.c_str()) != 0 && errno != ENOENT)
        return errno_error("can not remove", signal);
    return sync_folder(paths_.data);
}

bool ServerFolder::was_primary() const {
    return read(paths_.state + "/role") == std::optional<std::string>("primary\n");
}
Outcome ServerFolder::note_primary(bool primary) const {
    return write(paths_.state + "/role", primary ? "primary\n" : "standby\n");
}

bool ServerFolder::is_scrap() const {
    // A mark that can not be looked for may be there.
    return ::access((paths_.state + "/scrap").c_str(), F_OK) == 0 || errno != ENOENT;
}
Outcome ServerFolder::note_scrap(bool scrap) const {
    if (!scrap) return remove_mark("scrap");
    return write(paths_.state + "/scrap",
                 "A rewind began here and has not been seen to end well.\n");
}

// Durable: a mark that comes back with the power tells what was true once.
Outcome ServerFolder::remove_mark(const std::string& name) const {
    const std::string mark = paths_.state + "/" + name;
    if (::unlink(mark.c_str()) != 0 && errno != ENOENT) return errno_error("can not remove", mark);
    return sync_folder(paths_.state);
}

std::optional<RememberedCopy> ServerFolder::remembered() const {
    const auto text = read(paths_.state + "/copy");
    if (!text) return std::nullopt;
    return remembered_from_text(*text);
}
Outcome ServerFolder::remember(const RememberedCopy& copy) const {
    return write(paths_.state + "/copy", to_text(copy));
}

Outcome ServerFolder::begin_new() const {
    // The mark of an earlier copy that is complete, and could not be put in place, would make the
    // half of the next one take the place of both.
    if (auto tidied = tidy(); !tidied) return tidied;
    return make_one(paths_.new_data, Use::of_server);
}

Outcome ServerFolder::put_new_in_place() const {
    const std::string complete = paths_.state + "/" + new_is_complete;
    const auto is_there = [](const std::string& path) { return ::access(path.c_str(), F_OK) == 0; };
    // First: what is thought of the data that go must not be thought of those that come.
    if (auto noted = note_primary(false); !noted) return noted;
    if (auto noted = write(complete, ""); !noted) return noted;
    if (is_there(paths_.new_data)) {
        if (is_there(paths_.data)) {
            if (auto gone = remove_tree(paths_.old_data); !gone) return gone;
            if (auto moved = rename_durably(paths_.data, paths_.old_data); !moved) return moved;
        }
        if (auto moved = rename_durably(paths_.new_data, paths_.data); !moved) return moved;
    }
    if (auto whole = note_scrap(false); !whole) return whole;
    if (auto gone = remove_tree(paths_.old_data); !gone) return gone;
    return remove_mark(new_is_complete);
}

Outcome ServerFolder::tidy() const {
    const std::string complete = paths_.state + "/" + new_is_complete;
    if (::access(complete.c_str(), F_OK) == 0) return put_new_in_place();
    if (errno != ENOENT) return errno_error("can not look for", complete);
    if (auto gone = remove_tree(paths_.new_data); !gone) return gone;
    return remove_tree(paths_.old_data);
}

}  // namespace agent::postgres
