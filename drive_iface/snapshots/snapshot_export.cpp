#include "drive_iface/snapshots/snapshot_export.hpp"

#include <unistd.h>

#include <span>
#include <utility>

#include "agent/core/enumerator_names.hpp"
#include "drive_iface/cartridge/little_endian.hpp"
#include "drive_iface/cartridge/tap_format.hpp"

namespace drive_iface::snapshots {

using agent::core::Error;
using agent::core::Nothing;
using agent::core::Outcome;
using virtual_library::Bytes;
using virtual_library::LogicalObject;

namespace {

constexpr std::size_t bytes_at_once = 1 << 20;  // read before others have their turn
constexpr std::size_t batches_max = 4;          // read and not yet written
constexpr agent::core::EnumeratorName<ExportFormat> format_names[] = {
    {ExportFormat::tap, "tap"},
    {ExportFormat::blocks, "blocks"},
};

void append_word(Bytes& into, std::uint32_t word) {
    const auto at = into.size();
    into.resize(at + cartridge::tap_word);
    cartridge::set_little_endian(std::span<std::uint8_t>(into), at, word);
}

}  // namespace

std::string_view to_text(ExportFormat format) {
    return agent::core::name_of(format_names, format);
}

std::optional<ExportFormat> export_format_from_text(std::string_view text) {
    return agent::core::value_of(format_names, text);
}

SnapshotExport::SnapshotExport(Wanted wanted, Doors doors, Done done)
    : wanted_(std::move(wanted)), doors_(std::move(doors)), done_(std::move(done)) {}

std::string SnapshotExport::base_name(std::optional<std::uint32_t> session) const {
    std::string name = "snapshot-" + std::to_string(wanted_.what.number);
    if (session) name += "-session-" + std::to_string(*session);
    return name;
}

void SnapshotExport::start() {
    const auto rows = doors_.snapshots->sessions(wanted_.what.number);
    if (!rows) return fail(rows.error());
    bool known = !wanted_.what.session;
    for (const Session& row : *rows) {
        const bool named = wanted_.what.session == row.identifier;
        known = known || named;
        if (!named && (wanted_.what.session || !has_data(row))) continue;
        to_do_.push_back(row);
        progress_.bytes_total += row.bytes;
    }
    if (!known) {
        return fail({"snapshot " + std::to_string(wanted_.what.number) + " has no session " +
                     std::to_string(*wanted_.what.session)});
    }
    pin_ = doors_.snapshots->pin(wanted_.what.number);
    // The description has its name last; that the name is taken is better known first.
    on_bench(
        [folder = wanted_.folder, name = base_name(wanted_.what.session) + ".json"]() -> Outcome {
            auto tried = ExportFile::create(folder, name);
            return tried ? Outcome(Nothing{}) : tried.error();
        },
        [this] { begin_file(); });
}

void SnapshotExport::on_bench(std::function<Outcome()> work, std::function<void()> then) {
    ++writing_;
    doors_.run_on_bench(
        [self = shared_from_this(), work = std::move(work), then = std::move(then)] {
            const auto outcome = work();
            self->doors_.run_on_loop([self, outcome, then] {
                --self->writing_;
                if (!self->done_) return;
                if (!outcome) return self->fail(outcome.error());
                then();
            });
        });
}

void SnapshotExport::begin_file() {
    if (to_do_.empty()) return write_description();
    const auto session = to_do_.front().identifier;
    const auto name = base_name(session) + (wanted_.format == ExportFormat::tap ? ".tap" : ".data");
    exported_.push_back({.session = session, .path = wanted_.folder + "/" + name});
    file_ = std::make_shared<ExportFile>();
    on_bench(
        [file = file_, folder = wanted_.folder, name]() -> Outcome {
            auto made = ExportFile::create(folder, name);
            if (!made) return made.error();
            *file = std::move(made).value();
            return Nothing{};
        },
        [this] { go_on(); });
}

// Opens what is to be read, then reads.
void SnapshotExport::go_on() {
    if (!done_) return;
    if (cancelled_) return fail({"the export was cancelled; nothing of it is left"});
    if (cartridge_) return copy();
    auto opened = doors_.snapshots->open(wanted_.what.number, to_do_.front().identifier);
    if (!opened) return doors_.run_later([self = shared_from_this()] { self->go_on(); });
    if (!opened->ok()) return fail(opened->error());
    cartridge_ = std::move(*opened).value();
    cartridge_->on_progress([weak = weak_from_this()] {
        const auto self = weak.lock();
        if (!self || std::exchange(self->reading_, true)) return;
        self->doors_.run_on_loop([self] {
            self->reading_ = false;
            if (self->cartridge_) self->go_on();
        });
    });
    next_ = 0;
    copy();
}

Outcome SnapshotExport::encode(std::uint64_t number, Bytes& into) {
    const auto object = cartridge_->object(number);
    const bool tap = wanted_.format == ExportFormat::tap;
    if (object.kind == LogicalObject::Kind::filemark) {
        if (tap) append_word(into, cartridge::tap_filemark);
        return Nothing{};
    }
    const auto before = into.size();
    if (tap) append_word(into, object.length);
    std::uint32_t word = object.length;
    if (auto read = cartridge_->read(number, into); !read) {
        if (!tap) {
            return read.error().within("block " + std::to_string(number) + " of session " +
                                       std::to_string(exported_.back().session) +
                                       " (the format tap would mark it)");
        }
        word |= cartridge::tap_error_flag;
        ++exported_.back().damaged_blocks;
        into.resize(before);
        append_word(into, word);
        into.resize(into.size() + object.length);
    }
    exported_.back().bytes += object.length;
    progress_.bytes_done += object.length;
    if (!tap) return Nothing{};
    if ((object.length & 1U) != 0) into.push_back(0);
    append_word(into, word);
    return Nothing{};
}

void SnapshotExport::copy() {
    if (writing_ >= batches_max) return;  // the bench calls again
    const auto end = cartridge_->end_of_data();
    Bytes batch;
    while (next_ < end && batch.size() < bytes_at_once && cartridge_->at_hand(next_, 1)) {
        if (auto encoded = encode(next_, batch); !encoded) return fail(encoded.error());
        ++next_;
        ++exported_.back().objects;
    }
    if (!batch.empty()) {
        const bool full = batch.size() >= bytes_at_once;
        auto bytes = std::make_shared<Bytes>(std::move(batch));
        on_bench([file = file_, bytes] { return file->append(*bytes); }, [this] { go_on(); });
        if (full) {
            doors_.run_on_loop([self = shared_from_this()] {
                if (self->cartridge_) self->go_on();
            });
        }
        return;
    }
    if (next_ == end && writing_ == 0) end_file();
}

void SnapshotExport::end_file() {
    cartridge_.reset();
    const bool tap = wanted_.format == ExportFormat::tap;
    on_bench(
        [file = file_, tap]() -> Outcome {
            Bytes marker;
            if (tap) append_word(marker, cartridge::tap_end_of_medium);
            if (auto put = file->append(marker); !put) return put;
            return file->finish();
        },
        [this] {
            to_do_.pop_front();
            begin_file();
        });
}

void SnapshotExport::write_description() {
    const auto text = wanted_.description(exported_);
    on_bench(
        [folder = wanted_.folder, name = base_name(wanted_.what.session) + ".json",
         text]() -> Outcome {
            auto file = ExportFile::create(folder, name);
            if (!file) return file.error();
            const Bytes bytes(text.begin(), text.end());
            if (auto put = file.value().append(bytes); !put) return put;
            return file.value().finish();
        },
        [this] {
            pin_.reset();
            std::exchange(done_, nullptr)(exported_);
        });
}

// The last one may not be finished: whatever is under its name then is somebody else's.
std::vector<std::string> SnapshotExport::finished_files() const {
    std::vector<std::string> finished;
    for (const auto& file : exported_)
        finished.push_back(file.path);
    if (!to_do_.empty() && !finished.empty()) finished.pop_back();
    return finished;
}

// Files that were finished before go too: trying again must not find them in its way.
void SnapshotExport::fail(const Error& error) {
    if (!done_) return;
    cartridge_.reset();
    pin_.reset();
    doors_.run_on_bench([self = shared_from_this(), file = std::exchange(file_, nullptr),
                         finished = finished_files(), done = std::exchange(done_, nullptr),
                         error]() mutable {
        file.reset();
        for (const auto& path : finished)
            ::unlink(path.c_str());
        self->doors_.run_on_loop([done = std::move(done), error] { done(error); });
    });
}

std::vector<std::string> SnapshotExport::abandon() {
    const bool under_way = std::exchange(done_, nullptr) != nullptr;
    cartridge_.reset();
    pin_.reset();
    return under_way ? finished_files() : std::vector<std::string>{};
}

}  // namespace drive_iface::snapshots
