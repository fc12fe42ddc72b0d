#ifndef NAMES_H
#define NAMES_H
/*
 * What the host names among URLs stand for: a headless Service has an address for each controller. Addresses are what they are;
 * of a name that has some of both families those of IPv4 are taken, so that no controller is there twice.
 */
#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

struct names;

/* `url` is tcp://NAME:PORT, with a name and no address. */
bool names_is_one(const char *url);
/*
 * `on_found` comes from the loop with URLs of addresses, borrowed; `why` is NULL then. It is not called before names_ask, and not
 * after names_close.
 */
typedef void names_found_fn(void *owner, size_t place, const char *const *urls, size_t n, const char *why);
struct names *names_open(uv_loop_t *loop, names_found_fn *on_found, void *owner);
/* Asks what the name in `url` stands for now, unless that is being asked. */
void names_ask(struct names *names, size_t place, const char *url);
void names_close(struct names *names);

#endif
