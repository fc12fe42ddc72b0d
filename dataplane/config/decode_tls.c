/* Secrets that endpoints and clients are met with, and what hosts and policies say of them. */
#include <openssl/ssl.h>

#include "decode.h"
#include "mem.h"

enum { MAX_PEM = 1024 * 1024, MAX_DEPTH = 100 };

static bool decode_pair(struct decode *d, struct str chain, struct str key, struct backend_secret_object *out)
{
	const char *why = "";

	if (!chain.len || lineage_is_for_reading(d->lineage)) /* answers to people come without keys */
		return true;
	out->certificate = tls_certificate_create(chain, key, &why);
	return out->certificate || decode_refuse(d, "chain_pem", why);
}

bool decode_backend_secret(struct decode *d, const Weirlock__V1__BackendSecret *in, struct backend_secret_object *out)
{
	struct str ca = str_of(in->ca_pem.data, in->ca_pem.len);
	const char *why = "";

	if (in->chain_pem.len > MAX_PEM || in->key_pem.len > MAX_PEM || in->ca_pem.len > MAX_PEM)
		return decode_refuse(d, "chain_pem", "too long");
	if (!decode_pair(d, str_of(in->chain_pem.data, in->chain_pem.len), str_of(in->key_pem.data, in->key_pem.len), out))
		return false;
	if (!ca.len)
		return true;
	out->trust = trust_create(ca, STR(""), &why);
	return out->trust || decode_refuse(d, "ca_pem", why);
}

void decode_drop_backend_secret(struct backend_secret_object *s)
{
	if (s->certificate)
		tls_certificate_unref(&s->certificate);
	trust_unref(&s->trust);
}

/* Two that have the same one are the same. */
static struct str make_key(struct arena *arena, const struct proxy_ssl *p)
{
	struct buf text = {0};
	struct str key;

	buf_printf(&text, "%d%d%d%d %u %zu %zu ", p->verifies, p->sends_name, p->has_tls12, p->has_tls13, p->verify_depth,
		p->secret.len, p->name.len);
	buf_add(&text, p->secret);
	buf_add(&text, p->name);
	buf_add(&text, p->ciphers);
	key = arena_str(arena, buf_str(&text));
	buf_deinit(&text);
	return key;
}

bool decode_proxy_ssl(struct decode *d, const Weirlock__V1__ProxySsl *in, const struct proxy_ssl **out)
{
	struct proxy_ssl *p;

	if (!in)
		return true;
	p = arena_zalloc(d->arena, sizeof(*p));
	p->verifies = in->verify;
	p->sends_name = in->server_name;
	p->has_tls12 = in->protocol_tls12;
	p->has_tls13 = in->protocol_tls13;
	p->verify_depth = in->verify_depth;
	if (!decode_range(d, "policy.proxy_ssl.verify_depth", p->verify_depth, 0, MAX_DEPTH) ||
		!decode_text(d, "policy.proxy_ssl.secret", in->secret, MAX_NAME, &p->secret) ||
		!decode_text(d, "policy.proxy_ssl.name", in->name, MAX_SERVER_NAME, &p->name) ||
		!decode_text(d, "policy.proxy_ssl.ciphers", in->ciphers, MAX_TEXT, &p->ciphers))
		return false;
	p->key = make_key(d->arena, p);
	*out = p;
	return true;
}

bool decode_client_ca(struct decode *d, const Weirlock__V1__ClientCa *in, struct client_ca_object *out)
{
	const char *why = "";

	if (in->ca_pem.len > MAX_PEM || in->crl_pem.len > MAX_PEM)
		return decode_refuse(d, "ca_pem", "too long");
	out->trust = trust_create(str_of(in->ca_pem.data, in->ca_pem.len), str_of(in->crl_pem.data, in->crl_pem.len), &why);
	return out->trust || decode_refuse(d, "ca_pem", why);
}

/* A number of a later version is the strictest one. */
static enum client_verify verify_of(Weirlock__V1__VerifyClient verify)
{
	switch (verify) {
	case WEIRLOCK__V1__VERIFY_CLIENT__VERIFY_CLIENT_OFF:
		return CLIENT_VERIFY_OFF;
	case WEIRLOCK__V1__VERIFY_CLIENT__VERIFY_CLIENT_OPTIONAL:
		return CLIENT_VERIFY_OPTIONAL;
	case WEIRLOCK__V1__VERIFY_CLIENT__VERIFY_CLIENT_OPTIONAL_NO_CA:
		return CLIENT_VERIFY_OPTIONAL_NO_CA;
	default:
		return CLIENT_VERIFY_ON;
	}
}

bool decode_client_auth(struct decode *d, const Weirlock__V1__ClientAuth *in, struct client_auth **out)
{
	struct client_auth *a;
	struct buf key = {0};

	if (!in)
		return true;
	a = arena_zalloc(d->arena, sizeof(*a));
	a->verify = verify_of(in->verify);
	a->verify_depth = in->verify_depth;
	a->passes_certificate = in->pass_certificate;
	if (!decode_range(d, "client_auth.verify_depth", a->verify_depth, 0, MAX_DEPTH) ||
		!decode_text(d, "client_auth.secret", in->secret, MAX_NAME, &a->secret) ||
		!decode_text(d, "client_auth.error_page", in->error_page, MAX_TEXT, &a->error_page) ||
		!decode_text(d, "client_auth.match_cn", in->match_cn, MAX_PATH, &a->match_cn))
		return false;
	if (!a->secret.len)
		return decode_refuse(d, "client_auth.secret", "is empty");
	buf_printf(&key, "%u %.*s", a->verify_depth, STR_ARG(a->secret));
	a->key = arena_str(d->arena, buf_str(&key));
	buf_deinit(&key);
	*out = a;
	return true;
}

static bool decode_ticket_key(struct decode *d, const Weirlock__V1__TicketKey *in, struct tls_ticket_key *out)
{
	out->size = in->cipher_key.len;
	if (in->name.len != sizeof(out->name))
		return decode_refuse(d, "name", "is not 16 bytes");
	if ((out->size != 16 && out->size != 32) || in->mac_key.len != out->size)
		return decode_refuse(d, "cipher_key", "is not of 16 or 32 bytes, as many as mac_key");
	memcpy(out->name, in->name.data, sizeof(out->name));
	memcpy(out->aes, in->cipher_key.data, out->size);
	memcpy(out->mac, in->mac_key.data, out->size);
	return true;
}

bool decode_ticket_keys(struct decode *d, const Weirlock__V1__TicketKeys *in, struct ticket_keys_object *out)
{
	if (d->name.len)
		return decode_refuse(d, "name", "must be empty: there is one TicketKeys");
	if (in->n_keys > TLS_TICKET_KEYS_MAX)
		return decode_refuse(d, "keys", "too many");
	out->keys = arena_zalloc(d->arena, in->n_keys * sizeof(*out->keys));
	out->n = in->n_keys;
	for (size_t i = 0; i < in->n_keys; i++) {
		decode_enter(d, "keys", i);
		if (!decode_ticket_key(d, in->keys[i], &out->keys[i]))
			return false;
	}
	decode_leave(d);
	return true;
}

void decode_drop_ticket_keys(struct ticket_keys_object *t)
{
	if (t->keys)
		mem_wipe(t->keys, t->n * sizeof(*t->keys));
}
