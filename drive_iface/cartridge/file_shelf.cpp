#include "drive_iface/cartridge/file_shelf.hpp"

#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <thread>
#include <utility>

#include "drive_iface/cartridge/cartridge_jobs.hpp"
#include "drive_iface/cartridge/file_cartridge.hpp"
#include "drive_iface/cartridge/folders.hpp"

namespace drive_iface::cartridge {

using agent::core::Error;
using agent::core::Nothing;
using agent::core::Outcome;
using agent::core::Result;
using virtual_library::Cartridge;
using virtual_library::CartridgeFacts;

namespace {

constexpr std::uint64_t capacity_min = 1 << 20;
constexpr std::uint64_t capacity_max = 1ULL << 47;  // 128 TiB
constexpr auto progress_interval = std::chrono::milliseconds(250);

// Blocks come and go by the thousand each second, and are as long as what the C library would give
// back to the system at each of them, to have it anew page by page, zeroed. It keeps that much,
// until the last stream has ended (StoreWorker).
void keep_memory_of_blocks() {
    constexpr int longest_kept = 32 << 20;  // the most the library takes
    constexpr int kept = 128 << 20;
    // NOLINTBEGIN(concurrency-mt-unsafe): glibc changes these under the lock of its memory
    ::mallopt(M_MMAP_THRESHOLD, longest_kept);
    ::mallopt(M_TRIM_THRESHOLD, kept);
    ::mallopt(M_TOP_PAD, 4 << 20);
    // NOLINTEND(concurrency-mt-unsafe)
}

Error taken_up_by_inventory(const std::string& barcode) {
    return Error{"there is a cartridge " + barcode +
                 " in the folders already; library inventory takes it up"};
}

// A thread that can be asked to end early.
struct Task {
    std::shared_ptr<std::atomic<bool>> cancelled = std::make_shared<std::atomic<bool>>(false);
    std::thread thread;
};

}  // namespace

class FileShelf::State {
  public:
    State(ShelfConfiguration configuration, RunOnLoop run_on_loop)
        : configuration_(std::move(configuration)),
          run_on_loop_(std::move(run_on_loop)),
          placement_(configuration_.placement.value_or(placement_for(configuration_.folders))) {}
    ~State();

    struct Known {
        ShelvedCartridge cartridge;
        FileCartridge* open = nullptr;           // in a drive
        std::unique_ptr<StoreWorker> closing{};  // given back, being closed
        bool busy = false;                       // being opened or worked on by a job
        std::optional<Result<std::unique_ptr<Recording>>> opened{};  // ready to be handed out

        [[nodiscard]] bool in_use() const { return open != nullptr || closing || busy; }
    };

    std::vector<std::string> rescan();
    std::optional<Result<std::unique_ptr<Cartridge>>> open(const std::string& barcode);
    void start_opening(const std::string& barcode);
    std::unique_ptr<Cartridge> hand_out(const std::string& barcode, Known& known,
                                        std::unique_ptr<Recording> recording);
    void take_back(const std::string& barcode, std::unique_ptr<StoreWorker> worker,
                   Metadata metadata);
    void closed(const std::string& barcode);
    void look_again(const std::string& barcode);

    Result<Known*> find(const std::string& barcode);
    Result<Known*> find_idle(const std::string& barcode);
    Result<Metadata> describe(const NewCartridge& wanted) const;
    [[nodiscard]] std::vector<std::string> folders_for(Placement placement) const;
    Outcome create(const NewCartridge& wanted);
    Outcome create_to_open(const NewCartridge& wanted);
    using Made = std::shared_ptr<Result<std::unique_ptr<Recording>>>;
    void ready_to_open(std::uint64_t task, const std::string& barcode, const Made& made);

    using Work = std::function<Result<CheckReport>(const JobContext&)>;
    JobId start_job(const std::string& barcode, Work work, Progress progress, CheckDone done);
    void job_done(JobId job, const std::string& barcode);

    // Has `f` called on the loop, unless the shelf is gone by then.
    void post(std::function<void()> f) const {
        run_on_loop_([shelf = watched_, f = std::move(f)] {
            if (!shelf.expired()) f();
        });
    }
    void log(const std::string& line) const {
        if (configuration_.log) configuration_.log(line);
    }
    void tell_progress() const {
        if (const auto callback = progress_) callback();
    }

