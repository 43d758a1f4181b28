"""The clients that people have, from npm and unchanged, against a running server."""
import os
import pathlib
import shutil
import subprocess
import unittest

from cli import HALCYON, ROOT
from server import Server

SOURCES = ROOT / "tests" / "clients"


def install():
    """A folder with the packages of tests/clients/package-lock.json, beside the program under test."""
    folder = pathlib.Path(HALCYON).resolve().parent / "clients"
    folder.mkdir(exist_ok=True)
    for source in [*SOURCES.glob("*.mjs"), *SOURCES.glob("package*.json"), SOURCES / ".npmrc"]:
        shutil.copy2(source, folder)
    lock, installed = folder / "package-lock.json", folder / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        try:
            done = subprocess.run(["npm", "ci"], cwd=folder, capture_output=True, text=True, timeout=300)
        except subprocess.TimeoutExpired:
            raise unittest.SkipTest("npm ci did not end: no package registry in reach?")
        if done.returncode != 0:
            raise unittest.SkipTest("npm ci failed: " + (done.stderr.strip().splitlines() or ["?"])[-1])
        os.utime(installed)
    return folder


class Clients(unittest.TestCase):
    def test_openai_and_ollama_work_unchanged(self):
        for program in ("node", "npm"):
            if not shutil.which(program):
                self.skipTest(f"there is no {program}")
        folder = install()
        with Server() as server:
            done = subprocess.run(["node", "--test", "--test-reporter=spec", *sorted(p.name for p in folder.glob("*.mjs"))],
                                  cwd=folder, capture_output=True, text=True, timeout=300,
                                  env={**os.environ, "HALCYON_URL": f"http://127.0.0.1:{server.port}"})
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    unittest.main()
