/* One array of bounds for all stages. */
#include "propagation.h"

static const struct {
	uint64_t us;
	const char *text;
} bounds[PROPAGATION_BUCKETS] = {{1000, "0.001"}, {2500, "0.0025"}, {5000, "0.005"}, {10000, "0.01"}, {25000, "0.025"},
	{50000, "0.05"}, {100000, "0.1"}, {250000, "0.25"}, {500000, "0.5"}, {1000000, "1"}, {2500000, "2.5"},
	{5000000, "5"}, {10000000, "10"}, {30000000, "30"}};

void propagation_note(struct propagation *p, enum propagation_stage stage, uint64_t took_us)
{
	size_t i = 0;

	while (i < PROPAGATION_BUCKETS && took_us > bounds[i].us)
		i++;
	p->stages[stage].buckets[i]++;
	p->stages[stage].n++;
	p->stages[stage].sum_us += took_us;
}

void propagation_metrics(const struct propagation *p, struct buf *out)
{
#define PROPAGATION_LABEL(id, label) label,
	static const char *const labels[] = {PROPAGATION_STAGES(PROPAGATION_LABEL)};

	buf_add(out, STR("# HELP weirlock_propagation_seconds From the first event of a change to its snapshot built, sent to a proxy, "
			 "acknowledged by a proxy.\n# TYPE weirlock_propagation_seconds histogram\n"));
	for (size_t stage = 0; stage < PROPAGATION_COUNT; stage++) {
		uint64_t n = 0;

		for (size_t i = 0; i < PROPAGATION_BUCKETS; i++) {
			n += p->stages[stage].buckets[i];
			buf_printf(out, "weirlock_propagation_seconds_bucket{stage=\"%s\",le=\"%s\"} %llu\n", labels[stage],
				bounds[i].text, (unsigned long long)n);
		}
		n = p->stages[stage].n;
		buf_printf(out,
			"weirlock_propagation_seconds_bucket{stage=\"%s\",le=\"+Inf\"} %llu\n"
			"weirlock_propagation_seconds_sum{stage=\"%s\"} %.6f\n"
			"weirlock_propagation_seconds_count{stage=\"%s\"} %llu\n",
			labels[stage], (unsigned long long)n, labels[stage], (double)p->stages[stage].sum_us / 1e6, labels[stage],
			(unsigned long long)n);
	}
}
