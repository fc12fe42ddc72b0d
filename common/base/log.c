/* One write(2) a line, so that lines of different threads never mix. */
#include "log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"

static const char *const level_names[] = {"error", "warn", "info", "debug"};
static _Atomic int current_level = LOG_INFO;
static atomic_bool as_json;

bool log_level_parse(struct str text, enum log_level *out)
{
	for (int i = LOG_ERROR; i <= LOG_DEBUG; i++) {
		if (str_eq(text, str_from(level_names[i]))) {
			*out = (enum log_level)i;
			return true;
		}
	}
	return false;
}

void log_set_level(enum log_level level)
{
	atomic_store(&current_level, (int)level);
}

void log_set_json(bool is_json)
{
	atomic_store(&as_json, is_json);
}

bool log_is_on(enum log_level level)
{
	return (int)level <= atomic_load_explicit(&current_level, memory_order_relaxed);
}

__attribute__((format(printf, 3, 0))) /* clang asks for it */
static void emit(enum log_level level, const char *room, const char *format, va_list args)
{
	char time[CLOCK_TEXT_MAX];
	struct buf message = {0}, line = {0};
	ssize_t written;

	if (!log_is_on(level))
		return;
	clock_rfc3339(clock_wall_ms(), time);
	buf_vprintf(&message, format, args);
	if (atomic_load(&as_json)) {
		buf_printf(&line, "{\"time\":\"%s\",\"level\":\"%s\",\"room\":\"%s\",\"message\":", time,
			level_names[level], room);
		buf_add_json(&line, buf_str(&message));
		buf_add(&line, STR("}\n"));
	} else {
		buf_printf(&line, "%s %s %s: %.*s\n", time, level_names[level], room, STR_ARG(buf_str(&message)));
	}
	written = write(STDERR_FILENO, line.ptr, line.len);
	(void)written; /* nobody is left to be told */
	buf_deinit(&message);
	buf_deinit(&line);
}

#define LOG_FUNCTION(name, level)                        \
	void name(const char *room, const char *format, ...) \
	{                                                    \
		va_list args;                                \
		va_start(args, format);                      \
		emit(level, room, format, args);             \
		va_end(args);                                \
	}

LOG_FUNCTION(log_error, LOG_ERROR)
LOG_FUNCTION(log_warn, LOG_WARN)
LOG_FUNCTION(log_info, LOG_INFO)
LOG_FUNCTION(log_debug, LOG_DEBUG)
