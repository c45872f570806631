#include "agent/runtime/configuration_text.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <memory>
#include <utility>

namespace agent::runtime {

using nlohmann::json;

std::string path_of_element(const std::string& list, std::size_t index) {
    return list + "[" + std::to_string(index) + "]";
}

std::string path_of_key(const std::string& object, const std::string& key) {
    const bool plain = !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-';
    });
    if (!plain) {
        return object + "[" + json(key).dump(-1, ' ', true, json::error_handler_t::replace) + "]";
    }
    return object.empty() ? key : object + "." + key;
}

namespace {

// Where the JSON reader is. A line end belongs to the line it ends: the reader looks one character
// beyond a number before it reports it.
struct Place {
    std::size_t line = 1;
    bool line_ends = false;

    void pass(char c) {
        if (line_ends) ++line;
        line_ends = c == '\n';
    }
};

class CountingIterator {
  public:
    using iterator_category = std::input_iterator_tag;
    using value_type = char;
    using difference_type = std::ptrdiff_t;
    using pointer = const char*;
    using reference = const char&;

    CountingIterator(const char* at, Place* place) : at_(at), place_(place) {}
    reference operator*() const { return *at_; }
    CountingIterator& operator++() {
        place_->pass(*at_);
        ++at_;
        return *this;
    }
    CountingIterator operator++(int) {
        const CountingIterator before = *this;
        ++*this;
        return before;
    }
    bool operator==(const CountingIterator& other) const { return at_ == other.at_; }
    bool operator!=(const CountingIterator& other) const { return at_ != other.at_; }

  private:
    const char* at_;
    Place* place_;
};

constexpr std::size_t nesting_max = 64;
constexpr std::size_t text_errors_max = 100;

// Receives the reader's events and builds the values. The names of its functions are
// nlohmann::json_sax's.
class Builder {
  public:
    using number_integer_t = json::number_integer_t;
    using number_unsigned_t = json::number_unsigned_t;
    using number_float_t = json::number_float_t;
    using string_t = json::string_t;
    using binary_t = json::binary_t;

    Builder(ConfigurationText& result, const Place& place) : result_(result), place_(place) {}

    bool null() { return put(nullptr); }
    bool boolean(bool value) { return put(value); }
    bool number_integer(number_integer_t value) { return put(value); }
    bool number_unsigned(number_unsigned_t value) { return put(value); }
    bool number_float(number_float_t value, const string_t&) { return put(value); }
    bool string(string_t& value) { return put(std::move(value)); }
    bool binary(binary_t&) { return false; }
    bool start_object(std::size_t) { return open(json::object()); }
    bool start_array(std::size_t) { return open(json::array()); }
    bool end_object() { return close(); }
    bool end_array() { return close(); }

    bool key(string_t& name) {
        Open& object = open_.back();
        object.key = name;
        const std::string path = path_of_key(object.path, name);
        if (!object.value->contains(name)) return true;
        const auto first = result_.lines.find(path);
        if (first == result_.lines.end() || result_.errors.size() >= text_errors_max) return true;
        result_.errors.push_back({place_.line, path,
                                  "the key stands twice, first on line " +
                                      std::to_string(first->second) + "; keep one of the two"});
        return true;
    }

    bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& problem) {
        // "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error ..."
        std::string text = problem.what();
        const std::size_t column = text.find("column ");
        const std::size_t words = text.find(": ", column == std::string::npos ? 0 : column);
        if (words != std::string::npos) text.erase(0, words + 2);
        result_.errors.push_back({place_.line, "", "this is not JSON: " + text});
        return false;
    }

  private:
    struct Open {
        json* value;
        std::string path;
        std::string key;  // object: the key whose value comes next
    };

    bool open(json container) {
        if (open_.size() >= nesting_max) {
            result_.errors.push_back({place_.line, "",
                                      "values stand more than " + std::to_string(nesting_max) +
                                          " levels deep; no key needs that"});
            return false;
        }
        const std::string path = path_of_next();
        json* value = place(std::move(container), path);
        open_.push_back({value, path, ""});
        return true;
    }

    bool close() {
        open_.pop_back();
        return true;
    }

    bool put(json value) {
        place(std::move(value), path_of_next());
        return true;
    }

    std::string path_of_next() const {
        if (open_.empty()) return "";
        const Open& outer = open_.back();
        if (outer.value->is_array()) return path_of_element(outer.path, outer.value->size());
        return path_of_key(outer.path, outer.key);
    }

    // The address stays good while its container is open: a container grows only when nothing
    // inside it is open.
    json* place(json value, const std::string& path) {
        result_.lines.emplace(path, place_.line);
        if (open_.empty()) {
            result_.values = std::move(value);
            return &result_.values;
        }
        json& outer = *open_.back().value;
        if (outer.is_array()) {
            outer.push_back(std::move(value));
            return &outer.back();
        }
        json& slot = outer[open_.back().key];
        slot = std::move(value);
        return &slot;
    }

    ConfigurationText& result_;
    const Place& place_;
    std::vector<Open> open_;
};

}  // namespace

ConfigurationText read_text(std::string_view text) {
    ConfigurationText result;
    Place place;
    Builder builder(result, place);
    const CountingIterator first(text.data(), &place);
    const CountingIterator last(text.data() + text.size(), &place);
    result.complete =
        json::sax_parse(first, last, &builder, json::input_format_t::json, true, true);
    return result;
}

}  // namespace agent::runtime
