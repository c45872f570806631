#include "drive_iface/virtual/memory_cartridge.hpp"

#include <algorithm>
#include <utility>

#include "agent/core/assert.hpp"

namespace drive_iface::virtual_library {

using agent::core::Error;
using agent::core::Nothing;
using agent::core::Outcome;
using agent::core::Result;

// ---- the medium

MemoryMedium::MemoryMedium(CartridgeFacts of)
    : facts(std::move(of)),
      early_warning_at(facts.capacity - facts.capacity / 32),
      end_of_medium_at(facts.capacity) {}

void MemoryMedium::append_block(Bytes data) {
    AGENT_ASSERT(!data.empty() && data.size() <= block_length_max);
    used_ += data.size();
    objects_.push_back({.kind = LogicalObject::Kind::block, .data = std::move(data)});
    if (!mood.buffers) store_until(objects_.size());
}

void MemoryMedium::append_filemark() {
    filemarks_.push_back(objects_.size());
    objects_.push_back({.kind = LogicalObject::Kind::filemark, .data = {}});
    if (!mood.buffers) store_until(objects_.size());
}

void MemoryMedium::store_until(std::uint64_t number) {
    for (; stored_ < number; ++stored_)
        stored_bytes_ += objects_[stored_].data.size();
}

void MemoryMedium::cut_off(std::uint64_t at) {
    for (std::uint64_t number = at; number < objects_.size(); ++number) {
        used_ -= objects_[number].data.size();
        if (number < stored_) stored_bytes_ -= objects_[number].data.size();
    }
    objects_.resize(std::min<std::uint64_t>(at, objects_.size()));
    filemarks_.erase(std::lower_bound(filemarks_.begin(), filemarks_.end(), at), filemarks_.end());
    damaged.erase(damaged.lower_bound(at), damaged.end());
    stored_ = std::min(stored_, at);
    fetched_to_ = std::min(fetched_to_, at);
}

bool MemoryMedium::work() {
    const bool opening = std::exchange(opening_, false);
    opened_ = opened_ || opening;
    const bool fetching = fetch();
    const bool storing = store();
    const bool any = opening || fetching || storing;
    if (any && progress_) progress_();
    return any;
}

bool MemoryMedium::fetch() {
    if (wanted_from_ >= wanted_to_) return false;
    if (wanted_from_ != fetched_to_) fetched_from_ = wanted_from_;
    fetched_to_ = std::min(wanted_to_, wanted_from_ + mood.objects_a_step);
    wanted_from_ = fetched_to_;
    return true;
}

bool MemoryMedium::store() {
    const bool all = stored_ == objects_.size();
    if (all && (settled_ ? attributes_stored_ : !asked_)) return false;
    asked_ = false;
    if (failing_ || broken_) {
        cut_off(stored_);
        fault_ = failing_ ? std::exchange(failing_, std::nullopt) : broken_;
        settled_ = false;
        return true;
    }
    store_until(std::min<std::uint64_t>(objects_.size(), stored_ + mood.objects_a_step));
    if (stored_ == objects_.size()) attributes_stored_ = settled_ = true;
    return true;
}

// ---- the medium in a drive

MemoryCartridge::MemoryCartridge(std::shared_ptr<MemoryMedium> medium)
    : medium_(std::move(medium)) {
    medium_->open_ = true;
}

MemoryCartridge::~MemoryCartridge() {
    medium_->lose_what_is_not_stored();
    medium_->open_ = false;
    medium_->opened_ = false;
    medium_->fetched_from_ = medium_->fetched_to_ = 0;
    medium_->wanted_from_ = medium_->wanted_to_ = 0;
    medium_->fault_.reset();
    medium_->settled_ = true;
    medium_->asked_ = false;
    medium_->progress_ = {};
}

std::uint64_t MemoryCartridge::end_of_data() const {
    return medium_->objects_.size();
}

LogicalObject MemoryCartridge::object(std::uint64_t number) const {
    AGENT_ASSERT(number < end_of_data());
    const MemoryMedium::Object& object = medium_->objects_[number];
    return {.kind = object.kind, .length = static_cast<std::uint32_t>(object.data.size())};
}

std::uint64_t MemoryCartridge::filemarks_before(std::uint64_t number) const {
    const auto& marks = medium_->filemarks_;
    return static_cast<std::uint64_t>(std::lower_bound(marks.begin(), marks.end(), number) -
                                      marks.begin());
}

std::optional<std::uint64_t> MemoryCartridge::nth_filemark(std::uint64_t ordinal) const {
    if (ordinal >= medium_->filemarks_.size()) return std::nullopt;
    return medium_->filemarks_[ordinal];
}

bool MemoryCartridge::at_hand(std::uint64_t first, std::uint64_t count) {
    if (!medium_->mood.fetches || first >= end_of_data()) return true;
    const std::uint64_t to = std::min(end_of_data(), first + std::min(count, end_of_data()));
    const bool known = first >= medium_->fetched_from_ && first <= medium_->fetched_to_;
    if (known && to <= medium_->fetched_to_) return true;
    medium_->wanted_from_ = known ? medium_->fetched_to_ : first;
    medium_->wanted_to_ = to;
    return false;
}

Outcome MemoryCartridge::read(std::uint64_t number, Bytes& into) {
    AGENT_ASSERT(object(number).kind == LogicalObject::Kind::block);
    if (medium_->damaged.contains(number)) {
        return Error{"cartridge " + medium_->facts.barcode + ": block " + std::to_string(number) +
                     " is damaged"};
    }
    const Bytes& data = medium_->objects_[number].data;
    into.insert(into.end(), data.begin(), data.end());
    return Nothing{};
}

Cartridge::Room MemoryCartridge::room_for(std::uint64_t bytes) {
    const Buffered waiting = buffered();
    const bool fits = waiting.objects == 0 || waiting.bytes + bytes <= medium_->mood.buffer_bytes;
    return fits ? Room::now : Room::later;
}

void MemoryCartridge::append_blocks(std::uint64_t at, Bytes data, std::uint32_t block_length) {
    AGENT_ASSERT(at <= end_of_data() && block_length > 0 && data.size() % block_length == 0);
    erase(at);
    if (data.size() == block_length) {
        medium_->append_block(std::move(data));
        return;
    }
    for (auto from = data.begin(); from != data.end(); from += block_length)
        medium_->append_block(Bytes(from, from + block_length));
}

void MemoryCartridge::append_filemarks(std::uint64_t at, std::uint32_t count) {
    AGENT_ASSERT(at <= end_of_data());
    erase(at);
    for (std::uint32_t i = 0; i < count; ++i)
        medium_->append_filemark();
}

void MemoryCartridge::erase(std::uint64_t at) {
    medium_->cut_off(at);
}

std::uint64_t MemoryCartridge::early_warning_at() const {
    return medium_->early_warning_at;
}

std::uint64_t MemoryCartridge::end_of_medium_at() const {
    return std::max(medium_->end_of_medium_at, medium_->used_);
}

// A medium that buffers stores in any case, a step at a time; but for one that has failed.
void MemoryCartridge::synchronise() {
    medium_->asked_ = true;
}

bool MemoryCartridge::synchronised() const {
    return medium_->stored_ == medium_->objects_.size() && medium_->attributes_stored_ &&
           medium_->settled_;
}

Cartridge::Buffered MemoryCartridge::buffered() const {
    return {.objects = medium_->objects_.size() - medium_->stored_,
            .bytes = medium_->used_ - medium_->stored_bytes_};
}

std::optional<Error> MemoryCartridge::take_fault() {
    return std::exchange(medium_->fault_, std::nullopt);
}

void MemoryCartridge::fail_storing(bool fails) {
    if (fails) {
        medium_->break_storage({"nothing can be stored, by an injected fault"});
    } else {
        medium_->mend_storage();
    }
}

bool MemoryCartridge::attributes_stored() const {
    return !medium_->memory_broken;
}

void MemoryCartridge::set_attributes(MediumAttributes attributes) {
    medium_->attributes = std::move(attributes);
    medium_->attributes_stored_ = !medium_->mood.buffers;
}

void MemoryCartridge::on_progress(std::function<void()> progress) {
    medium_->progress_ = std::move(progress);
}

// ---- the shelf

std::shared_ptr<MemoryMedium> MemoryShelf::add(CartridgeFacts facts) {
    auto medium = std::make_shared<MemoryMedium>(std::move(facts));
    auto& place = media_[medium->facts.barcode];
    AGENT_ASSERT(!place || !place->open_);
    place = medium;
    return medium;
}

std::shared_ptr<MemoryMedium> MemoryShelf::find(const std::string& barcode) const {
    const auto found = media_.find(barcode);
    return found == media_.end() ? nullptr : found->second;
}

bool MemoryShelf::work() {
    bool any = false;
    for (const auto& [barcode, medium] : media_) {
        const bool opening = medium->opening_;
        any = medium->work() || any;
        if (opening && progress_) progress_();
    }
    return any;
}

std::vector<CartridgeShelf::Entry> MemoryShelf::list() const {
    std::vector<Entry> entries;
    for (const auto& [barcode, medium] : media_)
        entries.push_back({.facts = medium->facts, .used = medium->used()});
    return entries;
}

std::optional<Result<std::unique_ptr<Cartridge>>> MemoryShelf::open(const std::string& barcode) {
    using Opened = Result<std::unique_ptr<Cartridge>>;
    const auto found = media_.find(barcode);
    if (found == media_.end()) {
        return Opened(Error{"there is no cartridge " + barcode + " in this library"});
    }
    MemoryMedium& medium = *found->second;
    if (medium.open_) {
        return Opened(Error{"cartridge " + barcode + " is in use in another drive"});
    }
    if (medium.mood.opens_late && !medium.opened_) {
        medium.opening_ = true;
        return std::nullopt;
    }
    return Opened(std::make_unique<MemoryCartridge>(found->second));
}

}  // namespace drive_iface::virtual_library
