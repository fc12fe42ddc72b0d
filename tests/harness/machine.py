"""A machine that runs pods: containerd, runc and a kubelet in a mount and a PID namespace of their own, within the network namespace
of the case. All that they mount and start goes with the first process in there, whatever ends it; nothing of the host's is written but
cgroups, which are removed at the end, or by the next machine."""
import json
import os
import re
import shutil
import tempfile

from . import process, wait

HERE = os.path.dirname(os.path.abspath(__file__))
CGROUPS = "/sys/fs/cgroup"
PREFIX = "weirlock-test-"
PLUGINS = "/usr/lib/cni"
ZONE = "zone-1"
SOCKET = "/run/containerd.sock"
NEEDED = ("containerd", "ctr", "runc", "iptables", "unshare", "nsenter", "gcc")

# What the kubelet would set for the whole host: it finds a file that has its wish, and leaves the host alone.
TUNABLES = {"vm/overcommit_memory": 1, "vm/panic_on_oom": 0, "kernel/panic": 10, "kernel/panic_on_oops": 1,
            "kernel/keys/root_maxkeys": 1000000, "kernel/keys/root_maxbytes": 25000000}

# $1 is the program that stays as the first process
ENTER = f"""set -e
mount -t proc proc /proc
mount -t tmpfs -o mode=0755,size=2g tmpfs /run
mount -t tmpfs -o mode=0755 tmpfs /var/log
mkdir /run/upper /run/work /run/tunable
mount -t overlay -o lowerdir=/var/lib,upperdir=/run/upper,workdir=/run/work overlay /var/lib
{"".join(f'''if [ -e /proc/sys/{name} ]; then
echo {value} >/run/tunable/{os.path.basename(name)}; mount --bind /run/tunable/{os.path.basename(name)} /proc/sys/{name}
fi
''' for name, value in TUNABLES.items())}echo ready machine=1
exec "$1"
"""

CONTAINERD = """version = 2
root = "/run/containerd-root"
state = "/run/containerd"
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]
[grpc]
address = "{socket}"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{pause}"
disable_apparmor = true
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{plugins}"
conf_dir = "{directory}"
"""
PAUSE = "weirlock.test/pause:1"


def missing():
    """Why this host cannot be such a machine, or None."""
    if os.geteuid() != 0:
        return "pods need root: mounts, cgroups, other users"
    absent = [name for name in NEEDED if not shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")]
    if absent:
        return f"not installed (deploy/packages test): {', '.join(absent)}"
    if not os.path.exists(os.path.join(PLUGINS, "ptp")):
        return f"no CNI plugins in {PLUGINS} (Debian's containernetworking-plugins)"
    if not is_unified() and not os.path.isdir(os.path.join(CGROUPS, "memory")):
        return f"no cgroups at {CGROUPS}"
    for what, script in (
            ("no namespaces for mounts and processes", "true"),
            ("no overlay file system on a tmpfs", "mount -t tmpfs none /run && mkdir /run/a /run/b /run/c /run/d && "
                                                  "mount -t overlay -o lowerdir=/run/a,upperdir=/run/b,workdir=/run/c none /run/d"),
            ("no NAT by iptables", "iptables -t nat -A OUTPUT -p tcp -d 192.0.2.1 -m comment --comment test -m statistic --mode random"
                                   " --probability 0.5 -j DNAT --to-destination 192.0.2.2:80"),
            ("no pairs of network devices", "ip link add name one type veth peer name other")):
        done = process.run(["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script], 30)
        if done.returncode:
            return f"{what}: {done.stderr.strip()}"
    try:
        remove_cgroups(make_cgroups(PREFIX + "0-look"))
    except OSError as error:
        return f"no cgroup can be made: {error}"
    return None


class Machine(process.Process):
    """Its namespaces, and containerd in them."""

    def __init__(self, t, address, pods):
        self.t, self.address = t, address
        sweep()
        self.group = f"{PREFIX}{os.getpid()}-{os.path.basename(tempfile.mktemp(prefix=''))}"
        self.groups = make_cgroups(self.group)
        self.files = os.path.join(t.directory, "machine")
        os.mkdir(self.files)
        pause = build_pause(t)
        super().__init__("machine", ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "sh", "-c", ENTER,
                                     "sh", pause], t.directory)
        t.own(self)
        self.wait_ready()
        with open(f"/proc/{self.pid}/task/{self.pid}/children") as children:
            self.first = int(children.read().split()[0])
        self.write_network(pods)
        self.containerd = self.start("containerd", ["containerd", "--config", self.write("containerd.toml", CONTAINERD.format(
            socket=SOCKET, pause=PAUSE, plugins=PLUGINS, directory=self.files))])
        wait.until(lambda: self.run("ctr", "-a", SOCKET, "version").returncode == 0, "containerd answers", 60, 0.1)
        self.load(os.path.join(t.directory, "image-pause.tar"))

    def write(self, name, text):
        path = os.path.join(self.files, name)
        with open(path, "w") as f:
            f.write(text if isinstance(text, str) else json.dumps(text, indent=1))
        return path

    def write_network(self, pods):
        """Each pod has a pair of devices of its own, so that all it sends passes the rules of kube-proxy."""
        pair = {"type": "ptp", "ipMasq": False, "ipam": {"type": "host-local", "dataDir": "/run/addresses", "ranges": [[{"subnet": pods}]],
                                                         "routes": [{"dst": "0.0.0.0/0"}]}}
        host_ports = {"type": "portmap", "capabilities": {"portMappings": True}, "snat": False}
        self.write("10-pods.conflist", {"cniVersion": "0.4.0", "name": "pods", "plugins": [pair, host_ports]})

    def inside(self, words):
        return ["nsenter", "-t", str(self.first), "-m", "-p", "--", *words]

    def run(self, *words, seconds=120):
        """A command that ends, in there."""
        return process.run(self.inside(words), seconds)

    def start(self, name, words):
        made = process.Process(name, self.inside(words), self.t.directory)
        made.expected_status = None
        made.close = lambda: made.kill() or []  # its child in there goes with the machine
        return self.t.own(made)

    def load(self, archive):
        """An image, as pulled already."""
        done = self.run("ctr", "-a", SOCKET, "-n", "k8s.io", "images", "import", archive)
        if done.returncode:
            raise AssertionError(f"{archive}: {done.stdout}{done.stderr}")
        os.unlink(archive)
        shutil.rmtree(archive[:-len(".tar")])

    def start_kubelet(self, api, name, dns):
        config = {
            "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
            "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": False}, "x509": {"clientCAFile": api._file("ca.crt")}},
            "authorization": {"mode": "AlwaysAllow"},
            "tlsCertFile": api._file("kubelet-server.crt"), "tlsPrivateKeyFile": api._file("kubelet-server.key"),
            "clusterDNS": [dns], "clusterDomain": "cluster.local", "resolvConf": self.write("resolv.conf", f"nameserver {dns}\n"),
            "containerRuntimeEndpoint": "unix://" + SOCKET, "cgroupDriver": "cgroupfs", "cgroupRoot": "/" + self.group, "failCgroupV1": False,
            "failSwapOn": False, "oomScoreAdj": 0, "volumePluginDir": "/run/kubelet/volume-plugins", "podLogsDir": os.path.join(self.files, "pods"),
            "evictionHard": {"memory.available": "1Mi"}, "nodeStatusUpdateFrequency": "5s",
            "syncFrequency": "5s",  # Secrets in volumes are looked at so often
        }
        return self.start("kubelet", [
            api.program, "kubelet", "--config", self.write("kubelet.json", config), "--kubeconfig", api._file("kubelet.kubeconfig"),
            "--hostname-override", name, "--node-labels", "topology.kubernetes.io/zone=" + ZONE, "--node-ip", self.address, "--root-dir", "/run/kubelet", "--cert-dir", "/run/kubelet/pki"])

    def close(self):
        self.kill()
        wait.until(lambda: not os.path.exists(f"/proc/{self.first}"), "the machine's first process has ended")
        remove_cgroups(self.groups)
        return []


