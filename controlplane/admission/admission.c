/* The server, and what it counts. */
#include "admission.h"

#include "clock.h"
#include "log.h"
#include "mem.h"
#include "opt.h"
#include "review.h"
#include "serve.h"

enum { N_RESULTS = REVIEW_BAD + 1 };

struct admission {
	struct serve *serve;
	struct serve_tls *tls;
	struct store *store;
	const struct reconcile_options *reconcile;
	uint64_t n[N_RESULTS];
	uint64_t spent_us, longest_us;
};

static const char *const result_texts[N_RESULTS] = {"allowed", "denied", "bad"};

static void answer_review(struct admission *a, struct str body, struct serve_answer *answer)
{
	uint64_t start_us = clock_mono_us(), spent_us;
	enum review_result result = review_answer(a->store, a->reconcile, body, &answer->body);

	spent_us = clock_mono_us() - start_us;
	a->n[result]++;
	a->spent_us += spent_us;
	if (spent_us > a->longest_us)
		a->longest_us = spent_us;
	log_debug("admission", "asked result=%s bytes=%zu ms=%.3f", result_texts[result], body.len, (double)spent_us / 1000);
	answer->status = result == REVIEW_BAD ? 400 : 200;
	if (result != REVIEW_BAD)
		answer->type = STR("application/json");
}

static void on_request(void *owner, const struct http_head *head, struct str body, struct serve_answer *answer)
{
	answer->type = STR("text/plain; charset=utf-8");
	if (head->method == HTTP_POST) {
		answer_review(owner, body, answer);
		return;
	}
	answer->status = 405;
	answer->allow = STR("POST");
	buf_add(&answer->body, STR("POST an AdmissionReview\n"));
}

bool admission_open(
	uv_loop_t *loop, const struct admission_options *options, struct buf *error, int *status, struct admission **out)
{
	struct admission *a = mem_zalloc(sizeof(*a));
	struct serve_options serve = {.addr = options->addr, .n_connections = ADMISSION_CONNECTIONS, .body_bytes = ADMISSION_BODY_BYTES,
		.all_body_bytes = ADMISSION_BODIES_BYTES, .timeout_ms = ADMISSION_TIMEOUT_MS, .idle_ms = ADMISSION_IDLE_MS, .owner = a,
		.on_request = on_request};
	char text[ADDR_TEXT_MAX];
	int result = 0;

	*out = NULL;
	a->store = options->store;
	a->reconcile = options->reconcile;
	a->tls = serve.tls = serve_tls_load(options->certificate, options->key, options->client_ca, error);
	if (a->tls)
		result = serve_open(loop, &serve, &a->serve);
	if (a->serve) {
		*out = a;
		return true;
	}
	*status = a->tls ? EXIT_NO_CONNECTION : EXIT_BAD_INPUT;
	if (a->tls)
		buf_printf(error, "--admission %s: %s", addr_text(&options->addr, text), uv_strerror(result));
	serve_tls_destroy(a->tls);
	mem_free(a);
	return false;
}

const struct addr *admission_bound(const struct admission *admission)
{
	return serve_bound(admission->serve);
}

void admission_metrics(const struct admission *a, struct buf *out)
{
	buf_printf(out, "# HELP weirlock_controller_admission_reviews_total What the API server asked, by the answer.\n"
			"# TYPE weirlock_controller_admission_reviews_total counter\n");
	for (size_t i = 0; i < N_RESULTS; i++)
		buf_printf(out, "weirlock_controller_admission_reviews_total{answer=\"%s\"} %llu\n", result_texts[i],
			(unsigned long long)a->n[i]);
	buf_printf(out, "# HELP weirlock_controller_admission_seconds_total Time for all answers.\n"
			"# TYPE weirlock_controller_admission_seconds_total counter\nweirlock_controller_admission_seconds_total %.6f\n",
		(double)a->spent_us / 1e6);
	buf_printf(out, "# HELP weirlock_controller_admission_longest_seconds Time for the slowest of them.\n"
			"# TYPE weirlock_controller_admission_longest_seconds gauge\nweirlock_controller_admission_longest_seconds %.6f\n",
		(double)a->longest_us / 1e6);
}

void admission_leave(struct admission *admission)
{
	if (admission)
		serve_leave(admission->serve);
}

static void on_closed(struct serve *serve, void *owner)
{
	struct admission *a = owner;

	(void)serve;
	serve_tls_destroy(a->tls);
	mem_free(a);
}

void admission_close(struct admission *admission)
{
	if (admission)
		serve_close(admission->serve, on_closed);
}
