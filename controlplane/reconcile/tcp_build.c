/* The ConfigMap of TCP services: its good entries become TcpServices, each bad one a problem of its own (A50). */
#include "pass.h"

static void refuse_entry(struct reconcile *pass, const struct object *map, struct str key, struct str value, const char *rule,
	const char *fix)
{
	problems_add(&pass->tcp_problems, &(struct problem){.severity = SEVERITY_FAULT, .object = map->key, .field = key,
		.value = value, .rule = str_from(rule), .fix = str_from(fix),
		.effect = STR("the port is not listened on, the others are")});
}

static void read_entry(struct reconcile *pass, const struct object *map, const struct pair *p)
{
	struct tcp_entry *e = &pass->tcp[pass->n_tcp];
	const char *rule;

	*e = (struct tcp_entry){.object = map->key, .key = p->name, .written = p->value, .port = tcp_parse_port(p->name)};
	rule = tcp_parse_value(p->value, e);
	if (!e->port)
		refuse_entry(pass, map, p->name, p->name, "a port from 1 to 65535 without a leading 0",
			"write the port to listen on as the key");
	else if (tcp_is_reserved(e->port))
		refuse_entry(pass, map, p->name, p->name, "a port that is free: 80, 442, 443, 8181, 10245 to 10247, 10254 and 10255 are taken",
			"choose another port");
	else if (rule)
		refuse_entry(pass, map, p->name, p->value, rule, "write it as in default/postgres:5432, with :PROXY where a header is wanted");
	else
		pass->n_tcp++;
}

static void read_all(struct reconcile *pass)
{
	struct str path = pass->options->tcp_services_configmap;
	const struct object *map = store_get_path(pass->untracked, KIND_CONFIG_MAP, path);

	pass->has_tcp = true;
	if (path.len > 0 && !map)
		result_problem(&pass->tcp_problems, SEVERITY_WARN, STR("--tcp-services-configmap"), "", path,
			"a ConfigMap that exists", "create it, or name one that exists", "there are no TCP services");
	if (!map)
		return;
	pass->tcp = arena_zalloc(&pass->arena, (map->config_map.n_data + 1) * sizeof(*pass->tcp));
	for (size_t i = 0; i < map->config_map.n_data; i++)
		read_entry(pass, map, &map->config_map.data[i]);
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
	return !port || (e->target.number == port->number && (port->number || str_eq(e->target.name, port->name)));
}

static void put_service(struct reconcile *pass, const struct tcp_entry *e, struct reconcile_result *result)
{
	const struct ingress_backend named = {.is_set = true, .service = e->service, .port = e->target};
	Weirlock__V1__TcpService message = WEIRLOCK__V1__TCP_SERVICE__INIT;
	struct str name = arena_printf(&pass->scratch, "%u", (unsigned)e->port);

	message.port = e->port;
	message.backend = message_text(&pass->scratch, backend_name(&pass->scratch, e->namespace_, &named));
	message.decodes_proxy = e->decodes_proxy;
	message.encodes_proxy = e->encodes_proxy;
	result_put(result, WEIRLOCK__V1__KIND__KIND_TCP_SERVICE, name, &message.base);
	result_origin(result, &(struct provenance){.kind = WEIRLOCK__V1__KIND__KIND_TCP_SERVICE, .name = name,
		.field = STR("port"), .object = e->object, .key = e->key, .value = e->written});
}

/* Nobody is to believe that they are served. */
static void complain_udp(struct reconcile *pass, struct problems *problems)
{
	const struct object *map = store_get_path(pass->untracked, KIND_CONFIG_MAP, pass->options->udp_services_configmap);

	for (size_t i = 0; map && i < map->config_map.n_data; i++)
		problems_add(problems, &(struct problem){.severity = SEVERITY_FAULT, .object = map->key,
			.field = map->config_map.data[i].name, .value = map->config_map.data[i].value,
			.rule = STR("a TCP service, and this is one of UDP, which is not served"),
			.fix = STR("give the Service an address of its own (type LoadBalancer or NodePort) and take this entry out"),
			.effect = STR("the port is not listened on")});
}

void tcp_put_all(struct reconcile *pass, struct reconcile_result *result)
{
	size_t n;
	const struct tcp_entry *entries = tcp_entries(pass, &n);

	arena_reset(&pass->scratch);
	problems_add_all(&result->problems, &pass->tcp_problems);
	complain_udp(pass, &result->problems);
	for (size_t i = 0; i < n; i++)
		put_service(pass, &entries[i], result);
}
