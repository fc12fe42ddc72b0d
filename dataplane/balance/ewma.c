/*
 * I3 with three differences that make it do what its users hoped for. A sample above the average counts at once (peak), so
 * an endpoint that has become slow is left by the next request; what is in progress counts, so one that answers nothing is
 * left before its first answer; and a failure counts as an answer that took very long, so failing fast attracts nobody. The
 * decay is upstream's: an endpoint that is left alone is forgiven by e-folds of ten seconds, and tried again.
 */
#include <math.h>

#include "choice.h"

static const double DECAY_MS = 10000;
static const double LEAST_US = 1000;         /* the clock's step: below it all are equal */
static const double FAILURE_FACTOR = 10;     /* the first failure, against the mean of all */
static const double FAILURE_MOST_US = 10e6;

static double decay(const struct balance_endpoint *e, uint64_t now_ms)
{
	return now_ms > e->touched_ms ? exp(-(double)(now_ms - e->touched_ms) / DECAY_MS) : 1;
}

double ewma_score(const struct choice *c, size_t i)
{
	const struct balance_endpoint *e = &c->state->items[i];

	return (e->ewma_us * decay(e, c->now_ms) + LEAST_US) * (e->in_flight + 1) / choice_weight(c, i);
}

int ewma_select(const struct choice *c)
{
	size_t two[2];
	unsigned n = choice_draw_two(c, two);

	if (n < 2)
		return n ? (int)two[0] : -1;
	return (int)two[ewma_score(c, two[1]) < ewma_score(c, two[0])];
}

/* Of what is stored, undecayed, of those that were ever measured; `except` does not count. */
static double mean(const struct balance_state *s, size_t except)
{
	double sum = 0;
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		if (i == except || !s->items[i].touched_ms || s->items[i].n_failures)
			continue;
		sum += s->items[i].ewma_us;
		n++;
	}
	return n ? sum / (double)n : 0;
}

void ewma_begin(struct balance_state *s, size_t i, uint64_t now_ms)
{
	double average = mean(s, i);

	if (average > 0) {
		s->items[i].ewma_us = average;
		s->items[i].touched_ms = now_ms;
	}
}

static double failure_us(const struct balance_state *s, size_t i)
{
	double us = (mean(s, i) + LEAST_US) * FAILURE_FACTOR;

	for (uint32_t n = 1; n < s->items[i].n_failures && us < FAILURE_MOST_US; n++)
		us *= 2;
	return us < FAILURE_MOST_US ? us : FAILURE_MOST_US;
}

void ewma_add(struct balance_state *s, size_t i, uint64_t us, bool is_failure, uint64_t now_ms)
{
	struct balance_endpoint *e = &s->items[i];
	double weight = e->touched_ms ? decay(e, now_ms) : 0, sample = (double)us;

	if (is_failure && failure_us(s, i) > sample)
		sample = failure_us(s, i);
	e->ewma_us = sample > e->ewma_us ? sample : e->ewma_us * weight + sample * (1 - weight);
	e->touched_ms = now_ms;
}
