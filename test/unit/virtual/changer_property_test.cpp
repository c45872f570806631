// Random commands of two hosts, of two drives' users and of an operator on a library whose shelf
// changes, against the naive second implementation.

#include "drive_iface/scsi/bytes.hpp"
#include "test/unit/virtual/library_builder.hpp"
#include "test/unit/virtual/naive_changer.hpp"

namespace changer_test {

using virtual_library_test::CommandReply;
using virtual_library_test::iscsi_port;
using virtual_library_test::Library;
using virtual_library_test::NexusId;
using virtual_library_test::Status;
namespace scsi = drive_iface::scsi;
namespace model = drive_iface::virtual_library;
using Bytes = model::Bytes;

namespace {

constexpr int first_slot = 1000;
constexpr int first_port = 16;
constexpr int first_drive = 256;
constexpr const char* volumes[] = {"ADMCFG", "ADMDRV"};

// splitmix64: the same numbers everywhere.
class Chance {
  public:
    explicit Chance(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next() {
        state_ += 0x9e3779b97f4a7c15u;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }
    int below(int limit) { return static_cast<int>(next() % static_cast<std::uint64_t>(limit)); }

  private:
    std::uint64_t state_;
};

// A shelf from which cartridges can be taken away.
class OpenShelf final : public model::CartridgeShelf {
  public:
    model::MemoryShelf cartridges;
    std::set<std::string> taken_away;

    [[nodiscard]] std::vector<Entry> list() const override {
        auto all = cartridges.list();
        std::erase_if(
            all, [this](const Entry& entry) { return taken_away.count(entry.facts.barcode) > 0; });
        return all;
    }
    [[nodiscard]] std::optional<agent::core::Result<std::unique_ptr<model::Cartridge>>> open(
        const std::string& barcode) override {
        return cartridges.open(barcode);
    }
    void on_progress(std::function<void()> progress) override {
        cartridges.on_progress(std::move(progress));
    }
};

class TwoVolumes final : public model::VirtualVolumes {
  public:
    [[nodiscard]] std::vector<std::string> names() const override {
        return {std::begin(volumes), std::end(volumes)};
    }
    [[nodiscard]] std::optional<agent::core::Result<std::unique_ptr<model::Cartridge>>> build(
        const std::string& name) override {
        auto medium = std::make_shared<model::MemoryMedium>(
            model::CartridgeFacts{.barcode = name, .capacity = 1000, .write_protected = true});
        std::unique_ptr<model::Cartridge> made =
            std::make_unique<model::MemoryCartridge>(std::move(medium));
        return agent::core::Result(std::move(made));
    }
    void on_progress(std::function<void()>) override {}
};

struct Size {
    int slots, ports, drives, cartridges;
};

Size size_of(Chance& chance) {
    Size size{};
    size.slots = 1 + chance.below(6);
    size.ports = chance.below(3);
    size.drives = 1 + chance.below(3);
    size.cartridges = chance.below(9);
    return size;
}

std::string drive_serial(int drive) {
    return "VT0000000" + std::to_string(drive + 1);
}

std::string place_name(int address, const Place& place) {
    switch (place.kind) {
        case Kind::robot:
            return "robot";
        case Kind::port:
            return "port " + std::to_string(address - first_port + 1);
        case Kind::drive:
            return "drive " + drive_serial(address - first_drive);
        case Kind::slot:
            return "slot " + std::to_string(address - first_slot + 1);
    }
    return {};
}

std::string shown(const Heard& heard) {
    if (heard.conflict) return "conflict";
    return std::to_string(heard.key) + "/" + std::to_string(heard.asc) + "/" +
           std::to_string(heard.ascq);
}

class Game {
  public:
    explicit Game(std::uint64_t seed) : chance_(seed), size_(size_of(chance_)) {
        for (int i = 0; i < size_.cartridges; ++i)
            add_cartridge();
        build();
        naive_.places[0] = {.kind = Kind::robot};
        for (int i = 0; i < size_.ports; ++i)
            naive_.places[first_port + i] = {.kind = Kind::port};
        for (int i = 0; i < size_.drives; ++i)
            naive_.places[first_drive + i] = {.kind = Kind::drive};
        for (int i = 0; i < size_.slots; ++i)
            naive_.places[first_slot + i] = {};
        int address = first_slot + size_.slots;
        for (const char* name : volumes)
            naive_.places[address++] = {.only = name, .box = name};
        naive_.count();
    }

