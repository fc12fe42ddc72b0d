/*
 * One list-and-watch at work. feed.c says what comes next; here it is asked for, and what comes is handed on. A page is
 * taken apart and freed before the next one is asked for, a watch's line before the next one is looked at.
 */
#include <stdlib.h>

#include "answer.h"
#include "clock.h"
#include "kube_inside.h"
#include "log.h"
#include "mem.h"

enum { PAGE_BYTES = 64 * 1024 * 1024, LINE_BYTES = 8 * 1024 * 1024, PAGE = 500, SILENCE_S = 150, LIVED_MS = 5000 };
enum { MAX_LISTING = 16, WATCH_S = 300 };

static void start(struct stream *s, unsigned wait_ms);

static uint32_t chance(struct kube *k)
{
	k->random = k->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(k->random >> 33);
}

/* -------------------------------------------------------------------------------------------------------- problems */

static void describe(const struct stream *s, struct problems *out)
{
	struct buf field = {0}, needs = {0};

	scope_add_text(&s->scope, &field);
	scope_add_rule(&s->scope, &needs);
	trouble_add(
		&(struct trouble){
			.field = buf_str(&field),
			.does = "list and watch are to work",
			.outcome = s->trouble,
			.message = buf_str(&s->message),
			.needs = buf_str(&needs),
			.effect = s->state.is_listed ? STR("what is known keeps serving; it is tried again")
				: s->is_in           ? STR("the controller goes on without; it is tried again")
						     : STR("nothing is published before it is there; it is tried again"),
		},
		out);
	buf_deinit(&field);
	buf_deinit(&needs);
}

static void send_problems(struct stream *s, const struct problems *problems)
{
	struct buf origin = {0};

	buf_add(&origin, STR("Kubernetes API "));
	scope_add_text(&s->scope, &origin);
	kube_send(s, &(struct source_event){.type = SOURCE_PROBLEMS, .origin = buf_str(&origin), .problems = problems});
	buf_deinit(&origin);
}

static void tell_trouble(struct stream *s, enum feed_outcome outcome)
{
	struct problems problems = {0};
	struct buf text = {0};

	if (s->is_in_trouble && s->trouble == outcome)
		return;
	s->is_in_trouble = true;
	s->trouble = outcome;
	describe(s, &problems);
	if (!s->kube->has_synced) { /* before, nobody else says it */
		problem_text(&problems.items[0], &text);
		log_warn("source", "%s", buf_cstr(&text));
	}
	send_problems(s, &problems);
	problems_deinit(&problems);
	buf_deinit(&text);
}

static void tell_good(struct stream *s)
{
	static const struct problems none;

	if (!s->is_in_trouble)
		return;
	s->is_in_trouble = false;
	buf_clear(&s->message);
	send_problems(s, &none);
}

/* ------------------------------------------------------------------------------------------------- ends of calls */

/* A page that is not there is none to wait for, where others can do without. */
static bool can_do_without(const struct stream *s, enum feed_outcome outcome)
{
	return !s->is_needed && (outcome == FEED_FORBIDDEN || outcome == FEED_NOT_FOUND);
}

static void stop_settling(struct stream *s)
{
	if (s->is_settling)
		s->kube->n_settling--;
	s->is_settling = false;
}

static void become_in(struct stream *s)
{
	if (!s->is_in)
		s->kube->n_missing--;
	s->is_in = true;
	stop_settling(s);
}

static void leave_list(struct stream *s)
{
	if (s->is_listing)
		s->kube->n_listing--;
	s->is_listing = false;
}

static void end(struct stream *s, enum feed_outcome outcome, bool is_last_page, unsigned retry_after_s)
{
	uint64_t lived_ms = clock_mono_ms() - s->began_ms;
	const struct feed_end how = {s->step, outcome, is_last_page, s->has_lines || lived_ms >= LIVED_MS, retry_after_s};
	struct feed_next next = feed_advance(&s->state, &how, chance(s->kube));

	s->call = NULL;
	if (outcome != FEED_FINE && outcome != FEED_EXPIRED)
		s->kube->n_failures++;
	if (feed_is_trouble(&s->state, outcome)) {
		stop_settling(s);
		if (can_do_without(s, outcome))
			become_in(s);
		tell_trouble(s, outcome);
	}
	if (s->is_closing) /* by whoever got the event */
		return;
	log_debug("source", "%s: %s: %s; next in %u ms", object_kind_text(s->scope.kind).ptr,
		s->step == FEED_WATCH ? "watch" : "list", feed_outcome_text(outcome), next.wait_ms);
	if (next.step != FEED_LIST_ON)
		leave_list(s);
	s->step = next.step;
	start(s, next.wait_ms);
	kube_advance(s->kube);
}

