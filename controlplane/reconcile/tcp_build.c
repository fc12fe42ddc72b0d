/* The ConfigMaps of TCP and UDP services: their good entries become TcpServices and UdpServices, each bad one a problem (A50). */
#include "pass.h"

static void refuse_entry(struct reconcile *pass, const struct object *map, struct str key, struct str value, const char *rule,
	const char *fix)
{
	problems_add(&pass->tcp_problems, &(struct problem){.severity = SEVERITY_FAULT, .object = map->key, .field = key,
		.value = value, .rule = str_from(rule), .fix = str_from(fix),
		.effect = STR("the port is not listened on, the others are")});
}

/* UDP has no connection whose first bytes a header could be; ingress-nginx passes over the words without a word. */
static void drop_proxy_words(struct reconcile *pass, struct tcp_entry *e)
{
	if (e->decodes_proxy || e->encodes_proxy)
		problems_add(&pass->tcp_problems, &(struct problem){.severity = SEVERITY_WARN, .object = e->object, .field = e->key,
			.value = e->written, .rule = STR("without PROXY: there are no PROXY headers in UDP"),
			.fix = STR("take the word out"), .effect = STR("the port is served, without such headers")});
	e->decodes_proxy = e->encodes_proxy = false;
}

static void take_entry(struct reconcile *pass, struct tcp_entry *e)
{
	if (e->target.is_udp)
		drop_proxy_words(pass, e);
	pass->n_tcp++;
}

static void read_entry(struct reconcile *pass, const struct object *map, const struct pair *p, bool is_udp)
{
	struct tcp_entry *e = &pass->tcp[pass->n_tcp];
	const char *rule;

	*e = (struct tcp_entry){.object = map->key, .key = p->name, .written = p->value, .port = tcp_parse_port(p->name)};
	rule = tcp_parse_value(p->value, e);
	e->target.is_udp = is_udp;
	if (!e->port)
		refuse_entry(pass, map, p->name, p->name, "a port from 1 to 65535 without a leading 0",
			"write the port to listen on as the key");
	else if (tcp_is_reserved(e->port))
		refuse_entry(pass, map, p->name, p->name, "a port that is free: 80, 442, 443, 8181, 10245 to 10247, 10254 and 10255 are taken",
			"choose another port");
	else if (rule)
		refuse_entry(pass, map, p->name, p->value, rule, "write it as in default/postgres:5432, with :PROXY where a header is wanted");
	else
		take_entry(pass, e);
}

/* NULL, and a problem where one is named and is not there. */
static const struct object *find_map(struct reconcile *pass, const char *option, struct str path, const char *effect)
{
	const struct object *map = store_get_path(pass->untracked, KIND_CONFIG_MAP, path);

	if (path.len > 0 && !map)
		result_problem(&pass->tcp_problems, SEVERITY_WARN, str_from(option), "", path, "a ConfigMap that exists",
			"create it, or name one that exists", effect);
	return map;
}

static size_t n_entries(const struct object *map)
{
	return map ? map->config_map.n_data : 0;
}

static void read_all(struct reconcile *pass)
{
	const struct object *tcp = find_map(pass, "--tcp-services-configmap", pass->options->tcp_services_configmap,
		"there are no TCP services");
	const struct object *udp = find_map(pass, "--udp-services-configmap", pass->options->udp_services_configmap,
		"there are no UDP services");

	pass->has_tcp = true;
	pass->tcp = arena_zalloc(&pass->arena, (n_entries(tcp) + n_entries(udp) + 1) * sizeof(*pass->tcp));
	for (size_t i = 0; i < n_entries(tcp); i++)
		read_entry(pass, tcp, &tcp->config_map.data[i], false);
	for (size_t i = 0; i < n_entries(udp); i++)
		read_entry(pass, udp, &udp->config_map.data[i], true);
}

const struct tcp_entry *tcp_entries(struct reconcile *pass, size_t *n)
{
	if (!pass->has_tcp)
		read_all(pass);
	*n = pass->n_tcp;
	return pass->tcp;
}

bool tcp_leads_to(const struct tcp_entry *e, struct str namespace_, struct str service, const struct port_ref *port)
{
	if (!str_eq(e->namespace_, namespace_) || !str_eq(e->service, service))
		return false;
	return !port || same_port(&e->target, port);
}

static char *backend_of(struct reconcile *pass, const struct tcp_entry *e)
{
	const struct ingress_backend named = {.is_set = true, .service = e->service, .port = e->target};

	return message_text(&pass->scratch, backend_name(&pass->scratch, e->namespace_, &named));
}

static void put_tcp(struct reconcile *pass, const struct tcp_entry *e, struct str name, struct reconcile_result *result)
{
	Weirlock__V1__TcpService message = WEIRLOCK__V1__TCP_SERVICE__INIT;

	message.port = e->port;
	message.backend = backend_of(pass, e);
	message.decodes_proxy = e->decodes_proxy;
	message.encodes_proxy = e->encodes_proxy;
	result_put(result, WEIRLOCK__V1__KIND__KIND_TCP_SERVICE, name, &message.base);
}

static void put_udp(struct reconcile *pass, const struct tcp_entry *e, struct str name, struct reconcile_result *result)
{
	Weirlock__V1__UdpService message = WEIRLOCK__V1__UDP_SERVICE__INIT;

	message.port = e->port;
	message.backend = backend_of(pass, e);
	result_put(result, WEIRLOCK__V1__KIND__KIND_UDP_SERVICE, name, &message.base);
}

static void put_service(struct reconcile *pass, const struct tcp_entry *e, struct reconcile_result *result)
{
	bool is_udp = e->target.is_udp;
	struct str name = arena_printf(&pass->scratch, "%u", (unsigned)e->port);

	if (is_udp)
		put_udp(pass, e, name, result);
	else
		put_tcp(pass, e, name, result);
	result_origin(result, &(struct provenance){
		.kind = is_udp ? WEIRLOCK__V1__KIND__KIND_UDP_SERVICE : WEIRLOCK__V1__KIND__KIND_TCP_SERVICE, .name = name,
		.field = STR("port"), .object = e->object, .key = e->key, .value = e->written});
}

void tcp_put_all(struct reconcile *pass, struct reconcile_result *result)
{
	size_t n;
	const struct tcp_entry *entries = tcp_entries(pass, &n);

	arena_reset(&pass->scratch);
	problems_add_all(&result->problems, &pass->tcp_problems);
	for (size_t i = 0; i < n; i++) {
		if (pool_has_namespace(pass, entries[i].namespace_))
			put_service(pass, &entries[i], result);
	}
}
