#include "agent/metrics/metric_text.hpp"

#include "test/support/catch.hpp"

using agent::metrics::MetricText;
using Catch::Matchers::EndsWith;

TEST_CASE("a family has its help and type, and a sample its labels") {
    MetricText text;
    text.gauge("lra_alarm", "An alarm.");
    text.sample(1, {{"kind", "agent_lost"}, {"agent", "host1"}});
    text.counter("lra_notices_total", "Notices.");
    text.sample(18'446'744'073'709'551'615U);
    CHECK(text.text() ==
          "# HELP lra_alarm An alarm.\n# TYPE lra_alarm gauge\n"
          "lra_alarm{kind=\"agent_lost\",agent=\"host1\"} 1\n"
          "# HELP lra_notices_total Notices.\n# TYPE lra_notices_total counter\n"
          "lra_notices_total 18446744073709551615\n");
}

TEST_CASE("whatever stands in a label's value, it stays one value on one line") {
    MetricText text;
    text.gauge("x", "y");
    text.sample(0, {{"a", "quote \" backslash \\ line\nfeed"}});
    CHECK_THAT(text.text(), EndsWith("x{a=\"quote \\\" backslash \\\\ line\\nfeed\"} 0\n"));
}

TEST_CASE("times are seconds") {
    MetricText text;
    text.gauge("x", "y");
    text.seconds(1'769'860'800'123);
    text.seconds(5);
    CHECK_THAT(text.text(), EndsWith("x 1769860800.123\nx 0.005\n"));
}