static enum feed_outcome take_page(struct stream *s, struct str body, bool *is_last)
{
	struct page page;
	json_t *item;
	uint64_t version;
	size_t i;

	if (!page_read(body, s->scope.kind, &page))
		return FEED_GARBLED;
	if (s->step == FEED_LIST && str_to_u64(page.version, UINT64_MAX, &version))
		kube_note_list(s->kube, s->scope.kind, version);
	json_array_foreach(page.items, i, item) {
		kube_note_change(s->kube, s->scope.kind, version_of_json(item));
		if (!s->is_closing)
			known_put(&s->known, item);
	}
	*is_last = page.go_on.len == 0;
	buf_clear(&s->go_on);
	buf_add(&s->go_on, page.go_on);
	buf_clear(&s->version);
	buf_add(&s->version, page.version);
	page_end(&page);
	return FEED_FINE;
}

static void on_page(void *owner, const struct kubeapi_result *r)
{
	struct stream *s = owner;
	enum feed_outcome outcome;
	bool is_last = false;

	buf_clear(&s->message);
	outcome = feed_outcome_of(r->error, r->status, r->status == 200 ? 0 : status_of_bytes(r->body, &s->message), false);
	if (r->error)
		buf_printf(&s->message, "%s%s", s->message.len ? "; " : "", r->why);
	if (outcome == FEED_FINE)
		outcome = take_page(s, r->body, &is_last);
	if (s->is_closing)
		return;
	if (outcome == FEED_FINE) {
		if (is_last) {
			known_end_list(&s->known);
			become_in(s);
		}
		tell_good(s);
	}
	if (s->is_closing)
		return;
	end(s, outcome, is_last, r->retry_after_s);
}

static void on_watch_open(void *owner)
{
	tell_good(owner);
}

/* What follows a mistake is not believed: the watch is over. */
static void give_up_watch(struct stream *s, unsigned code)
{
	kubeapi_cancel(s->call);
	end(s, feed_outcome_of(0, 200, code, code == 0), false, 0);
}

/* False: it is none of the kind that is watched. */
static bool take_object(struct stream *s, const struct event *e)
{
	uint64_t version = version_of_json(e->object);

	s->kube->n_events++;
	if (e->type == EVENT_BOOKMARK)
		kube_note_seen(s->kube, s->scope.kind, version);
	else
		kube_note_change(s->kube, s->scope.kind, version);
	if (e->type == EVENT_PUT && !known_put(&s->known, e->object))
		return false;
	if (e->type == EVENT_DELETE && !known_delete(&s->known, e->object))
		return false;
	s->has_lines = true;
	buf_clear(&s->version);
	buf_add(&s->version, e->version);
	return true;
}

static void on_event_line(void *owner, struct str line)
{
	struct stream *s = owner;
	unsigned code = 0;
	bool is_good;
	struct event e;

	if (!event_read(line, &e)) {
		give_up_watch(s, 0);
		return;
	}
	if (e.type == EVENT_ERROR) {
		buf_clear(&s->message);
		status_of_json(e.object, &s->message);
		code = e.code ? e.code : 500;
		is_good = false;
	} else {
		is_good = take_object(s, &e);
	}
	event_end(&e);
	if (!is_good && !s->is_closing)
		give_up_watch(s, code);
}

static void on_watch_end(void *owner, const struct kubeapi_result *r)
{
	struct stream *s = owner;
	unsigned code = 0;

	buf_clear(&s->message);
	if (r->status != 200)
		code = status_of_bytes(r->body, &s->message);
	if (r->error)
		buf_printf(&s->message, "%s%s", s->message.len ? "; " : "", r->why);
	end(s, feed_outcome_of(r->error, r->status, code, false), false, r->retry_after_s);
}

/* ----------------------------------------------------------------------------------------------------------- asking */

/* There may be thousands of Secrets that are asked for by name, and a few kinds. */
static bool is_large(const struct stream *s)
{
	return s->scope.name.len == 0;
}

static void ask_list(struct stream *s, struct buf *path)
{
	if (s->step == FEED_LIST) {
		buf_clear(&s->go_on);
		known_begin_list(&s->known);
		s->kube->n_lists++;
	}
	buf_printf(path, "limit=%u", s->state.limit);
	if (s->go_on.len) {
		buf_add(path, STR("&continue="));
		kubeapi_add_escaped(path, buf_str(&s->go_on));
	}
	s->call = kubeapi_start(s->kube->api,
		&(struct kubeapi_request){.path = buf_str(path), .max_bytes = PAGE_BYTES, .is_large = is_large(s), .on_done = on_page,
			.owner = s});
}

