#pragma once

// What the sample backup application knows: its drives, and how it is told to misbehave.

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sample_backup_application {

struct Drive {
    bool wanted_online = true;
    int jobs = 0;  // running; a drive that is set offline drains until they have ended
};

enum class Misbehaviour { none, fail, lie, hang };

struct Fault {
    Misbehaviour kind = Misbehaviour::none;
    int exit_status = 1;  // of fail
};

struct Catalogue {
    std::map<std::string, Drive> drives;
    std::map<std::string, Fault> faults;  // by verb: offline, online, status
    std::vector<std::string> history;     // "offline LTO 1": what was really done, oldest first
};

// "online", "draining (1 job)" or "offline".
std::string state_of(const Drive& drive);

inline constexpr std::size_t history_max = 1000;
void remember(Catalogue& catalogue, const std::string& line);

std::string to_json_text(const Catalogue& catalogue);
// Nothing when the text is not a catalogue.
std::optional<Catalogue> catalogue_from_json_text(const std::string& text);

}  // namespace sample_backup_application
