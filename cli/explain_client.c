/*
 * weirctl explain client-ip: the walk from the TCP peer to the client, hop by hop, and what backends are told of it.
 */
#include <stdio.h>

#include "explain.h"
#include "explain_client.h"
#include "mem.h"
#include "reading.h"

static const struct column step_columns[] = {{"STEP", "step", false}, {"RESULT", "result", false}, {"WHY", "why", false}, {0}};
static const struct column hop_columns[] = {{"HOP", "hop", false}, {"FROM", "from_text", false}, {"WRITTEN", "written", true},
	{"ADDRESS", "address", false}, {"TRUSTED BY", "trusted_by", false}, {"VERDICT", "verdict", false}, {0}};
static const struct column value_columns[] = {{"WHAT", "what", false}, {"VALUE", "value", false}, {"WHY", "why", false}, {0}};
static const struct column own_columns[] = {
	{"FIELD", "name", false}, {"VALUE", "value", false}, {"BECOMES", "fate", false}, {0}};
static const struct column compare_columns[] = {{"WHAT", "what", false}, {"WEIRLOCK", "ours", false},
	{"INGRESS-NGINX", "ingress_nginx", false}, {"DIFFERS", "differs", false}, {"RULE", "rule", false}, {"KEY", "key", false}, {0}};

static void tell_client(struct story *s, json_t *root)
{
	struct clientaddr who;
	struct buf chain = {0};
	char text[ADDR_TEXT_MAX];

	clientaddr_explain(&s->rules, &s->asked->conn, &s->asked->head, &s->arena, &who, &s->trace);
	json_object_set_new(root, "client", json_string(addr_ip_text(&who.client, text)));
	if (who.client.port)
		json_object_set_new(root, "client_port", json_integer(who.client.port));
	story_text(root, "reason", clientaddr_reason_word(who.reason));
	json_object_set_new(root, "why", json_string(clientaddr_reason_doc(who.reason)));
	json_object_set_new(root, "hops", client_hops(s));
	clientaddr_chain_text(&s->trace, &chain);
	story_text(root, "chain", buf_str(&chain)); /* as in the access log */
	buf_deinit(&chain);
	json_object_set_new(root, "trust", client_trust(s));
	json_object_set_new(root, "asked_for", client_values(s, &who));
	json_object_set_new(root, "backend_fields", client_backend_fields(s, &who));
	json_object_set_new(root, "own_fields", client_own_fields(s));
	json_object_set_new(root, "warnings", client_warnings(s));
	json_object_set_new(root, "unused_networks", client_unused_networks(s));
}

static json_t *explain(struct story *s, bool compares, bool *differs)
{
	json_t *root = json_object(), *answer = json_object();

	json_object_set(root, "steps", s->steps);
	json_object_set_new(root, "proxy_header", story_proxy_header(s));
	if (!story_tell_connection(s, answer)) {
		json_object_set(root, "answer", answer);
		if (compares)
			json_object_set_new(root, "compare", client_compare_connection(s, false, differs));
	} else if (!asked_parse(s->asked, generation_settings(s->generation))) {
		json_object_set_new(answer, "status", json_integer(s->asked->error.status));
		json_object_set_new(answer, "why", json_string(s->asked->error.reason));
		json_object_set(root, "answer", answer);
		story_step(s, "request", STR("refused"), "%u: %s (0.2)", s->asked->error.status, s->asked->error.reason);
	} else {
		tell_client(s, root);
		if (compares)
			json_object_set_new(root, "compare", client_compare(s, differs));
	}
	json_decref(answer);
	return root;
}

/* -------------------------------------------------------------------------------------------------------- printing */

static void print_lines(struct output *out, const char *title, json_t *rows, const char *left, const char *right)
{
	size_t i;
	json_t *row;

	if (json_array_size(rows))
		output_note(out, "\n%s", title);
	json_array_foreach(rows, i, row)
		output_note(out, "  %s: %s", json_string_value(json_object_get(row, left)), json_string_value(json_object_get(row, right)));
}

static void print_warnings(struct output *out, json_t *rows)
{
	size_t i;
	json_t *row;

	if (json_array_size(rows))
		output_note(out, "\nTrusts more than it needs, or less:");
	json_array_foreach(rows, i, row)
		output_note(out, "  %s: %s; %s", json_string_value(json_object_get(row, "key")),
			json_string_value(json_object_get(row, "what")), json_string_value(json_object_get(row, "fix")));
}

