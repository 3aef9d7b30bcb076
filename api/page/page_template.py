"""The frame around every page, and the headers of pages and static files."""

from html import escape
from pathlib import Path
from string import Template

from fastapi.responses import HTMLResponse

TEMPLATES = Path(__file__).parent / "templates"

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",  # pictures that a script has fetched with a key
        "connect-src 'self'",
        "font-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def page(name: str, *, base: str, title: str, status: int = 200, **values: str) -> HTMLResponse:
    """Return the page of the template `name`. `values` are HTML, `title` is text, `base` begins the paths of its links.

    The texts of a page are in `static/i18n.js`, in both languages; the script of a page has the name of its template.
    """
    main = Template((TEMPLATES / f"{name}.html").read_text(encoding="utf-8")).substitute(values, base=base)
    frame = Template((TEMPLATES / "frame.html").read_text(encoding="utf-8"))
    return HTMLResponse(
        frame.substitute(main=main, base=base, name=name, title=escape(title)), status_code=status, headers=HEADERS
    )
