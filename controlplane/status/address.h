#ifndef STATUS_ADDRESS_H
#define STATUS_ADDRESS_H
/* What is published in the status of an Ingress (N5): from a list, from a Service, from a Node. No I/O. */
#include <jansson.h>

#include "object.h"

/* Addresses, in an arena; sorted by IP, then by host name, without duplicates. Zeroed: none. */
struct addresses {
	struct arena arena;
	struct published *items;
	size_t n, cap;
};
void addresses_clear(struct addresses *list);
void addresses_deinit(struct addresses *list);
/* An IP address or else a host name; copied. Empty texts and what is there already are passed over. */
void addresses_add(struct addresses *list, struct str text);
/*
 * Of --publish-status-address: "203.0.113.1,lb.example.com". False when an item is neither an IP address nor a host name:
 * `*bad` is that item.
 */
bool addresses_add_list(struct addresses *list, struct str text, struct str *bad);
/* By the type of the Service. False when there is nothing that could be published: `*why` is static. */
bool addresses_add_service(struct addresses *list, const struct service *service, const char **why);
/* The external address of a Node, else its internal one; the latter first with `wants_internal`. */
void addresses_add_node(struct addresses *list, json_t *node, bool wants_internal);

/* What another list has. */
void addresses_add_all(struct addresses *list, const struct addresses *other);

/* For comparing, and for people: "203.0.113.1 lb.example.com"; "" is none. Whatever their order was. */
void addresses_add_text(const struct published *items, size_t n, struct buf *out);
/* The merge patch that makes them the status of an Ingress; none takes what is there away. Owned. */
json_t *addresses_patch(const struct published *items, size_t n);

#endif
