/* source → intake → store → reconcile, once, without a loop. */
#include "manifests.h"

#include "clock.h"
#include "command.h"
#include "config.h"
#include "describe.h"
#include "intake.h"
#include "reconcile.h"
#include "snapshot.h"
#include "source.h"
#include "store.h"

static void on_event(void *owner, const struct source_event *event)
{
	intake_take(owner, event);
}

static void set_options(const struct target *t, struct reconcile_options *options)
{
	reconcile_options_init(options);
	if (t->ingress_class)
		options->ingress_class = str_from(t->ingress_class);
	if (t->configmap)
		options->configmap = str_from(t->configmap);
	options->tcp_services_configmap = str_from(t->tcp_services);
	options->udp_services_configmap = str_from(t->udp_services);
	options->enable_ssl_passthrough = t->enable_ssl_passthrough;
	options->now_s = (int64_t)(clock_wall_ms() / 1000);
}

/* As the controller would answer; read back, so that online and offline cannot differ. */
static int answer_problems(const struct problems *list, Weirlock__V1__ProblemsResponse **out)
{
	struct buf packed = {0};

	*out = NULL;
	if (describe_problems(list, &packed))
		*out = weirlock__v1__problems_response__unpack(NULL, packed.len, (const uint8_t *)packed.ptr);
	buf_deinit(&packed);
	return *out ? 0 : command_fail(EXIT_BAD_INPUT, "the problems of the manifests cannot be shown");
}

/* What the controller made must be what a proxy takes: a refusal here is a defect of ours, and is said as such. */
static void add_refusals(struct content *content, struct problems *problems)
{
	struct config_errors errors = {0};
	const struct generation *g = config_compile(content, NULL, &errors);

	for (size_t i = 0; !g && i < errors.n; i++)
		problems_add(problems, &(struct problem){.severity = SEVERITY_FAULT,
					       .object = errors.items[i].name,
					       .field = STR("resource"),
					       .rule = errors.items[i].reason,
					       .fix = STR("please report this: the controller made what the proxy refuses"),
					       .effect = STR("proxies keep their last good snapshot")});
	if (g)
		generation_unref(&g);
	config_errors_deinit(&errors);
}

int manifests_compile(struct target *t, struct buf *packed, Weirlock__V1__ProblemsResponse **problems)
{
	struct store *store = store_create();
	struct reconcile_options options;
	struct intake *intake = intake_create(store, &options);
	struct buf error = {0};
	struct problems found = {0};
	int status = 0;

	set_options(t, &options);
	if (source_files_load(t->manifests.items, t->manifests.n, on_event, intake, &error) != 0) {
		status = command_fail(EXIT_BAD_INPUT, "%s", buf_cstr(&error));
	} else {
		struct snapshot *s;

		intake_retry(intake);
		s = reconcile_build(store, &options, clock_wall_ms(), NULL, &found);
		store_problems(store, &found);
		add_refusals(s->content, &found);
		problems_sort(&found);
		if (packed && !describe_snapshot(s, packed))
			status = command_fail(EXIT_BAD_INPUT, "the snapshot is too large to print");
		if (status == 0 && problems)
			status = answer_problems(&found, problems);
		snapshot_unref(&s);
	}
	problems_deinit(&found);
	intake_destroy(intake);
	store_destroy(store);
	buf_deinit(&error);
	return status;
}
