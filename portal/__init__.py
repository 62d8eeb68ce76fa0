"""Thyrida, the municipal counter by video. `create_app` is the wiring, meant to be read aloud."""

from __future__ import annotations

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from portal.config import Config, load


def create_app(config: Config | None = None) -> Flask:
    """Make the application of one municipality.

    Raises portal.config.ConfigProblems with the complete list when something is misconfigured.
    """
    from portal import (
        db,
        document_store,
        encryption,
        health,
        i18n,
        logs,
        mail,
        mailbox,
        migrations,
        pages,
        plugin_loader,
        security,
        unreadable,
    )
    from portal.appointments import roster
    from portal.certificates import seal
    from portal.people import login, own_pages

    config = config or load()
    app = _flask(config)
    logs.init_app(app)
    unreadable.init_app(app)
    db.init_app(app)
    roster.watch()
    migrations.init_app(app)

    found = plugin_loader.find(config)
    i18n.init_app(app, config, [plugin.translations for plugin in found if plugin.translations])
    security.init_app(app, config)
    encryption.init_app(app, config)
    document_store.init_app(app, config)
    mail.init_app(app, config)
    seal.init_app(config)
    plugin_loader.build(app, found)

    login.init_app(app)
    _introduce_neighbours(app)
    app.register_blueprint(own_pages.blueprint)
    _register_pages(app)
    _register_document_pages(app)
    _register_jobs()

    pages.init_app(app, config)
    health.init_app(app)
    if config.demo:
        mailbox.init_app(app)
    security.finish(app)
    return app


def _flask(config: Config) -> Flask:
    """The bare application of this configuration."""
    app = Flask("portal")
    app.config["PORTAL"] = config
    app.config["PREFERRED_URL_SCHEME"] = config.portal.base_url.split(":")[0]
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=config.portal.proxies, x_proto=config.portal.proxies)  # type: ignore[method-assign]
    app.config["SQLALCHEMY_DATABASE_URI"] = config.database_url
    # Failures of the database are logged without the values.
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"hide_parameters": True}
    return app


def _introduce_neighbours(app: Flask) -> None:
    """What the people's side asks and tells of appointments."""
    from portal.appointments import lifecycle
    from portal.people import neighbours

    told = neighbours.Neighbours(
        lifecycle.held_time, renamed=lifecycle.rename_citizen, joined=lifecycle.change_citizen
    )
    neighbours.init_app(app, told)


def _register_jobs() -> None:
    """The work that is done in workers."""
    from portal.appointments import jobs
    from portal.certificates import verification
    from portal.documents import jobs as document_jobs
    from portal.documents.delivering import following
    from portal.people import jobs as people_jobs
    from portal.points import jobs as points_jobs

    for module in (people_jobs, jobs, document_jobs, following, verification, points_jobs):
        module.register()


def _register_pages(app: Flask) -> None:
    """The citizen's pages, the door, the staff's pages."""
    from portal.appointments import door_pages, interpreter_pages, left_pages, trial_pages
    from portal.appointments.citizen import (
        details_pages,
        earlier_pages,
        moving_pages,
        own_pages,
        service_pages,
        times_pages,
    )
    from portal.appointments.staff import absence_pages, call_pages, case_pages, planning_pages
    from portal.appointments.staff import booking_pages as staff_booking_pages

    for blueprint in (
        service_pages.blueprint,
        times_pages.blueprint,
        own_pages.blueprint,
        moving_pages.blueprint,
        details_pages.blueprint,
        earlier_pages.blueprint,
        door_pages.blueprint,
        left_pages.blueprint,
        trial_pages.blueprint,
        interpreter_pages.blueprint,
        case_pages.blueprint,
        staff_booking_pages.blueprint,
        absence_pages.blueprint,
        planning_pages.blueprint,
        call_pages.blueprint,
    ):
        app.register_blueprint(blueprint)


def _register_document_pages(app: Flask) -> None:
    """The documents: read by citizens, verified by anybody, issued and delivered by the staff."""
    from portal.certificates import verify_pages
    from portal.documents import staff_pages
    from portal.documents.delivering import citizen_pages, correcting_pages, own_documents_pages
    from portal.documents.papers import paper_pages

    for blueprint in (
        citizen_pages.blueprint,
        own_documents_pages.blueprint,
        verify_pages.blueprint,
        staff_pages.blueprint,
        paper_pages.blueprint,
        correcting_pages.blueprint,
    ):
        app.register_blueprint(blueprint)
