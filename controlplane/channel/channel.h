#ifndef CHANNEL_H
#define CHANNEL_H
/*
 * The identities of the control channel in Secrets of our own namespace: PREFIX-ca, PREFIX-controller,
 * PREFIX-operator and PREFIX-proxy, and PREFIX-proxy-POOL for each other pool. Whoever leads makes and renews them (plan.h says what); every controller takes its own from there into
 * the directory of its identity, where the channel looks for it.
 */
#include <uv.h>

#include "kubeapi.h"
#include "plan.h"
#include "problem.h"

/* Texts are kept. */
struct channel_options {
	struct str namespace_, prefix;
	const char *directory; /* of the identity */
	struct plan_times times;
	const struct pools *pools; /* kept */
};
struct channel_hooks {
	void *owner;
	bool (*leads)(void *owner);
	/* What is wrong at present; none: nothing any more. `origin` says where. */
	void (*on_problems)(void *owner, struct str origin, const struct problems *problems);
	/* The files are there, as new as the Secret; again and again. May be NULL. */
	void (*on_files)(void *owner);
};

struct channel;
/* Keeps `loop`, `api` and what `hooks` name. Looks at once, and then each half minute, or a tenth of the shortest life. */
struct channel *channel_open(uv_loop_t *loop, struct kubeapi *api, const struct channel_options *options, const struct channel_hooks *hooks);
/* Leadership has changed: looks at once. */
void channel_lead(struct channel *c);
/* Before kubeapi_close. No hook is called any more. */
void channel_close(struct channel *c, void (*on_closed)(void *owner), void *owner);

#endif
