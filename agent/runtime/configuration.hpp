#pragma once

// Strict reading of a configuration file: JSON with // and /* */ comments, every key known, every
// value in range.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "agent/core/result.hpp"
#include "agent/runtime/configuration_schema.hpp"

namespace agent::runtime {

// Every line has the form `FILE:LINE: JSON.PATH: what is wrong, and what would be right`.
using ConfigurationErrors = std::vector<std::string>;

// A value, or every reason why there is none: `errors` is empty exactly when `value` is there.
template <typename T>
struct Configured {
    std::optional<T> value;
    ConfigurationErrors errors;
    [[nodiscard]] bool ok() const { return value.has_value(); }
};

// A configuration that fits its schema, with all defaults filled in.
class Configuration {
  public:
    Configuration(std::string file, nlohmann::json values,
                  std::map<std::string, std::size_t> lines);
    ~Configuration();
    Configuration(Configuration&&) noexcept;
    Configuration& operator=(Configuration&&) noexcept;

    [[nodiscard]] const nlohmann::json& values() const { return *values_; }
    [[nodiscard]] const std::string& file() const { return file_; }

    // Line of "drives[1].serial", or of the nearest enclosing value that stands in the file.
    [[nodiscard]] std::size_t line_of(std::string_view path) const;

    // `FILE:LINE: PATH: text` for what only the program can judge: "the serial stands twice; ...".
    [[nodiscard]] std::string error_at(std::string_view path, std::string_view text) const;

    // `values` as if they were a configuration of their own, for those who read such a one: their
    // errors name lines and paths of this file, behind `path`.
    [[nodiscard]] Configuration part(const std::string& path, nlohmann::json values) const;

    // Relative file names in a configuration count from the folder the configuration file is in.
    [[nodiscard]] std::string file_beside(const std::string& name) const;

  private:
    std::string file_;
    std::unique_ptr<nlohmann::json> values_;
    std::shared_ptr<const std::map<std::string, std::size_t>> lines_;  // shared with the parts
    std::string path_;  // of a part: with the dot behind it
};

// At most 1 MiB and 64 levels deep. Never throws, whatever the bytes are.
[[nodiscard]] Configured<Configuration> read_configuration_text(const ConfigurationSchema& schema,
                                                                const std::string& file,
                                                                std::string_view text);
[[nodiscard]] Configured<Configuration> read_configuration_file(const ConfigurationSchema& schema,
                                                                const std::string& file);

// The secret in a key file: its first line without the line end, 8 to 256 bytes (RFC 3414 11.2 asks
// for 8 at least). Refused: a file that group or others may read or write, that belongs to someone
// else (root is fine), or is not a regular file.
[[nodiscard]] core::Result<std::string> read_key_file(const std::string& path);

}  // namespace agent::runtime
