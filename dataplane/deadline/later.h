#ifndef LATER_H
#define LATER_H
/*
 * Work put off to the end of this turn of the loop, when all that came in it has been looked at: what many requests or
 * answers write can then leave together.
 */
#include <stdbool.h>

/* Zeroed waits for nothing. Lives in its owner; later_forget before that memory goes. */
struct later {
	struct later *next;
	void (*run)(struct later *later);
	bool is_waiting;
};

struct laters {
	struct later *first, **end;
};

void laters_init(struct laters *all);
/* Runs it once before the loop waits again; what is put off meanwhile runs then too. */
void later_put_off(struct laters *all, struct later *later);
/* It will not run: its memory may go. */
void later_forget(struct laters *all, struct later *later);
/* For who owns the loop, before it waits. */
void laters_run(struct laters *all);

#endif
