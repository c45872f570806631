#include "agent/runtime/configuration.hpp"

#include <nlohmann/json.hpp>
#include <random>

#include "test/support/catch.hpp"

using namespace agent::runtime;
using nlohmann::json;

namespace {

std::optional<std::string> wrong_unless_even_length(std::string_view text) {
    if (text.size() % 2 == 0) return std::nullopt;
    return "has an odd length; give it one letter more";
}

// One key of every kind.
const ConfigurationSchema& garden() {
    static const ConfigurationSchema schema{
        "garden", "A schema for these tests.",
        object_shape({
            required_key("name", text_shape(8), "Name.", "\"rose\""),
            default_key("beds", integer_shape(1, 10), "3", "Beds."),
            default_key("watered", boolean_shape(), "true", "Watered."),
            default_key("season", choice_shape({"spring", "autumn"}), "\"spring\"", "Season."),
            optional_key("pairs", text_shape("pairs", wrong_unless_even_length), "Pairs.",
                         "\"ab\""),
            default_key(
                "plants",
                list_shape(object_shape({required_key("kind", text_shape(), "Kind.", "\"oak\""),
                                         default_key("age", integer_shape(0, 900), "1", "Age.")}),
                           0, 3),
                "[]", "Plants."),
            default_key(
                "fence",
                object_shape({default_key("height", integer_shape(0, 300), "120", "Height.")}),
                "{}", "Fence."),
            default_key("labels", map_shape(text_shape(), 2), "{}", "Labels."),
            default_key("gate",
                        either_shape({null_shape(), choice_shape({"open"}),
                                      list_shape(integer_shape(0, 9), 0, 2)}),
                        "null", "Gate."),
        })};
    return schema;
}

Configured<Configuration> read(const std::string& text) {
    return read_configuration_text(garden(), "g.json", text);
}

ConfigurationErrors errors_of(const std::string& text) {
    return read(text).errors;
}

}  // namespace

TEST_CASE("a configuration that says the least gets every default") {
    const auto read_back = read("// a comment\n{\"name\": \"rose\" /* and another */}\n");
    REQUIRE(read_back.ok());
    CHECK(read_back.errors.empty());
    CHECK(read_back.value->values() ==
          json::parse(R"({"name":"rose","beds":3,"watered":true,"season":"spring","plants":[],)"
                      R"("fence":{"height":120},"labels":{},"gate":null})"));
}

TEST_CASE("defaults are filled in inside lists") {
    const auto read_back =
        read(R"({"name":"rose","plants":[{"kind":"oak"},{"kind":"elm","age":7}]})");
    REQUIRE(read_back.ok());
    CHECK(read_back.value->values()["plants"] ==
          json::parse(R"([{"kind":"oak","age":1},{"kind":"elm","age":7}])"));
}

