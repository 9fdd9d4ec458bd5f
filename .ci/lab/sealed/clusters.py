"""What a kind cluster can be made with, on a machine that has neither Docker with a node image nor a way to one."""

from collections.abc import Mapping

from cluster.build import cache
from cluster.kind import Kind
from cluster.progress import told
from sealed import engine, images
from sealed.images import Names
from sealed.machine import alone, done, release
from sealed.recipe import PROGRAMS

FIRST_PORT = 6443


def usable(environ: Mapping[str, str]) -> tuple[Kind, Names]:
    """Have the engine run and its images made, which takes minutes the first time. Raises Missing.

    To be called by who is alone: two that look for a free port at once find the same.
    """
    here = release(environ)
    engine.start(images.folder(environ), environ)
    names = images.make(here, environ)
    images.programs(environ)
    program = str(cache(environ, PROGRAMS) / "kind")
    return Kind(program, names.node, engine.environment(environ), _configuration), names


def end_if_unused(environ: Mapping[str, str]) -> None:
    """End the engine, unless another checkout has a cluster in it."""
    if not engine.left():
        return
    with alone():
        listing = ("docker", "ps", "--quiet", "--filter", "label=io.x-k8s.kind.cluster")
        if not engine.running() or not done(listing, engine.environment(environ)).strip():
            with told("ending Docker without a network"):
                engine.stop(environ)


def _configuration(environ: Mapping[str, str]) -> str:
    """Where the API server is reached: at the engine's end of our pair of devices, at a port that nobody there has."""
    taken = done(("docker", "ps", "--format", "{{.Ports}}"), environ)
    port = next(port for port in range(FIRST_PORT, FIRST_PORT + 100) if f":{port}->" not in taken)
    return f"""\
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
networking: {{apiServerAddress: {engine.ADDRESS}, apiServerPort: {port}}}
"""