/* What is the same says little; -o wide has it. */
static void print_comparison(struct output *out, json_t *all)
{
	json_t *rows, *row;
	size_t i;

	if (!all)
		return;
	rows = json_array();
	json_array_foreach(all, i, row)
	{
		if (out->format == OUTPUT_WIDE || i == 0 || json_is_true(json_object_get(row, "differs")))
			json_array_append(rows, row);
	}
	explain_table(out, "Beside ingress-nginx:", rows, compare_columns);
	if (json_array_size(rows) == 1 && !json_is_true(json_object_get(json_array_get(all, 0), "differs")))
		output_note(out, "(all else is the same too)");
	json_decref(rows);
}

static void print_client(struct output *out, json_t *root)
{
	json_t *trust = json_object_get(root, "trust");
	const char *from = json_string_value(json_object_get(trust, "from"));

	output_note(out, "The client is %s: %s.", json_string_value(json_object_get(root, "client")),
		json_string_value(json_object_get(root, "why")));
	explain_table(out, "From the TCP peer inwards:", json_object_get(root, "hops"), hop_columns);
	output_note(out, "(%s%s%s: %lld network%s)", json_string_value(json_object_get(trust, "key")), from ? " of " : "", from ? from : "",
		(long long)json_integer_value(json_object_get(trust, "n")),
		json_integer_value(json_object_get(trust, "n")) == 1 ? "" : "s");
	explain_print_proxy_header(out, root);
	explain_table(out, "What it asked for:", json_object_get(root, "asked_for"), value_columns);
	print_lines(out, "The backend gets:", json_object_get(root, "backend_fields"), "name", "value");
	if (out->format == OUTPUT_WIDE)
		explain_table(out, "The client's own fields:", json_object_get(root, "own_fields"), own_columns);
	print_warnings(out, json_object_get(root, "warnings"));
	if (out->format == OUTPUT_WIDE && json_array_size(json_object_get(root, "unused_networks")))
		output_note(out, "\n%zu trusted network%s not needed for this request (-o json names them)",
			json_array_size(json_object_get(root, "unused_networks")),
			json_array_size(json_object_get(root, "unused_networks")) == 1 ? " was" : "s were");
}

static void print(struct output *out, json_t *root)
{
	if (out->format != OUTPUT_TABLE && out->format != OUTPUT_WIDE)
		output_rows(out, root, NULL);
	else if (json_object_get(root, "client"))
		print_client(out, root);
	else
		output_rows(out, json_object_get(root, "steps"), step_columns);
	if (out->format == OUTPUT_TABLE || out->format == OUTPUT_WIDE)
		print_comparison(out, json_object_get(root, "compare"));
}

static int tell(struct command_line *line, const struct view *v, struct asked *asked)
{
	uint16_t http_port, https_port;
	const struct generation *g;
	bool differs = false;
	struct story s;
	json_t *root;
	int status = reading_compile(v, &g);

	if (status != 0)
		return status;
	explain_ports(&line->target, &http_port, &https_port);
	asked_set_ports(asked, http_port, https_port);
	story_init(&s, v, g, asked, https_port);
	root = explain(&s, line->asked.compares, &differs);
	print(&line->out, root);
	json_decref(root);
	story_deinit(&s);
	generation_unref(&g);
	return differs ? EXIT_FINDINGS : EXIT_FINE;
}

int explain_client_ip(struct command_line *line)
{
	struct asked *asked = mem_zalloc(sizeof(*asked));
	struct view v;
	int status = 0;

	if (!line->asked.peer)
		status = command_fail(EXIT_USAGE, "explain client-ip: say who connects: --peer ADDR (the TCP peer, often a load balancer)");
	if (status == 0)
		status = asked_init(asked, &line->asked, line->asked.is_tls ? "https://host.example/" : "http://host.example/");
	if (status == 0)
		status = target_snapshot(&line->target, "", &v);
	if (status == 0) {
		status = tell(line, &v, asked);
		view_deinit(&v);
	}
	asked_deinit(asked);
	mem_free(asked);
	return status;
}
