#include "test/unit/cartridge/shelf_stand.hpp"

#include <unistd.h>

#include <fstream>

#include "test/support/catch.hpp"

using namespace drive_iface::cartridge;
using namespace drive_iface::virtual_library;
namespace fs = std::filesystem;

TemporaryFolder::TemporaryFolder(const std::string& below) {
    const auto parent = below.empty() ? fs::temp_directory_path() : fs::path(below);
    auto pattern = (parent / "cartridge-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

std::string TemporaryFolder::path(const std::string& name) const {
    return name.empty() ? path_.string() : (path_ / name).string();
}

ShelfStand::ShelfStand(Placement placement, std::uint64_t buffer_bytes)
    : temporary_(std::make_unique<TemporaryFolder>()),
      placement_(placement),
      buffer_bytes_(buffer_bytes) {
    folders = {temporary_->path("one"), temporary_->path("two")};
    restart();
}

ShelfStand::ShelfStand(std::vector<std::string> given, Placement placement)
    : folders(std::move(given)), placement_(placement), buffer_bytes_(8 << 20) {
    restart();
}

void ShelfStand::restart() {
    shelf_.reset();
    ShelfConfiguration configuration;
    configuration.folders = folders;
    configuration.placement = placement_;
    configuration.buffer_bytes = buffer_bytes_;
    configuration.log = [this](const std::string& line) { log.push_back(line); };
    auto shelf = FileShelf::start(configuration, loop.door());
    INFO((shelf.ok() ? std::string() : shelf.error().message));
    REQUIRE(shelf.ok());
    shelf_ = std::move(shelf).value();
}

void ShelfStand::create(const std::string& barcode, std::uint64_t capacity) {
    NewCartridge wanted;
    wanted.barcode = barcode;
    wanted.capacity = capacity;
    const auto made = shelf_->create(wanted);
    INFO((made.ok() ? std::string() : made.error().message));
    REQUIRE(made.ok());
}

std::unique_ptr<Cartridge> ShelfStand::open(const std::string& barcode) {
    std::optional<agent::core::Result<std::unique_ptr<Cartridge>>> opened;
    REQUIRE(loop.run_until([&] { return (opened = shelf_->open(barcode)).has_value(); }));
    INFO((opened->ok() ? std::string() : opened->error().message));
    REQUIRE(opened->ok());
    return std::move(*opened).value();
}

std::string ShelfStand::open_error(const std::string& barcode) {
    std::optional<agent::core::Result<std::unique_ptr<Cartridge>>> opened;
    REQUIRE(loop.run_until([&] { return (opened = shelf_->open(barcode)).has_value(); }));
    REQUIRE_FALSE(opened->ok());
    return opened->error().message;
}

void ShelfStand::close(std::unique_ptr<Cartridge> cartridge) {
    const auto barcode = cartridge->facts().barcode;
    cartridge.reset();
    REQUIRE(loop.run_until([&] { return !shelf_->show(barcode)->open; }));
}

void ShelfStand::append(Cartridge& cartridge, std::uint64_t at, Blocks data, std::uint32_t length) {
    REQUIRE(
        loop.run_until([&] { return cartridge.room_for(data.size()) == Cartridge::Room::now; }));
    cartridge.append_blocks(at, std::move(data), length);
}

void ShelfStand::append(Cartridge& cartridge, Blocks block) {
    const auto length = static_cast<std::uint32_t>(block.size());
    append(cartridge, cartridge.end_of_data(), std::move(block), length);
}

void ShelfStand::filemarks(Cartridge& cartridge, std::uint32_t count) {
    REQUIRE(loop.run_until([&] { return cartridge.room_for(0) == Cartridge::Room::now; }));
    cartridge.append_filemarks(cartridge.end_of_data(), count);
}

void ShelfStand::synchronise(Cartridge& cartridge) {
    cartridge.synchronise();
    REQUIRE(loop.run_until([&] { return cartridge.synchronised(); }));
}

Blocks ShelfStand::read(Cartridge& cartridge, std::uint64_t number) {
    REQUIRE(loop.run_until([&] { return cartridge.at_hand(number, 1); }));
    Blocks data;
    const auto outcome = cartridge.read(number, data);
    INFO((outcome.ok() ? std::string() : outcome.error().message));
    REQUIRE(outcome.ok());
    return data;
}

std::string ShelfStand::read_error(Cartridge& cartridge, std::uint64_t number) {
    REQUIRE(loop.run_until([&] { return cartridge.at_hand(number, 1); }));
    Blocks data;
    const auto outcome = cartridge.read(number, data);
    CHECK(data.empty());
    return outcome.ok() ? std::string() : outcome.error().message;
}

agent::core::Result<CheckReport> ShelfStand::run(const Job& job) {
    std::optional<agent::core::Result<CheckReport>> report;
    auto started = job({}, [&](const auto& done) { report = done; });
    if (!started.ok()) return started.error();
    REQUIRE(loop.run_until([&] { return report.has_value(); }));
    return *report;
}

agent::core::Result<CheckReport> ShelfStand::check(const std::string& barcode, bool repair) {
    return run([&](auto progress, auto done) {
        return shelf_->check(barcode, repair, std::move(progress), std::move(done));
    });
}

std::vector<Blocks> recorded(ShelfStand& stand, Cartridge& cartridge) {
    std::vector<Blocks> all;
    std::uint64_t filemarks = 0;
    std::uint64_t used = 0;
    for (std::uint64_t number = 0; number < cartridge.end_of_data(); ++number) {
        REQUIRE(cartridge.filemarks_before(number) == filemarks);
        const auto object = cartridge.object(number);
        if (object.kind == LogicalObject::Kind::filemark) {
            REQUIRE(cartridge.nth_filemark(filemarks) == number);
            ++filemarks;
            all.emplace_back();
            continue;
        }
        all.push_back(stand.read(cartridge, number));
        REQUIRE(all.back().size() == object.length);
        used += object.length;
    }
    REQUIRE(cartridge.used() == used);
    REQUIRE(cartridge.filemarks_before(cartridge.end_of_data()) == filemarks);
    REQUIRE_FALSE(cartridge.nth_filemark(filemarks).has_value());
    return all;
}

Blocks file_bytes(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

void write_file(const std::string& path, const Blocks& bytes) {
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out.write(reinterpret_cast<const char*>(bytes.data()),
              static_cast<std::streamsize>(bytes.size()));
}
