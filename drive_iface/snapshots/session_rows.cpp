#include "drive_iface/snapshots/session_rows.hpp"

#include <utility>

#include "agent/runtime/database.hpp"

namespace drive_iface::snapshots {

using agent::core::Outcome;
using agent::core::Result;
using agent::runtime::Database;
using agent::runtime::Statement;
using sessions::Session;

namespace {

// No path has a zero in it.
constexpr char between_files = '\0';

std::string joined_files(const std::vector<std::string>& files) {
    std::string text;
    for (const auto& file : files)
        text += (text.empty() ? "" : std::string(1, between_files)) + file;
    return text;
}

std::vector<std::string> files_from(const std::string& text) {
    std::vector<std::string> files;
    for (std::size_t begin = 0; begin < text.size();) {
        const auto end = std::min(text.find(between_files, begin), text.size());
        files.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return files;
}

}  // namespace

Result<std::vector<Session>> read_session_rows(const Database& database, const std::string& where,
                                               std::optional<std::uint32_t> number) {
    std::vector<Session> rows;
    Statement select = database.prepare(
        "SELECT identifier, host, address, drive, volume, start_object, state, reason, objects, "
        "filemarks, bytes, durable_objects, completion, volume_object, started_ms, ended_ms, "
        "files, kept FROM session_version WHERE " +
        where + " ORDER BY identifier");
    if (number) select.bind(std::uint64_t{*number});
    while (true) {
        const auto more = select.step();
        if (!more) return more.error();
        if (!*more) return rows;
        Session session;
        session.identifier = static_cast<std::uint32_t>(select.unsigned_number(0));
        session.host = select.text(1);
        session.address = select.text(2);
        session.drive = select.text(3);
        session.volume = select.text(4);
        session.start_object = select.unsigned_number(5);
        const auto state = sessions::session_state_from_text(select.text(6));
        if (!state) return database.damaged("no such state of a session: " + select.text(6));
        session.state = *state;
        session.reason = select.text(7);
        session.objects = select.unsigned_number(8);
        session.filemarks = select.unsigned_number(9);
        session.bytes = select.unsigned_number(10);
        session.durable_objects = select.unsigned_number(11);
        session.completion = select.optional_unsigned_number(12);
        session.volume_object = select.optional_unsigned_number(13);
        session.started_ms = select.number(14);
        session.ended_ms = select.optional_number(15);
        session.files = files_from(select.text(16));
        session.kept = select.number(17) != 0;
        rows.push_back(std::move(session));
    }
}

Outcome write_session_row(const Database& database, std::uint32_t first, const Session& session) {
    Statement insert = database.prepare(
        "INSERT INTO session_version(identifier, first, last, host, address, drive, volume, "
        "start_object, state, reason, objects, filemarks, bytes, durable_objects, completion, "
        "volume_object, started_ms, ended_ms, files, kept) "
        "VALUES(?,?,NULL,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
    insert.bind(std::uint64_t{session.identifier})
        .bind(std::uint64_t{first})
        .bind(session.host)
        .bind(session.address)
        .bind(session.drive)
        .bind(session.volume)
        .bind(session.start_object)
        .bind(sessions::to_text(session.state))
        .bind(session.reason)
        .bind(session.objects)
        .bind(session.filemarks)
        .bind(session.bytes)
        .bind(session.durable_objects)
        .bind(session.completion)
        .bind(session.volume_object)
        .bind(session.started_ms)
        .bind(session.ended_ms)
        .bind(joined_files(session.files))
        .bind(std::int64_t{session.kept ? 1 : 0});
    return insert.run();
}

}  // namespace drive_iface::snapshots
