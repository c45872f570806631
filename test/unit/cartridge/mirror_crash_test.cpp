// A mirror of which one side was away is brought up to date, and the process or the machine dies
// meanwhile: at every write, and again while that is being mended. The system calls below stand
// before the C library's and come to an end where the test says so: of the write that is the last
// one a half is done, and nothing after it.

#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <map>
#include <string>

#include "drive_iface/cartridge/folders.hpp"
#include "drive_iface/cartridge/recording.hpp"
#include "test/support/catch.hpp"
#include "test/unit/cartridge/shelf_stand.hpp"

namespace {

constexpr std::size_t endless = ~std::size_t{0};
std::size_t writes_left = endless;
std::size_t writes_done = 0;
std::size_t index_syncs_left = endless;
bool remembers_durable = false;
std::map<std::string, Blocks> durable;  // by path, as of the last fdatasync

std::string path_of(int file) {
    std::array<char, 4096> path{};
    const auto link = "/proc/self/fd/" + std::to_string(file);
    const auto size = ::readlink(link.c_str(), path.data(), path.size());
    return size > 0 ? std::string(path.data(), static_cast<std::size_t>(size)) : "";
}

enum class Write : std::uint8_t { whole, half, none };

Write next_write() {
    if (writes_left == 0) {
        errno = EIO;
        return Write::none;
    }
    ++writes_done;
    if (writes_left == endless) return Write::whole;
    return --writes_left == 0 ? Write::half : Write::whole;
}

ssize_t died() {
    errno = EIO;
    return -1;
}

}  // namespace

extern "C" {

ssize_t pwrite(int file, const void* bytes, size_t size, off_t offset) {
    const auto how = next_write();
    if (how == Write::none) return died();
    const auto part = how == Write::half ? size / 2 : size;
    const auto put = ::syscall(SYS_pwrite64, file, bytes, part, offset);
    return how == Write::half ? died() : put;
}
ssize_t pwritev(int file, const iovec* pieces, int count, off_t offset) {
    const auto how = next_write();
    if (how == Write::none) return died();
    const auto part = how == Write::half ? count / 2 : count;
    const auto put = ::syscall(SYS_pwritev, file, pieces, part, offset, 0);
    return how == Write::half ? died() : put;
}
int fdatasync(int file) {
    if (writes_left != 0 && index_syncs_left != endless && path_of(file).ends_with(".tix") &&
        --index_syncs_left == 0)
        writes_left = 0;
    if (writes_left == 0) return static_cast<int>(died());
    if (remembers_durable) durable[path_of(file)] = file_bytes(path_of(file));
    return 0;
}
int rename(const char* from, const char* to) noexcept {
    if (next_write() != Write::whole) return static_cast<int>(died());
    return static_cast<int>(::syscall(SYS_rename, from, to));
}

}  // extern "C"

using namespace drive_iface::cartridge;
using namespace drive_iface::virtual_library;

namespace {

const std::string barcode = "TWINS1L8";

std::string fast_folder() {
    return std::filesystem::is_directory("/dev/shm") ? "/dev/shm" : "";
}

std::vector<Blocks> blocks_of(std::uint32_t seed, std::size_t count, std::uint32_t length = 61) {
    std::vector<Blocks> objects;
    for (std::uint32_t i = 0; i < count; ++i)
        objects.push_back(i % 5 == 3 ? Blocks{} : block_of(length, seed + i));
    return objects;
}

std::vector<Blocks> together(std::vector<Blocks> one, const std::vector<Blocks>& other) {
    one.insert(one.end(), other.begin(), other.end());
    return one;
}

bool begins_as(const std::vector<Blocks>& found, const std::vector<Blocks>& written) {
    return found.size() <= written.size() &&
           std::equal(found.begin(), found.end(), written.begin());
}

void append(Recording& recording, const std::vector<Blocks>& objects) {
    std::vector<RecordedPiece> pieces;
    for (const auto& object : objects) {
        const auto length = static_cast<std::uint32_t>(object.size());
        pieces.push_back({object, length, object.empty() ? 1U : 0U});
    }
    REQUIRE(recording.append(pieces).ok());
}

void cut(Recording& recording, std::uint64_t number) {
    const auto entry = recording.find(number);
    REQUIRE(entry.ok());
    REQUIRE(recording.cut(entry->before).ok());
}

class Twins {
  public:
    Twins() : folders_{one_.path(), two_.path()} {
        Metadata metadata;
        metadata.facts.barcode = barcode;
        metadata.facts.capacity = 1 << 30;
        metadata.volume = volume_;
        metadata.placement = Placement::mirror;
        REQUIRE(Recording::create(folders_, metadata).ok());
    }
    ~Twins() { live_on(); }
    Twins(const Twins&) = delete;
    Twins& operator=(const Twins&) = delete;

