#include "agent/pair_node/right_board.hpp"

#include "test/support/catch.hpp"

using agent::pair::ActingRight;
using agent::pair_node::RightBoard;

TEST_CASE("what a step has taken away is gone at once, and nothing is given that way") {
    RightBoard board;
    board.lower({7, true, true, {1'000}});
    CHECK(board.get() == ActingRight{});
    board.set({7, true, true, {1'000}});
    board.lower({7, true, true, {2'000}});
    CHECK(board.get() == ActingRight{7, true, true, {1'000}});
    board.lower({7, false, true, {900}});
    CHECK(board.get() == ActingRight{7, false, true, {900}});
    board.lower({7, true, false, {900}});
    CHECK_FALSE(board.get().may_act);
    board.set({7, true, true, {1'000}});
    board.lower({8, true, true, {5'000}});
    CHECK_FALSE(board.get().may_act);
}
