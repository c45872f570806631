#pragma once

// A shelf on temporary folders, with an event loop that is the test's own thread.

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "drive_iface/cartridge/file_shelf.hpp"
#include "test/unit/cartridge/test_loop.hpp"

class TemporaryFolder {
  public:
    explicit TemporaryFolder(const std::string& below = {});
    ~TemporaryFolder();
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    [[nodiscard]] std::string path(const std::string& name = {}) const;

  private:
    std::filesystem::path path_;
};

class ShelfStand {
  public:
    explicit ShelfStand(
        drive_iface::cartridge::Placement placement = drive_iface::cartridge::Placement::single,
        std::uint64_t buffer_bytes = 8 << 20);
    // In folders of somebody else.
    ShelfStand(std::vector<std::string> folders, drive_iface::cartridge::Placement placement);

    TestLoop loop;
    std::vector<std::string> log;  // what the operator was told
    std::vector<std::string> folders;

    drive_iface::cartridge::FileShelf& shelf() { return *shelf_; }
    void create(const std::string& barcode, std::uint64_t capacity = 1ULL << 30);
    // Loads it into a drive, so to speak; waits for it. Fails the test when it can not.
    std::unique_ptr<Cartridge> open(const std::string& barcode);
    [[nodiscard]] std::string open_error(const std::string& barcode);
    // Unloads it and waits until its files are closed.
    void close(std::unique_ptr<Cartridge> cartridge);
    // A new shelf on the same folders.
    void restart();

    void append(Cartridge& cartridge, std::uint64_t at, Blocks data, std::uint32_t length);
    void append(Cartridge& cartridge, Blocks block);  // at its end
    void filemarks(Cartridge& cartridge, std::uint32_t count = 1);
    void synchronise(Cartridge& cartridge);
    // The data of a block, or "ERROR: ..." .
    Blocks read(Cartridge& cartridge, std::uint64_t number);
    std::string read_error(Cartridge& cartridge, std::uint64_t number);

    using Job = std::function<agent::core::Result<drive_iface::cartridge::JobId>(
        drive_iface::cartridge::FileShelf::Progress, drive_iface::cartridge::FileShelf::CheckDone)>;
    agent::core::Result<drive_iface::cartridge::CheckReport> run(const Job& job);
    agent::core::Result<drive_iface::cartridge::CheckReport> check(const std::string& barcode,
                                                                   bool repair);

    [[nodiscard]] std::string data_file(const std::string& barcode, std::size_t folder = 0) const {
        return folders[folder] + "/" + barcode + ".tap";
    }
    [[nodiscard]] std::string index_file(const std::string& barcode, std::size_t folder = 0) const {
        return folders[folder] + "/" + barcode + ".tix";
    }

  private:
    std::unique_ptr<TemporaryFolder> temporary_;
    drive_iface::cartridge::Placement placement_;
    std::uint64_t buffer_bytes_;
    std::unique_ptr<drive_iface::cartridge::FileShelf> shelf_;
};

// What is recorded: a block as its data, a filemark as nothing.
[[nodiscard]] std::vector<Blocks> recorded(ShelfStand& stand, Cartridge& cartridge);

[[nodiscard]] Blocks file_bytes(const std::string& path);
void write_file(const std::string& path, const Blocks& bytes);
