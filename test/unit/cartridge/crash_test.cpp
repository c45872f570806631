// What is left of a recording when the machine or the process dies: the files are put together as
// they could be found afterwards, and opened. Required each time: everything that was synchronised
// is there, and what is there is what was written, in its order, from the beginning.

#include <algorithm>
#include <filesystem>

#include "drive_iface/cartridge/folders.hpp"
#include "drive_iface/cartridge/recording.hpp"
#include "test/support/catch.hpp"
#include "test/unit/cartridge/shelf_stand.hpp"

using namespace drive_iface::cartridge;
using namespace drive_iface::virtual_library;

namespace {

const std::string barcode = "CRASH1L8";

struct Files {
    Blocks data;
    Blocks index;
};

// In memory where there is such a folder: a synchronisation each time would take minutes.
std::string fast_folder() {
    return std::filesystem::is_directory("/dev/shm") ? "/dev/shm" : "";
}

class Crash {
  public:
    explicit Crash(bool closed = true) : folder_(fast_folder()) {
        Metadata metadata;
        metadata.facts.barcode = barcode;
        metadata.facts.capacity = 1 << 30;
        metadata.volume = new_volume_id();
        auto made = Recording::create({folder_.path()}, metadata, closed);
        REQUIRE(made.ok());
        recording_ = std::move(made).value();
    }

    [[nodiscard]] Recording& recording() { return *recording_; }
    void append(const std::vector<Blocks>& objects) {
        std::vector<RecordedPiece> pieces;
        for (const auto& object : objects) {
            const auto length = static_cast<std::uint32_t>(object.size());
            pieces.push_back({object, length, object.empty() ? 1U : 0U});
        }
        REQUIRE(recording_->append(pieces).ok());
    }
    void synchronise() { REQUIRE(recording_->synchronise().ok()); }
    void cut(std::uint64_t number) {
        const auto entry = recording_->find(number);
        REQUIRE(entry.ok());
        REQUIRE(recording_->cut(entry->before).ok());
    }
    [[nodiscard]] Files files() const {
        const auto paths = copy_paths(folder_.path(), barcode);
        return {file_bytes(paths.data), file_bytes(paths.index)};
    }
    void put(const Files& files) const {
        const auto paths = copy_paths(folder_.path(), barcode);
        write_file(paths.data, files.data);
        write_file(paths.index, files.index);
    }
    void let_go() { recording_.reset(); }

    [[nodiscard]] std::vector<Blocks> found() const {
        auto opened = Recording::open({folder_.path()}, barcode, {});
        INFO((opened.ok() ? std::string() : opened.error().message));
        REQUIRE(opened.ok());
        return all_of(*opened.value());
    }
    [[nodiscard]] std::vector<Blocks> found_with(const Files& files) const {
        put(files);
        auto once = found();
        // Mending leaves nothing to mend.
        REQUIRE(found() == once);
        return once;
    }
    // Blocks that can not be read as the error.
    [[nodiscard]] std::vector<Blocks> found_or_errors() const {
        auto opened = Recording::open({folder_.path()}, barcode, {});
        REQUIRE(opened.ok());
        std::vector<Blocks> objects(opened.value()->end().objects);
        for (auto& block : opened.value()->read(0, objects.size(), ~std::uint64_t{0})) {
            objects.at(block.number) = block.error.empty()
                                           ? std::move(block.data)
                                           : Blocks(block.error.begin(), block.error.end());
        }
        return objects;
    }
    // A recording that was mended can be written on, and keeps that.
    void write_on(std::size_t expected) const {
        auto opened = Recording::open({folder_.path()}, barcode, {});
        REQUIRE(opened.ok());
        auto& recording = *opened.value();
        REQUIRE(recording.end().objects == expected);
        const auto more = block_of(100, 4711);
        const RecordedPiece piece{more, 100, 0};
        REQUIRE(recording.append(std::span(&piece, 1)).ok());
        REQUIRE(recording.synchronise().ok());
        opened.value().reset();
        const auto objects = found();
        REQUIRE(objects.size() == expected + 1);
        REQUIRE(objects.back() == more);
    }

  private:
    static std::vector<Blocks> all_of(const Recording& recording) {
        std::vector<Blocks> objects(recording.end().objects);
        for (auto& block : recording.read(0, objects.size(), ~std::uint64_t{0})) {
            INFO(block.error);
            REQUIRE(block.error.empty());
            objects.at(block.number) = std::move(block.data);
        }
        return objects;
    }

    TemporaryFolder folder_;
    std::unique_ptr<Recording> recording_;
};

void require_prefix(const std::vector<Blocks>& found, const std::vector<Blocks>& written,
                    std::size_t at_least) {
    REQUIRE(found.size() >= at_least);
    REQUIRE(found.size() <= written.size());
    REQUIRE(std::equal(found.begin(), found.end(), written.begin()));
}

Blocks cut_to(const Blocks& bytes, std::size_t size) {
    return {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)};
}

