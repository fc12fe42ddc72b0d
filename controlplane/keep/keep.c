/* One job at a time on the pool: it packs a copy of the archive of its own, seals it and replaces the file. */
#include "keep.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "content_wire.h"
#include "log.h"
#include "mem.h"
#include "proto_data.h"
#include "sealed.h"
#include "weirlock/v1/operate.pb-c.h"

enum {
	TICK_MS = 500,
	QUIET_MS = 2000,           /* after the last change */
	AT_MOST_EVERY_MS = 15000,
	FILE_MAX = 512 * 1024 * 1024
};
#define PURPOSE "weirlock history 1"

struct keep {
	struct keep_options options;
	char purpose[128], history_file[96], pin_file[96], quarantine_file[96]; /* of the pool */
	uv_loop_t *loop;
	uv_timer_t timer;
	unsigned long seen, written; /* versions of the archive */
	unsigned identity_version;   /* that the history is sealed for */
	unsigned pin_version;        /* and the pin */
	uint64_t changed_ms, tried_ms;
	uint64_t n_writes, n_failures, n_refused, size_bytes;
	bool is_in_trouble, is_closing;
	/* the job, while it runs */
	uv_work_t work;
	bool is_busy;
	struct archive *job;
	unsigned long job_version;
	struct sealed_head head;
	uint8_t secret[SEALED_SECRET_SIZE];
	int result;
	size_t result_bytes;
};

/* ------------------------------------------------------------------------------------------------------------- sealing */

static void wipe(struct buf *b)
{
	if (b->ptr)
		mem_wipe(b->ptr, b->len);
	buf_deinit(b);
}

/* A fresh head and the secret for it. */
static bool make_head(struct keep *k, struct sealed_head *head, uint8_t secret[SEALED_SECRET_SIZE])
{
	*head = (struct sealed_head){.schema = CONTENT_SCHEMA, .time_ms = clock_wall_ms()};
	return sealed_salt(head->salt) &&
		rpc_identity_derive(k->options.identity, k->purpose, str_of(head->salt, sizeof(head->salt)), secret, SEALED_SECRET_SIZE);
}

static int write_sealed(const char *directory, const char *name, const struct sealed_head *head,
	const uint8_t secret[SEALED_SECRET_SIZE], struct str plain, size_t *size)
{
	struct buf file;
	int result;

	buf_init(&file, FILE_MAX + SEALED_HEAD_SIZE + SEALED_TAG_SIZE);
	result = sealed_add(head, secret, plain, &file) ? sealed_write_file(directory, name, buf_str(&file)) : -ENOMEM;
	*size = file.len;
	buf_deinit(&file);
	return result;
}

/* The same for who waits for it. */
static int write_now(struct keep *k, const char *name, struct str plain)
{
	uint8_t secret[SEALED_SECRET_SIZE];
	struct sealed_head head;
	int result = -ENOKEY;
	size_t size;

	if (make_head(k, &head, secret))
		result = write_sealed(k->options.directory, name, &head, secret, plain, &size);
	mem_wipe(secret, sizeof(secret));
	return result;
}

/* What is inside a file. False with a reason, or without one when there is no such file. */
static bool read_sealed(struct keep *k, const char *name, struct buf *plain, const char **why)
{
	uint8_t secret[SEALED_SECRET_SIZE];
	struct sealed_head head;
	struct buf file;
	int result;
	bool is_good = false;

	*why = NULL;
	buf_init(&file, FILE_MAX + SEALED_HEAD_SIZE + SEALED_TAG_SIZE);
	result = sealed_read_file(k->options.directory, name, &file);
	if (result)
		*why = result == -ENOENT ? NULL : strerror(-result);
	else if (sealed_head(buf_str(&file), &head, why)) {
		if (head.schema != CONTENT_SCHEMA)
			*why = "it is of another schema: another version of this program wrote it";
		else if (!rpc_identity_derive(k->options.identity, k->purpose, str_of(head.salt, sizeof(head.salt)), secret,
				 sizeof(secret)))
			*why = "no key can be derived from the identity's tls.key";
		else
			is_good = sealed_open(buf_str(&file), secret, plain, why);
	}
	mem_wipe(secret, sizeof(secret));
	k->size_bytes = file.len;
	buf_deinit(&file);
	return is_good;
}

