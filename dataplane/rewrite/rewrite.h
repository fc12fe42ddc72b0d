#ifndef REWRITE_H
#define REWRITE_H
/*
 * What a rule does to heads: redirects, the target and fields that a backend gets, the fields that a client gets.
 * Pure; every text is written into a struct buf in one pass, and nothing is written that could end a field early.
 *
 * The order of SEMANTICS 0.4 to 0.8, for the caller (route_match with has_failed answers 500 first):
 *
 *	status = rewrite_answer_host(r, location, &rule);       0.4 app-root, from-to-www
 *	if (!status) status = limit_body_declared(route, head); 0.5 413
 *	if (!status) status = rewrite_answer_route(r, location, &rule); 0.5 slash 301, 0.6 redirect, denied 503, ssl-redirect
 *	if (!status && !generation_backend(g, route)) 503;      0.6 no endpoints
 *	if (!status) status = limit_address(…);                 0.8 403
 *	then rewrite_target, rewrite_host and the fields
 */
#include "buf.h"
#include "clientaddr.h"
#include "config.h"
#include "http.h"
#include "route.h"
#include "str.h"

/* What a backend is told of the client's certificate (F10); "": the field is left out. */
struct rewrite_certificate {
	struct str verify, subject, issuer, cert;
};

/* One request and what is known of it. Everything is borrowed. */
struct rewrite_request {
	const struct generation *generation;
	struct route_match match;      /* route may be NULL only for rewrite_answer_host */
	const struct http_head *head;
	const struct clientaddr *who;  /* access scheme, best host */
	struct str server_name;        /* from http_server_name */
	struct str path;               /* from http_normalise_path */
	bool is_tls;                   /* the connection scheme: our own socket's */
	const struct rewrite_certificate *certificate; /* of hosts that ask for one; NULL: nothing is told */
	uint16_t https_port;           /* for use-port-in-redirects (E2); 0 leaves it out */
};

/*
 * Each returns 0 (go on) or the status to answer. For a 3xx `location` then holds the value of Location, non-empty and safe
 * to write; for other statuses it is empty. `location` is emptied first. When a Location does not fit location->cap, or would
 * hold CR, LF, NUL or another control byte, the answer is 500: never a broken field.
 */

/* Which rule answered. */
enum rewrite_rule {
	REWRITE_NOTHING, /* none: go on */
	REWRITE_APP_ROOT,
	REWRITE_TO_HOST,
	REWRITE_TO_SLASH,
	REWRITE_TO_URL,
	REWRITE_FIXED,
	REWRITE_TO_REWRITE_URL,
	REWRITE_TO_TLS,
};

/* 0.4: app-root (C17) 302; from-to-www (E11) with settings' http_redirect_code. */
unsigned rewrite_answer_host(const struct rewrite_request *r, struct buf *location, enum rewrite_rule *rule);
/*
 * 0.5 and 0.6, in order: slash redirect 301 (C12); permanent or temporal redirect (E10); fixed_status of a denied location
 * (D9); rewrite-target that is an URL 302 (C14); ssl-redirect and force-ssl-redirect (E1–E7).
 */
unsigned rewrite_answer_route(const struct rewrite_request *r, struct buf *location, enum rewrite_rule *rule);

/*
 * The request target for the backend: as received (C13), or rewritten and escaped again (C14). Appended to `out`. False when
 * the rule's regular expression gave up at its limits, or the result does not fit or would end the request line: answer 500.
 */
bool rewrite_target(const struct rewrite_request *r, struct buf *out);
/* The Host value for the backend: upstream-vhost (M10), or the best host (A21). Borrowed from the request. */
struct str rewrite_host(const struct rewrite_request *r);

/* A request field that is replaced or removed by the rule (proxy-set-headers, X-Forwarded-Prefix, ssl-client-*
 * of hosts that ask for certificates); beside clientaddr's. */
bool rewrite_drops_request_field(const struct rewrite_request *r, const struct http_field *field);
/* Appends "name: value CRLF": X-Forwarded-Prefix (C22), ssl-client-* (F10), proxy-set-headers. False when it does not fit. */
bool rewrite_write_request_fields(const struct rewrite_request *r, struct buf *out);

/* What else the head for a backend is made of. Everything is borrowed. */
struct rewrite_head {
	const struct rewrite_request *request;
	const struct clientaddr_rules *rules;
	const struct clientaddr_conn *conn;
	struct str request_id;   /* for X-Request-ID; may be empty */
	bool is_upgrade;         /* the Upgrade goes along (G10) */
	enum http_body body;     /* how the body will be framed: NONE, LENGTH or CHUNKED */
	uint64_t content_length; /* of HTTP_BODY_LENGTH */
};
/*
 * Appends the whole HTTP/1 head that a backend gets: never the bytes received, always written anew (A25, C13, G6 to G10).
 * False when it does not fit, or when the rule gives no valid target: answer 500.
 */
bool rewrite_write_head(const struct rewrite_head *h, struct buf *out);

/*
 * The same for HTTP/2: what is neither a pseudo-field nor of a connection, Content-Length with HTTP_BODY_LENGTH; "name: value
 * CRLF" each.
 */
bool rewrite_write_fields(const struct rewrite_head *h, struct buf *out);

/*
 * A response field of a backend that the client does not get (D7, D8): Server (unless allowed), Date, X-Accel-*, X-Pad,
 * hide-headers, what add-headers replaces, and Strict-Transport-Security where ours takes its place (E8).
 * Hop-by-hop fields are for http_field_is_hop_by_hop.
 */
bool rewrite_drops_response_field(const struct settings *s, bool is_tls, const struct http_field *field);
/*
 * Appends "name: value CRLF" for every response in a normal location, ours or a backend's: HSTS (E8), add-headers. Date and
 * Server (with server-tokens) are the caller's. False when it does not fit.
 */
bool rewrite_write_response_fields(const struct settings *s, bool is_tls, struct buf *out);

#endif
