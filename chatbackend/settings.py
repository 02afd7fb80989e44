"""All settings, from the environment. docs/reference/configuration.md explains each variable."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from redis.backoff import NoBackoff
from redis.retry import Retry

from chatbackend import env
from chatbackend.connections import database, mail_server, redis_database, session_options, unpooled
from chatbackend.explained import tables as explained_tables
from dbperf.aliases import APPLICATION_NAMES, EXPLAIN, MAINTENANCE, MONITOR, SESSIONS
from messaging.languages import STEMMED_LANGUAGES

BASE_DIR = Path(__file__).resolve().parent.parent
LOCAL_FILES = "django.core.files.storage.FileSystemStorage"

# --- Where the environment comes from: the process, then .env, then what `make run` wrote for other terminals.
env.load_file(Path(env.text("CHATBACKEND_ENV_FILE", str(BASE_DIR / ".env"))))
STATE_DIR = Path(env.text("CHATBACKEND_STATE_DIR", str(BASE_DIR / ".embedded")))
CHOSEN = {
    "CHATBACKEND_EMBEDDED",
    "DATABASE_URL",
    "DATABASE_URL_FILE",
    "SECRET_KEY",
    "SECRET_KEY_FILE",
    "DEBUG",
}
if not CHOSEN & os.environ.keys():
    env.load_file(STATE_DIR / "environment")

# --- What kind of process this is
DEBUG = env.boolean("DEBUG", default=False)
EMBEDDED = env.boolean("CHATBACKEND_EMBEDDED", default=False)  # plain http on 127.0.0.1, set by `make run`
PROCESS = env.text("CHATBACKEND_PROCESS", "command", choices=("web", "worker", "command"))
PLAIN_HTTP = DEBUG or EMBEDDED
PORT = env.integer("PORT", 8000, minimum=1, maximum=65535)
DEMO_PASSWORD = env.secret("DEMO_PASSWORD")
CHATBACKEND_PG_BIN = env.text("CHATBACKEND_PG_BIN")

# --- Secrets
SECRET_KEY = env.secret("SECRET_KEY")
if not SECRET_KEY and EMBEDDED:
    SECRET_KEY = env.kept_secret(STATE_DIR / "secret_key")
elif not SECRET_KEY and DEBUG:
    SECRET_KEY = "insecure-and-only-for-debugging-on-this-machine"
elif not SECRET_KEY:
    raise ImproperlyConfigured(
        "SECRET_KEY is required: 50 random characters, in SECRET_KEY or in the file SECRET_KEY_FILE names"
        " (or DEBUG=on while developing, or `make run` for everything on this machine)"
    )

ENCRYPTION_KEYS = env.keys("ENCRYPTION_KEYS")  # the first encrypts, all decrypt; files and messages at rest
ENCRYPT_MESSAGES = env.boolean("ENCRYPT_MESSAGES", default=False)
if ENCRYPT_MESSAGES and not ENCRYPTION_KEYS:
    raise ImproperlyConfigured("ENCRYPT_MESSAGES needs a key: set ENCRYPTION_KEYS, or leave it off")

# --- HTTP
ALLOWED_HOSTS = env.items("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]" if PLAIN_HTTP else "")
SECURE_SSL_REDIRECT = env.boolean("SECURE_SSL_REDIRECT", default=not PLAIN_HTTP)
SECURE_REDIRECT_EXEMPT = [r"^health(/|$)", r"^metrics$"]  # load balancers and Prometheus ask over plain http
if env.boolean("TRUST_X_FORWARDED_PROTO", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = env.integer("SECURE_HSTS_SECONDS", 0 if PLAIN_HTTP else 31_536_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.boolean("SECURE_HSTS_INCLUDE_SUBDOMAINS", default=True)
SECURE_HSTS_PRELOAD = env.boolean("SECURE_HSTS_PRELOAD", default=False)
SILENCED_SYSTEM_CHECKS = ["security.W021"]  # preloading binds a whole domain for years: its owner's decision
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.boolean("COOKIE_SECURE", default=not PLAIN_HTTP)
SESSION_COOKIE_AGE = 12 * 60 * 60  # only the admin has sessions
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "chatbackend.exceptions.csrf_failure"
CSRF_TRUSTED_ORIGINS = env.items("CSRF_TRUSTED_ORIGINS")
CORS_ALLOWED_ORIGINS = env.items("CORS_ALLOWED_ORIGINS")
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_HEADERS = ["accept", "authorization", "content-type", "x-request-id"]
CORS_EXPOSE_HEADERS = ["X-Request-ID", "Retry-After", "RateLimit", "RateLimit-Policy"]
CORS_PREFLIGHT_MAX_AGE = 3600
MAX_BODY_BYTES = env.integer("MAX_BODY_BYTES", 1_048_576, minimum=1024)
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
MAX_ATTACHMENT_BYTES = env.integer("MAX_ATTACHMENT_BYTES", 10_485_760, minimum=1024)
ATTACHMENT_QUOTA_BYTES = env.integer("ATTACHMENT_QUOTA_BYTES", 1_073_741_824)
ATTACHMENT_TYPES = env.items("ATTACHMENT_TYPES")
EXPORT_MAX_BYTES = env.integer("EXPORT_MAX_BYTES", 1_073_741_824)  # of files in one export
EXPORT_KEEP_DAYS = env.integer("EXPORT_KEEP_DAYS", 7, minimum=1, maximum=365)
TRUSTED_PROXIES = env.integer("TRUSTED_PROXIES", 0)  # how many addresses X-Forwarded-For ends with are ours

# --- Django
ROOT_URLCONF = "chatbackend.urls"
WSGI_APPLICATION = "chatbackend.wsgi.application"
ASGI_APPLICATION = "chatbackend.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "conversations.User"
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
INSTALLED_APPS = [
    "chatbackend",
    "rest_framework_simplejwt.token_blacklist",  # before conversations, which takes its pages out of the admin
    "conversations",
    "messaging",
    "webhooks",
    "personal",
    "dbperf",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_celery_beat",
    "corsheaders",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]
MIDDLEWARE = [
    "chatbackend.middleware.RequestContextMiddleware",
    "chatbackend.metrics.requests.MetricsMiddleware",
    "chatbackend.watched.WorkMiddleware",
    "chatbackend.middleware.BodyLimitMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "chatbackend.middleware.ContentSecurityPolicyMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "chatbackend.middleware.AdminMessagesMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

# --- Traces and errors (chatbackend/telemetry): off, unless something is there to take them
OTEL_EXPORTER_OTLP_ENDPOINT = env.url("OTEL_EXPORTER_OTLP_ENDPOINT", schemes=("http", "https"))
OTEL_EXPORTER_OTLP_HEADERS = env.secret("OTEL_EXPORTER_OTLP_HEADERS")
OTEL_TRACES_SAMPLER_ARG = env.number("OTEL_TRACES_SAMPLER_ARG", 0.01, maximum=1.0)
SENTRY_DSN = env.url("SENTRY_DSN", schemes=("http", "https"))
SENTRY_TRACES = env.number("SENTRY_TRACES", 0.0, maximum=1.0)
if OTEL_EXPORTER_OTLP_ENDPOINT and PROCESS == "web":
    MIDDLEWARE.insert(1, "chatbackend.telemetry.traces.TraceMiddleware")  # inside of the request's id

# --- Pages
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
STATIC_URL = "/static/"
STATIC_ROOT = Path(env.text("STATIC_ROOT", str(BASE_DIR / "staticfiles")))
# Files that people send. Another backend, such as one for S3, takes options of its own.
ATTACHMENTS_BACKEND = env.text("ATTACHMENTS_BACKEND", LOCAL_FILES)
ATTACHMENTS_DIR = Path(env.text("ATTACHMENTS_DIR", str(STATE_DIR / "attachments")))
_LOCAL = {"location": ATTACHMENTS_DIR, "file_permissions_mode": 0o600, "directory_permissions_mode": 0o700}
STORAGES = {
    "default": {"BACKEND": LOCAL_FILES},
    "attachments": {
        "BACKEND": ATTACHMENTS_BACKEND,
        "OPTIONS": env.options("ATTACHMENTS_OPTIONS")
        or (_LOCAL if ATTACHMENTS_BACKEND == LOCAL_FILES else {}),
    },
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "chatbackend.storage.HashedStaticFiles"
    },
}
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

# --- PostgreSQL
DATABASE_URL = env.url("DATABASE_URL", schemes=("postgresql", "postgres"))
if not DATABASE_URL and PLAIN_HTTP:
    DATABASE_URL = "postgresql://chatbackend@127.0.0.1:1/make-run-is-not-running"
elif not DATABASE_URL:
    raise ImproperlyConfigured("DATABASE_URL is required: postgresql://user:password@host:5432/name")

DB_POOL = env.boolean("DB_POOL", default=PROCESS == "web")
DB_POOL_MIN = env.integer("DB_POOL_MIN", 5)
DB_POOL_MAX = env.integer("DB_POOL_MAX", 20, minimum=1)
DB_POOL_SUM = env.integer("DB_POOL_SUM", 0) or DB_POOL_MAX
DB_POOL_ACQUIRE = env.seconds("DB_POOL_ACQUIRE", 30_000, minimum_ms=1)
DB_POOL_MAX_WAITING = env.integer("DB_POOL_MAX_WAITING", 100)
DB_POOL_IDLE = env.seconds("DB_POOL_IDLE", 10_000, minimum_ms=1)
DB_POOL_EVICT = env.seconds("DB_POOL_EVICT", 1_000)
DB_CONNECTION_TIMEOUT = env.seconds("DB_CONNECTION_TIMEOUT", 5_000, minimum_ms=1)
DB_STATEMENT_TIMEOUT = env.seconds("DB_STATEMENT_TIMEOUT", 30_000)
DB_QUERY_TIMEOUT = env.seconds("DB_QUERY_TIMEOUT", 30_000)
# A statement that is merely slow is ended by PostgreSQL, which says so; only then is the connection given up.
DB_PATIENCE = DB_QUERY_TIMEOUT + 1 if DB_QUERY_TIMEOUT else None
DB_IDLE_TIMEOUT = env.seconds("DB_IDLE_TIMEOUT", 30_000)
DB_KEEPALIVE = env.boolean("DB_KEEPALIVE", default=True)
DB_KEEPALIVE_IDLE = env.seconds("DB_KEEPALIVE_IDLE", 10_000, minimum_ms=1_000)

DATABASE_OPTIONS: dict[str, Any] = {
    "application_name": f"chatbackend-{PROCESS}",
    "connect_timeout": max(1, round(DB_CONNECTION_TIMEOUT)),
    "keepalives": int(DB_KEEPALIVE),
    "keepalives_idle": round(DB_KEEPALIVE_IDLE),
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": round(DB_QUERY_TIMEOUT * 1000),
    "options": session_options(
        {
            "statement_timeout": round(DB_STATEMENT_TIMEOUT * 1000),
            "idle_in_transaction_session_timeout": round(DB_IDLE_TIMEOUT * 1000),
            "timezone": "UTC",
        }
    ),
    # Parameters travel apart from the statement, so that no message body shows in pg_stat_activity.
    "server_side_binding": True,
}
DATABASE_POOL_OPTIONS: dict[str, Any] = {
    "min_size": DB_POOL_MIN,
    "max_size": DB_POOL_MAX,
    "timeout": DB_POOL_ACQUIRE,
    "max_waiting": DB_POOL_MAX_WAITING,
    "max_idle": DB_POOL_IDLE,
}
DATABASES = {
    "default": {
        **database(
            DATABASE_URL,
            options=DATABASE_OPTIONS | ({"pool": DATABASE_POOL_OPTIONS} if DB_POOL else {}),
        ),
        "CONN_MAX_AGE": 0,
        "DISABLE_SERVER_SIDE_CURSORS": True,  # behind a pooler the next chunk is asked of another session
    }
}
# A streaming replica for hot reads (conversations/replica.py). It is not waited for: the primary can answer as well.
DATABASE_REPLICA_URL = env.url("DATABASE_REPLICA_URL", schemes=("postgresql", "postgres"))
REPLICA_WAIT_S = 1
REPLICA_PATIENCE_S = 3  # for an answer
REPLICA_POOL_OPTIONS = {**DATABASE_POOL_OPTIONS, "timeout": REPLICA_WAIT_S, "patience_s": REPLICA_PATIENCE_S}
if DATABASE_REPLICA_URL:
    DATABASES["replica"] = {
        **database(
            DATABASE_REPLICA_URL,
            options=DATABASE_OPTIONS
            | {
                "connect_timeout": REPLICA_WAIT_S,
                "options": f"{DATABASE_OPTIONS['options']} -c default_transaction_read_only=on",
            }
            | ({"pool": REPLICA_POOL_OPTIONS} if DB_POOL else {}),
        ),
        "CONN_MAX_AGE": 0,
        "DISABLE_SERVER_SIDE_CURSORS": True,
        "TEST": {"MIRROR": "default"},
    }
# The connections of dbperf, the database's own care: by another way to the same database, never pooled.
DB_MONITOR_URL = env.url("DB_MONITOR_URL", schemes=("postgresql", "postgres")) or DATABASE_URL
DB_MAINTENANCE_URL = env.url("DB_MAINTENANCE_URL", schemes=("postgresql", "postgres")) or DATABASE_URL
DB_EXPLAIN_URL = env.url("DB_EXPLAIN_URL", schemes=("postgresql", "postgres"))
DATABASES |= {
    alias: unpooled(url, options=DATABASE_OPTIONS, name=APPLICATION_NAMES[alias], session=SESSIONS[alias])
    for alias, url in (
        (MONITOR, DB_MONITOR_URL),
        (MAINTENANCE, DB_MAINTENANCE_URL),
        (EXPLAIN, DB_EXPLAIN_URL),
    )
    if url
}

# --- Redis: 0 the channel layer, 1 the queue of jobs, 2 the cache
REDIS_URL = env.url("REDIS_URL", "redis://127.0.0.1:6379", schemes=("redis", "rediss"))
REDIS_CACHE_DB = env.integer("REDIS_CACHE_DB", 2)
REDIS_BROKER_DB = 1
REDIS_CHANNELS_DB = 0
CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": redis_database(REDIS_URL, REDIS_CACHE_DB),
        "TIMEOUT": env.seconds("DB_CACHE_DURATION", 30_000),
        "KEY_PREFIX": "chat",
        "OPTIONS": {
            "SERIALIZER": "django_redis.serializers.json.JSONSerializer",  # reading a pickle would run it
            "IGNORE_EXCEPTIONS": True,  # Redis away is slower, and nothing else
            "SOCKET_CONNECT_TIMEOUT": 0.5,
            "SOCKET_TIMEOUT": 0.5,
            # The client's own default waits and retries for seconds before it gives up.
            "CONNECTION_POOL_KWARGS": {"retry": Retry(NoBackoff(), 0)},
        },
    }
}
DJANGO_REDIS_LOG_IGNORED_EXCEPTIONS = True
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {
            "hosts": [
                {
                    "address": redis_database(REDIS_URL, REDIS_CHANNELS_DB),
                    "socket_connect_timeout": 1.0,
                    "health_check_interval": 10,
                }
            ],
            "prefix": "chat",
        },
    }
}
CELERY_BROKER_URL = redis_database(REDIS_URL, REDIS_BROKER_DB)
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "global_keyprefix": "chat:",
    "visibility_timeout": 3600,
    "socket_connect_timeout": 1.0,
    "socket_timeout": 5.0,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_max": 0.1}
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True  # a task may run twice, never not at all
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_SOFT_TIME_LIMIT = 240
CELERY_TASK_TIME_LIMIT = 300
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULER = (
    "django_celery_beat.schedulers:DatabaseScheduler"  # what runs when: chatbackend/schedule.py
)
DJANGO_CELERY_BEAT_TZ_AWARE = True

# --- The database's own care
DB_EXPLAIN_CONTENT = env.boolean("DB_EXPLAIN_CONTENT", default=False)
DB_TRACE = env.boolean("DB_TRACE", default=PROCESS != "command")
DB_SIZE_LIMIT_GB = env.integer("DB_SIZE_LIMIT_GB", 0)
RELEASE = env.text("RELEASE")
DBPERF: dict[str, Any] = {
    "OWN_INDEX_PREFIXES": ["messages_search_recent_"],  # the window indexes of chatbackend/recent_indexes.py
    "EXPLAIN_TABLES": explained_tables(content=DB_EXPLAIN_CONTENT),
    "EXPLAIN_THROTTLE": "chatbackend.explaining.ExplainThrottle",
    "CODE": str(BASE_DIR),
    "PLUMBING": [
        "chatbackend/",
        "conversations/queries/statement.py",
        "conversations/queries/routine.py",
        "messaging/consumers/work.py",
        "manage.py",
    ],
    "RELEASE": RELEASE,
    "LIMIT_BYTES": DB_SIZE_LIMIT_GB * 1024**3,
    "ALERTS": {
        "LEVEL": env.text("ALERT_LEVEL", "warning", choices=("info", "warning", "critical")),
        "MAILS": env.items("ALERT_MAILS"),
        "WEBHOOK_URL": env.url("ALERT_WEBHOOK_URL", schemes=("https", "http") if DEBUG else ("https",)),
        "WEBHOOK_SECRET": env.secret("ALERT_WEBHOOK_SECRET"),
        "WEBHOOK_PRIVATE": env.boolean("ALERT_WEBHOOK_PRIVATE", default=False),
        "WEBHOOK_POST": "chatbackend.outgoing.post",
        "SOCKET": "/ws/staff/alerts",  # chatbackend/staff_alerts.py
    },
}

# --- Webhooks: what happens in conversations, told to addresses that other people choose
WEBHOOK_KEYS = [key for key in map(str.strip, env.secret("WEBHOOK_KEYS").split(",")) if key]
if not WEBHOOK_KEYS and EMBEDDED:
    WEBHOOK_KEYS = [env.kept_secret(STATE_DIR / "webhook_key")]
WEBHOOK_HTTP = env.boolean("WEBHOOK_HTTP", default=False)
WEBHOOK_PORTS = env.ports("WEBHOOK_PORTS", "443")
WEBHOOK_NETWORKS = env.networks("WEBHOOK_NETWORKS")

# --- Mail: alerts of the database
_MAIL = mail_server(env.url("MAIL_URL", "smtp://localhost:25", schemes=("smtp", "smtp+starttls", "smtps")))
EMAIL_HOST, EMAIL_PORT = _MAIL.host, _MAIL.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _MAIL.user, _MAIL.password
EMAIL_USE_TLS, EMAIL_USE_SSL = _MAIL.starttls, _MAIL.tls
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.text("MAIL_FROM", "chatbackend@localhost")

# --- Accounts and tokens
REGISTRATION_OPEN = env.boolean("REGISTRATION_OPEN", default=EMBEDDED)
JWT_SIGNING_KEY = env.secret("JWT_SIGNING_KEY") or SECRET_KEY
CLOCKS_APART_S = 10  # another process, or a provider, may have issued a token "in the future"
SIMPLE_JWT = {
    "ALGORITHM": "HS256",
    "SIGNING_KEY": JWT_SIGNING_KEY,
    "ACCESS_TOKEN_LIFETIME": timedelta(
        seconds=env.integer("ACCESS_TOKEN_SECONDS", 900, minimum=5, maximum=86_400)
    ),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=14),
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
    "USER_ID_CLAIM": "user_id",
    "LEEWAY": CLOCKS_APART_S,
}
JWT_JWK_URL = env.url("JWT_JWK_URL", schemes=("https", "http") if PLAIN_HTTP else ("https",))
JWT_VERIFYING_KEY = env.secret("JWT_VERIFYING_KEY").replace("\\n", "\n")
JWT_ALGORITHMS = env.items("JWT_ALGORITHMS", "RS256,ES256")
JWT_ISSUER = env.text("JWT_ISSUER")
JWT_AUDIENCE = env.text("JWT_AUDIENCE")
JWT_USER_CLAIM = env.text("JWT_USER_CLAIM", "kaha_id")

# --- REST
SOCKET_DRAIN = env.seconds(
    "SOCKET_DRAIN", 1_000 if EMBEDDED else 5_000
)  # for all sockets to be told of the end
RATE_LIMIT_FACTOR = env.number("RATE_LIMIT_FACTOR", 1.0, minimum=0.001)
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["conversations.authentication.AccountAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["chatbackend.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "conversations.schema.ProblemSchema",
    "DEFAULT_METADATA_CLASS": None,  # OPTIONS outside of CORS is answered 405
    "EXCEPTION_HANDLER": "chatbackend.exceptions.problem_response",
    "DATETIME_FORMAT": "%Y-%m-%dT%H:%M:%S.%fZ",
    "NUM_PROXIES": TRUSTED_PROXIES,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Chat backend",
    "DESCRIPTION": "Conversations, messages and the business inbox. Times are UTC; lists are keyset-paginated.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "APPEND_COMPONENTS": {
        "securitySchemes": {
            "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
            "session": {"type": "apiKey", "in": "cookie", "name": "sessionid"},
        }
    },
    "POSTPROCESSING_HOOKS": [],  # the default one invents names for enums and warns where it cannot
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"persistAuthorization": False, "displayRequestDuration": True},
}
SEARCH_LANGUAGE = env.text(
    "SEARCH_LANGUAGE", "english", choices=STEMMED_LANGUAGES
)  # as of `manage.py reindex_search`
METRICS_TOKEN = env.secret("METRICS_TOKEN")  # who may read /metrics; without it this machine alone
RETENTION_DAYS = env.integer("RETENTION_DAYS", 90, minimum=1)  # what was deleted is purged after this
AUDIT_KEEP_DAYS = env.integer("AUDIT_KEEP_DAYS", 365, minimum=0)  # 0: for good
ARCHIVE_AFTER_DAYS = env.integer(
    "ARCHIVE_AFTER_DAYS", 0, minimum=0
)  # of quiet; 0: nothing is archived by itself

# --- Logs: to standard error, each record with its request id
LOG_LEVEL = env.text("LOG_LEVEL", "INFO", choices=("DEBUG", "INFO", "WARNING", "ERROR"))
LOG_FORMAT = env.text("LOG_FORMAT", "text" if PLAIN_HTTP else "json", choices=("text", "json"))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {"()": "chatbackend.logs.TextFormatter"},
        "json": {"()": "chatbackend.logs.JSONFormatter"},
    },
    "filters": {
        "seldom": {"()": "chatbackend.logs.Seldom", "seconds": 60},
        "seldom_together": {"()": "chatbackend.logs.Seldom", "seconds": 60, "together": True},
    },
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT},
        "seldom": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["seldom"]},
        "telemetry": {
            "class": "logging.StreamHandler",
            "formatter": LOG_FORMAT,
            "filters": ["seldom_together"],
        },
    },
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"handlers": [], "propagate": True},
        "django.server": {"handlers": [], "propagate": True},
        "conversations.replica": {"handlers": ["seldom"], "propagate": False},
        "django_redis": {"handlers": ["seldom"], "propagate": False},
        "channels_redis": {"handlers": ["seldom"], "propagate": False},  # tells of each failed attempt
        "celery": {"level": "WARNING"},  # a line for each start of each task says nothing
        "daphne": {"level": "WARNING"},
        "psycopg.pool": {"level": "WARNING"},
        # A collector that is away, and a Sentry.
        "opentelemetry": {"handlers": ["telemetry"], "propagate": False},
        "urllib3": {"handlers": ["telemetry"], "propagate": False},
    },
}
