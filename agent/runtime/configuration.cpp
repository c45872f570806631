#include "agent/runtime/configuration.hpp"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "agent/core/errno_text.hpp"
#include "agent/runtime/configuration_text.hpp"

namespace agent::runtime {

using nlohmann::json;
using Type = ValueShape::Type;

Configuration::Configuration(std::string file, json values,
                             std::map<std::string, std::size_t> lines)
    : file_(std::move(file)),
      values_(std::make_unique<json>(std::move(values))),
      lines_(std::make_shared<const std::map<std::string, std::size_t>>(std::move(lines))) {}
Configuration::~Configuration() = default;
Configuration::Configuration(Configuration&&) noexcept = default;
Configuration& Configuration::operator=(Configuration&&) noexcept = default;

namespace {

// The line of a path, or of what encloses it: a default has no line of its own.
std::size_t line_in(const std::map<std::string, std::size_t>& lines, std::string path) {
    while (true) {
        const auto found = lines.find(path);
        if (found != lines.end()) return found->second;
        const std::size_t cut = path.find_last_of(".[");
        if (cut == std::string::npos) break;
        path.resize(cut);
    }
    const auto root = lines.find("");
    return root == lines.end() ? 1 : root->second;
}

std::string error_line(const std::string& file, std::size_t line, std::string_view path,
                       std::string_view text) {
    std::string error = file + ":" + std::to_string(line) + ": ";
    error += path.empty() ? std::string_view("(file)") : path;
    error += ": ";
    error += text;
    return error;
}

}  // namespace

std::size_t Configuration::line_of(std::string_view path) const {
    return line_in(*lines_, path_ + std::string(path));
}

std::string Configuration::error_at(std::string_view path, std::string_view text) const {
    return error_line(file_, line_of(path), path_ + std::string(path), text);
}

Configuration Configuration::part(const std::string& path, json values) const {
    Configuration part(file_, std::move(values), {});
    part.lines_ = lines_;
    part.path_ = path_ + path + ".";
    return part;
}

std::string Configuration::file_beside(const std::string& name) const {
    if (name.empty() || name.front() == '/') return name;
    const std::size_t slash = file_.rfind('/');
    return slash == std::string::npos ? name : file_.substr(0, slash + 1) + name;
}

// ---- values against their shapes ----------------------------------------------------------------

namespace {

constexpr std::size_t errors_max = 100;

std::string shown(const json& value) {
    constexpr std::size_t shown_max = 60;
    std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);
    if (text.size() > shown_max) {
        text.resize(shown_max);
        text += "…";
    }
    return text;
}

std::string listed(const std::vector<std::string>& words) {
    std::string text;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (i > 0) text += i + 1 == words.size() ? " or " : ", ";
        text += "\"" + words[i] + "\"";
    }
    return text;
}

std::string wanted(const ValueShape& shape) {
    switch (shape.type) {
        case Type::text:
            return shape.form.empty() ? "a text in quotes" : "a text of the form " + shape.form;
        case Type::integer:
            return "a whole number from " + std::to_string(shape.minimum) + " to " +
                   std::to_string(shape.maximum);
        case Type::boolean:
            return "true or false";
        case Type::choice:
            return listed(shape.choices);
        case Type::list:
            return "a list [...]";
        case Type::object:
        case Type::map:
            return "an object {...}";
        case Type::nothing:
            return "null";
        case Type::either: {
            std::string text;
            for (const ValueShape& inner : shape.inner) {
                text += (text.empty() ? "" : " or ") + wanted(inner);
            }
            return text;
        }
    }
    return {};
}

bool fits_type(const ValueShape& shape, const json& value) {
    switch (shape.type) {
        case Type::text:
        case Type::choice:
            return value.is_string();
        case Type::integer:
            return value.is_number_integer();
        case Type::boolean:
            return value.is_boolean();
        case Type::list:
            return value.is_array();
        case Type::object:
        case Type::map:
            return value.is_object();
        case Type::nothing:
            return value.is_null();
        case Type::either:
            return std::any_of(shape.inner.begin(), shape.inner.end(),
                               [&](const ValueShape& inner) { return fits_type(inner, value); });
    }
    return false;
}

