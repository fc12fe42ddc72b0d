/* weirctl routes: one line a host and path, in the order in which they are tried. */
#include "command.h"

#include <stdio.h>

#include "render.h"

static const struct column columns[] = {
	{"HOST", "host", false},
	{"PATH", "path", false},
	{"TYPE", "path_type", false},
	{"BACKEND", "backend", false},
	{"READY", "ready_endpoints", false},
	{"TLS", "certificate", false},
	{"INGRESS", "ingress", false},
	{"SERVICE", "service", true},
	{"PORT", "service_port", true},
	{"READ-TIMEOUT", "read_timeout", true},
	{"REDIRECT", "ssl_redirect", true},
	{0},
};

static bool is_in_namespace(struct str ingress, const char *namespace_)
{
	return !namespace_ || str_eq(str_first(ingress, str_find(ingress, '/')), str_from(namespace_));
}

static const char *certificate_of(const Weirlock__V1__Host *h)
{
	if (h->certificate[0])
		return h->certificate;
	return h->has_tls ? "(default)" : "";
}

static json_t *row_of(const struct view *v, const Weirlock__V1__Host *h, const Weirlock__V1__Route *r)
{
	json_t *row = json_object();
	size_t n_ready, n_terminating;
	char seconds[32];

	json_object_set_new(row, "host", render_text(str_from(h->name)));
	json_object_set_new(row, "path", render_text(str_from(r->path)));
	json_object_set_new(row, "path_type", render_enum(&weirlock__v1__path_type__descriptor, (int)r->path_type));
	if (r->fixed_status) {
		snprintf(seconds, sizeof(seconds), "(answers %u)", r->fixed_status);
		json_object_set_new(row, "backend", json_string(seconds));
	} else {
		json_object_set_new(row, "backend", render_text(str_from(r->backend[0] ? r->backend : "(default)")));
	}
	if (r->backend[0]) {
		view_count_endpoints(v, str_from(r->backend), &n_ready, &n_terminating);
		json_object_set_new(row, "ready_endpoints", json_integer((json_int_t)n_ready));
	}
	if (certificate_of(h)[0])
		json_object_set_new(row, "certificate", render_text(str_from(certificate_of(h))));
	if (r->ingress[0])
		json_object_set_new(row, "ingress", render_text(str_from(r->ingress)));
	if (r->service[0])
		json_object_set_new(row, "service", render_text(str_from(r->service)));
	if (r->service_port[0])
		json_object_set_new(row, "service_port", render_text(str_from(r->service_port)));
	if (r->policy) {
		snprintf(seconds, sizeof(seconds), "%gs", (double)r->policy->proxy_read_timeout_ms / 1000);
		json_object_set_new(row, "read_timeout", json_string(seconds));
		json_object_set_new(row, "ssl_redirect", json_boolean(r->policy->ssl_redirect && h->has_tls));
		json_object_set_new(row, "policy", render_message(&r->policy->base, false));
	}
	return row;
}

int command_routes(struct command_line *line)
{
	struct view v;
	json_t *rows = json_array();
	const char *host = line->args.n ? line->args.items[0] : NULL;
	int status = command_at_most(line, 1, "routes [HOST]");

	if (status == 0)
		status = target_snapshot(&line->target, "", &v);
	if (status != 0) {
		json_decref(rows);
		return status;
	}
	for (size_t i = 0; i < v.n_hosts; i++) {
		const Weirlock__V1__Host *h = v.hosts[i];

		if (host && !str_eq_nocase(str_from(h->name), str_from(host)))
			continue;
		for (size_t k = 0; k < h->n_routes; k++) {
			if (is_in_namespace(str_from(h->routes[k]->ingress), line->namespace_))
				json_array_append_new(rows, row_of(&v, h, h->routes[k]));
		}
	}
	output_rows(&line->out, rows, columns);
	if (host && json_array_size(rows) == 0)
		status = command_fail(EXIT_FINDINGS, "no host '%s' in this snapshot (weirctl routes lists all)", host);
	json_decref(rows);
	view_deinit(&v);
	return status;
}
