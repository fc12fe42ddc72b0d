#ifndef HTTP_H
#define HTTP_H
/*
 * A message head free of HTTP version (RFC 9110): what conn and http2 yield, what exchange, route, clientaddr and rewrite
 * read, and what the serialisers write. All struct str point into the bytes that were parsed, or into an arena; the head
 * owns nothing.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "str.h"

enum http_version { HTTP_1_0, HTTP_1_1, HTTP_2 };

/* The methods that decide something here; any other token is HTTP_METHOD_OTHER with its text in head->method_text. */
#define HTTP_METHODS(X) \
	X(GET)          \
	X(HEAD)         \
	X(POST)         \
	X(PUT)          \
	X(DELETE)       \
	X(CONNECT)      \
	X(OPTIONS)      \
	X(TRACE)        \
	X(PATCH)        \
	X(LOCK)
#define HTTP_METHOD_ENUM(name) HTTP_##name,
enum http_method { HTTP_METHOD_OTHER, HTTP_METHODS(HTTP_METHOD_ENUM) };

/*
 * Field names that some room looks at. Everything else is FIELD_OTHER. The parser recognises them once, so that nobody
 * compares names on the request path. X(ENUM, "lower-case-name")
 */
#define HTTP_FIELDS(X)                                              \
	X(ACCEPT, "accept")                                         \
	X(AUTHORIZATION, "authorization")                           \
	X(CONNECTION, "connection")                                 \
	X(CONTENT_LENGTH, "content-length")                         \
	X(CONTENT_TYPE, "content-type")                             \
	X(COOKIE, "cookie")                                         \
	X(DATE, "date")                                             \
	X(EXPECT, "expect")                                         \
	X(FORWARDED, "forwarded")                                   \
	X(HOST, "host")                                             \
	X(HTTP2_SETTINGS, "http2-settings")                         \
	X(KEEP_ALIVE, "keep-alive")                                 \
	X(LOCATION, "location")                                     \
	X(ORIGIN, "origin")                                         \
	X(PROXY, "proxy")                                           \
	X(PROXY_AUTHENTICATE, "proxy-authenticate")                 \
	X(PROXY_AUTHORIZATION, "proxy-authorization")               \
	X(PROXY_CONNECTION, "proxy-connection")                     \
	X(REFERER, "referer")                                       \
	X(REFRESH, "refresh")                                       \
	X(SERVER, "server")                                         \
	X(SET_COOKIE, "set-cookie")                                 \
	X(STRICT_TRANSPORT_SECURITY, "strict-transport-security")   \
	X(TE, "te")                                                 \
	X(TRAILER, "trailer")                                       \
	X(TRANSFER_ENCODING, "transfer-encoding")                   \
	X(UPGRADE, "upgrade")                                       \
	X(USER_AGENT, "user-agent")                                 \
	X(VIA, "via")                                               \
	X(X_FORWARDED_FOR, "x-forwarded-for")                       \
	X(X_FORWARDED_HOST, "x-forwarded-host")                     \
	X(X_FORWARDED_PORT, "x-forwarded-port")                     \
	X(X_FORWARDED_PREFIX, "x-forwarded-prefix")                 \
	X(X_FORWARDED_PROTO, "x-forwarded-proto")                   \
	X(X_FORWARDED_SCHEME, "x-forwarded-scheme")                 \
	X(X_ORIGINAL_FORWARDED_FOR, "x-original-forwarded-for")     \
	X(X_ORIGINAL_FORWARDED_HOST, "x-original-forwarded-host")   \
	X(X_ORIGINAL_URI, "x-original-uri")                         \
	X(X_REAL_IP, "x-real-ip")                                   \
	X(X_REQUEST_ID, "x-request-id")                             \
	X(X_SCHEME, "x-scheme")                                     \
	X(X_ACCEL_BUFFERING, "x-accel-buffering")                   \
	X(X_ACCEL_CHARSET, "x-accel-charset")                       \
	X(X_ACCEL_EXPIRES, "x-accel-expires")                       \
	X(X_ACCEL_LIMIT_RATE, "x-accel-limit-rate")                 \
	X(X_ACCEL_REDIRECT, "x-accel-redirect")                     \
	X(SSL_CLIENT_CERT, "ssl-client-cert")                       \
	X(SSL_CLIENT_ISSUER_DN, "ssl-client-issuer-dn")             \
	X(SSL_CLIENT_SUBJECT_DN, "ssl-client-subject-dn")           \
	X(SSL_CLIENT_VERIFY, "ssl-client-verify")
#define HTTP_FIELD_ENUM(id, name) FIELD_##id,
enum http_field_id { FIELD_OTHER, HTTP_FIELDS(HTTP_FIELD_ENUM) FIELD_COUNT };

struct http_field {
	struct str name; /* as received, case kept */
	struct str value; /* without blanks at both ends; may be empty */
	uint8_t id;       /* enum http_field_id */
};

