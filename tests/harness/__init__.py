"""What scenarios are made of: the real programs, manifests, scripted clients and backends. Python's standard library alone.

    process       a program: ready line, logs, memory, its end
    cluster       controllers, proxies and manifests of one scenario, and waiting for what they become
    manifests     Kubernetes objects as dictionaries
    certificates  keys and certificates by the openssl command
    wire          a client that reads and writes HTTP byte by byte
    records       a TLS client that sees the records
    backend       a server that answers as it is told
    websocket     both ends of a WebSocket
    kubernetes    a real API server, and a cluster of ours that lives on it
    pods          a Kubernetes that runs pods, with what machine, image and dns do for it
    wait          conditions with deadlines
    scenario      what a scenario is given, and running one in a process of its own
    run           running many, two at a time
"""
