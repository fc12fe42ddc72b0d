/* Two at random, the less busy one: nearly as even as least_conn, whatever the number of workers and proxies. */
#include "choice.h"

int random_two_select(const struct choice *c)
{
	const struct balance_endpoint *items = c->state->items;
	size_t two[2];
	unsigned n = choice_draw_two(c, two);
	uint64_t first, second;

	if (n < 2)
		return n ? (int)two[0] : -1;
	first = ((uint64_t)items[two[0]].in_flight + 1) * choice_weight(c, two[1]);
	second = ((uint64_t)items[two[1]].in_flight + 1) * choice_weight(c, two[0]);
	return (int)two[second < first];
}
