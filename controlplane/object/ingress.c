/* Ingress and IngressClass. What the API server would refuse is refused here too, for manifests that never met one. */
#include "addr.h"
#include "read.h"

static bool is_host_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Labels of letters, digits, '-' and '_'; the first may be '*'. */
static bool is_host(struct str host)
{
	struct str rest = host, label;
	bool is_first = true;
	struct addr ip;

	if (str_ends_with(host, STR(".")) || addr_parse_ip(host, &ip))
		return false;
	while (str_next(&rest, '.', &label)) {
		if (is_first && str_eq(label, STR("*")) && rest.len) {
			is_first = false;
			continue;
		}
		is_first = false;
		if (label.len == 0 || label.len > 63)
			return false;
		for (size_t i = 0; i < label.len; i++) {
			if (!is_host_byte(label.ptr[i]))
				return false;
		}
	}
	return true;
}

static void check_host(struct reader *r, const struct at *at, struct str host)
{
	if (host.len && !is_host(host))
		read_bad(r, at, host, "a DNS name, or '*.' and a DNS name; no port, no IP address", "");
}

static void read_service_port(struct reader *r, const struct at *service, json_t *json, struct port_ref *out)
{
	struct at port = {service, "port", 0};
	json_t *member = read_object(r, service, json, "port");
	bool has_name = read_text(r, &port, member, "name", 63, &out->name) && out->name.len;
	bool has_number = read_port(r, &port, member, "number", &out->number);

	if (has_name == has_number && !r->is_bad)
		read_bad(r, &port, STR(""), has_name ? "a number or a name, not both" : "needed: a number or a name",
			"write port: {number: 80} or port: {name: http}");
}

static void read_backend(struct reader *r, const struct at *at, json_t *json, struct ingress_backend *out)
{
	struct at service_at = {at, "service", 0};
	json_t *service = read_object(r, at, json, "service");
	json_t *resource = read_object(r, at, json, "resource");

	out->is_set = true;
	if (service && resource) {
		read_bad(r, at, STR(""), "a service or a resource, not both", "");
	} else if (resource) {
		out->is_resource = true;
	} else if (service) {
		read_needed_text(r, &service_at, service, "name", 63, "name the Service", &out->service);
		read_service_port(r, &service_at, service, &out->port);
	} else {
		read_bad(r, at, STR(""), "needed: a service",
			read_member(json, "serviceName") ? "serviceName and servicePort became service.name and service.port"
							 : "write service: {name: web, port: {number: 80}}");
	}
}

static void read_path_type(struct reader *r, const struct at *at, json_t *json, struct ingress_path *out)
{
	struct at here = {at, "pathType", 0};
	struct str text = STR("");

	/* Absent is what it was before v1 made it needed: C1. */
	if (!read_text(r, at, json, here.name, MAX_TEXT, &text) || str_eq(text, STR("ImplementationSpecific")))
		out->type = PATH_IMPLEMENTATION_SPECIFIC;
	else if (str_eq(text, STR("Prefix")))
		out->type = PATH_PREFIX;
	else if (str_eq(text, STR("Exact")))
		out->type = PATH_EXACT;
	else
		read_bad(r, &here, text, "Exact, Prefix or ImplementationSpecific", "");
}

static void read_path(struct reader *r, const struct at *at, json_t *json, struct ingress_path *out)
{
	struct at path = {at, "path", 0}, backend = {at, "backend", 0};
	json_t *member;

	if (!json_is_object(json)) {
		read_bad(r, at, read_as_text(json), "an object with path, pathType and backend", "");
		return;
	}
	out->path = STR("");
	read_text(r, at, json, "path", MAX_PATH, &out->path);
	if (out->path.len && out->path.ptr[0] != '/')
		read_bad(r, &path, out->path, "a path that starts with /", "");
	read_path_type(r, at, json, out);
	member = read_object(r, at, json, "backend");
	if (member)
		read_backend(r, &backend, member, &out->backend);
	else if (!r->is_bad)
		read_bad(r, &backend, STR(""), "needed: where requests go", "");
}

