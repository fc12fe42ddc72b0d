#ifndef JUDGE_H
#define JUDGE_H
/*
 * What a request meets before any endpoint does (SEMANTICS 0.2 to 0.8, in that order): pure, so that a proxy and
 * `weirctl explain` ask the same functions.
 */
#include "clientaddr.h"
#include "config.h"
#include "end.h"
#include "http.h"
#include "rewrite.h"

/*
 * Where a request came to its end, or JUDGE_PASSED.
 * X(id, word, end reason of its usual answer, rule, what it means)
 */
#define JUDGE_STEPS(X)                                                                                                    \
	X(JUDGE_PASSED, "backend", END_DONE, "", "the backend is asked")                                                  \
	X(JUDGE_METHOD, "method", END_DENIED, "0.2", "TRACE and CONNECT are refused")                                     \
	X(JUDGE_HOST, "host", END_BAD_REQUEST, "B2", "the Host is no server name")                                        \
	X(JUDGE_PATH, "path", END_BAD_REQUEST, "C2", "the path leaves the root or holds a bad escape")                    \
	X(JUDGE_AUTH_TLS, "auth-tls-secret", END_MISCONFIGURED, "F9", "the host's authorities for client certificates are missing") \
	X(JUDGE_MISDIRECTED, "misdirected", END_MISDIRECTED, "E9", "the connection is for another server name than the host, which asks for client certificates") \
	X(JUDGE_NO_CERTIFICATE, "no-client-certificate", END_NO_CERTIFICATE, "F9", "the host asks for a client certificate") \
	X(JUDGE_BAD_CERTIFICATE, "client-certificate", END_BAD_CERTIFICATE, "F9", "the client certificate did not pass")   \
	X(JUDGE_MATCH_CN, "auth-tls-match-cn", END_DENIED, "F9", "the subject of the client certificate is another one")  \
	X(JUDGE_HEALTH, "health-check", END_LOCAL, "B7", "/healthz of an unknown host is answered by the proxy")          \
	X(JUDGE_APP_ROOT, "app-root", END_REDIRECT, "C17", "app-root sends / elsewhere")                                  \
	X(JUDGE_WWW, "from-to-www-redirect", END_REDIRECT, "E11", "this host only redirects to the other one")            \
	X(JUDGE_REGEX, "regex", END_MISCONFIGURED, "C7", "a regular expression of the host gave up at its limits")        \
	X(JUDGE_NO_ROUTE, "no-route", END_NO_ROUTE, "D4", "no path of the host takes this one")                           \
	X(JUDGE_BODY_SIZE, "proxy-body-size", END_TOO_LARGE, "0.5", "the declared body is larger than proxy-body-size")   \
	X(JUDGE_SLASH, "trailing-slash", END_REDIRECT, "C12", "the path is configured with a slash more")                 \
	X(JUDGE_REDIRECT, "redirect", END_REDIRECT, "E10", "permanent-redirect or temporal-redirect")                     \
	X(JUDGE_FIXED, "set-aside", END_MISCONFIGURED, "D9", "the path is closed because of a mistake in its Ingress")    \
	X(JUDGE_REWRITE_URL, "rewrite-target", END_REDIRECT, "C14", "the rewrite target is an URL")                       \
	X(JUDGE_TLS, "ssl-redirect", END_REDIRECT, "E1", "plain http is sent to https")                                   \
	X(JUDGE_DEFAULT, "default-backend", END_NO_ROUTE, "D4", "there is no default backend; the built-in page answers") \
	X(JUDGE_NO_ENDPOINTS, "no-endpoints", END_NO_ENDPOINTS, "D1", "the backend has no usable endpoint")               \
	X(JUDGE_ADDRESS, "address-lists", END_DENIED, "J20", "a deny list holds the client, or an allow list does not")   \
	X(JUDGE_PROTOCOL, "backend-protocol", END_UPSTREAM_PROTOCOL, "G13", "this protocol is not spoken to backends yet") \
	X(JUDGE_PROXY_SSL, "proxy-ssl", END_MISCONFIGURED, "F11", "the backend's certificate cannot be checked as asked")   \
	X(JUDGE_LENGTH, "length", END_BAD_REQUEST, "G9", "HTTP/1.0 to the backend takes no body of unknown length")
#define JUDGE_ENUM(id, word, end, rule, doc) id,
enum judge_step { JUDGE_STEPS(JUDGE_ENUM) JUDGE_COUNT };

/* What is known of the client's certificate; asked for only where a host wants to know. */
enum judge_proof {
	JUDGE_PROOF_NONE,    /* none was shown */
	JUDGE_PROOF_GOOD,
	JUDGE_PROOF_BAD,     /* it did not pass */
	JUDGE_PROOF_EXCUSED, /* the same, but that nobody known signed it: enough for optional_no_ca */
	JUDGE_PROOF_UNKNOWN, /* the handshake asked for none, or for those of other authorities: only a new connection can tell */
};
struct judge_peer {
	struct str (*server_name)(void *owner); /* of the handshake, lower case, without the last dot; "": none */
	/* Of the client, before those who may vouch for it. */
	enum judge_proof (*prove)(void *owner, struct tls_auth *auth);
	struct str (*subject)(void *owner); /* of the certificate, as in RFC 2253; "": none */
	void *owner;
};

/* Everything is borrowed. */
struct judge_request {
	const struct generation *generation;
	const struct clientaddr_rules *rules; /* of the generation, with our https port */
	const struct clientaddr_conn *conn;
	const struct http_head *head;
	const struct judge_peer *peer;        /* NULL: not TLS */
	uint64_t draw;                        /* random bits, for the weights of canaries */
	bool has_whole_body;                  /* it came with the head: its length is known whatever frames it */
};

struct judgement {
	struct rewrite_request rule;   /* filled as far as was come; rule.who is &who */
	struct clientaddr who;         /* family 0 before that step */
	const struct backend *backend; /* NULL when we answer */
	const struct canary *canary;   /* whose it is; NULL: the route's own */
	enum judge_step step;
	unsigned status;               /* to answer; 0: the backend is asked */
	struct str location;           /* for a 3xx */
	enum judge_proof proof;        /* of hosts with client_auth, on TLS */
	bool is_upgrade;               /* Upgrade without a body: passed on (G10) */
};

/* Texts of `out` live in `arena`, or are those of `in`. `out` must not move: rule.who points into it. */
void judge_request(const struct judge_request *in, struct arena *arena, struct judgement *out);

/* G13: `is_client_tls` decides for AUTO_HTTP. */
bool judge_speaks_tls(const struct backend *backend, bool is_client_tls);
/* G14: gRPC. */
bool judge_speaks_http2(const struct backend *backend);
struct str judge_word(enum judge_step step);
const char *judge_rule(enum judge_step step);
const char *judge_doc(enum judge_step step);
/* What the access log will call it. */
enum end_reason judge_end(const struct judgement *j);

#endif
