#include "agent/agentless/shell_words.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace agent::agentless {

namespace {

// Runs its arguments behind the first three, at most $1 seconds long, and says how they ended, and
// whether the limit has struck: no status tells that.
//
// With timeout(1) a shell stands between it and the program, in the same process group: it tells
// the status through a pipe of its own, and TERM, which only the limit sends it, as a word behind.
// When it says nothing KILL has struck. Without timeout(1) a watch of our own ends the program,
// whose group can not be told apart then, and says so by USR1. The `sleep` of that watch holds none
// of the descriptors, or ssh would wait for it.
constexpr std::string_view wrapper =
    "t=$1; m=$2; n=$3; l=; shift 3; "
    "while [ \"$n\" -gt 0 ]; do IFS= read -r v; export \"$v\"; n=$((n-1)); done; "
    "if command -v timeout >/dev/null 2>&1; then exec 4>&1; "
    "s=$(timeout -k 2 \"$t\" sh -c "
    "\"trap l=limit TERM; \\\"\\$@\\\" >&4 4>&-; echo \\$? \\$l\" sh \"$@\"); "
    "r=$?; exec 4>&-; if [ -z \"$s\" ]; then s=$r; case $r in 124|137) s=\"$r limit\";; esac; fi; "
    "else exec 3<&0; trap l=limit USR1; \"$@\" <&3 3<&- & p=$!; exec 3<&-; "
    "(sleep \"$t\"; kill -USR1 $$; kill \"$p\"; sleep 2; kill -9 \"$p\") "
    "</dev/null >/dev/null 2>&1 & w=$!; "
    "wait \"$p\"; s=$?; if [ -n \"$l\" ]; then wait \"$p\"; s=\"$? $l\"; fi; "
    "kill \"$w\" 2>/dev/null; fi; "
    "printf \"\\n%s %s\\n\" \"$m\" \"$s\"; exit \"${s%% *}\"";

constexpr std::size_t windows_line_max = 8'191;

core::Outcome can_be_words(const std::vector<std::string>& argv) {
    if (argv.empty() || argv.front().empty()) return core::Error{"no program is named"};
    for (const auto& word : argv) {
        if (word.find('\0') != std::string::npos)
            return core::Error{"an argument contains a NUL byte"};
    }
    return core::Nothing{};
}

// The next code point of UTF-8, or nothing where it is not.
std::optional<std::uint32_t> code_point(std::string_view text, std::size_t& at) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(at);
    if (first < 0x80) {
        ++at;
        return first;
    }
    const std::size_t more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    if (first < 0xc2 || first > 0xf4 || text.size() - at <= more) return std::nullopt;
    std::uint32_t point = first & (0x3fU >> more);
    for (std::size_t i = 1; i <= more; ++i) {
        if ((byte(at + i) & 0xc0) != 0x80) return std::nullopt;
        point = (point << 6U) | (byte(at + i) & 0x3fU);
    }
    constexpr std::uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    if (point < least[more] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
        return std::nullopt;
    at += more + 1;
    return point;
}

std::string base64(std::string_view bytes) {
    constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::uint32_t group = 0;
        for (std::size_t k = 0; k < 3; ++k) {
            const bool there = i + k < bytes.size();
            group = (group << 8U) | (there ? static_cast<unsigned char>(bytes[i + k]) : 0U);
        }
        for (std::size_t k = 0; k < 4; ++k) {
            const bool there = i + k <= bytes.size();
            text += there ? digits[(group >> (18U - 6U * static_cast<unsigned>(k))) & 0x3fU] : '=';
        }
    }
    return text;
}

core::Result<std::string> encoded_command(std::string_view script) {
    std::string bytes;
    const auto unit = [&bytes](std::uint32_t value) {
        bytes += static_cast<char>(value & 0xffU);
        bytes += static_cast<char>(value >> 8U & 0xffU);
    };
    for (std::size_t at = 0; at < script.size();) {
        const auto point = code_point(script, at);
        if (!point) return core::Error{"an argument is not UTF-8, as PowerShell needs it"};
        if (*point >= 0x10000) {
            unit(0xd800 + ((*point - 0x10000) >> 10U));
            unit(0xdc00 + ((*point - 0x10000) & 0x3ffU));
        } else {
            unit(*point);
        }
    }
    return base64(bytes);
}

