#ifndef CLIENTADDR_H
#define CLIENTADDR_H
/*
 * Who the client is, and the forwarded fields the backend gets (SEMANTICS A). No I/O.
 *
 * The rules named below in struct clientaddr_rules as upstream's are what ingress-nginx does and we only do when a key of the
 * ConfigMap says so (docs/client-address.md). An empty trust list trusts nobody either way.
 */
#include "addr.h"
#include "arena.h"
#include "buf.h"
#include "cidrset.h"
#include "http.h"

enum clientaddr_source { CLIENTADDR_PEER, CLIENTADDR_PROXY_HEADER, CLIENTADDR_FORWARDED_FOR };

/* Why this address is the client. X(id, word, what it means); the word is in access logs and in weirctl's answers. */
#define CLIENTADDR_REASONS(X)                                                                                             \
	X(CLIENTADDR_OFF, "off", "no key asks for another address than that of the TCP peer (A1)")                        \
	X(CLIENTADDR_PEER_UNTRUSTED, "peer_untrusted",                                                                    \
		"the TCP peer is not in proxy-real-ip-cidr, so nothing that it says about the client counts (A5, A10)")   \
	X(CLIENTADDR_NO_CHAIN, "no_chain", "the TCP peer is trusted, but sent no address of a client (A5)")               \
	X(CLIENTADDR_BAD_ELEMENT, "bad_element", "what stands further left in the field is no address (A6)")              \
	X(CLIENTADDR_FIRST_UNTRUSTED, "first_untrusted", "the first address from the right that is not trusted (A5)")     \
	X(CLIENTADDR_ALL_TRUSTED, "all_trusted", "every address is trusted, so the leftmost one counts (A5)")             \
	X(CLIENTADDR_PROXY_SOURCE, "proxy_source", "the source address of the PROXY header (A2, A9, A10)")                \
	X(CLIENTADDR_PROXY_FALLBACK, "proxy_fallback",                                                                    \
		"the source of the PROXY header is trusted and forwarded no address, so it is the client itself (A9)")    \
	X(CLIENTADDR_PROXY_NO_ADDRESS, "proxy_no_address", "the PROXY header holds no address: LOCAL or UNKNOWN (A36)")   \
	X(CLIENTADDR_NO_PROXY_HEADER, "no_proxy_header", "the TCP peer speaks without PROXY header (proxy-protocol-cidr)")

#define CLIENTADDR_REASON_ENUM(id, word, doc) id,
enum clientaddr_reason { CLIENTADDR_REASONS(CLIENTADDR_REASON_ENUM) CLIENTADDR_REASON_COUNT };

/* The word of the table, and its sentence. Static. */
struct str clientaddr_reason_word(enum clientaddr_reason reason);
const char *clientaddr_reason_doc(enum clientaddr_reason reason);

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
		proxy_add_original_uri_header;
	/* upstream's, each with a key of its own */
	bool believes_anyone;          /* X-Forwarded-Proto, -Host, -Port from any peer (A24) */
	bool keeps_untrusted_chain;    /* the chain of A26, and a forwarded-for-header of another name, from any peer */
	bool falls_back_to_peer;       /* A9 without a chain: the TCP peer, not the PROXY source */
	bool passes_lookalikes;        /* names that differ from ours by "_" for "-" alone */
	bool passes_ssl_client;        /* ssl-client-* of a client (A28) */
	struct str forwarded_for_header, forwarded_host_header;
	enum http_field_id forwarded_for_id, forwarded_host_id; /* of these names; FIELD_OTHER: they are looked up for each request */
	const struct cidrset *trusted; /* proxy-real-ip-cidr; NULL: nobody */
	uint16_t https_port;      /* our TLS port, reported as 443 (A23); 0: known for TLS connections only */
};

struct clientaddr {
	struct addr client;       /* port 0 when unknown (A8) */
	enum clientaddr_source source;
	enum clientaddr_reason reason;
	struct str scheme;        /* access scheme (A20): "http", "https", or what a believed peer wrote */
	struct str host;          /* best host (A21), with its port */
	struct str port;          /* reported port (A23) as text; may be empty (A27) */
};

