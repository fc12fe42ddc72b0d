/* Lines through a pipe whose reader is slow, and into a file. */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "accesslog.h"
#include "check.h"

static const struct accesslog_record record = {.status = 200, .reason = END_DONE};

static void test_slow_pipe(void)
{
	struct accesslog_format *f = accesslog_format_create(STR("0123456789 $status $end_reason"), ACCESSLOG_ESCAPE_TEXT, NULL);
	struct accesslog_sink sink;
	struct accesslog log;
	enum { N = 20000 };
	static char bytes[N * 32];
	size_t n_read = 0, n_lines = 0;
	ssize_t n;
	int ends[2];

	check_case("a pipe that nobody reads never blocks");
	CHECK_INT(pipe(ends), 0);
	accesslog_sink_init(&sink, ends[1]);
	accesslog_init(&log, &sink, ACCESSLOG_REQUESTS);
	for (int i = 0; i < N; i++)
		accesslog_write(&log, f, &record);
	CHECK(log.n_dropped > 0);
	CHECK_INT(log.n_written + log.n_dropped, N);
	CHECK(log.lines.len <= ACCESSLOG_BUFFER_MAX);
	CHECK(!accesslog_flush(&log));

	check_case("what was kept comes out whole");
	while (log.lines.len) {
		n = read(ends[0], bytes + n_read, 8192);
		n_read += n > 0 ? (size_t)n : 0;
		accesslog_flush(&log);
	}
	close(ends[1]);
	while ((n = read(ends[0], bytes + n_read, 8192)) > 0)
		n_read += (size_t)n;
	for (struct str rest = str_of(bytes, n_read), line; str_next(&rest, '\n', &line); n_lines++)
		CHECK_STR(line, STR("0123456789 200 done"));
	CHECK_INT(n_lines, log.n_written);
	close(ends[0]);
	accesslog_deinit(&log);
	accesslog_format_destroy(f);
}

static void *release_later(void *sink)
{
	usleep(20000);
	accesslog_sink_release(sink);
	return NULL;
}

static void test_finish(void)
{
	struct accesslog_format *f = accesslog_format_create(STR("$status"), ACCESSLOG_ESCAPE_TEXT, NULL);
	struct accesslog_sink sink;
	struct accesslog log;
	FILE *file = tmpfile();
	pthread_t other;

	check_case("the last lines wait for another worker that writes");
	accesslog_sink_init(&sink, fileno(file));
	accesslog_init(&log, &sink, ACCESSLOG_REQUESTS);
	accesslog_write(&log, f, &record);
	accesslog_sink_hold(&sink);
	CHECK_INT(pthread_create(&other, NULL, release_later, &sink), 0);
	accesslog_finish(&log);
	pthread_join(other, NULL);
	CHECK_INT(lseek(fileno(file), 0, SEEK_CUR), 4);
	accesslog_finish(&log);
	CHECK_INT(lseek(fileno(file), 0, SEEK_CUR), 4);
	accesslog_deinit(&log);
	accesslog_format_destroy(f);
	fclose(file);
}

static void test_file(void)
{
	struct accesslog_format *f = accesslog_format_create(STR("$status"), ACCESSLOG_ESCAPE_TEXT, NULL);
	struct accesslog_sink sink;
	struct accesslog log, off;
	FILE *file = tmpfile();
	char bytes[64] = "";

	check_case("a file");
	accesslog_sink_init(&sink, fileno(file));
	accesslog_init(&log, &sink, ACCESSLOG_REQUESTS);
	CHECK(sink.outs[ACCESSLOG_REQUESTS].is_file);
	accesslog_write(&log, f, &record);
	accesslog_write(&log, f, &record);
	CHECK_INT(pread(fileno(file), bytes, sizeof(bytes), 0), 0);
	CHECK(accesslog_flush(&log));
	CHECK_INT(pread(fileno(file), bytes, sizeof(bytes), 0), 8);
	CHECK_STR(str_of(bytes, 8), STR("200\n200\n"));

	check_case("another worker is writing: later");
	accesslog_write(&log, f, &record);
	CHECK(!atomic_flag_test_and_set(&sink.is_busy));
	CHECK(!accesslog_flush(&log));
	atomic_flag_clear(&sink.is_busy);
	CHECK(accesslog_flush(&log));

	check_case("off");
	accesslog_init(&off, NULL, ACCESSLOG_REQUESTS);
	accesslog_write(&off, f, &record);
	CHECK(accesslog_flush(&off));
	accesslog_deinit(&off);
	accesslog_deinit(&log);
	accesslog_format_destroy(f);
	fclose(file);
}

int main(void)
{
	test_slow_pipe();
	test_file();
	test_finish();
	return check_done();
}
