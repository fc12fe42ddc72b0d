#ifndef NAMED_H
#define NAMED_H
/* Tells the API server's source what is wanted by name: Secrets of Ingresses of ours, ConfigMaps that the settings name. */
#include "intake.h"
#include "kube.h"
#include "reconcile.h"
#include "store.h"

struct named {
	struct kube *kube;
	struct store *store;
	struct intake *intake;
	const struct reconcile_options *options;
};
/* An event was taken in: what its object names may have changed, and with a class, what all of them do. */
void named_follow(const struct named *n, const struct source_event *e);
/* Of all that is known. */
void named_all(const struct named *n);

#endif
