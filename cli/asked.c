/* What is wrong with the words is a usage error; what is wrong with the request is for the proxy's parser to say. */
#include "asked.h"

#include <string.h>

#include "command.h"

enum { HEAD_ROOM = 1024 * 1024 };

static const char stranger[] = "192.0.2.1"; /* an address for documentation: nobody's (RFC 5737) */

/* ---------------------------------------------------------------------------------------------------------- the URL */

static int split_url(struct asked *a, const char *url)
{
	struct str rest = str_from(url);
	size_t colon = str_find_str(rest, STR("://")), end = 0;

	a->scheme = STR("http");
	if (colon < rest.len) {
		a->scheme = str_first(rest, colon);
		rest = str_from_index(rest, colon + 3);
	}
	if (!str_eq_nocase(a->scheme, STR("http")) && !str_eq_nocase(a->scheme, STR("https")))
		return command_fail(EXIT_USAGE, "'%s': the URL begins with http:// or https://", url);
	while (end < rest.len && rest.ptr[end] != '/' && rest.ptr[end] != '?' && rest.ptr[end] != '#')
		end++;
	a->authority = str_first(rest, end);
	a->target = str_first(str_from_index(rest, end), str_find(str_from_index(rest, end), '#'));
	if (!a->authority.len)
		return command_fail(EXIT_USAGE, "'%s': the URL names no host; write http://HOST/PATH", url);
	return 0;
}

/* ---------------------------------------------------------------------------------------------------------- the head */

static bool is_named(const char *header, struct str name)
{
	struct str s = str_from(header);

	return str_eq_nocase(str_trim(str_first(s, str_find(s, ':'))), name);
}

static int build_head(struct asked *a, const struct asked_words *words)
{
	bool has_host = false;

	for (size_t i = 0; i < words->headers.n; i++) {
		struct str h = str_from(words->headers.items[i]);

		if (str_find(h, ':') == h.len)
			return command_fail(EXIT_USAGE, "-H '%s': write it as 'Name: value'", words->headers.items[i]);
		has_host = has_host || is_named(words->headers.items[i], STR("Host"));
	}
	buf_printf(&a->raw, "%s %s%.*s HTTP/%s\r\n", words->method ? words->method : "GET",
		a->target.len && a->target.ptr[0] == '/' ? "" : "/", STR_ARG(a->target), words->is_1_0 ? "1.0" : "1.1");
	if (!has_host)
		buf_printf(&a->raw, "Host: %.*s\r\n", STR_ARG(a->authority));
	for (size_t i = 0; i < words->headers.n; i++) {
		struct str h = str_from(words->headers.items[i]);

		if (!str_eq(str_trim(h), STR("Host:"))) /* without a value: no Host at all */
			buf_printf(&a->raw, "%.*s\r\n", STR_ARG(h));
	}
	buf_add(&a->raw, STR("\r\n"));
	return a->raw.is_over ? command_fail(EXIT_USAGE, "the request is larger than 1 MiB") : 0;
}

bool asked_parse(struct asked *a, const struct settings *settings)
{
	struct http1_limits limits;
	size_t used;

	judge_limits(settings, &limits);
	a->head = (struct http_head){.fields = a->fields};
	switch (http1_parse_request(buf_str(&a->raw), &limits, &a->head, &used, &a->error)) {
	case PARSE_DONE:
		return true;
	case PARSE_BAD:
		return false;
	case PARSE_MORE: /* it ends in an empty line, so only a proxy that waits for more of a line could say so */
		a->error = (struct http1_error){400, "the head does not end"};
		return false;
	}
	return false;
}

/* ---------------------------------------------------------------------------------------------------- the connection */

bool asked_addr(struct str text, struct addr *out)
{
	if (addr_parse_ip(text, out))
		return true;
	return text.len && (text.ptr[0] == '[' || (text.ptr[0] >= '0' && text.ptr[0] <= '9')) && addr_parse_host_port(text, out);
}

/* http, https, http:8080, https:8443 */
static int set_listener(struct asked *a, const char *listener)
{
	struct str text = str_from(listener), name = str_first(text, str_find(text, ':'));
	struct str port = str_from_index(text, name.len + 1);
	uint64_t n = 0;

	a->conn.is_tls = str_eq(name, STR("https"));
	if ((!a->conn.is_tls && !str_eq(name, STR("http"))) || (name.len < text.len && (!str_to_u64(port, 65535, &n) || !n)))
		return command_fail(EXIT_USAGE, "--listener '%s': http or https, with a port if it matters (https:8443)", listener);
	a->conn.local = (struct addr){.family = 4, .port = n ? (uint16_t)n : a->conn.is_tls ? 443 : 80};
	a->names_port = n != 0;
	return 0;
}

/* The host of the URL, unless it is an address: clients send no SNI for these. */
static void set_sni(struct asked *a, const char *sni)
{
	struct str host = str_first(a->authority, str_find(a->authority, ':'));
	struct addr ip;

	if (sni)
		buf_add(&a->sni, str_from(sni));
	else if (host.len && host.ptr[0] != '[' && !addr_parse_ip(host, &ip))
		buf_add(&a->sni, host);
}

int asked_init(struct asked *a, const struct asked_words *words, const char *url)
{
	const char *peer = words->peer ? words->peer : stranger;
	int status = split_url(a, url);
	const char *listener = words->listener;

	buf_init(&a->raw, HEAD_ROOM);
	if (!listener)
		listener = words->is_tls || str_eq_nocase(a->scheme, STR("https")) ? "https" : "http";
	if (status == 0)
		status = set_listener(a, listener);
	if (status == 0 && !asked_addr(str_from(peer), &a->conn.peer))
		status = command_fail(EXIT_USAGE, "--peer '%s': an IP address, with a port if it matters (10.0.0.7:40000)", peer);
	if (status == 0 && words->draw) {
		a->has_draw = str_to_u64(str_from(words->draw), UINT64_MAX, &a->draw);
		if (!a->has_draw)
			status = command_fail(EXIT_USAGE, "--draw '%s': a whole number", words->draw);
	}
	if (status == 0 && words->proxy_header)
		status = asked_set_proxy_header(a, words->proxy_header);
	if (status == 0)
		status = build_head(a, words);
	set_sni(a, words->sni);
	return status;
}

void asked_set_ports(struct asked *a, uint16_t http_port, uint16_t https_port)
{
	if (!a->names_port)
		a->conn.local.port = a->conn.is_tls ? https_port : http_port;
}

void asked_deinit(struct asked *a)
{
	buf_deinit(&a->raw);
	buf_deinit(&a->sni);
	buf_deinit(&a->proxy_raw);
}
