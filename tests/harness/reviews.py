"""What an API server sends to an admission webhook, and a client that asks as it does."""
import http.client
import json
import ssl


def review(operation, new, old=None, **request):
    kind = {"group": "networking.k8s.io", "version": "v1", "kind": "Ingress"}
    return json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002", "kind": kind, "operation": operation, "object": new, "oldObject": old,
        "userInfo": {"username": "admin"}, **request}})


class Asker:
    """Keeps its connection."""

    def __init__(self, address, ca, client=None):
        context = ssl.create_default_context(cafile=ca)
        context.check_hostname = False  # certificates of tests have names, and we ask by address
        if client:
            context.load_cert_chain(client.cert_path, client.key_path)
        self.connection = http.client.HTTPSConnection(*address, context=context, timeout=30)

    def send(self, method, path, body=None, **fields):
        """Status, fields and text."""
        self.connection.request(method, path, body, fields)
        response = self.connection.getresponse()
        return response.status, response.headers, response.read().decode()

    def ask(self, body):
        """The `response` of the AdmissionReview that answers."""
        status, fields, text = self.send("POST", "/validate", body, **{"Content-Type": "application/json"})
        if status != 200:
            raise AssertionError(f"{status}: {text}")
        return json.loads(text)["response"]

    def certificate(self):
        """Of the other end, DER."""
        self.connection.connect()
        return self.connection.sock.getpeercert(binary_form=True)

    def close(self):
        self.connection.close()
