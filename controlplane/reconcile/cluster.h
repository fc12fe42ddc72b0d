#ifndef RECONCILE_CLUSTER_H
#define RECONCILE_CLUSTER_H
/* Small clusters for tests, from JSON texts. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "buf.h"
#include "check.h"
#include "reconcile.h"

/* Owned; aborts on what does not parse: the test is wrong then. */
static inline struct object *cluster_object(const char *text)
{
	struct problems problems = {0};
	json_error_t error;
	json_t *json = json_loads(text, 0, &error);
	bool is_other;
	struct object *object = json ? object_from_json(json, STR(""), &problems, &is_other) : NULL;

	if (!object) {
		fprintf(stderr, "bad test object: %s\n%s\n", error.text, text);
		abort();
	}
	json_decref(json);
	problems_deinit(&problems);
	return object;
}

static inline struct object *cluster_class(void)
{
	return cluster_object("{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"IngressClass\",\"metadata\":{\"name\":\"nginx\"},"
			      "\"spec\":{\"controller\":\"k8s.io/ingress-nginx\"}}");
}

/* `annotations`: JSON members, such as "\"a/b\":\"c\"", or "". */
static inline struct object *cluster_ingress(
	const char *name, unsigned day, const char *annotations, const char *host, const char *path, const char *service)
{
	struct buf text = {0};
	struct object *object;

	buf_printf(&text,
		"{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"Ingress\",\"metadata\":{\"name\":\"%s\",\"namespace\":\"default\","
		"\"creationTimestamp\":\"2026-01-%02uT00:00:00Z\",\"annotations\":{%s}},\"spec\":{\"ingressClassName\":\"nginx\","
		"\"rules\":[{\"host\":\"%s\",\"http\":{\"paths\":[{\"path\":\"%s\",\"pathType\":\"Prefix\",\"backend\":"
		"{\"service\":{\"name\":\"%s\",\"port\":{\"number\":80}}}}]}}]}}",
		name, day, annotations, host, path, service);
	object = cluster_object(buf_cstr(&text));
	buf_deinit(&text);
	return object;
}

static inline struct object *cluster_service(const char *name)
{
	struct buf text = {0};
	struct object *object;

	buf_printf(&text,
		"{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"%s\",\"namespace\":\"default\"},"
		"\"spec\":{\"clusterIP\":\"10.96.0.1\",\"ports\":[{\"port\":80,\"targetPort\":8080}]}}",
		name);
	object = cluster_object(buf_cstr(&text));
	buf_deinit(&text);
	return object;
}

static inline struct object *cluster_slice(const char *service, unsigned index, unsigned host_byte)
{
	struct buf text = {0};
	struct object *object;

	buf_printf(&text,
		"{\"apiVersion\":\"discovery.k8s.io/v1\",\"kind\":\"EndpointSlice\",\"metadata\":{\"name\":\"%s-%u\","
		"\"namespace\":\"default\",\"labels\":{\"kubernetes.io/service-name\":\"%s\"}},\"addressType\":\"IPv4\","
		"\"ports\":[{\"port\":8080}],\"endpoints\":[{\"addresses\":[\"10.0.%u.%u\"]},{\"addresses\":[\"10.0.0.9\"]}]}",
		service, index, service, index, host_byte);
	object = cluster_object(buf_cstr(&text));
	buf_deinit(&text);
	return object;
}

static inline struct object *cluster_config_map(const char *data)
{
	struct buf text = {0};
	struct object *object;

	buf_printf(&text,
		"{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"controller\",\"namespace\":\"ingress\"},"
		"\"data\":{%s}}",
		data);
	object = cluster_object(buf_cstr(&text));
	buf_deinit(&text);
	return object;
}

#endif
