/*
 * A target as a client sends it, to the path that routes see and on to a backend: "target LF host". What routes see is what a
 * slower reading by the same rules sees (SEMANTICS C2), it never leaves the root, and reading it again changes nothing. What a
 * backend gets, verbatim or rewritten, is one word, and whoever reads that by the same rules sees what the routes saw.
 */
#include <stdlib.h>

#include "http1.h"
#include "regex.h"
#include "rewrite.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_INPUT = 1024, MAX_SEGMENTS = MAX_INPUT, N_FIELDS = 4 };

static void must(bool is_so)
{
	if (!is_so)
		abort();
}

/* ------------------------------------------------------------------------------------------------- the slower reading */

/* All escapes first; false for a bad one and for NUL. */
static bool decode(struct str raw, struct buf *out)
{
	for (size_t i = 0; i < raw.len; i++) {
		int c = (unsigned char)raw.ptr[i];

		if (c == '%') {
			int high = i + 2 < raw.len ? ascii_hex_value(raw.ptr[i + 1]) : -1;
			int low = i + 2 < raw.len ? ascii_hex_value(raw.ptr[i + 2]) : -1;

			if (high < 0 || low < 0)
				return false;
			c = high * 16 + low;
			i += 2;
		}
		if (!c)
			return false;
		buf_add_char(out, (char)c);
	}
	return true;
}

/* Then segments on a stack: "" and "." are none, ".." takes the last one away. */
static bool read_slowly(struct str raw, struct buf *out)
{
	struct str segments[MAX_SEGMENTS], rest, piece;
	struct buf decoded = {0};
	size_t n = 0;
	bool is_fine = raw.len && raw.ptr[0] == '/' && decode(raw, &decoded), is_folder = true;

	rest = str_from_index(buf_str(&decoded), 1);
	while (is_fine && str_next(&rest, '/', &piece)) {
		is_folder = !piece.len || str_eq(piece, STR(".")) || str_eq(piece, STR(".."));
		if (str_eq(piece, STR(".."))) {
			is_fine = n > 0;
			n -= n > 0;
		} else if (!is_folder) {
			segments[n++] = piece;
		}
	}
	is_folder = is_folder || !decoded.len || decoded.ptr[decoded.len - 1] == '/';
	for (size_t i = 0; i < n; i++) {
		buf_add_char(out, '/');
		buf_add(out, segments[i]);
	}
	if (is_folder)
		buf_add_char(out, '/');
	buf_deinit(&decoded);
	return is_fine;
}

/* -------------------------------------------------------------------------------------------------------- the fast one */

static void must_be_seen(struct str raw, struct str seen)
{
	char out[4 * MAX_INPUT];
	size_t len;

	must(raw.len <= sizeof(out));
	must(http_normalise_path(raw, out, &len));
	must(str_eq(str_of(out, len), seen));
}

static void check_seen(struct str seen)
{
	struct str rest = seen, piece;

	must(seen.len && seen.ptr[0] == '/' && str_find(seen, '\0') == seen.len && str_find_str(seen, STR("//")) == seen.len);
	while (str_next(&rest, '/', &piece))
		must(!str_eq(piece, STR(".")) && !str_eq(piece, STR("..")));
}

static void check_again(struct str seen)
{
	static const char digits[] = "0123456789abcdef";
	struct buf escaped = {0};

	if (str_find(seen, '%') == seen.len)
		must_be_seen(seen, seen);
	buf_add_char(&escaped, '/');
	for (size_t i = 1; i < seen.len; i++) {
		buf_add_char(&escaped, '%');
		buf_add_char(&escaped, digits[(unsigned char)seen.ptr[i] >> 4]);
		buf_add_char(&escaped, digits[seen.ptr[i] & 15]);
	}
	must_be_seen(buf_str(&escaped), seen);
	buf_deinit(&escaped);
}

static void check_host(struct str host)
{
	char out[MAX_INPUT], again[MAX_INPUT];
	size_t len, len_again = 0;

	if (!http_server_name(host, out, &len))
		return;
	must(len && len <= host.len && http_server_name(str_of(out, len), again, &len_again));
	must(str_eq(str_of(out, len), str_of(again, len_again)));
	for (size_t i = 0; i < len; i++)
		must(out[i] > ' ' && out[i] < 0x7f && !(out[i] >= 'A' && out[i] <= 'Z') && out[i] != '/' && out[i] != ',');
}

/* ------------------------------------------------------------------------------------------------- and on to a backend */

static enum parse_result parse(struct str target, struct str host, struct http_field *fields, struct buf *bytes, struct http_head *head)
{
	static const struct http1_limits limits = {.head_bytes = 8 * MAX_INPUT, .n_fields = N_FIELDS};
	struct http1_error error = {0};
	size_t used;

	*head = (struct http_head){.fields = fields};
	buf_add(bytes, STR("GET "));
	buf_add(bytes, target);
	buf_add(bytes, STR(" HTTP/1.1\r\nHost: "));
	buf_add(bytes, host);
	buf_add(bytes, STR("\r\n\r\n"));
	return http1_parse_request(buf_str(bytes), &limits, head, &used, &error);
}

/* The backend's turn: it reads what we wrote. */
static void check_forwarded(const struct rewrite_request *r, struct str seen, bool is_verbatim)
{
	struct http_field fields[N_FIELDS];
	struct http_head head;
	struct buf target = {0}, bytes = {0};

	must(rewrite_target(r, &target));
	for (size_t i = 0; i < target.len; i++)
		must((unsigned char)target.ptr[i] > ' ' && target.ptr[i] != 0x7f && target.ptr[i] != '#');
	must(parse(buf_str(&target), STR("b"), fields, &bytes, &head) == PARSE_DONE);
	must_be_seen(head.path, seen);
	must(str_eq(head.query, r->head->query) && (!is_verbatim || head.has_query == r->head->has_query));
	buf_deinit(&target);
	buf_deinit(&bytes);
}

static void check_request(const struct http_head *head)
{
	static struct regex *whole;
	char out[MAX_INPUT];
	size_t len;
	struct buf slow = {0};
	bool is_fine = http_normalise_path(head->path, out, &len);
	struct str seen = str_of(out, is_fine ? len : 0);
	struct route route = {.path = STR("/"), .path_type = ROUTE_PREFIX};
	struct host host = {.name = STR("h")};
	struct clientaddr who = {.scheme = STR("http")};
	struct rewrite_request r = {.head = head, .who = &who, .path = seen, .match = {.host = &host, .route = &route}};
	const char *why;

	if (str_eq(head->path, STR("*")))
		return;
	must(read_slowly(head->path, &slow) == is_fine);
	if (is_fine) {
		must(str_eq(buf_str(&slow), seen));
		check_seen(seen);
		check_again(seen);
		check_forwarded(&r, seen, true);
		whole = whole ? whole : regex_create(STR("/((?s).*)"), &why);
		route = (struct route){.path = STR("/((?s).*)"), .path_type = ROUTE_REGEX, .regex = whole};
		route.policy.rewrite_target = STR("/$1");
		check_forwarded(&r, seen, false);
	}
	buf_deinit(&slow);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = str_of(data, size), target = {0};
	struct http_field fields[N_FIELDS];
	struct http_head head;
	struct buf bytes = {0};

	if (size > MAX_INPUT)
		return 0;
	str_next(&rest, '\n', &target);
	check_host(rest);
	if (parse(target, http_is_host(rest) ? rest : STR("h"), fields, &bytes, &head) == PARSE_DONE)
		check_request(&head);
	buf_deinit(&bytes);
	return 0;
}
