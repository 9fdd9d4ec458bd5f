"""Write manifests/base as one file that needs no checkout: `python -m tools.install_yaml dist/install.yaml`."""

import os
import sys
from pathlib import Path

from cluster.programs import kubectl
from support.rendering import MANIFESTS, text_of

HEAD = """\
# The FlashSystem operator: CRDs, namespace, RBAC, admission policies and Deployment. Generated from manifests/base by
# `make install-yaml`. The line `image:` sets where the image is pulled from.
"""


def write(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEAD + text_of(MANIFESTS / "base", kubectl(os.environ)), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
