/* TCP services: the name is the port, so that no two of them can have the same one. */
#include "decode.h"

#include <stdio.h>

bool decode_tcp(struct decode *d, const Weirlock__V1__TcpService *in, struct tcp_object *out)
{
	struct str backend = str_from(in->backend);
	char name[16];

	if (!decode_range(d, "port", in->port, 1, UINT16_MAX))
		return false;
	snprintf(name, sizeof(name), "%u", (unsigned)in->port);
	if (!str_eq(d->name, str_from(name)))
		return decode_refuse(d, "port", "is not what the resource is named for");
	if (!backend.len)
		return decode_refuse(d, "backend", "is empty");
	if (!decode_text(d, "backend", in->backend, MAX_NAME, &out->service.backend_name))
		return false;
	out->slot = lineage_take_slot(d->lineage, backend);
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