static void read_rule(struct reader *r, const struct at *at, json_t *json, struct ingress_rule *out, size_t *n_paths)
{
	struct at host = {at, "host", 0}, http_at = {at, "http", 0}, paths_at = {&http_at, "paths", 0};
	json_t *http = read_object(r, at, json, "http");
	json_t *paths = read_array(r, &http_at, http, "paths", MAX_PATHS);

	if (!json_is_object(json)) {
		read_bad(r, at, read_as_text(json), "an object with host and http", "");
		return;
	}
	out->host = STR("");
	if (read_text(r, at, json, "host", MAX_HOST, &out->host))
		check_host(r, &host, out->host);
	out->has_http = http != NULL;
	*n_paths += json_array_size(paths);
	if (*n_paths > MAX_PATHS) {
		read_bad(r, &paths_at, STR(""), "at most 10000 paths in one Ingress", "split the Ingress");
		return;
	}
	out->n_paths = json_array_size(paths);
	out->paths = read_room(r, out->n_paths, sizeof(*out->paths));
	for (size_t i = 0; i < out->n_paths; i++) {
		struct at here = {&paths_at, NULL, i};

		read_path(r, &here, json_array_get(paths, i), &out->paths[i]);
	}
}

static void read_tls(struct reader *r, const struct at *at, json_t *json, struct ingress_tls *out)
{
	struct at hosts = {at, "hosts", 0};

	if (!json_is_object(json)) {
		read_bad(r, at, read_as_text(json), "an object with hosts and secretName", "");
		return;
	}
	out->secret = STR("");
	read_text(r, at, json, "secretName", MAX_NAME, &out->secret);
	read_texts(r, at, json, "hosts", MAX_ITEMS, MAX_HOST, &out->hosts, &out->n_hosts);
	for (size_t i = 0; i < out->n_hosts; i++) {
		struct at here = {&hosts, NULL, i};

		check_host(r, &here, out->hosts[i]);
	}
}

void read_ingress(struct reader *r, json_t *json)
{
	struct ingress *in = &r->object->ingress;
	struct at spec_at = {NULL, "spec", 0};
	struct at backend_at = {&spec_at, "defaultBackend", 0}, rules_at = {&spec_at, "rules", 0}, tls_at = {&spec_at, "tls", 0};
	json_t *spec = read_object(r, NULL, json, "spec");
	json_t *backend = read_object(r, &spec_at, spec, "defaultBackend");
	json_t *rules = read_array(r, &spec_at, spec, "rules", MAX_RULES);
	json_t *tls = read_array(r, &spec_at, spec, "tls", MAX_ITEMS);
	size_t n_paths = 0;

	in->has_class_name = read_text(r, &spec_at, spec, "ingressClassName", MAX_NAME, &in->class_name);
	if (backend)
		read_backend(r, &backend_at, backend, &in->default_backend);
	in->n_rules = json_array_size(rules);
	in->rules = read_room(r, in->n_rules, sizeof(*in->rules));
	for (size_t i = 0; i < in->n_rules; i++) {
		struct at here = {&rules_at, NULL, i};

		read_rule(r, &here, json_array_get(rules, i), &in->rules[i], &n_paths);
	}
	in->n_tls = json_array_size(tls);
	in->tls = read_room(r, in->n_tls, sizeof(*in->tls));
	for (size_t i = 0; i < in->n_tls; i++) {
		struct at here = {&tls_at, NULL, i};

		read_tls(r, &here, json_array_get(tls, i), &in->tls[i]);
	}
	read_balancer(r, json, &in->balancer, &in->n_balancer);
	if (!backend && in->n_rules == 0 && !r->is_bad)
		read_bad(r, &spec_at, STR(""), "needed: rules or a defaultBackend", "");
}

void read_ingress_class(struct reader *r, json_t *json)
{
	struct at spec_at = {NULL, "spec", 0};
	json_t *spec = read_object(r, NULL, json, "spec");
	const struct str *is_default =
		object_annotation(r->object, STR("ingressclass.kubernetes.io/is-default-class"));

	read_text(r, &spec_at, spec, "controller", MAX_NAME, &r->object->ingress_class.controller);
	r->object->ingress_class.is_default = is_default && str_eq(*is_default, STR("true"));
}
