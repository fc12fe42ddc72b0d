#ifndef READING_H
#define READING_H
/* What a command was given, as the proxy's own rooms read it. */
#include "config.h"
#include "view.h"

/*
 * The view's snapshot compiled as a proxy compiles it, for reading: no key is in it. 0 and one reference, or the exit status
 * after a line on stderr.
 */
int reading_compile(const struct view *v, const struct generation **out);
/* The same with other settings (borrowed) in place of the view's. */
int reading_compile_with(
	const struct view *v, const Weirlock__V1__Settings *settings, const struct generation **out);

#endif
