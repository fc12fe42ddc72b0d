/* weirctl status: the controller and each of its proxies on a line. */
#include "command.h"

#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "render.h"

static const struct column columns[] = {
	{"ROLE", "role", false},
	{"NAME", "name", false},
	{"POOL", "pool", false},
	{"STATE", "state", false},
	{"SNAPSHOT", "snapshot", false},
	{"AGE", "age", false},
	{"BEHIND", "behind", false},
	{"LAG", "lag", false},
	{"STALE-FOR", "stale_for", false},
	{"CONNS", "connections", false},
	{"GENS", "generations", false},
	{"TUNNELS", "tunnels", true},
	{"REQUESTS", "requests", false},
	{"MEMORY", "memory", false},
	{"UP", "uptime", false},
	{"VERSION", "version", false},
	{"HEARD", "last_heard", true},
	{"LAST-GOOD", "last_good", true},
	{"HTTP", "http", true},
	{"HTTPS", "https", true},
	{"IDENTITY", "identity", true},
	{"LEADER", "leader", true},
	{"WATCHES", "watches", false},
	{"STANDBY", "standby", true},
	{"WHY", "why", false},
	{0},
};

static void set_age(json_t *row, const char *key, uint64_t age_ms)
{
	char text[CLOCK_TEXT_MAX];

	json_object_set_new(row, key, json_string(clock_age(age_ms, text)));
}

static void set_memory(json_t *row, uint64_t bytes)
{
	char text[32];

	if (bytes == 0)
		return;
	snprintf(text, sizeof(text), "%.1fMi", (double)bytes / 1048576);
	json_object_set_new(row, "memory", json_string(text));
	json_object_set_new(row, "memory_bytes", json_integer((json_int_t)bytes));
}

/* As its controller says; of a proxy itself and of older controllers: "default" of "spiffe://weirlock/proxy/default". */
static struct str pool_of(const Weirlock__V1__ProxyStatus *p)
{
	static const char prefix[] = "spiffe://weirlock/proxy/";
	struct str identity = str_from(p->identity);

	if (p->pool[0])
		return str_from(p->pool);
	return str_starts_with(identity, str_from(prefix)) ? str_from_index(identity, sizeof(prefix) - 1) : STR("");
}

/* "3 for 12s": so many newer snapshots, the first of them so long ago. */
static void set_behind(json_t *row, const Weirlock__V1__ProxyStatus *p)
{
	char age[CLOCK_TEXT_MAX], text[64];

	json_object_set_new(row, "snapshots_behind", json_integer(p->n_behind));
	json_object_set_new(row, "behind_ms", json_integer((json_int_t)p->behind_ms));
	if (!p->behind_ms || !p->applied_id.len)
		return;
	snprintf(text, sizeof(text), "%s%u for %s", p->n_behind ? "" : "over ", p->n_behind ? p->n_behind : 256,
		clock_age(p->behind_ms, age));
	json_object_set_new(row, "behind", json_string(text));
}

/* The first reason of a refusal, and how many more there are. */
static json_t *why(const Weirlock__V1__ProxyStatus *p)
{
	const Weirlock__V1__ResourceError *e = p->n_errors ? p->errors[0] : NULL;
	struct buf text = {0};
	json_t *value;

	if (!e)
		return NULL;
	render_refusal(e, &text);
	if (p->n_errors > 1)
		buf_printf(&text, " (and %zu more)", p->n_errors - 1);
	value = render_text(buf_str(&text));
	buf_deinit(&text);
	return value;
}

static void set_errors(json_t *row, const Weirlock__V1__ProxyStatus *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->n_errors; i++) {
		json_t *error = render_message(&p->errors[i]->base, false);

		json_array_append_new(list, error);
	}
	json_object_set_new(row, "errors", list);
}

