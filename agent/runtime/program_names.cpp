#include "agent/runtime/program_names.hpp"

namespace agent::runtime {

bool is_drive_letter_path(std::string_view program) {
    const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    return program.size() > 3 && is_letter(program[0]) && program[1] == ':' &&
           (program[2] == '\\' || program[2] == '/');
}

std::string wrong_with_program(std::string_view program, ProgramNames names) {
    if (!program.empty() && program.front() == '/') return {};
    if (names == ProgramNames::posix) return "must be the program's full path, beginning with '/'";
    const bool name = !program.empty() && program.front() != '-' &&
                      program.find_first_of("\\/:") == std::string_view::npos;
    if (name || is_drive_letter_path(program)) return {};
    return "must be a name that PowerShell finds, or the program's full path, as "
           "C:\\Tools\\app.exe";
}

}  // namespace agent::runtime
