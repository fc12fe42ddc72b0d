/*
 * A rule and a request from random bytes: "pattern NUL target NUL redirect NUL path NUL query NUL host". Whatever comes out
 * holds no byte that could end a line, a target begins with a slash and has no blank, and a smaller buffer gives the same
 * bytes or a refusal (SECURITY, Rift: what is measured is what is written).
 */
#include <stdlib.h>
#include <string.h>

#include "regex.h"
#include "rewrite.h"
#include "substitute.h"
#include "test_content.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str next_piece(struct str *rest)
{
	size_t end = str_find(*rest, '\0');
	struct str piece = str_first(*rest, end);

	*rest = str_from_index(*rest, end + 1);
	return piece;
}

/* Settings, and nothing else: the host and its route are made by hand, so that a case costs microseconds. */
static const struct generation *empty_generation(void)
{
	static const struct generation *g;
	struct config_errors errors = {0};
	struct content *c;

	if (g)
		return g;
	c = content_create();
	put_settings(c);
	g = config_compile(c, NULL, &errors);
	content_destroy(c);
	return g;
}

static void check_line(struct str s)
{
	if (!http_is_field_value(s))
		abort();
}

static void try_location(const struct rewrite_request *r, size_t cap, struct str whole, unsigned whole_status)
{
	enum rewrite_rule rule;
	struct buf out;
	unsigned status;

	buf_init(&out, cap);
	status = rewrite_answer_route(r, &out, &rule);
	check_line(buf_str(&out));
	if (status != whole_status ? status != 500 || out.len : !str_eq(buf_str(&out), whole))
		abort();
	buf_deinit(&out);
}

static void check_location(const struct rewrite_request *r)
{
	enum rewrite_rule rule;
	struct buf out;
	unsigned status;

	buf_init(&out, 65536);
	status = rewrite_answer_route(r, &out, &rule);
	check_line(buf_str(&out));
	if ((status >= 300 && status < 400) != (out.len > 0))
		abort();
	try_location(r, out.len + 1, buf_str(&out), status);
	try_location(r, out.len / 2 + 1, buf_str(&out), status);
	buf_deinit(&out);
}

/* What the rule writes before its first reference stays before all of it, once the dots are resolved. */
static void check_below(struct str rule, struct str target)
{
	static char seen[65536], root[8192 + 1], raw[8192 + 1] = "/";
	struct str path = str_first(target, str_find(target, '?')), fixed = str_first(rule, str_find(rule, '?'));
	size_t n, n_root;

	fixed = str_first(fixed, str_find(fixed, '$'));
	memcpy(raw + 1, fixed.ptr, fixed.len);
	if (str_find(fixed, '%') < fixed.len || !http_normalise_path(path, seen, &n) || !http_normalise_path(str_of(raw, fixed.len + 1), root, &n_root))
		return;
	if (!str_starts_with(str_of(seen, n), str_of(root, n_root)))
		abort();
}

static bool is_rewritten(const struct rewrite_request *r)
{
	struct regex_groups groups;

	return substitute_is_active(r->match.route) && !substitute_is_url(r->match.route) &&
		regex_find(r->match.route->regex, r->path, &groups) == REGEX_MATCH;
}

static void check_target(const struct rewrite_request *r)
{
	struct buf out, small;

	buf_init(&out, 65536);
	if (rewrite_target(r, &out)) {
		check_line(buf_str(&out));
		if (!out.len || out.ptr[0] != '/' || str_find(buf_str(&out), ' ') < out.len)
			abort();
		if (is_rewritten(r))
			check_below(r->match.route->policy.rewrite_target, buf_str(&out));
		buf_init(&small, out.len / 2 + 1);
		if (rewrite_target(r, &small) && !str_eq(buf_str(&small), buf_str(&out)))
			abort();
		buf_deinit(&small);
	}
	buf_deinit(&out);
}

/* What the parser and config let through. */
static bool is_possible(const struct route *route, const struct http_head *head, struct str path)
{
	return http_is_field_value(route->path) && http_is_field_value(route->policy.rewrite_target) &&
		http_is_field_value(route->policy.redirect_url) && http_is_field_value(head->path) &&
		http_is_field_value(head->query) && http_is_field_value(head->host) && str_find(head->path, ' ') == head->path.len &&
		str_find(head->query, ' ') == head->query.len && path.ptr && path.ptr[0] == '/';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char path[8192];
	struct str rest = str_of(data, size);
	const char *why;
	struct route route = {.path_type = ROUTE_REGEX, .backend_index = BACKEND_NONE};
	struct host host = {.name = STR("h")};
	struct http_head head = {.has_query = size % 2};
	struct clientaddr who = {.scheme = STR("http")};
	struct rewrite_request r = {.generation = empty_generation(), .head = &head, .who = &who, .https_port = 8443};
	struct regex *regex;

	if (size > 8192)
		return 0;
	route.path = next_piece(&rest);
	route.policy.rewrite_target = next_piece(&rest);
	route.policy.redirect_url = next_piece(&rest);
	route.policy.redirect_code = 302;
	route.policy.force_ssl_redirect = size % 3 == 0;
	head.path = next_piece(&rest);
	if (http_normalise_path(head.path, path, &r.path.len))
		r.path.ptr = path;
	head.query = next_piece(&rest);
	who.host = head.host = r.server_name = rest;
	if (!is_possible(&route, &head, r.path))
		return 0;
	regex = regex_create(route.path, &why);
	route.regex = regex;
	if (regex) {
		r.match = (struct route_match){.host = &host, .route = &route, .is_slash_redirect = size % 7 == 0};
		check_location(&r);
		r.match.is_slash_redirect = false;
		check_target(&r);
	}
	regex_destroy(regex);
	return 0;
}