static void set_report(json_t *row, const Weirlock__V1__ReportRequest *r)
{
	json_object_set_new(row, "connections", json_integer((json_int_t)r->connections));
	json_object_set_new(row, "tunnels", json_integer((json_int_t)r->tunnels));
	json_object_set_new(row, "requests", json_integer((json_int_t)r->requests));
	json_object_set_new(row, "generations", json_integer((json_int_t)r->generations));
	json_object_set_new(row, "http", render_text(str_from(r->http)));
	json_object_set_new(row, "https", render_text(str_from(r->https)));
	json_object_set_new(row, "admin", render_text(str_from(r->admin)));
	json_object_set_new(row, "watches", render_text(str_from(r->watches)));
	json_object_set_new(row, "standby", render_text(str_from(r->standby)));
	json_object_set_new(row, "failovers", json_integer((json_int_t)r->n_failovers));
	json_object_set_new(row, "is_stale", json_boolean(r->is_stale));
	json_object_set_new(row, "is_from_disk", json_boolean(r->is_from_disk));
	json_object_set_new(row, "confirmed_age_ms", json_integer((json_int_t)r->confirmed_age_ms));
	if (r->is_stale)
		set_age(row, "stale_for", r->confirmed_age_ms);
	if (r->sealed_age_ms)
		set_age(row, "last_good", r->sealed_age_ms);
	if (r->not_sealed[0])
		json_object_set_new(row, "why", render_text(str_from(r->not_sealed)));
	set_memory(row, r->rss_bytes);
	set_age(row, "uptime", r->uptime_ms);
}

static json_t *proxy_row(const Weirlock__V1__ProxyStatus *p)
{
	json_t *row = json_object();
	char lag[32];

	json_object_set_new(row, "role", json_string("proxy"));
	json_object_set_new(row, "name", render_text(str_from(p->name)));
	if (pool_of(p).len)
		json_object_set_new(row, "pool", render_text(pool_of(p)));
	json_object_set_new(row, "state",
		p->report && p->report->is_stale
			? json_string("stale")
			: render_enum(&weirlock__v1__proxy_state__descriptor, (int)p->state));
	if (p->applied_id.len) {
		json_object_set_new(row, "snapshot", render_hex(str_of(p->applied_id.data, p->applied_id.len), 6));
		json_object_set_new(row, "snapshot_id", render_hex(str_of(p->applied_id.data, p->applied_id.len), 32));
		set_age(row, "age", p->applied_age_ms);
	}
	if (p->report)
		set_report(row, p->report);
	json_object_set_new(row, "version", render_text(str_from(p->version)));
	json_object_set_new(row, "identity", render_text(str_from(p->identity)));
	set_age(row, "last_heard", p->last_heard_ms);
	set_behind(row, p);
	if (p->push_to_ack_us) {
		snprintf(lag, sizeof(lag), "%.1fms", (double)p->push_to_ack_us / 1000);
		json_object_set_new(row, "lag", json_string(lag));
	}
	set_errors(row, p);
	json_object_set_new(row, "canary", render_text(str_from(p->canary)));
	if (p->canary[0])
		json_object_set_new(row, "why", render_text(str_from(p->canary)));
	if (p->held[0])
		json_object_set_new(row, "why", render_text(str_from(p->held)));
	if (p->n_errors)
		json_object_set_new(row, "why", why(p));
	return row;
}

static void set_pin(json_t *row, const Weirlock__V1__PoolStatus *s)
{
	char time[CLOCK_TEXT_MAX];
	struct buf text = {0};
	json_t *pin = json_object(), *id = render_hex(str_of(s->pinned_id.data, s->pinned_id.len), 6);

	buf_printf(&text, "%s %s since %s by %s%s%s (weirctl snapshot unpin)%s%s", s->is_rollback ? "rolled back to" : "pinned",
		json_string_value(id), clock_rfc3339(s->pinned_since_ms, time), s->pinned_by, s->pin_reason[0] ? ": " : "", s->pin_reason,
		s->pin_not_kept[0] ? "; lost at a restart: " : "", s->pin_not_kept);
	json_decref(id);
	json_object_set_new(row, "why", render_text(buf_str(&text)));
	json_object_set_new(pin, "id", render_hex(str_of(s->pinned_id.data, s->pinned_id.len), 32));
	json_object_set_new(pin, "newest_id", render_hex(str_of(s->newest_id.data, s->newest_id.len), 32));
	json_object_set_new(pin, "since", json_string(clock_rfc3339(s->pinned_since_ms, time)));
	json_object_set_new(pin, "by", render_text(str_from(s->pinned_by)));
	json_object_set_new(pin, "reason", render_text(str_from(s->pin_reason)));
	json_object_set_new(pin, "is_rollback", json_boolean(s->is_rollback));
	json_object_set_new(pin, "not_kept", render_text(str_from(s->pin_not_kept)));
	json_object_set_new(row, "pin", pin);
	buf_deinit(&text);
}

