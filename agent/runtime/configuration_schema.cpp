#include "agent/runtime/configuration_schema.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "agent/core/assert.hpp"

namespace agent::runtime {

using nlohmann::json;
using Type = ValueShape::Type;

namespace {

ValueShape shape_of(Type type, std::int64_t minimum, std::int64_t maximum) {
    ValueShape shape;
    shape.type = type;
    shape.minimum = minimum;
    shape.maximum = maximum;
    return shape;
}

}  // namespace

ValueShape text_shape(std::int64_t bytes_max) {
    return shape_of(Type::text, 1, bytes_max);
}

ValueShape text_shape(std::string form, ValueShape::Check check, std::int64_t bytes_max) {
    ValueShape shape = text_shape(bytes_max);
    shape.form = std::move(form);
    shape.check = std::move(check);
    return shape;
}

ValueShape integer_shape(std::int64_t minimum, std::int64_t maximum) {
    return shape_of(Type::integer, minimum, maximum);
}

ValueShape boolean_shape() {
    return shape_of(Type::boolean, 0, 0);
}

ValueShape choice_shape(std::vector<std::string> choices) {
    ValueShape shape = shape_of(Type::choice, 0, 0);
    shape.choices = std::move(choices);
    return shape;
}

ValueShape list_shape(ValueShape element, std::int64_t count_min, std::int64_t count_max) {
    ValueShape shape = shape_of(Type::list, count_min, count_max);
    shape.inner.push_back(std::move(element));
    return shape;
}

ValueShape object_shape(std::vector<ConfigurationKey> keys) {
    ValueShape shape = shape_of(Type::object, 0, 0);
    shape.keys = std::move(keys);
    return shape;
}

ValueShape map_shape(ValueShape value, std::int64_t count_max) {
    ValueShape shape = shape_of(Type::map, 0, count_max);
    shape.inner.push_back(std::move(value));
    return shape;
}

ValueShape null_shape() {
    return shape_of(Type::nothing, 0, 0);
}

ValueShape either_shape(std::vector<ValueShape> shapes) {
    ValueShape shape = shape_of(Type::either, 0, 0);
    shape.inner = std::move(shapes);
    return shape;
}

ConfigurationKey required_key(std::string name, ValueShape shape, std::string documentation,
                              std::string example) {
    return {std::move(name),   std::move(shape), std::move(documentation), "", true,
            std::move(example)};
}

ConfigurationKey optional_key(std::string name, ValueShape shape, std::string documentation,
                              std::string example) {
    return {std::move(name), std::move(shape),  std::move(documentation), "",
            false,           std::move(example)};
}

ConfigurationKey default_key(std::string name, ValueShape shape, std::string default_value,
                             std::string documentation) {
    return {std::move(name),
            std::move(shape),
            std::move(documentation),
            std::move(default_value),
            false,
            ""};
}

// ---- JSON Schema, draft 2020-12 -----------------------------------------------------------------

namespace {

json schema_of(const ValueShape& shape);

json schema_of_object(const ValueShape& shape) {
    json properties = json::object();
    json required = json::array();
    for (const ConfigurationKey& key : shape.keys) {
        json property = schema_of(key.shape);
        property["description"] = key.documentation;
        if (!key.default_value.empty()) property["default"] = json::parse(key.default_value);
        if (!key.example.empty()) property["examples"] = {json::parse(key.example)};
        if (key.required) required.push_back(key.name);
        properties[key.name] = std::move(property);
    }
    json schema = {{"type", "object"}, {"properties", properties}, {"additionalProperties", false}};
    if (!required.empty()) schema["required"] = required;
    return schema;
}

json schema_of(const ValueShape& shape) {
    switch (shape.type) {
        case Type::text: {
            json schema = {
                {"type", "string"}, {"minLength", shape.minimum}, {"maxLength", shape.maximum}};
            if (!shape.form.empty()) schema["$comment"] = "form: " + shape.form;
            return schema;
        }
        case Type::integer:
            return {{"type", "integer"}, {"minimum", shape.minimum}, {"maximum", shape.maximum}};
        case Type::boolean:
            return {{"type", "boolean"}};
        case Type::choice:
            return {{"enum", shape.choices}};
        case Type::list:
            return {{"type", "array"},
                    {"items", schema_of(shape.inner.at(0))},
                    {"minItems", shape.minimum},
                    {"maxItems", shape.maximum}};
        case Type::object:
            return schema_of_object(shape);
        case Type::map:
            return {{"type", "object"},
                    {"additionalProperties", schema_of(shape.inner.at(0))},
                    {"maxProperties", shape.maximum}};
        case Type::nothing:
            return {{"type", "null"}};
        case Type::either: {
            json alternatives = json::array();
            for (const ValueShape& inner : shape.inner)
                alternatives.push_back(schema_of(inner));
            return {{"anyOf", alternatives}};
        }
    }
    return json::object();
}

}  // namespace

std::string json_schema(const ConfigurationSchema& schema) {
    json root = schema_of(schema.root);
    root["$schema"] = "https://json-schema.org/draft/2020-12/schema";
    root["title"] = schema.program + ".json";
    root["description"] = schema.description;
    return root.dump(2) + "\n";
}

// ---- for docs/CONFIGURATION.md and the manual
// ----------------------------------------------------

namespace {

std::string range_in_words(const ValueShape& shape) {
    return std::to_string(shape.minimum) + "–" + std::to_string(shape.maximum);
}

std::string in_words(const ValueShape& shape) {
    std::string words;
    switch (shape.type) {
        case Type::text:
            return shape.form.empty() ? "text" : shape.form;
        case Type::integer:
            return "integer " + range_in_words(shape);
        case Type::boolean:
            return "true, false";
        case Type::choice:
            for (const std::string& choice : shape.choices) {
                words += (words.empty() ? "`\"" : ", `\"") + choice + "\"`";
            }
            return words;
        case Type::list:
            return "list of " + in_words(shape.inner.at(0));
        case Type::object:
            return "object";
        case Type::map:
            return "name → " + in_words(shape.inner.at(0));
        case Type::nothing:
            return "null";
        case Type::either:
            for (const ValueShape& inner : shape.inner) {
                words += (words.empty() ? "" : " or ") + in_words(inner);
            }
            return words;
    }
    return words;
}

// A bar inside a table cell would end the cell.
std::string cell(std::string text) {
    for (std::size_t at = text.find('|'); at != std::string::npos; at = text.find('|', at + 2)) {
        text.insert(at, "\\");
    }
    return text;
}

using Descriptions = std::vector<KeyDescription>;
void add_keys(Descriptions& all, const ValueShape& object, const std::string& prefix);

// The keys of objects that stand somewhere inside a value.
void add_inner_keys(Descriptions& all, const ValueShape& shape, const std::string& path) {
    if (shape.type == Type::object) add_keys(all, shape, path + ".");
    if (shape.type == Type::list) add_inner_keys(all, shape.inner.at(0), path + "[]");
    if (shape.type == Type::map) add_inner_keys(all, shape.inner.at(0), path + ".NAME");
    if (shape.type == Type::either) {
        for (const ValueShape& inner : shape.inner)
            add_inner_keys(all, inner, path);
    }
}

void add_keys(Descriptions& all, const ValueShape& object, const std::string& prefix) {
    for (const ConfigurationKey& key : object.keys) {
        std::string standing = key.required ? "required" : "—";
        if (!key.default_value.empty()) standing = "`" + key.default_value + "`";
        std::string meaning = key.documentation;
        if (!key.example.empty()) meaning += " Example: `" + key.example + "`";
        all.push_back({prefix + key.name, in_words(key.shape), standing, meaning});
        add_inner_keys(all, key.shape, prefix + key.name);
    }
}

}  // namespace

std::vector<KeyDescription> described_keys(const ConfigurationSchema& schema) {
    Descriptions all;
    add_keys(all, schema.root, "");
    return all;
}

std::string markdown_table(const ConfigurationSchema& schema) {
    std::string table = "| key | value | default | meaning |\n|---|---|---|---|\n";
    for (const KeyDescription& key : described_keys(schema)) {
        table += "| `" + key.key + "` | " + cell(key.values) + " | " + cell(key.standing) + " | " +
                 cell(key.meaning) + " |\n";
    }
    return table;
}

}  // namespace agent::runtime
