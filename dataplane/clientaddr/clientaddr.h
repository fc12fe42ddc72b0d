#ifndef CLIENTADDR_H
#define CLIENTADDR_H
/*
 * Who the client is, and the forwarded fields the backend gets (SEMANTICS A). No I/O.
 *
 * Where we differ from upstream unless compatibility_ingress_nginx is set: Proto, Host and Port are believed from trusted
 * peers only (A24), the chain of A26 is passed on from trusted peers only, and a PROXY source is preferred to the balancer's
 * own address when X-Forwarded-For is absent (A9). An empty trust list trusts nobody either way.
 */
#include "addr.h"
#include "arena.h"
#include "buf.h"
#include "http.h"

enum clientaddr_source { CLIENTADDR_PEER, CLIENTADDR_PROXY_HEADER, CLIENTADDR_FORWARDED_FOR };

/* What a connection knows before any request. */
struct clientaddr_conn {
	struct addr peer;         /* TCP peer */
	struct addr local;        /* our end */
	bool is_tls;
	bool has_proxy_header;    /* one was read; without addresses (LOCAL, UNKNOWN) the two below have family 0 */
	struct addr proxy_src, proxy_dst;
};

/* What the settings say; borrowed from the generation (config builds it). */
struct clientaddr_rules {
	bool use_forwarded_headers, use_proxy_protocol, enable_real_ip, compute_full_forwarded_for,
		proxy_add_original_uri_header, compatibility_ingress_nginx;
	struct str forwarded_for_header, forwarded_host_header;
	const struct cidr *trusted; /* prepared by cidrlist_prepare */
	size_t n_trusted;
	uint16_t https_port;      /* our TLS port, reported as 443 (A23); 0: known for TLS connections only */
};

struct clientaddr {
	struct addr client;       /* port 0 when unknown (A8) */
	enum clientaddr_source source;
	struct str scheme;        /* access scheme (A20): "http", "https", or what a believed peer wrote */
	struct str host;          /* best host (A21), with its port */
	struct str port;          /* reported port (A23) as text; may be empty (A27) */
};

/* `head` is borrowed; results point into it, into `arena`, or are static. */
void clientaddr_resolve(const struct clientaddr_rules *rules, const struct clientaddr_conn *conn,
	const struct http_head *head, struct arena *arena, struct clientaddr *out);

/* Whether X-Forwarded-Proto, -Host, -Port and the chain of A26 are taken from this connection's requests (A24). */
bool clientaddr_believes(const struct clientaddr_rules *rules, const struct clientaddr_conn *conn);

/*
 * The fields whose client copies are never passed on (A25, A27, A28): bits of enum http_field_id. Also the set to give to
 * http_field_is_hop_by_hop, so that Connection cannot nominate ours away.
 */
uint64_t clientaddr_replaced_fields(const struct clientaddr_rules *rules);
/*
 * The same by field, and more: names that only differ from ours by "_" for "-" (backends that fold them would see two), and
 * X-Forwarded-For-Proxy-Protocol (A9). Ask this for every request field that goes to a backend.
 */
bool clientaddr_replaces(const struct clientaddr_rules *rules, const struct http_field *field);

/*
 * Appends the fields of A25–A27 in HTTP/1.1 form (name: value CRLF) to `out`: X-Request-ID, X-Real-IP, X-Forwarded-For,
 * -Host, -Port, -Proto, -Scheme, X-Scheme, X-Original-… . `request_id` is what X-Request-ID gets, empty to omit it (the
 * client's own non-empty value is for the caller to prefer). Host is the caller's. A computed empty value is omitted, and so
 * is one with a byte that could end the field. False when it does not fit: `out` is then as it was.
 */
bool clientaddr_write_fields(const struct clientaddr_rules *rules, const struct clientaddr_conn *conn,
	const struct clientaddr *who, const struct http_head *head, struct str request_id, struct buf *out);

#endif