/* What a controller serves, or one of its pools. */
static void set_snapshot(json_t *row, ProtobufCBinaryData id, bool is_pinned, uint64_t age_ms)
{
	json_object_set_new(row, "state", json_string(is_pinned ? "pinned" : id.len ? "ready" : "syncing"));
	if (!id.len)
		return;
	json_object_set_new(row, "snapshot", render_hex(str_of(id.data, id.len), 6));
	json_object_set_new(row, "snapshot_id", render_hex(str_of(id.data, id.len), 32));
	set_age(row, "age", age_ms);
}

static json_t *controller_row(const Weirlock__V1__StatusResponse *s)
{
	json_t *row = json_object();

	json_object_set_new(row, "role", render_text(str_from(s->role)));
	json_object_set_new(row, "name", render_text(str_from(s->name)));
	set_snapshot(row, s->snapshot_id, s->pinned_id.len != 0, s->snapshot_age_ms);
	set_memory(row, s->rss_bytes);
	set_age(row, "uptime", s->uptime_ms);
	json_object_set_new(row, "version", render_text(str_from(s->version)));
	json_object_set_new(row, "source", render_text(str_from(s->source)));
	if (s->leader[0])
		json_object_set_new(row, "leader", render_text(str_from(s->leader)));
	json_object_set_new(row, "resources", json_integer(s->n_resources));
	json_object_set_new(row, "problems", json_integer(s->n_problems));
	if (s->n_pools == 1 && s->pinned_id.len) {
		set_pin(row, s->pools[0]);
	} else if (s->n_problems) {
		char text[64];

		snprintf(text, sizeof(text), "%u problem%s: weirctl problems", s->n_problems, s->n_problems == 1 ? "" : "s");
		json_object_set_new(row, "why", json_string(text));
	}
	return row;
}

/* Only where there is more than one; else the controller's line says it all. */
static json_t *pool_row(const Weirlock__V1__PoolStatus *p)
{
	json_t *row = json_object();

	json_object_set_new(row, "role", json_string("pool"));
	json_object_set_new(row, "name", render_text(str_from(p->name)));
	json_object_set_new(row, "pool", render_text(str_from(p->name)));
	set_snapshot(row, p->snapshot_id, p->pinned_id.len != 0, p->snapshot_age_ms);
	json_object_set_new(row, "resources", json_integer(p->n_resources));
	json_object_set_new(row, "proxies", json_integer(p->n_proxies));
	json_object_set_new(row, "in_step", json_integer(p->n_synced));
	json_object_set_new(row, "what", render_text(str_from(p->what)));
	if (p->pinned_id.len)
		set_pin(row, p);
	else if (p->what[0])
		json_object_set_new(row, "why", render_text(str_from(p->what)));
	return row;
}

static bool is_asked_for(const struct command_line *line, struct str pool)
{
	return !line->target.pool || str_eq(str_from(line->target.pool), pool);
}

/* Leaves those of the pool that is asked for. */
static void choose_proxies(const struct command_line *line, Weirlock__V1__StatusResponse *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_proxies; i++) {
		Weirlock__V1__ProxyStatus *p = s->proxies[i];

		if (is_asked_for(line, pool_of(p)))
			s->proxies[n++] = p;
		else
			weirlock__v1__proxy_status__free_unpacked(p, NULL);
	}
	s->n_proxies = n;
}

/* One that watches another controller is that one's to judge, as long as it serves what is known here. */
static bool is_in_step(const Weirlock__V1__ProxyStatus *p)
{
	if (p->state == WEIRLOCK__V1__PROXY_STATE__PROXY_STANDBY)
		return !p->behind_ms && !(p->report && p->report->is_stale);
	return p->state == WEIRLOCK__V1__PROXY_STATE__PROXY_SYNCED && !(p->report && p->report->is_stale);
}

