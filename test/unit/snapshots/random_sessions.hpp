#pragma once

// Tracking structures as they come and go, for property tests.

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "drive_iface/sessions/tracking.hpp"

namespace snapshots_test {

using drive_iface::sessions::Session;
using drive_iface::sessions::SessionState;

inline std::uint64_t below(std::mt19937_64& random, std::uint64_t limit) {
    return random() % limit;
}

class RandomSessions {
  public:
    explicit RandomSessions(std::uint64_t seed) : random_(seed) {}

    // A few things happen.
    void go_on() {
        const auto steps = below(random_, 6);
        for (std::uint64_t i = 0; i < steps; ++i)
            step();
    }
    std::vector<Session> rows;

  private:
    void step() {
        const auto what = below(random_, 7);
        if (rows.empty() || what == 0) return begin();
        const auto at = below(random_, rows.size());
        Session& session = rows[at];
        const bool active = session.state == SessionState::active;
        if (what == 1 && active) {
            session.objects += 1 + below(random_, 100);
            session.bytes += below(random_, 100'000);
        } else if (what == 2 && active) {
            session.durable_objects = session.objects;
        } else if (what == 3 && active) {
            session.state = SessionState::complete;
            session.completion = ++completions_;
            session.durable_objects = session.objects;
            session.ended_ms = 5'000;
        } else if (what == 3 && session.state == SessionState::complete) {
            session.state = SessionState::merged;
            session.volume_object = below(random_, 1'000);
        } else if (what == 4 && active) {
            session.state = SessionState::incomplete;
            session.reason = "went away";
            session.objects = session.durable_objects;  // the rest is lost
        } else if (what == 5 && !active) {
            session.kept = false;
            session.files.clear();
        } else if (what == 6 && !session.kept) {
            rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(at));
        }
    }
    void begin() {
        Session session;
        session.identifier = ++last_;
        session.host = "rmt:user" + std::to_string(below(random_, 3));
        session.address = "192.0.2." + std::to_string(below(random_, 3));
        session.drive = "VT0000000" + std::to_string(below(random_, 3));
        session.volume = "VOL001L8";
        session.started_ms = 1'000 + last_;
        session.files = {"/a/S" + std::to_string(last_) + ".tap",
                         "/b b/S" + std::to_string(last_) + ".tap"};
        rows.push_back(session);
    }

    std::mt19937_64 random_;
    std::uint32_t last_ = 0;
    std::uint64_t completions_ = 0;
};

}  // namespace snapshots_test
