/* weirctl status: the controller and each of its proxies on a line. */
#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "proto_kind.h"
#include "render.h"

static const struct column columns[] = {
	{"ROLE", "role", false},
	{"NAME", "name", false},
	{"STATE", "state", false},
	{"SNAPSHOT", "snapshot", false},
	{"AGE", "age", false},
	{"STALE-FOR", "stale_for", false},
	{"CONNS", "connections", false},
	{"TUNNELS", "tunnels", true},
	{"REQUESTS", "requests", false},
	{"MEMORY", "memory", false},
	{"UP", "uptime", false},
	{"VERSION", "version", false},
	{"HEARD", "last_heard", true},
	{"LAG", "lag", true},
	{"GENERATIONS", "generations", true},
	{"LAST-GOOD", "last_good", true},
	{"HTTP", "http", true},
	{"HTTPS", "https", true},
	{"IDENTITY", "identity", true},
	{"LEADER", "leader", true},
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

/* The first reason of a refusal, and how many more there are. */
static json_t *why(const Weirlock__V1__ProxyStatus *p)
{
	const Weirlock__V1__ResourceError *e = p->n_errors ? p->errors[0] : NULL;
	struct buf text = {0};
	json_t *value;

	if (!e)
		return NULL;
	if (e->ref)
		buf_printf(&text, "%s %s: ", proto_kind_text(e->ref->kind), e->ref->name);
	buf_printf(&text, "%s", e->reason);
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
	if (p->push_to_ack_us) {
		snprintf(lag, sizeof(lag), "%.1fms", (double)p->push_to_ack_us / 1000);
		json_object_set_new(row, "lag", json_string(lag));
	}
	set_errors(row, p);
	if (p->n_errors)
		json_object_set_new(row, "why", why(p));
	return row;
}

static json_t *controller_row(const Weirlock__V1__StatusResponse *s)
{
	json_t *row = json_object();

	json_object_set_new(row, "role", render_text(str_from(s->role)));
	json_object_set_new(row, "name", render_text(str_from(s->name)));
	json_object_set_new(row, "state", json_string(s->snapshot_id.len ? "ready" : "syncing"));
	if (s->snapshot_id.len) {
		json_object_set_new(row, "snapshot", render_hex(str_of(s->snapshot_id.data, s->snapshot_id.len), 6));
		json_object_set_new(row, "snapshot_id", render_hex(str_of(s->snapshot_id.data, s->snapshot_id.len), 32));
		set_age(row, "age", s->snapshot_age_ms);
	}
	set_memory(row, s->rss_bytes);
	set_age(row, "uptime", s->uptime_ms);
	json_object_set_new(row, "version", render_text(str_from(s->version)));
	json_object_set_new(row, "source", render_text(str_from(s->source)));
	if (s->leader[0])
		json_object_set_new(row, "leader", render_text(str_from(s->leader)));
	json_object_set_new(row, "resources", json_integer(s->n_resources));
	json_object_set_new(row, "problems", json_integer(s->n_problems));
	if (s->n_problems) {
		char text[64];

		snprintf(text, sizeof(text), "%u problem%s: weirctl problems", s->n_problems, s->n_problems == 1 ? "" : "s");
		json_object_set_new(row, "why", json_string(text));
	}
	return row;
}

static bool is_in_step(const Weirlock__V1__ProxyStatus *p)
{
	return p->state == WEIRLOCK__V1__PROXY_STATE__PROXY_SYNCED && !(p->report && p->report->is_stale);
}

static int compare_names(const void *a, const void *b)
{
	const Weirlock__V1__ProxyStatus *x = *(Weirlock__V1__ProxyStatus *const *)a, *y = *(Weirlock__V1__ProxyStatus *const *)b;

	return strcmp(x->name, y->name);
}

/* One look. Findings when a proxy is not in step. */
static int print_status(struct command_line *line)
{
	Weirlock__V1__StatusResponse *s;
	json_t *rows;
	int status = target_status(&line->target, &s);

	if (status != 0)
		return status;
	if (s->n_proxies)
		qsort(s->proxies, s->n_proxies, sizeof(*s->proxies), compare_names);
	rows = json_array();
	if (strcmp(s->role, "proxy") != 0)
		json_array_append_new(rows, controller_row(s));
	for (size_t i = 0; i < s->n_proxies; i++) {
		json_array_append_new(rows, proxy_row(s->proxies[i]));
		if (!is_in_step(s->proxies[i]))
			status = EXIT_FINDINGS;
	}
	output_rows(&line->out, rows, columns);
	json_decref(rows);
	weirlock__v1__status_response__free_unpacked(s, NULL);
	return status;
}

int command_status(struct command_line *line)
{
	int status = command_at_most(line, 0, "status");

	if (status != 0)
		return status;
	for (;;) {
		status = print_status(line);
		if (!line->is_watching || status == EXIT_NO_CONNECTION)
			return status;
		if (isatty(STDOUT_FILENO) && fputs("\033[H\033[2J", stdout) < 0)
			return status;
		if (!output_flush(&line->out))
			return status;
		sleep(2);
	}
}
