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

unsigned limit_address_by(const struct settings *settings, const struct route *route, const struct addr *client,
	enum limit_list *list, const struct cidr **by)
{
	const struct policy *p = &route->policy;
	bool has_own_list = p->has_allowlist || p->denylist.n;
	bool hides_blocked = has_own_list && settings->compatibility_ingress_nginx;

	*list = LIMIT_BLOCK_CIDRS;
	*by = hides_blocked ? NULL : cidrset_find(&settings->denylist, client);
	if (*by)
		return 403;
	*list = LIMIT_DENYLIST;
	*by = cidrset_find(&p->denylist, client);
	if (*by)
		return 403;
	*list = p->has_allowlist ? LIMIT_ALLOWLIST : LIMIT_NO_LIST;
	*by = p->has_allowlist ? cidrset_find(&p->allowlist, client) : NULL;
	return p->has_allowlist && !*by ? 403 : 0;
}

unsigned limit_address(const struct settings *settings, const struct route *route, const struct addr *client)
{
	enum limit_list list;
	const struct cidr *by;

	return limit_address_by(settings, route, client, &list, &by);
}