    // With both sides, or with one of them while the other one is away.
    [[nodiscard]] std::unique_ptr<Recording> open() const { return open_in(folders_); }
    [[nodiscard]] auto open_cancelled() const {
        OpeningOptions options;
        options.cancelled = [] { return true; };
        return Recording::open(folders_, barcode, options);
    }
    [[nodiscard]] std::unique_ptr<Recording> open_alone(std::size_t side) const {
        return open_in({folders_[side]});
    }
    [[nodiscard]] std::vector<Blocks> found() const { return all_of(*open()); }
    [[nodiscard]] std::vector<Blocks> found_alone(std::size_t side) const {
        return all_of(*open_alone(side));
    }
    [[nodiscard]] Blocks data(std::size_t side) const {
        return file_bytes(copy_paths(folders_[side], barcode).data);
    }

    [[nodiscard]] CopyPaths paths(std::size_t side) const {
        return copy_paths(folders_[side], barcode);
    }
    [[nodiscard]] std::size_t offset_of(std::uint64_t number, std::size_t side) const {
        const auto index = file_bytes(paths(side).index);
        const auto bytes = std::span(index).subspan(index_offset(number), index_entry_size);
        const auto entry = decode_index_entry(bytes, number, volume_);
        REQUIRE(entry);
        return entry->before.offset;
    }

    using Files = std::map<std::string, Blocks>;
    [[nodiscard]] Files files() const {
        Files all;
        for (const auto& folder : folders_) {
            const auto paths = copy_paths(folder, barcode);
            for (const auto& path : {paths.data, paths.index, paths.metadata})
                all[path] = file_bytes(path);
        }
        return all;
    }
    static void put(const Files& files) {
        for (const auto& [path, bytes] : files)
            write_file(path, bytes);
    }
    // Of both sides, dying at this write; what is lost with the power is what was not synchronised
    // of files that end so. False: it went well, there are not that many writes.
    bool open_and_die(std::size_t at_write, const std::vector<std::string>& lost) const {
        durable = files();
        remembers_durable = true;
        writes_left = at_write;
        static_cast<void>(Recording::open(folders_, barcode, {}));
        const bool died = writes_left == 0;
        live_on();
        for (const auto& [path, bytes] : durable) {
            for (const auto& ending : lost) {
                if (path.ends_with(ending)) write_file(path, bytes);
            }
        }
        return died;
    }

    // The same in the middle of this synchronisation of an index: its commits are on the disk by
    // then, and its entries are not.
    bool open_and_tear(std::size_t at_sync) const {
        durable = files();
        remembers_durable = true;
        index_syncs_left = at_sync;
        static_cast<void>(Recording::open(folders_, barcode, {}));
        const bool died = writes_left == 0;
        auto kept = durable;
        live_on();
        if (died) tear(kept);
        return died;
    }
    // Power is lost: of the data and of entries these are left, and commits as they are now.
    static void tear(const Files& left) {
        for (auto [path, bytes] : left) {
            if (path.ends_with(".tix")) {
                auto now = file_bytes(path);
                now.resize(std::min<std::size_t>(now.size(), index_entries_at));
                if (bytes.size() > now.size()) {
                    now.insert(now.end(), bytes.begin() + static_cast<std::ptrdiff_t>(now.size()),
                               bytes.end());
                }
                bytes = now;
            }
            write_file(path, bytes);
        }
    }

  private:
    static void live_on() {
        writes_left = endless;
        index_syncs_left = endless;
        remembers_durable = false;
        durable.clear();
    }
    static std::unique_ptr<Recording> open_in(const std::vector<std::string>& folders) {
        auto opened = Recording::open(folders, barcode, {});
        INFO((opened.ok() ? std::string() : opened.error().message));
        REQUIRE(opened.ok());
        return std::move(opened).value();
    }
    static std::vector<Blocks> all_of(const Recording& recording) {
        std::vector<Blocks> objects(recording.end().objects);
        for (auto& block : recording.read(0, objects.size(), ~std::uint64_t{0})) {
            INFO(block.error);
            REQUIRE(block.error.empty());
            objects.at(block.number) = std::move(block.data);
        }
        return objects;
    }

