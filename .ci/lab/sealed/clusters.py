"""A kind cluster on a machine that neither has a node image in Docker nor can pull one."""

from collections.abc import Mapping

from cluster.build import cache
from cluster.kind import Kind
from cluster.progress import reported
from sealed import engine, images
from sealed.images import Names
from sealed.machine import machine_lock, release, run_program
from sealed.recipe import PROGRAMS

FIRST_PORT = 6443


def usable(environ: Mapping[str, str]) -> tuple[Kind, Names]:
    """Start the engine and build its images, which takes minutes the first time. Raises Missing.

    The caller must hold the machine lock: two runs that look for a free port at once would find the same.
    """
    here = release(environ)
    engine.start(images.folder(environ), environ)
    names = images.make(here, environ)
    images.programs(environ)
    program = str(cache(environ, PROGRAMS) / "kind")
    return Kind(program, names.node, engine.environment(environ), _configuration), names


def end_if_unused(environ: Mapping[str, str]) -> None:
    """Stop the engine, unless another checkout has a cluster in it."""
    if not engine.left():
        return
    with machine_lock():
        listing = ("docker", "ps", "--quiet", "--filter", "label=io.x-k8s.kind.cluster")
        if not engine.running() or not run_program(listing, engine.environment(environ)).strip():
            with reported("ending Docker without a network"):
                engine.stop(environ)


def _configuration(environ: Mapping[str, str]) -> str:
    """Where the API server is reached: at the engine's end of our veth pair, at a port that is free there."""
    taken = run_program(("docker", "ps", "--format", "{{.Ports}}"), environ)
    port = next(port for port in range(FIRST_PORT, FIRST_PORT + 100) if f":{port}->" not in taken)
    return f"""\
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
networking: {{apiServerAddress: {engine.ADDRESS}, apiServerPort: {port}}}
"""