    void step() {
        const int what = chance_.below(100);
        if (what < 40) {
            move();
        } else if (what < 52) {
            exchange();
        } else if (what < 60) {
            operator_moves();
        } else if (what < 66) {
            shelf_changes();
        } else if (what < 72) {
            count();
        } else if (what < 92) {
            drive_user();
        } else if (what < 97) {
            changer_user();
        } else {
            search();
        }
    }

    void compare() {
        INFO("places");
        for (const auto& element : library_->elements()) {
            const Place& place = naive_.places.at(element.address);
            INFO(element.place);
            CHECK(element.place == place_name(element.address, place));
            CHECK(element.barcode == place.box);
            const std::string from = place.box.empty() || place.from < 0
                                         ? std::string{}
                                         : place_name(place.from, naive_.places.at(place.from));
            if (!place.box.empty()) CHECK(element.source == from);
        }
        CHECK(library_->elements().size() == naive_.places.size());
        CHECK(library_->outside() == naive_.outside);
        compare_status();
    }

    // What a restart keeps; virtual volumes are back in their slots.
    void restart() {
        const std::string kept = library_->nonvolatile_state();
        for (auto& [address, place] : naive_.places) {
            const bool comes_from_volume =
                place.from >= 0 && !naive_.places.at(place.from).only.empty();
            if (naive_.is_volume(place.box) && place.only.empty()) {
                place.box.clear();
                place.from = -1;
            }
            // Where a box was that is not there now, or where it came from.
            const bool gone =
                !place.box.empty() && place.only.empty() && naive_.shelf.count(place.box) == 0;
            if (gone) naive_.kept.insert({address, place.from});
            // Gone from the shelf when it was carried to the drive; nobody has counted since.
            if (place.kind == Kind::drive && naive_.shelf.count(place.box) == 0) place.box.clear();
            if (!place.only.empty()) place.box = place.only;
            if (!place.only.empty() || comes_from_volume) place.from = -1;
            if (place.kind == Kind::drive) {
                place.threaded = !place.box.empty();
                place.locked_by.clear();
                place.reserved_by.clear();
            }
        }
        naive_.reserved_by.clear();
        naive_.locked_by.clear();
        hosts_.clear();
        library_.reset();
        build();
        REQUIRE(library_->restore(kept).ok());
        naive_.count();
        wait_for_shelf();
        compare();
    }

  private:
    void build() {
        model::LibraryDescription description{
            .vendor = "LRA",
            .product = "VIRTUAL LIBRARY",
            .serial = "VL00000001",
            .slots = static_cast<std::size_t>(size_.slots),
            .import_export = static_cast<std::size_t>(size_.ports)};
        for (int i = 0; i < size_.drives; ++i) {
            description.drives.push_back(
                {.serial = drive_serial(i),
                 .product = "ULT",
                 .element_address = static_cast<std::uint16_t>(first_drive + i)});
        }
        library_ = std::make_unique<Library>(std::move(description), shelf_, nullptr, &volumes_);
    }