    VolumeId volume_ = new_volume_id();
    TemporaryFolder one_{fast_folder()};
    TemporaryFolder two_{fast_folder()};
    std::vector<std::string> folders_;
};

// What both sides held before one was away, and what the other one holds now.
struct Story {
    const char* name;
    std::vector<Blocks> before;
    std::size_t kept;  // of them
    std::vector<Blocks> after;
};

std::vector<Story> stories() {
    const auto before = blocks_of(1, 12);
    auto one_other = std::vector<Blocks>(before.begin() + 2, before.end());
    one_other.front() = block_of(61, 4711);
    return {{"more was written", before, 12, blocks_of(50, 6)},
            {"written over, longer", before, 4, blocks_of(100, 14)},
            {"written over, shorter", before, 4, blocks_of(100, 3)},
            {"written over with blocks of another length", before, 4, blocks_of(100, 9, 75)},
            {"written over with all but the first as it was", before, 2, one_other},
            {"cut", before, 5, {}}};
}

// Plays it; what is recorded now.
std::vector<Blocks> play(const Twins& twins, const Story& story, std::size_t away, bool unloaded) {
    {
        const auto both = twins.open();
        append(*both, story.before);
        REQUIRE((unloaded ? both->close() : both->synchronise()).ok());
    }
    const auto alone = twins.open_alone(1 - away);
    if (story.kept < story.before.size()) cut(*alone, story.kept);
    append(*alone, story.after);
    REQUIRE((unloaded ? alone->close() : alone->synchronise()).ok());
    const auto kept = story.before.begin() + static_cast<std::ptrdiff_t>(story.kept);
    return together({story.before.begin(), kept}, story.after);
}

}  // namespace

TEST_CASE("a side that was away holds the same as the other one afterwards") {
    for (const auto& story : stories()) {
        for (const std::size_t away : {0U, 1U}) {
            const Twins twins;
            const auto now = play(twins, story, away, true);
            REQUIRE(twins.open()->close().ok());
            INFO(story.name << ", away: " << away);
            const auto size = twins.data(1 - away).size();
            auto copy = twins.data(away);
            REQUIRE(copy.size() >= size);
            copy.resize(size);
            CHECK(copy == twins.data(1 - away));
            CHECK(twins.found_alone(away) == now);
        }
    }
}

TEST_CASE("bringing a side up to date loses nothing wherever the process or the machine dies") {
    using Lost = std::vector<std::string>;
    const bool unloaded = GENERATE(true, false);
    const auto losses =
        unloaded ? std::vector<Lost>{{}, {".tap"}, {".tix"}} : std::vector<Lost>{{".tap", ".tix"}};
    const std::size_t away = GENERATE(0U, 1U);
    for (const auto& story : stories()) {
        const Twins twins;
        const auto now = play(twins, story, away, unloaded);
        const auto begin = twins.files();
        std::size_t tried = 0;
        for (const auto& lost : losses) {
            for (std::size_t first = 1;; ++first) {
                Twins::put(begin);
                if (!twins.open_and_die(first, lost)) break;
                ++tried;
                INFO(story.name << ", away: " << away << ", died at " << first << " with "
                                << lost.size() << " kinds of files lost");
                const auto dead = twins.files();
                REQUIRE(twins.found() == now);
                // The other side is lost with it: what this one tells of is whole, and from one
                // time.
                Twins::put(dead);
                const auto alone = twins.found_alone(away);
                REQUIRE((begins_as(alone, now) || begins_as(alone, story.before)));
                REQUIRE(alone.size() >= std::min(story.kept, now.size()));
                // Some of all pairs, others with each story.
                for (auto second = first % 5 + 1;; second += 5) {
                    Twins::put(dead);
                    if (!twins.open_and_die(second, lost)) break;
                    INFO("and again at " << second);
                    REQUIRE(twins.found() == now);
                }
            }
        }
        CHECK(tried > 2 * losses.size());
    }
}

