/* weirctl explain client-ip --compare: the proxy's own code once more, by the rules that ingress-nginx has. */
#include "cidrset.h"
#include "explain_client.h"
#include "render.h"

/*
 * What ingress-nginx does otherwise, one after another. The rules are the proxy's own, with one thing of upstream's; what a
 * single one of them changes is its doing.
 */
enum quirk { QUIRK_LIST, QUIRK_ANYONE, QUIRK_CHAIN, QUIRK_FALLBACK, QUIRK_LOOKALIKES, QUIRK_SSL_CLIENT, QUIRK_COUNT };
static const struct {
	const char *rule, *key;
} quirks[] = {
	[QUIRK_LIST] = {"A3", "proxy-real-ip-cidr"},
	[QUIRK_ANYONE] = {"A24", "forwarded-headers-from-anyone"},
	[QUIRK_CHAIN] = {"A26", "keep-untrusted-forwarded-for"},
	[QUIRK_FALLBACK] = {"A9", "proxy-protocol-fallback-to-peer"},
	[QUIRK_LOOKALIKES] = {"A29", "pass-lookalike-headers"},
	[QUIRK_SSL_CLIENT] = {"A28", "pass-ssl-client-headers"},
};

static void set_quirk(struct story *s, enum quirk q)
{
	static const struct cidr everybody = {.net = {.family = 4}, .prefix = 0};
	struct cidrset *trusted;

	switch (q) {
	case QUIRK_LIST:
		if (s->rules.trusted->n) /* the list was given: it counts in both */
			return;
		trusted = arena_zalloc(&s->arena, sizeof(*trusted));
		cidrset_build(trusted, &everybody, 1, &s->arena);
		s->rules.trusted = trusted;
		return;
	case QUIRK_ANYONE:
		s->rules.believes_anyone = true;
		return;
	case QUIRK_CHAIN:
		s->rules.keeps_untrusted_chain = true;
		return;
	case QUIRK_FALLBACK:
		s->rules.falls_back_to_peer = true;
		return;
	case QUIRK_LOOKALIKES:
		s->rules.passes_lookalikes = true;
		return;
	case QUIRK_SSL_CLIENT:
		s->rules.passes_ssl_client = true;
		return;
	case QUIRK_COUNT:
		return;
	}
}

/* What is compared, as "what" to value: the client, and every field that the backend gets. Owned. */
static json_t *outcome(struct story *s)
{
	struct clientaddr who;
	json_t *out = json_object(), *fields, *field;
	char text[ADDR_TEXT_MAX];
	size_t i;

	clientaddr_resolve(&s->rules, &s->asked->conn, &s->asked->head, &s->arena, &who);
	json_object_set_new(out, "client", json_string(addr_ip_text(&who.client, text)));
	story_text(out, "scheme", who.scheme);
	fields = client_backend_fields(s, &who);
	json_array_foreach(fields, i, field)
		json_object_set(out, json_string_value(json_object_get(field, "name")), json_object_get(field, "value"));
	json_decref(fields);
	for (i = 0; i < s->asked->head.n_fields; i++) {
		const struct http_field *f = &s->asked->head.fields[i];
		json_t *name = render_text(f->name);

		if (f->id != FIELD_HOST && client_passes(s, f))
			story_text(out, json_string_value(name), f->value);
		json_decref(name);
	}
	return out;
}

/* The same story with other rules of ingress-nginx's: bits of enum quirk. */
static json_t *outcome_by(const struct story *ours, unsigned bits)
{
	struct story other = *ours;
	json_t *out;

	other.arena = (struct arena){0};
	for (int q = 0; q < QUIRK_COUNT; q++) {
		if (bits & 1u << q)
			set_quirk(&other, (enum quirk)q);
	}
	out = outcome(&other);
	arena_deinit(&other.arena);
	return out;
}

static bool is_alike(json_t *a, json_t *b)
{
	return a == b || (a && b && json_equal(a, b));
}

/* Each quirk alone, and all but it. */
struct outcomes {
	json_t *alone[QUIRK_COUNT], *without[QUIRK_COUNT];
};

static void add_quirks(unsigned bits, struct buf *rules, struct buf *keys)
{
	for (int q = 0; q < QUIRK_COUNT; q++) {
		if (!(bits & 1u << q))
			continue;
		buf_printf(rules, "%s%s", rules->len ? "," : "", quirks[q].rule);
		buf_printf(keys, "%s%s", keys->len ? "," : "", quirks[q].key);
	}
}

