#include "test/sim/pair/explorer.hpp"

#include <algorithm>
#include <functional>
#include <future>
#include <unordered_set>

namespace pair_sim {
namespace {

// 128 bits, so that two of some millions of worlds do not meet by chance.
struct Fingerprint {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    bool operator==(const Fingerprint&) const = default;
};
struct FingerprintHash {
    std::size_t operator()(const Fingerprint& print) const { return print.low; }
};

using Seen = std::unordered_set<Fingerprint, FingerprintHash>;

struct Reached {
    World world;
    Budget budget;
    std::size_t step = 0;  // in the list of steps; how it was reached
};

// A world that one more event has led to.
struct Further {
    Reached reached;
    Fingerprint print;
    Choice choice;
    std::size_t before = 0;  // the step it was reached from
};

struct Taken {
    std::size_t before = 0;
    Choice choice;
};

Fingerprint fingerprint_of(const World& world, const Budget& budget) {
    std::string text = world.describe();
    for (const int left :
         {budget.claims, budget.crashes, budget.server_crashes, budget.pauses, budget.mute,
          budget.cancels, budget.missing, budget.time_outs, budget.retries, budget.shut_downs,
          budget.recoveries, budget.agent_crashes, budget.store_losses}) {
        text += std::to_string(left);
        text += ',';
    }
    Fingerprint print{0xcbf29ce484222325U, 0x9e3779b97f4a7c15U};
    for (const char letter : text) {
        print.low = (print.low ^ static_cast<unsigned char>(letter)) * 0x100000001b3U;
        print.high = (print.high + static_cast<unsigned char>(letter)) * 0xff51afd7ed558ccdU;
        print.high ^= print.high >> 29U;
    }
    return print;
}

std::string words_for(const Choice& choice) {
    static constexpr const char* names[] = {"deliver",       "deliver, answer lost",
                                            "drop",          "repeat",
                                            "claim",         "acknowledge",
                                            "cancel",        "device",
                                            "order",         "replicate",
                                            "confirm",       "look",
                                            "hear peer",     "clock",
                                            "crash",         "restart",
                                            "server crash",  "pause",
                                            "resume",        "freeze",
                                            "thaw",          "agent crash",
                                            "agent restart", "cut",
                                            "heal",          "shut down",
                                            "recover",       "lose disk",
                                            "lose store",    "enrol"};
    return std::string(names[static_cast<std::size_t>(choice.kind)]) + ' ' +
           std::string(pair::to_text(choice.node)) + ' ' + std::to_string(choice.index);
}

// What a node does by itself, without anybody else's seeing it in between, does not multiply the
// worlds: it looks, gives its database what was ordered, and takes what the other's copy confirms.
// Ends between these steps are the simulator's part.
bool goes_without_saying(Kind kind) {
    return kind == Kind::look || kind == Kind::order || kind == Kind::confirm ||
           kind == Kind::acknowledge;
}

void let_be_done(World& world, Budget& budget) {
    for (int turn = 0; turn < 64; ++turn) {
        const auto choices = world.choices(budget);
        const auto own = std::find_if(choices.begin(), choices.end(), [](const Choice& choice) {
            return goes_without_saying(choice.kind);
        });
        if (world.violation()) return;
        if (own == choices.end()) break;
        world.apply(*own, budget);
    }
    world.forget_dead_messages();
}

// What one more event may lead to from each of some worlds, in their order. Worlds that were seen
// before are left out, and nothing follows a wrong one.
std::vector<Further> expand(const Reached* from, const Reached* end, const Seen& seen) {
    std::vector<Further> all;
    for (; from != end; ++from) {
        for (const auto& choice : from->world.choices(from->budget)) {
            if (goes_without_saying(choice.kind)) continue;
            Further further{{from->world, from->budget, 0}, {}, choice, from->step};
            World& world = further.reached.world;
            world.apply(choice, further.reached.budget);
            let_be_done(world, further.reached.budget);
            further.print = fingerprint_of(world, further.reached.budget);
            const bool wrong = world.violation().has_value();
            if (wrong || !seen.contains(further.print)) all.push_back(std::move(further));
            if (wrong) return all;
        }
    }
    return all;
}

// The same by several threads. The order is that of the worlds, however many threads there are.
std::vector<std::vector<Further>> expand_all(const Reached* from, std::size_t count,
                                             const Seen& seen, std::size_t threads) {
    std::vector<std::future<std::vector<Further>>> parts;
    for (std::size_t part = 1; part < threads; ++part) {
        parts.push_back(std::async(std::launch::async, expand, from + count * part / threads,
                                   from + count * (part + 1) / threads, std::cref(seen)));
    }
    std::vector<std::vector<Further>> all;
    all.push_back(expand(from, from + count / threads, seen));
    for (auto& part : parts) {
        all.push_back(part.get());
    }
    return all;
}

class Explorer {
  public:
    Explorer(const Bounds& bounds, const Progress& progress)
        : bounds_(bounds), progress_(progress) {}

    Exploration run(const World& world, const Budget& budget) {
        seen_.insert(fingerprint_of(world, budget));
        frontier_.push_back({world, budget, 0});
        while (!frontier_.empty() && result_.depth < bounds_.depth && one_event_more()) {
            ++result_.depth;
            if (progress_) progress_(result_.depth, seen_.size(), frontier_.size());
        }
        result_.states = seen_.size();
        result_.exhausted = frontier_.empty();
        return std::move(result_);
    }

  private:
    // False: a wrong world, or more of them than the bounds allow.
    bool one_event_more() {
        // So few at a time that worlds which come more than once do not fill the memory.
        constexpr std::size_t at_a_time = 4096;
        std::vector<Reached> next;
        for (std::size_t at = 0; at < frontier_.size(); at += at_a_time) {
            const std::size_t count = std::min(at_a_time, frontier_.size() - at);
            for (auto& part : expand_all(frontier_.data() + at, count, seen_, bounds_.threads)) {
                for (auto& further : part) {
                    if (!take(further, next)) return false;
                }
            }
        }
        frontier_ = std::move(next);
        return true;
    }

    bool take(Further& further, std::vector<Reached>& next) {
        if (further.reached.world.violation()) {
            result_.violation = further.reached.world.violation();
            result_.path.push_back(words_for(further.choice));
            for (std::size_t at = further.before; at != 0; at = steps_[at].before) {
                result_.path.insert(result_.path.begin(), words_for(steps_[at].choice));
            }
            return false;
        }
        if (!seen_.insert(further.print).second) return true;
        further.reached.step = steps_.size();
        steps_.push_back({further.before, further.choice});
        next.push_back(std::move(further.reached));
        return seen_.size() < bounds_.states;
    }

    const Bounds& bounds_;
    const Progress& progress_;
    Exploration result_;
    Seen seen_;
    std::vector<Taken> steps_{{0, {}}};
    std::vector<Reached> frontier_;
};

}  // namespace

Exploration explore(const Options& options, const Budget& budget, const Bounds& bounds,
                    const Progress& progress) {
    World world(options);
    world.settle();
    if (world.violation() || world.not_converged()) {
        Exploration result;
        result.violation = world.violation() ? world.violation() : world.not_converged();
        return result;
    }
    return Explorer(bounds, progress).run(world, budget);
}

}  // namespace pair_sim
