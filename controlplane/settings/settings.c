/* Obeys the table: one ConfigMap in, one typed value per key out, one problem for each key that is not as written. */
#include "settings.h"

#include <assert.h>
#include <openssl/ssl.h>

#include "base64.h"
#include "mem.h"
#include "opt.h"

const struct setting_row *settings_find(struct str name)
{
	for (size_t i = 0; i < settings_count(); i++) {
		if (str_eq_nocase(str_from(settings_rows[i].name), name))
			return &settings_rows[i];
	}
	return NULL;
}

bool setting_is_secret(enum setting_id id)
{
	return id == SETTING_SSL_SESSION_TICKET_KEY;
}

static bool is_secret_key(struct str name)
{
	const struct setting_row *row = settings_find(name);

	return row && row->status == STATUS_SERVED && setting_is_secret((enum setting_id)(row - settings_rows));
}

/* The whole map, and where problems about it go. */
struct reading {
	const struct object *map;
	const struct setting_values *last;
	struct setting_values *out;
	struct problems *problems;
};

/* About the value: `rule` is what it ought to be. */
static void complain(const struct reading *r, enum severity severity, const struct pair *p, struct str rule, const char *fix,
	const char *effect)
{
	problems_add(r->problems, &(struct problem){.severity = severity, .object = r->map->key, .field = p->name,
		.value = is_secret_key(p->name) ? STR("") : p->value, .rule = rule, .fix = str_from(fix),
		.effect = str_from(effect)});
}

/* The value does not matter: the key has no effect. */
static void complain_key(const struct reading *r, const struct pair *p, const char *rule, const char *fix, const char *effect)
{
	problems_add(r->problems, &(struct problem){.severity = SEVERITY_WARN, .object = r->map->key, .field = p->name,
		.rule = str_from(rule), .fix = str_from(fix), .effect = str_from(effect)});
}

static bool openssl_judges(enum setting_id id)
{
	return id == SETTING_SSL_CIPHERS || id == SETTING_SSL_ECDH_CURVE;
}

/* What a rule cannot say: whether OpenSSL knows the names. */
static bool openssl_takes(enum setting_id id, struct str text)
{
	SSL_CTX *context;
	char *list;
	bool is_good;

	if (!openssl_judges(id) || (id == SETTING_SSL_ECDH_CURVE && str_eq(text, STR("auto"))))
		return true;
	context = SSL_CTX_new(TLS_server_method());
	list = mem_strdup(text);
	is_good = context && (id == SETTING_SSL_CIPHERS ? SSL_CTX_set_cipher_list(context, list) == 1
							: SSL_CTX_set1_groups_list(context, list) == 1);
	mem_free(list);
	SSL_CTX_free(context);
	return is_good;
}

/* Of nginx: a name, and keys for AES-128 or AES-256. */
static bool is_ticket_key(struct str text)
{
	char bytes[BASE64_ROOM(128)];
	size_t len = 0;
	bool is_good = text.len <= 128 && base64_decode(text, bytes, &len) && (len == 48 || len == 80);

	mem_wipe(bytes, sizeof(bytes));
	return is_good || !text.len;
}

static bool read_value(enum setting_id id, struct str text, struct arena *arena, struct value *out)
{
	struct value parsed;

	if (!value_parse(&settings_rows[id].rule, text, arena, &parsed) || !openssl_takes(id, text) ||
		(id == SETTING_SSL_SESSION_TICKET_KEY && !is_ticket_key(text)))
		return false;
	*out = parsed;
	return true;
}

static void set_default(struct setting_values *v, enum setting_id id)
{
	const struct setting_row *row = &settings_rows[id];
	bool is_good = value_parse(&row->rule, str_from(row->default_text), &v->arena, &v->items[id].value);

	assert(is_good || row->default_text[0] == '\0'); /* the table obeys itself */
}

/* The last good value of a key, read again so that it lives in the new arena. */
static bool keep_last(const struct reading *r, enum setting_id id)
{
	const struct setting *last = r->last ? &r->last->items[id] : NULL;
	struct setting *s = &r->out->items[id];

	if (!last || !last->is_set || !read_value(id, last->written, &r->out->arena, &s->value))
		return false;
	s->written = arena_str(&r->out->arena, last->written);
	s->is_set = true;
	return true;
}

/*
 * A list of networks without a last good one: the items that are right count. Anything else would open what the list was to
 * close, or believe everybody (A3).
 */
static bool keep_good_items(const struct reading *r, enum setting_id id, const struct pair *p)
{
	struct setting *s = &r->out->items[id];
	struct buf good = {0};
	struct str rest = p->value;
	struct str piece;

	if (settings_rows[id].rule.type != VALUE_CIDRS)
		return false;
	while (str_next(&rest, ',', &piece)) {
		if (!value_bad_network(&settings_rows[id].rule, str_trim(piece)))
			buf_printf(&good, "%.*s,", STR_ARG(piece));
	}
	s->is_set = value_parse(&settings_rows[id].rule, buf_str(&good), &r->out->arena, &s->value);
	s->written = arena_str(&r->out->arena, p->value);
	buf_deinit(&good);
	return s->is_set;
}

enum { BAD_ITEMS_TOLD = 20 };

