/* Our own pod for its labels, then all that have them. */
#include "others.h"

#include "mem.h"
#include "pods.h"

enum { PODS_BYTES = 64 * 1024 * 1024 };

struct others {
	struct kubeapi *api;
	struct str namespace_, pod;
	others_done_fn *on_done;
	void *owner;
	struct kubeapi_call *call;
	struct buf message;
};

static void free_others(struct others *o)
{
	buf_deinit(&o->message);
	mem_free(o);
}

static void end(struct others *o, bool has_others, enum feed_outcome outcome)
{
	const struct kubewrite what = {
		.rule = {"", "pods", "\"get\", \"list\"", o->namespace_, STR("")},
		.does = "pods are to be listed, to know whether another controller runs",
		.effect = "the status of Ingresses is not cleared",
		.is_last = true,
	};

	o->on_done(o->owner, has_others, &what, outcome, buf_str(&o->message));
	free_others(o);
}

static void ask(struct others *o, struct str path, kubeapi_done_fn *on_done)
{
	o->call = kubeapi_start(o->api, &(struct kubeapi_request){.path = path, .max_bytes = PODS_BYTES, .is_large = true, .on_done = on_done,
						.owner = o});
}

/* The answer as JSON; NULL: it has ended. */
static json_t *take(struct others *o, const struct kubeapi_result *r)
{
	enum feed_outcome outcome = kubewrite_outcome(r, &o->message);
	json_error_t error;
	json_t *json = outcome == FEED_FINE ? json_loadb(r->body.ptr, r->body.len, 0, &error) : NULL;

	o->call = NULL;
	if (!json)
		end(o, false, outcome == FEED_FINE ? FEED_GARBLED : outcome);
	return json;
}

static void on_list(void *owner, const struct kubeapi_result *r)
{
	struct others *o = owner;
	json_t *list = take(o, r), *pod;
	bool has_others = false;
	size_t i;

	if (!list)
		return;
	json_array_foreach(json_object_get(list, "items"), i, pod)
		has_others = has_others || pod_is_another(pod, o->pod);
	json_decref(list);
	end(o, has_others, FEED_FINE);
}

static void on_own(void *owner, const struct kubeapi_result *r)
{
	struct others *o = owner;
	json_t *pod = take(o, r);
	struct buf selector = {0}, path = {0};

	if (!pod)
		return;
	pod_add_selector(pod, &selector);
	json_decref(pod);
	if (selector.len) {
		pods_add_path(o->namespace_, buf_str(&selector), &path);
		ask(o, buf_str(&path), on_list);
	} else {
		end(o, false, FEED_FINE); /* without labels, nobody is like it */
	}
	buf_deinit(&selector);
	buf_deinit(&path);
}

struct others *others_find(struct kubeapi *api, struct str namespace_, struct str pod, others_done_fn *on_done, void *owner)
{
	struct others *o = mem_zalloc(sizeof(*o));
	struct buf path = {0};

	o->api = api;
	o->namespace_ = namespace_;
	o->pod = pod;
	o->on_done = on_done;
	o->owner = owner;
	buf_add(&path, STR("/api/v1/namespaces/"));
	kubeapi_add_escaped(&path, namespace_);
	buf_add(&path, STR("/pods/"));
	kubeapi_add_escaped(&path, pod);
	ask(o, buf_str(&path), on_own);
	buf_deinit(&path);
	return o;
}

void others_cancel(struct others *o)
{
	if (o->call)
		kubeapi_cancel(o->call);
	free_others(o);
}
