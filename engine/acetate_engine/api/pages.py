"""`/docs`: the API described for a browser, by files of this machine alone.

The token stands in the page, so scripts of another host have no place there, and the machine may have no network.
"""

from __future__ import annotations

from urllib.parse import quote

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

_HEADERS = {
    "Content-Security-Policy": "default-src 'self' 'unsafe-inline' data:",  # its one script of its own stands inline
    "Referrer-Policy": "no-referrer",
}


def add_pages(app: FastAPI) -> None:
    """`GET /docs?token=TOKEN`, and below it what the page loads."""

    @app.get("/docs", include_in_schema=False)
    async def docs(token: str = "") -> HTMLResponse:
        query = f"?token={quote(token)}"
        page = get_swagger_ui_html(
            openapi_url=f"/openapi.json{query}",
            title=app.title,
            swagger_js_url=f"/docs/swagger-ui-bundle.js{query}",
            swagger_css_url=f"/docs/swagger-ui.css{query}",
            swagger_favicon_url=f"/docs/favicon.png{query}",
        )
        page.headers.update(_HEADERS)
        return page

    app.mount("/docs", StaticFiles(packages=[("fastapi_offline", "static")]))