static int compare_names(const void *a, const void *b)
{
	const Weirlock__V1__ProxyStatus *x = *(Weirlock__V1__ProxyStatus *const *)a, *y = *(Weirlock__V1__ProxyStatus *const *)b;

	int order = str_cmp(pool_of(x), pool_of(y));

	return order ? order : strcmp(x->name, y->name);
}

/* "pool default: 3 proxies, 2 in step, 1 refused" for each; they are sorted by pool. */
static void note_pools(struct output *out, const Weirlock__V1__StatusResponse *s)
{
	for (size_t i = 0, end; i < s->n_proxies; i = end) {
		unsigned counts[WEIRLOCK__V1__PROXY_STATE__PROXY_STANDBY + 1] = {0}, n_stale = 0;
		struct buf text = {0};

		for (end = i; end < s->n_proxies && str_eq(pool_of(s->proxies[i]), pool_of(s->proxies[end])); end++) {
			const Weirlock__V1__ProxyStatus *p = s->proxies[end];

			if (p->report && p->report->is_stale)
				n_stale++;
			else if (p->state <= WEIRLOCK__V1__PROXY_STATE__PROXY_STANDBY)
				counts[p->state]++;
		}
		buf_printf(&text, "%zu prox%s", end - i, end - i == 1 ? "y" : "ies");
		if (n_stale)
			buf_printf(&text, ", %u stale", n_stale);
		for (unsigned state = 0; state < sizeof(counts) / sizeof(counts[0]); state++) {
			json_t *word = render_enum(&weirlock__v1__proxy_state__descriptor, (int)state);

			if (counts[state])
				buf_printf(&text, ", %u %s", counts[state], json_string_value(word));
			json_decref(word);
		}
		output_note(out, "pool %.*s: %s", STR_ARG(pool_of(s->proxies[i]).len ? pool_of(s->proxies[i]) : STR("-")),
			buf_cstr(&text));
		buf_deinit(&text);
	}
}

/* What each proxy refuses, a line a resource; the table has the first only. */
static void note_refusals(struct output *out, const Weirlock__V1__StatusResponse *s)
{
	for (size_t i = 0; i < s->n_proxies; i++) {
		const Weirlock__V1__ProxyStatus *p = s->proxies[i];

		for (size_t k = 0; k < p->n_errors && p->n_errors > 1; k++) {
			struct buf text = {0};

			render_refusal(p->errors[k], &text);
			output_note(out, "%s refuses %s", p->name, buf_cstr(&text));
			buf_deinit(&text);
		}
	}
}

/* Findings when a proxy is not in step. */
int command_status(struct command_line *line)
{
	Weirlock__V1__StatusResponse *s;
	json_t *rows;
	int status = command_at_most(line, 0, "status");

	if (status == 0)
		status = target_status(&line->target, &s);
	if (status != 0)
		return status;
	choose_proxies(line, s);
	if (s->n_proxies)
		qsort(s->proxies, s->n_proxies, sizeof(*s->proxies), compare_names);
	rows = json_array();
	if (strcmp(s->role, "proxy") != 0)
		json_array_append_new(rows, controller_row(s));
	for (size_t i = 0; s->n_pools > 1 && i < s->n_pools; i++) {
		if (is_asked_for(line, str_from(s->pools[i]->name)))
			json_array_append_new(rows, pool_row(s->pools[i]));
	}
	for (size_t i = 0; i < s->n_proxies; i++) {
		json_array_append_new(rows, proxy_row(s->proxies[i]));
		if (!is_in_step(s->proxies[i]))
			status = EXIT_FINDINGS;
	}
	output_rows(&line->out, rows, columns);
	note_refusals(&line->out, s);
	if (s->n_not_shown)
		output_note(&line->out, "and %u proxies more, which do not fit an answer", s->n_not_shown);
	if (strcmp(s->role, "proxy") != 0)
		note_pools(&line->out, s);
	json_decref(rows);
	weirlock__v1__status_response__free_unpacked(s, NULL);
	return status;
}
