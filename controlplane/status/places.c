/* Pods first, then one Node after the other. */
#include "places.h"

#include "map.h"
#include "mem.h"
#include "pods.h"

enum { PODS_BYTES = 64 * 1024 * 1024, NODE_BYTES = 8 * 1024 * 1024 };

struct places {
	struct kubeapi *api;
	struct places_options options;
	struct kubeapi_call *call;
	struct map nodes; /* by name; the value is of no matter */
	size_t cursor;
	struct addresses found;
	struct buf message;
};

static void free_places(struct places *p)
{
	map_deinit(&p->nodes);
	addresses_deinit(&p->found);
	buf_deinit(&p->message);
	mem_free(p);
}

static void end(struct places *p, const struct kubewrite *what, enum feed_outcome outcome)
{
	p->options.on_done(p->options.owner, &p->found, what, outcome, buf_str(&p->message));
	free_places(p);
}

static void end_of_nodes(struct places *p, enum feed_outcome outcome)
{
	const struct kubewrite what = {
		.rule = {"", "nodes", "\"get\"", STR(""), STR("")},
		.does = "the Nodes of the proxies are to be read, because neither --publish-service nor --publish-status-address is given",
		.effect = "the status of Ingresses is left as it is",
	};

	end(p, &what, outcome);
}

static void ask_next(struct places *p);

static void on_node(void *owner, const struct kubeapi_result *r)
{
	struct places *p = owner;
	enum feed_outcome outcome = kubewrite_outcome(r, &p->message);
	json_error_t error;
	json_t *node;

	p->call = NULL;
	if (outcome != FEED_FINE && outcome != FEED_NOT_FOUND) {
		end_of_nodes(p, outcome);
		return;
	}
	node = outcome == FEED_FINE ? json_loadb(r->body.ptr, r->body.len, 0, &error) : NULL;
	addresses_add_node(&p->found, node, p->options.wants_internal);
	json_decref(node);
	buf_clear(&p->message);
	ask_next(p);
}

static void ask(struct places *p, struct str path, size_t max_bytes, kubeapi_done_fn *on_done)
{
	p->call = kubeapi_start(p->api,
		&(struct kubeapi_request){.path = path, .max_bytes = max_bytes, .is_large = max_bytes == PODS_BYTES, .on_done = on_done, .owner = p});
}

static void ask_next(struct places *p)
{
	struct buf path = {0};
	struct str name;
	void *value;

	if (!map_next(&p->nodes, &p->cursor, &name, &value)) {
		end_of_nodes(p, FEED_FINE);
		return;
	}
	buf_add(&path, STR("/api/v1/nodes/"));
	kubeapi_add_escaped(&path, name);
	ask(p, buf_str(&path), NODE_BYTES, on_node);
	buf_deinit(&path);
}

static void on_pods(void *owner, const struct kubeapi_result *r)
{
	struct places *p = owner;
	const struct kubewrite what = {
		.rule = {"", "pods", "\"get\", \"list\"", p->options.namespace_, STR("")},
		.does = "the pods of the proxies are to be listed, because neither --publish-service nor --publish-status-address is given",
		.effect = "the status of Ingresses is left as it is",
	};
	enum feed_outcome outcome = kubewrite_outcome(r, &p->message);
	json_error_t error;
	json_t *list, *pod;
	size_t i;

	p->call = NULL;
	if (outcome != FEED_FINE) {
		end(p, &what, outcome);
		return;
	}
	list = json_loadb(r->body.ptr, r->body.len, 0, &error);
	json_array_foreach(json_object_get(list, "items"), i, pod) {
		if (pod_ready_node(pod).len)
			map_put(&p->nodes, pod_ready_node(pod), p);
	}
	json_decref(list);
	ask_next(p);
}

struct places *places_find(struct kubeapi *api, const struct places_options *options)
{
	struct places *p = mem_zalloc(sizeof(*p));
	struct buf path = {0};

	p->api = api;
	p->options = *options;
	pods_add_path(options->namespace_, options->selector, &path);
	ask(p, buf_str(&path), PODS_BYTES, on_pods);
	buf_deinit(&path);
	return p;
}

void places_cancel(struct places *p)
{
	if (p->call)
		kubeapi_cancel(p->call);
	free_places(p);
}
