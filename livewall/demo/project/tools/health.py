"""Start the installed service on a free port, ask for its health and a greeting, stop it: `health.py COMMAND`."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from urllib.request import urlopen


def main(command: str) -> int:
    service = subprocess.Popen([command, "--port", "0"], stdout=subprocess.PIPE, text=True)
    try:
        assert service.stdout is not None
        said = service.stdout.readline().strip()
        print(said)
        found = re.search(r"http://\S+/", said)
        if found is None:
            print("the service did not start")
            return 1
        with urlopen(f"{found[0]}?name=Livewall", timeout=10) as answer:
            print(answer.read().decode())
        with urlopen(f"{found[0]}health", timeout=10) as answer:
            health = json.load(answer)
        print(json.dumps(health))
        return 0 if health["status"] == "ok" and health["greeted"] == 1 else 1
    finally:
        service.terminate()
        service.communicate(timeout=10)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