/* In a long list only the item itself helps: one problem for each that is wrong. */
static void complain_items(const struct reading *r, enum setting_id id, const struct pair *p, const char *effect)
{
	const struct setting_row *row = &settings_rows[id];
	struct str rest = p->value, piece;
	size_t n = 0;

	while (n < BAD_ITEMS_TOLD && str_next(&rest, ',', &piece)) {
		struct pair item = {p->name, str_trim(piece)};
		const char *why = value_bad_network(&row->rule, item.value);
		struct buf rule = {0};

		if (!why)
			continue;
		buf_printf(&rule, "a network (%s)", why);
		complain(r, SEVERITY_FAULT, &item, buf_str(&rule), value_fix(&row->rule), effect);
		buf_deinit(&rule);
		n++;
	}
}

static void refuse_value(const struct reading *r, enum setting_id id, const struct pair *p)
{
	const struct setting_row *row = &settings_rows[id];
	struct buf rule = {0}, effect = {0};
	struct str shown;

	if (openssl_judges(id))
		buf_printf(&rule, "a list that OpenSSL takes");
	else if (setting_is_secret(id))
		buf_printf(&rule, "it is not base64 of 48 or 80 bytes");
	else
		value_describe(&row->rule, &rule);
	shown = setting_is_secret(id) ? STR("(secret)") : r->last ? r->last->items[id].written : STR("");
	if (keep_last(r, id))
		buf_printf(&effect, "the last good value '%.*s' is kept", STR_ARG(shown));
	else if (keep_good_items(r, id, p))
		buf_printf(&effect, "the items that are right are used");
	else if (row->default_text[0])
		buf_printf(&effect, "the default '%s' is used", row->default_text);
	else
		buf_printf(&effect, "it is as if the key were not there");
	if (row->rule.type == VALUE_CIDRS)
		complain_items(r, id, p, buf_cstr(&effect));
	else
		complain(r, SEVERITY_FAULT, p, buf_str(&rule), value_fix(&row->rule), buf_cstr(&effect));
	buf_deinit(&rule);
	buf_deinit(&effect);
}

static void read_served(const struct reading *r, enum setting_id id, const struct pair *p)
{
	struct setting *s = &r->out->items[id];

	if (!read_value(id, p->value, &r->out->arena, &s->value)) {
		refuse_value(r, id, p);
		return;
	}
	s->written = arena_str(&r->out->arena, p->value);
	s->is_set = true;
	if (s->value.odd)
		complain(r, SEVERITY_WARN, p, STR("a plain decimal number: a leading 0 makes it octal"), "write the number without a leading 0",
			"it is read the way ingress-nginx reads it");
}

static void complain_unknown(const struct reading *r, const struct pair *p)
{
	const char **names = mem_calloc(settings_count() + 1, sizeof(*names));
	struct buf fix = {0};
	char *word = mem_strdup(p->name);
	const char *near;

	for (size_t i = 0; i < settings_count(); i++)
		names[i] = settings_rows[i].name;
	near = opt_nearest(word, names);
	if (near)
		buf_printf(&fix, "did you mean %s?", near);
	else
		buf_printf(&fix, "take it out");
	complain_key(r, p, "no such key", buf_cstr(&fix), "it has no effect");
	buf_deinit(&fix);
	mem_free(word);
	mem_free(names);
}

/* "Use-HTTP2" beside "use-http2": the table's own spelling counts. */
static bool is_shadowed(const struct object *map, const struct setting_row *row, const struct pair *p)
{
	return !str_eq(p->name, str_from(row->name)) &&
	       pair_find(map->config_map.data, map->config_map.n_data, str_from(row->name));
}

static void read_key(const struct reading *r, const struct pair *p)
{
	const struct setting_row *row = settings_find(p->name);

	if (!row) {
		complain_unknown(r, p);
		return;
	}
	if (is_shadowed(r->map, row, p)) {
		complain_key(r, p, "a key is given once, whatever its case", "take this spelling out",
			"the spelling in lower case counts");
		return;
	}
	switch (row->status) {
	case STATUS_SERVED:
		read_served(r, (enum setting_id)(row - settings_rows), p);
		return;
	case STATUS_NOT_YET:
	case STATUS_DENIES:
		complain_key(r, p, "known, and not served yet", "take it out, or leave it for a later release",
			"it has no effect yet");
		return;
	case STATUS_NOT_APPLICABLE:
		complain_key(r, p, row->doc, "take it out", "it has no effect");
		return;
	}
}

void settings_parse(
	const struct object *config_map, const struct setting_values *last, struct setting_values *out, struct problems *problems)
{
	struct reading r = {config_map, last, out, problems};

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < SETTING_COUNT; i++)
		set_default(out, (enum setting_id)i);
	if (!config_map)
		return;
	out->object = arena_str(&out->arena, config_map->key);
	for (size_t i = 0; i < config_map->config_map.n_data; i++)
		read_key(&r, &config_map->config_map.data[i]);
}

void settings_deinit(struct setting_values *v)
{
	arena_deinit(&v->arena);
	memset(v, 0, sizeof(*v));
}

void settings_document(struct buf *out)
{
	buf_printf(out, "| key | tier | status | default | value | meaning |\n| --- | --- | --- | --- | --- | --- |\n");
	for (size_t i = 0; i < settings_count(); i++) {
		const struct setting_row *row = &settings_rows[i];

		buf_printf(out, "| `%s` | %s | %s | %s | ", row->name, value_tier_text(row->tier),
			value_status_text(row->status), row->default_text);
		if (row->status == STATUS_SERVED)
			value_describe(&row->rule, out);
		buf_printf(out, " | %s |\n", row->doc);
	}
}
