// Random commands of four hosts through the whole device server, against the naive second
// implementation.

#include <algorithm>
#include <array>

#include "test/unit/virtual/library_builder.hpp"
#include "test/unit/virtual/naive_reservations.hpp"

using namespace virtual_library_test;

namespace {

// splitmix64: the same numbers everywhere.
class Dice {
  public:
    explicit Dice(std::uint64_t seed) : state_(seed) {}
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

constexpr int host_count = 4;
constexpr std::array<int, 6> type_codes{1, 3, 5, 6, 7, 8};

using Answer = NaiveReservations::Answer;

Answer answer_of(const CommandReply& reply) {
    if (reply.status == Status::good) return Answer::good;
    if (reply.status == Status::reservation_conflict) return Answer::conflict;
    return Answer::illegal;
}

class Match {
  public:
    explicit Match(std::uint64_t seed) : dice_(seed) {
        for (int i = 0; i < host_count; ++i)
            hosts_.emplace_back(library_, iscsi_port("host" + std::to_string(i)));
    }

    void step() {
        const int host = dice_.below(host_count);
        const int what = dice_.below(100);
        if (what < 55) {
            pr_out(host);
        } else if (what < 72) {
            legacy(host);
        } else if (what < 92) {
            access(host);
        } else {
            event(host);
        }
        compare();
    }

  private:
    std::uint64_t some_key() {
        return static_cast<std::uint64_t>(dice_.below(4));
    }  // 0 to 3: collisions are the point
    int some_type() { return type_codes[static_cast<std::size_t>(dice_.below(6))]; }

    // Mostly the key the host really has, so that something happens.
    std::uint64_t own_key(int host) {
        const int luck = dice_.below(8);
        if (luck == 0) return some_key();
        return naive_.registered(host) ? naive_.keys[host] : 0;
    }

    void pr_out(int host) {
        Host& h = hosts_[static_cast<std::size_t>(host)];
        const std::uint64_t key = own_key(host);
        const std::uint64_t other = some_key();
        // Type 0 now and then would be an invalid field; that order of checks has a test of its
        // own.
        const int type = dice_.below(3) == 0 || naive_.type == 0 ? some_type() : naive_.type;
        const bool persist = dice_.below(2) == 1;
        const auto code = static_cast<std::uint8_t>(type);
        switch (dice_.below(8)) {
            case 0:
                same(naive_.register_key(host, false, key, other, persist),
                     h.pr_out(PrOutAction::register_key, key, other, std::uint8_t{0}, persist));
                break;
            case 1:
                same(naive_.register_key(host, true, key, other, persist),
                     h.pr_out(PrOutAction::register_and_ignore_existing_key, key, other,
                              std::uint8_t{0}, persist));
                break;
            case 2:
                same(naive_.pr_reserve(host, key, type),
                     h.pr_out(PrOutAction::reserve, key, other, code));
                break;
            case 3:
                same(naive_.pr_release(host, key, type),
                     h.pr_out(PrOutAction::release, key, other, code));
                break;
            case 4:
                // Rarely, or nothing lives long enough to get interesting.
                if (dice_.below(4) == 0)
                    same(naive_.clear(host, key), h.pr_out(PrOutAction::clear, key));
                break;
            case 5:
                same(naive_.preempt(host, key, other, type),
                     h.pr_out(PrOutAction::preempt, key, other, code));
                break;
            case 6:
                same(naive_.preempt(host, key, other, type),
                     h.pr_out(PrOutAction::preempt_and_abort, key, other, code));
                break;
            default: {
                const int to = dice_.below(host_count);
                const bool unregister = dice_.below(2) == 1;
                // APTPL of this form is 0.
                same(naive_.move(host, key, other, to, unregister, false),
                     h.register_and_move(key, other, hosts_[static_cast<std::size_t>(to)].port(),
                                         unregister));
                break;
            }
        }
    }

    void legacy(int host) {
        Host& h = hosts_[static_cast<std::size_t>(host)];
        const int what = dice_.below(5);
        if (what == 0) same(naive_.reserve(host), h.reserve());
        if (what == 1) same(naive_.reserve(host), h.send(drive_iface::scsi::reserve_10_cdb()));
        if (what == 2) same(naive_.release(host), h.send(drive_iface::scsi::release_10_cdb()));
        if (what > 2) same(naive_.release(host), h.release());
    }

