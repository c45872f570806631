#include "test/sim/pair/explorer.hpp"

#include <algorithm>
#include <unordered_set>

namespace pair_sim {
namespace {

struct Reached {
    World world;
    Budget budget;
    std::size_t step = 0;  // in the list of steps; how it was reached
};

struct Taken {
    std::size_t before = 0;
    Choice choice;
};

// 128 bits, so that two of some millions of worlds do not meet by chance.
struct Fingerprint {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    bool operator==(const Fingerprint&) const = default;
};
struct FingerprintHash {
    std::size_t operator()(const Fingerprint& print) const { return print.low; }
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

}  // namespace

Exploration explore(const Options& options, const Budget& budget, const Bounds& bounds) {
    Exploration result;
    World world(options);
    world.settle();
    if (world.violation() || world.not_converged()) {
        result.violation = world.violation() ? world.violation() : world.not_converged();
        return result;
    }
    std::unordered_set<Fingerprint, FingerprintHash> seen;
    std::vector<Taken> steps{{0, {}}};
    std::vector<Reached> frontier;
    seen.insert(fingerprint_of(world, budget));
    frontier.push_back({world, budget, 0});
    while (!frontier.empty() && result.depth < bounds.depth) {
        std::vector<Reached> next;
        for (const auto& reached : frontier) {
            for (const auto& choice : reached.world.choices(reached.budget)) {
                if (goes_without_saying(choice.kind)) continue;
                Reached further{reached.world, reached.budget, steps.size()};
                further.world.apply(choice, further.budget);
                let_be_done(further.world, further.budget);
                if (further.world.violation()) {
                    result.states = seen.size();
                    result.violation = further.world.violation();
                    result.path.push_back(words_for(choice));
                    for (std::size_t at = reached.step; at != 0; at = steps[at].before) {
                        result.path.insert(result.path.begin(), words_for(steps[at].choice));
                    }
                    return result;
                }
                if (!seen.insert(fingerprint_of(further.world, further.budget)).second) continue;
                steps.push_back({reached.step, choice});
                next.push_back(std::move(further));
                if (seen.size() >= bounds.states) {
                    result.states = seen.size();
                    return result;
                }
            }
        }
        ++result.depth;
        frontier = std::move(next);
    }
    result.states = seen.size();
    result.exhausted = frontier.empty();
    return result;
}

}  // namespace pair_sim
