#ifndef CLOCK_H
#define CLOCK_H
/* Clocks. Rooms that decide take a time as an argument; only rooms that do I/O read these. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "str.h"

uint64_t clock_mono_ms(void);
uint64_t clock_mono_us(void);
/* As clock_mono_ms, but it goes on while the machine sleeps. */
uint64_t clock_boot_ms(void);
/* Unix time. */
uint64_t clock_wall_ms(void);

#define CLOCK_TEXT_MAX 32
/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7). Returns `text`. */
const char *clock_http_date(uint64_t unix_s, char text[CLOCK_TEXT_MAX]);
/* "2026-11-24T10:00:00.123Z". Returns `text`. */
const char *clock_rfc3339(uint64_t unix_ms, char text[CLOCK_TEXT_MAX]);
/* "24/Nov/2026:10:00:00 +0000", the log's $time_local in UTC. Returns `text`. */
const char *clock_log_time(uint64_t unix_s, char text[CLOCK_TEXT_MAX]);
/* RFC 3339 with seconds and Z or an offset, as Kubernetes writes it. */
bool clock_parse_rfc3339(struct str text, int64_t *unix_s);
/* "5s", "3m12s", "2h5m", "4d3h": two units, for people. Returns `text`. */
const char *clock_age(uint64_t age_ms, char text[CLOCK_TEXT_MAX]);

#endif
