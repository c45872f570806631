// How fast a cartridge in files is, beside dd on the same disk in the same run:
//
//   cartridge_bench FOLDER [MEGABYTES [OBJECTS]]
//
// Ratios mean something, absolute numbers only on the machine they were taken on.

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>

#include "drive_iface/cartridge/file_shelf.hpp"
#include "drive_iface/cartridge/folders.hpp"
#include "drive_iface/cartridge/recording.hpp"

using namespace drive_iface::cartridge;
using namespace drive_iface::virtual_library;
namespace fs = std::filesystem;

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
}

class Loop {
  public:
    RunOnLoop door() {
        return [this](std::function<void()> function) {
            const std::lock_guard lock(mutex_);
            functions_.push_back(std::move(function));
            more_.notify_one();
        };
    }
    template <typename Reached>
    void run_until(Reached reached) {
        while (!reached()) {
            std::unique_lock lock(mutex_);
            more_.wait(lock, [this] { return !functions_.empty(); });
            const auto function = std::move(functions_.front());
            functions_.pop_front();
            lock.unlock();
            function();
        }
    }

  private:
    std::mutex mutex_;
    std::condition_variable more_;
    std::deque<std::function<void()>> functions_;
};

long resident_megabytes() {
    std::ifstream in("/proc/self/statm");
    long pages = 0;
    long resident = 0;
    in >> pages >> resident;
    return resident * ::sysconf(_SC_PAGESIZE) >> 20;
}

double cpu_seconds() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

class Bench {
  public:
    Bench(const fs::path& folder, std::uint64_t bytes) : bytes_(bytes), folder_(folder) {
        ShelfConfiguration configuration;
        configuration.folders = {(folder / "one").string(), (folder / "two").string()};
        configuration.placement = Placement::single;
        configuration.log = [](const std::string& line) { std::printf("# %s\n", line.c_str()); };
        auto shelf = FileShelf::start(configuration, loop_.door());
        if (!shelf.ok()) {
            std::fprintf(stderr, "%s\n", shelf.error().message.c_str());
            std::exit(1);
        }
        shelf_ = std::move(shelf).value();
    }

    void stream(std::uint32_t length) {
        const auto barcode = "BENCH" + std::to_string(length);
        NewCartridge wanted;
        wanted.barcode = barcode;
        wanted.capacity = 1ULL << 40;
        static_cast<void>(shelf_->create(wanted));
        for (const char* age : {"fresh", "reused", "reused"}) {
            dd(length);
            auto cartridge = open(barcode);
            const auto cpu = cpu_seconds();
            const auto begin = Clock::now();
            write(*cartridge, length);
            const auto accepted = seconds_since(begin);
            const auto used = cpu_seconds() - cpu;
            cartridge->synchronise();
            loop_.run_until([&] { return cartridge->synchronised(); });
            const auto synchronised = seconds_since(begin);
            const auto resident = resident_megabytes();
            const auto read_begin = Clock::now();
            read(*cartridge);
            const auto read_time = seconds_since(read_begin);
            std::printf(
                "%8u %-7s write %6.0f  write+sync %6.0f  read %6.0f MB/s   "
                "CPU %.2f s/GiB  resident %ld MiB\n",
                length, age, rate(accepted), rate(synchronised), rate(read_time),
                used * (1ULL << 30) / static_cast<double>(bytes_), resident);
            cartridge.reset();
            loop_.run_until([&] { return !shelf_->show(barcode)->open; });
        }
        static_cast<void>(shelf_->remove(barcode));
    }

