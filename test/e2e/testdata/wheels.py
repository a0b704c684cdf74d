"""Makes wheels of Python projects that Debian has installed, and of what they need: an index for pip that needs no network.

    wheels.py DIRECTORY PACKAGE...
"""
import os
import re
import subprocess
import sys
import zipfile

PLACE = "/usr/lib/python3/dist-packages/"


def dpkg(*args):
    return subprocess.run(["dpkg-query", *args], check=True, capture_output=True, text=True).stdout


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def needs(package, installed):
    """The packages for Python that a package depends on. Of alternatives, those that are installed."""
    words = re.split(r"[,|]", dpkg("--show", "--showformat=${Depends}", package))
    names = {word.split("(")[0].split(":")[0].strip() for word in words}
    return sorted(name for name in names & installed if name.startswith("python3-"))


def project(package):
    """The files of a package below PLACE, and those of its metadata by their names; None if it is no Python project."""
    files = [f for f in dpkg("--listfiles", package).splitlines() if f.startswith(PLACE) and os.path.isfile(f)]
    info = {os.path.basename(f): f for f in files if re.search(r"\.(egg|dist)-info/", f)}
    return (files, info) if info else None


def wheel(directory, package, required):
    """Writes the wheel of a package. https://packaging.python.org/en/latest/specifications/binary-distribution-format/"""
    files, info = project(package)
    metadata = read(info.get("METADATA") or info["PKG-INFO"])
    name, version = (re.search(rf"^{key}: (.*)$", metadata, re.MULTILINE)[1] for key in ("Name", "Version"))
    lines = [line for line in metadata.partition("\n\n")[0].splitlines() if not line.startswith(("Requires-Dist", "Provides-Extra"))]
    stem = f"{re.sub('[-_.]+', '_', name)}-{version}"
    inside = {os.path.relpath(f, PLACE): read_bytes(f) for f in files if f not in info.values()}
    inside[f"{stem}.dist-info/METADATA"] = "\n".join(lines + [f"Requires-Dist: {r}" for r in required]) + "\n"
    inside[f"{stem}.dist-info/WHEEL"] = "Wheel-Version: 1.0\nGenerator: wheels.py\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    if "entry_points.txt" in info:
        inside[f"{stem}.dist-info/entry_points.txt"] = read(info["entry_points.txt"])
    record = f"{stem}.dist-info/RECORD"
    inside[record] = "".join(f"{path},,\n" for path in [*inside, record])
    with zipfile.ZipFile(os.path.join(directory, f"{stem}-py3-none-any.whl"), "w") as archive:
        for path, content in inside.items():
            archive.writestr(path, content)
    return name


def read_bytes(path):
    with open(path, "rb") as file:
        return file.read()


def main(directory, *packages):
    installed = set(dpkg("--show", "--showformat=${Package}\\n").split())
    names = {}  # of the projects, by package

    def add(package):
        if package not in names:
            names[package] = None  # unless it turns out to be a project
            required = [add(p) for p in needs(package, installed)]
            if project(package):
                names[package] = wheel(directory, package, [r for r in required if r])
        return names[package]

    for package in packages:
        add(package)


main(*sys.argv[1:])
