/* Paths of the access log: files that are made, moved, missing, and no files. */
#include "places.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

static char directory[] = "/tmp/test_places_XXXXXX";

static struct str path_of(const char *name, char out[64])
{
	snprintf(out, 64, "%s/%s", directory, name);
	return str_from(out);
}

static void say(struct accesslog *log, const char *line)
{
	accesslog_write_line(log, str_from(line));
	CHECK(accesslog_flush(log));
}

static void check_holds(struct str path, const char *text)
{
	char bytes[256] = "";
	FILE *f = fopen(path.ptr, "r");

	CHECK(f);
	if (!f)
		return;
	CHECK_STR(str_of(bytes, fread(bytes, 1, sizeof(bytes), f)), str_from(text));
	fclose(f);
}

static void set(struct accesslog_places *p, enum accesslog_kind kind, struct str path)
{
	accesslog_sink_hold(p->sink);
	accesslog_places_set(p, kind, path);
	accesslog_sink_release(p->sink);
}

int main(void)
{
	struct accesslog_sink sink;
	struct accesslog_places places;
	struct accesslog requests, sessions;
	char a[64], b[64], gone[64], pipe_path[64];
	struct str path_a, path_b, path_gone, path_pipe;

	CHECK(mkdtemp(directory));
	path_a = path_of("a.log", a);
	path_b = path_of("b.log", b);
	path_gone = path_of("a.log.1", gone);
	path_pipe = path_of("pipe", pipe_path);
	accesslog_places_init(&places, &sink);
	accesslog_init(&requests, &sink, ACCESSLOG_REQUESTS);
	accesslog_init(&sessions, &sink, ACCESSLOG_SESSIONS);
	CHECK_INT(sink.outs[ACCESSLOG_REQUESTS].fd, STDOUT_FILENO);

	check_case("a file each, and one for both");
	set(&places, ACCESSLOG_REQUESTS, path_a);
	set(&places, ACCESSLOG_SESSIONS, path_b);
	say(&requests, "one\n");
	say(&sessions, "two\n");
	check_holds(path_a, "one\n");
	check_holds(path_b, "two\n");
	set(&places, ACCESSLOG_SESSIONS, path_a);
	say(&sessions, "three\n");
	say(&requests, "four\n");
	check_holds(path_a, "one\nthree\nfour\n");

	check_case("a file that was moved is made again, one that was cut short goes on");
	CHECK_INT(rename(a, gone), 0);
	say(&requests, "late\n");
	accesslog_places_check(&places);
	say(&requests, "five\n");
	say(&sessions, "six\n");
	check_holds(path_gone, "one\nthree\nfour\nlate\n");
	check_holds(path_a, "five\nsix\n");
	CHECK_INT(truncate(a, 0), 0);
	accesslog_places_check(&places);
	say(&requests, "seven\n");
	check_holds(path_a, "seven\n");

	CHECK(accesslog_places_has_files(&places));
	check_case("what is no file, and a directory that is not there, are stdout until they can be opened");
	CHECK_INT(mkfifo(pipe_path, 0600), 0);
	set(&places, ACCESSLOG_REQUESTS, path_pipe);
	CHECK_INT(sink.outs[ACCESSLOG_REQUESTS].fd, STDOUT_FILENO);
	accesslog_places_check(&places);
	CHECK_INT(sink.outs[ACCESSLOG_REQUESTS].fd, STDOUT_FILENO);
	CHECK_INT(unlink(pipe_path), 0);
	accesslog_places_check(&places);
	say(&requests, "eight\n");
	check_holds(path_pipe, "eight\n");

	check_case("the process's own");
	set(&places, ACCESSLOG_SESSIONS, STR(""));
	set(&places, ACCESSLOG_REQUESTS, STR("/dev/stderr"));
	CHECK(!accesslog_places_has_files(&places));
	CHECK_INT(sink.outs[ACCESSLOG_REQUESTS].fd, STDERR_FILENO);
	set(&places, ACCESSLOG_REQUESTS, STR("/dev/stdout"));
	CHECK_INT(sink.outs[ACCESSLOG_REQUESTS].fd, STDOUT_FILENO);
	set(&places, ACCESSLOG_REQUESTS, STR(""));
	accesslog_places_check(&places);
	CHECK_INT(sink.outs[ACCESSLOG_REQUESTS].fd, STDOUT_FILENO);

	accesslog_deinit(&requests);
	accesslog_deinit(&sessions);
	accesslog_places_deinit(&places);
	CHECK_INT(unlink(a) | unlink(b) | unlink(gone) | unlink(pipe_path), 0);
	CHECK_INT(rmdir(directory), 0);
	return check_done();
}