/* `head` is borrowed; results point into it, into `arena`, or are static. */
void clientaddr_resolve(const struct clientaddr_rules *rules, const struct clientaddr_conn *conn,
	const struct http_head *head, struct arena *arena, struct clientaddr *out);

/* What the walk did at one address, for people: the TCP peer, then the PROXY header, then the field from right to left. */
enum clientaddr_verdict {
	CLIENTADDR_HOP_TRUSTED, /* one of ours: what it says counts, look further */
	CLIENTADDR_HOP_CLIENT,  /* this is the client (`trusted_by` may be set: then nothing lies beyond it) */
	CLIENTADDR_HOP_BAD,     /* no address: the walk ends before it */
	CLIENTADDR_HOP_IGNORED, /* nobody who is trusted vouches for it, or the settings do not ask for it */
};
struct clientaddr_hop {
	enum clientaddr_source from;
	enum clientaddr_verdict verdict;
	struct str text;                /* the element as written; "" for the peer and the PROXY header */
	const struct http_field *field; /* where it was written; NULL for the peer and the PROXY header */
	struct addr addr;               /* family 0: none */
	const struct cidr *trusted_by;  /* the network of proxy-real-ip-cidr that holds it, or NULL */
};
/* A zeroed one is empty; the items live in the arena of the call. */
struct clientaddr_trace {
	struct clientaddr_hop *items;
	size_t n, cap;
};

/* The same as clientaddr_resolve by the same code, and every step of it in `trace`. */
void clientaddr_explain(const struct clientaddr_rules *rules, const struct clientaddr_conn *conn,
	const struct http_head *head, struct arena *arena, struct clientaddr *out, struct clientaddr_trace *trace);
/*
 * The hops in one line, from the peer to what was ignored: "127.0.0.1 < 10.1.1.1 < *8.8.8.8 < (1.2.3.4)". The star is the
 * client; what does not count is in parentheses. Bytes of the field are as they came: for the reader to escape.
 */
void clientaddr_chain_text(const struct clientaddr_trace *trace, struct buf *out);

/* The address is in one of the trusted networks. */
bool clientaddr_trusts(const struct clientaddr_rules *rules, const struct addr *a);
/* The peer is trusted, and so is whoever its PROXY header names: what they say about the client may count. */
bool clientaddr_vouches(const struct clientaddr_rules *rules, const struct clientaddr_conn *conn);
/* Whether X-Forwarded-Proto, -Host, -Port and the chain of A26 are taken from this connection's requests (A24). */
bool clientaddr_believes(const struct clientaddr_rules *rules, const struct clientaddr_conn *conn);
/* Whether the destination in its PROXY header counts as the port, and 443 as https: from trusted peers (A20, A22). */
bool clientaddr_obeys_proxy(const struct clientaddr_rules *rules, const struct clientaddr_conn *conn);

/*
 * The fields whose client copies are never passed on (A25, A27, A28): bits of enum http_field_id. Also the set to give to
 * http_field_is_hop_by_hop, so that Connection cannot nominate ours away.
 */
uint64_t clientaddr_replaced_fields(const struct clientaddr_rules *rules);
/*
 * The same by field, and more: names that only differ from ours by "_" for "-" (backends that fold them would see two),
 * X-Forwarded-For-Proxy-Protocol (A9), and what forwarded-for-header names when a peer that is not trusted sent it. Ask this
 * for every request field that goes to a backend.
 */
bool clientaddr_replaces(
	const struct clientaddr_rules *rules, const struct clientaddr_conn *conn, const struct http_field *field);

/*
 * Appends the fields of A25–A27 in HTTP/1.1 form (name: value CRLF) to `out`: X-Request-ID, X-Real-IP, X-Forwarded-For,
 * -Host, -Port, -Proto, -Scheme, X-Scheme, X-Original-… . `request_id` is what X-Request-ID gets, empty to omit it (the
 * client's own non-empty value is for the caller to prefer). Host is the caller's. A computed empty value is omitted, and so
 * is one with a byte that could end the field. False when it does not fit: `out` is then as it was.
 */
bool clientaddr_write_fields(const struct clientaddr_rules *rules, const struct clientaddr_conn *conn,
	const struct clientaddr *who, const struct http_head *head, struct str request_id, struct buf *out);

#endif
