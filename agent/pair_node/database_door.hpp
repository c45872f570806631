#pragma once

// The database server of one controller node, as the rules of a pair see it: what they order of it,
// one order after the other, and what it is seen to hold.

#include <functional>

#include "agent/pair/controller_node_io.hpp"

namespace agent::pair_node {

// Belongs to the event loop's thread; whatever takes long is done elsewhere, and its end is posted
// to the loop.
class DatabaseDoor {
  public:
    virtual ~DatabaseDoor() = default;

    // One of the steps stop_database to barrier (agent/pair/procedure.hpp). Orders are carried out
    // in the order they are given. `answered` is called once for each, later, also when the step
    // could not be done; an order that stops the database ends what is under way before it.
    virtual void carry_out(const pair::Order& order,
                           std::function<void(const pair::OrderAnswered&)> answered) = 0;

    // At every change of what is there, and once after start().
    std::function<void(const pair::DataSeen&)> on_seen;
    // It ended, or stopped answering, and nobody ordered it.
    std::function<void()> on_lost;

    virtual void start() = 0;

  protected:
    DatabaseDoor() = default;
    DatabaseDoor(const DatabaseDoor&) = default;
    DatabaseDoor& operator=(const DatabaseDoor&) = default;
};

}  // namespace agent::pair_node
