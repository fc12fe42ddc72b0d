"""Kubernetes objects as dictionaries, as short as a scenario wants to write them."""
import base64
import itertools

_ages = itertools.count()
PREFIX = "nginx.ingress.kubernetes.io/"


def _object(api, kind, name, namespace="default", **rest):
    meta = {"name": name, "namespace": namespace, "creationTimestamp": _time(next(_ages)), "uid": f"{kind}-{namespace}-{name}"}
    if namespace is None:
        del meta["namespace"]
    return {"apiVersion": api, "kind": kind, "metadata": meta, **rest}


def _time(age):
    return f"2024-01-01T{age // 3600:02}:{age // 60 % 60:02}:{age % 60:02}Z"


def ingress_class(name="nginx", controller="k8s.io/ingress-nginx"):
    return _object("networking.k8s.io/v1", "IngressClass", name, None, spec={"controller": controller})


def namespace(name, **labels):
    made = _object("v1", "Namespace", name, None)
    made["metadata"]["labels"] = labels
    return made


def path(path, service, port=80, kind="Prefix"):
    port = {"name": port} if isinstance(port, str) else {"number": port}
    return {"path": path, "pathType": kind, "backend": {"service": {"name": service, "port": port}}}


def ingress(name, host=None, paths="/", service=None, annotations=None, tls=None, namespace="default", rules=None, class_name="nginx",
            **spec):
    """`paths`: "/" or ["/a", …] of `service`, or a list of path(…). `tls`: {secret: [host, …]}. `annotations` without prefix, or
    with one of their own.
    `rules`: {host: paths} in place of one host."""
    if rules is None:
        rules = {host: paths} if service or not isinstance(paths, str) else {}
    body = dict(spec)
    if class_name:
        body["ingressClassName"] = class_name
    if rules:
        body["rules"] = [_rule(h, p, service) for h, p in rules.items()]
    if tls:
        body["tls"] = [{"hosts": list(hosts), "secretName": secret} for secret, hosts in tls.items()]
    made = _object("networking.k8s.io/v1", "Ingress", name, namespace, spec=body)
    if annotations:
        made["metadata"]["annotations"] = {k if "/" in k else PREFIX + k: str(v) for k, v in annotations.items()}
    return made


def _rule(host, paths, service):
    if isinstance(paths, str):
        paths = [paths]
    paths = [path(p, service) if isinstance(p, str) else p for p in paths]
    rule = {"http": {"paths": paths}}
    if host:
        rule["host"] = host
    return rule


def service(name, namespace="default", port=80, **spec):
    return _object("v1", "Service", name, namespace, spec={
        "clusterIP": "10.96.0.1", "ports": [{"name": "http", "port": port, "targetPort": "http", "protocol": "TCP"}], **spec})


def slice_of(service_name, address, namespace="default", number=0, conditions=None, family="IPv4"):
    """One EndpointSlice with one endpoint: its port is the slice's, so each backend of a test gets a slice of its own."""
    host, port = address
    made = _object("discovery.k8s.io/v1", "EndpointSlice", f"{service_name}-{number}", namespace, addressType=family,
                   endpoints=[{"addresses": [host], "conditions": {"ready": True} if conditions is None else conditions}],
                   ports=[{"name": "http", "port": port, "protocol": "TCP"}])
    made["metadata"]["labels"] = {"kubernetes.io/service-name": service_name}
    return made


def secret(name, certificate, namespace="default"):
    return secret_text(name, certificate.cert, certificate.key, namespace)


def secret_text(name, cert, key, namespace="default"):
    return _object("v1", "Secret", name, namespace, type="kubernetes.io/tls",
                   data={"tls.crt": _base64(cert), "tls.key": _base64(key)})


def secret_data(name, namespace="default", **data):
    """Any Secret: keys with underscores stand for the ones with dots (ca_crt)."""
    return _object("v1", "Secret", name, namespace, type="Opaque",
                   data={k.replace("_", "."): _base64(v) for k, v in data.items()})


def configmap(name="controller", namespace="ingress", **data):
    """Keys with underscores stand for the ones with dashes."""
    return _object("v1", "ConfigMap", name, namespace, data={k.replace("_", "-"): str(v) for k, v in data.items()})


def _base64(text):
    return base64.b64encode(text.encode()).decode()
