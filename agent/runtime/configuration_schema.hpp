#pragma once

// What a program's configuration file may say, as data. From one description come the strict reader
// (configuration.hpp), the JSON Schema of --print-schema and the table in docs/CONFIGURATION.md.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace agent::runtime {

struct ConfigurationKey;

// What one value may be.
struct ValueShape {
    enum class Type : std::uint8_t {
        text,
        integer,
        boolean,
        choice,   // one of fixed words
        list,     // of values that all have the shape inner[0]
        object,   // with the keys listed, and no others
        map,      // names of the user's choice, each to a value of the shape inner[0]
        nothing,  // null
        either,   // one of the shapes in `inner`; the JSON type tells which
    };
    // Checks a text's form; the answer says what is wrong and what would be right, nothing when it
    // is well.
    using Check = std::function<std::optional<std::string>(std::string_view text)>;

    Type type = Type::text;
    std::int64_t minimum = 0;  // integer: least value; text: bytes; list, map: elements
    std::int64_t maximum = 0;  // inclusive, as above
    std::vector<std::string> choices;
    std::string form;  // text: its form in words, for documentation ("udp:HOST:PORT"); empty: any
    Check check;       // text only; may be empty
    std::vector<ValueShape> inner;
    std::vector<ConfigurationKey> keys;
};

struct ConfigurationKey {
    std::string name;
    ValueShape shape;
    std::string documentation;  // one sentence
    // What stands in for the key when it is missing, as JSON text. Empty: see `required`. Objects
    // whose keys all have defaults can have the default "{}": their own defaults are filled in.
    std::string default_value;
    bool required =
        false;  // neither required nor a default: the key is simply absent from the result
    std::string example;  // JSON text; empty: the default is example enough
};

struct ConfigurationSchema {
    std::string program;      // "lrad"
    std::string description;  // one sentence
    ValueShape root;          // an object
};

// The shapes, so that a schema reads like a table. Limits are inclusive.
[[nodiscard]] ValueShape text_shape(std::int64_t bytes_max = 255);  // at least one byte
[[nodiscard]] ValueShape text_shape(std::string form, ValueShape::Check check,
                                    std::int64_t bytes_max = 255);
[[nodiscard]] ValueShape integer_shape(std::int64_t minimum, std::int64_t maximum);
[[nodiscard]] ValueShape boolean_shape();
[[nodiscard]] ValueShape choice_shape(std::vector<std::string> choices);
[[nodiscard]] ValueShape list_shape(ValueShape element, std::int64_t count_min,
                                    std::int64_t count_max);
[[nodiscard]] ValueShape object_shape(std::vector<ConfigurationKey> keys);
[[nodiscard]] ValueShape map_shape(ValueShape value, std::int64_t count_max);
[[nodiscard]] ValueShape null_shape();
[[nodiscard]] ValueShape either_shape(
    std::vector<ValueShape> shapes);  // their JSON types must differ

[[nodiscard]] ConfigurationKey required_key(std::string name, ValueShape shape,
                                            std::string documentation, std::string example);
[[nodiscard]] ConfigurationKey optional_key(std::string name, ValueShape shape,
                                            std::string documentation, std::string example);
[[nodiscard]] ConfigurationKey default_key(std::string name, ValueShape shape,
                                           std::string default_value, std::string documentation);

// JSON Schema, draft 2020-12, indented, with a newline at the end.
[[nodiscard]] std::string json_schema(const ConfigurationSchema& schema);

// One key as documentation shows it, in words with `backquotes`.
struct KeyDescription {
    std::string key;       // "drives[].serial"
    std::string values;    // "integer 50–3600000"
    std::string standing;  // "required", its default, or "—"
    std::string meaning;
};
[[nodiscard]] std::vector<KeyDescription> described_keys(const ConfigurationSchema& schema);

// One Markdown table: key, type, default, meaning.
[[nodiscard]] std::string markdown_table(const ConfigurationSchema& schema);

}  // namespace agent::runtime
