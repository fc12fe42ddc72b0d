#ifndef SOURCE_KUBE_INSIDE_H
#define SOURCE_KUBE_INSIDE_H
/* What kube.c (which feeds there are) and stream.c (one feed at work) share. */
#include "feed.h"
#include "known.h"
#include "kube.h"
#include "where.h"

/* One list-and-watch. */
struct stream {
	struct kube *kube;
	struct stream *previous, *next;
	struct scope scope; /* its texts are ours */
	char *texts[3];
	struct feed_state state;
	enum feed_step step;     /* that runs, or comes next */
	struct known_set known;
	struct buf version;      /* to watch from */
	struct buf go_on;        /* the continue token */
	struct kubeapi_call *call;
	uv_timer_t timer;        /* the back-off */
	uint64_t began_ms;       /* the call */
	bool has_lines;          /* in this watch */
	struct buf message;      /* of the server, about the last refusal */
	bool is_in;              /* all that it can give is in, for the first time */
	bool is_settling;        /* not in, and nothing is the matter */
	bool is_needed;          /* without it nothing is published */
	bool is_listing;         /* counted in kube->n_listing */
	bool is_waiting_turn;    /* for a list: others are at it */
	bool is_in_trouble;      /* a problem stands */
	enum feed_outcome trouble;
	bool is_closing;
	unsigned n_wanting;      /* readers; of a stream that was asked for by name */
};

struct kube {
	uv_loop_t *loop;
	struct kubeapi *api;
	struct kube_options options;
	source_event_fn *on_event;
	void *owner;
	struct stream *streams;
	struct map wants;      /* reader → struct wants */
	struct map by_name;    /* object key → struct stream */
	unsigned n_listing, n_waiting_turn;
	unsigned n_missing;    /* streams that are not in */
	unsigned n_settling;   /* of these, those that are on their way without trouble */
	bool has_listed, has_synced, is_closing;
	uint64_t random;
	unsigned n_open;       /* streams, closing ones too */
	void (*on_closed)(void *owner);
	struct kube_mark marks[KIND_COUNT];
	uint64_t n_lists, n_watches, n_events, n_failures;
};

/* Starts on the loop's next turn. Texts of `scope` are copied. */
struct stream *kube_stream_open(struct kube *kube, const struct scope *scope, bool is_needed);
/* Deletes what it gave, if `says_so`, and goes away. */
void kube_stream_close(struct stream *s, bool says_so);
/* It was waiting for its turn to list, and has it. */
void kube_stream_take_turn(struct stream *s);

/* To kube.c: a stream is in, or something happened that may let others go on. */
void kube_advance(struct kube *kube);
/* Something of the kind changed to this version. */
void kube_note_change(struct kube *kube, enum object_kind kind, uint64_t version);
/* All of the kind up to this version was seen. */
void kube_note_seen(struct kube *kube, enum object_kind kind, uint64_t version);
/* A list begins, as of this version: what was seen of a cluster that was restored since is not to be compared with it. */
void kube_note_list(struct kube *kube, enum object_kind kind, uint64_t version);
/* An event of a stream. */
void kube_send(struct stream *s, const struct source_event *event);

#endif