    void access(int host) {
        Host& h = hosts_[static_cast<std::size_t>(host)];
        CHECK(conflict(h.read()) == !naive_.may_read(host));
        CHECK(conflict(h.write()) == !naive_.may_write(host));
        CHECK(conflict(h.test_unit_ready()) == !naive_.may_test(host));
        CHECK(conflict(h.pr_in(PrInAction::read_keys)) == !naive_.may_look_at_keys());
        CHECK(good(h.send({drive_iface::scsi::opcode::inquiry, 0, 0, 0, 96, 0})));
    }

    void event(int host) {
        Host& h = hosts_[static_cast<std::size_t>(host)];
        switch (dice_.below(6)) {
            case 0:
                library_.power_cycle();
                naive_.power_cycle();
                break;
            case 1:
                CHECK(library_.manage(h.nexus(), 0, TaskManagement::logical_unit_reset));
                naive_.reset();
                break;
            case 2:
                h.log_in();  // reinstatement
                naive_.nexus_lost(host);
                break;
            default:
                h.log_out();
                naive_.nexus_lost(host);
                h.log_in();
                break;
        }
        forget_attentions();
    }

    void same(Answer expected, const CommandReply& reply) { CHECK(answer_of(reply) == expected); }

    void forget_attentions() {
        for (Host& host : hosts_) {
            for (int i = 0; i < 10; ++i) {
                // REQUEST SENSE is never refused and takes one unit attention a time.
                static_cast<void>(host.send(drive_iface::scsi::request_sense_cdb(18)));
            }
        }
        naive_.told.clear();
    }

    void compare() {
        for (int i = 0; i < host_count; ++i)
            compare_attentions(i);
        naive_.told.clear();
        compare_reservation();
        const auto state = library_.drives()[0];
        CHECK(state.registrations == naive_.keys.size());
    }

    void compare_attentions(int host) {
        std::vector<int> expected;
        for (const auto& told : naive_.told) {
            if (told.host == host) expected.push_back(told.asc_ascq);
        }
        std::vector<int> seen;
        while (true) {
            const auto reply = hosts_[static_cast<std::size_t>(host)].send(
                drive_iface::scsi::request_sense_cdb(18));
            const auto sense = drive_iface::scsi::decode_sense(reply.data_in);
            REQUIRE(sense.ok());
            if (sense->key != drive_iface::scsi::SenseKey::unit_attention) break;
            seen.push_back(sense->additional.asc << 8 | sense->additional.ascq);
        }
        CHECK(seen == expected);
    }

    void compare_reservation() {
        const auto reservation = reservation_of(library_);
        std::vector<InitiatorPort> holders;
        for (int i = 0; i < host_count; ++i) {
            if (naive_.legacy == i || naive_.holds(i))
                holders.push_back(hosts_[static_cast<std::size_t>(i)].port());
        }
        std::sort(holders.begin(), holders.end());
        CHECK(reservation.holders == holders);
        CHECK((reservation.persistent ? reservation.persistent->type : 0) == naive_.type);
        if (naive_.legacy != NaiveReservations::none) return;
        const auto status = drive_iface::scsi::decode_read_full_status(
            hosts_[0].pr_in(PrInAction::read_full_status).data_in);
        REQUIRE(status.ok());
        CHECK(status->header.generation == naive_.generation);
        CHECK(status->descriptors.size() == naive_.keys.size());
        for (const auto& descriptor : status->descriptors) {
            for (int i = 0; i < host_count; ++i) {
                const auto& port = hosts_[static_cast<std::size_t>(i)].port();
                if (!descriptor.port || descriptor.port->name != port.name) continue;
                CHECK(descriptor.key == naive_.keys.at(i));
                CHECK(descriptor.holder == naive_.holds(i));
            }
        }
    }

    Dice dice_;
    TwoDrives library_;
    std::vector<Host> hosts_;
    NaiveReservations naive_;
};

}  // namespace

TEST_CASE("random commands of four hosts agree with a naive implementation of the rules") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        INFO("seed " << seed);
        Match match(seed);
        for (int i = 0; i < 500; ++i) {
            INFO("step " << i);
            match.step();
        }
    }
}