TEST_CASE("an opening that dies again and again never makes the older side the newer one") {
    Twins twins;
    const auto safe = blocks_of(1, 5);
    const auto more = blocks_of(50, 5);
    Twins::Files older;
    {
        const auto both = twins.open();
        append(*both, safe);
        REQUIRE(both->synchronise().ok());
        older = twins.files();
        append(*both, more);
        REQUIRE(both->synchronise().ok());
    }
    // As a loss of power leaves it between the commits of the two.
    const std::size_t behind = GENERATE(0U, 1U);
    auto files = twins.files();
    auto& stale = behind == 0 ? files.begin()->first : files.rbegin()->first;
    const auto folder = std::filesystem::path(stale).parent_path().string();
    for (auto& [path, bytes] : files) {
        if (path.starts_with(folder + "/")) bytes = older.at(path);
    }
    Twins::put(files);
    const auto writes_of_an_opening = [&] {
        std::size_t writes = 1;
        while (twins.open_and_die(writes, {})) {
            Twins::put(files);
            ++writes;
        }
        Twins::put(files);
        return writes;
    }();
    for (std::size_t at = 1; at < writes_of_an_opening; ++at) {
        Twins::put(files);
        for (int again = 0; again < 5; ++again)
            static_cast<void>(twins.open_and_die(at, {}));
        INFO("dying at " << at);
        REQUIRE(twins.found() == together(safe, more));
    }
}

TEST_CASE("commits that reach the disk before the entries they tell of are not believed") {
    const bool unloaded = GENERATE(true, false);
    const std::size_t away = GENERATE(0U, 1U);
    for (const auto& story : stories()) {
        const Twins twins;
        const auto now = play(twins, story, away, unloaded);
        const auto begin = twins.files();
        for (std::size_t at = 1;; ++at) {
            Twins::put(begin);
            if (!twins.open_and_tear(at)) break;
            INFO(story.name << ", away: " << away << ", torn at " << at);
            const auto torn = twins.files();
            REQUIRE(twins.found() == now);
            Twins::put(torn);
            const auto alone = twins.found_alone(away);
            REQUIRE((begins_as(alone, now) || begins_as(alone, story.before)));
        }
    }
}

TEST_CASE("entries that were lost with the power and made anew are there before their commit") {
    const Twins twins;
    const auto before = blocks_of(1, 12), after = blocks_of(100, 8);
    auto both = twins.open();
    append(*both, before);
    REQUIRE(both->synchronise().ok());
    cut(*both, 4);
    const auto entries = twins.files();
    append(*both, after);
    REQUIRE(both->synchronise().ok());
    both.reset();
    const auto now = together({before.begin(), before.begin() + 4}, after);
    auto left = twins.files();
    for (auto& [path, bytes] : left) {
        if (path.ends_with(".tix")) bytes = entries.at(path);
    }
    Twins::tear(left);
    const auto begin = twins.files();
    for (std::size_t at = 1;; ++at) {
        Twins::put(begin);
        if (!twins.open_and_tear(at)) {
            CHECK(at > 2);
            break;
        }
        INFO("torn at " << at);
        for (const std::size_t side : {0U, 1U})
            REQUIRE(twins.found_alone(side) == now);
    }
}

TEST_CASE("what was copied to a side before the process died is nobody else's work") {
    const Twins twins;
    const std::size_t away = GENERATE(0U, 1U);
    const auto now = play(twins, stories().front(), away, true);
    const auto begin = twins.files();
    for (std::size_t at = 1;; ++at) {
        Twins::put(begin);
        if (!twins.open_and_die(at, {})) break;
        const auto opened = twins.open();
        for (const auto& finding : opened->take_findings()) {
            INFO("died at " << at);
            CHECK(finding.find("another program") == std::string::npos);
        }
    }
    CHECK(twins.found() == now);
}

TEST_CASE("an opening that is cancelled changes neither side") {
    const Twins twins;
    play(twins, stories().front(), 1, true);
    const auto begin = twins.files();
    CHECK_FALSE(twins.open_cancelled().ok());
    CHECK(twins.files() == begin);
}

