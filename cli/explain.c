/*
 * weirctl explain request URL, weirctl explain client-ip: the proxy's own rooms asked about one request, step by step. What is
 * printed cannot differ from what a proxy does, because it is what a proxy does.
 */
#include "explain.h"

#include <string.h>

static const char usage[] = "explain request URL | explain client-ip --peer ADDR";

static uint16_t port_of(const char *address, uint16_t otherwise)
{
	struct str text = str_from(address);
	struct str first = str_first(text, str_find(text, ',')); /* a proxy may have several listeners: the first one */
	uint64_t port;

	return str_to_u64(str_from_index(first, str_rfind(first, ':') + 1), 65535, &port) && port ? (uint16_t)port : otherwise;
}

void explain_ports(struct target *t, uint16_t *http_port, uint16_t *https_port)
{
	Weirlock__V1__StatusResponse *status = NULL;

	*http_port = 80;
	*https_port = 443;
	if (!t->proxy || target_status(t, &status) != 0)
		return;
	if (status->n_proxies && status->proxies[0]->report) {
		*http_port = port_of(status->proxies[0]->report->http, 80);
		*https_port = port_of(status->proxies[0]->report->https, 443);
	}
	weirlock__v1__status_response__free_unpacked(status, NULL);
}

void explain_table(struct output *out, const char *title, json_t *rows, const struct column *columns)
{
	if (!json_array_size(rows))
		return;
	output_note(out, "\n%s", title);
	output_rows(out, rows, columns);
}

void explain_print_proxy_header(struct output *out, json_t *root)
{
	static const struct column columns[] = {{"TLV", "name", false}, {"VALUE", "value", false}, {0}};

	explain_table(out, "The PROXY header also says:", json_object_get(json_object_get(root, "proxy_header"), "tlvs"), columns);
}

static int unknown(const char *what)
{
	static const char *const words[] = {"request", "client-ip", NULL};
	const char *near = opt_nearest(what, words);

	if (near)
		return command_fail(EXIT_USAGE, "explain '%s': did you mean '%s'? (usage: weirctl %s)", what, near, usage);
	return command_fail(EXIT_USAGE, "explain '%s': usage: weirctl %s", what, usage);
}

int command_explain(struct command_line *line)
{
	const char *what = line->args.n ? line->args.items[0] : "";

	if (strcmp(what, "request") == 0) {
		if (line->args.n < 2)
			return command_fail(EXIT_USAGE, "explain request: which one? usage: weirctl explain request https://HOST/PATH");
		if (line->args.n > 2)
			return command_fail(EXIT_USAGE, "unexpected word '%s'; usage: weirctl explain request URL", line->args.items[2]);
		return explain_request(line, line->args.items[1]);
	}
	if (strcmp(what, "client-ip") == 0) {
		if (line->args.n > 1)
			return command_fail(EXIT_USAGE, "unexpected word '%s'; usage: weirctl explain client-ip --peer ADDR",
				line->args.items[1]);
		return explain_client_ip(line);
	}
	return *what ? unknown(what) : command_fail(EXIT_USAGE, "usage: weirctl %s", usage);
}
