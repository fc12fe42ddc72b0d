/* weirctl rollout release: what was quarantined is tried again. */
#include "command.h"

#include <stdio.h>
#include <string.h>

#include "object_name.h"
#include "weirlock/v1/operate.pb-c.h"

enum { ANSWER_MS = 10 * 1000 };

/* "ingress/shop/web", or the name as `weirctl problems` prints it: "Ingress shop/web". */
static bool read_object(struct command_line *line, struct buf *object, struct buf *error)
{
	const char *word = line->args.n > 1 ? line->args.items[1] : "";

	if (!word[0])
		return true;
	if (!strchr(word, ' '))
		return object_name_parse(word, line->namespace_, object, error);
	buf_add(object, str_from(word));
	return true;
}

static int release(struct command_line *line, struct buf *object)
{
	Weirlock__V1__ReleaseRequest request = WEIRLOCK__V1__RELEASE_REQUEST__INIT;
	ProtobufCMessage *answer = NULL;
	char none[] = "";
	int status;

	buf_cstr(object);
	request.object = object->len ? object->ptr : none;
	request.pool = target_pool(&line->target);
	status = target_operate(&line->target, "Release", &request.base, ANSWER_MS, &answer);
	if (status != 0)
		return status;
	output_note(&line->out, "%u resources are tried again", ((const Weirlock__V1__ReleaseResponse *)answer)->n_released);
	protobuf_c_message_free_unpacked(answer, NULL);
	return 0;
}

int command_rollout(struct command_line *line)
{
	struct buf object = {0}, error = {0};
	int status;

	if (!line->args.n || line->args.n > 2 || strcmp(line->args.items[0], "release") != 0)
		return command_fail(EXIT_USAGE, "usage: weirctl rollout release [KIND/NS/NAME] (without one: all that is quarantined)");
	status = read_object(line, &object, &error) ? release(line, &object) : command_fail(EXIT_USAGE, "%s", buf_cstr(&error));
	buf_deinit(&object);
	buf_deinit(&error);
	return status;
}