static void ask_watch(struct stream *s, struct buf *path)
{
	const struct kube_options *o = &s->kube->options;

	s->kube->n_watches++;
	buf_printf(path, "watch=true&allowWatchBookmarks=true&timeoutSeconds=%u&resourceVersion=", WATCH_S + chance(s->kube) % WATCH_S);
	kubeapi_add_escaped(path, buf_str(&s->version));
	s->call = kubeapi_start(s->kube->api,
		&(struct kubeapi_request){.path = buf_str(path), .max_bytes = LINE_BYTES, .is_large = is_large(s),
			.silence_s = o->silence_s ? o->silence_s : SILENCE_S, .on_open = on_watch_open, .on_line = on_event_line,
			.on_done = on_watch_end, .owner = s});
}

static void ask(struct stream *s)
{
	struct kube *k = s->kube;
	struct buf path = {0};

	if (s->step == FEED_LIST && !s->is_listing) {
		if (k->n_listing >= MAX_LISTING) {
			s->is_waiting_turn = true;
			k->n_waiting_turn++;
			return;
		}
		k->n_listing++;
		s->is_listing = true;
	}
	s->began_ms = clock_mono_ms();
	s->has_lines = false;
	scope_add_path(&s->scope, &path);
	if (s->step == FEED_WATCH)
		ask_watch(s, &path);
	else
		ask_list(s, &path);
	buf_deinit(&path);
}

static void on_timer(uv_timer_t *timer)
{
	ask(container_of(timer, struct stream, timer));
}

void kube_stream_take_turn(struct stream *s)
{
	s->is_waiting_turn = false;
	s->kube->n_waiting_turn--;
	uv_timer_start(&s->timer, on_timer, 0, 0);
}

static void start(struct stream *s, unsigned wait_ms)
{
	if (wait_ms)
		uv_timer_start(&s->timer, on_timer, wait_ms, 0);
	else
		ask(s);
}

/* -------------------------------------------------------------------------------------------------- open and close */

static struct str keep_text(struct stream *s, size_t i, struct str text)
{
	s->texts[i] = mem_strdup(text);
	return str_of(s->texts[i], text.len);
}

static void on_known(void *owner, const struct source_event *e)
{
	kube_send(owner, e);
}

struct stream *kube_stream_open(struct kube *k, const struct scope *scope, bool is_needed)
{
	struct stream *s = mem_zalloc(sizeof(*s));

	s->kube = k;
	s->scope = *scope;
	s->scope.namespace_ = keep_text(s, 0, scope->namespace_);
	s->scope.name = keep_text(s, 1, scope->name);
	s->scope.selector = keep_text(s, 2, scope->selector);
	s->state.limit = k->options.page ? k->options.page : PAGE;
	s->is_needed = is_needed;
	s->known = (struct known_set){.kind = scope->kind, .keeps_lost = scope->kind == KIND_SECRET, .on_event = on_known, .owner = s};
	s->next = k->streams;
	if (s->next)
		s->next->previous = s;
	k->streams = s;
	k->n_open++;
	k->n_missing++;
	k->n_settling++;
	s->is_settling = true;
	uv_timer_init(k->loop, &s->timer);
	uv_timer_start(&s->timer, on_timer, 0, 0);
	return s;
}

static void on_stream_closed(uv_handle_t *handle)
{
	struct stream *s = container_of((uv_timer_t *)handle, struct stream, timer);
	struct kube *k = s->kube;

	known_deinit(&s->known);
	for (size_t i = 0; i < sizeof(s->texts) / sizeof(s->texts[0]); i++)
		mem_free(s->texts[i]);
	buf_deinit(&s->version);
	buf_deinit(&s->go_on);
	buf_deinit(&s->message);
	mem_free(s);
	k->n_open--;
	kube_advance(k);
}

void kube_stream_close(struct stream *s, bool says_so)
{
	struct kube *k = s->kube;

	if (s->is_closing)
		return;
	if (says_so) {
		known_drop_all(&s->known);
		tell_good(s);
	}
	s->is_closing = true;
	if (s->call)
		kubeapi_cancel(s->call);
	become_in(s);
	leave_list(s);
	if (s->is_waiting_turn)
		k->n_waiting_turn--;
	s->is_waiting_turn = false;
	if (s->previous)
		s->previous->next = s->next;
	else
		k->streams = s->next;
	if (s->next)
		s->next->previous = s->previous;
	uv_close((uv_handle_t *)&s->timer, on_stream_closed);
}