def build_pause(t):
    """The program of the pods' first container, and its image."""
    from . import image
    root = os.path.join(t.directory, "image-pause")
    os.mkdir(root)
    program = os.path.join(root, "pause")
    done = process.run(["gcc", "-O1", "-static", "-o", program, os.path.join(HERE, "pause.c")], 60)
    t.equal(done.returncode, 0, done.stderr)
    image.archive(root, PAUSE, {"Entrypoint": ["/pause"]})
    return program


# ------------------------------------------------------------------------------------------------------------------------- cgroups

def is_unified():
    return os.path.exists(os.path.join(CGROUPS, "cgroup.controllers"))


def make_cgroups(name):
    """One in each hierarchy; their paths."""
    if is_unified():
        made = [os.path.join(CGROUPS, name)]
        with open(os.path.join(CGROUPS, "cgroup.controllers")) as f:
            words = " ".join("+" + word for word in f.read().split() if word in ("cpu", "cpuset", "memory", "pids", "io", "hugetlb"))
        os.makedirs(made[0], exist_ok=True)
        for folder in (CGROUPS, made[0]):
            with open(os.path.join(folder, "cgroup.subtree_control"), "w") as f:
                f.write(words)
        return made
    made = [os.path.join(CGROUPS, hierarchy, name) for hierarchy in os.listdir(CGROUPS)
            if os.path.exists(os.path.join(CGROUPS, hierarchy, "cgroup.procs"))]
    for path in made:
        os.makedirs(path, exist_ok=True)
        inherit_cpus(path)
    return made


def inherit_cpus(path):
    """A new cpuset of version 1 is empty, and nothing runs in it."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        if os.path.exists(os.path.join(path, name)):
            with open(os.path.join(os.path.dirname(path), name)) as above, open(os.path.join(path, name), "w") as f:
                f.write(above.read())


def remove_cgroups(paths):
    """Empty ones; a process that was just killed may be in them for a moment."""
    def done():
        for path in paths:
            for folder, _, _ in os.walk(path, topdown=False):
                os.rmdir(folder)
        return True
    wait.until(done, f"the cgroups {paths} are removed", 60)


def sweep():
    """Those of machines that did not come to their end."""
    if not os.path.isdir(CGROUPS):
        return
    for folder in [CGROUPS, *(os.path.join(CGROUPS, name) for name in os.listdir(CGROUPS))]:
        for name in os.listdir(folder) if os.path.isdir(folder) else []:
            owner = re.fullmatch(PREFIX + r"(\d+)-\w+", name)
            if owner and not os.path.exists(f"/proc/{owner.group(1)}"):
                remove_cgroups([os.path.join(folder, name)])
