"""Images as archives that containerd imports, of what the Containerfile says of them: its last stages copy a folder, which
deploy/images/root makes here as there, and set a user and a program."""
import hashlib
import io
import json
import os
import platform
import shlex
import tarfile

from . import process, scenario

CONTAINERFILE = os.path.join(scenario.ROOT, "deploy", "images", "Containerfile")
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def stage(target):
    """What the stage says: {"USER": "65532:65532", "COPY": ["/image/proxy", "/"], …}"""
    found, here = {}, None
    with open(CONTAINERFILE) as f:
        for line in f.read().replace("\\\n", " ").splitlines():
            word, _, rest = line.strip().partition(" ")
            if word == "FROM":
                here = rest.split()[-1]
                if here == target:
                    found["FROM"] = rest.split()[0]
            elif word and not word.startswith("#") and here == target:
                found[word] = rest
    if not found:
        raise AssertionError(f"{CONTAINERFILE} has no stage {target}")
    return found


def ours(t, target, name):
    """The archive of a target of the Containerfile, from the programs under test."""
    says = stage(target)
    copied = shlex.split(says.pop("COPY"))
    t.equal((says.pop("FROM"), copied), ("scratch", ["--from=build", f"/image/{target}", "/"]), f"the stage of {target}")
    exposed = says.pop("EXPOSE", "")
    entry, user = json.loads(says.pop("ENTRYPOINT")), says.pop("USER")
    t.equal(says, {}, f"words of the stage of {target} that are not understood here")
    root = os.path.join(t.directory, "image-" + target)
    done = process.run([os.path.join(scenario.ROOT, "deploy", "images", "root"), t.program(os.path.basename(entry[0])), root], 60)
    t.equal(done.returncode, 0, done.stdout + done.stderr)
    config = {"User": user, "Entrypoint": entry, "ExposedPorts": {f"{port}/tcp": {} for port in exposed.split()}}
    return archive(root, name, config)


def archive(root, name, config):
    """Writes root.tar, as `docker save` would, and returns its path."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        tar.add(root, ".")
    layer = layer.getvalue()
    said = json.dumps({"architecture": ARCHITECTURES[platform.machine()], "os": "linux", "config": config,
                       "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]}}).encode()
    about = json.dumps([{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]).encode()
    with tarfile.open(root + ".tar", "w") as tar:
        for member, content in (("config.json", said), ("layer.tar", layer), ("manifest.json", about)):
            info = tarfile.TarInfo(member)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return root + ".tar"
