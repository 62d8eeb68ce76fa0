"""Which folders are packages; everything else stands in pyproject.toml.

The bundled plugins live in folders of their own and the catalogues beside the code, which the
declarative form cannot say without listing every package by hand.
"""

from pathlib import Path

from setuptools import find_namespace_packages, find_packages, setup

plugin_folders = sorted(folder for folder in Path("plugins").iterdir() if folder.is_dir())
plugin_packages = {
    package: folder / package.replace(".", "/")
    for folder in plugin_folders
    for package in find_packages(str(folder), include=["portal_*"])
}

setup(
    packages=[
        *find_namespace_packages(include=["portal", "portal.*"]),
        "portal.translations",
        *plugin_packages,
    ],
    package_dir={
        "portal.translations": "translations",
        **{name: str(path) for name, path in plugin_packages.items() if "." not in name},
    },
)
