/*
 * The first start of all: whoever gets the Lease makes the Secrets and gives the Lease back, the others wait for them. The
 * controller proper, with its admin port and its own leadership, comes after that.
 */
#include "obtain.h"

#include <signal.h>
#include <unistd.h>

#include "channel.h"
#include "log.h"
#include "opt.h"
#include "problem.h"

struct obtaining {
	uv_loop_t loop;
	struct kubeapi *api;
	struct leader *leader;
	struct channel *channel;
	uv_signal_t term, interrupt;
	bool is_stopped;
};

static bool has_identity(const char *directory)
{
	static const char *const names[] = {"tls.crt", "tls.key", "ca.crt"};
	bool has_all = true;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && has_all; i++) {
		struct buf path = {0};

		buf_printf(&path, "%s/%s", directory, names[i]);
		has_all = access(buf_cstr(&path), R_OK) == 0;
		buf_deinit(&path);
	}
	return has_all;
}

static bool leads(void *owner)
{
	const struct obtaining *o = owner;

	return o->leader && leader_leads(o->leader);
}

static void on_change(void *owner, bool is_leading)
{
	struct obtaining *o = owner;

	if (is_leading && o->channel)
		channel_lead(o->channel);
}

static void on_problems(void *owner, struct str origin, const struct problems *problems)
{
	(void)owner;
	(void)origin;
	for (size_t i = 0; i < problems->n; i++) {
		struct buf text = {0};

		problem_text(&problems->items[i], &text);
		log_warn("controller", "waiting for the identity of the channel: %s", buf_cstr(&text));
		buf_deinit(&text);
	}
}

static void on_leader_closed(void *owner)
{
	struct obtaining *o = owner;

	kubeapi_close(o->api, NULL, NULL);
}

static void on_channel_closed(void *owner)
{
	struct obtaining *o = owner;

	if (o->leader)
		leader_close(o->leader, on_leader_closed, o);
	else
		on_leader_closed(o);
}

static void on_files(void *owner)
{
	struct obtaining *o = owner;

	if (o->channel)
		channel_close(o->channel, on_channel_closed, o);
	o->channel = NULL;
}

/* As process 1 of a pod it would not even be ended. */
static void on_signal(uv_signal_t *handle, int number)
{
	struct obtaining *o = handle->data;

	(void)number;
	o->is_stopped = true;
	on_files(o);
}

static void watch_signal(struct obtaining *o, uv_signal_t *handle, int number)
{
	uv_signal_init(&o->loop, handle);
	handle->data = o;
	uv_signal_start(handle, on_signal, number);
	uv_unref((uv_handle_t *)handle);
}

int obtain_identity(const struct controller_options *options, bool *is_stopped, struct buf *error)
{
	struct obtaining o = {0};

	if (!options->writes.channel_secrets || has_identity(options->identity))
		return EXIT_FINE;
	uv_loop_init(&o.loop);
	if (!kubeapi_open(&o.loop, &(struct kubeapi_options){options->kubeconfig, options->context}, error, &o.api)) {
		uv_loop_close(&o.loop);
		return EXIT_BAD_INPUT;
	}
	log_info("controller", "the identity of the channel is taken from Secrets that the leader makes");
	o.leader = writes_open_leader(&options->writes, &o.loop, o.api, &(struct leader_hooks){&o, on_change, on_problems});
	o.channel = writes_open_channel(&options->writes, &options->pools, &o.loop, o.api, options->identity,
		&(struct channel_hooks){&o, leads, on_problems, on_files});
	watch_signal(&o, &o.term, SIGTERM);
	watch_signal(&o, &o.interrupt, SIGINT);
	uv_run(&o.loop, UV_RUN_DEFAULT);
	uv_close((uv_handle_t *)&o.term, NULL);
	uv_close((uv_handle_t *)&o.interrupt, NULL);
	uv_run(&o.loop, UV_RUN_DEFAULT);
	uv_loop_close(&o.loop);
	*is_stopped = o.is_stopped;
	return EXIT_FINE;
}
