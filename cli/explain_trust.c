/* Whom the settings trust, and where that is more than they need, or less. */
#include "explain_client.h"

static const char list_key[] = "proxy-real-ip-cidr";

/* The list that trust comes from: its key, how many networks it has, and where it was written. Owned. */
json_t *client_trust(const struct story *s)
{
	const Weirlock__V1__Provenance *origin = view_origin(s->view, WEIRLOCK__V1__KIND__KIND_SETTINGS, STR(""), str_from(list_key));
	json_t *trust = json_object();

	json_object_set_new(trust, "key", json_string(list_key));
	json_object_set_new(trust, "n", json_integer((json_int_t)s->rules.trusted->n));
	if (origin)
		story_text(trust, "from", str_from(origin->object));
	if (origin)
		story_text(trust, "written", str_from(origin->value));
	return trust;
}

static void warn(json_t *list, const char *key, const char *what, const char *fix)
{
	json_t *row = json_object();

	json_object_set_new(row, "key", json_string(key));
	json_object_set_new(row, "what", json_string(what));
	json_object_set_new(row, "fix", json_string(fix));
	json_array_append_new(list, row);
}

static void warn_of_network(json_t *list, const struct cidr *c)
{
	struct buf what = {0};

	if (c->prefix != 0 && c->prefix >= (c->net.family == 4 ? 8 : 16))
		return;
	cidr_add_text(&what, c);
	if (c->prefix == 0)
		buf_printf(&what, " trusts every %s peer: any of them can say who the client is", c->net.family == 4 ? "IPv4" : "IPv6");
	else
		buf_add(&what, STR(" trusts more than any load balancer needs"));
	warn(list, list_key, buf_cstr(&what), "name the networks of your load balancers alone");
	buf_deinit(&what);
}

static bool is_used(const struct story *s, const struct cidr *c)
{
	for (size_t i = 0; i < s->trace.n; i++) {
		if (s->trace.items[i].trusted_by && cidr_contains(c, &s->trace.items[i].addr))
			return true;
	}
	return false;
}

json_t *client_warnings(const struct story *s)
{
	const struct clientaddr_rules *r = &s->rules;
	json_t *list = json_array();
	bool is_on = r->use_forwarded_headers || r->use_proxy_protocol || r->enable_real_ip;

	if (is_on && !r->trusted->n)
		warn(list, list_key, "nobody is trusted, so the client is always the TCP peer", "name the networks of your load balancers");
	for (size_t i = 0; is_on && i < r->trusted->n; i++)
		warn_of_network(list, &r->trusted->items[i]);
	if (r->use_proxy_protocol && !generation_settings(s->generation)->proxy_protocol_cidr.n)
		warn(list, "proxy-protocol-cidr",
			"every connection must begin with a PROXY header, health checks and clients in the cluster too",
			"name the networks that send one");
	if (r->use_forwarded_headers && r->believes_anyone)
		warn(list, "forwarded-headers-from-anyone", "X-Forwarded-Proto, -Host and -Port count whoever sends them",
			"leave it out, and compatibility with it");
	return list;
}

/* Trusted networks that no hop of this request needed. */
json_t *client_unused_networks(const struct story *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->rules.trusted->n; i++) {
		struct buf text = {0};

		cidr_add_text(&text, &s->rules.trusted->items[i]);
		if (!is_used(s, &s->rules.trusted->items[i]))
			json_array_append_new(list, json_string(buf_cstr(&text)));
		buf_deinit(&text);
	}
	return list;
}