bool is_powershell(std::string_view program) {
    const std::size_t slash = program.find_last_of("/\\");
    if (slash != std::string_view::npos) program.remove_prefix(slash + 1);
    std::string name(program);
    std::transform(name.begin(), name.end(), name.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return name == "powershell" || name == "powershell.exe" || name == "pwsh" || name == "pwsh.exe";
}

}  // namespace

std::string quoted_for_sh(std::string_view word) {
    std::string quoted = "'";
    for (const char c : word) {
        if (c == '\'') {
            quoted += "'\\''";
        } else {
            quoted += c;
        }
    }
    return quoted + "'";
}

std::string quoted_for_powershell(std::string_view word) {
    constexpr std::string_view typographic = "\xe2\x80";
    std::string quoted = "'";
    for (std::size_t i = 0; i < word.size(); ++i) {
        quoted += word[i];
        if (word[i] == '\'') quoted += '\'';
        const bool third = i >= 2 && word.substr(i - 2, 2) == typographic;
        const auto byte = static_cast<unsigned char>(word[i]);
        if (third && byte >= 0x98 && byte <= 0x9b) quoted += word.substr(i - 2, 3);
    }
    return quoted + "'";
}

core::Result<std::string> remote_line_for_sh(const std::vector<std::string>& argv,
                                             const RemoteWrapping& wrapping) {
    if (const auto words = can_be_words(argv); !words) return words.error();
    if (const auto words = can_be_words(wrapping.environment);
        !words && !wrapping.environment.empty())
        return words.error();
    std::string line = "env -i";
    const auto add = [&line](std::string_view word) { line += ' ' + quoted_for_sh(word); };
    for (const auto& variable : wrapping.environment)
        add(variable);
    line += " sh -c";
    add(wrapper);
    line += " sh";
    add(std::to_string(wrapping.limit_s));
    add(wrapping.marker);
    add(std::to_string(wrapping.variables_on_input));
    for (const auto& word : argv)
        add(word);
    return line;
}

core::Result<std::string> remote_line_for_powershell(const std::vector<std::string>& argv,
                                                     const std::string& input,
                                                     const RemoteWrapping& wrapping) {
    if (const auto words = can_be_words(argv); !words) return words.error();
    std::string script = "$ProgressPreference='SilentlyContinue'; $LASTEXITCODE=0; ";
    const bool is_script = argv.size() >= 3 && is_powershell(argv.front()) &&
                           (argv[argv.size() - 2] == "-Command" || argv[argv.size() - 2] == "-c") &&
                           argv.back() != "-";
    std::string body;
    if (is_script) {
        body = argv.back();
    } else {
        // Not by way of ssh: whether a program gets the input of the PowerShell that runs it is not
        // the same everywhere.
        body = input.empty() ? "&" : quoted_for_powershell(input) + " | &";
        for (const auto& word : argv)
            body += ' ' + quoted_for_powershell(word);
    }
    // A cmdlet sets no exit code: an error that ends the script is 1.
    script += "$s=0; try { & {\n" + body +
              "\n}; if ($LASTEXITCODE) { $s=$LASTEXITCODE } } catch { "
              "[Console]::Error.WriteLine($_); $s=1 }; Write-Output ''; Write-Output (" +
              quoted_for_powershell(wrapping.marker + " ") + " + $s); exit $s";
    const auto encoded = encoded_command(script);
    if (!encoded) return encoded.error();
    std::string line = "powershell -NoProfile -NonInteractive -EncodedCommand " + *encoded;
    if (line.size() > windows_line_max) {
        return core::Error{
            "the command is longer than a Windows command line can be; put it in a "
            "script on the host"};
    }
    return line;
}

}  // namespace agent::agentless
