/* TCP and UDP services: the name is the port, so that no two of one kind can have the same one. */
#include "decode.h"

#include <stdio.h>

static bool decode_port(struct decode *d, uint32_t port, const char *backend, struct str *backend_name)
{
	char name[16];

	if (!decode_range(d, "port", port, 1, UINT16_MAX))
		return false;
	snprintf(name, sizeof(name), "%u", (unsigned)port);
	if (!str_eq(d->name, str_from(name)))
		return decode_refuse(d, "port", "is not what the resource is named for");
	if (!*backend)
		return decode_refuse(d, "backend", "is empty");
	return decode_text(d, "backend", backend, MAX_NAME, backend_name);
}

bool decode_tcp(struct decode *d, const Weirlock__V1__TcpService *in, struct tcp_object *out)
{
	if (!decode_port(d, in->port, in->backend, &out->service.backend_name))
		return false;
	out->slot = lineage_take_slot(d->lineage, out->service.backend_name);
	out->service.port = (uint16_t)in->port;
	out->service.backend_index = out->slot->index;
	out->service.decodes_proxy = in->decodes_proxy;
	out->service.encodes_proxy = in->encodes_proxy;
	return true;
}

void decode_drop_tcp(struct tcp_object *t)
{
	if (t->slot)
		lineage_drop_slot(t->slot);
}

bool decode_udp(struct decode *d, const Weirlock__V1__UdpService *in, struct udp_object *out)
{
	if (!decode_port(d, in->port, in->backend, &out->service.backend_name))
		return false;
	out->slot = lineage_take_slot(d->lineage, out->service.backend_name);
	out->service.port = (uint16_t)in->port;
	out->service.backend_index = out->slot->index;
	return true;
}

void decode_drop_udp(struct udp_object *u)
{
	if (u->slot)
		lineage_drop_slot(u->slot);
}
