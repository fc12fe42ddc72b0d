#ifndef FRAMES_H
#define FRAMES_H
/* What both ends of HTTP/2 ask of nghttp2 alike. */
#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

/* What fields mean, and when a body is acknowledged, is ours to say; frames of kinds that nobody knows are shown, to be counted. Owned. */
nghttp2_option *frames_options(void);
/* Empties `out`, then fills it with frames until there are no more or enough for one write. False: the session failed. */
bool frames_collect(nghttp2_session *session, struct buf *out, size_t enough);

/*
 * What a frame that begins costs whoever takes it beside what it brings: 0 for heads, bodies, resets and the end, which other
 * bounds hold. To be spent from a budget.
 */
uint32_t frames_cost(const nghttp2_frame_hd *hd);

#endif
