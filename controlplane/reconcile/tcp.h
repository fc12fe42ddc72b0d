#ifndef TCP_H
#define TCP_H
/* One entry of the ConfigMap of TCP services, or of that of UDP services (SEMANTICS A50). Pure. Private to reconcile. */
#include "object.h"
#include "str.h"

struct tcp_entry {
	struct str object;       /* the ConfigMap, "ConfigMap ns/name" */
	struct str key, written; /* as the user wrote them */
	uint16_t port;           /* to listen on */
	struct str namespace_, service;
	struct port_ref target;  /* of the Service; says too whether it is UDP */
	bool decodes_proxy, encodes_proxy;
};

/* "9000": 0 when it is no port. Leading zeroes are none, so that no two keys are one port. */
uint16_t tcp_parse_port(struct str key);
/* Whether ingress-nginx keeps the port for itself, or we do: clients' 80 and 443, health, status, metrics. */
bool tcp_is_reserved(uint16_t port);
/*
 * "NAMESPACE/SERVICE:PORT[:PROXY][:PROXY]" into all of `out` from namespace_ on; texts point into `value`. NULL, or what is
 * wrong as a rule that the value breaks (static): `out` is then untouched.
 */
const char *tcp_parse_value(struct str value, struct tcp_entry *out);

#endif