/* ------------------------------------------------------------------------------------------------------------- reading */

static void refuse(struct keep *k, const char *name, const char *why)
{
	k->n_refused++;
	log_error("keep", "what is on disk is not used file=%s/%s: %s", k->options.directory, name, why);
}

void keep_load(struct keep *k)
{
	const char *why;
	struct buf plain;

	buf_init(&plain, FILE_MAX);
	if (!read_sealed(k, k->history_file, &plain, &why)) {
		if (why)
			refuse(k, k->history_file, why);
	} else if (!archive_unpack(k->options.archive, buf_str(&plain), &why)) {
		refuse(k, k->history_file, why);
	}
	k->seen = k->written = archive_version(k->options.archive);
	wipe(&plain);
}

/* Where its values came from, if that was written down. Owned, or NULL. */
static struct origins *read_origins(const Weirlock__V1__Pinned *m)
{
	Weirlock__V1__Snapshot *packed = weirlock__v1__snapshot__unpack(NULL, m->content.len, m->content.data);
	struct origins *origins = packed ? origins_unpack(packed->origins, packed->n_origins) : NULL;

	for (size_t i = 0; packed && i < packed->n_resources; i++) {
		if (packed->resources[i]->body.len) /* may hold a private key */
			mem_wipe(packed->resources[i]->body.data, packed->resources[i]->body.len);
	}
	if (packed)
		weirlock__v1__snapshot__free_unpacked(packed, NULL);
	return origins;
}

static const char *take_pin(const Weirlock__V1__Pinned *m, struct pin *out)
{
	const char *why = NULL;

	*out = (struct pin){.since_ms = m->since_ms, .is_rollback = m->is_rollback};
	out->content = content_unpack(str_of(m->content.data, m->content.len), &why);
	if (!out->content)
		return why;
	out->origins = read_origins(m);
	out->by = mem_strdup(str_from(m->by));
	out->reason = mem_strdup(str_from(m->reason));
	return NULL;
}

bool keep_load_pin(struct keep *k, struct pin *out)
{
	Weirlock__V1__Pinned *m = NULL;
	const char *why;
	struct buf plain;

	buf_init(&plain, FILE_MAX);
	if (read_sealed(k, k->pin_file, &plain, &why)) {
		m = weirlock__v1__pinned__unpack(NULL, plain.len, (const uint8_t *)plain.ptr);
		why = m ? take_pin(m, out) : "it is malformed";
	} else if (!why) {
		why = ""; /* nothing is pinned */
	}
	if (m) {
		if (m->content.len)
			mem_wipe(m->content.data, m->content.len);
		weirlock__v1__pinned__free_unpacked(m, NULL);
	}
	wipe(&plain);
	if (why && *why)
		refuse(k, k->pin_file, why);
	return !why;
}

/* ------------------------------------------------------------------------------------------------------------- the pin */

static int drop_file(struct keep *k, const char *name)
{
	struct buf path = {0};
	int result;

	buf_printf(&path, "%s/%s", k->options.directory, name);
	result = unlink(buf_cstr(&path)) == 0 || errno == ENOENT ? 0 : -errno;
	buf_deinit(&path);
	return result;
}

