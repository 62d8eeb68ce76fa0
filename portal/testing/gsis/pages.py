"""What a browser sees at the stand-in for GSIS: simple Greek pages whose forms are those of the real one."""

from __future__ import annotations

from markupsafe import Markup, escape


def login(context: str, failed: bool) -> str:
    """The page that asks for the codes."""
    wrong = Markup('<p role="alert">Λανθασμένο όνομα χρήστη ή κωδικός πρόσβασης.</p>') if failed else ""
    form = Markup(
        '{wrong}<form action="/{context}/j_spring_security_check" method="post">'
        '<p><label for="u">Όνομα χρήστη</label> <input id="u" name="j_username" autocomplete="username"></p>'
        '<p><label for="p">Κωδικός</label> '
        '<input id="p" name="j_password" type="password" autocomplete="current-password"></p>'
        "<p><button>Σύνδεση</button></p></form>"
    ).format(wrong=wrong, context=context)
    return _page("Αυθεντικοποίηση χρηστών", form)


def one_time_code(context: str, failed: bool) -> str:
    """The page that asks for the one-time code, in the context that has one."""
    wrong = Markup('<p role="alert">Ο κωδικός μίας χρήσης δεν είναι σωστός.</p>') if failed else ""
    form = Markup(
        '{wrong}<form action="/{context}/otp" method="post">'
        '<p><label for="o">Κωδικός μίας χρήσης</label> '
        '<input id="o" name="otp" inputmode="numeric" autocomplete="one-time-code"></p>'
        "<p><button>Επιβεβαίωση</button></p></form>"
    ).format(wrong=wrong, context=context)
    return _page("Κωδικός μίας χρήσης", form)


def consent(context: str, client_id: str) -> str:
    """The page that asks whether the application may read the person's data."""
    form = Markup(
        "<p>Η εφαρμογή <strong>{client_id}</strong> ζητεί τα στοιχεία του μητρώου σας.</p>"
        '<form name="confirmationForm" action="/{context}/oauth/authorize" method="post">'
        '<input type="hidden" name="user_oauth_approval" value="true">'
        '<input type="hidden" name="scope.read" value="true"><button>Αποστολή</button></form>'
        '<form name="denialForm" action="/{context}/oauth/authorize" method="post">'
        '<input type="hidden" name="user_oauth_approval" value="false"><button>Άρνηση</button></form>'
    ).format(context=context, client_id=client_id)
    return _page("Συγκατάθεση", form)


def logged_in() -> str:
    """Shown to whoever logs in without having been sent by an application."""
    return _page("Έχετε συνδεθεί", Markup("<p>Επιστρέψτε στην εφαρμογή σας.</p>"))


def fault(error: str, description: str) -> str:
    """An error that must not be told to the application, because it may be a foreign one."""
    return _page(
        "Σφάλμα", Markup('<p role="alert">error="{}", error_description="{}"</p>').format(error, description)
    )


def maintenance() -> str:
    """What stands there while the real one is being worked on."""
    return _page("Εργασίες συντήρησης", Markup("<p>Η υπηρεσία δεν είναι διαθέσιμη λόγω εργασιών.</p>"))


def _page(title: str, content: Markup) -> str:
    return str(
        Markup(
            '<!DOCTYPE html><html lang="el"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            "<title>{title}</title></head><body><main><h1>{title}</h1>{content}</main></body></html>"
        ).format(title=escape(title), content=content)
    )
