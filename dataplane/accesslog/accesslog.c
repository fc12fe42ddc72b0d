/*
 * Lines of one worker on their way to the descriptor that all share. The descriptor may be a pipe that someone else holds
 * too, so it is never made non-blocking: instead one worker at a time asks poll, and writes no more than a pipe that is
 * writable takes at once. A reader that does not keep up costs lines, which are counted, and never holds a worker.
 */
#include "accesslog.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert((int)ACCESSLOG_LINE_MAX <= PIPE_BUF, "a line is one atomic write on a pipe");

void accesslog_sink_init(struct accesslog_sink *sink, int fd)
{
	for (int kind = 0; kind < ACCESSLOG_KINDS; kind++)
		accesslog_sink_turn(sink, (enum accesslog_kind)kind, fd);
	atomic_flag_clear(&sink->is_busy);
}

void accesslog_sink_turn(struct accesslog_sink *sink, enum accesslog_kind kind, int fd)
{
	struct stat st;

	sink->outs[kind] = (struct accesslog_out){.fd = fd, .is_file = fstat(fd, &st) == 0 && S_ISREG(st.st_mode)};
}

void accesslog_sink_hold(struct accesslog_sink *sink)
{
	while (atomic_flag_test_and_set(&sink->is_busy))
		sched_yield();
}

void accesslog_sink_release(struct accesslog_sink *sink)
{
	atomic_flag_clear(&sink->is_busy);
}

void accesslog_init(struct accesslog *log, struct accesslog_sink *sink, enum accesslog_kind kind)
{
	*log = (struct accesslog){.sink = sink, .kind = kind};
	buf_init(&log->lines, ACCESSLOG_BUFFER_MAX);
}

void accesslog_deinit(struct accesslog *log)
{
	buf_deinit(&log->lines);
	*log = (struct accesslog){0};
}

static void note_line(struct accesslog *log, bool is_added)
{
	if (is_added)
		log->n_written++;
	else
		log->n_dropped++;
	if (log->lines.len >= ACCESSLOG_FLUSH_BYTES)
		accesslog_flush(log);
}

void accesslog_write(struct accesslog *log, const struct accesslog_format *format, const struct accesslog_record *record)
{
	if (log->sink)
		note_line(log, accesslog_format_line(format, record, &log->lines));
}

void accesslog_write_line(struct accesslog *log, struct str line)
{
	if (log->sink)
		note_line(log, line.len <= ACCESSLOG_LINE_MAX && buf_add(&log->lines, line));
}

/* As many whole lines as may be written at once. */
static struct str next_chunk(const struct accesslog *log, const struct accesslog_out *out)
{
	struct str all = buf_str(&log->lines), chunk = all;

	if (out->is_file || all.len <= ACCESSLOG_LINE_MAX)
		return all;
	chunk = str_first(all, ACCESSLOG_LINE_MAX);
	return str_first(chunk, str_rfind(chunk, '\n') + 1);
}

static bool is_writable(const struct accesslog_out *out)
{
	struct pollfd p = {.fd = out->fd, .events = POLLOUT};

	return out->is_file || (poll(&p, 1, 0) == 1 && (p.revents & POLLOUT));
}

static void drop_all(struct accesslog *log)
{
	struct str rest = buf_str(&log->lines), line;

	while (str_next(&rest, '\n', &line))
		log->n_dropped++;
	buf_clear(&log->lines);
}

static void write_lines(struct accesslog *log)
{
	const struct accesslog_out *out = &log->sink->outs[log->kind];

	while (log->lines.len && is_writable(out)) {
		struct str chunk = next_chunk(log, out);
		ssize_t n = write(out->fd, chunk.ptr, chunk.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			/* EAGAIN: later; anything else (reader gone, disk full) will not get better for these lines */
			if (errno != EAGAIN)
				drop_all(log);
			return;
		}
		buf_consume(&log->lines, (size_t)n);
	}
}

bool accesslog_flush(struct accesslog *log)
{
	if (!log->sink || log->lines.len == 0)
		return true;
	if (atomic_flag_test_and_set(&log->sink->is_busy))
		return false;
	write_lines(log);
	atomic_flag_clear(&log->sink->is_busy);
	return log->lines.len == 0;
}

void accesslog_finish(struct accesslog *log)
{
	if (!log->sink || log->lines.len == 0)
		return;
	accesslog_sink_hold(log->sink);
	write_lines(log);
	accesslog_sink_release(log->sink);
}