/* The rules without which ingress-nginx would say something else; where any of several is enough, all that are. */
static void tell_rule(json_t *row, const struct outcomes *all, const char *what)
{
	json_t *theirs = json_object_get(row, "ingress_nginx");
	unsigned needed = 0, enough = 0;
	struct buf rules = {0}, keys = {0};

	for (int q = 0; q < QUIRK_COUNT; q++) {
		if (!is_alike(json_object_get(all->without[q], what), theirs))
			needed |= 1u << q;
		if (is_alike(json_object_get(all->alone[q], what), theirs))
			enough |= 1u << q;
	}
	add_quirks(needed ? needed : enough, &rules, &keys);
	story_text(row, "rule", buf_str(&rules));
	story_text(row, "key", buf_str(&keys));
	buf_deinit(&rules);
	buf_deinit(&keys);
}

static bool add_comparison(json_t *rows, const char *what, json_t *ours, json_t *theirs, const struct outcomes *all)
{
	json_t *a = json_object_get(ours, what), *b = json_object_get(theirs, what), *row = json_object();
	bool differs = !is_alike(a, b);

	json_object_set_new(row, "what", json_string(what));
	if (a)
		json_object_set(row, "ours", a);
	if (b)
		json_object_set(row, "ingress_nginx", b);
	json_object_set_new(row, "differs", json_boolean(differs));
	if (differs)
		tell_rule(row, all, what);
	json_array_append_new(rows, row);
	return differs;
}

static bool is_malformed(const struct story *s)
{
	const struct proxyproto_error *wrong = &s->asked->proxy_error;

	return wrong->reason && wrong->kind != PROXYPROTO_BAD_TLV && wrong->kind != PROXYPROTO_BAD_CRC;
}

/*
 * ingress-nginx knows no proxy-protocol-cidr: with use-proxy-protocol everybody has to send a header (A30), without it nobody
 * may (A37). It looks neither at TLVs nor at the CRC32C (A35). No rows where both do the same.
 */
json_t *client_compare_connection(const struct story *s, bool goes_on, bool *differs)
{
	bool theirs_goes_on = s->rules.use_proxy_protocol == s->asked->conn.has_proxy_header && !is_malformed(s);
	bool is_strict = s->asked->proxy_error.reason && judge_needs_proxy_header(generation_settings(s->generation), &s->asked->conn.peer);
	json_t *rows = json_array(), *row;

	*differs = goes_on != theirs_goes_on;
	if (!*differs)
		return rows;
	row = json_object();
	json_object_set_new(row, "what", json_string("connection"));
	json_object_set_new(row, "ours", json_string(goes_on ? "goes on" : "closed"));
	json_object_set_new(row, "ingress_nginx", json_string(theirs_goes_on ? "goes on" : "closed"));
	json_object_set_new(row, "differs", json_true());
	json_object_set_new(row, "rule", json_string(is_strict ? "A35" : "A30"));
	json_object_set_new(row, "key", json_string(is_strict ? "" : "proxy-protocol-cidr"));
	json_array_append_new(rows, row);
	return rows;
}

json_t *client_compare(struct story *s, bool *differs)
{
	const unsigned every = (1u << QUIRK_COUNT) - 1;
	json_t *ours = outcome(s), *theirs = outcome_by(s, every), *value;
	json_t *rows = client_compare_connection(s, true, differs);
	struct outcomes all;
	const char *what;

	for (int q = 0; q < QUIRK_COUNT; q++) {
		all.alone[q] = outcome_by(s, 1u << q);
		all.without[q] = outcome_by(s, every & ~(1u << q));
	}
	json_object_foreach(ours, what, value)
		*differs |= add_comparison(rows, what, ours, theirs, &all);
	json_object_foreach(theirs, what, value)
	{
		if (!json_object_get(ours, what))
			*differs |= add_comparison(rows, what, ours, theirs, &all);
	}
	for (int q = 0; q < QUIRK_COUNT; q++) {
		json_decref(all.alone[q]);
		json_decref(all.without[q]);
	}
	json_decref(ours);
	json_decref(theirs);
	return rows;
}
