#ifndef DECODE_H
#define DECODE_H
/*
 * Decoded messages into our own structs, everything checked as hostile. Each decode_x fills its struct from a resource's
 * body; false with a reason in d->why. What was taken by then is released by decode_drop_x, which also releases a whole one.
 * Private to config.
 */
#include "object.h"
#include "weirlock/v1/snapshot.pb-c.h"

struct decode {
	struct arena *arena; /* results live here */
	struct lineage *lineage;
	struct str name;     /* of the resource */
	struct buf *why;
	const char *list;    /* "routes", with `index`: where in the message we are; NULL: not in a list */
	size_t index;
	char place_text[32];
};

/* ------------------------------------------------------------------- what all of them need (decode.c) */

enum {
	MAX_NAME = 512,      /* names of resources */
	MAX_SERVER_NAME = 255,
	MAX_TEXT = 8192,     /* any other text */
	MAX_PATH = 4096,
	MAX_CIDRS = 20000,
	MAX_ITEMS = 1000,    /* header fields, aliases, names of a certificate */
	MAX_ROUTES = 20000,
	MAX_ENDPOINTS = 20000,
};

/* Always false. Writes "<place><field>: <message>". */
bool decode_refuse(struct decode *d, const char *field, const char *message);
bool decode_range(struct decode *d, const char *field, uint64_t value, uint64_t min, uint64_t max);
/* Copies; at most `max` bytes, none of them a control byte. */
bool decode_text(struct decode *d, const char *field, const char *in, size_t max, struct str *out);
/* A field name (RFC 9110 token), or empty. */
bool decode_token(struct decode *d, const char *field, const char *in, struct str *out);
/* A server name, made lower case: no control bytes, blanks or slashes. */
bool decode_server_name(struct decode *d, const char *field, const char *in, struct str *out);
bool decode_ip(struct decode *d, const char *field, const ProtobufCBinaryData *ip, uint32_t port, struct addr *out);
bool decode_cidrs(struct decode *d, const char *field, Weirlock__V1__Cidr *const *in, size_t n_in, struct cidrset *out);
/* "field[i]." or "", borrowed until the next call: what messages begin with. */
const char *decode_place(struct decode *d);
/* "field[i]." from here on, until decode_leave. */
void decode_enter(struct decode *d, const char *field, size_t index);
void decode_leave(struct decode *d);

/* --------------------------------------------------------------------------------------- one a resource */

bool decode_settings(struct decode *d, const Weirlock__V1__Settings *in, struct settings_object *out);
bool decode_certificate(struct decode *d, const Weirlock__V1__Certificate *in, struct certificate_object *out);
bool decode_backend(struct decode *d, const Weirlock__V1__Backend *in, struct backend_object *out);
bool decode_endpoints(struct decode *d, const Weirlock__V1__Endpoints *in, struct endpoints_object *out);
bool decode_host(struct decode *d, const Weirlock__V1__Host *in, struct host_object *out);
bool decode_tcp(struct decode *d, const Weirlock__V1__TcpService *in, struct tcp_object *out);
bool decode_udp(struct decode *d, const Weirlock__V1__UdpService *in, struct udp_object *out);
bool decode_backend_secret(struct decode *d, const Weirlock__V1__BackendSecret *in, struct backend_secret_object *out);
bool decode_ticket_keys(struct decode *d, const Weirlock__V1__TicketKeys *in, struct ticket_keys_object *out);
bool decode_client_ca(struct decode *d, const Weirlock__V1__ClientCa *in, struct client_ca_object *out);
/* All but match_cn_regex. NULL in `out` for a message that is not there. */
bool decode_client_auth(struct decode *d, const Weirlock__V1__ClientAuth *in, struct client_auth **out);
/* NULL in `out` for a message that is not there. */
bool decode_proxy_ssl(struct decode *d, const Weirlock__V1__ProxySsl *in, const struct proxy_ssl **out);
bool decode_policy(struct decode *d, const Weirlock__V1__Policy *in, struct policy *out);

void decode_drop_settings(struct settings_object *s);
void decode_drop_certificate(struct certificate_object *c);
void decode_drop_backend(struct backend_object *b);
void decode_drop_endpoints(struct endpoints_object *e);
void decode_drop_tcp(struct tcp_object *t);
void decode_drop_udp(struct udp_object *u);
void decode_drop_ticket_keys(struct ticket_keys_object *t);
void decode_drop_backend_secret(struct backend_secret_object *s);
void decode_drop_host(struct host_object *h);

#endif
