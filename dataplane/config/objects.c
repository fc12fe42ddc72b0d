/* One list a kind, so that a kind without changes costs one reference, whatever its size. */
#include "objects.h"

#include "weirlock/v1/snapshot.pb-c.h"

static const uint32_t kinds[OBJECT_KINDS] = {
	WEIRLOCK__V1__KIND__KIND_SETTINGS,
	WEIRLOCK__V1__KIND__KIND_CERTIFICATE,
	WEIRLOCK__V1__KIND__KIND_BACKEND,
	WEIRLOCK__V1__KIND__KIND_ENDPOINTS,
	WEIRLOCK__V1__KIND__KIND_HOST,
	WEIRLOCK__V1__KIND__KIND_TCP_SERVICE,
	WEIRLOCK__V1__KIND__KIND_BACKEND_SECRET,
	WEIRLOCK__V1__KIND__KIND_CLIENT_CA,
	WEIRLOCK__V1__KIND__KIND_TICKET_KEYS,
	WEIRLOCK__V1__KIND__KIND_UDP_SERVICE,
};

int objects_place(uint32_t kind)
{
	for (int i = 0; i < OBJECT_KINDS; i++) {
		if (kinds[i] == kind)
			return i;
	}
	return -1;
}

struct object_list *objects_of(const struct objects *all, uint32_t kind)
{
	int place = objects_place(kind);

	return place < 0 ? NULL : all->lists[place];
}

const struct object *objects_find(const struct objects *all, uint32_t kind, struct str name)
{
	return object_list_find(objects_of(all, kind), name);
}

const struct object *objects_next(const struct objects *all, struct objects_cursor *cursor)
{
	for (; cursor->place < OBJECT_KINDS; cursor->place++) {
		const struct object *o = object_list_next(all->lists[cursor->place], &cursor->at);

		if (o)
			return o;
		cursor->at = 0;
	}
	return NULL;
}

void objects_deinit(struct objects *all)
{
	for (int i = 0; i < OBJECT_KINDS; i++)
		object_list_unref(&all->lists[i]);
}
