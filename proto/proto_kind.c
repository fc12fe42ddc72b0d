/* One row a kind. */
#include "proto_kind.h"

#include "weirlock/v1/snapshot.pb-c.h"

static const struct {
	const char *text;
	const ProtobufCMessageDescriptor *body;
} kinds[] = {
	[WEIRLOCK__V1__KIND__KIND_UNSPECIFIED] = {"?", NULL},
	[WEIRLOCK__V1__KIND__KIND_SETTINGS] = {"settings", &weirlock__v1__settings__descriptor},
	[WEIRLOCK__V1__KIND__KIND_CERTIFICATE] = {"certificate", &weirlock__v1__certificate__descriptor},
	[WEIRLOCK__V1__KIND__KIND_BACKEND] = {"backend", &weirlock__v1__backend__descriptor},
	[WEIRLOCK__V1__KIND__KIND_ENDPOINTS] = {"endpoints", &weirlock__v1__endpoints__descriptor},
	[WEIRLOCK__V1__KIND__KIND_HOST] = {"host", &weirlock__v1__host__descriptor},
	[WEIRLOCK__V1__KIND__KIND_SECRET] = {"secret", NULL},
	[WEIRLOCK__V1__KIND__KIND_TCP_SERVICE] = {"tcp-service", &weirlock__v1__tcp_service__descriptor},
	[WEIRLOCK__V1__KIND__KIND_UDP_SERVICE] = {"udp-service", &weirlock__v1__udp_service__descriptor},
	[WEIRLOCK__V1__KIND__KIND_BACKEND_SECRET] = {"backend-secret", &weirlock__v1__backend_secret__descriptor},
	[WEIRLOCK__V1__KIND__KIND_CLIENT_CA] = {"client-ca", &weirlock__v1__client_ca__descriptor},
	[WEIRLOCK__V1__KIND__KIND_TICKET_KEYS] = {"ticket-keys", &weirlock__v1__ticket_keys__descriptor},
};

const char *proto_kind_text(uint32_t kind)
{
	return kind < sizeof(kinds) / sizeof(kinds[0]) && kinds[kind].text ? kinds[kind].text : "?";
}

const ProtobufCMessageDescriptor *proto_kind_body(uint32_t kind)
{
	return kind < sizeof(kinds) / sizeof(kinds[0]) ? kinds[kind].body : NULL;
}

bool proto_kind_is_secret(uint32_t kind)
{
	return kind == WEIRLOCK__V1__KIND__KIND_CERTIFICATE || kind == WEIRLOCK__V1__KIND__KIND_SECRET ||
		kind == WEIRLOCK__V1__KIND__KIND_BACKEND_SECRET;
}