    ShelfConfiguration configuration_;
    RunOnLoop run_on_loop_;
    Placement placement_;
    // What is posted from threads looks whether the shelf is still there.
    std::shared_ptr<int> here_ = std::make_shared<int>(0);
    const std::weak_ptr<int> watched_ = here_;
    std::map<std::string, Known> known_;
    std::map<std::uint64_t, Task> tasks_;
    std::uint64_t last_task_ = 0;
    std::function<void()> progress_;
};

FileShelf::State::~State() {
    here_.reset();
    for (auto& [id, task] : tasks_) {
        task.cancelled->store(true);
    }
    for (auto& [id, task] : tasks_) {
        task.thread.join();
    }
}

std::vector<std::string> FileShelf::State::rescan() {
    auto content = look_into(configuration_.folders);
    std::erase_if(known_, [&](const auto& one) {
        const bool vanished =
            !one.second.in_use() && !one.second.opened && !content.cartridges.contains(one.first);
        // Of the others what is wrong with them is told.
        if (vanished && files_of(configuration_.folders, one.first).empty()) {
            log("cartridge " + one.first +
                " is gone: its files were taken out of the storage folders; when that was not "
                "meant, put them back and take the inventory again");
        }
        return vanished;
    });
    for (auto& [barcode, cartridge] : content.cartridges) {
        auto& known = known_[barcode];
        if (!known.in_use() && !known.opened) known.cartridge = std::move(cartridge);
    }
    return content.troubles;
}

Result<FileShelf::State::Known*> FileShelf::State::find(const std::string& barcode) {
    const auto found = known_.find(barcode);
    if (found == known_.end()) return Error{"there is no cartridge " + barcode};
    return &found->second;
}

Result<FileShelf::State::Known*> FileShelf::State::find_idle(const std::string& barcode) {
    auto known = find(barcode);
    if (known.ok() && known.value()->in_use()) {
        return Error{"cartridge " + barcode +
                     (known.value()->open != nullptr ? " is in a drive" : " is being worked on") +
                     "; move it to a slot, or wait, and ask again"};
    }
    // A drive asked for it and has not come back for it. It can ask again.
    if (known.ok()) known.value()->opened.reset();
    return known;
}

void FileShelf::State::look_again(const std::string& barcode) {
    auto cartridge = look_at(configuration_.folders, barcode);
    if (cartridge.ok()) {
        known_[barcode].cartridge = std::move(cartridge).value();
    } else {
        known_.erase(barcode);
    }
}

// ---- in and out of drives

std::optional<Result<std::unique_ptr<Cartridge>>> FileShelf::State::open(
    const std::string& barcode) {
    using Opened = Result<std::unique_ptr<Cartridge>>;
    const auto found = find(barcode);
    if (!found.ok()) return Opened(found.error());
    auto& known = *found.value();
    if (known.open != nullptr) return Opened(Error{"cartridge " + barcode + " is in a drive"});
    if (known.opened) {
        auto opened = std::move(*known.opened);
        known.opened.reset();
        if (!opened.ok()) return Opened(opened.error());
        return Opened(hand_out(barcode, known, std::move(opened).value()));
    }
    if (!known.closing && !known.busy) start_opening(barcode);
    return std::nullopt;
}

void FileShelf::State::start_opening(const std::string& barcode) {
    known_.at(barcode).busy = true;
    const auto id = ++last_task_;
    auto& task = tasks_[id];
    task.thread = std::thread([this, id, barcode, cancelled = task.cancelled] {
        OpeningOptions options;
        options.cancelled = [cancelled] { return cancelled->load(); };
        auto opened = Recording::open(configuration_.folders, barcode, options);
        if (opened.ok() && opened.value()->protection().empty()) {
            auto metadata = opened.value()->metadata();
            ++metadata.load_count;
            metadata.loads.push_back({seconds_now(), std::nullopt});
            if (metadata.loads.size() > loads_kept) metadata.loads.erase(metadata.loads.begin());
            if (auto stored = opened.value()->store_metadata(std::move(metadata)); !stored.ok()) {
                // A restore must not fail because of that.
                opened.value()->protect("its description can not be stored (" +
                                        stored.error().message + ")");
            }
        }
        // Shared, since what is posted has to be copyable.
        auto result = std::make_shared<Result<std::unique_ptr<Recording>>>(std::move(opened));
        post([this, id, barcode, result] { ready_to_open(id, barcode, result); });
    });
}

void FileShelf::State::ready_to_open(std::uint64_t task, const std::string& barcode,
                                     const Made& made) {
    tasks_.at(task).thread.join();
    tasks_.erase(task);
    auto& known = known_.at(barcode);
    known.busy = false;
    known.opened = std::move(*made);
    tell_progress();
}

std::unique_ptr<Cartridge> FileShelf::State::hand_out(const std::string& barcode, Known& known,
                                                      std::unique_ptr<Recording> recording) {
    FileCartridge::Door door;
    door.run_on_loop = run_on_loop_;
    door.log = configuration_.log;
    door.buffer_bytes = configuration_.buffer_bytes;
    door.give_back = [this, barcode](std::unique_ptr<StoreWorker> worker, Metadata metadata) {
        take_back(barcode, std::move(worker), std::move(metadata));
    };
    auto cartridge = std::make_unique<FileCartridge>(std::move(recording), std::move(door));
    known.open = cartridge.get();
    return cartridge;
}

// Closing takes several synchronisations: behind the loop's back.
void FileShelf::State::take_back(const std::string& barcode, std::unique_ptr<StoreWorker> worker,
                                 Metadata metadata) {
    auto& known = known_.at(barcode);
    known.open = nullptr;
    if (!metadata.loads.empty()) metadata.loads.back().unloaded_at = seconds_now();
    known.cartridge.found.metadata = metadata;
    known.cartridge.end = worker->state().stored;
    known.closing = std::move(worker);
    known.closing->finish(std::move(metadata),
                          [this, barcode] { post([this, barcode] { closed(barcode); }); });
}

void FileShelf::State::closed(const std::string& barcode) {
    auto& known = known_.at(barcode);
    for (const auto& finding : known.closing->take_findings()) {
        log(finding);
    }
    known.closing.reset();
    look_again(barcode);
    tell_progress();
}

// ---- new ones

Result<Metadata> FileShelf::State::describe(const NewCartridge& wanted) const {
    if (auto good = check_barcode(wanted.barcode); !good.ok()) return good.error();
    if (known_.contains(wanted.barcode)) {
        return Error{"there is a cartridge " + wanted.barcode + " already"};
    }
    const bool holds_data = !wanted.cleaning;
    if (holds_data && (wanted.capacity < capacity_min || wanted.capacity > capacity_max)) {
        return Error{"a capacity of " + std::to_string(wanted.capacity) +
                     " bytes is not between 1 MiB and 128 TiB"};
    }
    Metadata metadata;
    metadata.facts = CartridgeFacts{.barcode = wanted.barcode,
                                    .capacity = wanted.capacity,
                                    .write_protected = wanted.write_protected,
                                    .worm = wanted.worm,
                                    .cleaning = wanted.cleaning};
    if (wanted.cleaning)
        metadata.attributes = virtual_library::memory_for_cleanings(wanted.cleanings);
    metadata.volume = new_volume_id();
    metadata.placement = wanted.placement.value_or(placement_);
    metadata.created_at = seconds_now();
    return metadata;
}

// The folders that hold the fewest cartridges: one, or two for a mirror.
std::vector<std::string> FileShelf::State::folders_for(Placement placement) const {
    std::map<std::string, std::size_t> held;
    for (const auto& [barcode, known] : known_) {
        for (const auto& copy : known.cartridge.found.copies) {
            ++held[copy.paths.folder];
        }
    }
    auto folders = configuration_.folders;
    std::stable_sort(folders.begin(), folders.end(),
                     [&](const auto& one, const auto& other) { return held[one] < held[other]; });
    folders.resize(placement == Placement::mirror ? 2 : 1);
    return folders;
}

Outcome FileShelf::State::create(const NewCartridge& wanted) {
    const auto metadata = describe(wanted);
    if (!metadata.ok()) return metadata.error();
    if (!files_of(configuration_.folders, wanted.barcode).empty()) {
        const auto seen = look_at(configuration_.folders, wanted.barcode);
        if (!seen.ok()) return seen.error();
        return taken_up_by_inventory(wanted.barcode);
    }
    auto made = Recording::create(folders_for(metadata->placement), *metadata);
    if (!made.ok()) return made.error();
    look_again(wanted.barcode);
    return Nothing{};
}

// It counts as loaded once from the beginning, and is not looked into again to be opened.
Outcome FileShelf::State::create_to_open(const NewCartridge& wanted) {
    auto described = describe(wanted);
    if (!described.ok()) return described.error();
    auto metadata = std::move(described).value();
    metadata.load_count = 1;
    metadata.loads.push_back({metadata.created_at, std::nullopt});
    const auto folders = folders_for(metadata.placement);
    auto& known = known_[wanted.barcode];
    known.busy = true;
    known.cartridge.found.metadata = metadata;
    for (const auto& folder : folders) {
        known.cartridge.found.copies.push_back({copy_paths(folder, wanted.barcode), metadata});
    }
    const auto id = ++last_task_;
    tasks_[id].thread = std::thread([this, id, folders, barcode = wanted.barcode, metadata] {
        auto made = Recording::create(folders, metadata, false);
        auto result = std::make_shared<Result<std::unique_ptr<Recording>>>(std::move(made));
        post([this, id, barcode, result] { ready_to_open(id, barcode, result); });
    });
    return Nothing{};
}

// ---- jobs

JobId FileShelf::State::start_job(const std::string& barcode, Work work, Progress progress,
                                  CheckDone done) {
    known_[barcode].busy = true;
    const JobId job{++last_task_};
    auto& task = tasks_[job.value];
    JobContext context{configuration_.folders, nullptr, nullptr};
    context.cancelled = [cancelled = task.cancelled] { return cancelled->load(); };
    context.progress =
        [this, progress = std::move(progress),
         last = std::chrono::steady_clock::time_point{}](const JobProgress& now) mutable {
            const auto time = std::chrono::steady_clock::now();
            if (!progress || time - last < progress_interval) return;
            last = time;
            post([progress, now] { progress(now); });
        };
    task.thread = std::thread([this, job, barcode, work = std::move(work),
                               context = std::move(context), done = std::move(done)] {
        const auto report = work(context);
        post([this, job, barcode, report, done] {
            job_done(job, barcode);
            if (done) done(report);
            tell_progress();
        });
    });
    return job;
}

void FileShelf::State::job_done(JobId job, const std::string& barcode) {
    tasks_.at(job.value).thread.join();
    tasks_.erase(job.value);
    known_.at(barcode).busy = false;
    look_again(barcode);
}

// ---- the door

FileShelf::FileShelf(std::unique_ptr<State> state) : state_(std::move(state)) {}
FileShelf::~FileShelf() = default;

Result<std::unique_ptr<FileShelf>> FileShelf::start(ShelfConfiguration configuration,
                                                    RunOnLoop run_on_loop) {
    auto folders = prepare_folders(configuration.folders);
    if (!folders.ok()) return folders.error();
    keep_memory_of_blocks();
    configuration.folders = std::move(folders).value();
    auto state = std::make_unique<State>(std::move(configuration), std::move(run_on_loop));
    for (const auto& folder : unwritable(state->configuration_.folders)) {
        state->log(folder +
                   " can not be written: cartridges in it are loaded write protected, and "
                   "none is made there until that is mended");
    }
    for (const auto& trouble : state->rescan()) {
        state->log(trouble);
    }
    return std::unique_ptr<FileShelf>(new FileShelf(std::move(state)));
}

std::vector<FileShelf::Entry> FileShelf::list() const {
    std::vector<Entry> entries;
    for (const auto& [barcode, known] : state_->known_) {
        if (known.cartridge.found.copies.empty()) continue;  // being imported
        entries.push_back({known.cartridge.found.metadata.facts,
                           known.open != nullptr ? known.open->used() : known.cartridge.end.bytes});
    }
    return entries;
}

std::optional<Result<std::unique_ptr<Cartridge>>> FileShelf::open(const std::string& barcode) {
    return state_->open(barcode);
}

void FileShelf::on_progress(std::function<void()> progress) {
    state_->progress_ = std::move(progress);
}

std::vector<std::string> FileShelf::rescan() {
    return state_->rescan();
}

Placement FileShelf::default_placement() const {
    return state_->placement_;
}

bool FileShelf::is_in_use(const std::string& barcode) const {
    const auto known = state_->known_.find(barcode);
    return known != state_->known_.end() && known->second.in_use();
}

Outcome FileShelf::create(const NewCartridge& wanted) {
    return state_->create(wanted);
}

Outcome FileShelf::create_to_open(const NewCartridge& wanted) {
    return state_->create_to_open(wanted);
}

std::vector<std::string> FileShelf::unusable_files(const std::string& barcode) const {
    if (state_->known_.contains(barcode) || !check_barcode(barcode).ok()) return {};
    if (came_back(barcode)) return {};
    return files_of(state_->configuration_.folders, barcode);
}

bool FileShelf::came_back(const std::string& barcode) const {
    return !state_->known_.contains(barcode) && check_barcode(barcode).ok() &&
           find_cartridge(state_->configuration_.folders, barcode).ok();
}

Outcome FileShelf::remove(const std::string& barcode) {
    if (came_back(barcode)) return taken_up_by_inventory(barcode);
    const bool of_no_use = !unusable_files(barcode).empty();
    const auto known = state_->find_idle(barcode);
    if (!known.ok() && !of_no_use) return known.error();
    auto gone = delete_cartridge(state_->configuration_.folders, barcode);
    state_->look_again(barcode);
    return gone;
}

Result<CartridgeReport> FileShelf::show(const std::string& barcode) const {
    const auto found = state_->find(barcode);
    if (came_back(barcode)) return taken_up_by_inventory(barcode);
    if (!found.ok() && !unusable_files(barcode).empty())
        return look_at(state_->configuration_.folders, barcode).error();
    if (!found.ok()) return found.error();
    const auto& known = *found.value();
    const auto& cartridge = known.cartridge;
    CartridgeReport report;
    report.metadata = cartridge.found.metadata;
    for (const auto& copy : cartridge.found.copies) {
        report.folders.push_back(copy.paths.folder);
    }
    report.open = known.in_use();
    report.objects = cartridge.end.objects;
    report.filemarks = cartridge.end.filemarks;
    report.used = cartridge.end.bytes;
    report.file_bytes = cartridge.file_bytes;
    report.troubles = cartridge.found.troubles;
    if (known.open != nullptr) {
        report.objects = known.open->end_of_data();
        report.filemarks = known.open->filemarks_before(report.objects);
        report.used = known.open->used();
        report.metadata.attributes = known.open->attributes();
        if (const auto& why = known.open->protection(); !why.empty())
            report.troubles.push_back("is loaded write protected: " + why);
    }
    const auto cleanings = virtual_library::cleanings_of(report.metadata.attributes);
    if (report.metadata.facts.cleaning && cleanings.used_up()) {
        report.troubles.push_back(
            "is used up (cleanings it was good for: " + std::to_string(cleanings.permitted) +
            "); a new one takes its place");
    }
    if (report.metadata.placement == Placement::mirror && report.folders.size() < 2) {
        report.troubles.push_back("is to be mirrored and has one copy");
    }
    return report;
}

Outcome FileShelf::protect(const std::string& barcode, bool write_protected) {
    const auto known = state_->find_idle(barcode);
    if (!known.ok()) return known.error();
    auto metadata = known.value()->cartridge.found.metadata;
    if (metadata.facts.cleaning) {
        return Error{"cartridge " + barcode +
                     " is a cleaning cartridge: there is nothing to protect"};
    }
    metadata.facts.write_protected = write_protected;
    auto done = replace_metadata(known.value()->cartridge.found, std::move(metadata));
    state_->look_again(barcode);
    return done;
}

Result<JobId> FileShelf::check(const std::string& barcode, bool repair, Progress progress,
                               CheckDone done) {
    if (const auto known = state_->find_idle(barcode); !known.ok()) return known.error();
    return state_->start_job(
        barcode,
        [barcode, repair](const JobContext& context) {
            return check_cartridge(context, barcode, repair);
        },
        std::move(progress), std::move(done));
}

Result<JobId> FileShelf::import_tap(const NewCartridge& wanted, const std::string& path,
                                    Progress progress, CheckDone done) {
    const auto metadata = state_->describe(wanted);
    if (!metadata.ok()) return metadata.error();
    return state_->start_job(
        wanted.barcode,
        [metadata = *metadata, into = state_->folders_for(metadata->placement), path](
            const JobContext& context) { return import_cartridge(context, metadata, into, path); },
        std::move(progress), std::move(done));
}

Result<JobId> FileShelf::export_tap(const std::string& barcode, const std::string& path,
                                    Progress progress, CheckDone done) {
    if (const auto known = state_->find_idle(barcode); !known.ok()) return known.error();
    return state_->start_job(
        barcode,
        [barcode, path](const JobContext& context) {
            return export_cartridge(context, barcode, path);
        },
        std::move(progress), std::move(done));
}

void FileShelf::cancel(JobId job) {
    const auto found = state_->tasks_.find(job.value);
    if (found != state_->tasks_.end()) found->second.cancelled->store(true);
}

}  // namespace drive_iface::cartridge
