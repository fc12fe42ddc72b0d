/* Which endpoint a request goes to, with the proxy's own code: session, hash, algorithm, and the draw that was asked about. */
#include "affinity.h"
#include "balance.h"
#include "expression.h"
#include "mem.h"
#include "render.h"
#include "story.h"
#include "weirlock/v1/snapshot.pb-c.h"

enum { KEY_MAX = 64 * 1024, NOW_MS = 1000 * 1000 * 1000 };

/* What the proxy's workers know, summed, as if it were one worker's. */
static void take_live(const struct story *s, struct balance *b, const struct backend *backend)
{
	for (size_t i = 0; s->live && i < s->live->n_backends; i++) {
		const Weirlock__V1__LiveBackend *live = s->live->backends[i];

		for (size_t k = 0; str_eq(str_from(live->name), backend->name) && k < live->n_endpoints; k++) {
			const Weirlock__V1__LiveEndpoint *e = live->endpoints[k];
			struct balance_row row = {.in_flight = e->in_flight, .n_failures = e->n_failures, .ewma_us = e->ewma_us,
				.ejected_ms = e->ejected_ms, .slow_start_ms = e->slow_start_ms, .is_on_trial = e->n_on_trial > 0,
				.is_failing_check = e->is_failing_check};

			if (addr_parse_host_port(str_from(e->address), &row.addr))
				balance_know(b, backend, &row, NOW_MS);
		}
	}
}

static struct str hash_key(struct story *s, const struct backend *backend)
{
	const struct judgement *j = &s->judgement;
	const struct http_facts facts = {.head = &s->asked->head, .client = &j->who.client,
		.scheme = s->asked->conn.is_tls ? STR("https") : STR("http"), .server_name = j->rule.server_name,
		.best_host = j->who.host, .path = j->rule.path, .request_id = http_head_value(&s->asked->head, FIELD_X_REQUEST_ID)};
	struct buf key;
	struct str made;

	if (!backend->hash_by)
		return STR("");
	buf_init(&key, KEY_MAX);
	http_expression_write(backend->hash_by, &facts, &key);
	made = arena_str(&s->arena, buf_str(&key));
	buf_deinit(&key);
	return made;
}

/* I1 */
static const char *algorithm_of(const struct backend *backend)
{
	if (backend->hash_by)
		return backend->hash_subset_size ? "chashsubset" : "chash";
	switch (backend->load_balance) {
	case WEIRLOCK__V1__LOAD_BALANCE__LOAD_BALANCE_EWMA:
		return "ewma";
	case WEIRLOCK__V1__LOAD_BALANCE__LOAD_BALANCE_LEAST_CONN:
		return "least_conn";
	case WEIRLOCK__V1__LOAD_BALANCE__LOAD_BALANCE_RANDOM_TWO:
		return "random_two";
	default:
		return "round_robin";
	}
}

/* The endpoint of the cookie that came along, or -1. */
static int session_of(const struct story *s, const struct backend *backend)
{
	struct str value;

	if (!backend->affinity || !http_cookie(&s->asked->head, backend->affinity->cookie_name, &value))
		return -1;
	return affinity_find(backend, value);
}

static json_t *endpoint_row(const struct backend *backend, size_t i, const struct balance_standing *standing, int chosen)
{
	char text[ADDR_TEXT_MAX];
	json_t *row = json_object();

	json_object_set_new(row, "address", json_string(addr_text(&backend->endpoints[i].addr, text)));
	json_object_set_new(row, "weight", json_integer(standing->weight));
	json_object_set_new(row, "score", standing->score > 0 ? json_real(standing->score) : json_null());
	json_object_set_new(row, "state", json_string(standing->is_full ? "full" : standing->is_out ? "left alone" :
				backend->endpoints[i].is_terminating ? "terminating" : "well"));
	json_object_set_new(row, "drawn", json_boolean(standing->is_drawn));
	json_object_set_new(row, "chosen", json_boolean((int)i == chosen));
	json_object_set_new(row, "result", json_string((int)i == chosen ? "chosen" : standing->is_drawn ? "drawn, not chosen" : ""));
	return row;
}

static const char *why(const struct backend *backend, bool is_session)
{
	if (is_session)
		return "the session of the cookie (I11, I12)";
	if (backend->hash_by)
		return "upstream-hash-by: the key's place on the ring (I4)";
	switch (backend->load_balance) {
	case WEIRLOCK__V1__LOAD_BALANCE__LOAD_BALANCE_EWMA:
		return "ewma: the lower score of two drawn (I3)";
	case WEIRLOCK__V1__LOAD_BALANCE__LOAD_BALANCE_LEAST_CONN:
		return "least_conn: fewest requests in progress";
	case WEIRLOCK__V1__LOAD_BALANCE__LOAD_BALANCE_RANDOM_TWO:
		return "random_two: the less busy one of two drawn";
	default:
		return "round_robin: in turn, and the draw says where a worker begins (I2)";
	}
}

static void tell(struct story *s, json_t *root, const struct backend *backend, struct balance *b)
{
	const struct balance_ask ask = {.now_ms = NOW_MS, .key = hash_key(s, backend)};
	struct balance_standing *standings = mem_calloc(backend->n_endpoints, sizeof(*standings));
	int session = session_of(s, backend), chosen = balance_explain(b, backend, &ask, s->asked->draw, standings);
	json_t *choice = json_object(), *list = json_array();
	char text[ADDR_TEXT_MAX];

	if (session >= 0 && balance_has_room(b, backend, (unsigned)session, NOW_MS))
		chosen = session;
	else
		session = -1;
	for (size_t i = 0; i < backend->n_endpoints; i++)
		json_array_append_new(list, endpoint_row(backend, i, &standings[i], chosen));
	json_object_set_new(choice, "algorithm", json_string(session >= 0 ? "session" : algorithm_of(backend)));
	if (backend->hash_by)
		story_text(choice, "key", ask.key);
	json_object_set_new(choice, "from_proxy", json_boolean(s->live != NULL));
	json_object_set_new(choice, "endpoints", list);
	json_object_set_new(choice, "chosen", chosen >= 0 ? json_string(addr_text(&backend->endpoints[chosen].addr, text)) : json_null());
	json_object_set_new(root, "choice", choice);
	if (chosen >= 0)
		story_step(s, "endpoint", str_from(text), "%s%s", why(backend, session >= 0),
			s->asked->has_draw ? "" : "; --draw N asks about another throw");
	else
		story_step(s, "endpoint", STR("503"), "every endpoint has max-connections requests");
	mem_free(standings);
}

uint64_t story_draw(uint64_t n)
{
	struct balance *b = balance_create(n);
	uint64_t draw = balance_random(b);

	balance_destroy(b);
	return draw;
}

void story_tell_choice(struct story *s, json_t *root)
{
	const struct backend *backend = s->judgement.backend;
	struct balance *b;

	if (!backend || !backend->n_endpoints)
		return;
	b = balance_create(0);
	take_live(s, b, backend);
	tell(s, root, backend, b);
	balance_destroy(b);
}
