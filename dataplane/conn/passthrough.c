/*
 * TLS that is not ours (A45 to A47): where some host has its connections handed on, the ClientHello is looked at in the socket
 * and left there. Whatever is no ClientHello, or names no such host, is for our own TLS, which says what is wrong with it.
 */
#include "hello.h"

#include <stdlib.h>

#include "conn_private.h"

enum conn_hello conn_read_hello(struct conn *c, const struct host **host)
{
	char *space = c->env->space, name_bytes[256];
	ssize_t n = stream_peek(&c->stream, space, TLS_HELLO_MAX);
	struct str name;

	if (n == 0)
		return CONN_HELLO_WAITS;
	if (n < 0)
		return CONN_HELLO_GONE;
	switch (tls_hello_parse(str_of(space, (size_t)n), name_bytes, &name)) {
	case PARSE_MORE:
		if ((size_t)n <= c->hello_bytes)
			return CONN_HELLO_GONE; /* told again, and nothing came: the client ended in the middle */
		c->hello_bytes = (size_t)n;
		stream_want_bytes(&c->stream, (size_t)n + 1);
		return CONN_HELLO_WAITS;
	case PARSE_BAD:
		return CONN_HELLO_OURS;
	case PARSE_DONE:
		*host = generation_find_passthrough(c->env->current->generation, name);
		return *host ? CONN_HELLO_PASSES : CONN_HELLO_OURS;
	}
	abort();
}

/* A PROXY header says who the client is where its sender is believed, as for TCP services. */
static void name_client(const struct conn *c, struct conn_passed *out)
{
	*out = (struct conn_passed){c->who.peer, c->who.local, c->who.peer, c->who.local};
	if (!c->who.has_proxy_header || !c->who.proxy_src.family ||
		!cidrset_find(&env_settings(c->env)->proxy_real_ip_cidr, &c->who.peer))
		return;
	out->client = c->who.proxy_src;
	if (c->who.proxy_dst.family)
		out->dst = c->who.proxy_dst;
}

bool conn_pass(struct conn *c, const struct host *host)
{
	struct conn_passed passed;
	int fd;

	stream_want_bytes(&c->stream, 1);
	fd = stream_hand_on(&c->stream);
	if (fd < 0)
		return false;
	name_client(c, &passed);
	c->set->on_passthrough(c->set, fd, host, &passed);
	return true;
}
