#ifndef LOG_H
#define LOG_H
/*
 * One line an event on stderr: `2026-11-24T10:00:00.123Z warn publish: proxy refused snapshot name=p1 id=ab12…`.
 * `room` is the room that speaks; the message is plain text followed by key=value pairs, written by the caller, with
 * outside bytes already escaped (buf_add_escaped). Safe from any thread.
 */
#include <stdbool.h>

#include "str.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* "error", "warn", "info", "debug". */
bool log_level_parse(struct str text, enum log_level *out);
void log_set_level(enum log_level level);
void log_set_json(bool is_json);
bool log_is_on(enum log_level level);

void log_error(const char *room, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_warn(const char *room, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_info(const char *room, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_debug(const char *room, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
