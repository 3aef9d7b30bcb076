# The image has the service, its embedding model and the shipped documents. It runs as an unprivileged user, and its
# root may be read-only: it writes only to /data (index, traces) and /tmp.

FROM python:3.11-slim-bookworm AS build
# The address of PyTorch's index of CPU wheels, from its install page. Without it, pip installs the CUDA build on
# x86-64, which works too but is several gigabytes larger.
ARG TORCH_INDEX_URL=""
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /source
RUN python -m venv /opt/zhiwen
COPY constraints.txt ./
RUN if [ -n "$TORCH_INDEX_URL" ]; then \
        /opt/zhiwen/bin/pip install --index-url "$TORCH_INDEX_URL" "$(grep '^torch==' constraints.txt)"; \
    fi
COPY pyproject.toml README.md LICENSE ./
COPY rag rag
COPY ingest ingest
COPY api api
RUN /opt/zhiwen/bin/pip install --constraint constraints.txt '.[documents,openvino,telemetry]'

FROM python:3.11-slim-bookworm
RUN groupadd --gid 10001 zhiwen \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin zhiwen \
    && install --directory --owner=zhiwen --group=zhiwen /data
COPY --from=build /opt/zhiwen /opt/zhiwen
COPY knowledge /knowledge
ENV PATH=/opt/zhiwen/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ZHIWEN_KNOWLEDGE__PATH=/knowledge \
    ZHIWEN_SERVE__HOST=0.0.0.0 \
    ZHIWEN_SERVE__PORT=8000
USER 10001:10001
WORKDIR /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/health/ready', timeout=4)"]
ENTRYPOINT ["zhiwen"]
CMD ["serve"]
