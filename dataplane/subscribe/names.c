/* The resolver blocks, so it runs on a thread of the loop's pool. An answer that comes after the end finds nobody. */
#include "names.h"

#include <netdb.h>
#include <string.h>

#include "addr.h"
#include "buf.h"
#include "mem.h"
#include "rpc.h"

enum { PLACES_MAX = 64, ADDRESSES_MAX = 64 };

struct names {
	uv_loop_t *loop;
	names_found_fn *on_found;
	void *owner;
	struct question *questions[PLACES_MAX];
};

struct question {
	uv_getaddrinfo_t request;
	struct names *names; /* NULL: nobody waits for the answer */
	size_t place;
	char *host, *port;
};

bool names_is_one(const char *url)
{
	struct str host, port;
	struct addr addr;

	return rpc_url_split(url, &host, &port) && host.len && host.ptr[0] != '[' && !addr_parse_ip(host, &addr);
}

struct names *names_open(uv_loop_t *loop, names_found_fn *on_found, void *owner)
{
	struct names *names = mem_zalloc(sizeof(*names));

	*names = (struct names){.loop = loop, .on_found = on_found, .owner = owner};
	return names;
}

static void free_question(struct question *q)
{
	mem_free(q->host);
	mem_free(q->port);
	mem_free(q);
}

static bool has_family(const struct addrinfo *all, int family)
{
	for (; all; all = all->ai_next) {
		if (all->ai_family == family)
			return true;
	}
	return false;
}

static size_t make_urls(const struct addrinfo *all, const char *port, char **out)
{
	int family = has_family(all, AF_INET) ? AF_INET : AF_INET6;
	size_t n = 0;

	for (; all && n < ADDRESSES_MAX; all = all->ai_next) {
		char text[ADDR_TEXT_MAX];
		struct buf url = {0};
		struct addr addr;

		if (all->ai_family != family || !addr_from_sockaddr(all->ai_addr, &addr))
			continue;
		addr_ip_text(&addr, text);
		buf_printf(&url, family == AF_INET ? "tcp://%s:%s" : "tcp://[%s]:%s", text, port);
		out[n++] = mem_strdup(buf_str(&url));
		buf_deinit(&url);
	}
	return n;
}

static void on_answer(uv_getaddrinfo_t *request, int status, struct addrinfo *all)
{
	struct question *q = container_of(request, struct question, request);
	struct names *names = q->names;
	char *urls[ADDRESSES_MAX];
	const char *read[ADDRESSES_MAX];
	size_t n = 0;

	if (names && status == 0)
		n = make_urls(all, q->port, urls);
	uv_freeaddrinfo(all);
	for (size_t i = 0; i < n; i++)
		read[i] = urls[i];
	if (names) {
		names->questions[q->place] = NULL;
		names->on_found(names->owner, q->place, read, n, n ? NULL : status ? uv_strerror(status) : "it has no address");
	}
	for (size_t i = 0; i < n; i++)
		mem_free(urls[i]);
	free_question(q);
}

void names_ask(struct names *names, size_t place, const char *url)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct str host, port;
	struct question *q;
	int result;

	if (place >= PLACES_MAX || names->questions[place] || !rpc_url_split(url, &host, &port))
		return;
	q = mem_zalloc(sizeof(*q));
	*q = (struct question){.names = names, .place = place, .host = mem_strdup(host), .port = mem_strdup(port)};
	result = uv_getaddrinfo(names->loop, &q->request, on_answer, q->host, NULL, &hints);
	if (result == 0)
		names->questions[place] = q;
	else
		free_question(q);
}

void names_close(struct names *names)
{
	if (!names)
		return;
	for (size_t i = 0; i < PLACES_MAX; i++) {
		if (!names->questions[i])
			continue;
		names->questions[i]->names = NULL;
		uv_cancel((uv_req_t *)&names->questions[i]->request);
	}
	mem_free(names);
}
