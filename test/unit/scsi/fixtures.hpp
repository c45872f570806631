#pragma once

// Captured bytes: `pr-captures/NAME.hex` (comment lines start with #), `lto-msl3040` as sg3_utils
// dumps and raw files.

#include <array>
#include <cctype>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "test/support/catch.hpp"

namespace scsi_test {

using Bytes = std::vector<std::uint8_t>;

inline std::string read_text(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    INFO(path);
    REQUIRE(in.good());
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

inline Bytes read_binary(const std::string& relative) {
    const std::string text = read_text(std::string(LRA_FIXTURES "/") + relative);
    return {text.begin(), text.end()};
}

inline Bytes bytes_of_hex_words(const std::string& line) {
    Bytes bytes;
    std::istringstream words(line);
    std::string word;
    while (words >> word)
        bytes.push_back(static_cast<std::uint8_t>(std::stoul(word, nullptr, 16)));
    return bytes;
}

inline Bytes pr_capture(const std::string& name) {
    std::istringstream lines(read_text(std::string(LRA_FIXTURES "/pr-captures/") + name + ".hex"));
    Bytes bytes;
    std::string line;
    while (std::getline(lines, line)) {
        if (line.starts_with('#')) continue;
        const Bytes more = bytes_of_hex_words(line);
        bytes.insert(bytes.end(), more.begin(), more.end());
    }
    return bytes;
}

// Lines of sg3_utils: an offset of two or more hex digits behind one blank, then the bytes.
inline Bytes sg_dump(const std::string& relative) {
    std::istringstream lines(read_text(std::string(LRA_FIXTURES "/") + relative));
    Bytes bytes;
    std::string line;
    while (std::getline(lines, line)) {
        if (line.size() < 8 || line[0] != ' ' ||
            std::isxdigit(static_cast<unsigned char>(line[1])) == 0)
            continue;
        std::istringstream words(line);
        std::string offset;
        words >> offset;
        std::string rest;
        std::getline(words, rest);
        const Bytes more = bytes_of_hex_words(rest);
        bytes.insert(bytes.end(), more.begin(), more.end());
    }
    return bytes;
}

// Runs one of sg3_utils' offline decoders on these bytes (as a hex file) and returns what it
// prints. Empty when the tool is not installed: the caller says so and goes on.
inline std::string oracle(const std::string& tool_and_options, const Bytes& bytes) {
    std::array<char, 64> path{"/tmp/lra-oracle-XXXXXX"};
    const int file = mkstemp(path.data());
    REQUIRE(file >= 0);
    std::FILE* out = fdopen(file, "w");
    for (const std::uint8_t byte : bytes)
        std::fprintf(out, "%02x ", byte);
    std::fclose(out);
    const std::string command = tool_and_options + path.data() + " 2>&1";
    std::string text;
    if (std::FILE* pipe = popen(command.c_str(), "r")) {
        std::array<char, 512> buffer{};
        while (std::fgets(buffer.data(), buffer.size(), pipe) != nullptr)
            text += buffer.data();
        if (pclose(pipe) != 0 && text.find("not found") != std::string::npos) text.clear();
    }
    std::remove(path.data());
    return text;
}

// A decoder must stand every shorter version of real data: an answer or an error, nothing else.
// Runs it on copies of the exact size so that the address sanitizer sees a byte too far.
template <typename Decode>
void at_every_length(const Bytes& bytes, Decode decode) {
    for (std::size_t length = 0; length <= bytes.size(); ++length) {
        const Bytes cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length));
        decode(cut);
    }
}

}  // namespace scsi_test
