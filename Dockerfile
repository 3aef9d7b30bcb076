# The image has the service, its embedding model and the shipped documents. It runs as an unprivileged user, and its
# root may be read-only: it writes only to /data (index, state, keys) and /tmp.

FROM python:3.11-slim-bookworm AS dependencies
# The extras of pyproject.toml that the image has. `sentence-transformers` brings PyTorch, several gigabytes of it unless
# PIP_EXTRA_INDEX_URL names the index of CPU wheels from PyTorch's install page.
ARG EXTRAS="documents,openvino,telemetry,postgres"
# pip's own settings, such as the package index of your network. They are not in the image, only in the build.
ARG PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_FIND_LINKS PIP_TRUSTED_HOST PIP_DEFAULT_TIMEOUT
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /source
COPY pyproject.toml constraints.txt ./
# Without the sources, so that a change of them installs no dependency again. The modules are compiled further down.
RUN touch README.md LICENSE \
    && python -m venv --without-pip /opt/zhiwen \
    && pip --python /opt/zhiwen/bin/python install --no-compile --constraint constraints.txt ".[$EXTRAS]" \
    && pip --python /opt/zhiwen/bin/python uninstall --yes zhiwen
# Remove what never runs here, and the symbols of Milvus Lite for a debugger.
COPY deploy/prune.py ./
# hadolint ignore=DL3008,DL3009
RUN apt-get update \
    && apt-get install --yes --no-install-recommends binutils \
    && strip --strip-unneeded /opt/zhiwen/lib/python3.11/site-packages/milvus_lite/lib/* \
    && /opt/zhiwen/bin/python prune.py

FROM dependencies AS application
WORKDIR /source
COPY README.md LICENSE config.yaml ./
COPY rag rag
COPY ingest ingest
COPY api api
# Compile the modules that a start imports, those of Python included: all of them would take three times the space, and
# a module that is not compiled here is compiled at every start, because the root is read-only then.
RUN pip --python /opt/zhiwen/bin/python install --no-compile --no-deps --prefix /application . \
    && cp -a /application/. /opt/zhiwen \
    && PYTHONPYCACHEPREFIX=/application/pycache /opt/zhiwen/bin/python -P -c "\
import api.cli.main, api.cli.start, api.http.server, rag.chat.openai_compatible, rag.state.engine, rag.store.milvus.client; \
from rag.settings import Settings; \
from rag.wiring import Services; \
Services(Settings()).embedder.embed_query('')"

FROM python:3.11-slim-bookworm
RUN groupadd --gid 10001 zhiwen \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin zhiwen \
    && install --directory --owner=zhiwen --group=zhiwen /data
# Packages of Debian that the image has besides, such as "git openssh-client" for documents from git repositories.
ARG PACKAGES=""
# hadolint ignore=DL3008,SC2086
RUN if [ -n "$PACKAGES" ]; then \
        apt-get update \
        && apt-get install --yes --no-install-recommends $PACKAGES \
        && rm -rf /var/lib/apt/lists/*; \
    fi
COPY --from=dependencies /opt/zhiwen /opt/zhiwen
COPY --from=application /application /opt/zhiwen
COPY knowledge /knowledge
ENV PATH=/opt/zhiwen/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPYCACHEPREFIX=/opt/zhiwen/pycache \
    PYTHONUNBUFFERED=1 \
    ZHIWEN_KNOWLEDGE__PATH=/knowledge \
    ZHIWEN_SERVE__HOST=0.0.0.0 \
    ZHIWEN_SERVE__PORT=8000 \
    ZHIWEN_SERVE__KEYS_FILE=/data/keys.txt
USER 10001:10001
WORKDIR /data
EXPOSE 8000
STOPSIGNAL SIGTERM
# Images in the OCI format, which buildah makes by default, have no health check. docker-compose.yml and
# deploy/kubernetes have their own.
HEALTHCHECK --interval=10s --timeout=5s --start-period=300s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/health/ready', timeout=4)"]
ENTRYPOINT ["zhiwen"]
CMD ["serve"]