// How many letters have to change to make one word of the other (Levenshtein).
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j)
        row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t above = row[j];
            const std::size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({above + 1, row[j - 1] + 1, change});
            diagonal = above;
        }
    }
    return row[b.size()];
}

std::string unknown_key_text(const ValueShape& object, const std::string& key) {
    std::vector<std::string> known;
    std::string nearest;
    std::size_t nearest_distance = 4;  // further off is no longer a slip of the finger
    for (const ConfigurationKey& candidate : object.keys) {
        known.push_back(candidate.name);
        if (key.size() > 64) continue;
        const std::size_t d = distance(key, candidate.name);
        if (d < nearest_distance && d < candidate.name.size()) {
            nearest = candidate.name;
            nearest_distance = d;
        }
    }
    if (!nearest.empty()) return "this key is not known; did you mean \"" + nearest + "\"?";
    return "this key is not known; known here: " + listed(known);
}

// Walks the values along the schema, notes what is wrong and fills defaults in.
class Judge {
  public:
    Judge(std::string file, const std::map<std::string, std::size_t>& lines,
          ConfigurationErrors& errors)
        : file_(std::move(file)), lines_(lines), errors_(errors) {}

    void judge(const ValueShape& shape, json& value, const std::string& path) {
        if (!fits_type(shape, value)) {
            wrong(path, "is " + shown(value) + "; it must be " + wanted(shape));
            return;
        }
        switch (shape.type) {
            case Type::text:
                judge_text(shape, value.get_ref<const std::string&>(), path);
                return;
            case Type::integer:
                judge_integer(shape, value, path);
                return;
            case Type::choice:
                judge_choice(shape, value, path);
                return;
            case Type::list:
                judge_list(shape, value, path);
                return;
            case Type::object:
                judge_object(shape, value, path);
                return;
            case Type::map:
                judge_map(shape, value, path);
                return;
            case Type::either:
                judge_either(shape, value, path);
                return;
            case Type::boolean:
            case Type::nothing:
                return;
        }
    }

  private:
    void judge_text(const ValueShape& shape, const std::string& text, const std::string& path) {
        if (text.find('\0') != std::string::npos) {
            wrong(path, "holds a NUL character; remove it");
            return;
        }
        const auto size = static_cast<std::int64_t>(text.size());
        if (size < shape.minimum || size > shape.maximum) {
            wrong(path, "has " + std::to_string(size) + " bytes; it must have " +
                            std::to_string(shape.minimum) + " to " + std::to_string(shape.maximum));
            return;
        }
        if (!shape.check) return;
        if (const auto problem = shape.check(text)) wrong(path, *problem);
    }

    void judge_integer(const ValueShape& shape, const json& value, const std::string& path) {
        const bool beyond = value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX;
        const std::int64_t number = beyond ? INT64_MAX : value.get<std::int64_t>();
        if (beyond || number < shape.minimum || number > shape.maximum) {
            wrong(path, "is " + shown(value) + "; it must be " + wanted(shape));
        }
    }

    void judge_choice(const ValueShape& shape, const json& value, const std::string& path) {
        const auto& text = value.get_ref<const std::string&>();
        if (std::find(shape.choices.begin(), shape.choices.end(), text) == shape.choices.end()) {
            wrong(path, "is " + shown(value) + "; it must be " + wanted(shape));
        }
    }

    void judge_list(const ValueShape& shape, json& value, const std::string& path) {
        const auto count = static_cast<std::int64_t>(value.size());
        if (count < shape.minimum || count > shape.maximum) {
            wrong(path, "has " + std::to_string(count) + " elements; it must have " +
                            std::to_string(shape.minimum) + " to " + std::to_string(shape.maximum));
        }
        for (std::size_t i = 0; i < value.size() && !enough(); ++i) {
            judge(shape.inner.at(0), value[i], path_of_element(path, i));
        }
    }

