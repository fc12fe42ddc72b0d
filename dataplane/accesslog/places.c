/* Names of places, and the files that are open for them. */
#include "places.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "mem.h"

void accesslog_places_init(struct accesslog_places *places, struct accesslog_sink *sink)
{
	*places = (struct accesslog_places){.sink = sink};
	for (int kind = 0; kind < ACCESSLOG_KINDS; kind++)
		places->items[kind].fd = -1;
	accesslog_sink_init(sink, STDOUT_FILENO);
}

static void drop(struct accesslog_place *place)
{
	if (place->fd >= 0)
		close(place->fd);
	place->fd = -1;
}

void accesslog_places_deinit(struct accesslog_places *places)
{
	if (!places->sink) /* it was not opened so far */
		return;
	for (int kind = 0; kind < ACCESSLOG_KINDS; kind++) {
		drop(&places->items[kind]);
		mem_free(places->items[kind].path);
	}
	*places = (struct accesslog_places){0};
}

static bool is_stderr(const char *path)
{
	return strcmp(path, "/dev/stderr") == 0;
}

static bool is_file(const char *path)
{
	return path && !is_stderr(path) && strcmp(path, "/dev/stdout") != 0;
}

/* A pipe without a reader must not hold anybody, hence O_NONBLOCK. The descriptor, or a negative errno. */
static int open_file(const char *path, struct stat *st)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
	int error = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, st) != 0)
		error = -errno;
	else if (!S_ISREG(st->st_mode))
		error = -EINVAL;
	if (error == 0)
		return fd;
	close(fd);
	return error;
}

void accesslog_places_set(struct accesslog_places *places, enum accesslog_kind kind, struct str path)
{
	struct accesslog_place *place = &places->items[kind];
	struct stat st;
	int fd;

	if (str_eq(path, place->path ? str_from(place->path) : STR("")))
		return;
	mem_free(place->path);
	place->path = path.len ? mem_strdup(path) : NULL;
	fd = is_file(place->path) ? open_file(place->path, &st) : -1;
	accesslog_sink_turn(places->sink, kind, fd >= 0 ? fd : place->path && is_stderr(place->path) ? STDERR_FILENO : STDOUT_FILENO);
	drop(place);
	if (fd >= 0) {
		*place = (struct accesslog_place){place->path, fd, st.st_dev, st.st_ino};
		log_info("accesslog", "%s go to a file path=%s", kind == ACCESSLOG_REQUESTS ? "requests" : "sessions", place->path);
	} else if (is_file(place->path)) {
		log_warn("accesslog", "lines go to stdout: cannot write path=%s error=\"%s\"; name a regular file in a directory that the "
			"proxy may write in", place->path, fd == -EINVAL ? "not a regular file" : strerror(-fd));
	}
}

bool accesslog_places_has_files(const struct accesslog_places *places)
{
	for (int kind = 0; kind < ACCESSLOG_KINDS; kind++) {
		if (is_file(places->items[kind].path))
			return true;
	}
	return false;
}

static bool is_there(const struct accesslog_place *place)
{
	struct stat st;

	return place->fd >= 0 && stat(place->path, &st) == 0 && st.st_dev == place->device && st.st_ino == place->inode;
}

static void check_place(struct accesslog_places *places, enum accesslog_kind kind)
{
	struct accesslog_place *place = &places->items[kind];
	struct stat st;
	int fd;

	if (!is_file(place->path) || is_there(place))
		return;
	fd = open_file(place->path, &st);
	if (fd < 0)
		return; /* it was told; what is open stays so */
	accesslog_sink_hold(places->sink);
	accesslog_sink_turn(places->sink, kind, fd);
	accesslog_sink_release(places->sink);
	drop(place);
	*place = (struct accesslog_place){place->path, fd, st.st_dev, st.st_ino};
	log_info("accesslog", "opened again path=%s", place->path);
}

void accesslog_places_check(struct accesslog_places *places)
{
	for (int kind = 0; kind < ACCESSLOG_KINDS; kind++)
		check_place(places, (enum accesslog_kind)kind);
}
