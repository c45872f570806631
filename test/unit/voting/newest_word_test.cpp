#include "agent/voting/newest_word.hpp"

#include "test/support/catch.hpp"

using agent::core::Instant;
using agent::voting::newest_word_kept;
using agent::voting::NewestWord;

TEST_CASE("a node that was replaced is not believed after its successor was heard") {
    NewestWord word;
    CHECK(word.take("library-1", "lra-a", 100, Instant{0}));
    CHECK(word.take("library-1", "lra-b", 200, Instant{1}));
    CHECK_FALSE(word.take("library-1", "lra-a", 100, Instant{2}));
    CHECK_FALSE(word.take("library-1", "lra-a", 199, Instant{2}));
    CHECK(word.take("library-1", "lra-b", 200, Instant{3}));
    // It has taken over again.
    CHECK(word.take("library-1", "lra-a", 300, Instant{4}));
    CHECK_FALSE(word.take("library-1", "lra-b", 200, Instant{5}));
}

TEST_CASE("controllers of other pairs, and of none, are believed whatever they count from") {
    NewestWord word;
    CHECK(word.take("library-1", "lra-a", 200, Instant{0}));
    CHECK(word.take("library-2", "lra-c", 100, Instant{0}));
    CHECK(word.take("", "lra-d", 200, Instant{0}));
    CHECK(word.take("", "lra-e", 100, Instant{0}));
}

TEST_CASE("a pair that was founded anew is believed when the old one was silent long enough") {
    NewestWord word;
    CHECK(word.take("library-1", "lra-b", 200, Instant{0}));
    CHECK_FALSE(word.take("library-1", "lra-a", 100, Instant{newest_word_kept.ms - 1}));
    CHECK(word.take("library-1", "lra-a", 100, Instant{newest_word_kept.ms}));
}