TEST_CASE("a damaged entry is no difference, and good data is not written over for it") {
    const bool of_the_leader = GENERATE(true, false);
    const std::size_t away = GENERATE(0U, 1U);
    const Twins twins;
    const auto now = play(twins, stories().front(), away, true);
    // Of one object the entry and the data of another, and of a third one entry and data.
    auto index = file_bytes(twins.paths(of_the_leader ? 1 - away : away).index);
    index.at(index_offset(2) + 5) ^= 0xffU;
    index.at(index_offset(7) + 5) ^= 0xffU;
    write_file(twins.paths(of_the_leader ? 1 - away : away).index, index);
    for (const std::size_t number : {5U, 7U}) {
        const auto record = twins.offset_of(number, of_the_leader ? away : 1 - away);
        auto data = twins.data(1 - away);
        data.at(record + 20) ^= 0xffU;
        write_file(twins.paths(1 - away).data, data);
    }
    const auto before = twins.data(away);
    CHECK(twins.found() == now);
    // What it held it holds.
    const auto after = twins.data(away);
    CHECK(std::equal(before.begin(), before.end() - tap_word, after.begin()));
    if (of_the_leader) CHECK(twins.found_alone(away) == now);
}

// The entry of one object is damaged on both sides, that of the next one in the newer copy, and
// nothing behind them is of both.
struct MissingOnBoth {
    explicit MissingOnBoth(std::size_t side_away) : away(side_away), newer(1 - side_away) {
        now = play(twins, stories().front(), away, true);
        spoil_entry(away, 10);
        spoil_entry(newer, 10);
        record = twins.offset_of(11, newer);
        spoil_entry(newer, 11);
    }
    void spoil_entry(std::size_t side, std::uint64_t number) const {
        auto index = file_bytes(twins.paths(side).index);
        index.at(index_offset(number) + 5) ^= 0xffU;
        write_file(twins.paths(side).index, index);
    }
    void spoil_data(std::size_t side, std::size_t at) const {
        auto data = twins.data(side);
        data.at(at) ^= 0xffU;
        write_file(twins.paths(side).data, data);
    }
    // Lines about what was copied and nobody vouches for.
    [[nodiscard]] std::vector<std::string> told() const {
        auto findings = twins.open()->take_findings();
        std::erase_if(findings, [](const auto& one) {
            return one.find("no index entry tells") == std::string::npos;
        });
        return findings;
    }

    Twins twins;
    std::size_t away;
    std::size_t newer;
    std::vector<Blocks> now;
    std::size_t record = 0;  // of object 11
};

TEST_CASE("an entry that both sides lack is no difference when their data is the same") {
    const MissingOnBoth both(GENERATE(0U, 1U));
    CHECK(both.told().empty());
    // The entry behind it is whole in the older copy, and stays so.
    CHECK(both.twins.offset_of(11, both.away) == both.record);
}

TEST_CASE("what is copied though neither side has an entry of it is told") {
    const MissingOnBoth both(GENERATE(0U, 1U));
    both.spoil_data(both.away, both.record - 20);  // in object 10
    const auto told = both.told();
    REQUIRE(told.size() == 1);
    CHECK(told.front().find("object 10 and 1 more were copied") != std::string::npos);
    CHECK(told.front().find(both.twins.paths(both.newer).data) != std::string::npos);
    // Once: both hold the same now.
    CHECK(both.told().empty());
    const auto& data = both.twins.data(both.newer);
    CHECK(std::equal(data.begin(), data.end(), both.twins.data(both.away).begin()));
}

TEST_CASE("a damaged block of the newer side is not copied over a good one") {
    const std::size_t away = GENERATE(0U, 1U);
    const Twins twins;
    const auto story = stories().at(4);
    REQUIRE(story.kept == 2);
    const auto now = play(twins, story, away, true);
    auto data = twins.data(1 - away);
    data.at(twins.offset_of(5, 1 - away) + 20) ^= 0xffU;
    write_file(twins.paths(1 - away).data, data);
    CHECK(twins.found() == now);
    CHECK(twins.found_alone(away) == now);
}

TEST_CASE("one damaged entry does not have the blocks behind it believed as they are") {
    const Twins twins;
    play(twins, stories().front(), 1, true);
    auto index = file_bytes(twins.paths(0).index);
    const auto damaged = GENERATE(4U, 9U, 13U);  // the middle of 18, and the middles of its halves
    index.at(index_offset(damaged) + 5) ^= 0xffU;
    auto data = twins.data(0);
    data.at(twins.offset_of(16, 0) + 20) ^= 0xffU;
    write_file(twins.paths(0).index, index);
    write_file(twins.paths(0).data, data);
    const auto opened = twins.open_alone(0);
    CHECK(opened->end().objects == 18);
    for (const auto& block : opened->read(0, 18, ~std::uint64_t{0})) {
        INFO(block.number);
        CHECK(block.error.empty() == (block.number != damaged && block.number != 16));
    }
}
