/*
 * One job at a time on the pool: it gets a set of its own, whose resources it only reads, and a secret that was derived on the
 * loop. What changes meanwhile waits for the next one.
 */
#include "lastgood.h"

#include <errno.h>

#include "clock.h"
#include "content_wire.h"
#include "head.h"
#include "log.h"
#include "mem.h"
#include "sealed.h"

enum {
	TICK_MS = 500,
	QUIET_MS = 1000,            /* after the last change */
	AT_MOST_EVERY_MS = 5000,
	AGAIN_MS = 10 * 60 * 1000,  /* so that the age on disk is true to this */
	PACKED_MAX = 256 * 1024 * 1024
};
static const char purpose[] = "weirlock last good snapshot 1";

struct lastgood {
	struct lastgood_options options;
	char *directory;
	uv_loop_t *loop;
	uv_timer_t timer;
	unsigned identity_version; /* that the file on disk is sealed for */
	struct content *waiting;   /* to be written; NULL: nothing new */
	struct content *written;   /* on disk; NULL: not written by this process */
	uint64_t changed_ms, tried_ms;   /* mono */
	uint64_t on_disk_ms;       /* wall: the confirmation of what is on disk; 0: nothing readable is there */
	size_t size_bytes;
	uint64_t n_writes, n_failures, n_refused;
	struct buf trouble;
	bool is_closing;
	uint64_t closing_confirmed_ms;
	struct version closing_version;
	/* the job, while it runs */
	uv_work_t work;
	bool is_busy;
	struct content *job;
	struct sealed_head head;
	struct version version; /* of the job */
	uint8_t secret[SEALED_SECRET_SIZE];
	int result;
	size_t result_bytes;
};

static void set_trouble(struct lastgood *l, const char *what, const char *why)
{
	buf_clear(&l->trouble);
	buf_printf(&l->trouble, "%s: %s", what, why);
}

/* ------------------------------------------------------------------------------------------------------------- reading */

static struct content *unseal(struct lastgood *l, struct str file, struct sealed_head *head, struct version *version,
	const char **why)
{
	uint8_t secret[SEALED_SECRET_SIZE];
	struct content *content = NULL;
	struct buf plain;

	buf_init(&plain, PACKED_MAX);
	if (!sealed_head(file, head, why))
		return NULL;
	if (head->schema != CONTENT_SCHEMA)
		*why = head->schema > CONTENT_SCHEMA ? "it is of a later schema: a newer version of this program wrote it" :
						       "it is of an earlier schema: an older version of this program wrote it";
	else if (!rpc_identity_derive(l->options.identity, purpose, str_of(head->salt, sizeof(head->salt)), secret, sizeof(secret)))
		*why = "no key can be derived from the identity's tls.key";
	else if (sealed_open(file, secret, &plain, why))
		content = content_unpack(head_read(buf_str(&plain), version), why);
	mem_wipe(secret, sizeof(secret));
	if (plain.ptr)
		mem_wipe(plain.ptr, plain.len);
	buf_deinit(&plain);
	return content;
}

struct content *lastgood_load(struct lastgood *l, uint64_t *confirmed_ms, struct version *version)
{
	struct sealed_head head = {0};
	struct content *content;
	const char *why = NULL;
	struct buf file;
	int result;

	buf_init(&file, PACKED_MAX);
	result = sealed_read_file(l->directory, LASTGOOD_FILE, &file);
	if (result == -ENOENT) {
		log_info("lastgood", "there is no last good snapshot yet file=%s/%s", l->directory, LASTGOOD_FILE);
		buf_deinit(&file);
		return NULL;
	}
	why = result ? strerror(-result) : NULL;
	content = result ? NULL : unseal(l, buf_str(&file), &head, version, &why);
	if (content) {
		*confirmed_ms = l->on_disk_ms = head.time_ms;
		l->written = content_copy(content);
		l->size_bytes = file.len;
	} else {
		l->n_refused++;
		set_trouble(l, "the last good snapshot on disk is refused", why);
		log_error("lastgood", "the last good snapshot is not used file=%s/%s: %s", l->directory, LASTGOOD_FILE, why);
	}
	buf_deinit(&file);
	return content;
}

