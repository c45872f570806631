#include "test/sim/pair/simulation.hpp"

#include <algorithm>

#include "test/sim/random.hpp"

namespace pair_sim {
namespace {

constexpr int turns = 2500;

struct Plan {
    Options options;
    Budget budget;
    std::uint64_t loss = 0;  // of messages, per 100k
    std::uint64_t repeats = 0;
    std::uint64_t trouble = 0;  // one turn in so many is a fault
    bool clocks_stop = false;
};

Plan plan_for(std::uint64_t seed, sim::Random& random, Bug bug) {
    Plan plan;
    plan.options.agents = 1 + random.below(5);
    if (bug == Bug::threshold_lowered) plan.options.agents = 3 + random.below(2);
    plan.options.bug = bug;
    plan.options.fenced = random.below(3) == 0;
    plan.options.times.peer_wait = {12'000};
    plan.options.times.expedite_timeout = {20'000};
    plan.budget.claims = 60;
    plan.budget.crashes = static_cast<int>(random.below(6));
    plan.budget.server_crashes = static_cast<int>(random.below(4));
    plan.budget.pauses = static_cast<int>(random.below(5));
    plan.budget.cancels = static_cast<int>(random.below(4));
    plan.budget.shut_downs = static_cast<int>(random.below(3));
    plan.budget.recoveries = 2;
    plan.budget.agent_crashes = static_cast<int>(random.below(4));
    const std::uint64_t losses[] = {0, 2'000, 10'000, 30'000};
    plan.loss = losses[random.below(4)];
    plan.repeats = losses[random.below(3)];
    plan.trouble = 8 + random.below(60);
    // A clock that stands still while its machine is suspended can only be answered by the devices.
    plan.clocks_stop = plan.options.fenced && random.below(2) == 0;
    // A bug is looked for in worlds where it can show: others only take time.
    if (bug == Bug::agents_hear_nobody || bug == Bug::lease_ignored) {
        plan.options.agents = 3;
        plan.options.fenced = false;
        plan.budget.crashes = 0;
        plan.budget.server_crashes = 0;
        plan.budget.pauses = bug == Bug::lease_ignored ? 3 : 0;
        plan.loss = 0;
        plan.trouble = 40;
    }
    // In some worlds one file has other times than all the rest.
    if (seed % 5 == 4 || bug == Bug::times_not_compared) {
        plan.options.times_of_first = plan.options.times;
        plan.options.times_of_first->lease = {30'000};
        plan.options.times_of_first->dead_after = {40'000};
    }
    // In others a node comes back without what it kept.
    if (seed % 5 == 2 || bug == Bug::sequence_alone) {
        plan.budget.disk_losses = 2;
        plan.budget.crashes += 2;
        if (bug == Bug::sequence_alone) plan.trouble = 20;
    }
    // In others again an agent comes back without what it kept, and is taken in anew.
    if (seed % 5 == 3 || bug == Bug::vouches_without_right) plan.budget.store_losses = 3;
    if (bug == Bug::vouches_without_right) {
        plan.options.agents = 3;
        plan.options.fenced = false;
        plan.budget.crashes = 0;
        plan.budget.server_crashes = 0;
        plan.budget.shut_downs = 0;
        plan.budget.pauses = 6;
        plan.budget.store_losses = 12;
        plan.loss = 0;
        plan.trouble = 12;
    }
    if (bug == Bug::no_barrier || bug == Bug::warning_is_success) {
        plan.budget.crashes = 5;
        plan.budget.server_crashes = 4;
        plan.budget.cancels = 12;
        plan.budget.shut_downs = 0;
        plan.trouble = 8;
    }
    return plan;
}

bool is_fault(Kind kind) {
    switch (kind) {
        case Kind::crash:
        case Kind::server_crash:
        case Kind::pause:
        case Kind::freeze:
        case Kind::cancel:
        case Kind::agent_crash:
        case Kind::shut_down:
        case Kind::lose_disk:
        case Kind::lose_store:
            return true;
        case Kind::deliver:
        case Kind::deliver_mute:
        case Kind::drop:
        case Kind::repeat:
        case Kind::claim:
        case Kind::acknowledge:
        case Kind::device:
        case Kind::order:
        case Kind::replicate:
        case Kind::confirm:
        case Kind::look:
        case Kind::hear_peer:
        case Kind::timer:
        case Kind::restart:
        case Kind::resume:
        case Kind::thaw:
        case Kind::agent_restart:
        case Kind::cut:
        case Kind::heal:
        case Kind::recover:
        case Kind::enrol:
            return false;
    }
    return false;
}

// Things that come to pass after a while by somebody else's doing.
bool is_slow(Kind kind) {
    return kind == Kind::restart || kind == Kind::resume || kind == Kind::thaw ||
           kind == Kind::agent_restart || kind == Kind::recover || kind == Kind::enrol;
}

class Walk {
  public:
    Walk(std::uint64_t seed, Bug bug, bool printing)
        : random_(seed), plan_(plan_for(seed, random_, bug)), world_(plan_.options) {
        world_.print(printing);
        for (const Node node : {Node::first, Node::second}) {
            const std::int64_t rate = random_.between(960, 1040);
            const std::int64_t offset = random_.between(-1'000'000, 1'000'000);
            world_.clock_faults(node, rate, offset, plan_.clocks_stop);
        }
    }

    Verdict run() {
        world_.settle();
        if (!world_.violation() && world_.not_converged()) {
            return verdict("does not even start: " + *world_.not_converged());
        }
        for (int turn = 0; turn < turns && !world_.violation(); ++turn) {
            take_turn();
        }
        if (world_.violation()) return verdict(*world_.violation());
        world_.heal_all();
        for (int rounds = 0; rounds < 12 && !world_.violation(); ++rounds) {
            world_.run_quietly(20);
            if (!world_.not_converged() && serves()) break;
            world_.heal_all();  // a command given before may have ended only now
        }
        if (world_.violation()) return verdict(*world_.violation());
        if (const auto why = world_.not_converged()) return verdict("no pair again: " + *why);
        if (!serves()) return verdict("a pair again, and it takes no claims");
        return verdict(std::nullopt);
    }

  private:
    Verdict verdict(std::optional<std::string> failure) {
        return {std::move(failure), world_.trace_hash(), world_.acknowledged().size(),
                world_.commands(), world_.takeovers()};
    }

    // Is a new claim acknowledged?
    bool serves() {
        Budget one;
        one.claims = 1;
        const auto all = world_.choices(one);
        const auto claim = std::find_if(all.begin(), all.end(), [](const Choice& choice) {
            return choice.kind == Kind::claim;
        });
        if (claim == all.end()) return false;
        const auto before = world_.acknowledged().size();
        world_.apply(*claim, one);
        world_.run_quietly(8);
        return world_.acknowledged().size() > before;
    }

    void take_turn() {
        if (random_.chance(30'000)) {
            const std::int64_t ms =
                random_.chance(3'000) ? random_.between(1'000, 15'000) : random_.between(1, 400);
            world_.advance(ms);
        }
        if (random_.below(plan_.trouble) == 0) trouble();
        if (world_.violation()) return;
        std::vector<Choice> usual;
        for (const auto& choice : world_.choices(plan_.budget)) {
            if (!is_fault(choice.kind) && !is_slow(choice.kind)) usual.push_back(choice);
        }
        if (usual.empty()) return;
        const std::size_t which = random_.below(usual.size());
        Choice choice = usual[which];
        if (choice.kind == Kind::claim && !random_.chance(30'000)) return;
        if (choice.kind == Kind::deliver) {
            if (random_.chance(plan_.loss)) choice.kind = Kind::drop;
            if (random_.chance(plan_.repeats)) {
                world_.apply({Kind::repeat, choice.node, choice.index}, plan_.budget);
            }
        }
        if (plan_.budget.crashes > 0 && random_.chance(400)) {
            --plan_.budget.crashes;
            world_.crash_after_effects(static_cast<int>(random_.below(4)));
        }
        world_.apply(choice, plan_.budget);
        world_.crash_after_effects(-1);
    }

    void trouble() {
        const std::uint64_t what = random_.below(10);
        if (what < 4) {
            const std::size_t index = random_.below(world_.links());
            const Kind kind = world_.link(index) ? Kind::cut : Kind::heal;
            // Broken wires are repaired sooner than others break.
            if (kind == Kind::cut && random_.below(3) != 0) return;
            world_.apply({kind, Node::first, index}, plan_.budget);
            return;
        }
        if (what == 4) {
            // One node loses everybody, or the other way round.
            const bool apart = random_.below(2) == 0;
            const std::size_t node = random_.below(2);
            for (std::size_t index = 0; index < world_.links(); ++index) {
                const bool its = index < 2 || ((index - 2) / 2) % 2 == node;
                if (its) {
                    world_.apply({apart ? Kind::cut : Kind::heal, Node::first, index},
                                 plan_.budget);
                }
            }
            return;
        }
        if (what == 5) {
            // The nodes lose each other and nobody else.
            const Kind kind = random_.below(3) != 0 ? Kind::cut : Kind::heal;
            for (std::size_t index = 0; index < 2; ++index) {
                world_.apply({kind, Node::first, index}, plan_.budget);
            }
            return;
        }
        std::vector<Choice> faults;
        for (const auto& choice : world_.choices(plan_.budget)) {
            if (is_fault(choice.kind) || is_slow(choice.kind)) faults.push_back(choice);
        }
        if (faults.empty()) return;
        const std::size_t which = random_.below(faults.size());
        if (faults[which].kind == Kind::shut_down && random_.below(6) != 0) return;
        world_.apply(faults[which], plan_.budget);
    }

    sim::Random random_;
    Plan plan_;
    World world_;
};

}  // namespace

Verdict simulate(std::uint64_t seed, Bug bug, bool printing) {
    return Walk(seed, bug, printing).run();
}

}  // namespace pair_sim
