/* Service and EndpointSlice. */
#include "addr.h"
#include "read.h"

static void read_type(struct reader *r, const struct at *spec_at, json_t *spec, struct service *out)
{
	static const struct {
		const char *name;
		enum service_type type;
	} types[] = {
		{"ClusterIP", SERVICE_CLUSTER_IP},
		{"NodePort", SERVICE_NODE_PORT},
		{"LoadBalancer", SERVICE_LOAD_BALANCER},
		{"ExternalName", SERVICE_EXTERNAL_NAME},
	};
	struct at here = {spec_at, "type", 0};
	struct str text = STR("ClusterIP");

	read_text(r, spec_at, spec, here.name, MAX_TEXT, &text);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (str_eq(text, str_from(types[i].name))) {
			out->type = types[i].type;
			return;
		}
	}
	read_bad(r, &here, text, "ClusterIP, NodePort, LoadBalancer or ExternalName", "");
}

/* A number, or the name of a container port. */
static void read_target(struct reader *r, const struct at *at, json_t *json, struct port_ref *out)
{
	struct at here = {at, "targetPort", 0};
	json_t *member = read_member(json, here.name);
	uint64_t number;

	if (!json_is_string(member)) {
		if (!json_is_integer(member) || json_integer_value(member) != 0) /* 0 is how clients write "not given" */
			read_port(r, at, json, here.name, &out->number);
		return;
	}
	if (str_to_u64(read_bytes(member), UINT64_MAX, &number))
		read_bad(r, &here, read_bytes(member), "a port number, or the name of a container port",
			"write the number without quotes");
	else
		read_text(r, at, json, here.name, 63, &out->name);
}

static void read_protocol(struct reader *r, const struct at *at, json_t *json, struct str *out)
{
	struct at here = {at, "protocol", 0};

	*out = STR("TCP");
	if (read_text(r, at, json, here.name, MAX_TEXT, out) && !str_eq(*out, STR("TCP")) && !str_eq(*out, STR("UDP")) &&
		!str_eq(*out, STR("SCTP")))
		read_bad(r, &here, *out, "TCP, UDP or SCTP", "");
}

static void read_one_port(struct reader *r, const struct at *at, json_t *json, struct service_port *out)
{
	struct at port_at = {at, "port", 0};

	if (!json_is_object(json)) {
		read_bad(r, at, read_as_text(json), "an object with port and targetPort", "");
		return;
	}
	read_text(r, at, json, "name", 63, &out->name);
	read_protocol(r, at, json, &out->protocol);
	read_text(r, at, json, "appProtocol", MAX_TEXT, &out->app_protocol);
	read_target(r, at, json, &out->target);
	if (!read_port(r, at, json, "port", &out->port) && !r->is_bad)
		read_bad(r, &port_at, STR(""), "needed: a port number from 1 to 65535", "");
}

void read_service(struct reader *r, json_t *json)
{
	struct service *s = &r->object->service;
	struct at spec_at = {NULL, "spec", 0}, ports_at = {&spec_at, "ports", 0};
	json_t *spec = read_object(r, NULL, json, "spec");
	json_t *ports = read_array(r, &spec_at, spec, "ports", MAX_PORTS);

	read_type(r, &spec_at, spec, s);
	read_text(r, &spec_at, spec, "clusterIP", MAX_TEXT, &s->cluster_ip);
	read_text(r, &spec_at, spec, "externalName", MAX_HOST, &s->external_name);
	read_texts(r, &spec_at, spec, "externalIPs", MAX_ITEMS, MAX_TEXT, &s->external_ips, &s->n_external_ips);
	read_balancer(r, json, &s->balancer, &s->n_balancer);
	s->n_ports = json_array_size(ports);
	s->ports = read_room(r, s->n_ports, sizeof(*s->ports));
	for (size_t i = 0; i < s->n_ports; i++) {
		struct at here = {&ports_at, NULL, i};

		read_one_port(r, &here, json_array_get(ports, i), &s->ports[i]);
	}
}

static void check_addresses(struct reader *r, const struct at *at, const struct slice_endpoint *e, struct str type)
{
	struct at list = {at, "addresses", 0};
	uint8_t family = str_eq(type, STR("IPv4")) ? 4 : str_eq(type, STR("IPv6")) ? 6 : 0;

	for (size_t i = 0; family && i < e->n_addresses; i++) {
		struct at here = {&list, NULL, i};
		struct addr ip;

		if (!addr_parse_ip(e->addresses[i], &ip) || ip.family != family)
			read_bad(r, &here, e->addresses[i],
				family == 4 ? "an IPv4 address, as addressType says" : "an IPv6 address, as addressType says",
				"");
	}
}

