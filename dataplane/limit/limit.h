#ifndef LIMIT_H
#define LIMIT_H
/* Whether a request may pass. Pure. Each returns 0 (it may) or the status to answer. */
#include "addr.h"
#include "config.h"
#include "http.h"

/* 0.5: 413 for a declared Content-Length above proxy-body-size. */
unsigned limit_body_declared(const struct route *route, const struct http_head *head);
/* D6: 413 when `received` bytes of a body without a declared length are more than proxy-body-size. */
unsigned limit_body_received(const struct route *route, uint64_t received);

/*
 * 0.8, J20: 403 by deny list, then allow list. The route's lists take the place of the global ones, which the controller has
 * already put into the policy; an allow list that is there but empty admits nobody. block-cidrs (settings->denylist) refuses
 * always; upstream lets a route's list hide it, so compatibility: ingress-nginx does too.
 * A client without an address (family 0) passes no allow list.
 */
unsigned limit_address(const struct settings *settings, const struct route *route, const struct addr *client);

enum limit_list { LIMIT_NO_LIST, LIMIT_BLOCK_CIDRS, LIMIT_DENYLIST, LIMIT_ALLOWLIST };
/* The same, and which list said so: the one that refused, or the allow list that admitted; `*by` is its network, or NULL. */
unsigned limit_address_by(const struct settings *settings, const struct route *route, const struct addr *client,
	enum limit_list *list, const struct cidr **by);

#endif
