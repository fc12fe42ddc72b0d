#ifndef STORY_H
#define STORY_H
/* One request as a proxy would take it, told step by step into JSON; what the two explain commands share. */
#include <jansson.h>

#include "asked.h"
#include "judge.h"
#include "view.h"
#include "weirlock/v1/control.pb-c.h"

struct story {
	const struct view *view;
	const struct generation *generation;
	struct asked *asked;
	struct clientaddr_rules rules;
	struct arena arena;
	struct judgement judgement;     /* after the request was judged */
	struct clientaddr_trace trace;
	const Weirlock__V1__LiveResponse *live; /* what the proxy knows of endpoints; NULL: nobody was asked */
	bool is_offline;                /* no controller has put its own default certificate in (F4) */
	json_t *steps;                  /* rows: step, result, why */
};

/* Everything is borrowed; https_port is the proxy's. */
void story_init(struct story *s, const struct view *v, const struct generation *g, struct asked *a, uint16_t https_port);
void story_deinit(struct story *s);

void story_step(struct story *s, const char *step, struct str result, const char *why, ...)
	__attribute__((format(printf, 4, 5)));
/* "key": text. */
void story_text(json_t *object, const char *key, struct str text);
void story_printf(json_t *object, const char *key, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* How a connection begins: listener and PROXY header. False when it ends there, and `answer` says so. */
bool story_tell_connection(struct story *s, json_t *answer);
/* explain_proxy.c: what the PROXY header says, with its TLVs, or what is wrong with it. Owned; NULL when there is none. */
json_t *story_proxy_header(const struct story *s);
/* Fields written as "name: value CRLF", as rows. Owned. */
json_t *story_fields(struct str lines);

/* explain_route.c: hosts and paths as rows, winners and losers. Owned. */
json_t *story_hosts(const struct story *s);
json_t *story_paths(const struct story *s);
/* explain_choice.c: which endpoint and why, for the draw; and a step. */
void story_tell_choice(struct story *s, json_t *root);
/* The random bits of the Nth throw. */
uint64_t story_draw(uint64_t n);
/* explain_settings.c: each effective value of the route and its backend, and where it came from. Owned. */
json_t *story_settings(const struct story *s);

#endif
