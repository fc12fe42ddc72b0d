#ifndef ADDR_H
#define ADDR_H
/* IP addresses with a port, and networks. IPv4-mapped IPv6 addresses are made IPv4 wherever they enter (SEMANTICS A3). */
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "buf.h"
#include "str.h"

struct addr {
	uint8_t family;  /* 0 none, 4 or 6 */
	uint16_t port;   /* host order; 0 when unknown */
	uint8_t ip[16];  /* network order; the first 4 for IPv4, the others zero */
};

#define ADDR_TEXT_MAX 56 /* "[v6]:port" with its NUL */

/* A bare IPv4 or IPv6 address, no brackets, no port, no zone. */
bool addr_parse_ip(struct str text, struct addr *out);
/* "1.2.3.4:80", "[::1]:80", ":80" (any IPv4 address) and "*:80"; the port is needed. */
bool addr_parse_host_port(struct str text, struct addr *out);
bool addr_from_sockaddr(const struct sockaddr *sa, struct addr *out);
/* Length of what was filled. */
socklen_t addr_to_sockaddr(const struct addr *a, struct sockaddr_storage *out);
/* `len` is 4 or 16. */
bool addr_from_bytes(struct str ip, uint16_t port, struct addr *out);

/* The bytes of the address: 4 or 16. */
struct str addr_bytes(const struct addr *a);
/* Address only: "1.2.3.4", "::1"; "-" for none. Returns `text`. */
const char *addr_ip_text(const struct addr *a, char text[ADDR_TEXT_MAX]);
/* With the port: "1.2.3.4:80", "[::1]:80". Returns `text`. */
const char *addr_text(const struct addr *a, char text[ADDR_TEXT_MAX]);

bool addr_eq(const struct addr *a, const struct addr *b);     /* address and port */
bool addr_eq_ip(const struct addr *a, const struct addr *b);  /* address only */
int addr_cmp(const struct addr *a, const struct addr *b);     /* IPv4 before IPv6, then bytes, then port */

struct cidr {
	struct addr net; /* host bits zero, port 0 */
	uint8_t prefix;  /* 0–32 or 0–128 */
};

/* "10.0.0.0/8", "::/0", or an address alone (all bits). Host bits are cleared. `*why` (may be NULL) is a static reason. */
bool cidr_parse(struct str text, struct cidr *out, const char **why);
bool cidr_contains(const struct cidr *c, const struct addr *a);
bool cidr_add_text(struct buf *b, const struct cidr *c);

#endif
