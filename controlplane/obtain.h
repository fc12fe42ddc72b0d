#ifndef OBTAIN_H
#define OBTAIN_H
/* The identity of a controller that finds it in a Secret, before anything else can begin. */
#include "controller.h"

/*
 * Waits until the directory of --identity has one, on a loop of its own; makes it, if this controller leads by then and nobody has
 * (--channel-secrets). EXIT_FINE at once where there is one; or an exit status with a line in `error`.
 * `*is_stopped`: SIGTERM or SIGINT came, and the Lease was given back.
 */
int obtain_identity(const struct controller_options *options, bool *is_stopped, struct buf *error);

#endif
