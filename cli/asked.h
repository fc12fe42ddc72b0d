#ifndef ASKED_H
#define ASKED_H
/* A request that somebody asks about, from the words of the command line: its head as bytes, and the connection it comes on. */
#include <stdbool.h>

#include "clientaddr.h"
#include "http1.h"
#include "judge_conn.h"
#include "opt.h"
#include "proxyproto.h"

enum { ASKED_PROXY_MAX = 64 * 1024 }; /* bytes of a PROXY header; more than any proxy takes */

/* As given; NULL and false are the defaults. */
struct asked_words {
	struct opt_list headers;     /* "Name: value" */
	const char *method, *peer, *listener, *sni, *proxy_header, *draw;
	bool is_tls, is_1_0, compares;
};

struct asked {
	struct str scheme, authority, target; /* of the URL; borrowed from the command line */
	struct buf raw;                       /* the head that the proxy parses */
	struct clientaddr_conn conn;
	struct buf sni;                       /* "" for none */
	struct buf proxy_raw;                 /* bytes of the PROXY header; conn.has_proxy_header says whether there is one */
	struct proxyproto proxy;              /* of those: where proxy_error.reason is NULL; points into proxy_raw */
	struct proxyproto_error proxy_error;  /* what a proxy has against them */
	bool has_draw;
	uint64_t draw;                        /* the random bits of this request: --draw */
	bool names_port;                      /* --listener did */
	struct http_field fields[JUDGE_FIELDS_MAX];
	struct http_head head;                /* after asked_parse; points into raw */
	struct http1_error error;             /* of asked_parse */
};

/*
 * A zeroed one. `url` is borrowed ("https://host/path", or "host/path" for http). 0, or the exit status after a line on
 * stderr. Our own end is at port 80 or 443 unless the words name another.
 */
int asked_init(struct asked *a, const struct asked_words *words, const char *url);
/* The ports at which a proxy really listens, where the words name none. */
void asked_set_ports(struct asked *a, uint16_t http_port, uint16_t https_port);
void asked_deinit(struct asked *a);
/* Parses the head as a proxy with these settings does. False: a->error says what it answers. */
bool asked_parse(struct asked *a, const struct settings *settings);

/* asked_proxy.c: as written with --proxy-header, in any of its forms. 0, or the exit status after a line on stderr. */
int asked_set_proxy_header(struct asked *a, const char *written);
/* An address with or without port. False when it is none. */
bool asked_addr(struct str text, struct addr *out);

#endif
