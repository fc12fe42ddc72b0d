#ifndef GENERATION_PRIVATE_H
#define GENERATION_PRIVATE_H
/* What a generation is made of, for generation.c and read.c. Each part is shared with the generation before where nothing of it changed. */
#include "backend_table.h"
#include "content.h"
#include "host_table.h"
#include "objects.h"
#include "ways.h"

struct generation {
	atomic_uint refs;
	struct lineage *lineage;
	struct content_id id;
	struct objects objects;
	const struct settings_object *settings;
	struct host_table *hosts;
	struct backend_table backends;
	struct tls_contexts *tls;
	struct ways *upstreams; /* of upstream_tls */
	struct ways *clients;   /* of client_tls */
};

#endif
