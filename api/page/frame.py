"""What the pages have in common: the frame around them, and the headers that they are sent with."""

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
        "img-src 'self'",
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


def page(name: str, *, title: str, status: int = 200, **values: str) -> HTMLResponse:
    """The page `name` with its values put in. They are HTML; `title` is text.

    Pages say what they say in both languages by way of `static/i18n.js`; the script of the same name runs them.
    """
    main = Template((TEMPLATES / f"{name}.html").read_text(encoding="utf-8")).substitute(values)
    frame = Template((TEMPLATES / "frame.html").read_text(encoding="utf-8"))
    return HTMLResponse(
        frame.substitute(main=main, name=name, title=escape(title)), status_code=status, headers=HEADERS
    )
