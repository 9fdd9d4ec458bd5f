# One image for the operator and for the pretend array.
#   docker build -t flashsystem-operator:0.1.0 .
# Another base: any with Python 3.11 or later and glibc, and one with its venv module to build on, of the same family:
#   docker build --build-arg BASE=... --build-arg BUILD_BASE=... .
# Without a network: wheels of requirements/image.txt and requirements/build.txt in the folder wheels/, and
#   docker build --build-arg PIP_OPTIONS="--no-index --find-links=/wheels" .
# Nothing in here needs BuildKit.
# The digest is that of the index of all architectures. A newer base: `docker buildx imagetools inspect python:TAG`.
ARG BASE=python:3.11.14-slim-bookworm@sha256:65a93d69fa75478d554f4ad27c85c1e69fa184956261b4301ebaf6dbb0a3543d
ARG BUILD_BASE=${BASE}

# The package as a wheel: building needs hatchling, running does not.
FROM ${BUILD_BASE} AS wheel
ARG PIP_OPTIONS=""
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /source
# The second name makes the folder optional: a pattern that nothing matches is no error beside a file that is there.
COPY requirements/build.txt wheel[s] /wheels/
RUN python3 -m venv /build \
    && /build/bin/pip install ${PIP_OPTIONS} --require-hashes --only-binary=:all: --requirement /wheels/build.txt
COPY pyproject.toml README.md LICENSE ./
COPY operator operator
RUN /build/bin/pip wheel --no-index --no-build-isolation --no-deps --wheel-dir /dist .

# What runs: an environment without pip, filled by a pip from outside of it. Dependencies first: they change less.
# Byte code is made of all but the Kubernetes client's thousands of modules for each kind of object there is (41 MB). Of
# those the few that are used get theirs by being imported here: without it, each start would compile them anew.
FROM ${BUILD_BASE} AS environment
ARG PIP_OPTIONS=""
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY requirements/image.txt wheel[s] /wheels/
RUN python3 -m venv /build \
    && python3 -m venv --without-pip /opt/operator \
    && /build/bin/pip --python /opt/operator/bin/python install ${PIP_OPTIONS} \
        --no-compile --require-hashes --only-binary=:all: --requirement /wheels/image.txt \
    && /opt/operator/bin/python -m compileall -q -x 'kubernetes/(aio/)?client/(api|models)/' /opt/operator/lib \
    && PYTHONDONTWRITEBYTECODE= /opt/operator/bin/python -c \
        'from kubernetes.aio.client import ApisApi, CoordinationV1Api, CoreV1Api, CustomObjectsApi'
COPY --from=wheel /dist /dist
RUN /build/bin/pip --python /opt/operator/bin/python install --no-index --no-deps /dist/*.whl \
    && /opt/operator/bin/flashsystem-operator --help > /dev/null

FROM ${BASE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="flashsystem-operator" \
      org.opencontainers.image.description="Keeps block volumes of IBM FlashSystem arrays attached to iSCSI hosts" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=environment /opt/operator /opt/operator
# The root file system is read-only there: nothing to write byte code into. Log lines leave at once.
ENV PATH=/opt/operator/bin:${PATH} PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
# By number: Kubernetes cannot see that a name is not root.
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["flashsystem-operator"]
CMD ["run"]
