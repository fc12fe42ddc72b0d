#ifndef CONTROLLER_PRIVATE_H
#define CONTROLLER_PRIVATE_H
/* The controller, for the files that make it: controller.c opens and closes, building.c builds, answers.c says what is asked. */
#include "admin.h"
#include "admission.h"
#include "controller.h"
#include "intake.h"
#include "keep.h"
#include "kube.h"
#include "named.h"
#include "pace.h"
#include "parts.h"
#include "publish.h"
#include "rpc.h"
#include "source.h"
#include "staples.h"
#include "store.h"
#include "version.h"

struct controller {
	uv_loop_t *loop;
	const struct controller_options *options;
	struct reconcile_options reconcile;
	struct store *store;
	struct source *source;          /* manifests; or */
	struct kubeapi *api;            /* the API server, and what is read from it */
	struct kube *kube;
	struct lookups *lookups;        /* of single objects; NULL with manifests */
	struct writes *writes;          /* to it, once there is something to serve */
	struct named named;
	struct rpc_identity *identity;
	struct rpc_server *server;
	struct publish *publish;
	struct archive *archives[POOLS_MAX]; /* of snapshots, one a pool */
	struct keep *keeps[POOLS_MAX];  /* those on disk; NULL: they are not kept */
	struct staples *staples;        /* what OCSP responders say */
	struct admin *admin;
	uv_timer_t build_timer, audit_timer, ticket_timer, leave_timer;
	struct admission *admission;    /* or NULL */
	struct buf urls;                /* " control=tcp://…" for each */
	struct buf chain_pem, key_pem;  /* the generated certificate */
	struct buf origin;              /* "manifests a, b" or "API server https://…", for people */
	struct intake *intake;
	struct setting_values settings; /* of the last build */
	struct parts *parts;
	struct problems found;          /* by its builds */
	unsigned long found_version, store_version; /* of the problems that were told */
	struct problems told;           /* all that was logged and is listed: the store's and the build's, sorted */
	struct version held, seen;      /* of the newest snapshot */
	bool is_synced, is_ready, is_leaving, is_stopping;
	bool has_listed;                /* what is wanted by name can be said */
	struct pace pace;               /* of the events since the last build */
	bool is_audit_due;              /* something was built since the last one */
	uint64_t event_us, endpoint_event_us; /* of the first event that is not built yet, but for slices, and of slices; 0: none */
	uint64_t n_builds, n_parts_built, n_defects, build_us;
};

/* building.c: from events to snapshots. */
/* Everything that changed, now. */
void controller_build_all(struct controller *c);
/* Of whatever objects come from; `owner` is the controller. */
void controller_on_source_event(void *owner, const struct source_event *e);
void controller_on_audit_timer(uv_timer_t *timer);

/* controller.c: all is in. Makes the first snapshot, before anybody can ask, and opens the door. */
void controller_begin_to_serve(struct controller *c);

/* answers.c: what others ask. Each gives EXIT_FINE, or an exit status with a line in `error`. */
int controller_open_channel(struct controller *c, struct buf *error);
int controller_listen(struct controller *c, struct buf *error);
int controller_open_admin(struct controller *c, struct buf *error);
/* Not before all is in: who is asked about conflicts must know all Ingresses. */
int controller_open_admission(struct controller *c, struct buf *error);

#endif
