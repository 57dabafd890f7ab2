"""Tests the API of the program in the variable `CONNECTIONS_BIN` against its own OpenAPI document.

`--long` sends many more requests; `--seed NUMBER` sends others. Any other argument is passed to schemathesis.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

from world import World

HERE = pathlib.Path(__file__).resolve().parent
EXAMPLES = {"short": 40, "long": 500}


def main(arguments):
    extent = "long" if "--long" in arguments else "short"
    rest = [argument for argument in arguments if argument != "--long"]
    with tempfile.TemporaryDirectory(prefix="connections-api-") as home:
        world = World(os.environ["CONNECTIONS_BIN"], home)
        try:
            env = {
                **os.environ,
                "CONNECTIONS_API_WORLD": json.dumps(world.seed()),
                "SCHEMATHESIS_HOOKS": "hooks",
                "PYTHONPATH": str(HERE),
                "PYTHONDONTWRITEBYTECODE": "1",
            }
            program = [str(pathlib.Path(sys.executable).with_name("schemathesis")), "--no-color"]
            run = [*program, "--config-file", str(HERE / "schemathesis.toml"), "run"]
            run += [f"{world.url}/api/v1/openapi.json", "--max-examples", str(EXAMPLES[extent]), *rest]
            done = subprocess.run(run, env=env, cwd=home)
            faults = [line for line in world.said().splitlines() if "ERROR" in line or "panicked" in line]
        finally:
            world.stop()
    if faults:
        raise SystemExit("the server reports:\n" + "\n".join(faults[:20]))
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
