/* weirctl backends: one line a backend with its endpoints. */
#include "command.h"

#include <stdio.h>

#include "addr.h"
#include "render.h"

static const struct column columns[] = {
	{"BACKEND", "name", false},
	{"SERVICE", "service", true},
	{"PORT", "port", true},
	{"PROTOCOL", "protocol", false},
	{"BALANCE", "load_balance", true},
	{"READY", "ready", false},
	{"TERMINATING", "terminating", false},
	{"ENDPOINTS", "endpoints", false},
	{0},
};

static json_t *endpoint_list(const struct view *v, struct str backend)
{
	json_t *list = json_array();

	for (size_t i = 0; i < v->n_endpoints; i++) {
		const Weirlock__V1__Endpoints *e = v->endpoints[i];

		if (!str_eq(str_from(e->backend), backend))
			continue;
		for (size_t k = 0; k < e->n_endpoints; k++) {
			char text[ADDR_TEXT_MAX];
			struct addr a = {0};

			addr_from_bytes(str_of(e->endpoints[k]->ip.data, e->endpoints[k]->ip.len),
				(uint16_t)e->endpoints[k]->port, &a);
			json_array_append_new(list, json_string(addr_text(&a, text)));
		}
	}
	return list;
}

static void add_number(json_t *row, const char *key, uint32_t value)
{
	if (value)
		json_object_set_new(row, key, json_integer((json_int_t)value));
}

/* I1: a session decides before a hash, a hash before the algorithm. */
static void add_balance(json_t *row, const Weirlock__V1__Backend *b)
{
	if (b->affinity) {
		json_object_set_new(row, "load_balance",
			json_string(b->affinity->is_persistent ? "sticky_persistent" : "sticky_balanced"));
		json_object_set_new(row, "session_cookie",
			json_string(b->affinity->cookie_name[0] ? b->affinity->cookie_name : "INGRESSCOOKIE"));
	} else if (!b->hash_by[0])
		json_object_set_new(
			row, "load_balance", render_enum(&weirlock__v1__load_balance__descriptor, (int)b->load_balance));
	else
		json_object_set_new(row, "load_balance", json_string(b->hash_subset_size ? "chashsubset" : "chash"));
	if (b->hash_by[0])
		json_object_set_new(row, "hash_by", render_text(str_from(b->hash_by)));
	add_number(row, "hash_subset_size", b->hash_subset_size);
	add_number(row, "slow_start_ms", b->slow_start_ms);
	add_number(row, "retry_budget_percent", b->retry_budget_percent);
	add_number(row, "eject_after_failures", b->eject_after_failures);
	add_number(row, "eject_ms", b->eject_ms);
	add_number(row, "max_connections", b->max_connections);
}

int command_backends(struct command_line *line)
{
	struct view v;
	json_t *rows;
	int status = command_at_most(line, 1, "backends [NAME]");

	if (status == 0)
		status = target_snapshot(&line->target, "", &v);
	if (status != 0)
		return status;
	rows = json_array();
	for (size_t i = 0; i < v.n_backends; i++) {
		const Weirlock__V1__Backend *b = v.backends[i];
		struct str service = str_from(b->service);
		json_t *row;
		size_t n_ready, n_terminating;

		if (line->args.n && !str_eq(v.backend_names[i], str_from(line->args.items[0])))
			continue;
		if (line->namespace_ && !str_eq(str_first(service, str_find(service, '/')), str_from(line->namespace_)))
			continue;
		view_count_endpoints(&v, v.backend_names[i], &n_ready, &n_terminating);
		row = json_object();
		json_object_set_new(row, "name", render_text(v.backend_names[i]));
		json_object_set_new(row, "service", render_text(service));
		json_object_set_new(row, "port", render_text(str_from(b->port)));
		json_object_set_new(row, "protocol", render_enum(&weirlock__v1__protocol__descriptor, (int)b->protocol));
		add_balance(row, b);
		json_object_set_new(row, "ready", json_integer((json_int_t)n_ready));
		json_object_set_new(row, "terminating", json_integer((json_int_t)n_terminating));
		json_object_set_new(row, "endpoints", endpoint_list(&v, v.backend_names[i]));
		if (b->external_name[0])
			json_object_set_new(row, "external_name", render_text(str_from(b->external_name)));
		json_array_append_new(rows, row);
	}
	output_rows(&line->out, rows, columns);
	if (line->args.n && json_array_size(rows) == 0)
		status = command_fail(EXIT_FINDINGS, "no backend '%s' in this snapshot", line->args.items[0]);
	json_decref(rows);
	view_deinit(&v);
	return status;
}
