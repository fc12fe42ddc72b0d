/* A duration falls into the first bucket that is not below it; buckets are printed summed up. */
#include "check.h"
#include "propagation.h"

#include <stdio.h>

static void check_line(const struct buf *text, const char *line)
{
	if (!CHECK(str_find_str(buf_str(text), str_from(line)) < text->len))
		fprintf(stderr, "no line: %s", line);
}

int main(void)
{
	struct propagation p = {0};
	struct buf text = {0};

	check_case("buckets");
	propagation_note(&p, PROPAGATION_BUILT, 1000); /* a bound belongs to its bucket */
	propagation_note(&p, PROPAGATION_BUILT, 1001);
	propagation_note(&p, PROPAGATION_ACKED, 31000000); /* above all */
	propagation_metrics(&p, &text);
	check_line(&text, "weirlock_propagation_seconds_bucket{stage=\"built\",le=\"0.001\"} 1\n");
	check_line(&text, "weirlock_propagation_seconds_bucket{stage=\"built\",le=\"0.0025\"} 2\n");
	check_line(&text, "weirlock_propagation_seconds_bucket{stage=\"built\",le=\"30\"} 2\n");
	check_line(&text, "weirlock_propagation_seconds_bucket{stage=\"built\",le=\"+Inf\"} 2\n");
	check_line(&text, "weirlock_propagation_seconds_sum{stage=\"built\"} 0.002001\n");
	check_line(&text, "weirlock_propagation_seconds_count{stage=\"sent\"} 0\n");
	check_line(&text, "weirlock_propagation_seconds_bucket{stage=\"acked\",le=\"30\"} 0\n");
	check_line(&text, "weirlock_propagation_seconds_bucket{stage=\"acked\",le=\"+Inf\"} 1\n");
	buf_deinit(&text);
	return check_done();
}