/* Bits over field ids: `set |= http_field_bit(FIELD_HOST)`. FIELD_COUNT is below 64. */
static inline uint64_t http_field_bit(enum http_field_id id)
{
	return (uint64_t)1 << id;
}
_Static_assert(FIELD_COUNT <= 64, "a set of field ids is one word");

enum http_body {
	HTTP_BODY_NONE,    /* none, also Content-Length: 0 */
	HTTP_BODY_LENGTH,  /* content_length bytes */
	HTTP_BODY_CHUNKED, /* until the last chunk */
	HTTP_BODY_CLOSE,   /* until the connection closes: responses only */
};

struct http_head {
	enum http_version version;
	/* requests */
	enum http_method method;
	struct str method_text;
	struct str target; /* as received */
	struct str path;   /* of the target, as received, without query; "*" for OPTIONS *; "" for CONNECT; else begins with / */
	struct str query;  /* without '?'; has_query tells "" from absent */
	bool has_query;
	struct str host;   /* Host or the authority of an absolute target, as received, with its port; empty if absent */
	/* responses */
	unsigned status;
	struct str reason;
	/* both */
	struct http_field *fields; /* in the order received */
	size_t n_fields;
	uint64_t present;          /* bits of the field ids that occur */
	enum http_body body;
	uint64_t content_length;   /* for HTTP_BODY_LENGTH */
	bool is_keep_alive;        /* the connection may carry another message after this one */
	bool nominates_none;       /* its Connection fields name no other field: no need to look (http_field_is_hop_by_hop) */
	bool is_upgrade;           /* request in 1.1: a non-empty Upgrade field (G10); response: 101 */
	bool expects_continue;     /* request: Expect: 100-continue */
};

/* The first field with this id, or NULL. */
const struct http_field *http_head_field(const struct http_head *head, enum http_field_id id);
/* The value of the first field with this id, or the empty string. */
struct str http_head_value(const struct http_head *head, enum http_field_id id);
/* The first field with this name (any case), or NULL. */
const struct http_field *http_head_named(const struct http_head *head, struct str name);
enum http_field_id http_field_id(struct str name);
enum http_method http_method_from(struct str text);
/* "GET" …; "" for HTTP_METHOD_OTHER. */
struct str http_method_text(enum http_method method);
/* RFC 9110 9.2.2, and not LOCK, PATCH, POST (SEMANTICS I32). */
bool http_method_is_idempotent(enum http_method method);
/* "Not Found"; "" for a status nobody defined. */
struct str http_status_reason(unsigned status);
/* The lower-case name of a known field; "" for FIELD_OTHER. */
struct str http_field_name(enum http_field_id id);
/* RFC 9110 5.6.2: at least one character, all of them tchar. */
bool http_is_token(struct str s);
/* What a byte may be part of; see chars.c. */
enum http_char { HTTP_CHAR_TOKEN = 1, HTTP_CHAR_VALUE = 2, HTTP_CHAR_TARGET = 4, HTTP_CHAR_NAME = 8, HTTP_CHAR_HOST = 16 };
extern const uint8_t http_chars[256];
static inline bool http_char_is(char c, uint8_t class)
{
	return (http_chars[(unsigned char)c] & class) != 0;
}
/* The first byte at or after `p` that no field value holds (HTTP_CHAR_VALUE), or `end`. */
const char *http_value_end(const char *p, const char *end);
/* A value that is safe to write: no CR, LF, NUL or other control byte but tab. */
bool http_is_field_value(struct str s);

/* The next element of a comma-separated list, without blanks around it; empty ones are skipped. False at the end. */
bool http_next_element(struct str *rest, struct str *element);

/*
 * True if this field must not be passed on in either direction: Connection, Keep-Alive, Proxy-Connection, TE, Trailer,
 * Transfer-Encoding, Upgrade, HTTP2-Settings, Proxy-Authenticate, and every name that a Connection field of `head`
 * nominates (RFC 9110 7.6.1), except names in `never_dropped` (bits of ids): what the proxy itself sets or must see
 * cannot be nominated away (SECURITY.md).
 */
bool http_field_is_hop_by_hop(const struct http_head *head, const struct http_field *field, uint64_t never_dropped);

/* Sets path, has_query and query from "/path?query". */
void http_head_set_path(struct http_head *head, struct str text);
/*
 * The path as routes see it (SEMANTICS C2): percent-decoded, "//" merged, "." and ".." resolved. Written to `out` (room
 * for raw.len bytes). False when it does not begin with "/", escapes above the root, holds a bad escape, or decodes to NUL:
 * 400. "*" stays as it is.
 */
bool http_normalise_path(struct str raw, char *out, size_t *out_len);
/*
 * The server name that a Host value means (SEMANTICS B1, B2): lower-cased, port cut off, one trailing dot removed.
 * Written to `out` (room for host.len bytes). False for what is answered with 400: B2's names, and whatever is no
 * reg-name or bracketed address with an optional numeric port (a comma, "@", "\\", bytes above 0x7f …).
 */
bool http_server_name(struct str host, char *out, size_t *out_len);
/* Whether http_server_name would take it. http1 has checked head->host with it, unless that is empty. */
bool http_is_host(struct str host);

#endif