int keep_pin(struct keep *k, const struct pin *pin)
{
	Weirlock__V1__Pinned m = WEIRLOCK__V1__PINNED__INIT;
	struct content_pack_options options = {0};
	struct arena arena = {0};
	struct buf content, plain;
	int result = -EFBIG;
	char *room;

	if (!pin)
		return drop_file(k, k->pin_file);
	buf_init(&content, FILE_MAX);
	buf_init(&plain, FILE_MAX);
	m.since_ms = pin->since_ms;
	m.by = pin->by;
	m.reason = pin->reason;
	m.is_rollback = pin->is_rollback;
	options.origins = origins_pack(pin->origins, &arena, &options.n_origins);
	if (content_pack(pin->content, &options, &content)) {
		m.content = proto_data(buf_str(&content));
		room = buf_reserve(&plain, weirlock__v1__pinned__get_packed_size(&m) + 1);
		if (room)
			plain.len += weirlock__v1__pinned__pack(&m, (uint8_t *)room);
		if (room)
			result = write_now(k, k->pin_file, buf_str(&plain));
	}
	arena_deinit(&arena);
	wipe(&content);
	wipe(&plain);
	return result;
}

int keep_quarantine(struct keep *k, struct str packed)
{
	return packed.len ? write_now(k, k->quarantine_file, packed) : drop_file(k, k->quarantine_file);
}

bool keep_load_quarantine(struct keep *k, struct buf *out)
{
	const char *why;

	if (read_sealed(k, k->quarantine_file, out, &why))
		return true;
	if (why)
		refuse(k, k->quarantine_file, why);
	return false;
}

/* --------------------------------------------------------------------------------------------------------- the history */

/* On a thread of the pool. */
static void write_it(uv_work_t *work)
{
	struct keep *k = container_of(work, struct keep, work);
	struct buf plain;

	buf_init(&plain, FILE_MAX);
	k->result = archive_pack(k->job, &plain) ? write_sealed(k->options.directory, k->history_file, &k->head, k->secret,
							   buf_str(&plain), &k->result_bytes)
						 : -EFBIG;
	wipe(&plain);
}

static void free_it(uv_handle_t *handle)
{
	mem_free(container_of((uv_timer_t *)handle, struct keep, timer));
}

static void begin(struct keep *k);

static void on_written(uv_work_t *work, int status)
{
	struct keep *k = container_of(work, struct keep, work);

	mem_wipe(k->secret, sizeof(k->secret));
	k->is_busy = false;
	archive_destroy(k->job);
	k->job = NULL;
	if (status == 0)
		status = k->result;
	if (status == 0) {
		if (k->is_in_trouble)
			log_info("keep", "the history is written again");
		k->written = k->job_version;
		k->size_bytes = k->result_bytes;
		k->n_writes++;
	} else {
		if (!k->is_in_trouble)
			log_error("keep", "the history could not be written, the one before stays file=%s/%s: %s", k->options.directory,
				k->history_file, strerror(-status));
		k->n_failures++;
	}
	k->is_in_trouble = status != 0;
	if (k->is_closing && status == 0 && archive_version(k->options.archive) != k->written)
		begin(k);
	else if (k->is_closing)
		uv_close((uv_handle_t *)&k->timer, free_it);
}

static void begin(struct keep *k)
{
	k->tried_ms = clock_mono_ms();
	k->identity_version = rpc_identity_version(k->options.identity);
	k->job = archive_clone(k->options.archive);
	k->job_version = archive_version(k->options.archive);
	k->is_busy = true;
	k->result = -EAGAIN;
	if (!make_head(k, &k->head, k->secret))
		on_written(&k->work, -ENOKEY);
	else if (uv_queue_work(k->loop, &k->work, write_it, on_written) != 0)
		on_written(&k->work, -EAGAIN);
}

static bool is_due(struct keep *k, uint64_t now_ms)
{
	bool is_rotated = rpc_identity_version(k->options.identity) != k->identity_version;

	if (k->seen != archive_version(k->options.archive)) {
		k->seen = archive_version(k->options.archive);
		k->changed_ms = now_ms;
	}
	if (k->seen == k->written && !is_rotated)
		return false;
	return now_ms - k->changed_ms >= QUIET_MS && (is_rotated || !k->tried_ms || now_ms - k->tried_ms >= AT_MOST_EVERY_MS);
}