// To the next byte of the index worth spoiling or cutting at: of the pages only their beginnings
// are used.
std::size_t index_step(std::size_t at) {
    const auto in_page = at % index_page;
    return at < index_entries_at && in_page > 80 ? std::min<std::size_t>(97, index_page - in_page)
                                                 : 1;
}

// Ten equal blocks and a filemark in between.
std::vector<Blocks> objects_of(std::uint32_t seed, std::size_t count) {
    std::vector<Blocks> objects;
    for (std::uint32_t i = 0; i < count; ++i) {
        objects.push_back(i % 5 == 3 ? Blocks{} : block_of(61, seed + i));
    }
    return objects;
}

std::vector<Blocks> together(std::vector<Blocks> one, const std::vector<Blocks>& other) {
    one.insert(one.end(), other.begin(), other.end());
    return one;
}

}  // namespace

TEST_CASE("a process killed at once loses nothing that was synchronised") {
    Crash crash;
    const auto safe = objects_of(1, 10);
    const auto more = objects_of(50, 6);
    crash.append(safe);
    crash.synchronise();
    crash.append(more);
    const auto files = crash.files();
    crash.let_go();
    CHECK(crash.found_with(files) == together(safe, more));
    crash.write_on(16);
}

TEST_CASE(
    "what was written first to a cartridge made to be written is found as far as it is whole") {
    Crash crash(false);
    const auto written = objects_of(1, 6);
    crash.append(written);
    std::vector<std::uint64_t> ends;
    for (std::uint64_t i = 0; i < written.size(); ++i)
        ends.push_back(crash.recording().find(i)->after().offset);
    const auto files = crash.files();
    crash.let_go();
    for (std::uint64_t size = 0; size <= files.data.size(); ++size) {
        const auto whole =
            std::count_if(ends.begin(), ends.end(), [&](std::uint64_t end) { return end <= size; });
        const auto found = crash.found_with({cut_to(files.data, size), files.index});
        INFO(size);
        require_prefix(found, written, 0);
        REQUIRE(found.size() == static_cast<std::size_t>(whole));
    }
    // Without its entries it is not taken for another program's work.
    CHECK(crash.found_with({files.data, cut_to(files.index, index_entries_at)}).empty());
}

TEST_CASE("the data file cut at every byte keeps every whole record before the cut") {
    Crash crash;
    const auto written = objects_of(1, 12);
    crash.append(written);
    crash.synchronise();
    const auto third_last = crash.recording().find(9)->before.offset;
    std::vector<std::uint64_t> ends;
    for (std::uint64_t i = 0; i < 12; ++i) {
        ends.push_back(crash.recording().find(i)->after().offset);
    }
    const auto files = crash.files();
    crash.let_go();
    for (auto size = third_last; size <= files.data.size(); ++size) {
        const auto whole =
            std::count_if(ends.begin(), ends.end(), [&](std::uint64_t end) { return end <= size; });
        const auto found = crash.found_with({cut_to(files.data, size), files.index});
        INFO(size);
        require_prefix(found, written, 0);
        REQUIRE(found.size() == static_cast<std::size_t>(whole));
    }
}

TEST_CASE("the index cut at every byte loses nothing") {
    Crash crash;
    const auto written = objects_of(1, 12);
    crash.append(written);
    crash.synchronise();
    const auto files = crash.files();
    crash.let_go();
    for (std::size_t size = 0; size <= files.index.size(); size += index_step(size)) {
        INFO(size);
        REQUIRE(crash.found_with({files.data, cut_to(files.index, size)}) == written);
    }
    crash.write_on(12);
}

TEST_CASE("every byte of the index spoilt loses no data") {
    Crash crash;
    const auto written = objects_of(1, 8);
    crash.append(written);
    crash.synchronise();
    const auto files = crash.files();
    crash.let_go();
    for (std::size_t at = 0; at < files.index.size(); at += index_step(at)) {
        auto spoilt = files;
        spoilt.index[at] ^= 0x55;
        crash.put(spoilt);
        INFO(at);
        auto found = crash.found_or_errors();
        REQUIRE(found.size() == written.size());
        for (std::size_t i = 0; i < written.size(); ++i) {
            // An entry that is damaged makes its object unreadable until it is repaired.
            const bool its_entry = at >= index_offset(i) && at < index_offset(i + 1);
            if (!its_entry) REQUIRE(found[i] == written[i]);
        }
    }
}