static void read_zones(struct reader *r, const struct at *at, json_t *json, struct slice_endpoint *out)
{
	struct at hints_at = {at, "hints", 0}, zones_at = {&hints_at, "forZones", 0};
	json_t *zones = read_array(r, &hints_at, read_object(r, at, json, "hints"), "forZones", MAX_ITEMS);

	out->n_for_zones = json_array_size(zones);
	out->for_zones = read_room(r, out->n_for_zones, sizeof(*out->for_zones));
	for (size_t i = 0; i < out->n_for_zones; i++) {
		struct at here = {&zones_at, NULL, i};

		read_text(r, &here, json_array_get(zones, i), "name", MAX_NAME, &out->for_zones[i]);
	}
}

static void read_endpoint(struct reader *r, const struct at *at, json_t *json, struct str type, struct slice_endpoint *out)
{
	struct at conditions_at = {at, "conditions", 0};
	json_t *conditions;

	if (!json_is_object(json)) {
		read_bad(r, at, read_as_text(json), "an object with addresses", "");
		return;
	}
	conditions = read_object(r, at, json, "conditions");
	read_texts(r, at, json, "addresses", 100, MAX_HOST, &out->addresses, &out->n_addresses);
	check_addresses(r, at, out, type);
	out->is_ready = true; /* H1: unknown counts as ready */
	read_bool(r, &conditions_at, conditions, "ready", &out->is_ready);
	out->is_serving = out->is_ready;
	read_bool(r, &conditions_at, conditions, "serving", &out->is_serving);
	read_bool(r, &conditions_at, conditions, "terminating", &out->is_terminating);
	read_text(r, at, json, "zone", MAX_NAME, &out->zone);
	read_zones(r, at, json, out);
}

static void read_slice_port(struct reader *r, const struct at *at, json_t *json, struct slice_port *out)
{
	if (!json_is_object(json)) {
		read_bad(r, at, read_as_text(json), "an object with name and port", "");
		return;
	}
	read_text(r, at, json, "name", 63, &out->name);
	read_protocol(r, at, json, &out->protocol);
	out->has_port = read_port(r, at, json, "port", &out->port);
}

static void read_address_type(struct reader *r, json_t *json, struct endpoint_slice *s)
{
	struct at at = {NULL, "addressType", 0};

	if (!read_needed_text(r, NULL, json, at.name, MAX_TEXT, "write addressType: IPv4", &s->address_type))
		return;
	if (!str_eq(s->address_type, STR("IPv4")) && !str_eq(s->address_type, STR("IPv6")) &&
		!str_eq(s->address_type, STR("FQDN")))
		read_bad(r, &at, s->address_type, "IPv4, IPv6 or FQDN", "");
}

void read_endpoint_slice(struct reader *r, json_t *json)
{
	struct endpoint_slice *s = &r->object->endpoint_slice;
	struct at endpoints_at = {NULL, "endpoints", 0}, ports_at = {NULL, "ports", 0};
	json_t *endpoints = read_array(r, NULL, json, "endpoints", MAX_ENDPOINTS);
	json_t *ports = read_array(r, NULL, json, "ports", MAX_PORTS);
	const struct str *service =
		pair_find(r->object->labels, r->object->n_labels, STR("kubernetes.io/service-name"));

	s->service = service ? *service : STR("");
	read_address_type(r, json, s);
	s->n_endpoints = json_array_size(endpoints);
	s->endpoints = read_room(r, s->n_endpoints, sizeof(*s->endpoints));
	for (size_t i = 0; i < s->n_endpoints; i++) {
		struct at here = {&endpoints_at, NULL, i};

		read_endpoint(r, &here, json_array_get(endpoints, i), s->address_type, &s->endpoints[i]);
	}
	s->n_ports = json_array_size(ports);
	s->ports = read_room(r, s->n_ports, sizeof(*s->ports));
	for (size_t i = 0; i < s->n_ports; i++) {
		struct at here = {&ports_at, NULL, i};

		read_slice_port(r, &here, json_array_get(ports, i), &s->ports[i]);
	}
}