    // SPACE and LOCATE, and opening, with many objects recorded.
    void index(std::uint64_t objects) {
        const std::string barcode = "MANY" + std::to_string(objects);
        Metadata metadata;
        metadata.facts.barcode = barcode;
        metadata.facts.capacity = 1ULL << 40;
        metadata.volume = new_volume_id();
        {
            auto recording = Recording::create({(folder_ / "one").string()}, metadata);
            const Bytes data(10 * 99, 1);
            const RecordedPiece pieces[] = {{data, 10, 0}, {{}, 0, 1}};
            for (std::uint64_t i = 0; i < objects / 100; ++i) {
                static_cast<void>(recording.value()->append(pieces));
            }
            static_cast<void>(recording.value()->close());
        }
        shelf_->rescan();
        // As after a restart of the machine, where this is permitted.
        ::sync();
        std::ofstream("/proc/sys/vm/drop_caches") << "1\n";
        auto begin = Clock::now();
        auto cartridge = open(barcode);
        const auto open_time = seconds_since(begin);
        begin = Clock::now();
        constexpr int searches = 1000;
        std::uint64_t sum = 0;
        for (std::uint64_t i = 0; i < searches; ++i) {
            sum += cartridge->nth_filemark(i * 7919 % (objects / 100)).value_or(0);
        }
        const auto search_time = seconds_since(begin);
        begin = Clock::now();
        for (std::uint64_t i = 0; i < searches; ++i) {
            sum += cartridge->filemarks_before(i * 104729 % objects);
        }
        const auto place_time = seconds_since(begin);
        std::printf("%9lu objects: open %.3f s, nth filemark %.1f us, place %.1f us (%lu)\n",
                    cartridge->end_of_data(), open_time, search_time / searches * 1e6,
                    place_time / searches * 1e6, sum % 10);
        cartridge.reset();
        loop_.run_until([&] { return !shelf_->show(barcode)->open; });
        static_cast<void>(shelf_->remove(barcode));
    }

  private:
    [[nodiscard]] double rate(double seconds) const {
        return static_cast<double>(bytes_) / seconds / 1e6;
    }

    std::unique_ptr<Cartridge> open(const std::string& barcode) {
        std::optional<agent::core::Result<std::unique_ptr<Cartridge>>> opened;
        loop_.run_until([&] { return (opened = shelf_->open(barcode)).has_value(); });
        return std::move(*opened).value();
    }

    // Beginning to end at the pace a drive is asked, a buffer of its own each time.
    void write(Cartridge& cartridge, std::uint32_t length) {
        std::uint64_t number = 0;
        for (std::uint64_t done = 0; done < bytes_; done += length) {
            loop_.run_until([&] { return cartridge.room_for(length) == Cartridge::Room::now; });
            cartridge.append_blocks(number, Bytes(length, static_cast<std::uint8_t>(number)),
                                    length);
            ++number;
        }
    }

    void read(Cartridge& cartridge) {
        const auto end = cartridge.end_of_data();
        for (std::uint64_t number = 0; number < end; ++number) {
            loop_.run_until([&] { return cartridge.at_hand(number, 1); });
            Bytes block;
            static_cast<void>(cartridge.read(number, block));
        }
    }

    void dd(std::uint32_t length) {
        const auto path = (folder_ / "dd.file").string();
        for (const char* conversion : {"", " conv=fdatasync"}) {
            static_cast<void>(fs::remove(path));
            const auto command = "dd if=/dev/zero of=" + path + " bs=" + std::to_string(length) +
                                 " count=" + std::to_string(bytes_ / length) + conversion +
                                 " 2>/dev/null";
            const auto begin = Clock::now();
            if (std::system(command.c_str()) != 0) std::printf("# dd failed\n");
            std::printf("%8u dd%-16s %6.0f MB/s\n", length, conversion, rate(seconds_since(begin)));
        }
        fs::remove(path);
    }

    std::uint64_t bytes_;
    fs::path folder_;
    Loop loop_;
    std::unique_ptr<FileShelf> shelf_;
};

}  // namespace

int main(int count, char** arguments) {
    if (count < 2) {
        std::fprintf(stderr, "usage: cartridge_bench FOLDER [MEGABYTES [OBJECTS]]\n");
        return 2;
    }
    const auto megabytes = count > 2 ? std::strtoull(arguments[2], nullptr, 10) : 1024;
    const auto objects = count > 3 ? std::strtoull(arguments[3], nullptr, 10) : 10'000'000;
    const auto folder = fs::path(arguments[1]) / ("cartridge-bench-" + std::to_string(::getpid()));
    {
        Bench bench(folder, megabytes << 20);
        bench.stream(262144);
        bench.stream(10240);
        bench.index(1'000'000);
        if (objects > 1'000'000) bench.index(objects);
    }
    fs::remove_all(folder);
    return 0;
}
