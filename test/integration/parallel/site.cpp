#include "test/integration/parallel/site.hpp"

#include <sys/wait.h>

#include <chrono>

#include "drive_iface/scsi/sense.hpp"

namespace parallel_test {

void Site::start() {
    loop = std::make_unique<asio::io_context>();
    work_ = std::make_unique<asio::executor_work_guard<asio::io_context::executor_type>>(
        loop->get_executor());
    const auto run_on_loop = [this](std::function<void()> f) { asio::post(*loop, std::move(f)); };
    auto made =
        cartridge::FileShelf::start({.folders = {folder + "/a", folder + "/b"}}, run_on_loop);
    REQUIRE(made.ok());
    shelf = std::move(made).value();
    for (const auto* barcode : {"VOL001L8", "VOL002L8", "VOL003L8"})
        static_cast<void>(shelf->create({.barcode = barcode, .capacity = capacity_}));
    auto kept =
        sessions::file_segments({.folders = {folder + "/a/sessions", folder + "/b/sessions"},
                                 .placement = placement_,
                                 .run_on_loop = run_on_loop,
                                 .log = nullptr});
    REQUIRE(kept.ok());
    segments = std::move(kept).value();
    auto started = sessions::SessionStore::start(
        {.ledger_file = folder + "/sessions.db",
         .run_on_loop = run_on_loop,
         .now_ms = [] { return std::int64_t{1'700'000'000'000}; },
         .log = [this](const std::string& line) { log += line + "\n"; }},
        *shelf, *segments);
    REQUIRE(started.ok());
    store = std::move(started).value();
    virtual_library::LibraryDescription description{.vendor = "LRA",
                                                    .product = "VIRTUAL-LIB",
                                                    .serial = "VTL0000001",
                                                    .slots = 10,
                                                    .import_export = 1};
    description.drives.push_back({.serial = parallel_drive,
                                  .product = "VIRTUAL-LTO8",
                                  .element_address = 256,
                                  .parallel = true,
                                  .cartridge = "VOL001L8"});
    description.drives.push_back({.serial = other_parallel_drive,
                                  .product = "VIRTUAL-LTO8",
                                  .element_address = 257,
                                  .parallel = true,
                                  .cartridge = "VOL002L8"});
    description.drives.push_back(
        {.serial = ordinary_drive, .product = "VIRTUAL-LTO8", .element_address = 258});
    virtual_library::Library library(description, store->shelf_for_drives(), store.get());
    auto state = vtld::StateFile::open(folder + "/state");
    REQUIRE(state.ok());
    bay = std::make_unique<vtld::DriveBay>(*loop, std::move(library), std::move(state).value(),
                                           vtld::DriveBay::Handlers{});
    static_cast<void>(bay->changed());
    rmt_drives = std::make_unique<vtld::RmtDrives>(*loop, *bay, store.get(), "VTL0000001");
    auto listening = rmt::RmtServer::listen(*loop, {.listen = "unix:" + folder + "/rmt.sock"},
                                            *rmt_drives, nullptr);
    REQUIRE(listening.ok());
    server = std::move(listening).value();
    thread_ = std::thread([this] { loop->run(); });
}

void Site::stop() {
    call([this] {
        server.reset();
        return 0;
    });
    work_.reset();
    loop->stop();
    thread_.join();
    rmt_drives.reset();
    bay.reset();
    store.reset();
    segments.reset();
    shelf.reset();
    loop.reset();
}

bool Site::becomes(const std::function<bool()>& condition) const {
    const auto latest = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > latest) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
}

ProgramRun Site::run(const std::string& command) const {
    const auto line = "cd " + folder + " && export VTL_RMT=unix:" + folder +
                      "/rmt.sock RSH=" VTL_RSH_PROGRAM " RMT=rmt LC_ALL=C && timeout 100 sh -c '" +
                      command + "' 2>&1";
    FILE* pipe = ::popen(line.c_str(), "r");
    REQUIRE(pipe != nullptr);
    ProgramRun result;
    std::array<char, 4096> buffer{};
    while (const auto count = std::fread(buffer.data(), 1, buffer.size(), pipe))
        result.output.append(buffer.data(), count);
    result.status = WEXITSTATUS(::pclose(pipe));
    return result;
}

