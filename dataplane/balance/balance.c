/*
 * A worker's state by backend number. It stands for the newest list of endpoints; an exchange that still holds an older one
 * (it is about to retry) chooses without it, and prefers endpoints that the newest list has: the others are gone or going.
 */
#include "balance.h"

#include "choice.h"
#include "mem.h"
#include "weirlock/v1/snapshot.pb-c.h"

struct balance {
	uint64_t random;
	struct balance_state **items; /* by backend number; NULL: never asked for */
	size_t n, cap;
};

struct balance *balance_create(uint64_t seed)
{
	struct balance *b = mem_zalloc(sizeof(*b));

	b->random = seed;
	return b;
}

void balance_destroy(struct balance *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->n; i++) {
		if (b->items[i])
			mem_free(b->items[i]->items);
		mem_free(b->items[i]);
	}
	mem_free(b->items);
	mem_free(b);
}

uint64_t balance_random(struct balance *b)
{
	return choice_more_random(&b->random);
}

/* -------------------------------------------------------------------------------------------- lists that come and go */

/* The first endpoint that does not sort before `addr`. */
static size_t first_from(const struct balance_state *s, const struct addr *addr)
{
	size_t from = 0, to = s->n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (addr_cmp(&s->items[middle].addr, addr) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

static struct balance_endpoint *find(const struct balance_state *s, const struct addr *addr)
{
	size_t i = first_from(s, addr);

	return i < s->n && addr_eq(&s->items[i].addr, addr) ? &s->items[i] : NULL;
}

/* The rotation goes on after the address it used last, whether or not that is still there. */
static void move_rotation(struct balance_state *s, const struct balance_state *old)
{
	size_t next;

	s->last = s->n;
	if (old->last >= old->n || !s->n)
		return;
	next = first_from(s, &old->items[old->last].addr);
	if (next < s->n && addr_eq(&s->items[next].addr, &old->items[old->last].addr))
		s->last = next;
	else
		s->last = next ? next - 1 : s->n - 1;
}

static void begin_endpoint(struct balance_state *s, size_t i, const struct backend *backend, uint64_t now_ms)
{
	s->items[i].born_ms = now_ms ? now_ms : 1;
	s->warm_until_ms = now_ms + backend->slow_start_ms;
	ewma_begin(s, i, now_ms);
}

/* What is known of endpoints that stay goes over to the new list; those that come beside others are new. */
static void take_list(struct balance_state *s, const struct backend *backend, uint64_t now_ms)
{
	struct balance_state old = *s;

	s->version = backend->version;
	s->n = backend->n_endpoints;
	s->wants_ewma = backend->load_balance == WEIRLOCK__V1__LOAD_BALANCE__LOAD_BALANCE_EWMA;
	s->eject_after = backend->eject_after_failures;
	s->eject_ms = backend->eject_ms;
	s->retry_percent = backend->retry_budget_percent;
	s->items = s->n ? mem_calloc(s->n, sizeof(*s->items)) : NULL;
	for (size_t i = 0; i < s->n; i++) {
		const struct balance_endpoint *known = find(&old, &backend->endpoints[i].addr);

		if (known)
			s->items[i] = *known;
		if (!s->eject_after) {
			s->items[i].is_on_trial = false;
			s->items[i].ejected_until_ms = 0;
		}
		s->items[i].addr = backend->endpoints[i].addr;
	}
	for (size_t i = 0; i < s->n && old.n; i++) {
		if (!find(&old, &s->items[i].addr))
			begin_endpoint(s, i, backend, now_ms);
	}
	move_rotation(s, &old);
	mem_free(old.items);
}

void balance_apply(struct balance *b, const struct generation *g, const struct generation *before, uint64_t now_ms)
{
	size_t cursor = 0;
	const struct backend *backend;

	while ((backend = generation_next_changed_backend(g, before, &cursor))) {
		struct balance_state *s = backend->index < b->n ? b->items[backend->index] : NULL;

		if (s && s->version != backend->version)
			take_list(s, backend, now_ms);
	}
}

/* The state of a backend, standing for its list; NULL when it stands for a newer one. */
static struct balance_state *state_of(struct balance *b, const struct backend *backend, uint64_t now_ms)
{
	struct balance_state *s;

	if (backend->index >= b->n) {
		size_t n = b->n;

		b->items = mem_grow(b->items, &b->cap, (size_t)backend->index + 1, sizeof(struct balance_state *));
		b->n = b->cap;
		memset(b->items + n, 0, (b->n - n) * sizeof(struct balance_state *));
	}
	s = b->items[backend->index];
	if (!s)
		s = b->items[backend->index] = mem_zalloc(sizeof(*s));
	if (s->version < backend->version)
		take_list(s, backend, now_ms);
	return s->version == backend->version ? s : NULL;
}

/* ----------------------------------------------------------------------------------------------------------- choosing */

static int run_algorithm(const struct choice *c)
{
	if (c->backend->hash_by)
		return chash_select(c);
	switch (c->backend->load_balance) {
	case WEIRLOCK__V1__LOAD_BALANCE__LOAD_BALANCE_EWMA:
		return ewma_select(c);
	case WEIRLOCK__V1__LOAD_BALANCE__LOAD_BALANCE_LEAST_CONN:
		return least_conn_select(c);
	case WEIRLOCK__V1__LOAD_BALANCE__LOAD_BALANCE_RANDOM_TWO:
		return random_two_select(c);
	default:
		return round_robin_select(c);
	}
}

/* For a list that is not the newest: one that was not tried and still exists; else one not tried; else any. */
static int select_from_old(struct balance *b, const struct backend *backend, const struct balance_ask *ask)
{
	const struct balance_state *newest = b->items[backend->index];
	size_t n = backend->n_endpoints, from = (size_t)(balance_random(b) % n);
	int second = -1;

	for (size_t k = 0; k < n; k++) {
		size_t i = (from + k) % n;

		if (choice_was_tried(&ask->tried, i))
			continue;
		if (find(newest, &backend->endpoints[i].addr))
			return (int)i;
		if (second < 0)
			second = (int)i;
	}
	return second >= 0 ? second : (int)from;
}

static int choose(struct choice *c)
{
	int chosen = -1;

	for (int level = 0; chosen < 0 && level < CHOICE_LEVELS; level++) {
		c->level = (enum choice_level)level;
		chosen = run_algorithm(c);
	}
	return chosen >= 0 ? chosen : BALANCE_FULL;
}

int balance_select(struct balance *b, const struct backend *backend, const struct balance_ask *ask)
{
	struct choice c = {.backend = backend, .tried = ask->tried, .now_ms = ask->now_ms, .key = ask->key};

	if (!backend->n_endpoints)
		return BALANCE_NONE;
	c.state = state_of(b, backend, ask->now_ms);
	if (!c.state)
		return select_from_old(b, backend, ask);
	c.draw = balance_random(b);
	if (c.state->retry_percent && !ask->tried.n)
		health_earn_retry(c.state);
	return choose(&c);
}

static bool compares_two(const struct backend *backend)
{
	return !backend->hash_by && (backend->load_balance == WEIRLOCK__V1__LOAD_BALANCE__LOAD_BALANCE_EWMA ||
					    backend->load_balance == WEIRLOCK__V1__LOAD_BALANCE__LOAD_BALANCE_RANDOM_TWO);
}

static double score_of(const struct choice *c, size_t i)
{
	if (c->backend->hash_by || c->backend->load_balance == WEIRLOCK__V1__LOAD_BALANCE__LOAD_BALANCE_ROUND_ROBIN)
		return 0;
	return c->backend->load_balance == WEIRLOCK__V1__LOAD_BALANCE__LOAD_BALANCE_EWMA ? ewma_score(c, i) : choice_load(c, i);
}

int balance_explain(struct balance *b, const struct backend *backend, const struct balance_ask *ask, uint64_t draw,
	struct balance_standing *standings)
{
	struct choice c = {.backend = backend, .tried = ask->tried, .now_ms = ask->now_ms, .key = ask->key, .draw = draw};
	size_t two[2];
	int chosen;

	if (!backend->n_endpoints)
		return BALANCE_NONE;
	c.state = state_of(b, backend, ask->now_ms);
	for (size_t i = 0; i < backend->n_endpoints; i++) {
		const struct balance_endpoint *e = &c.state->items[i];

		standings[i] = (struct balance_standing){.weight = choice_weight(&c, i), .score = score_of(&c, i),
			.is_full = backend->max_connections && e->in_flight >= backend->max_connections,
			.is_out = health_is_out(e, ask->now_ms)};
	}
	chosen = choose(&c); /* at the level at which it was made the two are drawn once more */
	for (unsigned k = compares_two(backend) ? choice_draw_two(&c, two) : 0; k > 0; k--)
		standings[two[k - 1]].is_drawn = true;
	return chosen;
}

bool balance_has_room(struct balance *b, const struct backend *backend, unsigned endpoint, uint64_t now_ms)
{
	const struct balance_state *s = state_of(b, backend, now_ms);

	if (!s)
		return find(b->items[backend->index], &backend->endpoints[endpoint].addr) != NULL; /* else it is gone or going */
	if (health_is_out(&s->items[endpoint], now_ms))
		return false;
	return !backend->max_connections || s->items[endpoint].in_flight < backend->max_connections;
}

void balance_note_check(
	struct balance *b, const struct backend *backend, const struct addr *addr, bool is_failing, uint64_t now_ms)
{
	struct balance_state *s = state_of(b, backend, now_ms);
	struct balance_endpoint *e = s ? find(s, addr) : NULL;

	if (e)
		e->is_failing_check = is_failing;
}

void balance_note_canary(struct balance *b, const struct backend *backend, uint64_t now_ms)
{
	state_of(b, backend, now_ms);
	b->items[backend->index]->n_canary++;
}

/* ------------------------------------------------------------------------------------------------- what there is to tell */

static uint64_t left(uint64_t until_ms, uint64_t now_ms)
{
	return until_ms > now_ms ? until_ms - now_ms : 0;
}

static uint64_t slow_start_left(const struct balance_endpoint *e, const struct backend *backend, uint64_t now_ms)
{
	return e->born_ms ? left(e->born_ms + backend->slow_start_ms, now_ms) : 0;
}

static void add_rows(struct balance_rows *out, const struct balance_state *s, const struct backend *backend, uint64_t now_ms)
{
	struct str name = arena_str(&out->arena, backend->name);

	if (s->n_canary) {
		out->items = mem_grow(out->items, &out->cap, out->n + 1, sizeof(*out->items));
		out->items[out->n++] = (struct balance_row){.backend = name, .n_canary = s->n_canary};
	}
	for (size_t i = 0; i < s->n; i++) {
		const struct balance_endpoint *e = &s->items[i];

		out->items = mem_grow(out->items, &out->cap, out->n + 1, sizeof(*out->items));
		out->items[out->n++] = (struct balance_row){.backend = name, .addr = e->addr, .in_flight = e->in_flight,
			.max_connections = backend->max_connections, .ejected_ms = left(e->ejected_until_ms, now_ms),
			.slow_start_ms = slow_start_left(e, backend, now_ms), .n_failures = e->n_failures,
			.is_on_trial = e->is_on_trial && !health_is_ejected(e, now_ms), .is_failing_check = e->is_failing_check,
			.is_terminating = backend->endpoints[i].is_terminating, .ewma_us = (uint64_t)e->ewma_us};
	}
}

void balance_write_rows(const struct balance *b, const struct generation *g, uint64_t now_ms, struct balance_rows *out)
{
	size_t cursor = 0;
	const struct backend *backend;

	while ((backend = generation_next_backend(g, &cursor))) {
		const struct balance_state *s = backend->index < b->n ? b->items[backend->index] : NULL;

		if (s && s->version == backend->version)
			add_rows(out, s, backend, now_ms);
	}
}

void balance_know(struct balance *b, const struct backend *backend, const struct balance_row *row, uint64_t now_ms)
{
	struct balance_state *s = state_of(b, backend, now_ms);
	struct balance_endpoint *e = s ? find(s, &row->addr) : NULL;

	if (!e)
		return;
	e->in_flight = row->in_flight;
	e->n_failures = row->n_failures;
	e->ewma_us = (double)row->ewma_us;
	e->touched_ms = now_ms;
	e->is_on_trial = row->is_on_trial;
	e->is_failing_check = row->is_failing_check;
	e->ejected_until_ms = row->ejected_ms ? now_ms + row->ejected_ms : 0;
	if (row->slow_start_ms && row->slow_start_ms <= backend->slow_start_ms) {
		e->born_ms = now_ms + row->slow_start_ms - backend->slow_start_ms;
		s->warm_until_ms = now_ms + row->slow_start_ms;
	}
}

void balance_rows_deinit(struct balance_rows *rows)
{
	mem_free(rows->items);
	arena_deinit(&rows->arena);
	*rows = (struct balance_rows){0};
}

/* ------------------------------------------------------------------------------------------------------------- retries */

bool balance_may_retry(struct balance *b, const struct backend *backend, uint64_t now_ms)
{
	state_of(b, backend, now_ms);
	return health_spend_retry(b->items[backend->index], now_ms);
}

/* ----------------------------------------------------------------------------------------------------------- learning */

/* NULL when the endpoint is gone. */
static struct balance_endpoint *locate(const struct balance *b, const struct balance_ticket *t)
{
	const struct balance_state *s = b->items[t->backend];

	return s->version == t->version ? &s->items[t->endpoint] : find(s, &t->addr);
}

void balance_begin(
	struct balance *b, const struct backend *backend, unsigned endpoint, uint64_t now_ms, struct balance_ticket *out)
{
	struct balance_endpoint *e;

	state_of(b, backend, now_ms);
	*out = (struct balance_ticket){.is_open = true, .backend = backend->index, .endpoint = endpoint,
		.version = backend->version, .addr = backend->endpoints[endpoint].addr};
	e = locate(b, out);
	if (!e)
		return;
	e->in_flight++;
	out->is_trial = e->is_on_trial && !health_is_ejected(e, now_ms);
	e->n_trials += out->is_trial;
}

void balance_answered(struct balance *b, const struct balance_ticket *ticket)
{
	struct balance_endpoint *e = ticket->is_open && ticket->is_trial ? locate(b, ticket) : NULL;

	if (!e)
		return;
	e->is_on_trial = false;
	e->n_unreachable = 0;
}

bool balance_end(struct balance *b, struct balance_ticket *ticket, uint64_t now_ms, const struct balance_outcome *outcome)
{
	struct balance_endpoint *e = ticket->is_open ? locate(b, ticket) : NULL;
	struct balance_state *s;

	ticket->is_open = false;
	if (!e)
		return false;
	s = b->items[ticket->backend];
	if (e->in_flight) /* an endpoint that went and came back in between counts from nothing */
		e->in_flight--;
	if (ticket->is_trial && e->n_trials)
		e->n_trials--;
	if (outcome->kind == BALANCE_UNKNOWN)
		return false;
	e->n_failures = outcome->kind == BALANCE_FAILED ? e->n_failures + 1 : 0;
	if (s->wants_ewma)
		ewma_add(s, (size_t)(e - s->items), outcome->us, outcome->kind == BALANCE_FAILED, now_ms);
	return health_add(s, (size_t)(e - s->items), outcome->kind == BALANCE_FAILED && outcome->is_unreachable, now_ms);
}
