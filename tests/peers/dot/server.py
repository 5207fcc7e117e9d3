"""django-oauth-toolkit: rotation with a grace period and reuse protection, both set by the environment.

GRACE   seconds in which a used refresh token still answers with the same new pair (default 0)
REUSE   1: a used refresh token outside the grace period ends the whole family (default 1)
CONSENT 1: shows the consent form; 0: the application skips it (default 0)
ISS     1: adds RFC 9207 `iss` to the authorization answer (default 0)
PLAIN_403 1: the API answers a bad token with a bare 403, the package's default;
        0: with 401 and WWW-Authenticate (default 0)
"""

import os
import shutil
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))
import peer  # noqa: E402

FOLDER = tempfile.mkdtemp(prefix="peer-dot-")
GRACE, REUSE = int(os.environ.get("GRACE", "0")), peer.flag("REUSE", "1")
USER, PASSWORD = "alice", "correct-horse-battery"
LOGIN_PAGE = """<!doctype html><html lang="en"><title>Log in</title><h1>Log in</h1>
<form method="post">{% csrf_token %}{{ form.as_p }}<input type="hidden" name="next" value="{{ next }}">
<button type="submit">Log in</button></form></html>"""


def configure(origin):
    """Settings of a Django project that is nothing but the authorization server."""
    from django.conf import settings

    settings.configure(
        SECRET_KEY="for a test peer only, never for anything else",
        DEBUG=False,
        ALLOWED_HOSTS=["127.0.0.1", "localhost"],
        ROOT_URLCONF="__main__",
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        LOGIN_URL="/login/",
        LOGGING_CONFIG=None,
        # The default hasher spends 0.1 s on every client secret; this is a test peer.
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
            "oauth2_provider",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "OPTIONS": {
                    "context_processors": ["django.template.context_processors.request"],
                    "loaders": [
                        ("django.template.loaders.locmem.Loader", {"login.html": LOGIN_PAGE}),
                        "django.template.loaders.app_directories.Loader",
                    ],
                },
            }
        ],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": str(Path(FOLDER) / "db.sqlite3"),
                # A deferred transaction that turns into a write fails at once when two meet.
                "OPTIONS": {"timeout": 30, "transaction_mode": "IMMEDIATE"},
            }
        },
        OAUTH2_PROVIDER={
            "PKCE_REQUIRED": True,
            "ROTATE_REFRESH_TOKEN": True,
            "REFRESH_TOKEN_GRACE_PERIOD_SECONDS": GRACE,
            "REFRESH_TOKEN_REUSE_PROTECTION": REUSE,
            "ACCESS_TOKEN_EXPIRE_SECONDS": peer.ACCESS_TOKEN_SECONDS,
            "SCOPES": {"read": "Read things", "write": "Change things"},
            "DEFAULT_SCOPES": ["read"],
            "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": peer.flag("ISS", "0"),
        },
    )


def urlpatterns():
    from django.contrib.auth.views import LoginView
    from django.http import JsonResponse
    from django.urls import include, path
    from oauth2_provider.decorators import protected_resource
    from oauth2_provider.urls import metadata_urlpatterns

    @protected_resource(scopes=["read"], advertise_metadata=not peer.flag("PLAIN_403", "0"))
    def me(request):
        return JsonResponse({"id": str(request.resource_owner.pk), "name": request.resource_owner.username})

    return [
        path("login/", LoginView.as_view(template_name="login.html")),
        path("api/me", me),
        path("", include(metadata_urlpatterns)),
        path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
    ]


def start(origin):
    configure(origin)
    import django

    django.setup()
    from django.core.management import call_command
    from django.core.wsgi import get_wsgi_application

    call_command("migrate", verbosity=0)
    from django.contrib.auth import get_user_model
    from oauth2_provider.models import get_application_model

    get_user_model().objects.create_user(USER, "alice@example.com", PASSWORD)
    application = get_application_model().objects.create(
        name="Keybearer tests",
        client_id=peer.CLIENT_ID,
        client_secret=peer.CLIENT_SECRET,
        client_type="confidential",
        authorization_grant_type="authorization-code",
        redirect_uris=" ".join(peer.REDIRECT_URIS) or origin + "/no-redirect-uri-given",
        skip_authorization=not peer.flag("CONSENT", "0"),
    )

    def add_redirect_uri(uri):
        application.redirect_uris += " " + uri
        application.save(update_fields=["redirect_uris"])

    sys.modules["__main__"].urlpatterns = urlpatterns()
    paths = {"token": "/o/token/", "revoke": "/o/revoke_token/", "api": "/api/me"}
    return get_wsgi_application(), paths, add_redirect_uri, ready(origin)


def ready(origin):
    return {
        "peer": "django-oauth-toolkit",
        "version": version("django-oauth-toolkit"),
        "issuer": origin + "/o",
        "iss_supported": peer.flag("ISS", "0"),
        "refresh_class": "grace_same" if GRACE else ("strict_family" if REUSE else "strict_single"),
        "grace_seconds": GRACE,
        "authorize_url": origin + "/o/authorize/",
        "token_url": origin + "/o/token/",
        "revoke_url": origin + "/o/revoke_token/",
        "userinfo_url": origin + "/api/me",
        "client_id": peer.CLIENT_ID,
        "client_secret": peer.CLIENT_SECRET,
        "client_auth": "client_secret_basic",
        "scopes": ["read", "write"],
        "login": {"username": USER, "password": PASSWORD},
    }


peer.serve(start, at_exit=lambda: shutil.rmtree(FOLDER, ignore_errors=True))
