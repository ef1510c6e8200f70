# A service of Weft: docker build -t weft . && docker run -p 8000:8000 -v "$PWD/data:/data" weft
FROM python:3.12-slim AS build
WORKDIR /build
RUN python -m venv /opt/weft && /opt/weft/bin/pip install --no-cache-dir --disable-pip-version-check uv
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY engine engine
COPY graph graph
COPY encoders encoders
# Compiled here, for later nothing is written: without bytecode every start would compile 2,000 modules, for seconds.
RUN /opt/weft/bin/uv pip install --no-cache --compile-bytecode --python /opt/weft/bin/python --constraint constraints.txt .

FROM python:3.12-slim
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin weft
COPY --from=build /opt/weft /opt/weft
# Nothing is written but in /data (artefacts, the log of events, keys) and /tmp, so the rest may be read-only.
ENV PATH=/opt/weft/bin:$PATH HOME=/tmp PYTHONDONTWRITEBYTECODE=1 OMP_WAIT_POLICY=passive
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["weft"]
CMD ["serve", "artefacts/shop", "--host", "0.0.0.0", "--port", "8000", "--keys", "keys.json", "--log-format", "json"]
