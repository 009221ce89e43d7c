# One image for every role; the command says which. It runs as an unprivileged user and writes only to /data and /tmp.
# It has no Redis of its own, for no role starts one; so `up` wants a REDIS_URL in here.
FROM python:3.13-slim AS build
WORKDIR /src
RUN python -m venv --without-pip /opt/wirewatch
COPY pyproject.toml requirements.lock README.md LICENSE ./
# The lock file names every version, the build's own tools too; those for development stay out.
RUN pip --python /opt/wirewatch/bin/python install --no-cache-dir --constraint requirements.lock setuptools wheel
COPY config ./config
COPY worker ./worker
RUN pip --python /opt/wirewatch/bin/python install --no-cache-dir --constraint requirements.lock --no-build-isolation .

FROM python:3.13-slim
LABEL org.opencontainers.image.title="wirewatch" \
      org.opencontainers.image.description="A news desk's lookout" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/wirewatch /opt/wirewatch
RUN install -d -o 10001 -g 10001 -m 0700 /data
ENV PATH="/opt/wirewatch/bin:$PATH" \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    WIREWATCH_READY=/tmp
WORKDIR /desk
USER 10001:10001
VOLUME ["/data"]
# Whatever role runs in here beats in a file of its name.
HEALTHCHECK --interval=30s --timeout=5s --retries=1 --start-period=5m \
    CMD find "$WIREWATCH_READY" -maxdepth 1 -name "*.ready" -mmin -3 | grep -q .
ENTRYPOINT ["wirewatch"]
CMD ["--help"]