    void judge_object(const ValueShape& shape, json& value, const std::string& path) {
        for (const auto& [name, inner] : value.items()) {
            const bool known = std::any_of(shape.keys.begin(), shape.keys.end(),
                                           [&, &wanted_name = name](const ConfigurationKey& key) {
                                               return key.name == wanted_name;
                                           });
            if (!known) wrong(path_of_key(path, name), unknown_key_text(shape, name));
        }
        for (const ConfigurationKey& key : shape.keys) {
            judge_key(key, value, path_of_key(path, key.name));
        }
    }

    void judge_key(const ConfigurationKey& key, json& object, const std::string& path) {
        const auto found = object.find(key.name);
        if (found != object.end()) {
            judge(key.shape, *found, path);
            return;
        }
        if (key.required) {
            wrong(path,
                  "is missing and required; for example \"" + key.name + "\": " + key.example);
            return;
        }
        if (key.default_value.empty()) return;
        json value = json::parse(key.default_value);
        judge(key.shape, value, path);
        object[key.name] = std::move(value);
    }

    void judge_map(const ValueShape& shape, json& value, const std::string& path) {
        if (static_cast<std::int64_t>(value.size()) > shape.maximum) {
            wrong(path, "has " + std::to_string(value.size()) + " names; at most " +
                            std::to_string(shape.maximum) + " are possible");
        }
        for (const auto& [name, inner] : value.items()) {
            judge(shape.inner.at(0), inner, path_of_key(path, name));
        }
    }

    void judge_either(const ValueShape& shape, json& value, const std::string& path) {
        for (const ValueShape& inner : shape.inner) {
            if (fits_type(inner, value)) {
                judge(inner, value, path);
                return;
            }
        }
    }

    [[nodiscard]] bool enough() const { return errors_.size() >= errors_max; }

    void wrong(const std::string& path, const std::string& text) {
        if (!enough()) errors_.push_back(error_line(file_, line_in(lines_, path), path, text));
    }

    std::string file_;
    const std::map<std::string, std::size_t>& lines_;
    ConfigurationErrors& errors_;
};

}  // namespace

Configured<Configuration> read_configuration_text(const ConfigurationSchema& schema,
                                                  const std::string& file, std::string_view text) {
    constexpr std::size_t bytes_max = std::size_t{1024} * 1024;
    Configured<Configuration> result;
    if (text.size() > bytes_max) {
        result.errors.push_back(error_line(
            file, 1, "", "the file has more than 1 MiB; a configuration is a few pages"));
        return result;
    }
    ConfigurationText content = read_text(text);
    for (const TextError& error : content.errors) {
        result.errors.push_back(error_line(file, error.line, error.path, error.text));
    }
    // What was read before a syntax error is not judged: half an object would only give errors
    // about keys that are there after all.
    if (!content.complete) return result;
    Judge(file, content.lines, result.errors).judge(schema.root, content.values, "");
    if (result.errors.empty()) {
        result.value.emplace(file, std::move(content.values), std::move(content.lines));
    }
    return result;
}

Configured<Configuration> read_configuration_file(const ConfigurationSchema& schema,
                                                  const std::string& file) {
    std::ifstream stream(file, std::ios::binary);
    std::ostringstream text;
    if (stream) text << stream.rdbuf();
    if (!stream || stream.bad() || (text.fail() && stream.peek() != EOF)) {
        Configured<Configuration> result;
        result.errors.push_back(error_line(
            file, 1, "",
            std::string("can not be read: ") + core::errno_text(errno) +
                "; name the configuration file with --config FILE, readable for this program"));
        return result;
    }
    return read_configuration_text(schema, file, text.str());
}

}  // namespace agent::runtime
