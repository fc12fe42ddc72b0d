"""Completion scripts are made from the tables of commands and options: bash loads its own and offers what they hold."""
import subprocess

ASK = 'source /dev/stdin <<<"$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _weirctl; echo "${COMPREPLY[*]}"'
CASES = [
    (["explain", ""], "request client-ip"),
    (["ex"], "explain"),
    (["--proxy-h"], "--proxy-header"),
    (["-o", ""], "table wide json yaml"),
    (["--output", "j"], "json"),
    (["snapshot", "e"], "export"),
    (["completion", ""], "bash zsh fish"),
    (["nothing", "zzz"], ""),
]


def run(t):
    c = t.cluster()
    script = c.weirctl("completion", "bash", of="").stdout
    for words, want in CASES:
        done = subprocess.run(["bash", "-c", ASK, "bash", script, "weirctl", *words], capture_output=True, text=True, timeout=20)
        t.equal((done.stdout.strip(), done.stderr), (want, ""), str(words))
    options = [line.split("--")[1].split()[0].rstrip(",") for line in c.weirctl("--help", of="").stdout.splitlines()
               if line.lstrip().startswith("-") and "--" in line]
    t.equal("proxy-header" in options and "compare" in options, True, str(options))
    for shell, mark in (("bash", "--{}"), ("zsh", "--{}["), ("fish", "-l {} ")):
        text = c.weirctl("completion", shell, of="").stdout + " "
        for option in options:
            t.equal(mark.format(option) in text.replace("\n", " "), True, f"{shell}: --{option}")
