#include "agent/host/holder_signs.hpp"

namespace agent::host {

namespace {

constexpr int probe_says_mine = 0;
constexpr int probe_says_not_mine = 1;

std::string open_file_in_words(const OpenFile& file) {
    return file.path + " is open in " + file.program + " (" + std::to_string(file.pid) + ")";
}

}  // namespace

HolderVerdict verdict_of(const HolderSigns& signs) {
    using core::HolderAnswer;
    if (signs.open_files && !signs.open_files->found.empty())
        return {HolderAnswer::mine, open_file_in_words(signs.open_files->found.front())};
    if (signs.application_uses_it)
        return {HolderAnswer::mine, "the application uses it: " + *signs.application_uses_it};
    if (signs.probe_status == probe_says_mine)
        return {HolderAnswer::mine, "the probe reaches the drive"};
    if (signs.probe_status == probe_says_not_mine)
        return {HolderAnswer::not_mine, "the probe is refused by the drive"};
    if (signs.open_files && signs.open_files->complete)
        return {HolderAnswer::not_mine, "no process has the drive open"};
    if (signs.open_files) return {HolderAnswer::can_not_tell, signs.open_files->why_incomplete};
    if (signs.application_told)
        return {HolderAnswer::can_not_tell, "the application does not use it; others may"};
    return {HolderAnswer::can_not_tell, "neither application nor open files can tell"};
}

}  // namespace agent::host
