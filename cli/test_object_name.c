/* Names of objects as people write them. */
#include "check.h"
#include "object_name.h"

int main(void)
{
	static const struct {
		const char *word, *namespace_, *want; /* "": refused */
	} cases[] = {
		{"ingress/shop/web", NULL, "Ingress shop/web"},
		{"Ingress/shop/web", "other", "Ingress shop/web"},
		{"ing/web", NULL, "Ingress default/web"},
		{"ingresses/web", "shop", "Ingress shop/web"},
		{"svc/shop/web", NULL, "Service shop/web"},
		{"cm/shop/web", NULL, "ConfigMap shop/web"},
		{"secrets/shop/web", NULL, "Secret shop/web"},
		{"endpointslice/shop/web-1", NULL, "EndpointSlice shop/web-1"},
		{"ingressclass/nginx", NULL, "IngressClass nginx"},
		{"ns/shop", NULL, "Namespace shop"},
		{"ingressclass/shop/nginx", NULL, ""},
		{"ingress", NULL, ""},
		{"ingress/", NULL, ""},
		{"ingress//web", NULL, ""},
		{"ingress/shop/", NULL, ""},
		{"ingress/shop/web/more", NULL, ""},
		{"pod/shop/web", NULL, ""},
		{"s/shop/web", NULL, ""},
		{"service services/shop/web", NULL, ""},
		{"", NULL, ""},
		{"/shop/web", NULL, ""},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct buf out = {0}, error = {0};

		check_case(cases[i].word);
		CHECK_INT(object_name_parse(cases[i].word, cases[i].namespace_, &out, &error), cases[i].want[0] != '\0');
		CHECK_STR(buf_str(&out), str_from(cases[i].want));
		CHECK_INT(error.len == 0, cases[i].want[0] != '\0');
		buf_deinit(&out);
		buf_deinit(&error);
	}
	return check_done();
}
