#ifndef TARGET_H
#define TARGET_H
/*
 * Where answers come from: --controller URL, --proxy URL, --file SNAPSHOT or --manifests PATH (offline, compiled with the
 * controller's own rooms). The commands do not know which.
 */
#include <stdbool.h>

#include "buf.h"
#include "opt.h"
#include "view.h"
#include "weirlock/v1/control.pb-c.h"

struct target {
	struct opt_list controllers; /* as given; all of them are told by what changes them, the first is asked by all else */
	const char *controller, *proxy, *file;
	struct opt_list manifests;
	const char *identity;
	bool is_insecure;
	const char *configmap; /* for --manifests: as the controller's options */
	const char *tcp_services, *udp_services;
	const char *ingress_class;
	bool enable_ssl_passthrough;
	const char *pool;   /* --pool; NULL: any */
	char found_pool[64]; /* of the snapshot that was read last; "": its source has no pools */
	unsigned timeout_s; /* 0: the default */
};

/* 0, or the exit status after a line on stderr. `id` is hex of an id or a prefix, "" is the current snapshot. */
int target_snapshot(struct target *t, const char *id, struct view *out);
/* What a proxy's workers know of endpoints (t->proxy). 0, and owned: free with weirlock__v1__live_response__free_unpacked. */
int target_live(struct target *t, Weirlock__V1__LiveResponse **out);
/* Owned: free with weirlock__v1__problems_response__free_unpacked. */
int target_problems(struct target *t, Weirlock__V1__ProblemsResponse **out);
/* Only of a controller or a proxy. Owned. */
int target_status(struct target *t, Weirlock__V1__StatusResponse **out);
int target_history(struct target *t, Weirlock__V1__SnapshotsResponse **out);

/* What a request says of --pool: "" is any. Borrowed. */
char *target_pool(const struct target *t);
/* Hex of an id or of its first bytes (4 to 32): 0, or the exit status after a line on stderr. */
int target_parse_id(const char *hex, uint8_t *bytes, size_t *len);
/* Calls a method of the service Operate. 0 and an owned answer, or the exit status after a line on stderr. */
int target_operate(struct target *t, const char *method, const ProtobufCMessage *request, uint32_t timeout_ms,
	ProtobufCMessage **answer);

/* A snapshot file: 8 bytes of magic and a packed Snapshot, redacted. */
int target_write_file(const char *path, struct str packed);
/* True if the target can only be read as a whole snapshot (a file or manifests). */
bool target_is_offline(const struct target *t);

#endif
