#ifndef STATUS_PODS_H
#define STATUS_PODS_H
/* Pods as far as status needs them. No I/O. */
#include <jansson.h>
#include <stdbool.h>

#include "buf.h"
#include "str.h"

/* The Node of a pod that runs, is ready and is not about to go; "" of others. Borrowed from `pod`. */
struct str pod_ready_node(json_t *pod);
/* Whether it runs, or is about to, and its name is not `name`. */
bool pod_is_another(json_t *pod, struct str name);
/* The selector "a=b,c=d" of all pods that are alike: its labels, without those that tell one rollout from another. */
void pod_add_selector(json_t *pod, struct buf *out);
/* "/api/v1/namespaces/ns/pods?labelSelector=…" */
void pods_add_path(struct str namespace_, struct str selector, struct buf *out);

#endif