TEST_CASE("what is left from earlier behind the end never comes back") {
    Crash crash;
    const auto old = objects_of(1000, 40);
    crash.append(old);
    crash.synchronise();
    crash.cut(5);
    const auto after_cut = crash.files();
    const auto safe = objects_of(1, 10);
    crash.append(safe);
    const auto before_synchronising = crash.files();
    crash.synchronise();
    const auto synchronised = crash.files();
    const auto more = objects_of(50, 6);
    crash.append(more);
    const auto at_the_end = crash.files();
    crash.let_go();

    std::vector<Blocks> begin(old.begin(), old.begin() + 5);
    const auto all = together(together(begin, safe), more);
    REQUIRE(at_the_end.data.size() == after_cut.data.size());

    SECTION("killed right after the cut") {
        CHECK(crash.found_with(after_cut) == begin);
        crash.write_on(5);
    }
    SECTION("killed with the index cut anywhere") {
        for (std::size_t size = 0; size <= at_the_end.index.size(); size += index_step(size)) {
            INFO(size);
            require_prefix(crash.found_with({at_the_end.data, cut_to(at_the_end.index, size)}), all,
                           15);
        }
    }
    SECTION("power lost: of what was not synchronised any part is on disk") {
        const auto border =
            static_cast<std::size_t>(std::mismatch(after_cut.data.begin(), after_cut.data.end(),
                                                   before_synchronising.data.begin())
                                         .first -
                                     after_cut.data.begin());
        for (auto split = border; split < border + 1000; ++split) {
            // New before the split and old behind it, and the other way round.
            auto front = before_synchronising;
            std::copy(after_cut.data.begin() + static_cast<std::ptrdiff_t>(split),
                      after_cut.data.end(),
                      front.data.begin() + static_cast<std::ptrdiff_t>(split));
            INFO(split);
            require_prefix(crash.found_with(front), all, 5);
            require_prefix(crash.found_with({front.data, after_cut.index}), all, 5);
            auto back = before_synchronising;
            std::copy(after_cut.data.begin() + static_cast<std::ptrdiff_t>(border),
                      after_cut.data.begin() + static_cast<std::ptrdiff_t>(split),
                      back.data.begin() + static_cast<std::ptrdiff_t>(border));
            require_prefix(crash.found_with(back), all, 5);
            // Behind what was synchronised, over which more was written.
            auto later = at_the_end;
            std::copy(synchronised.data.begin() + static_cast<std::ptrdiff_t>(split),
                      synchronised.data.end(),
                      later.data.begin() + static_cast<std::ptrdiff_t>(split));
            std::copy(synchronised.data.begin(),
                      synchronised.data.begin() + static_cast<std::ptrdiff_t>(border),
                      later.data.begin());
            if (split > border + 700) require_prefix(crash.found_with(later), all, 15);
        }
    }
    SECTION("power lost: the data was safe and of the index's last pages any part") {
        // Entries of a synchronisation under way: some are still those of before the cut.
        for (auto split = index_offset(0); split <= synchronised.index.size(); split += 7) {
            auto torn = synchronised;
            std::copy(after_cut.index.begin() + static_cast<std::ptrdiff_t>(split),
                      after_cut.index.end(),
                      torn.index.begin() + static_cast<std::ptrdiff_t>(split));
            INFO(split);
            require_prefix(crash.found_with(torn), all, 15);
            auto other = synchronised;
            std::copy(after_cut.index.begin() + static_cast<std::ptrdiff_t>(index_entries_at),
                      after_cut.index.begin() + static_cast<std::ptrdiff_t>(split),
                      other.index.begin() + static_cast<std::ptrdiff_t>(index_entries_at));
            require_prefix(crash.found_with(other), all, 15);
        }
    }
    SECTION("power lost while a commit was written") {
        for (std::size_t at = index_page; at < index_entries_at; at += 3) {
            auto torn = at_the_end;
            torn.index[at] ^= 0xff;
            INFO(at);
            require_prefix(crash.found_with(torn), all, 5);
        }
    }
}

TEST_CASE("zeros where nothing was written yet are no filemarks") {
    Crash crash;
    const auto safe = objects_of(1, 10);
    crash.append(safe);
    crash.synchronise();
    crash.append(objects_of(50, 6));
    auto files = crash.files();
    const auto border = crash.recording().synchronised_end().offset;
    crash.let_go();
    std::fill(files.data.begin() + static_cast<std::ptrdiff_t>(border), files.data.end(),
              std::uint8_t{0});
    CHECK(crash.found_with(files) == safe);
    files.data.resize(files.data.size() + 5000);
    CHECK(crash.found_with(files) == safe);
}

TEST_CASE("what another program appended to an unloaded cartridge is taken over") {
    Crash crash;
    const auto safe = objects_of(1, 10);
    crash.append(safe);
    REQUIRE(crash.recording().close().ok());
    auto files = crash.files();
    const auto border = crash.recording().end().offset;
    crash.let_go();
    CHECK(crash.found_with(files) == safe);
    files.data.resize(border);
    const Blocks appended{3, 0, 0, 0, 7, 8, 9, 0, 3, 0, 0, 0, 0, 0, 0, 0};
    files.data.insert(files.data.end(), appended.begin(), appended.end());
    CHECK(crash.found_with(files) == together(safe, {{7, 8, 9}, {}}));
    crash.write_on(12);
}