Host::Host(Site& site, int number, const std::string& drive) : site_(&site) {
    const InitiatorPort port{.transport = agent::core::Transport::iscsi,
                             .name = "iqn.2026-01.example:host" + std::to_string(number),
                             .isid = "00023d00000" + std::to_string(number),
                             .address = "192.0.2." + std::to_string(number)};
    const auto nexus = site.call([&] { return site.bay->nexus_established(drive, port); });
    REQUIRE(nexus.ok());
    nexus_ = *nexus;
}

void Host::leave() {
    if (!std::exchange(logged_in_, false)) return;
    site_->call([this] {
        site_->bay->nexus_lost(nexus_);
        return 0;
    });
}

void Host::log_out() {
    logged_in_ = false;
    site_->call([this] {
        site_->bay->logged_out(nexus_);
        return 0;
    });
}

CommandReply Host::command(std::vector<std::uint8_t> cdb, virtual_library::Bytes data_out) {
    static std::atomic<vtld::TaskId> last_task{1'000'000};
    std::promise<CommandReply> promise;
    asio::post(*site_->loop, [&] {
        auto reply = site_->bay->execute(nexus_, ++last_task, 0, cdb, data_out,
                                         [&](CommandReply later) { promise.set_value(later); });
        if (reply) promise.set_value(std::move(*reply));
    });
    auto future = promise.get_future();
    REQUIRE(future.wait_for(std::chrono::seconds(30)) == std::future_status::ready);
    return future.get();
}

virtual_library::Bytes Host::insist(const std::vector<std::uint8_t>& cdb,
                                    const virtual_library::Bytes& data_out) {
    for (int attempt = 0; attempt < 200; ++attempt) {
        auto reply = command(cdb, data_out);
        if (reply.status == virtual_library::Status::good) return reply.data_in;
        const auto sense = scsi::decode_sense(reply.sense);
        INFO(static_cast<int>(reply.status) << " " << (sense ? scsi::to_text(*sense) : ""));
        REQUIRE(sense.ok());
        const bool comes = sense->key == scsi::SenseKey::unit_attention ||
                           sense->additional == scsi::additional_sense::becoming_ready;
        REQUIRE(comes);
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    FAIL("the drive did not become ready");
    return {};
}

void Host::write(char letter, std::uint32_t size) {
    insist({0x0a, 0, static_cast<std::uint8_t>(size >> 16), static_cast<std::uint8_t>(size >> 8),
            static_cast<std::uint8_t>(size), 0},
           virtual_library::Bytes(size, static_cast<std::uint8_t>(letter)));
}

std::string Host::read_all() {
    rewind();
    std::string text;
    while (true) {
        const auto reply = command({0x08, 2, 0x10, 0, 0, 0});  // SILI, 1 MiB
        if (reply.status == virtual_library::Status::good) {
            text += static_cast<char>(reply.data_in.at(0));
            continue;
        }
        const auto sense = scsi::decode_sense(reply.sense);
        REQUIRE(sense.ok());
        if (sense->key == scsi::SenseKey::blank_check) return text;
        INFO(scsi::to_text(*sense));
        REQUIRE(sense->filemark);
        text += "|";
    }
}

std::uint32_t Host::session() {
    const auto page = insist({0x4d, 0, 0x40 | 0x3a, 0, 0, 0, 0, 1, 0, 0});
    if (page.size() < 12) return 0;
    std::uint32_t value = 0;
    // Page header, then parameter 1: code, flags, length, value (SPC-4 7.2.1).
    const std::size_t length = page[7];
    for (std::size_t at = 0; at < length; ++at)
        value = value << 8 | page[8 + at];
    return value;
}

}  // namespace parallel_test