    void add_cartridge() {
        std::string barcode = "P" + std::to_string(100 + chance_.below(30)) + "L8";
        if (naive_.shelf.count(barcode) > 0 || shelf_.taken_away.count(barcode) > 0) return;
        const auto medium = shelf_.cartridges.add({.barcode = barcode, .capacity = 100'000});
        medium->mood.opens_late = chance_.below(2) == 0;
        medium->mood.buffers = chance_.below(2) == 0;
        naive_.shelf.insert(std::move(barcode));
    }

    void wait_for_shelf() {
        library_->proceed();
        while (shelf_.cartridges.work())
            library_->proceed();
    }

    // ---- hosts

    static constexpr const char* names[] = {"a", "b"};
    std::string somebody() { return names[chance_.below(2)]; }

    // Drive and changer are different targets: a host has another ISID at each.
    NexusId nexus_of(const std::string& name, const std::string& serial) {
        const auto key = std::make_pair(name, serial);
        const auto known = hosts_.find(key);
        if (known != hosts_.end()) return known->second;
        const auto nexus = library_->nexus_established(
            serial, iscsi_port(name, "00023d00000" + std::to_string(hosts_.size() + 1)));
        REQUIRE(nexus.ok());
        hosts_.emplace(key, *nexus);
        return *nexus;
    }

    // To the end, past what the host has to be told first.
    CommandReply send(const std::string& name, const std::string& serial, const Bytes& cdb,
                      const Bytes& data_out = {}) {
        const NexusId nexus = nexus_of(name, serial);
        for (int round = 0; round < 1000; ++round) {
            Bytes sent = data_out;
            const auto answer = library_->execute(nexus, 0, cdb, sent);
            if (!answer) {
                REQUIRE(shelf_.cartridges.work());
                library_->proceed();
                continue;
            }
            if (answer->status == Status::check_condition &&
                scsi::decode_sense(answer->sense)->key == scsi::SenseKey::unit_attention)
                continue;
            return *answer;
        }
        FAIL("a command waits for ever");
        return {};
    }
    static Heard heard_of(const CommandReply& reply) {
        if (reply.status == Status::good) return good;
        if (reply.status == Status::reservation_conflict) return conflict;
        REQUIRE(reply.status == Status::check_condition);
        const auto sense = scsi::decode_sense(reply.sense);
        REQUIRE(sense.ok());
        return {.key = static_cast<int>(sense->key),
                .asc = sense->additional.asc,
                .ascq = sense->additional.ascq};
    }
    static constexpr const char* changer = "VL00000001";

    void expect(const std::string& what, const Heard& real, const Heard& naive) {
        INFO(what << ": the changer: " << shown(real) << "; the naive one: " << shown(naive));
        CHECK(real == naive);
    }

    // A place mostly, sometimes an address where nothing is.
    int somewhere() {
        if (chance_.below(25) == 0) return chance_.below(2000);
        auto at = naive_.places.begin();
        std::advance(at, chance_.below(static_cast<int>(naive_.places.size())));
        return at->first;
    }

    static Bytes with_addresses(std::uint8_t opcode, const std::vector<int>& addresses) {
        Bytes cdb{opcode, 0};
        for (const int address : addresses) {
            cdb.push_back(static_cast<std::uint8_t>(address >> 8));
            cdb.push_back(static_cast<std::uint8_t>(address));
        }
        cdb.resize(12, 0);
        return cdb;
    }

    // ---- what happens

    void move() {
        const std::string who = somebody();
        const int from = somewhere();
        const int to = somewhere();
        const Heard real = heard_of(send(who, changer, with_addresses(0xa5, {0, from, to})));
        const bool refused = !naive_.reserved_by.empty() && naive_.reserved_by != who;
        const Heard naive = refused ? conflict : naive_.carry({{from, to}}, who);
        expect("MOVE MEDIUM " + std::to_string(from) + " to " + std::to_string(to), real, naive);
    }

    void exchange() {
        const std::string who = somebody();
        const int from = somewhere();
        const int first = somewhere();
        const int second = chance_.below(2) == 0 ? from : somewhere();
        const Heard real =
            heard_of(send(who, changer, with_addresses(0xa6, {0, from, first, second})));
        Heard naive = no_such_place;
        if (!naive_.reserved_by.empty() && naive_.reserved_by != who) {
            naive = conflict;
        } else if (from != first && second != first) {
            naive = naive_.carry({{from, first}, {first, second}}, who);
        }
        expect("EXCHANGE MEDIUM " + std::to_string(from) + ", " + std::to_string(first) + ", " +
                   std::to_string(second),
               real, naive);
    }

    void operator_moves() {
        const int from = somewhere();
        const int to = somewhere();
        const auto start = naive_.places.find(from);
        const auto end = naive_.places.find(to);
        if (start == naive_.places.end() || end == naive_.places.end()) return;
        if (start->second.box.empty() || naive_.is_volume(start->second.box)) return;
        const std::string barcode = start->second.box;
        const std::string place = place_name(to, end->second);
        std::optional<agent::core::Outcome> moved;
        while (!(moved = library_->move_cartridge(barcode, place))) {
            REQUIRE(shelf_.cartridges.work());
            library_->proceed();
        }
        const Heard naive = naive_.carry({{from, to}}, {});
        INFO("an operator moves " << barcode << " to " << place << ": "
                                  << (*moved ? "done" : moved->error().message)
                                  << "; the naive one: " << shown(naive));
        CHECK(moved->ok() == (naive == good));
    }

    void shelf_changes() {
        if (chance_.below(2) == 0) return add_cartridge();
        if (naive_.shelf.empty()) return;
        auto at = naive_.shelf.begin();
        std::advance(at, chance_.below(static_cast<int>(naive_.shelf.size())));
        // Nobody takes what a drive has.
        const auto boxes = naive_.boxes();
        const auto where = boxes.find(*at);
        if (where != boxes.end() && naive_.places.at(where->second).kind == Kind::drive) return;
        shelf_.taken_away.insert(*at);
        naive_.shelf.erase(at);
    }

    void count() {
        const std::string who = somebody();
        if (chance_.below(3) == 0) {
            library_->take_inventory();
        } else {
            const Bytes plain{0x07, 0, 0, 0, 0, 0};
            const Bytes range{0x37, 1, 0, 0, 0, 0, 0, 1, 0, 0};
            const Heard real = heard_of(send(who, changer, chance_.below(2) == 0 ? plain : range));
            const bool refused = !naive_.reserved_by.empty() && naive_.reserved_by != who;
            expect("INITIALIZE ELEMENT STATUS", real, refused ? conflict : good);
            if (refused) return;
        }
        naive_.count();
    }

    void drive_user() {
        const int number = chance_.below(size_.drives);
        const std::string serial = drive_serial(number);
        Place& drive = naive_.places.at(first_drive + number);
        const std::string who = somebody();
        const auto command = [&](const std::string& what, const Bytes& cdb, Heard naive,
                                 bool conflicts = true) {
            const bool other = !drive.reserved_by.empty() && drive.reserved_by != who;
            if (drive.offline && naive != good) naive = broken;
            if (other && conflicts && !(drive.offline && naive == broken)) naive = conflict;
            expect(what + " by " + who + " at " + serial, heard_of(send(who, serial, cdb)), naive);
            return naive == good;
        };
        switch (chance_.below(8)) {
            case 0:
                if (drive.offline) return;
                if (command("RESERVE", {0x16, 0, 0, 0, 0, 0}, good)) drive.reserved_by = who;
                return;
            case 1:
                command("RELEASE", {0x17, 0, 0, 0, 0, 0}, good, false);
                if (drive.reserved_by == who) drive.reserved_by.clear();
                return;
            case 2:
                if (drive.offline) return;
                if (command("PREVENT", {0x1e, 0, 0, 0, 1, 0}, good)) drive.locked_by.insert(who);
                return;
            case 3:
                command("ALLOW", {0x1e, 0, 0, 0, 0, 0}, good, false);
                drive.locked_by.erase(who);
                return;
            case 4: {
                if (drive.offline) return;
                Heard naive = drive.box.empty() ? no_medium : good;
                if (!drive.box.empty() && !drive.locked_by.empty()) naive = locked;
                if (command("UNLOAD", {0x1b, 0, 0, 0, 0, 0}, naive)) drive.threaded = false;
                return;
            }
            case 5:
                if (drive.offline) return;
                if (command("LOAD", {0x1b, 0, 0, 0, 1, 0}, drive.box.empty() ? no_medium : good))
                    drive.threaded = true;
                return;
            case 6:
                if (drive.offline || naive_.is_volume(drive.box)) return;
                expect("WRITE", heard_of(send(who, serial, {0x0a, 0, 0, 0, 1, 0}, {7})),
                       !drive.reserved_by.empty() && drive.reserved_by != who ? conflict
                       : drive.threaded                                       ? good
                                                                              : no_medium);
                return;
            default:
                drive.offline = !drive.offline;
                if (drive.offline) {
                    CHECK(library_->force_offline(serial, "test").ok());
                } else {
                    CHECK(library_->lift_forced_offline(serial).ok());
                }
        }
    }

    void changer_user() {
        const std::string who = somebody();
        const bool refused = !naive_.reserved_by.empty() && naive_.reserved_by != who;
        switch (chance_.below(5)) {
            case 0:
                expect("RESERVE", heard_of(send(who, changer, {0x16, 0, 0, 0, 0, 0})),
                       refused ? conflict : good);
                if (!refused) naive_.reserved_by = who;
                return;
            case 1:
                expect("RELEASE", heard_of(send(who, changer, {0x17, 0, 0, 0, 0, 0})), good);
                if (!refused) naive_.reserved_by.clear();
                return;
            case 2:
                expect("PREVENT", heard_of(send(who, changer, {0x1e, 0, 0, 0, 1, 0})),
                       refused ? conflict : good);
                if (!refused) naive_.locked_by.insert(who);
                return;
            case 3:
                expect("ALLOW", heard_of(send(who, changer, {0x1e, 0, 0, 0, 0, 0})), good);
                naive_.locked_by.erase(who);
                return;
            default: {
                const Bytes open_port{0x1b, 0, 0, first_port, 0, 0};
                Heard naive = size_.ports == 0 ? no_such_place : good;
                if (size_.ports > 0 && !naive_.locked_by.empty()) naive = locked;
                expect("OPEN IMPORT/EXPORT ELEMENT", heard_of(send(who, changer, open_port)),
                       refused ? conflict : naive);
            }
        }
    }

    void search() {
        if (!naive_.reserved_by.empty()) return;
        static constexpr const char* patterns[] = {"*", "P1?0L8", "P*5*", "ADM*", "P1*L8", "?"};
        const std::string pattern = patterns[chance_.below(6)];
        Bytes list(40, ' ');
        std::copy(pattern.begin(), pattern.end(), list.begin());
        REQUIRE(heard_of(send("a", changer, {0xb6, 0, 0, 0, 0, 5, 0, 0, 0, 40, 0, 0}, list)) ==
                good);
        const auto reply =
            send("a", changer, {0xb5, 0x10, 0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff, 0, 0});
        REQUIRE(reply.status == Status::good);
        int found = 0;
        for (const auto& [address, place] : naive_.places)
            found += !place.box.empty() && NaiveChanger::fits(pattern, place.box) ? 1 : 0;
        CHECK((reply.data_in[2] << 8 | reply.data_in[3]) == found);
    }

    // READ ELEMENT STATUS with volume tags, decoded descriptor by descriptor.
    void compare_status() {
        const std::string who = naive_.reserved_by.empty() ? "a" : naive_.reserved_by;
        const auto reply =
            send(who, changer, {0xb8, 0x10, 0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff, 0, 0});
        REQUIRE(reply.status == Status::good);
        scsi::ByteReader in(reply.data_in);
        in.skip(2);
        CHECK(in.u16() == naive_.places.size());
        in.skip(4);
        std::size_t seen = 0;
        while (in.remaining() > 0) {
            const std::uint8_t type = in.u8();
            in.skip(1);
            const std::uint16_t length = in.u16();
            in.skip(1);
            const std::uint32_t bytes = in.u24();
            for (std::uint32_t at = 0; at < bytes; at += length, ++seen)
                compare_descriptor(type, in, length);
        }
        CHECK(in.ok());
        CHECK(seen == naive_.places.size());
    }

    void compare_descriptor(std::uint8_t type, scsi::ByteReader& in, std::size_t length) {
        const auto view = in.take(length);
        REQUIRE(view.size() == length);
        scsi::ByteReader one(view);
        const int address = one.u16();
        INFO("element " << address);
        REQUIRE(naive_.places.count(address) == 1);
        const Place& place = naive_.places.at(address);
        static const std::map<Kind, int> codes{
            {Kind::robot, 1}, {Kind::slot, 2}, {Kind::port, 3}, {Kind::drive, 4}};
        CHECK(type == codes.at(place.kind));
        const std::uint8_t flags = one.u8();
        CHECK(((flags & 0x01) != 0) == !place.box.empty());
        CHECK(((flags & 0x04) != 0) == place.offline);
        const bool in_reach = place.kind != Kind::robot && (place.box.empty() || !place.threaded);
        CHECK(((flags & 0x08) != 0) == in_reach);
        one.skip(6);
        const bool has_source = (one.u8() & 0x80) != 0;
        CHECK(has_source == (!place.box.empty() && place.from >= 0));
        const int source = one.u16();
        if (has_source) CHECK(source == place.from);
        std::string tag;
        for (const std::uint8_t letter : one.take(32)) {
            if (letter != ' ' && letter != 0) tag += static_cast<char>(letter);
        }
        CHECK(tag == place.box);
    }

    Chance chance_;
    Size size_;
    OpenShelf shelf_;
    TwoVolumes volumes_;
    std::unique_ptr<Library> library_;
    NaiveChanger naive_;
    std::map<std::pair<std::string, std::string>, NexusId> hosts_;
};

}  // namespace

TEST_CASE("random commands of hosts and operators agree with a naive robot") {
    for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
        INFO("seed " << seed);
        Game game(seed);
        game.compare();
        for (int i = 0; i < 30; ++i) {
            INFO("step " << i);
            game.step();
            if (i % 5 == 0) game.compare();
        }
        game.compare();
        if (seed % 4 == 0) game.restart();
    }
}

}  // namespace changer_test
