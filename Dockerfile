# One image for every role; the command says which. It runs as an unprivileged user and writes only to /data and /tmp.
FROM python:3.13-slim
WORKDIR /src
COPY pyproject.toml requirements.lock README.md LICENSE ./
COPY config ./config
COPY worker ./worker
# The lock file names every version; the tools for development stay out.
RUN pip install --no-cache-dir --constraint requirements.lock . \
 && rm -rf /src \
 && install -d -o 10001 -g 10001 /data
WORKDIR /desk
USER 10001:10001
VOLUME ["/data"]
ENTRYPOINT ["wirewatch"]
CMD ["--help"]
