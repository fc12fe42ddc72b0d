"""The images' root file systems are whole and hold nothing else: the programs serve in them, read-only, as a user without any right."""
import os
import shutil

from harness import process, scenario, wait

BUILD = "release"
USER = 65532
PROGRAMS = ("weirlock-controller", "weirlock-proxy", "weirctl")
# in a mount namespace of its own: $1 is the root, then pairs of what is mounted where, then -- and the program
ENTER = """set -e
root=$1; shift
mount --bind "$root" "$root"
while [ "$1" != -- ]; do mount --bind "$1" "$root$2"; shift 2; done
shift
mount -t tmpfs -o uid=65532,gid=65532,mode=0700 state "$root/var/lib/weirlock"
mount -o remount,ro,bind "$root"
exec setpriv --no-new-privs --bounding-set=-all,+setuid,+setgid,+sys_chroot chroot --userspec=65532:65532 "$root" "$@"
"""


def run(t):
    if os.geteuid() != 0:
        t.skip("mounts and another user need root")
    c = t.cluster()
    c.route("a.test", t.backend("b"))
    readable(c.manifests)
    places = {name: make_root(t, name) for name in PROGRAMS}
    port, inspect = wait.free_port(), wait.free_port()
    controller = enter(t, places, "weirlock-controller", {c.manifests: "/tmp", identity(t, "controller"): "/etc/weirlock/identity"},
                       "--manifests", "/tmp", "--configmap", "ingress/controller", "--listen", f"tcp://127.0.0.1:{port}", "--admin", "127.0.0.1:0",
                       "--identity", "/etc/weirlock/identity", "--state-dir", "/var/lib/weirlock")
    proxy = enter(t, places, "weirlock-proxy", {identity(t, "proxy"): "/etc/weirlock/identity", hosts(t, places): "/etc/hosts"},
                  "--controller", f"tcp://controller.test:{port}",  # a name, as in a cluster
                  "--identity", "/etc/weirlock/identity", "--http", "127.0.0.1:0", "--https", "127.0.0.1:0", "--admin", "127.0.0.1:0",
                  "--inspect", f"tcp://127.0.0.1:{inspect}", "--state-dir", "/var/lib/weirlock", "--workers", "2")
    c.controllers.append(controller)
    c.proxies.append(proxy)
    t.equal(c.until_serves("a.test").get("x-backend"), "b")
    t.equal(c.get("a.test", tls="a.test").status, 200)
    for p in (controller, proxy):
        with open(f"/proc/{p.pid}/status") as status:
            lines = dict(line.split(":", 1) for line in status)
        t.equal((lines["Uid"].split(), lines["CapEff"].strip(), lines["CapBnd"].strip()),
                ([str(USER)] * 4, "0" * 16, "00000000000400c0"), "nothing is left but what was needed to get there")
        with open(f"/proc/{p.pid}/mountinfo") as mounts:
            root = next(line.split() for line in mounts if line.split()[4] == "/")
        t.check("ro" in root[5].split(","), f"the root is read-only: {root}")
    cli = t.own(process.Process("weirctl", wrapped(places, "weirctl", {identity(t, "operator"): "/etc/weirlock/identity"}, (
        "--controller", f"tcp://127.0.0.1:{port}", "--identity", "/etc/weirlock/identity", "status")), t.directory))
    t.equal(cli.wait_end(), 0, cli.err())
    t.contains(cli.out(), "proxy")
    controller.stop()
    proxy.wait_log("controller lost")
    wait.until(lambda: os.path.exists(f"/proc/{proxy.pid}/root/var/lib/weirlock/last-good.sealed"), "the last good snapshot is kept")


def make_root(t, name):
    root = os.path.join(t.directory, "root-" + name)
    done = process.run([os.path.join(scenario.ROOT, "deploy", "images", "root"), t.program(name), root], 60)
    t.equal(done.returncode, 0, done.stdout + done.stderr)
    files = [os.path.join(folder, f)[len(root):] for folder, _, names in os.walk(root) for f in names]
    others = [f for f in files if os.access(root + f, os.X_OK) and not os.path.islink(root + f) and ".so." not in f]
    t.equal(others, ["/usr/bin/" + name], "nothing else can be run")
    for path in files:
        t.check(os.stat(root + path).st_mode & 0o6000 == 0, f"{path} gives no rights")
    size = sum(os.path.getsize(root + f) for f in files)
    t.say(f"{name}: {size / 2**20:.1f} MiB, {sum('.so.' in f for f in files)} libraries")
    return root


def readable(directory):
    """By the user that the programs run as."""
    while len(directory) > 5:  # each folder above is one of the test's own
        os.chmod(directory, os.stat(directory).st_mode | 0o055)
        directory = os.path.dirname(directory)


def identity(t, who):
    """A Secret's volume: readable by the pod's group."""
    to = os.path.join(t.directory, "identity-" + who)
    shutil.copytree(t.identity(who), to)
    for path in [to, *(os.path.join(to, f) for f in os.listdir(to))]:
        os.chown(path, 0, USER)
        os.chmod(path, 0o750 if path == to else 0o440)
    return to


def hosts(t, places):
    """What the kubelet puts into a pod."""
    path = os.path.join(t.directory, "hosts")
    with open(path, "w") as f:
        f.write("127.0.0.1 localhost controller.test\n")
    open(places["weirlock-proxy"] + "/etc/hosts", "w").close()
    return path


def wrapped(places, program, binds, words):
    pairs = [word for pair in binds.items() for word in pair]
    return ["unshare", "--mount", "--", "sh", "-c", ENTER, "sh", places[program], *pairs, "--", "/usr/bin/" + program, *words]


def enter(t, places, program, binds, *words):
    return t.own(process.Process(program, wrapped(places, program, binds, words), t.directory)).wait_ready()