TEST_CASE("each kind of mistake is told with its line, its path and what would be right") {
    const auto one = [](const std::string& text) {
        const auto errors = errors_of(text);
        INFO(text);
        REQUIRE(errors.size() == 1);
        return errors[0];
    };
    CHECK(one("{\n\"name\": 7\n}") == "g.json:2: name: is 7; it must be a text in quotes");
    CHECK(one("{}") == "g.json:1: name: is missing and required; for example \"name\": \"rose\"");
    CHECK(one("{\n\n\"name\":\"a\",\n\"beds\":\n11}") ==
          "g.json:5: beds: is 11; it must be a whole number from 1 to 10");
    CHECK(one("{\"name\":\"a\",\"beds\":1.5}") ==
          "g.json:1: beds: is 1.5; it must be a whole number from 1 to 10");
    CHECK(one("{\"name\":\"a\",\"beds\":18446744073709551615}") ==
          "g.json:1: beds: is 18446744073709551615; it must be a whole number from 1 to 10");
    CHECK(one("{\"name\":\"a\",\"season\":\"summer\"}") ==
          "g.json:1: season: is \"summer\"; it must be \"spring\" or \"autumn\"");
    CHECK(one("{\"name\":\"a\",\n\"watered\":\"yes\"}") ==
          "g.json:2: watered: is \"yes\"; it must be true or false");
    CHECK(one("{\"name\":\"\"}") == "g.json:1: name: has 0 bytes; it must have 1 to 8");
    CHECK(one("{\"name\":\"123456789\"}") == "g.json:1: name: has 9 bytes; it must have 1 to 8");
    CHECK(one("{\"name\":\"a\",\"pairs\":\"abc\"}") ==
          "g.json:1: pairs: has an odd length; give it one letter more");
    CHECK(one("{\"name\":\"a\",\"plants\":[\n{\"kind\":\"x\"},\n{\"age\":2}]}") ==
          "g.json:3: plants[1].kind: is missing and required; for example \"kind\": \"oak\"");
    CHECK(one("{\"name\":\"a\",\"plants\":{}}") ==
          "g.json:1: plants: is {}; it must be a list [...]");
    CHECK(one("{\"name\":\"a\",\"fence\":{\"hight\":1}}") ==
          "g.json:1: fence.hight: this key is not known; did you mean \"height\"?");
    CHECK(one("{\"name\":\"a\",\"zzzzzzzzzz\":1,\"fence\":{}}") ==
          "g.json:1: zzzzzzzzzz: this key is not known; known here: \"name\", \"beds\", "
          "\"watered\", \"season\", "
          "\"pairs\", \"plants\", \"fence\", \"labels\" or \"gate\"");
    CHECK(one("{\"name\":\"a\",\n\"beds\":1,\n\"beds\":2}") ==
          "g.json:3: beds: the key stands twice, first on line 2; keep one of the two");
    CHECK(one("{\"name\":\"a\",\"gate\":\"shut\"}") ==
          "g.json:1: gate: is \"shut\"; it must be \"open\"");
    CHECK(one("{\"name\":\"a\",\"gate\":true}") ==
          "g.json:1: gate: is true; it must be null or \"open\" or a list [...]");
    CHECK(one("{\"name\":\"a\",\"gate\":[1,12]}") ==
          "g.json:1: gate[1]: is 12; it must be a whole number from 0 to 9");
    CHECK(one("{\"name\":\"a\",\"labels\":{\"a b\":3}}") ==
          "g.json:1: labels[\"a b\"]: is 3; it must be a text in quotes");
    CHECK(one("{\"name\":\"a\",\"labels\":{\"1\":\"x\",\"2\":\"x\",\"3\":\"x\"}}") ==
          "g.json:1: labels: has 3 names; at most 2 are possible");
    CHECK(one("[]") == "g.json:1: (file): is []; it must be an object {...}");
    CHECK(one("{\"name\":\"a\\u0000b\"}") == "g.json:1: name: holds a NUL character; remove it");
    CHECK_THAT(one("{\n\"name\":\n}"), ContainsSubstring("g.json:3: (file): this is not JSON: "));
    CHECK_THAT(one(""), ContainsSubstring("g.json:1: (file): this is not JSON: "));
    CHECK_THAT(one("{\"name\":\"a\"} {"), ContainsSubstring("this is not JSON"));
    CHECK_THAT(one("{\"name\":\"\xff\"}"), ContainsSubstring("this is not JSON"));
    CHECK_THAT(one(std::string(2'000'000, ' ')), ContainsSubstring("more than 1 MiB"));
    CHECK_THAT(one(std::string(5'000, '[')), ContainsSubstring("64 levels deep"));
}

TEST_CASE("a number at the end of a line keeps its line") {
    const auto errors = errors_of("{\"name\":\"a\",\n\"beds\":99\n,\"season\":\n\"no\"\n}");
    REQUIRE(errors.size() == 2);
    CHECK_THAT(errors[0], ContainsSubstring("g.json:2: beds"));
    CHECK_THAT(errors[1], ContainsSubstring("g.json:4: season"));
}

TEST_CASE("all mistakes are told at once, up to a hundred") {
    const auto errors =
        errors_of("{\n\"name\": 1,\n\"beds\": 0,\n\"season\": 2,\n\"extra\": 3,\n\"beds\": 4}");
    CHECK(errors.size() == 4);
    std::string many = "{\"name\":\"a\"";
    for (int i = 0; i < 500; ++i)
        many += ",\"k" + std::to_string(i) + "\":0";
    CHECK(errors_of(many + "}").size() == 100);
}

TEST_CASE(
    "the program's own checks point at the line of the value, or of what encloses a default") {
    const auto read_back = read("{\"name\":\"rose\",\n\"plants\":[\n{\"kind\":\"oak\"}]}");
    REQUIRE(read_back.ok());
    const Configuration& configuration = *read_back.value;
    CHECK(configuration.error_at("plants[0].kind", "no") == "g.json:3: plants[0].kind: no");
    CHECK(configuration.line_of("plants[0].age") == 3);
    CHECK(configuration.line_of("fence.height") == 1);
}

TEST_CASE("relative file names count from the configuration's folder") {
    const Configuration beside("/etc/lra/lrad.json", json::object(), {});
    CHECK(beside.file_beside("keys/a") == "/etc/lra/keys/a");
    CHECK(beside.file_beside("/keys/a") == "/keys/a");
    CHECK(Configuration("lrad.json", json::object(), {}).file_beside("a") == "a");
}

TEST_CASE("a file that is not there is a configuration error") {
    const auto read_back = read_configuration_file(garden(), "/nowhere/g.json");
    REQUIRE(read_back.errors.size() == 1);
    CHECK_THAT(read_back.errors[0],
               ContainsSubstring("/nowhere/g.json:1: (file): can not be read"));
    CHECK_FALSE(read_configuration_file(garden(), "/tmp").ok());
}

namespace {

// A random value that fits the shape.
json random_value(const ValueShape& shape, std::mt19937_64& random);

json random_object(const ValueShape& shape, std::mt19937_64& random) {
    json object = json::object();
    for (const ConfigurationKey& key : shape.keys) {
        const bool present = key.required || random() % 2 == 0;
        if (present) object[key.name] = random_value(key.shape, random);
    }
    return object;
}

json random_value(const ValueShape& shape, std::mt19937_64& random) {
    using Type = ValueShape::Type;
    const auto between = [&](std::int64_t low, std::int64_t high) {
        return low +
               static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(high - low + 1));
    };
    switch (shape.type) {
        case Type::text: {
            std::string text;
            const std::int64_t size =
                between(shape.minimum, std::min<std::int64_t>(shape.maximum, 20)) / 2 * 2;
            while (static_cast<std::int64_t>(text.size()) < std::max<std::int64_t>(size, 2)) {
                text += static_cast<char>(between(' ', '~'));
            }
            return text;
        }
        case Type::integer:
            return between(shape.minimum, shape.maximum);
        case Type::boolean:
            return random() % 2 == 0;
        case Type::choice:
            return shape.choices[random() % shape.choices.size()];
        case Type::list: {
            json list = json::array();
            const std::int64_t count = between(shape.minimum, shape.maximum);
            for (std::int64_t i = 0; i < count; ++i)
                list.push_back(random_value(shape.inner[0], random));
            return list;
        }
        case Type::object:
            return random_object(shape, random);
        case Type::map: {
            json map = json::object();
            const std::int64_t count = between(0, shape.maximum);
            for (std::int64_t i = 0; i < count; ++i)
                map["n" + std::to_string(i)] = random_value(shape.inner[0], random);
            return map;
        }
        case Type::nothing:
            return nullptr;
        case Type::either:
            return random_value(shape.inner[random() % shape.inner.size()], random);
    }
    return nullptr;
}

// Is all of `written` in `read`, which may have defaults besides?
bool stands_in(const json& written, const json& read) {
    if (written.type() != read.type() || written.is_primitive()) return written == read;
    if (written.is_array() && written.size() != read.size()) return false;
    if (written.is_array()) {
        for (std::size_t i = 0; i < written.size(); ++i) {
            if (!stands_in(written[i], read[i])) return false;
        }
        return true;
    }
    for (const auto& [name, value] : written.items()) {
        if (!read.contains(name) || !stands_in(value, read[name])) return false;
    }
    return true;
}

}  // namespace

TEST_CASE("a random valid configuration is accepted, and what was read reads again as itself") {
    std::mt19937_64 random(42);
    for (int i = 0; i < 2'000; ++i) {
        const json written = random_value(garden().root, random);
        const auto once = read(written.dump(static_cast<int>(random() % 4)));
        INFO(written.dump());
        REQUIRE(once.errors == ConfigurationErrors{});
        const json& with_defaults = once.value->values();
        const auto twice = read(with_defaults.dump(2));
        REQUIRE(twice.ok());
        CHECK(twice.value->values() == with_defaults);
        CHECK(stands_in(written, with_defaults));
    }
}

TEST_CASE("a random valid configuration with one broken byte never does harm") {
    std::mt19937_64 random(43);
    for (int i = 0; i < 2'000; ++i) {
        std::string text = random_value(garden().root, random).dump(1);
        text[random() % text.size()] = static_cast<char>(random() % 256);
        const auto read_back = read(text);
        CHECK(read_back.ok() == read_back.errors.empty());
    }
}

TEST_CASE("the printed schema is a JSON Schema of draft 2020-12 that says what the reader does") {
    const json schema = json::parse(json_schema(garden()));
    CHECK(schema["$schema"] == "https://json-schema.org/draft/2020-12/schema");
    CHECK(schema["additionalProperties"] == false);
    CHECK(schema["required"] == json::parse("[\"name\"]"));
    CHECK(schema["properties"]["beds"] ==
          json::parse(
              R"({"type":"integer","minimum":1,"maximum":10,"default":3,"description":"Beds."})"));
    CHECK(schema["properties"]["season"]["enum"] == json::parse(R"(["spring","autumn"])"));
    CHECK(schema["properties"]["plants"]["items"]["required"] == json::parse("[\"kind\"]"));
    CHECK(schema["properties"]["gate"]["anyOf"].size() == 3);
    CHECK(schema["properties"]["labels"]["additionalProperties"]["type"] == "string");
}

TEST_CASE("the table names every key, inside lists too") {
    const std::string table = markdown_table(garden());
    for (const char* key :
         {"| `name` |", "| `plants[].kind` |", "| `fence.height` |", "| `gate` |"}) {
        CHECK_THAT(table, ContainsSubstring(key));
    }
    CHECK_THAT(table, ContainsSubstring("| `beds` | integer 1–10 | `3` | Beds. |\n"));
}
