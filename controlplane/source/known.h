#ifndef SOURCE_KNOWN_H
#define SOURCE_KNOWN_H
/* The objects of one feed as last sent, so that only what changed is sent, and what a list does not have any more is gone. */
#include <jansson.h>

#include "map.h"
#include "source.h"

struct known_set {
	struct map by_name; /* "namespace/name" → struct known */
	enum object_kind kind;
	unsigned pass;      /* the list that is being read */
	bool keeps_lost;    /* what is deleted is refused instead, so that its last form keeps serving */
	source_event_fn *on_event;
	void *owner;
};

/* An object as the server has it now. False when it is of another kind or has no name. */
bool known_put(struct known_set *set, json_t *json);
bool known_delete(struct known_set *set, json_t *json);
/* A list begins; at its end, what it did not have is deleted. */
void known_begin_list(struct known_set *set);
void known_end_list(struct known_set *set);
/* Deletes all, kept ones too. */
void known_drop_all(struct known_set *set);
/* Forgets all without a word. */
void known_deinit(struct known_set *set);

#endif
