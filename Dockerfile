# Frontline as an image: pinned packages in a virtual environment, and nothing else on top of Python. It keeps nothing on
# its own disk, so it runs with a read-only root file system; it needs FRONTLINE_DATABASE_URL, and /tmp for several workers.
# To hold the base to a digest: docker build --build-arg BASE=python:3.12.12-slim-bookworm@sha256:… .
ARG BASE=python:3.12.12-slim-bookworm

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_NO_INPUT=1 \
    PIP_ROOT_USER_ACTION=ignore \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONHASHSEED=0
WORKDIR /src

# Packages first: they change less often than the code. What builds the wheel stays in an environment of its own.
COPY requirements/build.txt requirements/server.txt requirements/
RUN python -m venv /build \
    && /build/bin/pip install --require-hashes --only-binary :all: --requirement requirements/build.txt \
    && python -m venv --without-pip /opt/frontline \
    && /build/bin/pip --python /opt/frontline/bin/python install \
        --no-compile --require-hashes --only-binary :all: --requirement requirements/server.txt

COPY pyproject.toml README.md LICENSE NOTICE objectives.yaml ./
COPY docs/runbooks docs/runbooks
COPY migrations migrations
COPY service service
COPY tests/data/january.ndjson.gz tests/data/january.ndjson.gz
# Nothing compiles at run time, so that has to be done here; a hash in place of a time makes the same files each time.
RUN /build/bin/pip wheel --no-deps --no-build-isolation --no-index --wheel-dir /dist . \
    && /build/bin/pip --python /opt/frontline/bin/python install --no-compile --no-deps --no-index /dist/*.whl \
    && python -m compileall -q --invalidation-mode unchecked-hash /opt/frontline/lib

FROM ${BASE}
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Frontline" \
      org.opencontainers.image.description="Service-quality KPIs of stores and call centres, exact and while they happen" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV PATH=/opt/frontline/bin:${PATH} \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# A volume that is first mounted at /etc/frontline gets its owner from here. The base's installer is of no use any more.
RUN groupadd --gid 10001 frontline \
    && useradd --uid 10001 --gid frontline --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin frontline \
    && install --directory --owner frontline --group frontline /etc/frontline \
    && rm -rf /usr/local/bin/pip* /usr/local/lib/python3.*/ensurepip /usr/local/lib/python3.*/site-packages/pip*
COPY --from=build /opt/frontline /opt/frontline
COPY LICENSE NOTICE /usr/share/doc/frontline/

WORKDIR /opt/frontline
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-I", "-c", "import http.client as h; c = h.HTTPConnection('127.0.0.1', 8000, timeout=4); c.request('GET', '/readyz'); raise SystemExit(c.getresponse().status != 200)"]
ENTRYPOINT ["frontline"]
CMD ["serve", "--host", "0.0.0.0"]
