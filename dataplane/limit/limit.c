/* Body sizes and address lists. */
#include "limit.h"

#include "cidrlist.h"

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
	bool has_own_list = p->has_allowlist || p->n_denylist;

	if (!(has_own_list && settings->compatibility_ingress_nginx) &&
		cidrlist_find(settings->denylist, settings->n_denylist, client))
		return 403;
	if (cidrlist_find(p->denylist, p->n_denylist, client))
		return 403;
	return p->has_allowlist && !cidrlist_find(p->allowlist, p->n_allowlist, client) ? 403 : 0;
}