/* ------------------------------------------------------------------------------------------------------------- writing */

static uint64_t confirmed_ms(const struct lastgood *l)
{
	return l->is_closing ? l->closing_confirmed_ms : l->options.confirmed_ms(l->options.data);
}

/* On a thread of the pool. */
static void write_it(uv_work_t *work)
{
	struct lastgood *l = container_of(work, struct lastgood, work);
	struct buf packed, file;

	buf_init(&packed, PACKED_MAX);
	buf_init(&file, PACKED_MAX + SEALED_HEAD_SIZE + SEALED_TAG_SIZE);
	head_add(&l->version, &packed);
	if (!content_pack(l->job, NULL, &packed))
		l->result = -EFBIG;
	else if (!sealed_add(&l->head, l->secret, buf_str(&packed), &file))
		l->result = -ENOMEM;
	else
		l->result = sealed_write_file(l->directory, LASTGOOD_FILE, buf_str(&file));
	l->result_bytes = file.len;
	if (packed.ptr)
		mem_wipe(packed.ptr, packed.len);
	buf_deinit(&packed);
	buf_deinit(&file);
}

static void free_it(uv_handle_t *handle)
{
	struct lastgood *l = container_of((uv_timer_t *)handle, struct lastgood, timer);

	content_destroy(l->waiting);
	content_destroy(l->written);
	buf_deinit(&l->trouble);
	mem_free(l->directory);
	mem_free(l);
}

static void begin(struct lastgood *l);

static void succeeded(struct lastgood *l)
{
	char id[16];
	struct content_id done = content_id(l->job);

	content_destroy(l->written);
	l->written = l->job;
	l->on_disk_ms = l->head.time_ms;
	l->size_bytes = l->result_bytes;
	l->n_writes++;
	if (l->trouble.len)
		log_info("lastgood", "the last good snapshot is written again");
	buf_clear(&l->trouble);
	log_debug("lastgood", "written id=%s bytes=%zu", content_id_text(&done, id), l->size_bytes);
}

/* What could not be written is tried again, unless there is news. */
static void failed(struct lastgood *l)
{
	bool is_new = !l->trouble.len;

	set_trouble(l, "the last good snapshot could not be written", strerror(-l->result));
	l->n_failures++;
	if (is_new)
		log_error("lastgood", "the last good snapshot could not be written, the one before stays file=%s/%s: %s",
			l->directory, LASTGOOD_FILE, strerror(-l->result));
	if (l->waiting)
		content_destroy(l->job);
	else
		l->waiting = l->job;
}

static void on_written(uv_work_t *work, int status)
{
	struct lastgood *l = container_of(work, struct lastgood, work);

	mem_wipe(l->secret, sizeof(l->secret));
	l->is_busy = false;
	if (status != 0)
		l->result = status;
	if (l->result == 0)
		succeeded(l);
	else
		failed(l);
	l->job = NULL;
	if (!l->is_closing)
		return;
	if (l->waiting && l->result == 0)
		begin(l);
	else
		uv_close((uv_handle_t *)&l->timer, free_it);
}

/* Takes what waits. */
static void begin(struct lastgood *l)
{
	unsigned version = rpc_identity_version(l->options.identity);

	l->tried_ms = clock_mono_ms();
	l->head = (struct sealed_head){.schema = CONTENT_SCHEMA, .time_ms = confirmed_ms(l)};
	if (l->is_closing)
		l->version = l->closing_version;
	else
		l->options.version(l->options.data, &l->version);
	l->job = l->waiting;
	l->waiting = NULL;
	content_id(l->job); /* computed here: on the thread the set is only read */
	l->result = 0;
	l->is_busy = true;
	if (!sealed_salt(l->head.salt) ||
		!rpc_identity_derive(l->options.identity, purpose, str_of(l->head.salt, sizeof(l->head.salt)), l->secret,
			sizeof(l->secret)))
		on_written(&l->work, -ENOKEY);
	else if (uv_queue_work(l->loop, &l->work, write_it, on_written) != 0)
		on_written(&l->work, -EAGAIN);
	l->identity_version = version;
}

