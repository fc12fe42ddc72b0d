/* The host that a name is of says which certificate, and the certificate is looked up when a handshake wants it. */
#include "server_names.h"

#include "mem.h"

struct server_names {
	struct host_table *hosts;
	struct object_list *certificates;
	struct ways *clients;
};

static bool covers(const struct certificate_object *c, struct str server_name)
{
	size_t dot = str_find(server_name, '.');

	for (size_t i = 0; i < c->n_names; i++) {
		struct str name = c->names[i];

		if (str_eq_nocase(name, server_name))
			return true;
		if (str_starts_with(name, STR("*.")) && dot && dot < server_name.len &&
			str_eq_nocase(str_from_index(name, 1), str_from_index(server_name, dot)))
			return true;
	}
	return false;
}

/* F5, F6: a host whose certificate is missing gets the default one. B5: an alias has its host's if that is good for it. */
static struct tls_certificate *find_certificate(void *owner, struct str name)
{
	const struct server_names *n = owner;
	const struct host_object *h = host_table_owner(n->hosts, name);
	const struct object *o = h && h->certificate.len ? object_list_find(n->certificates, h->certificate) : NULL;

	if (!o || (!str_eq(h->host.name, name) && !covers(o->certificate, name)))
		return NULL;
	return o->certificate->certificate;
}

static bool find_ciphers(void *owner, struct str name, struct tls_ciphers *out)
{
	const struct server_names *n = owner;
	const struct host_object *h = host_table_owner(n->hosts, name);

	if (!h || !host_has_ciphers(h))
		return false;
	*out = (struct tls_ciphers){h->ssl_ciphers, h->is_client_cipher_order};
	return true;
}

/* "off" asks for nothing; a name that is no host's is the default host's. */
static struct tls_auth *find_auth(void *owner, struct str name)
{
	const struct server_names *n = owner;
	const struct client_auth *auth = host_table_find(n->hosts, name)->client_auth;

	return auth && auth->verify != CLIENT_VERIFY_OFF ? ways_find(n->clients, auth->key) : NULL;
}

static void release(void *owner)
{
	struct server_names *n = owner;

	host_table_unref(&n->hosts);
	object_list_unref(&n->certificates);
	ways_unref(&n->clients);
	mem_free(n);
}

struct tls_names server_names(struct host_table *hosts, struct object_list *certificates, struct ways *clients)
{
	struct server_names *n = mem_alloc(sizeof(*n));

	*n = (struct server_names){host_table_ref(hosts), object_list_ref(certificates), ways_ref(clients)};
	return (struct tls_names){
		.certificate = find_certificate,
		.ciphers = host_table_has_ciphers(hosts) ? find_ciphers : NULL,
		.auth = ways_are_none(clients) ? NULL : find_auth,
		.release = release,
		.owner = n,
	};
}