static void seal_pin_anew(struct keep *k)
{
	const struct pin *pin = k->options.pinned(k->options.owner, k->options.pool);
	int result = pin ? keep_pin(k, pin) : 0;

	k->pin_version = rpc_identity_version(k->options.identity);
	if (result)
		log_error("keep", "the identity is another one, and what is pinned could not be sealed for it: pin it again file=%s/%s: %s",
			k->options.directory, k->pin_file, strerror(-result));
	else if (pin)
		log_info("keep", "the identity is another one: what is pinned is sealed anew");
}

static void on_tick(uv_timer_t *timer)
{
	struct keep *k = container_of(timer, struct keep, timer);

	if (k->options.pinned && k->pin_version != rpc_identity_version(k->options.identity))
		seal_pin_anew(k);

	if (!k->is_busy && is_due(k, clock_mono_ms()))
		begin(k);
}

/* ---------------------------------------------------------------------------------------------------------------- ends */

/* Those of the default pool are as they were before there were others. */
static void name_files(struct keep *k)
{
	const char *pool = k->options.pool && strcmp(k->options.pool, "default") != 0 ? k->options.pool : "";
	const char *dash = pool[0] ? "-" : "";

	snprintf(k->purpose, sizeof(k->purpose), PURPOSE "%s%s", pool[0] ? " " : "", pool);
	snprintf(k->history_file, sizeof(k->history_file), "history%s%s.sealed", dash, pool);
	snprintf(k->pin_file, sizeof(k->pin_file), "pinned%s%s.sealed", dash, pool);
	snprintf(k->quarantine_file, sizeof(k->quarantine_file), "quarantine%s%s.sealed", dash, pool);
}

struct keep *keep_open(uv_loop_t *loop, const struct keep_options *options, struct buf *error)
{
	int result = sealed_directory(options->directory);
	struct keep *k;

	if (result) {
		buf_printf(error, "--state-dir %s: nothing can be kept there: %s", options->directory, strerror(-result));
		return NULL;
	}
	k = mem_zalloc(sizeof(*k));
	k->options = *options;
	name_files(k);
	k->loop = loop;
	k->identity_version = k->pin_version = rpc_identity_version(options->identity);
	uv_timer_init(loop, &k->timer);
	uv_timer_start(&k->timer, on_tick, TICK_MS, TICK_MS);
	return k;
}

void keep_metrics(struct keep *const *keeps, size_t n, struct buf *out)
{
	static const struct {
		const char *name, *type, *help;
	} rows[] = {
		{"weirlock_history_writes_total", "counter", "How often the history was written to disk."},
		{"weirlock_history_failures_total", "counter", "How often it could not be."},
		{"weirlock_history_refused_total", "counter", "What was on disk at the start and was not used."},
		{"weirlock_history_file_bytes", "gauge", "Its size on disk."},
		{"weirlock_history_bytes", "gauge", "In memory, for the past alone."},
	};
	uint64_t sums[sizeof(rows) / sizeof(rows[0])] = {0};
	bool is_kept = false;

	for (size_t i = 0; i < n; i++) {
		const struct keep *k = keeps[i];

		if (!k)
			continue;
		is_kept = true;
		sums[0] += k->n_writes;
		sums[1] += k->n_failures;
		sums[2] += k->n_refused;
		sums[3] += k->size_bytes;
		sums[4] += archive_bytes(k->options.archive);
	}
	for (size_t i = 0; is_kept && i < sizeof(rows) / sizeof(rows[0]); i++)
		buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %llu\n", rows[i].name, rows[i].help, rows[i].name, rows[i].type,
			rows[i].name, (unsigned long long)sums[i]);
}

void keep_close(struct keep *k)
{
	if (!k)
		return;
	k->is_closing = true;
	uv_timer_stop(&k->timer);
	if (k->is_busy)
		return; /* on_written goes on */
	if (archive_version(k->options.archive) != k->written)
		begin(k);
	else
		uv_close((uv_handle_t *)&k->timer, free_it);
}
