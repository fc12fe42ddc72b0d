/* Counting and summing: what happens on the request path, and what the reader does first. */
#include "metrics.h"

#include <assert.h>

/* Upper bounds in microseconds: .005 .01 .025 .05 .1 .25 .5 1 2.5 5 10 s (SEMANTICS N2). */
static const uint32_t bounds_us[METRICS_BUCKETS] = {
	5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000};

void metrics_observe(struct metrics_histogram *h, uint64_t us)
{
	size_t at = 0;

	while (at < METRICS_BUCKETS && us > bounds_us[at])
		at++;
	metrics_add(&h->buckets[at], 1);
	metrics_add(&h->sum_us, us);
}

void metrics_count_request(
	struct metrics *m, enum http_method method, unsigned status, enum end_reason reason, uint64_t duration_us)
{
	unsigned class = status / 100;

	assert(reason < END_COUNT);
	metrics_add(&m->requests[method <= HTTP_LOCK ? method : 0][class < METRICS_CLASSES ? class : 0], 1);
	metrics_add(&m->ends[reason], 1);
	metrics_observe(&m->request_us, duration_us);
}

void metrics_count_end(struct metrics *m, enum end_reason reason)
{
	assert(reason < END_COUNT);
	metrics_add(&m->ends[reason], 1);
}

void metrics_count_proxy_header(struct metrics *m, enum proxyproto_result result)
{
	assert(result < PROXYPROTO_RESULT_COUNT);
	metrics_add(&m->proxy_headers[result], 1);
}

static void sum_all(metric *to, const metric *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		metrics_add(&to[i], metrics_read(&from[i]));
}

static void sum_histogram(struct metrics_histogram *to, const struct metrics_histogram *from)
{
	sum_all(to->buckets, from->buckets, METRICS_BUCKETS + 1);
	sum_all(&to->sum_us, &from->sum_us, 1);
}

#define SUM_FIELD(field, type, name, labels, help) sum_all(&to->field, &from->field, 1);
#define SUM_HISTOGRAM(field, name, help) sum_histogram(&to->field, &from->field);

void metrics_sum(struct metrics *to, const struct metrics *from)
{
	METRICS(SUM_FIELD)
	METRICS_HISTOGRAMS(SUM_HISTOGRAM)
	for (size_t method = 0; method < METRICS_METHODS; method++)
		sum_all(to->requests[method], from->requests[method], METRICS_CLASSES);
	sum_all(to->ends, from->ends, END_COUNT);
	sum_all(to->proxy_headers, from->proxy_headers, PROXYPROTO_RESULT_COUNT);
}
