#pragma once

// JSON with comments to values, with the line of each value and every duplicate key noticed. Used
// by configuration.cpp.

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace agent::runtime {

struct TextError {
    std::size_t line = 0;
    std::string path;  // empty: the file as a whole
    std::string text;
};

struct ConfigurationText {
    nlohmann::json values;
    std::map<std::string, std::size_t> lines;  // path to line; the root's path is ""
    std::vector<TextError> errors;  // a syntax error is the last one: nothing after it was read
    bool complete = false;          // the text is well-formed JSON
};

[[nodiscard]] ConfigurationText read_text(std::string_view text);

// "drives" and 1 to "drives[1]"; "drives[1]" and "serial" to "drives[1].serial".
[[nodiscard]] std::string path_of_element(const std::string& list, std::size_t index);
[[nodiscard]] std::string path_of_key(const std::string& object, const std::string& key);

}  // namespace agent::runtime
