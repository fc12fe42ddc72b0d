/* weirctl explain client-ip */
#include "explain.h"

int explain_client_ip(struct command_line *line)
{
	(void)line;
	return 0;
}
