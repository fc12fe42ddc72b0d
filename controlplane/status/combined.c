/* An Ingress that several pools have is reached at the proxies of each. */
#include "inside.h"
#include "mem.h"

void combined_forget(struct status *s)
{
	for (size_t i = 0; i < s->n_combined; i++) {
		addresses_deinit(&s->combined[i].wanted);
		buf_deinit(&s->combined[i].text);
	}
	mem_free(s->combined);
	s->combined = NULL;
	s->n_combined = s->combined_cap = 0;
}

static bool publishes(const struct target *t)
{
	return t->from->addresses.len || t->from->service.len || t->from->selector.len;
}

bool combined_has_any(const struct status *s)
{
	for (size_t i = 0; i < s->options.n_pools; i++) {
		if (s->targets[i].has_wanted)
			return true;
	}
	return false;
}

/* Those for which something is published. False: of one it is not known yet, and half of it would be wrong. */
static bool pools_with(const struct status *s, uint64_t *pools)
{
	for (size_t i = 0; i < s->options.n_pools; i++) {
		if (!publishes(&s->targets[i]))
			*pools &= ~pool_bit(i);
		else if (*pools & pool_bit(i) && !s->targets[i].has_wanted)
			return false;
	}
	return true;
}

static struct combined *make(struct status *s, uint64_t pools)
{
	struct combined *c;

	s->combined = mem_grow(s->combined, &s->combined_cap, s->n_combined + 1, sizeof(*s->combined));
	c = &s->combined[s->n_combined++];
	*c = (struct combined){.pools = pools};
	for (size_t i = 0; i < s->options.n_pools; i++) {
		if (pools & pool_bit(i))
			addresses_add_all(&c->wanted, &s->targets[i].wanted);
	}
	addresses_add_text(c->wanted.items, c->wanted.n, &c->text);
	return c;
}

const struct combined *combined_of(struct status *s, uint64_t pools)
{
	if (!pools_with(s, &pools) || !pools)
		return NULL;
	for (size_t i = 0; i < s->n_combined; i++) {
		if (s->combined[i].pools == pools)
			return &s->combined[i];
	}
	return make(s, pools);
}
