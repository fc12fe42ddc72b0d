/* Body sizes and address lists. */
#include "limit.h"

#include "cidrset.h"

unsigned limit_body_declared(const struct route *route, const struct http_head *head)
{
	return head->body == HTTP_BODY_LENGTH ? limit_body_received(route, head->content_length) : 0;
}

unsigned limit_body_received(const struct route *route, uint64_t received)
{
	uint64_t max = route->policy.proxy_body_size_bytes; /* 0: no limit */

	return max && received > max ? 413 : 0;
}

unsigned limit_address(const struct settings *settings, const struct route *route, const struct addr *client)
{
	const struct policy *p = &route->policy;
	bool has_own_list = p->has_allowlist || p->denylist.n;

	if (!(has_own_list && settings->compatibility_ingress_nginx) &&
		cidrset_find(&settings->denylist, client))
		return 403;
	if (cidrset_find(&p->denylist, client))
		return 403;
	return p->has_allowlist && !cidrset_find(&p->allowlist, client) ? 403 : 0;
}
