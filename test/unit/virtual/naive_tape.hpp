#pragma once

// A tape as somebody would write it down who has only read the standard: a list of things on it and
// a finger that walks along them one by one. It shares no code with the drive, and is what the
// drive is compared with.

#include <cstdint>
#include <optional>
#include <vector>

namespace tape_test {

class NaiveTape {
  public:
    struct Thing {
        bool is_filemark = false;
        std::vector<std::uint8_t> data;
    };

    // What a host sees of a command.
    struct Seen {
        bool good = true;
        int key = 0, asc = 0, ascq = 0;
        bool filemark = false, end_of_medium = false, incorrect_length = false;
        std::optional<std::uint32_t> information;
        std::vector<std::uint8_t> data;
        bool operator==(const Seen&) const = default;
    };

    NaiveTape(std::size_t capacity, std::size_t warning, bool worm)
        : capacity_(capacity), warning_(warning), worm_(worm) {}

    std::uint32_t block_length = 0;
    bool append_only = false;

    // Lets the next thing that is written here discard what stands here.
    Seen allow_overwrite(std::uint64_t number) {
        allowed_.reset();
        if (!append_only) return bad(5, 0x20, 0x0c);
        if (number != finger_) return bad(5, 0x3b, 0);
        allowed_ = finger_;
        return {};
    }

    Seen write(bool fixed, std::uint32_t count, const std::vector<std::uint8_t>& data) {
        if (count == 0) return {};
        if (const auto no = kept()) return *no;
        things_.resize(finger_);
        const std::size_t length = fixed ? block_length : count;
        std::uint32_t left = fixed ? count : 1;
        std::size_t from = 0;
        while (left > 0 && bytes() + length <= capacity_) {
            things_.push_back({false,
                               {data.begin() + static_cast<std::ptrdiff_t>(from),
                                data.begin() + static_cast<std::ptrdiff_t>(from + length)}});
            from += length;
            --left;
        }
        finger_ = things_.size();
        if (left > 0) {
            Seen seen = bad(0xd, 0, 2);
            seen.end_of_medium = true;
            seen.information = fixed ? left : count;
            return seen;
        }
        return near_the_end();
    }

    Seen write_filemarks(std::uint32_t count) {
        if (count == 0) return {};
        if (const auto no = kept()) return *no;
        things_.resize(finger_);
        for (std::uint32_t i = 0; i < count; ++i)
            things_.push_back({true, {}});
        finger_ = things_.size();
        return near_the_end();
    }

    Seen read_variable(std::uint32_t length, bool silent) {
        if (length == 0) return {};
        if (finger_ == things_.size()) return bad(8, 0, 5, length);
        const Thing thing = things_[finger_++];
        if (thing.is_filemark) return at_filemark(length);
        Seen seen;
        for (std::size_t i = 0; i < thing.data.size() && i < length; ++i)
            seen.data.push_back(thing.data[i]);
        if (thing.data.size() == length) return seen;
        if (silent && (thing.data.size() < length || block_length == 0)) return seen;
        seen.good = false;
        seen.incorrect_length = true;
        seen.information = static_cast<std::uint32_t>(std::int64_t{length} -
                                                      static_cast<std::int64_t>(thing.data.size()));
        return seen;
    }

    Seen read_fixed(std::uint32_t count) {
        Seen all;
        for (std::uint32_t i = 0; i < count; ++i) {
            Seen stop;
            if (finger_ == things_.size()) {
                stop = bad(8, 0, 5, count - i);
            } else if (things_[finger_].is_filemark) {
                ++finger_;
                stop = at_filemark(count - i);
            } else if (things_[finger_].data.size() != block_length) {
                ++finger_;
                stop = bad(0, 0, 0, count - i);
                stop.incorrect_length = true;
            } else {
                const auto& data = things_[finger_++].data;
                all.data.insert(all.data.end(), data.begin(), data.end());
                continue;
            }
            stop.data = all.data;
            return stop;
        }
        return all;
    }

    Seen space_blocks(std::int64_t count) {
        for (; count > 0; --count) {
            if (finger_ == things_.size()) return bad(8, 0, 5, magnitude(count));
            if (things_[finger_++].is_filemark) return at_filemark(magnitude(count));
        }
        for (; count < 0; ++count) {
            if (finger_ == 0) return at_beginning(count);
            if (things_[--finger_].is_filemark) return at_filemark(magnitude(count));
        }
        return {};
    }

    Seen space_filemarks(std::int64_t count) {
        while (count > 0) {
            if (finger_ == things_.size()) return bad(8, 0, 5, magnitude(count));
            if (things_[finger_++].is_filemark) --count;
        }
        while (count < 0) {
            if (finger_ == 0) return at_beginning(count);
            if (things_[--finger_].is_filemark) ++count;
        }
        return {};
    }

    Seen to_end_of_data() {
        finger_ = things_.size();
        return {};
    }

    Seen rewind() {
        finger_ = 0;
        return {};
    }

    Seen locate(std::uint64_t number) {
        finger_ = 0;
        while (finger_ < number) {
            if (finger_ == things_.size()) return bad(8, 0, 5);
            ++finger_;
        }
        return {};
    }

    Seen locate_file(std::uint64_t number) {
        finger_ = 0;
        while (number > 0) {
            if (finger_ == things_.size()) return bad(8, 0, 5);
            if (things_[finger_++].is_filemark) --number;
        }
        return {};
    }

    Seen erase() {
        if (const auto no = kept()) return *no;
        things_.resize(finger_);
        return {};
    }

    [[nodiscard]] std::size_t position() const { return finger_; }
    [[nodiscard]] std::size_t file_number() const {
        std::size_t filemarks = 0;
        for (std::size_t i = 0; i < finger_; ++i)
            if (things_[i].is_filemark) ++filemarks;
        return filemarks;
    }
    [[nodiscard]] const std::vector<Thing>& things() const { return things_; }

  private:
    // What may not be overwritten; who may uses it up.
    std::optional<Seen> kept() {
        if (worm_ && finger_ < things_.size()) return bad(7, 0x30, 0x0c);
        if (append_only && finger_ < things_.size() && allowed_ != finger_) return bad(7, 0x5a, 2);
        allowed_.reset();
        return std::nullopt;
    }
    static std::uint32_t magnitude(std::int64_t count) {
        return static_cast<std::uint32_t>(count < 0 ? -count : count);
    }
    static Seen bad(int key, int asc, int ascq, std::optional<std::uint32_t> information = {}) {
        Seen seen;
        seen.good = false;
        seen.key = key;
        seen.asc = asc;
        seen.ascq = ascq;
        seen.information = information;
        return seen;
    }
    static Seen at_filemark(std::uint32_t left) {
        Seen seen = bad(0, 0, 1, left);
        seen.filemark = true;
        return seen;
    }
    static Seen at_beginning(std::int64_t count) {
        Seen seen = bad(0, 0, 4, magnitude(count));
        seen.end_of_medium = true;
        return seen;
    }
    [[nodiscard]] std::size_t bytes() const {
        std::size_t all = 0;
        for (const Thing& thing : things_)
            all += thing.data.size();
        return all;
    }
    [[nodiscard]] Seen near_the_end() const {
        if (bytes() < warning_) return {};
        Seen seen = bad(0, 0, 2, 0);
        seen.end_of_medium = true;
        return seen;
    }

    std::size_t capacity_;
    std::size_t warning_;
    bool worm_;
    std::vector<Thing> things_;
    std::size_t finger_ = 0;
    std::optional<std::size_t> allowed_;
};

}  // namespace tape_test
