#include "drive_iface/cartridge/recording.hpp"

#include <algorithm>
#include <array>
#include <random>
#include <system_error>
#include <utility>

#include "drive_iface/cartridge/little_endian.hpp"
#include "drive_iface/checksum/crc32c.hpp"

namespace drive_iface::cartridge {

namespace {

using agent::core::Error;
using agent::core::Nothing;
using agent::core::Outcome;
using agent::core::Result;
using virtual_library::LogicalObject;

// What is checksummed before it is written, so that it is still in the processor's cache then.
constexpr std::size_t batch_bytes_max = 1 << 20;
constexpr std::size_t batch_pieces_max = 1000;  // IOV_MAX is 1024
constexpr std::uint64_t writeback_step = 2 << 20;

std::uint32_t block_count(const RecordedPiece& piece) {
    return piece.block_length == 0
               ? 0
               : static_cast<std::uint32_t>(piece.data.size() / piece.block_length);
}

std::uint64_t random_epoch() {
    std::random_device device;
    const std::uint64_t high = device();
    return (high << 32 | device()) | 1;  // 0 is none
}

Error can_not_be_written(const StoredCopy& copy) {
    return {copy.paths().folder + ": can not be written"};
}

}  // namespace

// Objects on their way to disk in one system call: data where it is, and what stands between in a
// buffer of its own, the end marker last.
struct Recording::Batch {
    explicit Batch(const RecordedEnd& begin_at) : begin(begin_at), end(begin_at) {
        word(0);  // replaced by what the first object begins with
    }

    RecordedEnd begin;
    RecordedEnd end;
    std::vector<IndexEntry> entries;
    std::vector<std::uint8_t> joints;
    struct Piece {
        ByteView data;          // empty: of the joints
        std::size_t joint = 0;  // where in them
        std::size_t size = 0;
    };
    std::vector<Piece> pieces;

    [[nodiscard]] bool full() const {
        return end.offset - begin.offset >= batch_bytes_max || pieces.size() >= batch_pieces_max ||
               entries.size() >= 16 * batch_pieces_max;
    }
    [[nodiscard]] bool empty() const { return entries.empty(); }

    void filemark(std::uint32_t generation) {
        entries.push_back({{LogicalObject::Kind::filemark, 0}, end, 0, generation});
        end.add(entries.back().object);
        set_next(tap_filemark);
        word(tap_end_of_medium);
    }
    void block(ByteView data, std::uint32_t sum, std::uint32_t generation) {
        const auto length = static_cast<std::uint32_t>(data.size());
        entries.push_back({{LogicalObject::Kind::block, length}, end, sum, generation});
        end.add(entries.back().object);
        set_next(length);
        pieces.push_back({data, 0, data.size()});
        pieces.push_back({{}, joints.size(), 0});
        joints.resize(joints.size() + tap_joint_max);
        const auto took =
            put_tap_joint(std::span(joints).last(tap_joint_max), length, tap_end_of_medium);
        joints.resize(joints.size() - tap_joint_max + took);
        pieces.back().size = took;
    }

