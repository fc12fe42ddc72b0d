/* Answers that a rule gives without asking a backend: where to go instead (C12, C14, C17, E1–E11), and denied locations. */
#include "rewrite.h"

#include "substitute.h"

/* The last look at every Location: whole, not empty, and nothing in it that could end the line. */
static unsigned answer(unsigned status, struct buf *location)
{
	if (!location->is_over && location->len && http_is_field_value(buf_str(location)))
		return status;
	buf_clear(location);
	return 500;
}

static struct str connection_scheme(const struct rewrite_request *r)
{
	return r->is_tls ? STR("https") : STR("http");
}

/* "http://name", or nothing when the request named no host: then the Location is relative. */
static void add_origin(struct buf *location, struct str scheme, struct str host)
{
	if (!host.len)
		return;
	buf_add(location, scheme);
	buf_add(location, STR("://"));
	buf_add(location, host);
}

/* The raw URI, always beginning with a slash; at most one final slash is taken off (E2, E11). */
static void add_uri(struct buf *location, const struct http_head *head, bool keeps_slash)
{
	if (!head->path.len || head->path.ptr[0] != '/')
		buf_add_char(location, '/');
	else
		buf_add(location, head->path);
	if (head->has_query) {
		buf_add_char(location, '?');
		buf_add(location, head->query);
	}
	if (!keeps_slash && location->len && location->ptr[location->len - 1] == '/')
		location->len--;
}

/* Up to the first colon that is not within an IPv6 literal. */
static struct str without_port(struct str host)
{
	size_t from = host.len && host.ptr[0] == '[' ? str_find(host, ']') : 0;
	struct str rest = str_from_index(host, from);

	return str_first(host, from + str_find(rest, ':'));
}

/* ----------------------------------------------------------------------------------------------------- 0.4, the host */

static unsigned to_other_host(const struct rewrite_request *r, struct buf *location)
{
	bool is_https = str_eq_nocase(r->who->scheme, STR("https"));

	add_origin(location, is_https ? STR("https") : STR("http"), r->match.host->redirect_to);
	if (r->who->port.len) {
		buf_add_char(location, ':');
		buf_add(location, r->who->port);
	}
	add_uri(location, r->head, false);
	return answer(generation_settings(r->generation)->http_redirect_code, location);
}

unsigned rewrite_answer_host(const struct rewrite_request *r, struct buf *location, enum rewrite_rule *rule)
{
	const struct host *host = r->match.host;

	buf_clear(location);
	*rule = REWRITE_TO_HOST;
	if (host->redirect_to.len)
		return to_other_host(r, location);
	*rule = REWRITE_NOTHING;
	if (!host->app_root.len || !str_eq(r->path, STR("/")))
		return 0;
	*rule = REWRITE_APP_ROOT;
	add_origin(location, connection_scheme(r), r->head->host);
	buf_add(location, host->app_root);
	return answer(302, location);
}

/* --------------------------------------------------------------------------------------------- 0.5 and 0.6, the route */

static unsigned to_slash(const struct rewrite_request *r, struct buf *location)
{
	const struct route *route = r->match.route;

	if (!route->policy.relative_redirects)
		add_origin(location, connection_scheme(r), r->server_name);
	substitute_escape(location, route->path);
	if (r->head->has_query && r->head->query.len) {
		buf_add_char(location, '?');
		buf_add(location, r->head->query);
	}
	return answer(301, location);
}

/* E10: as given; "/x" becomes absolute unless relative-redirects. "//x" would name another host and stays what it is. */
static unsigned to_url(const struct rewrite_request *r, struct buf *location)
{
	const struct policy *p = &r->match.route->policy;

	if (p->redirect_url.ptr[0] == '/' && !str_starts_with(p->redirect_url, STR("//")) && !p->relative_redirects)
		add_origin(location, connection_scheme(r), r->server_name);
	if (!substitute_url(r, p->redirect_url, NULL, location))
		return answer(500, location);
	return answer(p->redirect_code, location);
}

/* C14: a target that is an URL sends the client there; the query goes along. */
static unsigned to_rewrite_url(const struct rewrite_request *r, struct buf *location)
{
	struct regex_groups groups;

	if (!substitute_is_url(r->match.route))
		return 0;
	switch (regex_find(r->match.route->regex, r->path, &groups)) {
	case REGEX_NO_MATCH:
		return 0;
	case REGEX_GAVE_UP:
		return 500;
	case REGEX_MATCH:
		break;
	}
	substitute_url(r, r->match.route->policy.rewrite_target, &groups, location);
	return answer(302, location);
}

/* E1, E3–E7. */
static bool wants_tls(const struct rewrite_request *r)
{
	const struct policy *p = &r->match.route->policy;

	if (p->no_tls_redirect || !str_eq(r->who->scheme, STR("http")))
		return false;
	return p->force_ssl_redirect || (p->ssl_redirect && generation_has_tls(r->generation, r->server_name));
}

static unsigned to_tls(const struct rewrite_request *r, struct buf *location)
{
	const struct policy *p = &r->match.route->policy;
	struct str host = without_port(r->who->host);

	if (!host.len)
		host = r->server_name;
	if (!host.len)
		return 400; /* nowhere to send it, and it must not pass as it is */
	add_origin(location, STR("https"), host);
	if (p->use_port_in_redirects && r->https_port) {
		buf_add_char(location, ':');
		buf_add_u64(location, r->https_port);
	}
	add_uri(location, r->head, p->preserve_trailing_slash);
	return answer(generation_settings(r->generation)->http_redirect_code, location);
}

unsigned rewrite_answer_route(const struct rewrite_request *r, struct buf *location, enum rewrite_rule *rule)
{
	const struct route *route = r->match.route;
	unsigned status;

	buf_clear(location);
	*rule = REWRITE_TO_SLASH;
	if (r->match.is_slash_redirect)
		return to_slash(r, location);
	*rule = REWRITE_TO_URL;
	if (route->policy.redirect_url.len)
		return to_url(r, location);
	*rule = REWRITE_FIXED;
	if (route->fixed_status)
		return route->fixed_status;
	*rule = REWRITE_TO_REWRITE_URL;
	status = to_rewrite_url(r, location);
	if (status)
		return status;
	*rule = REWRITE_TO_TLS;
	if (wants_tls(r))
		return to_tls(r, location);
	*rule = REWRITE_NOTHING;
	return 0;
}
