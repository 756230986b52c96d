"""`GET /runbooks`: what to do when an alert fires, served here so that the links of alerts need no internet."""

from html import escape
from pathlib import Path as FilePath
from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import HTMLResponse
from markdown_it import MarkdownIt
from markdown_it.token import Token

from service.api.errors import described
from service.core.errors import NotFound
from service.files import shipped

router = APIRouter(tags=["operation"])

_INDEX = "README"
# Nothing is loaded from anywhere, and nothing runs.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
}
_STYLE = """
:root { color-scheme: light dark }
body { max-width: 54rem; margin: 2rem auto; padding: 0 1rem; font: 16px/1.5 system-ui, sans-serif }
code, pre { font: 14px/1.45 ui-monospace, monospace }
pre { overflow-x: auto; padding: .7rem; border: 1px solid #8886; border-radius: 4px; background: #8881 }
table { border-collapse: collapse }
th, td { padding: .25rem .7rem; border: 1px solid #8886; text-align: left; vertical-align: top }
"""
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>
<style>{style}</style></head>
<body>
{navigation}{content}</body>
</html>
"""


@router.get("/runbooks", summary="What to do when an alert fires", response_class=HTMLResponse)
def get_runbooks() -> HTMLResponse:
    """All alerts, each with a link to its page."""
    return _page(_path(_INDEX), "Runbooks", in_folder="runbooks/")


@router.get(
    "/runbooks/{alert}",
    summary="What to do when this alert fires",
    response_class=HTMLResponse,
    responses=described(404),
)
def get_runbook(
    alert: Annotated[str, Path(description="the name of the alert", examples=["FrontlineBudgetBurning"])],
) -> HTMLResponse:
    """What the alert means, whom it hurts, what to look at, and what helps."""
    if alert == _INDEX:
        raise NotFound("that is no alert; /runbooks lists them")
    return _page(_path(alert), alert)


def _path(name: str) -> FilePath:
    """The file of a page, one of those that there are: no path is made of what was asked for. Raises NotFound."""
    for path in shipped("_data/runbooks", "docs/runbooks").glob("*.md"):
        if path.stem == name:
            return path
    raise NotFound(f"there is no runbook {name}; /runbooks lists those that there are")


def _page(path: FilePath, title: str, in_folder: str = "") -> HTMLResponse:
    """A page as HTML; `in_folder` leads from its address to those of the other pages."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(path.read_text(encoding="utf-8"))
    for token in tokens:
        for link in token.children or ():
            _lead_to_page(link, in_folder)
    content = markdown.renderer.render(tokens, markdown.options, {})
    navigation = "" if in_folder else '<p><a href="../runbooks">Runbooks</a></p>\n'
    return HTMLResponse(
        _PAGE.format(title=escape(title), style=_STYLE, navigation=navigation, content=content), headers=_HEADERS
    )


def _lead_to_page(token: Token, in_folder: str) -> None:
    """Let a link to a file of the folder lead to its page."""
    target = token.attrs.get("href")
    if isinstance(target, str) and target.endswith(".md") and "/" not in target:
        token.attrs["href"] = in_folder + target.removesuffix(".md")
