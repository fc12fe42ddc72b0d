/* Fewest requests in progress at this worker, by weight; whoever is next in turn wins among equals. */
#include "choice.h"

int least_conn_select(const struct choice *c)
{
	struct balance_state *s = c->state;
	size_t first = s->last < s->n ? s->last + 1 : (size_t)(c->draw % s->n);
	uint64_t least = 0, weight = 0;
	int best = -1;

	for (size_t k = 0; k < s->n; k++) {
		size_t i = (first + k) % s->n;
		uint64_t load = (uint64_t)s->items[i].in_flight + 1, of = choice_weight(c, i);

		if (!choice_allows(c, i) || (best >= 0 && load * weight >= least * of))
			continue;
		best = (int)i;
		least = load;
		weight = of;
	}
	if (best >= 0)
		s->last = (size_t)best;
	return best;
}
