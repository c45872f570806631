#pragma once

#include "agent/metrics/metric_text.hpp"

namespace agent::metrics {

// What this process takes of its machine, by the names that client libraries of Prometheus use.
void add_process_metrics(MetricText& text);

}  // namespace agent::metrics
