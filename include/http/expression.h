#ifndef HTTP_EXPRESSION_H
#define HTTP_EXPRESSION_H
/*
 * Texts with variables, such as "$remote_addr", "${http_x_user}-$arg_id" or "fixed": compiled once, evaluated for a request
 * (SEMANTICS I4, I6). A variable that nobody knows, or that the request lacks, is empty. Nothing is executed.
 */
#include "addr.h"
#include "arena.h"
#include "buf.h"
#include "http.h"

/*
 * X(ID, "name"): the variables that take no argument. $http_NAME, $cookie_NAME and $arg_NAME are there for every name; in the
 * first, "_" stands for "-" as well.
 */
#define HTTP_VARIABLES(X)                                  \
	X(REMOTE_ADDR, "remote_addr")                      \
	X(REMOTE_PORT, "remote_port")                      \
	X(THE_REAL_IP, "the_real_ip")                      \
	X(REQUEST_URI, "request_uri")                      \
	X(URI, "uri")                                      \
	X(DOCUMENT_URI, "document_uri")                    \
	X(ARGS, "args")                                    \
	X(QUERY_STRING, "query_string")                    \
	X(IS_ARGS, "is_args")                              \
	X(HOST, "host")                                    \
	X(BEST_HTTP_HOST, "best_http_host")                \
	X(REQUEST_METHOD, "request_method")                \
	X(SCHEME, "scheme")                                \
	X(PASS_ACCESS_SCHEME, "pass_access_scheme")        \
	X(REQUEST_ID, "request_id")                        \
	X(REQ_ID, "req_id")
#define HTTP_VARIABLE_ENUM(id, name) HTTP_VARIABLE_##id,
enum http_variable {
	HTTP_VARIABLE_NONE, /* plain text */
	HTTP_VARIABLES(HTTP_VARIABLE_ENUM)
	HTTP_VARIABLE_HTTP,
	HTTP_VARIABLE_COOKIE,
	HTTP_VARIABLE_ARG,
	HTTP_VARIABLE_UNKNOWN,
};

struct http_expression_part {
	enum http_variable variable;
	struct str text; /* the plain text, the argument, or the unknown name */
};
struct http_expression {
	struct http_expression_part *parts;
	size_t n;
};

/* Parts point into `text`, the list lives in `arena`. An empty text has no parts. "$" before no name is plain text. */
void http_expression_compile(struct str text, struct arena *arena, struct http_expression *out);

/* What a variable may be about; everything is borrowed for the call, and may be NULL or empty. */
struct http_facts {
	const struct http_head *head;  /* never NULL */
	const struct addr *client;
	struct str scheme, server_name, best_host, path, request_id; /* path: normalised */
};
/* Appends the value. False when it does not fit out->cap. */
bool http_expression_write(const struct http_expression *e, const struct http_facts *facts, struct buf *out);

/* The first cookie of this name (any case), as sent. False when there is none. */
bool http_cookie(const struct http_head *head, struct str name, struct str *value);
/* Appends the values of all fields of this name ("_" and "-" count as equal), ", " between them. False: there is none. */
bool http_field_values(const struct http_head *head, struct str name, struct buf *out);

#endif
