"""A question to a SPARQL endpoint over HTTP: what the command line uses beside a running node."""

import json

import httpx

from app.errors import BadQuery, Busy, NotAcceptable, QueryRefused, QueryStopped, RequestError, StoreUnavailable, Text

TIMEOUT_S = 60.0
_ERRORS: dict[int, type[RequestError]] = {403: QueryRefused, 406: NotAcceptable}


def ask(url: str, query: str, accept: str, timeout_s: float = TIMEOUT_S, language: str = "fr") -> tuple[str, bytes]:
    """Return the media type and the body of the answer to `query`.

    Raises BadQuery, QueryRefused, QueryStopped, NotAcceptable or Busy, with the endpoint's own sentence in `language` where it has one,
    and StoreUnavailable when nobody answers.
    """
    headers = {"Accept": accept, "Content-Type": "application/sparql-query", "Accept-Language": language}
    try:
        response = httpx.post(url, content=query.encode(), headers=headers, timeout=timeout_s, trust_env=False)
    except httpx.HTTPError as error:
        raise StoreUnavailable(Text(f"{url} ne répond pas : {error}", f"{url} does not answer: {error}")) from error
    if response.is_success:
        return response.headers.get("content-type", "").partition(";")[0].strip(), response.content
    raise _refusal(response)


def _refusal(response: httpx.Response) -> RequestError:
    """Return the error that an answer stands for, in the endpoint's words."""
    try:
        problem = json.loads(response.content)
        slug, said = str(problem.get("type", "")), str(problem.get("detail") or problem.get("title"))
    except (ValueError, AttributeError):
        slug, said = "", f"HTTP {response.status_code}"
    text = Text(said, said)
    by_slug: tuple[type[RequestError], ...] = (BadQuery, QueryRefused, QueryStopped, NotAcceptable)
    named = next(
        (kind for kind in by_slug if slug.endswith(kind.slug)),
        _ERRORS.get(response.status_code, QueryStopped if response.is_server_error else BadQuery),
    )
    return Busy(text) if slug.endswith(Busy.slug) or response.status_code == 429 else named(text)