  private:
    // The word the last piece ends with is what the next object begins with.
    void set_next(std::uint32_t next) {
        set_little_endian(std::span(joints).last(tap_word), 0, next);
    }
    void word(std::uint32_t value) {
        if (pieces.empty() || !pieces.back().data.empty()) pieces.push_back({{}, joints.size(), 0});
        joints.resize(joints.size() + tap_word);
        set_next(value);
        pieces.back().size += tap_word;
    }
};

bool Recording::any_writable() const {
    return std::any_of(copies_.begin(), copies_.end(),
                       [](const auto& copy) { return !copy->failed() && copy->writable(); });
}

void Recording::protect(const std::string& why) {
    protection_ = why;
    findings_.push_back("cartridge " + barcode_ + " is loaded write protected: " + why +
                        "; it can be read, and is written again when it is loaded after that was "
                        "mended");
}

std::vector<std::string> Recording::take_findings() {
    return std::exchange(findings_, {});
}

// Done as long as one copy goes on. A copy that fails beside a good one is given up and reported.
Outcome Recording::on_every_copy(const std::function<Outcome(StoredCopy&)>& action) {
    std::vector<std::pair<StoredCopy*, Error>> failures;
    bool done = false;
    for (const auto& copy : copies_) {
        if (copy->failed()) continue;
        auto outcome = copy->writable() ? action(*copy) : Outcome(can_not_be_written(*copy));
        if (outcome.ok()) {
            done = true;
        } else {
            failures.emplace_back(copy.get(), outcome.error());
        }
    }
    if (!done) {
        return failures.empty() ? Error{barcode_ + ": no copy is left to write to"}
                                : failures.front().second;
    }
    for (const auto& [copy, error] : failures) {
        copy->set_failed();
        findings_.push_back("cartridge " + barcode_ + ": the copy in " + copy->paths().folder +
                            " failed (" + error.message +
                            "); the other copy goes on alone until 'cartridge check " + barcode_ +
                            "' with repair restores it");
    }
    return Nothing{};
}

Outcome Recording::append(std::span<const RecordedPiece> pieces) {
    if (auto begun = begin_writing(); !begun.ok()) return begun;
    Batch batch(end_);
    const auto flush_when_full = [&]() -> Outcome {
        if (!batch.full()) return Nothing{};
        auto written = write(batch);
        batch = Batch(end_);
        return written;
    };
    for (const auto& piece : pieces) {
        for (std::uint32_t i = 0; i < piece.filemarks; ++i) {
            batch.filemark(commit_.generation);
            if (auto flushed = flush_when_full(); !flushed.ok()) return flushed;
        }
        const auto blocks = block_count(piece);
        for (std::size_t i = 0; i < blocks; ++i) {
            const auto data = piece.data.subspan(i * piece.block_length, piece.block_length);
            const auto sum = checksum::crc32c(data);
            batch.block(data, piece.in_error ? ~sum : sum, commit_.generation);
            if (auto flushed = flush_when_full(); !flushed.ok()) return flushed;
        }
    }
    return batch.empty() ? Outcome(Nothing{}) : write(batch);
}

Outcome Recording::write(Batch& batch) {
    unsynchronised_ = true;
    std::vector<iovec> vector(batch.pieces.size());
    auto outcome = on_every_copy([&](StoredCopy& copy) -> Outcome {
        for (std::size_t i = 0; i < vector.size(); ++i) {
            const auto& piece = batch.pieces[i];
            const auto* from =
                piece.data.empty() ? batch.joints.data() + piece.joint : piece.data.data();
            vector[i] = {const_cast<std::uint8_t*>(from), piece.size};
        }
        auto written = copy.data().write(batch.begin.offset, std::span(vector));
        return written.ok() ? copy.write_entries(batch.entries) : written;
    });
    if (!outcome.ok()) {
        // As it was before, as far as that can still be had.
        for (const auto& copy : copies_) {
            static_cast<void>(copy->write_end_marker(batch.begin.offset));
        }
        return outcome;
    }
    end_ = batch.end;
    if (end_.offset - writeback_from_ >= writeback_step) {
        write_back_early();
    }
    return Nothing{};
}

void Recording::write_back_early() {
    const auto begin = [](const StorageFile& file, std::uint64_t offset, std::uint64_t size) {
        file.start_writeback(offset, size);
    };
    try {
        if (!early_writeback_) early_writeback_ = std::make_unique<EarlyWriteback>(begin);
    } catch (const std::system_error&) {
        // No thread is to be had: it is begun here then.
    }
    const auto size = end_.offset - writeback_from_;
    const auto space =
        end_.offset <= used_up_to_ ? EarlyWriteback::Space::used : EarlyWriteback::Space::fresh;
    for (const auto& copy : copies_) {
        if (copy->failed()) continue;
        if (early_writeback_) {
            early_writeback_->add(copy->data(), writeback_from_, size, space);
        } else {
            begin(copy->data(), writeback_from_, size);
        }
    }
    writeback_from_ = end_.offset;
}

// From the first change on, what stands behind the commit is no longer another program's work.
Outcome Recording::begin_writing() {
    if (!commit_.closed) return Nothing{};
    auto open = commit_;
    open.closed = false;
    open.since = open.end.objects;
    return write_commit(open);
}

Outcome Recording::write_commit(IndexCommit commit) {
    const auto write = [&]() -> Outcome {
        ++commit.sequence;
        const bool several = copies_.size() > 1;  // all disks at the same time
        auto put = on_every_copy([&](StoredCopy& copy) {
            auto one = copy.put_commit(commit);
            if (one.ok() && several) copy.index().start_writeback(0, index_offset(end_.objects));
            return one;
        });
        if (!put.ok()) return put;
        return on_every_copy([](StoredCopy& copy) { return copy.index().synchronise(); });
    };
    begin_epoch(commit);
    auto written = write();
    // A copy may have been lost by this very commit.
    if (written.ok() && goes_alone() && !epoch_begun_) {
        begin_epoch(commit);
        written = write();
    }
    if (written.ok()) commit_ = commit;
    return written;
}

bool Recording::goes_alone() const {
    return metadata_.placement == Placement::mirror && good_copies().size() < 2;
}

// Without it nobody could tell later which of two copies has all of what was written: each may have
// been alone for a while.
void Recording::begin_epoch(IndexCommit& commit) {
    if (!goes_alone() || epoch_begun_) return;
    epoch_begun_ = true;
    commit.epochs.insert(commit.epochs.begin(), random_epoch());
    if (commit.epochs.size() > epochs_max) commit.epochs.resize(epochs_max);
}

Outcome Recording::synchronise() {
    if (!unsynchronised_) return Nothing{};
    if (early_writeback_) early_writeback_->synchronises();
    for (const auto& copy : copies_) {  // all disks at the same time
        if (!copy->failed() && copies_.size() > 1) copy->data().start_writeback(0, end_.offset);
    }
    auto done = on_every_copy([](StoredCopy& copy) { return copy.data().synchronise(); });
    if (!done.ok()) return done;
    auto commit = commit_;
    commit.since = commit_.end.objects;
    commit.end = end_;
    if (auto written = write_commit(commit); !written.ok()) return written;
    unsynchronised_ = false;
    writeback_from_ = end_.offset;
    return Nothing{};
}

Outcome Recording::cut(const RecordedEnd& at) {
    if (auto begun = begin_writing(); !begun.ok()) return begun;
    // The commit tells of what is before the cut, too: that has to be there first.
    if (at.objects > commit_.end.objects) {
        if (auto done = synchronise(); !done.ok()) return done;
    }
    auto commit = commit_;
    ++commit.generation;
    commit.since = at.objects;
    commit.end = at;
    if (auto written = write_commit(commit); !written.ok()) return written;
    used_up_to_ = std::max(used_up_to_, end_.offset);
    end_ = at;
    writeback_from_ = at.offset;
    unsynchronised_ = true;
    return on_every_copy([&](StoredCopy& copy) { return copy.write_end_marker(at.offset); });
}

Outcome Recording::store_metadata(Metadata metadata) {
    metadata.revision = metadata_.revision + 1;
    const auto text = to_text(metadata);
    bool stored = false;
    std::optional<Error> lacking;
    std::vector<std::string> places;
    for (const auto& copy : copies_) {
        if (copy->failed()) continue;
        if (copy->writable()) {
            places.push_back(copy->paths().metadata);
        } else {
            lacking = can_not_be_written(*copy);
        }
    }
    for (const auto& put : replace_texts(places, text)) {
        stored = stored || put.ok();
        if (!put.ok()) lacking = put.error();
    }
    if (!stored) return lacking ? *lacking : Error{barcode_ + ": no copy is left to write to"};
    if (lacking && !description_lacking_) {
        findings_.push_back("cartridge " + barcode_ +
                            ": its description is stored in one of its "
                            "folders only (" +
                            lacking->message + ")");
    }
    description_lacking_ = lacking.has_value();
    metadata_ = std::move(metadata);
    return Nothing{};
}

StorageFile::Reserve Recording::reserve(std::uint64_t data_size, std::uint64_t index_size) {
    using Reserve = StorageFile::Reserve;
    const auto grow = [](const StorageFile& file, std::uint64_t end, std::uint64_t size,
                         std::uint64_t& reserved) {
        const auto from = std::max(end, reserved);
        if (size <= from) return true;
        if (file.reserve(from, size - from) == Reserve::no_space) return false;
        reserved = size;
        return true;
    };
    auto result = Reserve::done;
    data_reserved_ = index_reserved_ = ~std::uint64_t{0};
    for (const auto& copy : copies_) {
        if (copy->failed() || !copy->writable()) continue;
        const bool both =
            grow(copy->index(), index_offset(end_.objects), index_size, copy->index_reserved) &&
            grow(copy->data(), end_.offset, data_size, copy->data_reserved);
        if (!both) result = Reserve::no_space;
        // What is recorded has its room; of the copies the one with the least counts.
        data_reserved_ = std::min(data_reserved_, std::max(end_.offset, copy->data_reserved));
        index_reserved_ =
            std::min(index_reserved_, std::max(index_offset(end_.objects), copy->index_reserved));
    }
    return result;
}

Outcome Recording::close() {
    early_writeback_.reset();  // waits here for a slow disk, and not who destroys this
    if (commit_.closed || !any_writable()) return Nothing{};
    if (auto done = synchronise(); !done.ok()) return done;
    auto trimmed = on_every_copy([&](StoredCopy& copy) -> Outcome {
        if (auto data = copy.data().trim(end_.offset + tap_word); !data.ok()) return data;
        if (auto index = copy.index().trim(index_offset(end_.objects)); !index.ok()) return index;
        copy.data_reserved = copy.index_reserved = 0;
        return Nothing{};
    });
    if (trimmed.ok())
        trimmed = on_every_copy([](StoredCopy& copy) { return copy.data().synchronise(); });
    if (!trimmed.ok()) return trimmed;
    data_reserved_ = index_reserved_ = 0;
    auto commit = commit_;
    commit.closed = true;
    commit.since = commit.end.objects;
    return write_commit(commit);
}

}  // namespace drive_iface::cartridge