/* What is on disk must be written again though nothing was applied: another identity, or it has grown old. */
static void look_again(struct lastgood *l)
{
	bool is_rotated = rpc_identity_version(l->options.identity) != l->identity_version;

	if (l->waiting || l->is_busy || !l->written)
		return;
	if (!is_rotated && confirmed_ms(l) < l->on_disk_ms + AGAIN_MS)
		return;
	if (is_rotated) {
		log_info("lastgood", "the identity is another one: the last good snapshot is sealed anew");
		l->tried_ms = 0;
	}
	l->waiting = l->written;
	l->written = NULL;
}

static void on_tick(uv_timer_t *timer)
{
	struct lastgood *l = container_of(timer, struct lastgood, timer);
	uint64_t now = clock_mono_ms();

	look_again(l);
	if (l->waiting && !l->is_busy && now - l->changed_ms >= QUIET_MS &&
		(!l->tried_ms || now - l->tried_ms >= AT_MOST_EVERY_MS))
		begin(l);
}

void lastgood_keep(struct lastgood *l, struct content *content)
{
	struct content_id id = content_id(content), before;

	content_destroy(l->waiting);
	l->waiting = NULL;
	if (l->written && (before = content_id(l->written), content_id_eq(&before, &id))) {
		buf_clear(&l->trouble); /* what is on disk is what is served again */
		return;
	}
	l->waiting = content_copy(content);
	l->changed_ms = clock_mono_ms();
}

/* ---------------------------------------------------------------------------------------------------------------- ends */

struct lastgood *lastgood_open(uv_loop_t *loop, const struct lastgood_options *options, struct buf *error)
{
	struct lastgood *l;
	int result = sealed_directory(options->directory);

	if (result) {
		buf_printf(error, "--state-dir %s: nothing can be kept there: %s", options->directory, strerror(-result));
		return NULL;
	}
	l = mem_zalloc(sizeof(*l));
	l->options = *options;
	l->loop = loop;
	l->directory = mem_strdup(str_from(options->directory));
	l->identity_version = rpc_identity_version(options->identity);
	uv_timer_init(loop, &l->timer);
	uv_timer_start(&l->timer, on_tick, TICK_MS, TICK_MS);
	return l;
}

bool lastgood_age_ms(const struct lastgood *l, uint64_t *age_ms)
{
	uint64_t now = clock_wall_ms();

	*age_ms = l->on_disk_ms && now > l->on_disk_ms ? now - l->on_disk_ms : 0;
	return l->on_disk_ms != 0;
}

char *lastgood_trouble(struct lastgood *l)
{
	static char none[] = "";

	buf_cstr(&l->trouble);
	return l->trouble.len ? l->trouble.ptr : none;
}

void lastgood_metrics(const struct lastgood *l, struct buf *out)
{
	uint64_t age_ms;
	const struct {
		const char *name, *type, *help;
		uint64_t value;
	} rows[] = {
		{"weirlock_last_good_writes_total", "counter", "How often the last good snapshot was written.", l->n_writes},
		{"weirlock_last_good_failures_total", "counter", "How often it could not be.", l->n_failures},
		{"weirlock_last_good_refused_total", "counter", "What was on disk at the start and was not used.", l->n_refused},
		{"weirlock_last_good_bytes", "gauge", "Size on disk.", l->size_bytes},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %llu\n", rows[i].name, rows[i].help, rows[i].name, rows[i].type,
			rows[i].name, (unsigned long long)rows[i].value);
	if (lastgood_age_ms(l, &age_ms))
		buf_printf(out,
			"# HELP weirlock_last_good_age_seconds Since a controller confirmed what is on disk.\n"
			"# TYPE weirlock_last_good_age_seconds gauge\nweirlock_last_good_age_seconds %llu\n",
			(unsigned long long)(age_ms / 1000));
}

void lastgood_close(struct lastgood *l)
{
	l->closing_confirmed_ms = confirmed_ms(l);
	l->options.version(l->options.data, &l->closing_version);
	l->is_closing = true;
	uv_timer_stop(&l->timer);
	if (l->is_busy)
		return; /* on_written goes on */
	if (l->waiting)
		begin(l);
	else
		uv_close((uv_handle_t *)&l->timer, free_it);
}
